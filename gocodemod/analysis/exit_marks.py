"""Which of a function's exits are reached right behind certain statements (a ``wg.Done()``), and which are not.

What is followed is the structure: blocks, branches, loops, and the jumps out of them. A function with a ``goto`` is
for the caller to leave alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow

_SWITCHES = frozenset({"expression_switch_statement", "type_switch_statement", "select_statement"})


@dataclass(frozen=True)
class Endings:
    """``early``: marked statements and what runs behind them where that is not the function's end.

    ``missing``: exits that are not reached right behind a mark: return statements, and the body's block for its end.
    """

    early: tuple[tuple[Node, Node], ...]
    missing: tuple[Node, ...]

    @property
    def complete(self) -> bool:
        """Every way through the function passes one mark, right before its end. (A panic is no way through.)"""
        return not self.early and not self.missing


def of(function: Node, marks: Sequence[Node]) -> Endings:
    body = flow.body(function)
    assert body is not None, "a function that holds statements has a body"
    starts = frozenset(mark.start_byte for mark in marks)
    followed = ((mark, after(mark, function)) for mark in marks)
    early = tuple((mark, next_) for mark, next_ in followed if next_ is not None)
    returns = [n for n in flow.inside(body) if n.type == "return_statement"]
    missing = [n for n in returns if not _reached_behind(n, starts)]
    last = flow.statements(body)[-1:]
    if not last or not _passes(last[0], starts):
        missing.append(body)
    return Endings(early, tuple(missing))


def has_goto(function: Node) -> bool:
    return any(n.type == "goto_statement" for n in flow.inside(function))


def after(node: Node, function: Node) -> Node | None:
    """What runs when the statement has, None if the function ends then. A loop's next round counts as the loop."""
    following = flow.siblings(node)[1]
    if following:
        first = following[0]
        if first.type == "break_statement":
            target = flow.jump_target(first)
            return first if target is None else after(target, function)
        return None if first.type == "return_statement" and _quiet(first) else first
    holder = flow.statement(node).parent
    around = holder.parent if holder is not None else None
    if around is None or around.parent is None or around.parent == function:
        return None
    outer = around.parent
    if around.type in flow.CASES:
        return after(outer, function)
    if outer.type == "for_statement":
        return outer
    while outer.type == "if_statement" and outer.parent is not None and outer.parent.type == "if_statement":
        outer = outer.parent
    return after(outer if outer.type == "if_statement" else around, function)


def _quiet(statement: Node) -> bool:
    """A return whose values are at hand: making them does nothing and waits for nothing."""
    return not any(n.type == "call_expression" or flow.receives(n) for n in flow.inside(statement))


def _reached_behind(jump: Node, starts: frozenset[int]) -> bool:
    before = flow.siblings(jump)[0]
    return bool(before) and _passes(before[-1], starts)


def _passes(node: Node, starts: frozenset[int]) -> bool:
    """Whether what runs out of the statement's end has passed a mark as the last thing; True if nothing ever does."""
    if node.start_byte in starts and node.type == "expression_statement":
        return True
    match node.type:
        case "labeled_statement":
            return _passes(node.named_children[-1], starts)
        case "return_statement" | "continue_statement" | "break_statement" | "fallthrough_statement":
            return True  # a break counts where it leads to
        case "block":
            return _block_passes(node, starts)
        case "if_statement":
            then, otherwise = (node.child_by_field_name(name) for name in ("consequence", "alternative"))
            return then is not None and otherwise is not None and _passes(then, starts) and _passes(otherwise, starts)
        case "for_statement":
            return flow.is_endless(node) and _breaks_pass(node, starts)
        case kind if kind in _SWITCHES:
            cases = [c for c in node.named_children if c.type in flow.CASES]
            whole = kind == "select_statement" or any(c.type == "default_case" for c in cases)
            return whole and all(_block_passes(c, starts) for c in cases) and _breaks_pass(node, starts)
    return flow.never_returns(node)


def _block_passes(block: Node, starts: frozenset[int]) -> bool:
    inner = flow.statements(block)
    return bool(inner) and _passes(inner[-1], starts)


def _breaks_pass(target: Node, starts: frozenset[int]) -> bool:
    breaks = (n for n in flow.inside(target) if n.type == "break_statement" and flow.jump_target(n) == target)
    return all(_reached_behind(n, starts) for n in breaks)
