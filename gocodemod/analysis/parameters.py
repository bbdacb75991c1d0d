"""Parameters of a literal that is called in place, as variables around it."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import evaluation, flow
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref

# Literals whose type, by itself, is this one: ``x := 5`` and a parameter ``x int`` are the same.
_OWN_TYPES = {
    "int_literal": "int",
    "float_literal": "float64",
    "interpreted_string_literal": "string",
    "raw_string_literal": "string",
    "true": "bool",
    "false": "bool",
    "rune_literal": "int32",
}


@dataclass(frozen=True)
class Binding:
    """A parameter as a variable of the same name. ``object``: the parameter's id, ``""`` for a blank one.

    ``text``: the statement that gives the variable its value, ``""`` where there is nothing to give.
    """

    object: str
    text: str


def bind(view: View, literal: Node, arguments: Node, statement: Node) -> tuple[Binding, ...] | str:
    """Statements which, before ``statement``, evaluate the arguments as the call does; or why there are none.

    With them the literal needs no parameters: its code finds variables of the same names.
    """
    declared = literal.child_by_field_name("parameters")
    parameters = _parameters(declared) if declared is not None else []
    given = [c for c in arguments.named_children if c.type != "comment"]
    if parameters is None:
        return "the literal takes any number of arguments"
    if len(parameters) != len(given):
        return "one call gives several of the literal's arguments"
    found: list[Binding] = []
    for (name, written), argument in zip(parameters, given, strict=True):
        one = _bind(view, literal, statement, name, written, argument)
        if isinstance(one, str):
            return one
        found.append(one)
    if any(b.text for b in found):
        if flow.labelled(statement) != statement:
            return "a label stands before the statement"
        if flow.goto_jumps_over(view.function, statement):
            return "a goto jumps over the place where the arguments would be bound"
    return tuple(found)


def _parameters(declared: Node) -> list[tuple[Node | None, Node]] | None:
    """Name (None if it has none) and type of each; None for a variadic literal."""
    found: list[tuple[Node | None, Node]] = []
    for part in declared.named_children:
        if part.type == "comment":
            continue
        written = part.child_by_field_name("type")
        if part.type != "parameter_declaration" or written is None:
            return None
        names = part.children_by_field_name("name")
        found += [(name, written) for name in names] or [(None, written)]
    return found


def _bind(
    view: View, literal: Node, statement: Node, name: Node | None, written: Node, argument: Node
) -> Binding | str:
    ref = view.ref_at(name) if name is not None else None
    text = view.text(name) if name is not None else "_"
    parameter = view.facts.object(ref.object) if ref is not None and ref.object else None
    if name is not None and text != "_" and parameter is None:
        return f"{text} is not known"
    uses = [r for r in view.refs_of(parameter.id) if r.role != "declare"] if parameter is not None else []
    if parameter is None or not uses:
        plain = argument.type == "identifier" or _constant(view, argument)
        return Binding("", "" if plain else f"_ = {view.text(argument)}")
    if _is_captured(view, statement, parameter, uses, argument):
        return Binding(parameter.id, "")
    if not _is_fresh(view, literal, text) and not _is_copied(view, statement, parameter, uses, argument):
        return f"{text} means something else around the statement"
    return Binding(parameter.id, _declaration(view, parameter, text, written, argument))


def _declaration(view: View, parameter: Object, name: str, written: Node, argument: Node) -> str:
    known = view.facts.expr(view.path, argument.start_byte, argument.end_byte)
    if _constant(view, argument):
        same = _OWN_TYPES.get(argument.type) == parameter.type
    else:
        same = known is not None and bool(known.type) and known.type == parameter.type
    value = view.text(argument)
    if argument.type == "nil":
        return f"var {name} {view.text(written)}"
    return f"{name} := {value}" if same else f"var {name} {view.text(written)} = {value}"


def _constant(view: View, argument: Node) -> bool:
    known = view.facts.expr(view.path, argument.start_byte, argument.end_byte)
    return known is not None and known.constant is not None


def _same_variable(view: View, parameter: Object, uses: list[Ref], argument: Node) -> Object | None:
    """The variable of the parameter's name and type that is handed to it; None if it is something else.

    None too where the literal changes the parameter, which is a variable of its own until now.
    """
    ref = view.ref_at(argument) if argument.type == "identifier" else None
    variable = view.facts.object(ref.object) if ref is not None and ref.object else None
    if variable is None or variable.name != parameter.name or variable.scope != "function":
        return None
    changed = any(evaluation.written(view, parameter, r) for r in uses)
    return variable if variable.type == parameter.type != "" and not changed else None


def _is_captured(view: View, statement: Node, parameter: Object, uses: list[Ref], argument: Node) -> bool:
    """Whether the literal may use the variable that it is handed, instead of a copy."""
    variable = _same_variable(view, parameter, uses, argument)
    return variable is not None and evaluation.settled(view, variable, statement)


def _is_copied(view: View, statement: Node, parameter: Object, uses: list[Ref], argument: Node) -> bool:
    """Whether ``x := x`` may stand before the statement: x is the variable of the loop whose body this is."""
    variable = _same_variable(view, parameter, uses, argument)
    block = statement.parent.parent if statement.parent is not None else None
    loop = block.parent if block is not None else None
    if variable is None or loop is None or loop.type != "for_statement":
        return False
    header = flow.clause(loop)
    if header is None or not view.declares(header, variable):
        return False
    outside = (r for r in view.refs_of(variable.id) if not header.start_byte <= r.start < header.end_byte)
    return not any(evaluation.written(view, variable, r) for r in outside)


def _is_fresh(view: View, literal: Node, name: str) -> bool:
    """Whether nothing in the function, the literal left out, has that name."""
    stack = [view.outermost]
    while stack:
        node = stack.pop()
        if node == literal:
            continue
        if node.type in ("identifier", "type_identifier", "package_identifier") and view.text(node) == name:
            return False
        stack.extend(node.named_children)
    return True
