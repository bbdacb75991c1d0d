"""Is a goroutine over when the function that starts it goes on or ends, on every path? Only what can be proved counts."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.paths import Paths
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call

_GROUP = "(*sync.WaitGroup)"
_STATEMENTS = ("expression_statement", "short_var_declaration", "assignment_statement", "go_statement")
_ERRGROUP = "(*golang.org/x/sync/errgroup.Group)"


@dataclass(frozen=True)
class Place:
    """What a goroutine must not outlive. ``region``: the function, or the block that is a loop's round.

    ``since``: what was deferred before this offset runs too late, -1: nothing was. ``variable``: id of the variable
    whose context ends the place; when that is done, nothing is lost by ending it.
    """

    region: Node
    since: int
    variable: str


def joined(view: View, statement: Node, place: Place) -> bool:
    """Whether every path from a ``go`` statement waits for its literal, or for the context to be done.

    The literal tells a local group, or a local channel that nobody else sends to, that it is done, as its last deed.
    """
    call = next((c for c in statement.named_children if c.type == "call_expression"), None)
    literal = call.child_by_field_name("function") if call is not None else None
    block = flow.body(literal) if literal is not None and literal.type == "func_literal" else None
    inner = flow.statements(block) if block is not None else []
    if not inner or literal is None:
        return False
    first = view.call_at(inner[0].named_children[0]) if inner[0].type == "defer_statement" else None
    if first is not None and first.name == f"{_GROUP}.Done":
        return _waits(view, statement, place, _receiver(view, first), f"{_GROUP}.Wait")
    channel = _told(view, literal, inner)
    if channel is None or not view.declares(place.region, view.facts.object(channel)):
        return False
    paths = _paths(place.region)
    if statement not in paths or not _holds_one_context(view, place):
        return False
    reached = paths.after(statement, lambda node: _receives(view, node, channel, place.variable))
    return not (reached.again or reached.jumps or reached.falls)


def _told(view: View, literal: Node, inner: list[Node]) -> str | None:
    """The channel that the literal sends to or closes when all else is done, by its id."""
    deferred = [n for s in inner for n in flow.inside(s) if n.type == "defer_statement"]
    if inner[0].type == "defer_statement":
        refs = [r for r in view.refs_in(inner[0]) if r.role == "close"]
    else:
        refs = [r for r in view.refs_in(inner[-1]) if r.role in ("send", "close")] if not deferred else []
        refs = refs if inner[-1].type in ("send_statement", "expression_statement") else []
    known = view.facts.object(refs[0].object) if len(refs) == 1 else None
    if known is None or known.kind != "var" or known.scope != "function":
        return None
    others = [r for r in view.refs_of(known.id) if r.role in ("send", "close", "argument", "assign", "read", "return")]
    return known.id if others == refs and literal.start_byte <= refs[0].start < literal.end_byte else None


def _receives(view: View, node: Node, channel: str, variable: str) -> bool:
    """Whether the node waits for the channel, or for the context of the variable."""
    if node.type in ("go_statement", "defer_statement"):
        return False
    owner = flow.enclosing_function(node)
    for ref in view.refs_in(node):
        waits = ref.role in ("receive", "select-receive")
        if waits and (ref.object == channel or (ref.object == variable and ref.selected == "Done")):
            return flow.enclosing_function(view.source.node_at(ref.start, ref.end)) == owner
    return False


def _holds_one_context(view: View, place: Place) -> bool:
    """Whether the variable gets no other context later."""
    assigned = (r for r in view.refs_of(place.variable) if r.role == "assign" and r.outer_end == r.end)
    return all(r.start <= place.since or view.node.start_byte <= r.start < view.node.end_byte for r in assigned)


def runs_in_group(view: View, node: Node, call: Call, place: Place) -> bool:
    """Whether the call is a local group's Go, and every path waits for the group."""
    for group in (_GROUP, _ERRGROUP):
        if call.name == f"{group}.Go":
            return _waits(view, flow.statement(node), place, _receiver(view, call), f"{group}.Wait")
    return False


def waited_for(view: View, node: Node, place: Place) -> bool:
    """Whether each path from a command's Start, but the one on which it failed, passes its Wait."""
    call = view.call_at(node)
    statement: Node | None = node
    while statement is not None and statement.type not in _STATEMENTS:
        statement = statement.parent
    if call is None or statement is None:
        return False
    receiver = _receiver(view, call)
    return _waits(view, statement, place, receiver, "(*os/exec.Cmd).Wait", _failed(view, statement))


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


def _paths(region: Node) -> Paths:
    block = flow.body(region) if region.type in flow.FUNCTIONS else region
    return Paths(flow.statements(block) if block is not None else [])


def _waits(
    view: View, statement: Node, place: Place, receiver: tuple[str, ...], wait: str, but: Node | None = None
) -> bool:
    """Whether every path from the statement out of the region passes a Wait on the same receiver, made in the region."""
    known = view.facts.object(receiver[0]) if receiver else None
    if known is None or known.kind != "var" or not view.declares(place.region, known):
        return False
    paths = _paths(place.region)
    if statement.type not in _STATEMENTS or statement not in paths:
        return False

    def waits(node: Node) -> bool:
        owner = flow.enclosing_function(node)
        calls = (c for c in view.calls_in(node) if c.name == wait and _receiver(view, c) == receiver)
        return any(_owner(view, c) == owner for c in calls)

    def stops(node: Node) -> bool:
        if but is not None and flow.contains(but, node):
            return True
        deferred = node.type == "defer_statement"
        return node.type != "go_statement" and (not deferred or place.region == view.function) and waits(node)

    if place.region == view.function:
        before = flow.dominating(statement, view.function)
        if any(s.type == "defer_statement" and s.start_byte > place.since and waits(s) for s in before):
            return True
    reached = paths.after(statement, stops)
    return not reached.jumps and not reached.falls


def _owner(view: View, call: Call) -> Node | None:
    return flow.enclosing_function(view.source.node_at(call.start, call.end))


def _receiver(view: View, call: Call) -> tuple[str, ...]:
    """The objects that the receiver's identifiers stand for."""
    if call.receiver_start < 0:
        return ()
    refs = (r for r in view.refs if call.receiver_start <= r.start and r.end <= call.receiver_end)
    return tuple(r.object for r in refs)
