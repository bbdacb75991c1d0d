"""Function values: what callers hand to a function for it to call."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.view import View
from gocodemod.transform import Context


def handed(context: Context, view: View) -> Iterator[tuple[View, str]]:
    """The function literals among the arguments of calls of the declaration around the site, as far as its package has them.

    Literals inside of composite literals are found, variables are not followed. With each, the name of the caller.
    """
    for caller, arguments in _calls(context, view):
        for inner in flow.everything(arguments) if caller is not None and arguments is not None else ():
            block = flow.body(inner) if inner.type == "func_literal" else None
            if block is not None and caller is not None:
                there = View(caller.source, context.facts, block, inner, caller.outermost, context.language)
                yield there, caller.functions[-1].name or "a caller"


def seen(context: Context, view: View, value: str) -> bool:
    """Whether :func:`handed` gives all that a function value can be: it is a parameter, or an element of one, of a function
    whose callers are all in its package and write out what they hand over.
    """
    declared = view.functions[-1]
    known = view.facts.object(value)
    named = view.facts.object(declared.object) if declared.object else None
    if known is None or named is None or not (known.kind == "param" or _ranged(view, value)):
        return False
    if named.in_interface or (named.exported and view.facts.file(view.path).package_name != "main"):
        return False
    calls = list(_calls(context, view))
    return bool(calls) and all(c is not None and a is not None and _written_out(c, a) for c, a in calls)


def _ranged(view: View, variable: str) -> bool:
    """``for _, f := range fs`` over a parameter."""
    for ref in view.refs_of(variable):
        clause: Node | None = view.source.node_at(ref.start, ref.end) if ref.role == "define" else None
        while clause is not None and clause.type not in ("range_clause", "statement_list"):
            clause = clause.parent
        right = clause.child_by_field_name("right") if clause is not None and clause.type == "range_clause" else None
        over = view.ref_at(right) if right is not None and right.type == "identifier" else None
        known = view.facts.object(over.object) if over is not None else None
        if known is not None and known.kind == "param":
            return True
    return False


def _written_out(view: View, arguments: Node) -> bool:
    """Whether every argument that holds functions is a literal, of a function or of a list of such."""
    for value in (c for c in arguments.named_children if c.type != "comment"):
        known = view.facts.expr(view.path, value.start_byte, value.end_byte)
        if known is None or "func(" not in known.type or value.type == "func_literal":
            continue
        body = value.child_by_field_name("body") if value.type == "composite_literal" else None
        elements = [c for e in body.named_children for c in e.named_children] if body is not None else []
        if body is None or any(e.type != "func_literal" for e in elements):
            return False
    return True


def _calls(context: Context, view: View) -> Iterator[tuple[View | None, Node | None]]:
    """The uses of the declaration around the site: who calls it, with what arguments; None where a use is no call."""
    declared = view.functions[-1]
    if not any("func(" in p.type for p in declared.params):
        return
    for use in context.facts.uses(declared.object):
        if use.role == "declare":
            continue
        if use.role not in ("call", "go-call", "defer-call"):
            yield None, None
            continue
        source = view.source if use.path == view.path else context.source(use.path)
        caller = View.around(source, context.facts, source.node_at(use.start, use.end), context.language)
        if caller is None or not caller.functions:
            yield None, None
            continue
        calls = [c for c in caller.calls if c.start <= use.start and use.end <= c.end and c.object == declared.object]
        call = min(calls, key=lambda c: c.end - c.start, default=None)
        node = source.node_at(call.start, call.end) if call is not None else None
        yield caller, node.child_by_field_name("arguments") if node is not None else None
