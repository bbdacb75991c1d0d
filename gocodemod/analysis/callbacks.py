"""Function values: what callers hand to a function for it to call."""

from __future__ import annotations

from collections.abc import Iterator

from gocodemod.analysis import flow
from gocodemod.analysis.view import View
from gocodemod.transform import Context


def handed(context: Context, view: View) -> Iterator[tuple[View, str]]:
    """The function literals among the arguments of calls of the declaration around the site, as far as its package has them.

    Literals inside of composite literals are found, variables are not followed. With each, the name of the caller.
    """
    declared = view.functions[-1]
    if not any("func(" in p.type for p in declared.params):
        return
    for use in context.facts.uses(declared.object):
        if use.role not in ("call", "go-call", "defer-call"):
            continue
        source = view.source if use.path == view.path else context.source(use.path)
        caller = View.around(source, context.facts, source.node_at(use.start, use.end), context.language)
        if caller is None or not caller.functions:
            continue
        calls = [c for c in caller.calls if c.start <= use.start and use.end <= c.end and c.object == declared.object]
        call = min(calls, key=lambda c: c.end - c.start, default=None)
        node = source.node_at(call.start, call.end) if call is not None else None
        arguments = node.child_by_field_name("arguments") if node is not None else None
        for inner in flow.everything(arguments) if arguments is not None else ():
            block = flow.body(inner) if inner.type == "func_literal" else None
            if block is not None:
                there = View(source, context.facts, block, inner, caller.outermost, context.language)
                yield there, caller.functions[-1].name or "a caller"
