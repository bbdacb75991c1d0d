"""What a call calls, and which of its parameters a value becomes."""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import flow, values
from gocodemod.analysis.reach import literal_of
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Ref
from gocodemod.golang.source import Source, build_constraint


def name(view: View, call: Call) -> str:
    """A call's name, for people: ``(*net/http.Client).Do``, or what is written there."""
    if call.name:
        return call.name
    return " ".join(view.source.data[call.start : call.end].decode("utf-8", "replace").split("(", 1)[0].split())


def is_called(selector: Node) -> bool:
    parent = selector.parent
    return (
        parent is not None and parent.type == "call_expression" and parent.child_by_field_name("function") == selector
    )


def method_value(view: View, selector: Node) -> Ref | None:
    """The method of ``c.run`` where that is taken as a value; None for a field, and for a context's own methods."""
    operand, field = selector.child_by_field_name("operand"), selector.child_by_field_name("field")
    typed = view.facts.expr(view.path, operand.start_byte, operand.end_byte) if operand is not None else None
    ref = view.ref_at(field) if field is not None else None
    known = view.facts.object(ref.object) if ref is not None and ref.object else None
    if (known is not None and known.kind == "field") or (typed is not None and typed.type == "context.Context"):
        return None
    return ref


def closes(view: View, value: Node, call: Call | None) -> bool:
    """``defer resp.Body.Close()`` and ``defer rows.Close()``: after the context's end, they do what they did before."""
    if call is None or not call.name.endswith(".Close"):
        return False
    base = values.base(value) or value
    known = view.facts.expr(view.path, base.start_byte, base.end_byte)
    return known is not None and known.type in ("*net/http.Response", "*database/sql.Rows")


def same_build(caller: Source, callee: Source) -> bool:
    """Whether every build configuration that has the caller has this body of the callee."""
    limits = build_constraint(callee.path, callee.data)
    return not limits or limits == build_constraint(caller.path, caller.data)


def literal(view: View, node: Node, call: Call) -> Node | None:
    """The literal that is called in place, or that a local variable holds."""
    if call.kind == "literal":
        function = node.child_by_field_name("function")
        while function is not None and function.type == "parenthesized_expression":
            function = function.named_children[0]
        return function
    return literal_of(view, call.object) if call.kind == "value" else None


def is_declared(call: Call) -> bool:
    """Whether the call names a function or method whose body may be seen; not a method expression (``T.Do(t, x)``)."""
    return call.kind == "function" or (call.kind == "method" and call.receiver_start >= 0)


def parameters(view: View, function: Node, node: Node, value: Node, caller: View | None = None) -> list[str]:
    """The ids of the parameters of ``function`` that get an argument, or part of it, of the call ``node``.

    Several where one call gives several arguments; none where the parameter has no name. ``view`` shows the function,
    ``caller`` the call where that is another file.
    """
    around = view.facts.functions(view.path, function.start_byte)
    own = next((f for f in around if f.start == function.start_byte), None)
    if own is None or not own.params:
        return []
    arguments = node.child_by_field_name("arguments")
    given = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else [value]
    path = (caller or view).path
    held = view.facts.holds(path, value.start_byte, value.end_byte) if len(given) == 1 else ()
    gets = [bool(what) for what in held] if len(held) > 1 else [flow.contains(c, value) for c in given]
    found = (own.params[min(i, len(own.params) - 1)] for i, got in enumerate(gets) if got)
    return [p.id for p in found if p.name not in ("", "_")]


def handed(view: View, call: Node, value: Node, how: str, caller: View) -> list[str]:
    """The parameters that a value becomes in the function that ``view`` shows, or its ``receiver``, by how it is given."""
    if how == "receiver":
        return receiver(view, view.function)
    return parameters(view, view.function, call, value, caller)


def receiver(view: View, function: Node) -> list[str]:
    """The id of a method's receiver; none if it has no name."""
    written = function.child_by_field_name("receiver")
    refs = view.refs_in(written) if written is not None else ()
    found = next((r for r in refs if r.role == "declare"), None)
    return [found.object] if found is not None and found.name != "_" else []


def is_function(view: View, value: Node) -> bool:
    """Whether a value can be called."""
    known = view.facts.expr(view.path, value.start_byte, value.end_byte)
    return value.type == "func_literal" or (known is not None and known.underlying.startswith("func("))
