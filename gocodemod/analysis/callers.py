"""What becomes of a function's callers when it returns at once, again and again, because its stop signal has fired."""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import flow, periods
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Call
from gocodemod.transform import Context


def spinning(context: Context, view: View) -> str:
    """Name of a caller whose endless loop calls the site's function, never leaves and waits for nothing else; "" if none.

    The function's own wait was all that kept such a loop from spinning.
    """
    function = view.functions[0]
    if function.kind != "declaration":
        return ""
    for use in context.facts.uses(function.object):
        if use.role != "call" or not use.in_loop:
            continue
        try:
            source = view.source if use.path == view.path else context.source(use.path)
        except (TypesUnavailable, OSError):
            continue
        call = source.node_at(use.outer_start, use.outer_end)
        caller = View.around(source, context.facts, call, context.language)
        if caller is not None and spins(caller, call):
            return use.function or "a function literal"
    return ""


def spins(caller: View, call: Node) -> bool:
    """Whether an endless loop around the call never leaves, and waits for nothing but that."""
    return any(_spins(caller, loop, call) for loop in flow.loops_around(call))


def _spins(caller: View, loop: Node, call: Node) -> bool:
    own = flow.body(loop)
    if own is None or not flow.is_endless(loop) or flow.exits(loop):
        return False
    return periods.blocks(caller, own, lambda c: _takes_context(caller, c) or _is(c, call)) is None


def _is(call: Call, node: Node) -> bool:
    """Whether the node is part of this call, and of none inside it."""
    return call.start <= node.start_byte and node.end_byte <= call.end


def _takes_context(caller: View, call: Call) -> bool:
    """What is given a context waits for nothing once that has ended."""
    given = caller.facts.refs(caller.path, call.start, call.end)
    named = (caller.facts.object(r.object) for r in given if r.role == "argument")
    return any(o is not None and o.type == "context.Context" for o in named)
