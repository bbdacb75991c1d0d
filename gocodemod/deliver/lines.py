"""Which lines two versions of a file share.

difflib alone takes the square of what it is given, and hours for a long file. Lines that occur once on either side
anchor the two (the "patience" method), and difflib compares what lies between.
"""

from __future__ import annotations

import bisect
import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Beyond this many lines without an anchor, difflib may treat frequent lines as noise, which costs beauty only.
_LONG = 1000


@dataclass(frozen=True)
class Step:
    """Lines ``[old_start, old_end)`` of one side stand against ``[new_start, new_end)`` of the other."""

    equal: bool
    old_start: int
    old_end: int
    new_start: int
    new_end: int


def grouped(old: Sequence[str], new: Sequence[str], context: int) -> Iterator[list[Step]]:
    """Changes with up to ``context`` equal lines around them, those that touch in one group."""
    group: list[Step] = []
    for step in steps(old, new):
        length = step.old_end - step.old_start
        if not step.equal:
            group.append(step)
        elif not group:
            skip = max(0, length - context)
            group.append(Step(True, step.old_start + skip, step.old_end, step.new_start + skip, step.new_end))
        elif length > 2 * context:
            end = Step(True, step.old_start, step.old_start + context, step.new_start, step.new_start + context)
            yield [*group, end]
            group = [Step(True, step.old_end - context, step.old_end, step.new_end - context, step.new_end)]
        else:
            group.append(step)
    if any(not step.equal for step in group):
        last = group[-1]
        if last.equal:
            keep = min(context, last.old_end - last.old_start)
            group[-1] = Step(True, last.old_start, last.old_start + keep, last.new_start, last.new_start + keep)
        yield group


def steps(old: Sequence[str], new: Sequence[str]) -> Iterator[Step]:
    """From the first line to the last, equal and different steps in turn."""
    i = j = 0
    start = (0, 0)
    for a, b, length in (*_blocks(old, new), (len(old), len(new), 0)):
        if (a, b) != (i, j):
            if start != (i, j):
                yield Step(True, start[0], i, start[1], j)
            yield Step(False, i, a, j, b)
            start = a, b
        i, j = a + length, b + length
    if start != (i, j):
        yield Step(True, start[0], i, start[1], j)


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Equal runs (start in old, start in new, length) in order."""
    i = j = 0
    for a, b in (*_anchors(old, new), (len(old), len(new))):
        head = 0
        limit = min(a - i, b - j)
        while head < limit and old[i + head] == new[j + head]:
            head += 1
        tail = 0
        while tail < limit - head and old[a - 1 - tail] == new[b - 1 - tail]:
            tail += 1
        if head:
            yield i, j, head
        i, j = i + head, j + head
        if i < a - tail and j < b - tail:
            long = max(a - i, b - j) > _LONG
            matcher = difflib.SequenceMatcher(None, old[i : a - tail], new[j : b - tail], autojunk=long)
            yield from ((i + block.a, j + block.b, block.size) for block in matcher.get_matching_blocks()[:-1])
        if tail:
            yield a - tail, b - tail, tail
        if a < len(old):
            yield a, b, 1
        i, j = a + 1, b + 1


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The longest rising run of lines that occur once on both sides."""
    count_old, count_new = Counter(old), Counter(new)
    place = {line: j for j, line in enumerate(new) if count_new[line] == 1}
    pairs = [(i, place[line]) for i, line in enumerate(old) if count_old[line] == 1 and line in place]
    # Patience sorting: tops[k] ends the best run of length k + 1.
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        k = bisect.bisect_left(tops, j)
        before.append(ends[k - 1] if k else -1)
        tops[k : k + 1] = [j]
        ends[k : k + 1] = [index]
    run: list[tuple[int, int]] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        run.append(pairs[at])
        at = before[at]
    return run[::-1]
