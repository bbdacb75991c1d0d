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


def remove_statement(source: Source, statement: Node) -> Edit:
    """Take a statement out, its line too where nothing else stands on it, and a blank line that would begin the block."""
    data, start = source.data, statement.start_byte
    semicolon = re.match(rb"[ \t]*((?:/\*[^\n]*?\*/[ \t]*)*);[ \t]*", data[statement.end_byte :])
    if semicolon is not None and semicolon[1]:
        return Edit(start, statement.end_byte + semicolon.end(), semicolon[1])
    end = statement.end_byte + (semicolon.end() if semicolon is not None else 0)
    line_start, line_end = data.rfind(b"\n", 0, start) + 1, data.find(b"\n", end)
    if data[line_start:start].strip() or line_end < 0:
        return Edit(start, end, b"")
    if data[end:line_end].strip():
        gap = re.match(rb"[ \t]*", data[end:])
        return Edit(start, end + (gap.end() if gap is not None else 0), b"")
    blank = re.match(rb"[ \t\r]*\n", data[line_end + 1 :])
    if blank is not None and data[:line_start].rstrip().endswith(b"{"):
        line_end += blank.end()
    return Edit(line_start, line_end + 1, b"")


def insert_before(source: Source, statement: Node, text: str) -> Edit:
    """Put statements (without a final newline) before a statement, and before the lines of comment right above it."""
    data, at = source.data, statement.start_byte
    line = data.rfind(b"\n", 0, at) + 1
    if not data[line:at].strip():
        while line and (above := re.match(rb"[ \t]*(?=//)", data[data.rfind(b"\n", 0, line - 1) + 1 : line])):
            line = data.rfind(b"\n", 0, line - 1) + 1
            at = line + above.end()
    return edit(at, at, f"{text}\n")


def insert_after(source: Source, statement: Node, text: str) -> Edit:
    """Put statements (without a final newline) behind a statement, and behind the comments that follow it on its line."""
    data, end = source.data, statement.end_byte
    follows = re.match(rb"[ \t]*(;[ \t]*)?((/\*[^\n]*?\*/[ \t]*)*)(//[^\r\n]*)?(?=\r?\n)", data[end:])
    if follows is not None:
        at = end + follows.end()
        return edit(at, at, f"\n{text}")
    rest = re.match(rb"[ \t]*(?:;[ \t]*)?", data[end:])
    at = end + (rest.end() if rest is not None else 0)
    # What follows begins a line of its own: its first byte is part of the edit, so that this line is laid out, too.
    return Edit(end, at + 1, f"\n{text}\n".encode() + data[at : at + 1])


def import_name(source: Source, path: str) -> str:
    """The name by which the file uses an import, else the path's last element, by which it would be added."""
    names_by_path = {path: name for name, path in source.imports().items() if name not in (".", "_")}
    return names_by_path.get(path, path.rsplit("/", 1)[-1])
