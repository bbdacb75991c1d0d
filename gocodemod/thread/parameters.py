"""Edits that give a function one more parameter, and its callers one more argument. Replacements only (see ``Plan``)."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from gocodemod.golang.source import Source
from gocodemod.model import Edit


def declare(declaration: Node, text: str) -> Iterator[Edit]:
    """Put ``text`` (``ctx context.Context``) first into the parameters of a function's declaration.

    Parameters without names get the blank one: either all have a name or none.
    """
    parameters = declaration.child_by_field_name("parameters")
    assert parameters is not None, "a function's declaration has parameters"
    yield _first(parameters, text)
    for parameter in parameters.named_children:
        named = parameter.type == "comment" or parameter.child_by_field_name("name") is not None
        if not named:
            assert parameter.text is not None
            yield Edit(parameter.start_byte, parameter.start_byte + 1, b"_ " + parameter.text[:1])


def hand_over(arguments: Node, text: str) -> Edit:
    """Put ``text`` first into the arguments of a call."""
    return _first(arguments, text)


def _first(items: Node, text: str) -> Edit:
    """On a line of its own where the others are, or where gofmt would take a comment that stands first for one about it."""
    start = items.start_byte
    inner = items.children[1:-1]
    after = inner[0] if inner else items.children[-1]
    more = any(c.type not in ("comment", ",") for c in inner)
    if after.start_point.row > items.start_point.row:
        put = f"(\n{text},"
    elif after.type == "comment" and (more or after.end_point.row > items.start_point.row or _to_the_end(after)):
        put = f"(\n{text},\n"
    else:
        put = f"({text}{', ' if more else ''}"
    return Edit(start, start + 1, put.encode())


def _to_the_end(comment: Node) -> bool:
    return comment.text is not None and comment.text.startswith(b"//")


def arguments(source: Source, start: int, end: int) -> Node | None:
    """The arguments of the call whose callee is written in the range; None if that is not what is called there."""
    node: Node | None = source.node_at(start, end)
    while node is not None and node.type not in ("call_expression", "type_conversion_expression"):
        node = node.parent
    if node is None or node.type != "call_expression":
        # A generic call with one type argument parses as a conversion: its argument cannot be told from one.
        return None
    callee = node.child_by_field_name("function")
    if callee is None or not (callee.start_byte <= start and end <= callee.end_byte):
        return None
    return node.child_by_field_name("arguments")
