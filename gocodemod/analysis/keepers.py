"""Who keeps what it is given, of the functions whose bodies are not looked through."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import callees, flow, joins, names, stdlib
from gocodemod.analysis.joins import Place
from gocodemod.analysis.reach import reach
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call
from gocodemod.transform import Context

# First words of functions that leave something running when they return.
_STARTS = frozenset({"start", "launch", "spawn", "subscribe"})


@dataclass(frozen=True)
class Verdict:
    """``keeps``: how the callee keeps the value (``{}``) beyond the call, ``""`` if it is not known to. ``known``: it is
    known not to. ``results``: what it gives may refer to the value.
    """

    keeps: str
    known: bool = True
    results: bool = True


def outside(context: Context, view: View, node: Node, call: Call, value: Node, how: str, place: Place) -> Verdict:
    """What the call does with the value that it gets as an ``argument`` or as ``receiver``.

    ``place``: what the value must not outlive.
    """
    name = callees.name(view, call)
    if call.name == "(*os/exec.Cmd).Start":
        return Verdict(
            ""
            if joins.waited_for(view, node, place)
            else f"{name} leaves {{}} running, and not every path waits for it"
        )
    if joins.runs_in_group(view, node, call, place):
        return Verdict("", results=False)
    known = stdlib.keeps(call) if call.kind != "interface-method" or how == "receiver" else "unknown"
    if how == "receiver":
        return Verdict("", known != "unknown", not stdlib.frees(call))
    if known == "unknown" and names.first_word(name) in _STARTS and not _derives(view, node):
        return Verdict(f"{name} may go on with {{}}: its name says that it starts something")
    if known == "always":
        return Verdict(f"{name} keeps {{}}")
    if callees.is_function(view, value) and (known == "unknown" or not _runs_now(context, view, call, value)):
        return Verdict(f"{name} may keep {{}}, which refers to the context")
    return Verdict("", known != "unknown", not stdlib.frees(call))


def _derives(view: View, call: Node) -> bool:
    """``ctx, span := tracer.Start(ctx, name)``: what is started is told of by the context that comes back."""
    known = view.facts.expr(view.path, call.start_byte, call.end_byte)
    return known is not None and "context.Context" in known.type


def _runs_now(context: Context, view: View, call: Call, value: Node) -> bool:
    """Whether the call runs the function and forgets it."""
    if not stdlib.runs_now(call):
        return False
    if call.name != "(*testing.T).Run":
        return True
    block = flow.body(value) if value.type == "func_literal" else None
    if block is None:
        return False
    # A parallel subtest runs when the test around it has returned.
    bodies = reach(context, view, block).bodies
    return not any(c.name == "(*testing.T).Parallel" for b in bodies for c in b.view.calls_in(b.view.node))
