"""Byte strings without which a file cannot hold a site: what keeps most files from being parsed at all."""

from __future__ import annotations

from collections.abc import Iterator

# One byte string, or several of which any will do.
Needle = bytes | tuple[bytes, ...]
Needles = tuple[Needle, ...]


def holds(data: bytes, needles: Needles) -> bool:
    """Whether a file's bytes hold every needle."""
    return all(any(one in data for one in _alternatives(needle)) for needle in needles)


def occurrences(data: bytes, needle: Needle) -> Iterator[tuple[int, int]]:
    """Where the needle stands, each alternative's places in order."""
    for one in _alternatives(needle):
        at = data.find(one)
        while at >= 0:
            yield at, at + len(one)
            at = data.find(one, at + len(one))


def _alternatives(needle: Needle) -> tuple[bytes, ...]:
    return needle if isinstance(needle, tuple) else (needle,)
