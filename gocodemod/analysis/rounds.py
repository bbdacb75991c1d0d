"""The end of one round of a loop, or of any list of statements: every way out of it."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from gocodemod.analysis import flow, layout
from gocodemod.analysis.paths import Paths, Reached
from gocodemod.analysis.view import View
from gocodemod.model import Edit


def ways_out(statement: Node, stops: Callable[[Node], bool]) -> Reached:
    """The jumps out of the statement's list, and whether its end is reached, from behind the statement.

    Paths end at what ``stops``.
    """
    following = [statement, *flow.siblings(statement)[1]]
    return Paths(following).after(statement, stops)


def at_every_end(
    view: View, statement: Node, text: str, needed: Callable[[Node], bool], stops: Callable[[Node], bool]
) -> list[Edit] | str:
    """Edits that run ``text`` (a call) on every way out of the statement's list; or why that cannot be right.

    ``needed``: whether a return's values, a node, still need what the call ends; then the call is deferred there.
    ``stops``: what has done the same already.
    """
    reached = ways_out(statement, stops)
    if any(jump.type == "goto_statement" for jump in reached.jumps):
        return "a goto leads out of the block"
    edits = []
    for jump in reached.jumps:
        values = next((c for c in jump.named_children if c.type == "expression_list"), None)
        deferred = jump.type == "return_statement" and values is not None and needed(values)
        edits.append(layout.above(view.source, jump, f"{'defer ' if deferred else ''}{text}\n"))
    if reached.falls:
        edits.append(_at_end(view, statement, text))
    return edits


def _at_end(view: View, statement: Node, text: str) -> Edit:
    inner = flow.statement(statement)
    block = inner.parent.parent if inner.parent is not None else None
    assert block is not None, "a statement list stands in a block or case"
    if block.type == "block":
        return layout.append(view.source, block, f"{text}\n")
    return layout.behind(view.source, flow.statements(block)[-1], f"{text}\n")
