"""Ask each transform about each of its sites, behind the guards that hold for all of them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import tree_sitter

from gocodemod.engine import edits as algebra
from gocodemod.engine.checkers import Checkers, Place
from gocodemod.engine.match import Match
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.modules import parse_version
from gocodemod.golang.source import Source
from gocodemod.golang.versions import Language
from gocodemod.model import Decision, Fix, Refusal, Site
from gocodemod.progress import Stage
from gocodemod.settings import Settings
from gocodemod.transform import Candidate, Context, Transform

# The contents of a file, by absolute path.
Read = Callable[[str], bytes]


@dataclass(frozen=True)
class Decided:
    """``decisions``: one for each match in order, None where a transform says that it is no site at all.

    ``sources``: the parsed files that some fix touches.
    """

    decisions: tuple[tuple[Match, Decision | None], ...]
    sources: Mapping[str, Source]


def decide(
    matches: Iterable[Match],
    transforms: Iterable[Transform],
    checkers: Checkers,
    settings: Settings,
    read: Read,
    stage: Stage | None = None,
) -> Decided:
    """Decide every match. Suppressed ones are not asked about and come back as None with their flag set.

    ``stage`` is told how many more are decided.
    """
    decider = _Decider({t.name: t for t in transforms}, checkers, settings, read)
    by_file: dict[str, list[Match]] = {}
    for match in matches:
        by_file.setdefault(match.site.path, []).append(match)
    checkers.load(path for path, found in by_file.items() if not all(m.suppressed for m in found))
    decisions: list[tuple[Match, Decision | None]] = []
    for path in sorted(by_file):
        decisions += decider.file(path, by_file[path])
        if stage is not None:
            stage.advance(len(by_file[path]))
    fixes = (decision for _, decision in decisions if isinstance(decision, Fix))
    sources = {change.path: decider.source(change.path) for fix in fixes for change in fix.changes}
    return Decided(tuple(decisions), sources)


@dataclass
class _Decider:
    transforms: Mapping[str, Transform]
    checkers: Checkers
    settings: Settings
    read: Read
    sources: dict[str, Source] = field(default_factory=dict)

    def source(self, path: str) -> Source:
        """A file parsed, once for all sites that look into it."""
        if path not in self.sources:
            self.sources[path] = Source.parse(path, self.read(path))
        return self.sources[path]

    def file(self, path: str, matches: Sequence[Match]) -> list[tuple[Match, Decision | None]]:
        if all(match.suppressed for match in matches):
            return [(match, None) for match in matches]
        refused = self._guard_file(path)
        if refused is not None:
            return [(match, None if match.suppressed else refused) for match in matches]
        place = self.checkers.place(path)
        assert place is not None, "a file that was loaded has a place or an absence"
        source = self.source(path)
        language = self._language(path, place)
        return [(m, None if m.suppressed else self._site(m, source, place, language)) for m in matches]

    def _guard_file(self, path: str) -> Refusal | None:
        """What stands against every edit of the file."""
        absence = self.checkers.absence(path)
        if absence is not None:
            return Refusal(absence.reason, absence.message)
        return None

    def _language(self, path: str, place: Place) -> Language:
        module = self.checkers.modules.module(path).go
        file = parse_version(self.checkers.at(place).file(path).go_version) or module
        return Language(file=file, module=module)

    def _site(self, match: Match, source: Source, place: Place, language: Language) -> Decision | None:
        if match.error:
            # go/parser accepted the file (else its guard would have spoken), so the error is our grammar's.
            return Refusal("grammar-gap")
        transform = self.transforms[match.site.transform]
        if language.file < transform.since:
            needed, have = (".".join(map(str, version)) for version in (transform.since, language.file))
            return Refusal("go-too-old", f"needs Go {needed}, the file is written in Go {have}")
        context = Context(
            facts=self.checkers.at(place),
            language=language,
            source=self.source,
            cadence=self.settings.cadence,
            settings=self.settings.transforms.get(transform.name, {}),
        )
        try:
            node = site_node(transform, source, match.site)
            if node is None:
                return Refusal("changed-on-disk")
            decision = transform.decide(Candidate(match.site, source, node), context)
            if isinstance(decision, Fix):
                self._validate(decision)
            return decision
        except TypesUnavailable as error:
            return Refusal("types-unavailable", str(error))
        except Exception as error:  # one site must not hide all others
            return internal(error)

    def _validate(self, fix: Fix) -> None:
        for change in fix.changes:
            algebra.validate(change.edits, len(self.read(change.path)))


def internal(error: Exception) -> Refusal:
    """The refusal of a site at which this program fails."""
    text = "".join(traceback.format_exception(error)).strip()
    return Refusal("internal-error", f"{type(error).__name__}: {error}", {"exception": text})


def site_node(transform: Transform, source: Source, site: Site) -> tree_sitter.Node | None:
    """The node that a transform found, found again in a newly parsed tree; None if the file is another one now."""
    for node in source.captures(transform.query, "site", ((site.start, site.end),)):
        found = transform.match(source, node)
        if found is not None and (found.start_byte, found.end_byte) == (site.start, site.end):
            return found
    return None
