"""Where a function's goroutines are started, and what a name that it uses is called there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow, groups
from gocodemod.analysis.groups import Group
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Function
from gocodemod.transform import Context


@dataclass(frozen=True)
class Start:
    """A go statement. ``view.node`` is it; ``call`` its call expression."""

    view: View
    call: Node

    @property
    def statement(self) -> Node:
        return self.view.node


def of_literal(view: View, literal: Node) -> Start | None:
    """The go statement that a literal is started by in place."""
    call = literal.parent
    statement = call.parent if call is not None and call.type == "call_expression" else None
    if call is None or statement is None or statement.type != "go_statement":
        return None
    return at(view, statement)


def at(view: View, statement: Node) -> Start | None:
    """A go statement as a start; None at the top level, or if it starts something that is no plain call."""
    around = View.around(view.source, view.facts, statement, view.language)
    call = next((c for c in statement.named_children if c.type == "call_expression"), None)
    return Start(around, call) if around is not None and call is not None else None


def of_declared(context: Context, view: View, function: Function) -> list[Start]:
    """The go statements of the package that start a declared function; [] where one of them cannot be read."""
    found: list[Start] = []
    for use in view.facts.uses(function.object):
        if use.role == "declare":
            continue
        try:
            source = view.source if use.path == view.path else context.source(use.path)
        except (OSError, TypesUnavailable):
            return []
        node: Node | None = source.node_at(use.start, use.end)
        while node is not None and node.type != "go_statement" and node.type not in flow.FUNCTIONS:
            node = node.parent
        other = View.around(source, view.facts, node, view.language) if node is not None else None
        start = at(other, node) if other is not None and node is not None and node.type == "go_statement" else None
        if start is None or use.role != "go-call":
            return []
        found.append(start)
    return found


def named_there(start: Start, function: Function, view: View, group: Group) -> str | None:
    """The text by which the goroutine's group is named at the go statement, None where there is none.

    Parameters are replaced by the arguments they get, a receiver by what the method is called on.
    """
    known = groups.root(view, group)
    if known is None or not re.match(rf"{re.escape(known.name)}\b", group.text):
        return None
    rest = group.text[len(known.name) :]
    position = next((i for i, p in enumerate(function.params) if p.id == known.id), None)
    if position is None and known.kind != "receiver":
        there = start.view.facts.lookup(start.view.path, start.statement.start_byte, known.name)
        return group.text if there is not None and there.id == known.id else None
    if position is None and view.declares(view.function, known):
        callee = start.call.child_by_field_name("function")
        given = callee.child_by_field_name("operand") if callee is not None else None
    elif position is None:
        return group.text  # the receiver of the method around a literal
    else:
        arguments = start.call.child_by_field_name("arguments")
        values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
        given = values[position] if len(values) == len(function.params) else None
    # A value that is copied on the way is another group.
    if given is None or not known.type.startswith("*"):
        return None
    text = start.view.text(given)
    if given.type == "unary_expression" and text.startswith("&"):
        given = given.named_children[-1]
        text = start.view.text(given)
    return text + rest if groups.path(start.view, given) is not None and not text.startswith(("(", "*")) else None


def group_there(start: Start, text: str) -> Group | None:
    """The group that a text names at the go statement, as far as it is a path of names that the statement holds."""
    for node in flow.everything(start.call):
        if node.type in ("identifier", "selector_expression") and start.view.text(node) == text:
            return groups.named(start.view, node)
    return None
