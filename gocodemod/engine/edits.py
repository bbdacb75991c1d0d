"""The edit algebra: byte replacements that are checked, applied, merged and mapped; nothing here knows Go.

All offsets are byte offsets into the original bytes. A list of edits is valid when it is sorted and no two
overlap; two edits may touch, and an insertion may stand at the start of the replacement that follows it. Two fixes
may make the same replacement: then it is made once.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gocodemod.errors import EditError
from gocodemod.model import Edit, Fix, Site


def validate(edits: Sequence[Edit], size: int) -> None:
    """Raise EditError unless the edits are in range for ``size`` bytes, sorted, and disjoint."""
    reached = 0
    for edit in edits:
        if not 0 <= edit.start <= edit.end <= size:
            raise EditError(f"edit [{edit.start}, {edit.end}) is out of range for {size} bytes")
        if edit.start < reached:
            raise EditError(f"edit [{edit.start}, {edit.end}) overlaps or precedes one that ends at {reached}")
        reached = edit.end


def apply(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The bytes after all edits. Raises EditError for an invalid list."""
    validate(edits, len(data))
    parts: list[bytes] = []
    reached = 0
    for edit in edits:
        parts += (data[reached : edit.start], edit.new)
        reached = edit.end
    parts.append(data[reached:])
    return b"".join(parts)


def combine(*lists: Iterable[Edit]) -> tuple[Edit, ...]:
    """Several valid lists as one; edits at one place keep the order they are given in, insertions first.

    A replacement that several of them hold is kept once.
    """
    found: list[Edit] = []
    for edit in sorted((e for edits in lists for e in edits), key=lambda e: (e.start, e.end)):
        if not found or edit != found[-1] or edit.start == edit.end:
            found.append(edit)
    return tuple(found)


@dataclass(frozen=True)
class Mapping:
    """Where bytes go under a valid list of edits. Both directions are monotone."""

    edits: tuple[Edit, ...]

    def to_new(self, offset: int) -> int:
        """Where the byte at ``offset`` stands afterwards; for a replaced byte, where its replacement starts."""
        shift = 0
        for edit in self.edits:
            if offset < edit.start:
                break
            if offset < edit.end:
                return edit.start + shift
            shift += len(edit.new) - (edit.end - edit.start)
        return offset + shift

    def to_old(self, offset: int) -> int:
        """Where the new byte at ``offset`` comes from; for an inserted byte, the start of what it replaces."""
        shift = 0
        for edit in self.edits:
            start = edit.start + shift
            if offset < start:
                break
            if offset < start + len(edit.new):
                return edit.start
            shift += len(edit.new) - (edit.end - edit.start)
        return offset - shift

    def new_ranges(self) -> tuple[tuple[int, int], ...]:
        """What each edit occupies in the new bytes, in order (empty for a deletion)."""
        ranges: list[tuple[int, int]] = []
        shift = 0
        for edit in self.edits:
            ranges.append((edit.start + shift, edit.start + shift + len(edit.new)))
            shift += len(edit.new) - (edit.end - edit.start)
        return tuple(ranges)


@dataclass(frozen=True)
class Proposal:
    """A fix and the site it was made for."""

    site: Site
    fix: Fix

    @property
    def order(self) -> tuple[str, int, str, int]:
        """The fixed order in which proposals are let in: by first edit, then by name."""
        path, start = min(
            ((c.path, c.edits[0].start) for c in self.fix.changes if c.edits),
            default=(self.site.path, self.site.start),
        )
        return path, start, self.site.transform, self.site.start


@dataclass
class _Claims:
    """What the kept proposals occupy in one file, sorted by position."""

    edits: list[Edit] = field(default_factory=list)
    owners: list[Proposal] = field(default_factory=list)

    def rival(self, edit: Edit) -> Proposal | None:
        at = bisect.bisect_left(self.edits, (edit.start, edit.end), key=_span)
        for index in range(at - 1, -1, -1):
            if self.edits[index].end < edit.start:
                break
            if _clash(self.edits[index], edit):
                return self.owners[index]
        for index in range(at, len(self.edits)):
            if self.edits[index].start > edit.end:
                break
            if _clash(self.edits[index], edit):
                return self.owners[index]
        return None

    def claim(self, edit: Edit, owner: Proposal) -> None:
        at = bisect.bisect_right(self.edits, (edit.start, edit.end), key=_span)
        self.edits.insert(at, edit)
        self.owners.insert(at, owner)


def _span(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


def _clash(one: Edit, other: Edit) -> bool:
    if one.start == one.end or other.start == other.end:
        # Which of two texts at one point comes first is nobody's to guess, equal texts included:
        # each fix may rely on its own declaration being there.
        return one.start <= other.end and other.start <= one.end
    return one.start < other.end and other.start < one.end and one != other


@dataclass(frozen=True)
class Merged:
    """``kept`` in their fixed order; ``lost`` are those that overlap a kept one, with the one that won."""

    kept: tuple[Proposal, ...]
    lost: tuple[tuple[Proposal, Proposal], ...]


def merge(proposals: Iterable[Proposal]) -> Merged:
    """Let fixes in, in their fixed order; one that overlaps an earlier one in any file loses whole."""
    claims: dict[str, _Claims] = {}
    kept: list[Proposal] = []
    lost: list[tuple[Proposal, Proposal]] = []
    for proposal in sorted(proposals, key=lambda p: p.order):
        rivals = (
            claims[change.path].rival(edit)
            for change in proposal.fix.changes
            if change.path in claims
            for edit in change.edits
        )
        winner = next((rival for rival in rivals if rival is not None), None)
        if winner is not None:
            lost.append((proposal, winner))
            continue
        kept.append(proposal)
        for change in proposal.fix.changes:
            for edit in change.edits:
                claims.setdefault(change.path, _Claims()).claim(edit, proposal)
    return Merged(tuple(kept), tuple(lost))


def whole(proposals: Sequence[Proposal]) -> tuple[tuple[Proposal, ...], tuple[Proposal, ...]]:
    """Those whose fixes have all that they need among them, and the others."""
    kept: list[Proposal] = list(proposals)
    left: list[Proposal] = []
    while True:
        there = {p.site for p in kept}
        lacking = [p for p in kept if not there.issuperset(p.fix.needs)]
        if not lacking:
            return tuple(kept), tuple(left)
        left += lacking
        kept = [p for p in kept if p not in lacking]


def edits_of(proposals: Iterable[Proposal], path: str) -> tuple[Edit, ...]:
    """The edits that the proposals (as merged) make in one file."""
    return combine(*(change.edits for p in proposals for change in p.fix.changes if change.path == path))


def paths_of(proposals: Iterable[Proposal]) -> tuple[str, ...]:
    """The files that the proposals touch, sorted."""
    return tuple(sorted({change.path for p in proposals for change in p.fix.changes}))
