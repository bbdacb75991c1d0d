"""Does anybody wait for a goroutine? By what its literal does when it is done."""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import captures, flow
from gocodemod.analysis.reach import reach
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call
from gocodemod.transform import Context

_RECEIVES = frozenset({"receive", "select-receive", "range"})
# What may happen to a channel without anybody being told that it can be received from.
_KEEPS_QUIET = frozenset({"define", "declare", "send", "close", "compare", "assign"})


def awaited(context: Context, view: View, literal: Node) -> str:
    """Who waits for the goroutine that runs the literal, a phrase; ``""`` if nobody does.

    A group's Done, also in the module's functions that the literal calls; a send on or a close of a channel that the
    function around the literal receives from, or hands on.
    """
    block = flow.body(literal)
    if block is None:
        return ""
    own = list(view.calls_in(literal))
    bodies = reach(context, view, block).bodies
    for seen, calls in [(view, own), *((b.view, list(b.calls)) for b in bodies)]:
        for call in calls:
            if _tells_a_group(call):
                return f"{_text(seen, call)} tells a group that it is done"
    handed = captures.given(view, literal)
    for ref in view.refs_in(literal):
        told = handed.get(ref.object) or ref.object
        if ref.role in ("send", "close") and (why := _received(view, literal, told)):
            return why
    return ""


def _tells_a_group(call: Call) -> bool:
    return call.name.endswith(".Done") and call.statement in ("expr", "defer")


def _text(view: View, call: Call) -> str:
    return " ".join(view.source.data[call.start : call.end].decode("utf-8", "replace").split())


def _received(view: View, literal: Node, told: str) -> str:
    """``told``: id of the channel's variable or field."""
    declared = view.facts.object(told) if told else None
    if declared is None or view.declares(literal, declared):
        return ""
    own = declared.scope == "function" and declared.kind == "var"
    call = literal.parent if literal.parent is not None else literal
    for ref in view.refs_of(told):
        if call.start_byte <= ref.start < call.end_byte:
            continue
        if ref.role in _RECEIVES:
            return f"{declared.name} is received from at line {view.line(ref.start)}"
        if own and ref.role not in _KEEPS_QUIET and ref.selected == "":
            return f"{declared.name} is handed on at line {view.line(ref.start)}"
    return ""
