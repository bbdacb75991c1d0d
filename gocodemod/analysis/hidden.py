"""Calls behind which anything may happen: methods of interfaces and of other modules, function values, ``sync.Once``.

Who implements an interface is told by whoever hands over the value: a test's fake that sends to an unbuffered channel, a
client whose peer has gone. Such a call may wait for ever where what implements it today does not. Only a context that it
is given, and that ends, makes it come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gocodemod.analysis import blocking, names, receives
from gocodemod.analysis.endings import Ending
from gocodemod.analysis.reach import Edge, text_of
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call

CLOSING = frozenset(
    {"close", "stop", "shutdown", "release", "free", "unlock", "end", "finish", "cancel", "kill", "destroy"}
)
# First words of methods that answer at once, whoever implements them.
_ANSWERS = frozenset({"now", "since", "len", "name", "id", "is", "has", "string", "error", "network", "addr", "local"})
_DEADLINES = frozenset({"SetDeadline", "SetReadDeadline", "SetWriteDeadline", "RemoteAddr"})
_CANCELS = frozenset({"context.CancelFunc", "context.CancelCauseFunc"})


@dataclass(frozen=True)
class Hidden:
    """``text``: what is called, for people. ``kind``: ``interface``, ``foreign``, ``value`` or ``once``. ``contexts``: the
    variables and fields of the contexts that it is given, as the starter names them; ``""`` for one that is neither.
    ``value``: id of the function value's variable.
    """

    text: str
    kind: str
    contexts: tuple[str, ...]
    value: str


def calls(ending: Ending) -> Iterator[Hidden]:
    """The calls of a goroutine that may wait for somebody out of sight."""
    for edge in ending.reach.unseen:
        body = ending.reach.bodies[edge.caller].view
        if not (kind := _kind(body, edge)):
            continue
        where = ending.reach.bodies[edge.caller].name
        text = f"{text_of(body, edge.call)}{f' in {where}' if where else ''}"
        yield Hidden(text, kind, tuple(_contexts(ending, edge)), edge.call.object if kind == "value" else "")


def _kind(view: View, edge: Edge) -> str:
    """``""`` for a call that is none of these, or answers at once."""
    call = edge.call
    if call.kind == "value":
        known = view.facts.object(call.object) if call.object else None
        return "" if known is not None and known.type in _CANCELS else "value"
    if call.name == "(*sync.Once).Do":
        return "once"  # whoever came first may be waiting for this goroutine
    kind = "interface" if call.kind == "interface-method" else "foreign" if _foreign(call) else ""
    if not kind or blocking.quiet(call.name) or blocking.package_of(call.name) == "testing":
        return ""
    result = view.facts.expr(view.path, call.start, call.end)
    if result is not None and result.type.startswith(("chan ", "<-chan ")):
        return ""  # the wait is for what it gives
    last = blocking.last_of(call.name)
    answers = last.lower() in CLOSING or last in _DEADLINES or names.first_word(last) in _ANSWERS
    return "" if answers else kind


def _foreign(call: Call) -> bool:
    """A method of another module's type: a fake that feeds an unbuffered channel looks like any other."""
    return call.kind == "method" and "." in blocking.package_of(call.name).split("/")[0]


def _contexts(ending: Ending, edge: Edge) -> Iterator[str]:
    view = ending.reach.bodies[edge.caller].view
    node = view.source.node_at(edge.call.start, edge.call.end)
    arguments = node.child_by_field_name("arguments") if node.type == "call_expression" else None
    for value in arguments.named_children if arguments is not None else ():
        known = view.facts.expr(view.path, value.start_byte, value.end_byte)
        if known is None or known.type != "context.Context":
            continue
        ref = view.ref_at(value) if value.type in ("identifier", "selector_expression") else None
        yield from receives.handed(ending.reach, edge.caller, ref.object) if ref is not None else [""]
