r"""The changes of a run as one unified diff that ``git apply`` takes byte for byte.

Bytes go through unidiff as Latin-1, where every byte is one character, so that no encoding can change them; lines end
at ``\n`` alone (a form feed, ``\r`` or U+2028 inside a line ends none). What was built is read again and applied
before anyone sees it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice

from unidiff.constants import LINE_TYPE_NO_NEWLINE, LINE_VALUE_NO_NEWLINE
from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, Line, PatchedFile, PatchSet

from gocodemod.deliver import lines
from gocodemod.engine.result import Changed, Result
from gocodemod.errors import GocodemodError

CONTEXT = 3
_ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


class PatchError(GocodemodError):
    """A diff does not say what it should: a bug of ours, found before anything was shown."""


def patch(result: Result) -> bytes:
    """The diff of all changed files, paths relative to the run's root. Raises PatchError."""
    return render(result.changed, result.root)


def render(changed: Iterable[Changed], root: str) -> bytes:
    """The diff of these files, in their order."""
    return b"".join(_render(change, root) for change in changed if change.before != change.after)


def _render(change: Changed, root: str) -> bytes:
    old, new = (quoted(prefix, change.path, root) for prefix in ("a/", "b/"))
    # After a name with a space git wants a tab, to tell where it ends.
    end = "\t\n" if " " in old else "\n"
    hunks = "".join(map(str, _hunks(_lines(change.before), _lines(change.after))))
    text = f"diff --git {old} {new}\n--- {old}{end}+++ {new}{end}{hunks}"
    _check(text, change)
    return text.encode("latin-1")


def quoted(prefix: str, path: str, root: str) -> str:
    """The name as git writes it: in quotes with C escapes where it holds a control, quote, backslash or high byte."""
    name = prefix.encode() + os.fsencode(os.path.relpath(path, root)).replace(os.sep.encode(), b"/")
    # " b/" could also be where the header's second name begins: escape what git would leave.
    ambiguous = b" b/" in name
    if not ambiguous and all(32 <= byte < 127 and byte not in b'"\\' for byte in name):
        return name.decode("ascii")
    plain = {byte for byte in range(32, 127) if not (ambiguous and byte == 32)}
    return '"' + "".join(_ESCAPES.get(b) or (chr(b) if b in plain else f"\\{b:03o}") for b in name) + '"'


def _lines(data: bytes) -> list[str]:
    r"""Lines with their ``\n``, in Latin-1."""
    parts = data.decode("latin-1").split("\n")
    lines = [part + "\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _hunks(old: list[str], new: list[str]) -> Iterator[Hunk]:
    for group in lines.grouped(old, new, CONTEXT):
        first, last = group[0], group[-1]
        a_length, b_length = last.old_end - first.old_start, last.new_end - first.new_start
        # A side without lines is said to begin at the line before it.
        a_start = first.old_start + (1 if a_length else 0)
        b_start = first.new_start + (1 if b_length else 0)
        hunk = Hunk(a_start, a_length, b_start, b_length)
        for step in group:
            if step.equal:
                _extend(hunk, " ", old[step.old_start : step.old_end])
            else:
                _extend(hunk, "-", old[step.old_start : step.old_end])
                _extend(hunk, "+", new[step.new_start : step.new_end])
        yield hunk


def _extend(hunk: Hunk, kind: str, texts: Iterable[str]) -> None:
    for text in texts:
        hunk.append(Line(text if text.endswith("\n") else text + "\n", kind))
        if not text.endswith("\n"):
            hunk.append(Line(LINE_VALUE_NO_NEWLINE + "\n", LINE_TYPE_NO_NEWLINE))


def _check(text: str, change: Changed) -> None:
    try:
        again = PatchSet(_lines(text.encode("latin-1")))
    except UnidiffParseError as error:
        raise PatchError(f"{change.path}: the diff cannot be read again: {error}") from error
    if len(again) != 1 or apply(again[0], change.before) != change.after:
        raise PatchError(f"{change.path}: the diff does not give the new file")


def apply(patched: PatchedFile, before: bytes) -> bytes:
    """What the parsed diff makes of the bytes. Raises PatchError where it does not fit them."""
    old = iter(_lines(before))
    result: list[str] = []
    at = 0
    for hunk in patched:
        start = hunk.source_start - 1 if hunk.source_length else hunk.source_start
        result += islice(old, start - at)
        removed = [_value(hunk, i) for i, line in enumerate(hunk) if line.is_removed or line.is_context]
        if list(islice(old, len(removed))) != removed:
            raise PatchError(f"{patched.path}: the diff does not fit the file")
        result += [_value(hunk, i) for i, line in enumerate(hunk) if line.is_added or line.is_context]
        at = start + len(removed)
    return "".join((*result, *old)).encode("latin-1")


def _value(hunk: Hunk, index: int) -> str:
    """A line's text, without its newline where the next line of the diff says that there is none."""
    following = hunk[index + 1] if index + 1 < len(hunk) else None
    bare = following is not None and following.line_type == LINE_TYPE_NO_NEWLINE
    return hunk[index].value.removesuffix("\n") if bare else hunk[index].value
