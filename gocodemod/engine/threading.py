"""Sites that were refused for want of a stop signal, looked at again with one brought to them (``gocodemod/thread``).

Plans are laid over the code, all at once, and the transform decides anew over the result; what it then edits is carried back
to the bytes on disk, so that plan and rewrite are one fix. A fix whose context main makes is kept only if main ends with it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gocodemod.analysis.view import View
from gocodemod.engine import decide as deciding
from gocodemod.engine import edits as algebra
from gocodemod.engine.assemble import Assembler
from gocodemod.engine.checkers import Checkers, Place
from gocodemod.engine.decide import Decided, Read
from gocodemod.engine.edits import Mapping as Offsets
from gocodemod.engine.edits import Proposal
from gocodemod.engine.match import Match
from gocodemod.errors import GocodemodError, ToolchainError, TypesUnavailable
from gocodemod.golang.modules import parse_version
from gocodemod.golang.source import Source, is_generated
from gocodemod.golang.versions import Language
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.settings import Settings
from gocodemod.thread import ending
from gocodemod.thread.plan import Plan, World
from gocodemod.thread.planner import Planner
from gocodemod.transform import Transform

# The contents of files that are not as on disk, by path, with the edits that made them.
_Laid = tuple[Mapping[str, bytes], Mapping[str, tuple[Edit, ...]]]


def bring(
    decided: Decided,
    transforms: Sequence[Transform],
    checkers: Checkers,
    settings: Settings,
    read: Read,
    excluded: Callable[[str], bool],
) -> Decided:
    """The decisions, those for want of a signal made again with one. ``excluded``: whether no file of that path is edited."""
    wanting = {t.name: t.threads for t in transforms if t.threads}
    found = {
        index: (match, decision)
        for index, (match, decision) in enumerate(decided.decisions)
        if isinstance(decision, Refusal)
        and not match.suppressed
        and decision.reason in wanting.get(match.site.transform, ())
    }
    if not found or settings.thread_depth == 0:
        return decided
    stage = _Threading(transforms, checkers, settings, read, excluded)
    anew = stage.run(found)
    decisions = [(m, anew.get(i, d)) for i, (m, d) in enumerate(decided.decisions)]
    return Decided(tuple(decisions), {**decided.sources, **stage.sources})


@dataclass(frozen=True)
class _Planned:
    """A plan for one site, as a proposal of its own: ``fix`` holds the plan's edits and nothing else."""

    index: int
    match: Match
    plan: Plan
    place: Place

    @property
    def proposal(self) -> Proposal:
        return Proposal(self.match.site, Fix(self.plan.changes, Level.REVIEW, ""))


@dataclass
class _Threading:
    transforms: Sequence[Transform]
    checkers: Checkers
    settings: Settings
    read: Read
    excluded: Callable[[str], bool]
    sources: dict[str, Source] = field(default_factory=dict)
    _planners: dict[Place, Planner] = field(default_factory=dict)
    _handles: dict[str, Refusal | None] = field(default_factory=dict)

    def run(self, found: Mapping[int, tuple[Match, Refusal]]) -> dict[int, Decision]:
        answers: dict[int, Decision] = {}
        planned: list[_Planned] = []
        for index, (match, refusal) in found.items():
            plan = self._plan(match)
            if isinstance(plan, Plan):
                place = self.checkers.place(match.site.path)
                assert place is not None, "a site with a plan has type facts"
                planned.append(_Planned(index, match, plan, place))
            elif plan is not None:
                answers[index] = _also(refusal, plan)
        try:
            self._decide(planned, answers)
        finally:
            self.checkers.overlay({})
        return answers

    # --- planning ---------------------------------------------------------------------------------------------

    def _plan(self, match: Match) -> Plan | Refusal | None:
        place = self.checkers.place(match.site.path)
        if place is None:
            return None
        if place.env or place.tags or self.checkers.alone(match.site.path):
            return Refusal("other-build-config", "the file is built in another configuration than this machine's")
        planner = self._planners.get(place)
        if planner is None:
            planner = self._planners[place] = Planner(self._world(place))
        transform = next(t for t in self.transforms if t.name == match.site.transform)
        source = self._source(match.site.path)
        node = deciding.site_node(transform, source, match.site)
        view = View.around(source, planner.world.facts, node, self._language(match.site.path)) if node else None
        if view is None:
            return Refusal("no-stop-signal", "the code is in no function, so nothing can hand it a context")
        try:
            plan = planner.plan(view)
            if isinstance(plan, Plan):
                self._lay([Proposal(match.site, Fix(plan.changes, Level.REVIEW, ""))])
        except GocodemodError as error:
            return Refusal("import-name-taken", str(error))
        except Exception as error:  # one site must not hide all others
            return deciding.internal(error)
        return plan

    def _world(self, place: Place) -> World:
        return World(
            self.checkers.at(place),
            self._source,
            self._language,
            self._editable,
            self.settings.thread_depth,
            self.settings.thread_exported,
        )

    def _source(self, path: str) -> Source:
        if path not in self.sources:
            self.sources[path] = Source.parse(path, self.read(path))
        return self.sources[path]

    def _language(self, path: str) -> Language:
        module = self.checkers.modules.module(path).go
        self.checkers.load([path])
        place = self.checkers.place(path)
        file = parse_version(self.checkers.at(place).file(path).go_version) if place is not None else None
        return Language(file=file or module, module=module)

    def _editable(self, path: str) -> Refusal | None:
        name = os.path.basename(path)
        if self.excluded(path):
            return Refusal("other-build-config", f"{name} is excluded from edits")
        if is_generated(self.read(path)) and not self.settings.include_generated:
            return Refusal("other-build-config", f"{name} is generated: it would be written anew without the argument")
        self.checkers.load([path])
        absence = self.checkers.absence(path)
        if absence is not None:
            return Refusal("other-build-config", f"{name}: {absence.message}")
        place = self.checkers.place(path)
        if place is None or place.env or place.tags:
            return Refusal("other-build-config", f"{name} is built in another configuration")
        return None

    # --- deciding ---------------------------------------------------------------------------------------------

    def _decide(self, planned: Sequence[_Planned], answers: dict[int, Decision]) -> None:
        """All plans that go together at once, the others each on its own."""
        merged = algebra.merge(p.proposal for p in planned)
        kept = {p.site for p in merged.kept}
        together = [p for p in planned if p.match.site in kept]
        alone = [p for p in planned if p.match.site not in kept]
        alone += self._round(together, answers)
        for one in alone:
            if self._round([one], answers):
                answers[one.index] = Refusal("internal-error", "the rewrite meets an edit that is not of its own plan")
        self._mains(planned, answers)

    def _mains(self, planned: Sequence[_Planned], answers: dict[int, Decision]) -> None:
        """Keep those fixes whose mains end with their contexts: by themselves, or together with others that are kept."""
        waiting = {p.index: p for p in planned if p.plan.mains and isinstance(answers[p.index], Fix)}
        self.checkers.overlay({})
        for one in list(waiting.values()):
            if (refusal := self._of_mains(one, self._handled)) is not None:
                answers[one.index] = refusal
                del waiting[one.index]
        problems: dict[int, Refusal] = {}
        kept: list[_Planned] = []
        more: list[_Planned] | None = None
        while more is None or (more and waiting):
            more = []
            for one in list(waiting.values()):
                others = [k for k in kept if set(k.plan.mains) & set(one.plan.mains)]
                problem = self._main_goes_on(one, _made([*others, one], answers))
                if problem is not None:
                    problems[one.index] = problem
                    continue
                answers |= _bound([one], others, answers)
                more.append(waiting.pop(one.index))
            kept += more
        # What is left may wait for each other: all of one main, or none.
        by_mains: dict[tuple[str, ...], list[_Planned]] = {}
        for one in waiting.values():
            by_mains.setdefault(one.plan.mains, []).append(one)
        for group in by_mains.values():
            others = [k for k in kept if set(k.plan.mains) & set(group[0].plan.mains)]
            if len(group) > 1 and self._main_goes_on(group[0], _made([*others, *group], answers)) is None:
                answers |= _bound(group, others, answers)
            else:
                answers |= {one.index: problems[one.index] for one in group}

    def _round(self, planned: Sequence[_Planned], answers: dict[int, Decision]) -> list[_Planned]:
        """Decide over these plans laid together. Returned: those whose rewrite meets another plan's edits."""
        if not planned:
            return []
        files, edits = self._lay([p.proposal for p in planned])
        self.checkers.overlay(files)
        moved = [_moved(p.match, edits) for p in planned]
        again = deciding.decide(moved, self.transforms, self.checkers, self.settings, _over(files, self.read))
        by_site = {m.site: decision for m, decision in again.decisions}
        unclear: list[_Planned] = []
        for one, match in zip(planned, moved, strict=True):
            decision = by_site[match.site]
            if isinstance(decision, Fix) and one.plan.against is not None:
                answers[one.index] = replace(one.plan.against, evidence={"thread": one.plan.described})
            elif isinstance(decision, Fix):
                whole = self._whole(one, decision, edits)
                if whole is None:
                    unclear.append(one)
                    continue
                answers[one.index] = whole
            elif decision is not None:
                answers[one.index] = replace(decision, evidence={**decision.evidence, "thread": one.plan.described})
            else:
                answers[one.index] = Refusal("no-stop-signal", "with a context at hand this is no site any more")
        return unclear

    def _whole(self, one: _Planned, fix: Fix, laid: Mapping[str, tuple[Edit, ...]]) -> Fix | None:
        """Plan and rewrite as one fix of the files on disk; None where the rewrite meets an edit of another plan."""
        own = self._lay([one.proposal])[1]
        parts: dict[str, FileChange] = {c.path: c for c in one.plan.changes}
        for change in fix.changes:
            mine = own.get(change.path, ())
            there = laid.get(change.path, ())
            plain = parts.get(change.path, FileChange(change.path, ()))
            carried = _carried(there, mine, plain.edits, change.edits, self.read(change.path))
            if carried is None:
                return None
            parts[change.path] = FileChange(
                change.path,
                carried,
                tuple(sorted({*plain.add_imports, *change.add_imports})),
                tuple(sorted({*plain.drop_imports, *change.drop_imports})),
            )
        for path in parts:
            self._source(path)
        evidence = {**fix.evidence, "thread": one.plan.described}
        return replace(fix, changes=tuple(parts[p] for p in sorted(parts)), level=Level.REVIEW, evidence=evidence)

    def _main_goes_on(self, one: _Planned, fixes: Sequence[Proposal]) -> Refusal | None:
        """Why main does not end once its context has, with these fixes made; None if it does."""

        def ask(place: Place, main: str) -> Refusal | None:
            files, _ = self._lay(algebra.merge(fixes).kept)
            self.checkers.overlay(files)
            laid = {path: Source.parse(path, data) for path, data in files.items()}
            world = replace(self._planners[place].world, source=lambda path: laid.get(path) or self._source(path))
            return ending.problem(world, main)

        return self._of_mains(one, ask)

    def _handled(self, place: Place, main: str) -> Refusal | None:
        """Whether a main has its own answer to signals, found out once."""
        if main not in self._handles:
            self._handles[main] = ending.handles_signals(self._planners[place].world, main)
        return self._handles[main]

    def _of_mains(self, one: _Planned, ask: Callable[[Place, str], Refusal | None]) -> Refusal | None:
        """The first refusal that there is for a main of the plan."""
        try:
            refusal = next((r for main in one.plan.mains if (r := ask(one.place, main)) is not None), None)
        except (TypesUnavailable, ToolchainError) as error:
            return Refusal("types-unavailable", str(error))
        except Exception as error:  # one site must not hide all others
            return deciding.internal(error)
        if refusal is None:
            return None
        return replace(refusal, evidence={**refusal.evidence, "thread": one.plan.described})

    def _lay(self, proposals: Sequence[Proposal]) -> _Laid:
        """The files with these proposals made, not laid out, so that offsets can be followed."""
        for path in algebra.paths_of(proposals):
            self._source(path)
        assembler = Assembler(self.sources, lambda data: data)
        edits = {path: assembler.edits(path, proposals) for path in algebra.paths_of(proposals)}
        return {path: algebra.apply(self.read(path), e) for path, e in edits.items()}, edits


def _made(planned: Sequence[_Planned], answers: Mapping[int, Decision]) -> list[Proposal]:
    """The fixes that were decided on for these plans."""
    return [Proposal(p.match.site, fix) for p in planned if isinstance(fix := answers[p.index], Fix)]


def _bound(
    planned: Sequence[_Planned], others: Sequence[_Planned], answers: Mapping[int, Decision]
) -> dict[int, Decision]:
    """The fixes of these plans, each of which needs all of them, and the others."""
    bound: dict[int, Decision] = {}
    for made in _made([*others, *planned], answers):
        needs = tuple(p.match.site for p in (*others, *planned) if p.match.site != made.site)
        one = next((p for p in planned if p.match.site == made.site), None)
        if one is None or not needs:
            continue
        lines = ", ".join(f"{os.path.basename(s.path)}:{s.line}" for s in needs)
        told = {"together": f"main ends only with the fix of {lines}, too"}
        bound[one.index] = replace(made.fix, evidence={**made.fix.evidence, **told}, needs=needs)
    return bound


def _also(refusal: Refusal, plan: Refusal) -> Refusal:
    """Why there is no signal in scope, and why none can be brought."""
    message = f"{refusal.message}; {plan.message}" if plan.reason == refusal.reason else plan.message
    return replace(refusal, reason=plan.reason, message=message)


def _moved(match: Match, edits: Mapping[str, tuple[Edit, ...]]) -> Match:
    offsets = Offsets(edits.get(match.site.path, ()))
    start, end = offsets.to_new(match.site.start), offsets.to_new(match.site.end - 1) + 1
    return replace(match, site=replace(match.site, start=start, end=end))


def _over(files: Mapping[str, bytes], read: Read) -> Read:
    return lambda path: files[path] if path in files else read(path)


def _carried(
    laid: tuple[Edit, ...], mine: tuple[Edit, ...], plan: tuple[Edit, ...], edits: Sequence[Edit], data: bytes
) -> tuple[Edit, ...] | None:
    """``plan`` and then ``edits``, which are made over ``data`` with ``laid`` applied, as edits of ``data``.

    Those that meet some of the plan's become one with them. None where one meets what is not in ``mine``.
    """
    offsets = Offsets(laid)
    ranges = offsets.new_ranges()
    after = algebra.apply(data, laid)
    found: list[Edit] = []
    spans: set[tuple[int, int]] = set()
    for group in _meeting(edits, ranges):
        start, end = group[0].start, max(e.end for e in group)
        met = [i for i, r in enumerate(ranges) if r[0] < end and start < r[1]]
        if any(laid[i] not in mine for i in met):
            return None
        old_start, old_end = offsets.to_old(start), offsets.to_old(end)
        if met and ranges[met[0]][0] <= start:
            start, old_start = ranges[met[0]][0], laid[met[0]].start
        if met and end <= ranges[met[-1]][1]:
            end, old_end = ranges[met[-1]][1], laid[met[-1]].end
        inner = [Edit(e.start - start, e.end - start, e.new) for e in group]
        found.append(Edit(old_start, old_end, algebra.apply(after[start:end], inner)))
        spans |= {(laid[i].start, laid[i].end) for i in met}
    # By their places, for those laid have the file's line endings.
    left = [e for e in plan if (e.start, e.end) not in spans]
    whole = sorted([*left, *found], key=lambda e: (e.start, e.end))
    return tuple(whole) if all(a.end <= b.start for a, b in itertools.pairwise(whole)) else None


def _meeting(edits: Sequence[Edit], ranges: Sequence[tuple[int, int]]) -> list[list[Edit]]:
    """The edits in order, those together that meet the same range, or ranges that another of them meets, too."""
    groups: list[list[Edit]] = []
    reached = -1
    for edit in edits:
        over = [r for r in ranges if r[0] < edit.end and edit.start < r[1]]
        if groups and over and over[0][0] < reached:
            groups[-1].append(edit)
        else:
            groups.append([edit])
            reached = -1
        reached = max([reached, *(r[1] for r in over)])
    return groups
