"""The way through the house: discover, match, decide, merge, build, verify, look again, and say how each site ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gocodemod import registry
from gocodemod.engine import decide as deciding
from gocodemod.engine import edits as algebra
from gocodemod.engine import match as matching
from gocodemod.engine import memory, threading
from gocodemod.engine.again import Key, Pass, look_again, open_sites
from gocodemod.engine.assemble import Assembler, Loss
from gocodemod.engine.checkers import Checkers
from gocodemod.engine.discover import Discovery, GoFile, discover, is_excluded
from gocodemod.engine.edits import Proposal
from gocodemod.engine.match import Match
from gocodemod.engine.result import Changed, Result
from gocodemod.engine.verify import Verified, verify
from gocodemod.errors import ToolchainError
from gocodemod.golang import toolchain as go
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, Fix, Kind, Level, Outcome, Refusal, Site, Verification
from gocodemod.needles import Needles
from gocodemod.progress import NullProgress, Progress
from gocodemod.settings import Settings
from gocodemod.transform import Transform


def run(
    paths: Sequence[str],
    settings: Settings,
    *,
    write: bool,
    progress: Progress | None = None,
    transforms: Sequence[Transform] | None = None,
    remembered: bool = False,
) -> Result:
    """Find every site below ``paths`` and decide, build and verify what is to become of it. Writes no file.

    ``write``: the caller is going to write ``Result.changed`` (outcomes say ``fixed``, else ``fixable``).
    ``transforms``: those to use instead of what ``settings`` selects from the registry.
    ``remembered``: a result of the same code, settings and toolchain may be given again, without ``changed``.
    The result does not depend on ``settings.jobs``. Raises UsageError, NotIdempotent, and ToolchainError where a
    toolchain that was named does not work.
    """
    chosen = tuple(registry.selected(settings) if transforms is None else transforms)
    told = progress or NullProgress()
    found = discover(paths, settings, *_needles(chosen))
    toolchain, missing = _toolchain(settings)
    name = memory.key(found, settings, chosen, toolchain) if remembered else None
    if name is not None and (again := memory.recall(name)) is not None:
        return again
    with Checkers(settings, toolchain, missing, found.root) as checkers:
        turn, matches = _turn(found, settings, chosen, checkers, told, write)
        if toolchain is None and matches:
            turn.notes.append(f"nothing is verified: {missing}")
        decisions = turn.decide(matches)
        outcomes, changed = turn.settle(decisions, decisions.proposals)
        notes = (*found.notes, *turn.notes, *checkers.notes)
        blind = checkers.blind
    ordered = _balanced((*decisions.undone, *outcomes), decisions.sites)
    result = Result(found.root, ordered, changed, found.total, found.skipped, tuple(dict.fromkeys(notes)), blind)
    if name is not None and not result.notes and not blind:
        # What a note tells of (imports not found, say) may have been put right by the next time.
        memory.remember(name, result)
    return result


def run_apart(
    paths: Sequence[str],
    settings: Settings,
    key: Callable[[Proposal], str],
    *,
    progress: Progress | None = None,
    transforms: Sequence[Transform] | None = None,
    root: str | None = None,
) -> Apart:
    """As ``run``, but the fixes are told apart by ``key``, and each set is built and verified without the others.

    Sets whose fixes make the same edit somewhere (the signature that two sites need changed) become one, by the first name.

    ``root``: what paths are shown, and sites named, relative to; else as ``run`` finds it.
    Raises as ``run`` does, and ToolchainError where there is no toolchain, or it can say nothing of any file: nothing
    unverified is set apart.
    """
    chosen = tuple(registry.selected(settings) if transforms is None else transforms)
    told = progress or NullProgress()
    found = discover(paths, settings, *_needles(chosen))
    found = replace(found, root=root or found.root)
    toolchain = go.find(settings.go)
    with Checkers(settings, toolchain, "", found.root) as checkers:
        turn, matches = _turn(found, settings, chosen, checkers, told, write=True)
        decisions = turn.decide(matches)
        if checkers.blind:
            raise ToolchainError(f"nothing can be decided: {checkers.blind}")
        sets: dict[str, list[Proposal]] = {}
        for proposal in decisions.proposals:
            sets.setdefault(key(proposal), []).append(proposal)
        sets = joined(sets)
        results = {}
        for name in sorted(sets):
            outcomes, changed = turn.settle(decisions, sets[name])
            results[name] = Result(found.root, _ordered(outcomes), changed, len(changed), {}, tuple(turn.notes))
            turn.notes.clear()
            checkers.overlay({})
        notes = (*found.notes, *checkers.notes)
    every = (*decisions.undone, *(o for result in results.values() for o in result.outcomes))
    whole = Result(
        found.root, _balanced(every, decisions.sites), (), found.total, found.skipped, tuple(dict.fromkeys(notes))
    )
    return Apart(whole, results)


def _needles(transforms: Sequence[Transform]) -> tuple[list[Needles], list[Needles]]:
    """Those of all transforms, and of those that are about tests."""
    return [t.needles for t in transforms], [t.needles for t in transforms if t.tests]


def _turn(
    found: Discovery,
    settings: Settings,
    transforms: Sequence[Transform],
    checkers: Checkers,
    progress: Progress,
    write: bool,
) -> tuple[_Turn, Sequence[Match]]:
    matched = matching.match(found.files, transforms, root=found.root, jobs=settings.jobs, progress=progress)
    sites = {m.site.path for m in matched.matches}
    contents = {file.path: file.data for file in found.files if file.path in sites}
    searched = frozenset(file.path for file in found.files)
    turn = _Turn(settings, transforms, checkers, contents, progress, write, found.root, searched)
    turn.only_tests |= {file.path for file in found.files if file.only_tests}
    turn.notes += [f"{path}: not searched: {problem}" for path, problem in matched.failed.items()]
    return turn, matched.matches


def _toolchain(settings: Settings) -> tuple[go.Toolchain | None, str]:
    try:
        return go.find(settings.go), ""
    except ToolchainError as error:
        if settings.go or os.environ.get("GOCODEMOD_GO"):
            # One that was asked for by name is not done without.
            raise
        return None, str(error)


def joined(sets: Mapping[str, list[Proposal]]) -> dict[str, list[Proposal]]:
    """The sets, those as one whose fixes share an edit, or need each other: neither would be whole without the other's."""
    names = {name: name for name in sets}

    def first(name: str) -> str:
        while names[name] != name:
            name = names[name]
        return name

    owner: dict[tuple[str, Edit] | Site, str] = {}
    for name in sorted(sets):
        for proposal in sets[name]:
            shares: list[tuple[str, Edit] | Site] = [proposal.site, *proposal.fix.needs]
            shares += [(change.path, edit) for change in proposal.fix.changes for edit in change.edits]
            for shared in shares:
                low, high = sorted((first(name), first(owner.setdefault(shared, name))))
                names[high] = low
    found: dict[str, list[Proposal]] = {}
    for name in sorted(sets):
        found.setdefault(first(name), []).extend(sets[name])
    return found


@dataclass(frozen=True)
class Apart:
    """``whole``: every site with its outcome, each fix as it went in its own set. ``sets``: each set's run by its key."""

    whole: Result
    sets: Mapping[str, Result]


@dataclass(frozen=True)
class _Decisions:
    """``undone``: outcomes that no edit follows from. ``sites``: all that were found. ``sources``: files that fixes touch."""

    sources: Mapping[str, Source]
    proposals: tuple[Proposal, ...]
    undone: tuple[Outcome, ...]
    sites: tuple[Site, ...]


@dataclass
class _Turn:
    """One run over the sites found in the files ``searched``; edits may go beyond those."""

    settings: Settings
    transforms: Sequence[Transform]
    checkers: Checkers
    contents: dict[str, bytes]
    progress: Progress
    write: bool
    root: str
    searched: frozenset[str]
    notes: list[str] = field(default_factory=list)
    only_tests: set[str] = field(default_factory=set)

    def decide(self, matches: Sequence[Match]) -> _Decisions:
        """What the transforms say of each match."""
        undone: list[Outcome] = []
        proposals: list[Proposal] = []
        with self.progress.stage("decide", len(matches)) as stage:
            decided = deciding.decide(matches, self.transforms, self.checkers, self.settings, self._read, stage)
            decided = threading.bring(
                decided, self.transforms, self.checkers, self.settings, self._read, self._excluded
            )
        # The type checker reads the disk itself: what it says of other bytes than ours is worth nothing.
        changed = {path for path in {m.site.path for m in matches} if self._changed(path)}
        for match, decision in decided.decisions:
            if match.site.path in changed and decision is not None:
                undone.append(_undone(match.site, Refusal("changed-on-disk")))
            elif match.suppressed:
                undone.append(Outcome(match.site, Kind.SUPPRESSED, message=match.suppression))
            elif isinstance(decision, Fix) and self._offered(decision):
                proposals.append(Proposal(match.site, decision))
            elif decision is not None:
                undone.append(_undone(match.site, decision))
        sites = [m.site for m, decision in decided.decisions if m.suppressed or decision is not None]
        return _Decisions(decided.sources, tuple(proposals), tuple(undone), tuple(sites))

    def settle(
        self, decisions: _Decisions, proposals: Sequence[Proposal]
    ) -> tuple[tuple[Outcome, ...], tuple[Changed, ...]]:
        """Merge, build and verify these fixes, without any other, and look at the result again."""
        merged = algebra.merge(proposals)
        outcomes = [_conflicted(loser, winner) for loser, winner in merged.lost]
        assembler = Assembler(decisions.sources, self.checkers.gofmt)
        verified = self._verified_whole(assembler, merged.kept)
        outcomes += [_lost(loss) for loss in verified.lost]
        outcomes += [self._done(p, verified.verification[p.site]) for p in verified.kept]
        changed = tuple(
            Changed(path, decisions.sources[path].data, data) for path, data in sorted(verified.files.items())
        )
        if changed and self.settings.verify:
            others = [p for p in decisions.proposals if p not in verified.kept]
            self._look_again(assembler, verified, open_sites((*decisions.undone, *outcomes), others), changed)
        self.notes += verified.notes
        return tuple(outcomes), changed

    def _read(self, path: str) -> bytes:
        if path not in self.contents:
            with open(path, "rb") as file:
                self.contents[path] = file.read()
        return self.contents[path]

    def _excluded(self, path: str) -> bool:
        return is_excluded(path, self.settings.exclude, self.root)

    def _changed(self, path: str) -> bool:
        try:
            with open(path, "rb") as file:
                return file.read() != self.contents[path]
        except OSError:
            return True

    def _offered(self, fix: Fix) -> bool:
        return fix.level is Level.SAFE or self.settings.level is Level.REVIEW

    def _verified_whole(self, assembler: Assembler, proposals: Sequence[Proposal]) -> Verified:
        """Verified, and none of them without the fixes that it needs."""
        lost: list[Loss] = []
        while True:
            proposals, lacking = algebra.whole(proposals)
            lost += [_without_others(p) for p in lacking]
            verified = self._verified(assembler, proposals)
            lost += verified.lost
            if not algebra.whole(verified.kept)[1]:
                return replace(verified, lost=tuple(lost))
            proposals = verified.kept

    def _verified(self, assembler: Assembler, proposals: Sequence[Proposal]) -> Verified:
        built = assembler.assemble(proposals)
        if not self.settings.verify or not built.kept:
            levels = {p.site: Verification.UNVERIFIED for p in built.kept}
            return Verified(built.kept, built.files, built.lost, levels, ())
        with self.progress.stage("verify", None):
            verified = verify(assembler, self.checkers, built.kept, self.settings.vet_timeout)
        return replace(verified, lost=(*built.lost, *verified.lost))

    def _done(self, proposal: Proposal, verification: Verification) -> Outcome:
        fix = proposal.fix
        kind = Kind.FIXED if self.write else Kind.FIXABLE
        return Outcome(proposal.site, kind, fix.level, "", fix.message, fix.evidence, verification, fix)

    # --- the second pass --------------------------------------------------------------------------------------

    def _look_again(
        self, assembler: Assembler, verified: Verified, offered: frozenset[Key], changed: Sequence[Changed]
    ) -> None:
        """Decide once more over the changed files. Raises NotIdempotent where transforms would never be content."""
        files = {change.path: change.after for change in changed}
        first = Pass(assembler, verified.kept, files, offered)
        with self.progress.stage("second pass", len(changed)):
            following = look_again(first, self._look, self._offered)
        for name, count in sorted(following.items()):
            what = "one more fix" if count == 1 else f"{count} more fixes"
            self.notes.append(f"{name}: {what} once these are applied; run again then")

    def _look(self, files: Mapping[str, bytes]) -> deciding.Decided:
        self.checkers.overlay(files)
        # A fix may edit files that were not searched (tests, other folders): what is there was there before.
        found = (GoFile(path, data, path in self.only_tests) for path, data in files.items() if path in self.searched)
        matches = [m for file in found for m in matching.match_file(file, self.transforms, self.root)]
        read = _over(files, self._read)
        return deciding.decide(matches, self.transforms, self.checkers, self.settings, read)


def _over(files: Mapping[str, bytes], read: deciding.Read) -> deciding.Read:
    return lambda path: files[path] if path in files else read(path)


def _undone(site: Site, decision: Decision) -> Outcome:
    """The outcome of a decision that no edit follows from."""
    if isinstance(decision, Fix):
        return Outcome(site, Kind.WITHHELD, decision.level, "", decision.message, decision.evidence, fix=decision)
    kind = Kind.REPORTED if decision.level is Level.REPORT else Kind.REFUSED
    return Outcome(site, kind, decision.level, decision.reason, decision.message, decision.evidence)


def _conflicted(loser: Proposal, winner: Proposal) -> Outcome:
    message = f"overlaps the fix of {winner.site.transform} at line {winner.site.line}; run again once that is applied"
    return Outcome(loser.site, Kind.CONFLICTED, loser.fix.level, "", message, loser.fix.evidence, fix=loser.fix)


def _lost(loss: Loss) -> Outcome:
    fix = loss.proposal.fix
    level = None if loss.kind is Kind.REFUSED else fix.level
    return Outcome(loss.proposal.site, loss.kind, level, loss.reason, loss.message, fix.evidence, fix=fix)


def _without_others(proposal: Proposal) -> Loss:
    places = ", ".join(f"{os.path.basename(s.path)}:{s.line}" for s in proposal.fix.needs)
    return Loss(proposal, Kind.REFUSED, "needs-another-fix", f"right only with the fix of {places}, which is not made")


def _ordered(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    return tuple(sorted(outcomes, key=lambda o: (o.site.path, o.site.start, o.site.transform)))


def _balanced(outcomes: Iterable[Outcome], sites: Sequence[Site]) -> tuple[Outcome, ...]:
    """Outcomes in their order, one for each site."""
    ordered = _ordered(outcomes)
    expected = sorted(sites, key=lambda s: (s.path, s.start, s.transform))
    assert [o.site for o in ordered] == expected, "every site ends in exactly one outcome"
    return ordered
