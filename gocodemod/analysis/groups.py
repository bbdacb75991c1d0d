"""A sync.WaitGroup as code names it: which one it is, what is called on it, whether the name means it all the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import captures, flow
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Call, Object, Ref
from gocodemod.transform import Context

TYPE = "sync.WaitGroup"
METHODS = frozenset({"Add", "Done", "Wait", "Go"})
_METHOD = f"(*{TYPE})."
# From this language version on, each iteration has loop variables of its own.
_OWN_LOOP_VARIABLES = (1, 22)


@dataclass(frozen=True)
class Group:
    """``text``: the expression before the method's dot. ``objects``: ids of the variables and fields it consists of,
    root first (``s`` and ``wg`` in ``s.wg``); an embedded group is its holder.
    """

    text: str
    objects: tuple[str, ...]


@dataclass(frozen=True)
class Use:
    """One call of a method of a group. ``group`` is None where an expression names it that is more than a path of names.

    ``node``: the call; ``statement``: the statement that consists of it, with ``go`` or ``defer``, else the call again.
    """

    group: Group | None
    method: str
    call: Call
    node: Node
    statement: Node

    @property
    def plain(self) -> bool:
        return self.statement.type == "expression_statement"

    @property
    def deferred(self) -> bool:
        return self.statement.type == "defer_statement"


def uses_in(view: View, node: Node) -> list[Use]:
    """Every call of a group's method in the node, literals included, in source order."""
    return [_use(view, call) for call in view.calls_in(node) if call.name.startswith(_METHOD)]


def use_at(view: View, call: Node) -> Use | None:
    known = view.call_at(call)
    return _use(view, known) if known is not None and known.name.startswith(_METHOD) else None


def _use(view: View, call: Call) -> Use:
    node = view.source.node_at(call.start, call.end)
    parent = node.parent
    kinds = ("expression_statement", "defer_statement", "go_statement")
    statement = parent if parent is not None and parent.type in kinds else node
    receiver = view.source.node_at(call.receiver_start, call.receiver_end) if call.receiver_start >= 0 else None
    group = named(view, receiver) if receiver is not None else None
    return Use(group, call.name.removeprefix(_METHOD), call, node, statement)


def named(view: View, expression: Node) -> Group | None:
    """The group that a path of names stands for; None for calls, indices and what else is computed."""
    refs = path(view, expression)
    if refs is None or any(not r.object for r in refs):
        return None
    objects = tuple(r.object for r in refs)
    if len(refs) > 1 and refs[-1].name == TYPE.rsplit(".", 1)[-1]:
        objects = objects[:-1]
    return Group(view.text(expression), objects)


def path(view: View, expression: Node) -> list[Ref] | None:
    """The references of ``a.b.c``, ``(*a).b``, ``pkg.a``; None for any other expression."""
    if expression.type == "parenthesized_expression":
        return path(view, expression.named_children[0])
    if expression.type == "unary_expression" and view.text(expression).startswith("*"):
        return path(view, expression.named_children[-1])
    ref = view.ref_at(expression)
    if expression.type == "identifier" and ref is not None:
        return [ref]
    operand = expression.child_by_field_name("operand") if expression.type == "selector_expression" else None
    before = path(view, operand) if operand is not None else None
    if before is None or ref is None:
        return None
    base = view.facts.object(before[0].object)
    if len(before) == 1 and base is not None and base.kind == "package":
        return [ref]
    return [*before, ref]


def root(view: View, group: Group) -> Object | None:
    return view.facts.object(group.objects[0])


def changes(view: View, group: Group, function: Node) -> str:
    """Why the group's name may mean another one at the function's start than further on in it, "" if it cannot.

    A group that is held by value stays where it is; what matters are the pointers on the way to it. A root that the
    function declares itself is not looked at here.
    """
    for position, identity in enumerate(group.objects):
        known = view.facts.object(identity)
        if known is None:
            return f"what {group.text} stands for is not known"
        if known.type.startswith("*") and (why := _moves(view, known, function, position)):
            return why
        if position == 0 and not known.type:
            return f"the type of {known.name} is not known"
    return ""


def _moves(view: View, known: Object, function: Node, position: int) -> str:
    """Whether a pointer may be set to something else while the function runs."""
    if position > 0 or known.scope == "package":
        return _is_set(view, known)
    if view.declares(function, known):
        writes = [r for r in view.refs_of(known.id) if r.role in ("assign", "update", "address")]
        return f"{known.name} is assigned in the function" if writes else ""
    if not captures.steady(view, function, known.id):
        return f"{known.name} may be assigned while the goroutine runs"
    if view.language.file < _OWN_LOOP_VARIABLES and _loop_variable(known, function):
        return f"{known.name} is the variable of a loop, which its next iteration sets"
    return ""


def _is_set(view: View, known: Object) -> str:
    """Fields and package variables: set where they are made, and never after."""
    if known.exported and view.facts.file(view.path).package_name != "main":
        return f"{known.name} is exported, so others may set it"
    made = view.facts.constructions(known.id).assigned if known.kind == "field" else frozenset()
    writes = (u for u in view.facts.uses(known.id) if u.role in ("assign", "address"))
    return f"{known.name} is set to another group" if any(u.start not in made for u in writes) else ""


def _loop_variable(known: Object, literal: Node) -> bool:
    loops = flow.loops_around(literal)
    return any(
        (clause := flow.clause(loop)) is not None and clause.start_byte <= known.start < clause.end_byte
        for loop in loops
    )


def everywhere(context: Context, view: View, group: Group) -> list[tuple[View, Use]]:
    """Every call on the group that can be seen: in the outermost function for its variables, else in the package."""
    known = view.facts.object(group.objects[-1])
    if known is not None and known.scope == "function":
        found = uses_in(view, view.outermost)
        return [(_around(view, u.node), u) for u in found if u.group is not None and u.group.objects == group.objects]
    pairs = []
    for ref in view.facts.uses(group.objects[-1]):
        if ref.role != "base" or ref.selected not in METHODS:
            continue
        try:
            source = view.source if ref.path == view.path else context.source(ref.path)
        except (OSError, TypesUnavailable):
            continue
        call = source.node_at(ref.outer_start, ref.outer_end).parent
        call = call.parent if call is not None and call.type == "selector_expression" else call
        other = View.around(source, view.facts, call, view.language) if call is not None else None
        use = use_at(other, call) if other is not None and call is not None else None
        if other is not None and use is not None:
            pairs.append((other, use))
    return pairs


def _around(view: View, node: Node) -> View:
    found = View.around(view.source, view.facts, node, view.language)
    assert found is not None, "a call that was found in a function stands in one"
    return found


def calls(uses: Sequence[Use], group: Group, method: str) -> list[Use]:
    """Those uses that call one method of one group."""
    return [u for u in uses if u.method == method and u.group is not None and u.group.objects == group.objects]
