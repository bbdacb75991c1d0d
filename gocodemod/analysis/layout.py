"""Edits that keep to the lines around them: statements put in, taken out, moved one level deeper.

gofmt lays out what an edit touched; these see to it that it has line breaks to work with, and that what is not
Go's to lay out (raw strings, comments) keeps its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.golang.source import Source
from gocodemod.model import Edit


def edit(start: int, end: int, text: str) -> Edit:
    """An edit from text that may hold bytes which are no UTF-8 (as surrogate escapes)."""
    return Edit(start, end, text.encode("utf-8", "surrogateescape"))


def indent(source: Source, start: int, block: Node) -> list[Edit]:
    """One tab more for the lines of a block that begin behind ``start``; raw strings and comments keep their text."""
    return deeper(source, start, block.end_byte - 1, block.named_children)


def deeper(source: Source, start: int, stop: int, nodes: Iterable[Node]) -> list[Edit]:
    """One tab more for the lines that begin in ``(start, stop)``, where these nodes stand."""
    data, edits = source.data, []
    kept = [n for s in nodes for n in flow.everything(s) if n.type in ("raw_string_literal", "comment")]
    at = data.find(b"\n", start, stop + 1) + 1
    while 0 < at < stop:
        end = data.find(b"\n", at)
        blank = not data[at:end].strip() or end > stop
        if not blank and not any(n.start_byte < at < n.end_byte for n in kept):
            edits.append(Edit(at, at, b"\t"))
        at = end + 1
    return edits


def shallower(source: Source, start: int, stop: int, nodes: Iterable[Node]) -> list[Edit]:
    """One tab less for the lines that begin in ``(start, stop)``, where these nodes stand."""
    data, edits = source.data, []
    kept = [n for s in nodes for n in flow.everything(s) if n.type in ("raw_string_literal", "comment")]
    at = data.find(b"\n", start, stop) + 1
    while 0 < at < stop:
        if data[at : at + 1] == b"\t" and not any(n.start_byte < at < n.end_byte for n in kept):
            edits.append(Edit(at, at + 1, b""))
        at = data.find(b"\n", at, stop) + 1
    return edits


def append(source: Source, block: Node, text: str) -> Edit:
    """Put statements (with their final newline) before a block's closing brace, on lines of their own."""
    at = block.end_byte - 1
    line = source.data[source.data.rfind(b"\n", 0, at) + 1 : at]
    if not line.strip():
        return edit(at, at, text)
    # The brace is part of the edit, so that the line it now begins is laid out too.
    return edit(at, at + 1, f"\n{text}}}")


def above_comments(source: Source, statement: Node) -> int:
    """Where a statement starts with the comments on the lines right above it; its own start where something precedes it."""
    data, top = source.data, statement.start_byte
    if data[data.rfind(b"\n", 0, top) + 1 : top].strip():
        return top
    row, before = statement.start_point.row, flow.preceding(statement)
    while before is not None and before.type in ("comment", "\n"):
        if before.type == "comment":
            alone = not data[data.rfind(b"\n", 0, before.start_byte) + 1 : before.start_byte].strip()
            if before.end_point.row < row - 1 or not alone:
                break
            top, row = before.start_byte, before.start_point.row
        before = before.prev_sibling
    return top


def replace_statement(source: Source, statement: Node, text: str) -> Edit:
    """Put the text where the statement stood; what followed on the same line starts a line of its own.

    A comment behind the statement goes with the text's last case, if that is where the text ends.
    """
    data, end = source.data, statement.end_byte
    said = re.match(rb"[ \t]*(//[^\r\n]*)", data[end:])
    if said is not None and text.endswith(":\n}"):
        comment = said[1].decode("utf-8", "surrogateescape")
        return edit(statement.start_byte, end + said.end(), f"{text[:-2]} {comment}\n}}")
    rest = re.match(rb"[ \t]*;[ \t]*", data[end:])
    if rest is not None:
        # What follows is part of the edit with its first byte, so that the line it now begins is laid out too.
        stop = end + rest.end()
        first = data[stop : stop + 1].decode("utf-8", "surrogateescape")
        return edit(statement.start_byte, stop + len(first.strip()), f"{text}\n{first.strip()}")
    closes = re.match(rb"[ \t]*\}", data[end:])
    if closes is None:
        return edit(statement.start_byte, end, text)
    # As in append: the brace begins a line now.
    return edit(statement.start_byte, end + closes.end(), f"{text}\n}}")


def line_end(source: Source, node: Node) -> int | None:
    """Where the line that a node ends on ends, if nothing but a comment follows on it: behind that comment.

    None where something else follows, or the comment goes on over more lines.
    """
    data = source.data
    end = data.find(b"\n", node.end_byte)
    rest = data[node.end_byte : end if end >= 0 else len(data)].rstrip()
    if rest.strip() and not re.fullmatch(rb"[ \t]*(//.*|/\*((?!\*/).)*\*/)", rest):
        return None
    return node.end_byte + len(rest)


def import_name(source: Source, path: str) -> str:
    """The name by which the file uses an import, else the path's last element, by which it would be added."""
    names_by_path = {path: name for name, path in source.imports().items() if name not in (".", "_")}
    return names_by_path.get(path, path.rsplit("/", 1)[-1])


def put_behind(source: Source, statement: Node, text: str) -> Edit:
    """Put statements (with their final newline) behind a statement and the comment on its line."""
    data, at = source.data, statement.end_byte
    rest = data[at : _line_end(data, at)]
    if comment := re.fullmatch(rb"[ \t]*(//[^\r\n]*?)?[ \t\r]*", rest):
        at += comment.end(1) if comment[1] else 0
        return edit(at, at, "\n" + text.removesuffix("\n"))
    semicolon = re.match(rb"[ \t]*;", rest)
    return edit(at, at + (semicolon.end() if semicolon else 0), "\n" + text)


def remove(source: Source, statement: Node) -> Edit:
    """Take a statement out, with its line where nothing else stands on it, and the blank lines it leaves at a block's
    begin or end.

    Comments stay where they are.
    """
    data, start, end = source.data, statement.start_byte, statement.end_byte
    semicolon = re.match(rb"[ \t]*((?:/\*[^\n]*?\*/[ \t]*)*);[ \t]*", data[end:])
    if semicolon is not None:
        end += semicolon.end()
    if semicolon is not None and semicolon[1]:
        return Edit(start, end, semicolon[1])
    line, stop = data.rfind(b"\n", 0, start) + 1, _line_end(data, end)
    if data[line:start].strip() or data[end:stop].strip() or stop == len(data):
        return Edit(start, end, b"")
    if re.match(rb"\s*\}", data[stop:]):
        line = len(data[:line].rstrip(b" \t\r\n"))
        line = _line_end(data, line) + 1
    elif data[:line].rstrip().endswith(b"{") and (blank := re.match(rb"[ \t\r]*\n", data[stop + 1 :])):
        stop += blank.end()
    return Edit(line, stop + 1, b"")


def take(source: Source, statement: Node, leading: bool = True) -> tuple[Edit, str]:
    """Take a statement out for another place: the edit, and its text there (with the final newline).

    The comment behind it on its line goes with it, and, if ``leading``, those right above it, which are about it.
    """
    data, text = source.data, source.text(statement)
    gone = remove(source, statement)
    line = data.rfind(b"\n", 0, statement.start_byte) + 1
    alone = not data[line : statement.start_byte].strip()
    if comment := re.match(rb"[ \t]*;?[ \t]*(//[^\r\n]*)\r?(?:\n|$)", data[statement.end_byte :]):
        text += b" " + comment[1].rstrip()
        end = statement.end_byte + (comment.end() if alone else comment.end(1))
        gone = Edit(line if alone else statement.start_byte, end, b"")
    if leading and alone and gone.start <= line < gone.end:
        above = _comments_above(data, line)
        text = b"".join(c.strip() + b"\n" for c in data[above:line].splitlines()) + text
        gone = Edit(min(above, gone.start), gone.end, b"")
    return gone, text.decode("utf-8", "surrogateescape") + "\n"


def _comments_above(data: bytes, line: int) -> int:
    """Start of the line comments that stand on the lines right above the one at ``line``."""
    while line > 0:
        previous = data.rfind(b"\n", 0, line - 1) + 1
        if not data[previous:line].lstrip().startswith(b"//"):
            break
        line = previous
    return line


def _line_end(data: bytes, at: int) -> int:
    """Where the line ends: at its newline, or the end of the file."""
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end


def before(source: Source, statement: Node, text: str) -> Edit:
    """Put statements (with their final newline) right before another, on lines of their own."""
    at = statement.start_byte
    line = source.data[source.data.rfind(b"\n", 0, at) + 1 : at]
    return _new_line(source, at, at, text) if line.strip() else edit(at, at, text)


def above(source: Source, statement: Node, text: str) -> Edit:
    """Put statements (with their final newline) before another and the lines of comment right above it."""
    data = source.data
    line = data.rfind(b"\n", 0, statement.start_byte) + 1
    if data[line : statement.start_byte].strip():
        return before(source, statement, text)
    at = _comments_above(data, line)
    while data[at : at + 1] in (b" ", b"\t"):
        at += 1
    return edit(at, at, text)


def behind(source: Source, statement: Node, text: str) -> Edit:
    """Put statements (with their final newline) on the lines after another; a comment that ends its line stays there."""
    return _behind(source, statement.end_byte, text)


def prepend(source: Source, block: Node, text: str) -> Edit:
    """Put statements (with their final newline) first in a block or case clause; a comment beside its head stays there."""
    opening = next(c for c in block.children if c.type in ("{", ":"))
    return _behind(source, opening.end_byte, text)


_LINE_END = re.compile(rb"[ \t]*;?[ \t]*(/\*(?:[^*]|\*(?!/))*\*/[ \t]*)*(//.*)?")


def _behind(source: Source, at: int, text: str) -> Edit:
    data = source.data
    end = data.find(b"\n", at)
    end = len(data) if end < 0 else end
    end -= data[at:end].endswith(b"\r")
    if _LINE_END.fullmatch(data[at:end]):
        return edit(end, end, "\n" + text.removesuffix("\n"))
    rest = re.match(rb"[ \t]*;?[ \t]*", data[at:end])
    return _new_line(source, at, at + (rest.end() if rest is not None else 0), text)


def _new_line(source: Source, start: int, end: int, text: str) -> Edit:
    """Put the text on lines of its own between ``start`` and ``end``, inside of what was one line."""
    # What now begins a line is part of the edit, so that it is laid out too.
    return Edit(start, end + 1, f"\n{text}".encode("utf-8", "surrogateescape") + source.data[end : end + 1])


def whole(source: Source, edits: Iterable[Edit]) -> Edit:
    """One edit that does what several do, and claims all that stands between them."""
    ordered = sorted(edits)
    start, end = ordered[0].start, max(e.end for e in ordered)
    made, at = b"", start
    for one in ordered:
        made += source.data[at : one.start] + one.new
        at = one.end
    return Edit(start, end, made)
