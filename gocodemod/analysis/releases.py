"""How a function ends the waits of a goroutine that it started: it cancels a context, it closes a channel."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow, origins, waited_for
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref


class When(enum.Enum):
    """``DEFERRED``: by a defer that stands before the start, so on every way out of the function. ``LATER``: by a defer that
    stands after it, with no way out in between. ``PLAIN``: by a statement that every way on from the start passes.
    """

    DEFERRED = 1
    LATER = 2
    PLAIN = 3


@dataclass(frozen=True)
class Release:
    """``statement``: the defer, or the plain statement. ``call``: the statement that does it, another one only inside a
    deferred literal. ``text``: for people.
    """

    when: When
    statement: Node
    call: Node
    text: str


def of_context(view: View, start: Node, variable: str) -> list[Release]:
    """What cancels a context that the function around ``start`` made; a variable with several values is never known."""
    if not settled(view, start, variable):
        return []
    return [found for ref in cancel_calls(view, variable) for found in _classify(view, start, ref)]


def settled(view: View, start: Node, variable: str) -> bool:
    """Whether a variable has the one value that is written down for it, whenever the start is come to."""
    made = list(origins.of(view, variable, keys=True))
    if len(made) != 1 or made[0].define.path != view.path:
        return False
    known = view.facts.object(variable)
    if known is None or known.scope != "function":
        return True
    statement = flow.statement(view.source.node_at(made[0].define.start, made[0].define.end))
    return statement in flow.dominating(start, view.outermost)


def of_channel(view: View, start: Node, channel: str) -> list[Release]:
    """What closes a channel that is no other one by then."""
    known = view.facts.object(channel) if channel else None
    writes = [r for r in view.refs_of(channel) if r.role in ("assign", "address", "update")]
    local = known is not None and known.scope == "function" and known.kind == "var"
    if known is None or (writes and (not local or not settled(view, start, channel))):
        return []
    return [r for ref in view.refs_of(channel) if ref.role == "close" for r in _classify(view, start, ref)]


def cancel_calls(view: View, variable: str) -> list[Ref]:
    """Calls of the cancel functions that were made together with a context."""
    made = list(origins.of(view, variable, keys=True))
    if len(made) != 1:
        return []
    return [
        ref
        for cancel in origins.cancels(view, made[0].define)
        for ref in view.refs_of(cancel)
        if ref.role in ("call", "defer-call") and single(view, cancel)
    ]


def single(view: View, variable: str) -> bool:
    """Whether a variable is given one value only."""
    return len([r for r in view.refs_of(variable) if r.role in ("define", "assign", "update", "address")]) == 1


def hands_out_cancel(view: View, variable: str) -> bool:
    """Whether the cancel function of a context leaves the function: returned, stored, handed on."""
    made = list(origins.of(view, variable, keys=True))
    roles = {r.role for o in made for c in origins.cancels(view, o.define) for r in view.refs_of(c)}
    return bool(roles & {"return", "argument", "read", "key", "address"})


def _classify(view: View, start: Node, ref: Ref) -> Iterator[Release]:
    node = view.source.node_at(ref.start, ref.end)
    call = flow.statement(node)
    line = f"line {view.line(ref.start)}"
    function = flow.enclosing_function(node)
    text = " ".join(view.text(call).split())
    if function == view.function:
        if call.type == "defer_statement":
            if call in flow.dominating(start, view.function):
                yield Release(When.DEFERRED, call, call, f"{text} at {line}")
            elif waited_for.always_reached(start, call):
                yield Release(When.LATER, call, call, f"{text} at {line}")
        elif call.type == "expression_statement" and waited_for.always_reached(start, call):
            yield Release(When.PLAIN, call, call, f"{text} at {line}")
        return
    deferred = waited_for.deferred_by(function)
    if deferred is None or flow.enclosing_function(deferred) != view.function or call.type != "expression_statement":
        return
    body = flow.body(function) if function is not None else None
    if body is None or call not in flow.statements(body) or _may_leave_before(body, call):
        return
    if deferred in flow.dominating(start, view.function):
        yield Release(When.DEFERRED, deferred, call, f"{text} in the deferred literal at {line}")


def _may_leave_before(body: Node, statement: Node) -> bool:
    return any(
        n.type in ("return_statement", "goto_statement")
        for n in flow.inside(body)
        if n.start_byte < statement.start_byte
    )
