"""What became of pull requests: a line each for people, an object each for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from gocodemod.deliver.planning import Plan, Status, Verb
from gocodemod.deliver.pullrequests import Pull
from gocodemod.report import style
from gocodemod.report.text import plain

_COLOURS = {
    Status.CREATED: style.GREEN,
    Status.UPDATED: style.GREEN,
    Status.UNCHANGED: style.DIM,
    Status.CLOSED: style.YELLOW,
    Status.DIVERGED: style.RED,
    Status.FAILED: style.RED,
}


def lines(pulls: Sequence[Pull], *, colour: bool = False) -> str:
    """``created gocodemod/sleep-loop/all https://...: 5 sites in 3 files (safe) [gofmt,vet]``, a line each."""
    return "".join(f"{_line(pull, colour)}\n" for pull in pulls)


def _line(pull: Pull, colour: bool) -> str:
    parts = [style.paint(f"{pull.status:9}", _COLOURS[pull.status], colour), pull.branch]
    if pull.url:
        parts.append(plain(pull.url))
    if change := pull.change:
        sites = f"{_plural(len(change.sites), 'site')} in {_plural(len(change.files), 'file')}"
        parts.append(f"{sites} ({change.level}) [{change.verified}]")
    why = f": {plain(pull.why)}" if pull.why else ""
    return f"{' '.join(parts)}{why}"


def calls(plan: Plan) -> str:
    """Every write of a plan, a line each, in the order in which it would happen."""
    told = []
    for step in plan.steps:
        number = f" #{step.pull.number}" if step.pull else ""
        for verb in step.verbs:
            if verb is Verb.PUSH:
                lease = f"where it is {step.tip[:12]}" if step.tip else "where there is none"
                told.append(f"would push {step.push[:12]} to {step.branch}, {lease}")
            elif verb is Verb.CREATE:
                told.append(f"would create a pull request from {step.branch}: {plain(step.title)}")
            else:
                told.append(f"would {verb}{number or f' for {step.branch}'}")
    return "".join(f"{line}\n" for line in told)


def closing(pulls: Sequence[Pull], held: Sequence[str], *, dry_run: bool) -> str:
    """``3 pull requests: 2 created, 1 unchanged; 4 held back by --max-open``."""
    counts = Counter(pull.status for pull in pulls)
    told = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
    kept = f"; {len(held)} held back by --max-open" if held else ""
    nothing = " (nothing was written: --dry-run)" if dry_run else ""
    return f"{_plural(len(pulls), 'pull request')}{f': {told}' if told else ''}{kept}{nothing}\n"


def documents(pulls: Sequence[Pull], base: str) -> list[dict[str, Any]]:
    """What the schema calls ``pull_requests``."""
    return [
        {
            "branch": pull.branch,
            "status": pull.status.value,
            "number": pull.number,
            "url": pull.url or None,
            "commit": pull.commit or None,
            "base": base,
            "transform": pull.change.transform.name if pull.change else None,
            "level": pull.change.level.value if pull.change else None,
            "verified": pull.change.verified if pull.change else None,
            "sites": [outcome.site.fingerprint for outcome in pull.change.sites] if pull.change else [],
            "calls": [verb.value for verb in pull.verbs],
            "why": pull.why,
        }
        for pull in pulls
    ]


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
