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


def prepend(source: Source, block: Node, text: str) -> list[Edit]:
    """Put statements (with their final newline) first in a block; a comment behind its opening brace stays there."""
    data, at = source.data, block.start_byte + 1
    line_end = data.find(b"\n", at, block.end_byte)
    rest = data[at:line_end].strip() if line_end >= 0 else b"x"
    if not rest or rest.startswith(b"//"):
        return [edit(line_end + 1, line_end + 1, text)]
    edits = [edit(at, at, f"\n{text}")]
    if line_end < 0:
        edits.append(edit(block.end_byte - 1, block.end_byte - 1, "\n"))
    return edits


def follow(source: Source, statement: Node, text: str) -> Edit:
    """Put statements (with their final newline) behind a statement and a comment on its line."""
    data, at = source.data, statement.end_byte
    line_end = data.find(b"\n", at)
    rest = data[at:line_end].strip() if line_end >= 0 else b"x"
    if not rest or rest.startswith(b"//"):
        return edit(line_end + 1, line_end + 1, text)
    gap = re.match(rb"[ \t]*;?[ \t]*", data[at:])
    end = at + (gap.end() if gap is not None else 0)
    return edit(at, end, f"\n{text}")


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
