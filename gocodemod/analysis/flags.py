"""A bool that tells once that something has happened: where it is declared, set, polled, and what else is done to it.

A plain ``bool`` or a ``sync/atomic.Bool``: a local variable, a package variable or a field, whose every use can be seen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import configurations, groups, once
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Object, Ref
from gocodemod.model import Level, Refusal
from gocodemod.transform import Context

PLAIN = "bool"
ATOMIC = "sync/atomic.Bool"
_VARIABLES = frozenset({"var", "field"})


@dataclass(frozen=True)
class Place:
    """A node, seen in the function around it (``view.node``)."""

    view: View
    ref: Ref

    @property
    def node(self) -> Node:
        return self.view.node


@dataclass(frozen=True)
class Flag:
    """``declaration``: the spec or field that declares it. ``setting``: the statement or deferred call that sets it.
    ``base``: the variable before the dot where a field is set. ``polls``: the loops that wait for it, each once, in the
    order of files and lines.
    """

    variable: Object
    declaration: Node
    declared_in: str
    setting: Place
    base: Object | None
    polls: tuple[Place, ...]


def named(test: Node, negated: bool) -> Node | None:
    """The flag's name in ``!flag``, ``!flag.Load()``, ``flag == false``; without ``negated`` in ``flag`` and its like."""
    if test.type == "parenthesized_expression":
        return named(test.named_children[0], negated)
    sign = test.child_by_field_name("operator")
    if test.type == "unary_expression" and sign is not None and sign.type == "!":
        inner = test.child_by_field_name("operand")
        return named(inner, not negated) if inner is not None else None
    if test.type == "binary_expression" and sign is not None and sign.type in ("==", "!="):
        left, right = test.child_by_field_name("left"), test.child_by_field_name("right")
        if left is None or right is None or right.type not in ("true", "false"):
            return None
        return named(left, negated != ((sign.type == "==") != (right.type == "true")))
    return None if negated else _named(test)


def _named(node: Node) -> Node | None:
    """``x``, ``s.x``, and the ``x`` of ``x.Load()``."""
    if node.type == "call_expression":
        callee, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        field = callee.child_by_field_name("field") if callee is not None else None
        if field is None or field.text != b"Load" or arguments is None or arguments.named_children:
            return None
        assert callee is not None, "a selector was found in it"
        node = callee.child_by_field_name("operand") or node
    return node if node.type in ("identifier", "selector_expression") else None


def variable(view: View, named: Node) -> Object | None:
    """The bool that a name stands for; None if it is something else, or reached through more than names."""
    path = groups.path(view, named)
    known = view.facts.object(path[-1].object) if path else None
    if known is None or known.kind not in _VARIABLES or known.type not in (PLAIN, ATOMIC):
        return None
    called = named.parent is not None and named.parent.type == "selector_expression"
    return known if called == (known.type == ATOMIC) else None


def find(context: Context, view: View, known: Object, poll_of: Callable[[View, Ref], Node | None]) -> Flag | Refusal:
    """The flag with all its uses, or why it is more than that. ``poll_of``: the loop that waits for it at a reference."""
    if known.kind == "field" or known.scope == "package":
        if known.exported:
            return Refusal("flag-out-of-sight", f"{known.name} is exported: other packages may set it")
        if other := configurations.names_elsewhere(view, known.name):
            return Refusal("other-build-config", f"{os.path.basename(other)} holds the name {known.name}")
    declaration: Node | None = None
    settings: list[Place] = []
    polls: dict[tuple[str, int], Place] = {}
    for ref in view.refs_of(known.id) if known.scope == "function" else view.facts.uses(known.id):
        if ref.role in ("define", "declare"):
            declaration = _declaration(context, view, ref)
            continue
        found = _use(context, view, known, ref, poll_of)
        if isinstance(found, Refusal):
            return found
        if found.node.type == "for_statement":
            polls[found.view.path, found.node.start_byte] = found
        else:
            settings.append(found)
    if declaration is None:
        return Refusal("flag-used-otherwise", f"{known.name} is declared together with others, or begins with a value")
    setting = _setting(context, known, settings)
    if isinstance(setting, Refusal):
        return setting
    ordered = tuple(polls[key] for key in sorted(polls))
    return Flag(known, declaration, known.path, setting, _base(setting), ordered)


def _use(
    context: Context, view: View, known: Object, ref: Ref, poll_of: Callable[[View, Ref], Node | None]
) -> Place | Refusal:
    """The loop that polls the flag at a reference, or the statement that sets it; a refusal for any other use."""
    where = f"line {_line(context, view, ref)}"
    if ref.role == "key":
        return Refusal("flag-used-otherwise", f"{where} sets {known.name} where its struct is made")
    place = _place(context, view, ref)
    if place is None:
        return Refusal("flag-out-of-sight", f"{known.name} is used outside of functions, or cannot be looked at")
    loop = poll_of(place.view, ref)
    if loop is not None:
        return Place(place.view.at(loop), ref)
    given = _given(place, known)
    if given == "true":
        return place
    if given == "false":
        return Refusal("flag-is-reset", f"{where} sets {known.name} to false")
    does = f"sets {known.name} to {given}" if given else f"looks at {known.name} or hands it on"
    return Refusal("flag-used-otherwise", f"{where} {does}")


def _setting(context: Context, known: Object, settings: Sequence[Place]) -> Place | Refusal:
    """The one place that sets the flag, if it does so once."""
    lines = [s.view.line(s.node.start_byte) for s in settings]
    if not settings:
        return Refusal("never-set", f"nothing sets {known.name}: the loop never ends", level=Level.REPORT)
    if len(settings) > 1:
        return Refusal("set-more-than-once", f"{known.name} is set in lines {', '.join(map(str, lines))}")
    if again := once.why_not(context, settings[0].view, known, _base(settings[0])):
        return Refusal("set-more-than-once", f"{known.name} = true in line {lines[0]}: {again}")
    return settings[0]


def _line(context: Context, view: View, ref: Ref) -> int:
    try:
        source = view.source if ref.path == view.path else context.source(ref.path)
    except (OSError, TypesUnavailable):
        return 0
    return source.data.count(b"\n", 0, ref.start) + 1


def _place(context: Context, view: View, ref: Ref) -> Place | None:
    """The statement around a reference: the smallest one, or the call of a ``defer``."""
    try:
        source = view.source if ref.path == view.path else context.source(ref.path)
    except (OSError, TypesUnavailable):
        return None
    node: Node | None = source.node_at(ref.outer_start, ref.outer_end)
    while node is not None and not (node.type.endswith("_statement") or node.type == "statement_list"):
        node = node.parent
    around = View.around(source, view.facts, node, view.language) if node is not None else None
    return Place(around, ref) if around is not None else None


def _given(place: Place, known: Object) -> str:
    """What the statement sets the flag to, as written; ``""`` if it is nothing that can become a close."""
    node = place.node
    if known.type == PLAIN:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        whole = node.type == "assignment_statement" and left is not None and right is not None
        if not whole or left is None or right is None or len(left.named_children) != 1 or place.ref.role != "assign":
            return ""
        return " ".join(place.view.text(right).split()) if left.end_byte == place.ref.outer_end else ""
    call = node.named_children[0] if node.named_children else None
    if node.type not in ("expression_statement", "defer_statement") or call is None or place.ref.selected != "Store":
        return ""
    found = place.view.call_at(call)
    arguments = call.child_by_field_name("arguments")
    if found is None or found.name != "(*sync/atomic.Bool).Store" or arguments is None:
        return ""
    return place.view.text(arguments)[1:-1].strip()


def _base(setting: Place) -> Object | None:
    """The variable before the field's dot, where that is all there is."""
    node = setting.view.source.node_at(setting.ref.start, setting.ref.end).parent
    operand = node.child_by_field_name("operand") if node is not None and node.type == "selector_expression" else None
    ref = setting.view.ref_at(operand) if operand is not None and operand.type == "identifier" else None
    return setting.view.facts.object(ref.object) if ref is not None else None


# --- the declaration ------------------------------------------------------------------------------------------------


def _declaration(context: Context, view: View, ref: Ref) -> Node | None:
    """The ``var`` spec, ``:=`` statement or field that declares the flag alone, and false."""
    try:
        source = view.source if ref.path == view.path else context.source(ref.path)
    except (OSError, TypesUnavailable):
        return None
    node: Node | None = source.node_at(ref.start, ref.end)
    while node is not None and node.type not in ("var_spec", "short_var_declaration", "field_declaration"):
        node = node.parent
    if node is None:
        return None
    text = source.text(node)
    if node.type == "short_var_declaration":
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        alone = left is not None and right is not None and len(left.named_children) == 1
        listed = node.parent is not None and node.parent.type == "statement_list"
        return node if alone and listed and right is not None and source.text(right) == b"false" else None
    if len(node.children_by_field_name("name")) != 1 or b"\n" in text or node.child_by_field_name("tag") is not None:
        return None
    value = node.child_by_field_name("value")
    return node if value is None or source.text(value) == b"false" else None
