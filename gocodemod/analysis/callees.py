"""What a call calls, and which of its parameters a value becomes."""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.reach import literal_of
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call
from gocodemod.golang.source import Source, build_constraint


def name(view: View, call: Call) -> str:
    """A call's name, for people: ``(*net/http.Client).Do``, or what is written there."""
    if call.name:
        return call.name
    return " ".join(view.source.data[call.start : call.end].decode("utf-8", "replace").split("(", 1)[0].split())


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


def receiver(view: View, function: Node) -> str | None:
    """The id of a method's receiver; None if it has no name."""
    written = function.child_by_field_name("receiver")
    refs = view.refs_in(written) if written is not None else ()
    found = next((r for r in refs if r.role == "declare"), None)
    return found.object if found is not None and found.name != "_" else None


def is_function(view: View, value: Node) -> bool:
    """Whether a value can be called."""
    known = view.facts.expr(view.path, value.start_byte, value.end_byte)
    return value.type == "func_literal" or (known is not None and known.underlying.startswith("func("))
