"""Where a local variable's value goes: what is called on it, who receives from it, and whether anybody else gets hold of it.

Copies in other local variables are followed, as far as plain assignments make them. What is not understood is
:attr:`How.UNKNOWN` and counts as escaping. Literals are no escape by themselves: each use says which it stands in.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref


class How(enum.StrEnum):
    """The values are phrases: ``ticker is {how} at line 7``."""

    # The variable gets a value; for a plain declaration, none yet.
    SET = "set"
    # It is called, or a method of it: in place, by defer, by go.
    CALLED = "called"
    DEFERRED = "called by defer"
    STARTED = "called by go"
    # A receive of any form, range included.
    RECEIVED = "received from"
    COMPARED = "compared"
    MEASURED = "measured"
    DROPPED = "assigned to the blank identifier"
    COPIED = "copied into another variable"
    # A field that is not part of the value (see ``parts``) is read.
    READ = "read"
    # From here on somebody else may hold the value afterwards.
    PASSED = "passed on"
    RETURNED = "returned"
    STORED = "stored"
    SENT = "sent"
    CLOSED = "closed"
    ADDRESSED = "used by its address"
    METHOD = "used as a method value"
    UNKNOWN = "used in a way that is not followed"


ESCAPES = frozenset(
    {
        How.PASSED,
        How.RETURNED,
        How.STORED,
        How.SENT,
        How.CLOSED,
        How.ADDRESSED,
        How.METHOD,
        How.STARTED,
        How.UNKNOWN,
    }
)

_BY_ROLE = {
    "define": How.SET,
    "assign": How.SET,
    "update": How.SET,
    "declare": How.SET,
    "receive": How.RECEIVED,
    "select-receive": How.RECEIVED,
    "range": How.RECEIVED,
    "send": How.SENT,
    "close": How.CLOSED,
    "address": How.ADDRESSED,
    "call": How.CALLED,
    "defer-call": How.DEFERRED,
    "go-call": How.STARTED,
    "return": How.RETURNED,
    "compare": How.COMPARED,
}
_MEASURES = frozenset({"len", "cap"})


@dataclass(frozen=True)
class Use:
    """``ref``: the identifier of the variable, or of its member; ``member``: the method or field, ``""`` for the variable itself.

    ``variable``: id of the variable by which the value is reached, a copy's own where it is a copy.
    """

    how: How
    ref: Ref
    member: str
    variable: str

    @property
    def escapes(self) -> bool:
        return self.how in ESCAPES

    @property
    def literals(self) -> tuple[int, ...]:
        """Starts of the function literals around it, outermost first."""
        return self.ref.literals


def uses(view: View, variable: str, parts: Iterable[str] = ()) -> tuple[Use, ...]:
    """Every use of a local variable's value in the outermost function, in source order.

    ``parts``: fields that stand for the value as a whole (a ticker's ``C``): what happens to them happens to it.
    """
    found: list[Use] = []
    queue, seen = [variable], {variable}
    while queue:
        current = queue.pop(0)
        for use, copy in _uses(view, current, frozenset(parts)):
            found.append(use)
            if copy and copy not in seen:
                seen.add(copy)
                queue.append(copy)
    return tuple(sorted(found, key=lambda u: u.ref.start))


def of_expression(view: View, node: Node) -> tuple[How, str]:
    """What happens to the value of an expression that no variable holds yet: ``COPIED`` comes with the local variable's id."""
    return _of_read(view, _unparenthesized(node))


def _uses(view: View, variable: str, parts: frozenset[str]) -> Iterator[tuple[Use, str]]:
    """The uses of one variable, each with the id of the copy it makes (``""``: none)."""
    known = view.facts.object(variable)
    local = known is not None and known.scope == "function" and known.kind in ("var", "param")
    for ref in view.refs_of(variable):
        if not local:
            # A named result goes to the caller, whatever is done with it here.
            how = How.RETURNED if known is not None and known.kind == "result" else How.UNKNOWN
            yield Use(how, ref, "", variable), ""
        elif ref.role == "base":
            yield _of_member(view, ref, variable, parts)
        else:
            how, copy = _of_ref(view, ref)
            yield Use(how, ref, "", variable), copy


def _of_member(view: View, base: Ref, variable: str, parts: frozenset[str]) -> tuple[Use, str]:
    member = next((r for r in view.refs if r.start >= base.end and r.name == base.selected), None)
    known = view.facts.object(member.object) if member is not None else None
    if member is None or known is None:
        return Use(How.UNKNOWN, base, base.selected, variable), ""
    if known.kind != "field":
        how = _BY_ROLE[member.role] if member.role in ("call", "defer-call", "go-call") else How.METHOD
        return Use(how, member, member.name, variable), ""
    if member.name not in parts:
        how = How.UNKNOWN if member.role in ("assign", "update", "address") else How.READ
        return Use(how, member, member.name, variable), ""
    how, copy = _of_ref(view, member)
    return Use(How.UNKNOWN if how is How.SET else how, member, member.name, variable), copy


def _of_ref(view: View, ref: Ref) -> tuple[How, str]:
    if ref.role == "argument":
        return _of_argument(view, ref), ""
    if ref.role in _BY_ROLE:
        return _BY_ROLE[ref.role], ""
    return _of_read(view, _unparenthesized(view.source.node_at(ref.outer_start, ref.outer_end)))


def _unparenthesized(node: Node) -> Node:
    """The expression with the parentheses around it."""
    while node.parent is not None and node.parent.type == "parenthesized_expression":
        node = node.parent
    return node


def _of_argument(view: View, ref: Ref) -> How:
    node = view.source.node_at(ref.outer_start, ref.outer_end)
    while node.parent is not None and node.type != "call_expression":
        node = node.parent
    call = view.call_at(node)
    return How.MEASURED if call is not None and call.kind == "builtin" and call.name in _MEASURES else How.PASSED


def _of_read(view: View, node: Node) -> tuple[How, str]:
    """What is done with an expression that stands for the value: where it is assigned to, sent, returned."""
    parent = node.parent
    if parent is None:
        return How.UNKNOWN, ""
    if parent.type in ("literal_element", "keyed_element", "literal_value"):
        return How.STORED, ""
    if parent.type == "send_statement":
        return How.SENT, ""
    if parent.type in ("argument_list", "range_clause", "unary_expression"):
        received = parent.type == "range_clause" or view.text(parent).startswith("<-")
        return (How.RECEIVED if received else How.PASSED if parent.type == "argument_list" else How.UNKNOWN), ""
    if parent.type == "expression_list" and parent.parent is not None:
        if parent.parent.type == "return_statement":
            return How.RETURNED, ""
        return _of_assigned(view, node, parent)
    return How.UNKNOWN, ""


def _of_assigned(view: View, node: Node, values: Node) -> tuple[How, str]:
    """The value is one of those that an assignment or a declaration gives."""
    statement = values.parent
    span = (node.start_byte, node.end_byte)
    target = next((r for r in view.refs if (r.value_start, r.value_end) == span and r.value_index == 0), None)
    if target is not None and target.name != "_":
        known = view.facts.object(target.object)
        if known is not None and known.kind == "result":
            return How.RETURNED, ""
        if known is not None and known.scope == "function" and target.outer_start == target.start:
            return How.COPIED, target.object
        return How.STORED, ""
    if statement is None or statement.type not in ("assignment_statement", "var_spec", "short_var_declaration"):
        return How.UNKNOWN, ""
    names = statement.child_by_field_name("left")
    targets = names.named_children if names is not None else statement.children_by_field_name("name")
    index = [v for v in values.named_children if v.type != "comment"].index(node)
    blank = index < len(targets) and view.text(targets[index]) == "_"
    return (How.DROPPED if blank else How.STORED), ""
