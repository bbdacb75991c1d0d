"""Terminating statements, as the compiler sees them: behind them nothing of the same list runs.

https://go.dev/ref/spec#Terminating_statements. A function with results must end in one, and ``go vet`` reports what
stands behind one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tree_sitter import Node

from gocodemod.analysis import flow

_SWITCHES = frozenset({"expression_switch_statement", "type_switch_statement"})


def terminates(node: Node, ends: Callable[[Node], bool] = lambda _: False) -> bool:
    """Whether a statement is a terminating one. ``ends``: other statements that are to count as a return."""
    if ends(node) or node.type in ("return_statement", "goto_statement"):
        return True
    if node.type == "expression_statement":
        return _panics(node)
    if node.type == "block":
        return ends_list(flow.statements(node), ends)
    if node.type == "labeled_statement":
        inner = [c for c in node.named_children if c.type not in ("label_name", "comment")]
        return bool(inner) and terminates(inner[-1], ends)
    if node.type == "if_statement":
        branches = (node.child_by_field_name("consequence"), node.child_by_field_name("alternative"))
        return all(b is not None and terminates(b, ends) for b in branches)
    if node.type == "for_statement":
        return not flow.is_range(node) and flow.condition(node) is None and not _broken(node)
    if node.type in _SWITCHES or node.type == "select_statement":
        return _every_case(node, ends) and not _broken(node)
    return False


def ends_list(statements: Sequence[Node], ends: Callable[[Node], bool] = lambda _: False) -> bool:
    """Whether a list of statements ends in a terminating one."""
    return bool(statements) and terminates(statements[-1], ends)


def _panics(node: Node) -> bool:
    call = node.named_children[0] if node.named_children else None
    callee = call.child_by_field_name("function") if call is not None and call.type == "call_expression" else None
    return callee is not None and callee.text == b"panic"


def _broken(node: Node) -> bool:
    """Whether a break refers to the statement."""
    return any(n.type == "break_statement" and flow.jump_target(n) == node for n in flow.inside(node))


def _every_case(node: Node, ends: Callable[[Node], bool]) -> bool:
    cases = [c for c in node.named_children if c.type in flow.CASES]
    if node.type in _SWITCHES and not any(c.type == "default_case" for c in cases):
        return False
    return all(_ends_case(flow.statements(c), ends) for c in cases)


def _ends_case(statements: Sequence[Node], ends: Callable[[Node], bool]) -> bool:
    return ends_list(statements, ends) or (bool(statements) and statements[-1].type == "fallthrough_statement")
