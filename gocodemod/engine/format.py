"""gofmt for what an edit touched, and for nothing else.

A file that was gofmt-clean comes out as gofmt writes it. In any other file the lines that gofmt would change are
taken only where an edit touched them or put them out of line, and only if gofmt makes the same file of both (so
nothing but layout differs); else the whole top-level declaration is taken; else the edit is refused.

gofmt knows neither byte order marks nor carriage returns, so it is shown the file without them, and they are put
back: the CRLF twin of a file gets the CRLF twin of its result. Lines of mixed endings keep what they had.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gocodemod.engine import edits as algebra
from gocodemod.errors import GocodemodError
from gocodemod.golang.source import Source
from gocodemod.model import Edit

# Layout of whole bytes as gofmt writes them; raises for what go/parser rejects.
Gofmt = Callable[[bytes], bytes]
# First and last of each run of lines, counted from 0.
Lines = Sequence[tuple[int, int]]

_BOM = b"\xef\xbb\xbf"
# Beyond this, difflib's exact mode (quadratic) gives way to its heuristic one; the result is checked either way.
_EXACT_LINES = 4000
# How many lines more are taken, each way, where the touched ones alone do not make what gofmt makes of the file;
# after these, the whole declaration.
_MARGINS = (0, 1, 2, 4, 8, 16)


class FormatUnsafe(GocodemodError):
    """The edited lines cannot be laid out as gofmt would without touching the rest of the file."""


def localise(before: bytes, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits with line endings as they are where each edit begins (transforms write LF)."""
    if b"\r\n" not in before:
        return tuple(edits)
    return tuple(Edit(e.start, e.end, _with_ending(e.new, _ending_at(before, e.start))) for e in edits)


def formatted(path: str, before: bytes, edits: Sequence[Edit], gofmt: Gofmt) -> bytes:
    """``before`` with the (localised) edits applied and laid out. Raises FormatUnsafe, and what ``gofmt`` raises."""
    after = algebra.apply(before, edits)
    if after == before:
        return before
    clean = gofmt(_view(after))
    if _is_clean(before, gofmt):
        return _bom(after) + (clean.replace(b"\n", b"\r\n") if b"\r\n" in before else clean)
    page = _Page(path, after, clean)
    touched = _touched_lines(after, algebra.Mapping(tuple(edits)).new_ranges())
    touched += _disturbed(path, before, edits, page, touched, gofmt)
    for margin in (*_MARGINS, None):
        wider = [(first - (margin or 0), last + (margin or 0)) for first, last in touched]
        candidate = page.take(wider, whole=margin is None)
        if _laid_out(candidate, gofmt) == clean:
            return candidate
    raise FormatUnsafe(f"{path} was not laid out by gofmt, and the edited lines cannot be without the rest; run gofmt")


def _disturbed(
    path: str, before: bytes, edits: Sequence[Edit], page: _Page, touched: Lines, gofmt: Gofmt
) -> list[tuple[int, int]]:
    """Lines no edit touches that were as gofmt has them and are not any more (comments in one column, say)."""
    old = _Page(path, before, gofmt(_view(before)))
    stale = set(old.changed(_touched_lines(before, [(e.start, e.end) for e in edits])))
    mapping = algebra.Mapping(tuple(edits))
    starts = [0]
    for line in page.lines:
        starts.append(starts[-1] + len(line))
    shift = len(page.bom)
    fresh: list[tuple[int, int]] = []
    for row in page.changed(touched):
        at = mapping.to_old(starts[row] + shift if row else 0)
        if before.count(b"\n", 0, at) not in stale:
            fresh.append((row, row))
    return fresh


def _view(data: bytes) -> bytes:
    return data.removeprefix(_BOM).replace(b"\r\n", b"\n")


def _bom(data: bytes) -> bytes:
    return _BOM if data.startswith(_BOM) else b""


def _laid_out(data: bytes, gofmt: Gofmt) -> bytes | None:
    """What gofmt makes of a page; None if lines were mixed that do not go together."""
    try:
        return gofmt(_view(data))
    except GocodemodError:
        return None


def _is_clean(data: bytes, gofmt: Gofmt) -> bool:
    if b"\r\n" in data and data.count(b"\r\n") != data.count(b"\n"):
        return False
    return _laid_out(data, gofmt) == _view(data)


def _ending_at(data: bytes, offset: int) -> bytes:
    """The line ending of the line at the offset; on a last line without one, that of the line before."""
    stop = data.find(b"\n", offset)
    if stop < 0:
        stop = data.rfind(b"\n")
    return b"\r\n" if stop > 0 and data[stop - 1 : stop] == b"\r" else b"\n"


def _with_ending(text: bytes, ending: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\n", ending)


def _touched_lines(data: bytes, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """First and last line (from 0) of each range."""
    lines: list[tuple[int, int]] = []
    row, reached = 0, 0
    for start, end in ranges:
        row += data.count(b"\n", reached, start)
        first = row
        row += data.count(b"\n", start, end)
        reached = end
        # A range that ends with its line break does not touch the next line.
        ends_line = end > start and data[end - 1 : end] == b"\n"
        lines.append((first, row - 1 if ends_line else row))
    return lines


@dataclass(frozen=True)
class _Hunk:
    """Lines ``[start, end)`` of the page become lines ``[clean_start, clean_end)`` of gofmt's."""

    start: int
    end: int
    clean_start: int
    clean_end: int

    def touches(self, lines: Lines) -> bool:
        if self.start == self.end:
            return any(first <= self.start <= last + 1 for first, last in lines)
        return any(self.start <= last and self.end > first for first, last in lines)


class _Page:
    """An edited file beside what gofmt makes of it, line by line."""

    def __init__(self, path: str, after: bytes, clean: bytes) -> None:
        self.bom = _bom(after)
        self.lines = _lines(after)
        self.content = [line.rstrip(b"\n").removesuffix(b"\r") for line in self.lines]
        self.clean = clean.rstrip(b"\n").split(b"\n")
        self.segments = list(_segments(path, self.content, self.clean))

    def changed(self, touched: Lines) -> Iterator[int]:
        """The lines that gofmt would change in the declarations that hold the given lines."""
        for segment in self.segments:
            if segment.touches(touched):
                for hunk in self._hunks(segment):
                    yield from range(hunk.start, hunk.end)

    def take(self, touched: Lines, whole: bool) -> bytes:
        """The page with gofmt's lines where hunks touch the given lines; with ``whole``, for all their declarations."""
        out: list[bytes] = [self.bom]
        reached = 0
        for segment in self.segments:
            if not segment.touches(touched):
                continue
            hunks = [segment] if whole else [h for h in self._hunks(segment) if h.touches(touched)]
            for hunk in hunks:
                out += self.lines[reached : hunk.start]
                out += self._replacement(hunk)
                reached = hunk.end
        return b"".join(out + self.lines[reached:])

    def _hunks(self, segment: _Hunk) -> Iterator[_Hunk]:
        ours = self.content[segment.start : segment.end]
        theirs = self.clean[segment.clean_start : segment.clean_end]
        # Paired by what is on the lines, not by layout, so that one hunk is one line wherever only layout differs.
        matcher = difflib.SequenceMatcher(
            None, [_key(line) for line in ours], [_key(line) for line in theirs], autojunk=len(ours) > _EXACT_LINES
        )
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            if tag != "equal":
                yield _Hunk(segment.start + i1, segment.start + i2, segment.clean_start + j1, segment.clean_start + j2)
                continue
            for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                if ours[i] != theirs[j]:
                    at, to = segment.start + i, segment.clean_start + j
                    yield _Hunk(at, at + 1, to, to + 1)

    def _replacement(self, hunk: _Hunk) -> list[bytes]:
        new = self.clean[hunk.clean_start : hunk.clean_end]
        near = self.lines[max(min(hunk.start, len(self.lines) - 1), 0)] if self.lines else b"\n"
        ending = b"\r\n" if near.endswith(b"\r\n") else b"\n"
        lines = [line + ending for line in new]
        replaced = self.lines[hunk.start : hunk.end]
        if lines and replaced and not replaced[-1].endswith(b"\n"):
            lines[-1] = new[-1]
        return lines


def _lines(data: bytes) -> list[bytes]:
    """Split at line feeds alone: a carriage return elsewhere is part of its line."""
    parts = data.removeprefix(_BOM).split(b"\n")
    lines = [part + b"\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _key(line: bytes) -> bytes:
    return b"".join(line.split())


def _segments(path: str, ours: Sequence[bytes], theirs: Sequence[bytes]) -> Iterator[_Hunk]:
    """Both pages cut behind each top-level declaration; gofmt neither reorders nor splits them."""
    cuts, clean_cuts = _cuts(path, ours), _cuts(path, theirs)
    if cuts is None or clean_cuts is None or len(cuts) != len(clean_cuts):
        cuts, clean_cuts = [], []
    start = clean_start = 0
    for end, clean_end in zip([*cuts, len(ours)], [*clean_cuts, len(theirs)], strict=True):
        if end > start or clean_end > clean_start:
            yield _Hunk(start, end, clean_start, clean_end)
        start, clean_start = max(start, end), max(clean_start, clean_end)


def _cuts(path: str, lines: Sequence[bytes]) -> list[int] | None:
    root = Source.parse(path, b"\n".join(lines)).tree.root_node
    if root.has_error:
        return None
    return [node.end_point.row + 1 for node in root.named_children if node.type != "comment"]
