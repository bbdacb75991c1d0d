"""Where a byte of a finished file came from: back through gofmt's layout, then back through the edits."""

from __future__ import annotations

from collections.abc import Sequence

from gocodemod.engine import edits as algebra
from gocodemod.model import Edit

# White space, and what gofmt drops: needless semicolons, parentheses around a condition.
_SPACE = b" \t\r\n;()"


class Trace:
    """``before`` with ``edits`` applied, then laid out, is ``after``."""

    def __init__(self, before: bytes, edits: Sequence[Edit], after: bytes) -> None:
        self._applied = algebra.apply(before, edits)
        self._mapping = algebra.Mapping(tuple(edits))
        self._after = after

    def origin(self, offset: int) -> int:
        """The offset in ``before`` of the byte at ``offset`` of ``after`` (of what was replaced, for a new byte)."""
        # gofmt moves nothing else, so the n-th other byte of one is the n-th of the other.
        return self._mapping.to_old(_nth(self._applied, _count(self._after[:offset])))


def _count(data: bytes) -> int:
    return len(data.translate(None, _SPACE))


def _nth(data: bytes, count: int) -> int:
    """Offset of the byte that has ``count`` bytes other than white space before it, and is none itself."""
    low, high = 0, len(data)
    while low < high:
        middle = (low + high + 1) // 2
        if _count(data[:middle]) <= count:
            low = middle
        else:
            high = middle - 1
    return low
