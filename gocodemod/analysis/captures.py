"""What a function literal shares with the function around it."""

from __future__ import annotations

from collections.abc import Mapping

from tree_sitter import Node

from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref


def captured(view: View, literal: Node) -> Mapping[str, tuple[Ref, ...]]:
    """References inside the literal (or any node) to variables of the outermost function declared outside of it.

    By object id, in source order; parameters, results and receivers of enclosing functions included.
    """
    found: dict[str, list[Ref]] = {}
    for ref in view.refs_in(literal):
        known = view.facts.object(ref.object) if ref.object else None
        if known is None or known.kind not in ("var", "param", "result", "receiver") or known.scope != "function":
            continue
        if not view.declares(literal, known):
            found.setdefault(ref.object, []).append(ref)
    return {name: tuple(refs) for name, refs in found.items()}


def steady(view: View, literal: Node, variable: str) -> bool:
    """Whether a captured variable still holds, whenever the literal runs, what it held when the literal was made.

    False where it is assigned after that place, inside a loop around it, or its address is taken.
    """
    known = view.facts.object(variable)
    for ref in view.refs_of(variable):
        if ref.role == "address":
            return False
        if ref.role not in ("assign", "update"):
            continue
        if ref.start >= literal.start_byte or ref.in_loop or ref.literals != _literals_around(view, literal):
            return False
    return known is not None and known.scope == "function"


def _literals_around(view: View, literal: Node) -> tuple[int, ...]:
    around = view.facts.functions(view.path, literal.start_byte - 1)
    return tuple(f.start for f in reversed(around) if f.kind == "literal")


def given(view: View, literal: Node) -> Mapping[str, str]:
    """What a call of the literal in place (``go func(x T) {...}(y)``) hands to its parameters.

    Ids of variables or fields by ids of parameters, ``""`` where something else is handed over.
    """
    function = view.facts.functions(view.path, literal.start_byte)[0]
    call = literal.parent
    arguments = call.child_by_field_name("arguments") if call is not None else None
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    found = dict.fromkeys((p.id for p in function.params), "")
    if len(values) == len(function.params):
        for parameter, value in zip(function.params, values, strict=True):
            ref = view.ref_at(value) if value.type in ("identifier", "selector_expression") else None
            found[parameter.id] = ref.object if ref is not None else ""
    return found
