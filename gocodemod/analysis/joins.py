"""Is a goroutine over when the function that starts it goes on or ends, on every path? Only what can be proved counts."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.paths import Paths
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call

_GROUP = "(*sync.WaitGroup)"
_STATEMENTS = ("expression_statement", "short_var_declaration", "assignment_statement", "go_statement")
_ERRGROUP = "(*golang.org/x/sync/errgroup.Group)"


def joined(view: View, statement: Node, region: Node) -> bool:
    """Whether a ``go`` statement's literal tells a local group that it is done, and every path waits for the group."""
    call = next((c for c in statement.named_children if c.type == "call_expression"), None)
    literal = call.child_by_field_name("function") if call is not None else None
    block = flow.body(literal) if literal is not None and literal.type == "func_literal" else None
    first = flow.statements(block)[:1] if block is not None else []
    if not first or first[0].type != "defer_statement":
        return False
    done = view.call_at(first[0].named_children[0])
    if done is None or done.name != f"{_GROUP}.Done":
        return False
    return _waits(view, statement, region, _receiver(view, done), f"{_GROUP}.Wait")


def runs_in_group(view: View, node: Node, call: Call, region: Node) -> bool:
    """Whether the call is a local group's Go, and every path waits for the group."""
    for group in (_GROUP, _ERRGROUP):
        if call.name == f"{group}.Go":
            statement = flow.statement(node)
            return statement.type == "expression_statement" and _waits(
                view, statement, region, _receiver(view, call), f"{group}.Wait"
            )
    return False


def waited_for(view: View, node: Node, region: Node) -> bool:
    """Whether each path from a command's Start, but the one on which it failed, passes its Wait."""
    call = view.call_at(node)
    statement: Node | None = node
    while statement is not None and statement.type not in _STATEMENTS:
        statement = statement.parent
    if call is None or statement is None:
        return False
    receiver = _receiver(view, call)
    return _waits(view, statement, region, receiver, "(*os/exec.Cmd).Wait", _failed(view, statement))


def _failed(view: View, statement: Node) -> Node | None:
    """The block that runs if the statement's error is one."""
    check = statement.parent
    if check is None or check.type != "if_statement":
        check = next(iter(flow.siblings(statement)[1]), None)
    if check is None or check.type != "if_statement":
        return None
    condition = check.child_by_field_name("condition")
    text = "".join(view.text(condition).split()) if condition is not None else ""
    left = statement.child_by_field_name("left")
    return check.child_by_field_name("consequence") if left is not None and text == f"{view.text(left)}!=nil" else None


def _waits(
    view: View, statement: Node, region: Node, receiver: tuple[str, ...], wait: str, but: Node | None = None
) -> bool:
    """Whether every path from the statement out of the region passes a Wait on the same receiver, made in the region."""
    known = view.facts.object(receiver[0]) if receiver else None
    block = flow.body(region) if region.type in flow.FUNCTIONS else region
    if block is None or known is None or known.kind != "var" or not view.declares(region, known):
        return False
    paths = Paths(flow.statements(block))
    if statement.type not in _STATEMENTS or statement not in paths:
        return False
    reached = paths.after(statement, _stops(view, receiver, wait, but, region == view.function))
    return not reached.jumps and not reached.falls


def _stops(
    view: View, receiver: tuple[str, ...], wait: str, but: Node | None, deferred: bool
) -> Callable[[Node], bool]:
    """``deferred``: a deferred Wait will do."""

    def stops(node: Node) -> bool:
        if but is not None and flow.contains(but, node):
            return True
        if node.type == "go_statement" or (node.type == "defer_statement" and not deferred):
            return False
        owner = flow.enclosing_function(node)
        return any(
            _receiver(view, c) == receiver and _owner(view, c) == owner for c in view.calls_in(node) if c.name == wait
        )

    return stops


def _owner(view: View, call: Call) -> Node | None:
    return flow.enclosing_function(view.source.node_at(call.start, call.end))


def _receiver(view: View, call: Call) -> tuple[str, ...]:
    """The objects that the receiver's identifiers stand for."""
    if call.receiver_start < 0:
        return ()
    refs = (r for r in view.refs if call.receiver_start <= r.start and r.end <= call.receiver_end)
    return tuple(r.object for r in refs)
