"""The numbers of a run, which add up: every site is counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gocodemod.engine.result import Result
from gocodemod.model import Kind, Level, Outcome

# In this order they are told; of the ones with levels, how many of each are told too.
ORDER = (
    Kind.FIXED,
    Kind.FIXABLE,
    Kind.WITHHELD,
    Kind.REFUSED,
    Kind.REPORTED,
    Kind.SUPPRESSED,
    Kind.CONFLICTED,
    Kind.ROLLED_BACK,
)
_LEVELLED = (Kind.FIXED, Kind.FIXABLE)


@dataclass(frozen=True)
class Summary:
    """``outcomes``: sites by kind, in order, only those there are.

    ``levels``: fixes made or offered, by level; ``changed``: files with any of those. ``reasons``: sites by (kind,
    reason), most frequent first.
    """

    sites: int
    outcomes: dict[Kind, int]
    levels: dict[Level, int]
    reasons: dict[tuple[Kind, str], int]
    files: int
    changed: int
    skipped: dict[str, int]


def summarize(result: Result) -> Summary:
    """Count."""
    kinds = Counter(o.kind for o in result.outcomes)
    levels = Counter(o.level for o in result.outcomes if o.kind in _LEVELLED)
    reasons = Counter((o.kind, o.reason) for o in result.outcomes if o.reason)
    return Summary(
        sites=len(result.outcomes),
        outcomes={kind: kinds[kind] for kind in ORDER if kinds[kind]},
        levels={level: levels[level] for level in Level if levels[level]},
        reasons=dict(sorted(reasons.items(), key=lambda item: (ORDER.index(item[0][0]), -item[1], item[0][1]))),
        files=result.files,
        changed=len({o.site.path for o in result.outcomes if o.kind in _LEVELLED}),
        skipped=dict(sorted(result.skipped.items())),
    )


def line(summary: Summary) -> str:
    """``42 sites: 20 fixable (15 safe, 5 review), 3 withheld, 18 refused, 1 suppressed; 120 files, 3 skipped``."""
    parts = []
    for kind, count in summary.outcomes.items():
        levels = f" ({_listed((n, level) for level, n in summary.levels.items())})" if kind in _LEVELLED else ""
        parts.append(f"{count} {kind}{levels}")
    skipped = sum(summary.skipped.values())
    files = f"{_plural(summary.files, 'file')}, {skipped} skipped" if skipped else _plural(summary.files, "file")
    return f"{_plural(summary.sites, 'site')}{': ' if parts else ''}{', '.join(parts)}; {files}"


def reason_lines(summary: Summary) -> list[str]:
    """``refused: 12 no-stop-signal, 6 barrier``, one line for each kind that has reasons."""
    kinds = dict.fromkeys(kind for kind, _ in summary.reasons)
    return [
        f"{kind}: {_listed((n, reason) for (of, reason), n in summary.reasons.items() if of is kind)}" for kind in kinds
    ]


def skipped_line(summary: Summary) -> str:
    """``skipped: 12 vendor, 3 generated``; empty if nothing was."""
    return f"skipped: {_listed((n, cause) for cause, n in summary.skipped.items())}" if summary.skipped else ""


def verification(outcome: Outcome) -> str:
    """How much was checked, for sites that have a fix made or offered; else empty."""
    return outcome.verification.value if outcome.kind in _LEVELLED else ""


def _listed(counts: Iterable[tuple[int, str]]) -> str:
    return ", ".join(f"{count} {what}" for count, what in counts)


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
