"""Edits that keep to the lines around them: statements put in, taken out, moved one level deeper.

gofmt lays out what an edit touched; these see to it that it has line breaks to work with, and that what is not
Go's to lay out (raw strings, comments) keeps its text.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.golang.source import Source
from gocodemod.model import Edit


def edit(start: int, end: int, text: str) -> Edit:
    """An edit from text that may hold bytes which are no UTF-8 (as surrogate escapes)."""
    return Edit(start, end, text.encode("utf-8", "surrogateescape"))


def indent(source: Source, start: int, block: Node) -> list[Edit]:
    """One tab more for the lines of a block that begin behind ``start``; raw strings and comments keep their text."""
    data, edits = source.data, []
    kept = [n for s in block.named_children for n in flow.everything(s) if n.type in ("raw_string_literal", "comment")]
    at = data.find(b"\n", start, block.end_byte) + 1
    while 0 < at < block.end_byte - 1:
        end = data.find(b"\n", at)
        blank = not data[at:end].strip() or end >= block.end_byte
        if not blank and not any(n.start_byte < at < n.end_byte for n in kept):
            edits.append(Edit(at, at, b"\t"))
        at = end + 1
    return edits


def append(source: Source, block: Node, text: str) -> Edit:
    """Put statements (with their final newline) before a block's closing brace, on lines of their own."""
    at = block.end_byte - 1
    line = source.data[source.data.rfind(b"\n", 0, at) + 1 : at]
    if not line.strip():
        return edit(at, at, text)
    # The brace is part of the edit, so that the line it now begins is laid out too.
    return edit(at, at + 1, f"\n{text}}}")


def replace_statement(source: Source, statement: Node, text: str) -> Edit:
    """Put the text where the statement stood; what followed on the same line starts a line of its own."""
    data, end = source.data, statement.end_byte
    rest = re.match(rb"[ \t]*;[ \t]*", data[end:])
    if rest is not None:
        return edit(statement.start_byte, end + rest.end(), text + "\n")
    closes = re.match(rb"[ \t]*\}", data[end:])
    return edit(statement.start_byte, end, text + ("\n" if closes else ""))


def import_name(source: Source, path: str) -> str:
    """The name by which the file uses an import, else the path's last element, by which it would be added."""
    names_by_path = {path: name for name, path in source.imports().items() if name not in (".", "_")}
    return names_by_path.get(path, path.rsplit("/", 1)[-1])


def before(source: Source, statement: Node, text: str) -> Edit:
    """Put statements (with their final newline) right before another, on lines of their own."""
    at = statement.start_byte
    line = source.data[source.data.rfind(b"\n", 0, at) + 1 : at]
    return _new_line(source, at, at, text) if line.strip() else edit(at, at, text)


def behind(source: Source, statement: Node, text: str) -> Edit:
    """Put statements (with their final newline) on the lines after another; a comment that ends its line stays there."""
    return _behind(source, statement.end_byte, text)


def prepend(source: Source, block: Node, text: str) -> Edit:
    """Put statements (with their final newline) first in a block or case clause; a comment beside its head stays there."""
    opening = next(c for c in block.children if c.type in ("{", ":"))
    return _behind(source, opening.end_byte, text)


_LINE_END = re.compile(rb"[ \t]*;?[ \t]*(//.*|(/\*(?:[^*]|\*(?!/))*\*/[ \t]*)+)?")


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
