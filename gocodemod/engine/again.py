"""The passes after the first: what the transforms say of the finished files, which must come to an end.

A transform that wants to edit its own result is not idempotent, a bug of ours. What one transform made possible for
another (a loop that can now be stopped is one that can be joined) is left for the next run, and said; but those runs
must end too, so they are gone through here, unverified and in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gocodemod.engine import edits as algebra
from gocodemod.engine.assemble import Assembler
from gocodemod.engine.decide import Decided
from gocodemod.engine.edits import Proposal
from gocodemod.engine.trace import Trace
from gocodemod.errors import NotIdempotent
from gocodemod.model import Fix, Kind, Outcome, Site

# A fix that makes another one possible, which makes a third one possible: more has not been seen.
_ROUNDS = 4

# A transform's name, a file and an offset in it.
Key = tuple[str, str, int]
# Decides over these contents of files; every other file is as it is on disk.
Look = Callable[[Mapping[str, bytes]], Decided]


@dataclass(frozen=True)
class Pass:
    """One pass: what was kept of it, and the files it made. ``open_sites``: where a fix was offered and not used."""

    assembler: Assembler
    kept: Sequence[Proposal]
    files: Mapping[str, bytes]
    open_sites: frozenset[Key]


def open_sites(outcomes: Iterable[Outcome], others: Iterable[Proposal]) -> frozenset[Key]:
    """Where a fix may still be offered: one was made and not used. ``others``: fixes that were not let in."""
    unused = (Kind.WITHHELD, Kind.CONFLICTED, Kind.ROLLED_BACK)
    lost = {_key(o.site) for o in outcomes if o.kind in unused or (o.kind is Kind.REFUSED and o.fix is not None)}
    return frozenset(lost | {_key(p.site) for p in others})


def look_again(first: Pass, look: Look, offered: Callable[[Fix], bool]) -> Counter[str]:
    """How many more fixes each transform would offer in further runs. Raises NotIdempotent where there is no end."""
    following: Counter[str] = Counter()
    current = first
    for number in range(_ROUNDS):
        again = look(current.files)
        new, still_open = _new(current, again, offered)
        if not new:
            return following
        made_by = {p.site.transform for p in current.kept}
        alone = next((p.site for p in new if made_by == {p.site.transform}), None)
        if alone is not None or number == _ROUNDS - 1:
            raise _ping_pong(alone or new[0].site, current.kept)
        merged = algebra.merge(new)
        built = Assembler(again.sources, current.assembler.gofmt).assemble(merged.kept)
        lost = {_key(p.site) for p, _ in merged.lost} | {_key(loss.proposal.site) for loss in built.lost}
        following.update(p.site.transform for p in new)
        if not built.files:
            return following
        files = {**current.files, **built.files}
        sources = {**again.sources}
        current = Pass(Assembler(sources, current.assembler.gofmt), built.kept, files, still_open | lost)
    return following


def _new(current: Pass, again: Decided, offered: Callable[[Fix], bool]) -> tuple[list[Proposal], frozenset[Key]]:
    """The fixes that were not on offer before, and where those that were now stand."""
    new: list[Proposal] = []
    still_open: set[Key] = set()
    traces: dict[str, Callable[[int], int]] = {}
    edited = set(algebra.paths_of(current.kept))
    for match, decision in again.decisions:
        if not isinstance(decision, Fix) or match.suppressed:
            continue
        path = match.site.path
        if path not in traces:
            traces[path] = _trace(current, path) if path in edited else _same
        if (match.site.transform, path, traces[path](match.site.start)) in current.open_sites or not offered(decision):
            still_open.add(_key(match.site))
        else:
            new.append(Proposal(match.site, decision))
    return new, frozenset(still_open)


def _trace(current: Pass, path: str) -> Callable[[int], int]:
    before = current.assembler.source(path).data
    return Trace(before, current.assembler.edits(path, current.kept), current.files[path]).origin


def _same(offset: int) -> int:
    return offset


def _key(site: Site) -> Key:
    return site.transform, site.path, site.start


def _ping_pong(site: Site, kept: Iterable[Proposal]) -> NotIdempotent:
    here = (p.site.transform for p in kept if any(c.path == site.path for c in p.fix.changes))
    names = sorted({site.transform, *here})
    return NotIdempotent(
        f"{site.path}:{site.line}: {site.transform} wants to edit the result again; nothing was written."
        f" This is a bug in {' or '.join(names)}: leave it out with --ignore, and report it"
    )
