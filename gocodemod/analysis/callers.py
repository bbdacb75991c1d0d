"""What becomes of a function's callers when it returns at once, again and again, because its stop signal has fired."""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import flow, periods
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
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
        if caller is not None and any(_spins(caller, n) for n in flow.loops_around(call)):
            return use.function or "a function literal"
    return ""


def _spins(caller: View, loop: Node) -> bool:
    own = flow.body(loop)
    endless = own is not None and flow.is_endless(loop) and not flow.exits(loop)
    return endless and own is not None and periods.blocks(caller, own) is None
