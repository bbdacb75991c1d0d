"""Which variables went into a variable, and what kind of sharing that makes: a copy, or something others hold too."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tree_sitter import Node

from gocodemod.analysis import flow, names
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref

_BASIC = re.compile(r"(\[\d+\])*(u?int\d*|uintptr|float\d+|complex\d+|string|bool|byte|rune|error|untyped \w+)")
_SHARES = re.compile(r"\*|\[\]|\b(map\[|func\(|interface\{|any\b)")
# Made for use by many goroutines at once, so that one more does no harm.
_SHARED_TYPES = frozenset({"context.Context", "context.CancelFunc", "context.CancelCauseFunc", "time.Time"})
_SHARED_WORDS = frozenset({"client", "db", "pool", "logger", "log"})


def copied(variable: Object) -> bool:
    """Whether handing the variable on copies all of it, as far as its type tells.

    A struct is taken for its fields: those of a named type for copies, pointers, slices, maps and functions for shared.
    """
    return _plain(variable) or (
        variable.underlying.startswith("struct{") and _SHARES.search(variable.underlying) is None
    )


def _plain(variable: Object) -> bool:
    return variable.type in ("error", "time.Time") or _BASIC.fullmatch(variable.underlying) is not None


def made_to_be_shared(variable: Object) -> bool:
    """Contexts, channels, what package sync has, loggers, clients, connection pools."""
    plain = variable.type.lstrip("*")
    if variable.type in _SHARED_TYPES or plain.startswith(("sync.", "sync/atomic.")):
        return True
    last = names.words(re.sub(r"\[.*\]", "", plain).rsplit(".", 1)[-1])
    return "chan " in variable.underlying[:7] or (bool(last) and last[-1] in _SHARED_WORDS and "." in plain)


def variables(view: View, refs: Iterable[Ref]) -> list[Object]:
    """The variables of functions among the references, each once."""
    found: dict[str, Object] = {}
    for ref in refs:
        known = view.facts.object(ref.object) if ref.object and ref.object not in found else None
        if known is not None and known.scope == "function" and known.kind in ("var", "param", "result", "receiver"):
            found[known.id] = known
    return list(found.values())


def sources(
    view: View, start: Iterable[Object], *, by_reference: bool = False, calls: bool = True
) -> dict[str, Object]:
    """These variables and all that went into them, by what is written in the outermost function of ``view``.

    ``by_reference``: only through variables that share what they were made from. Errors and what is made to be shared
    are not followed: they say nothing about what was handed on. Without ``calls``, what a call made is taken for new.
    """
    found: dict[str, Object] = {}
    queue = list(start)
    while queue:
        variable = queue.pop()
        refs = view.refs_of(variable.id)
        # Each case of a type switch has a variable of its own type, and all have one name.
        if variable.id in found or (by_reference and _plain(variable) and not any(_switch(view, r) for r in refs)):
            continue
        found[variable.id] = variable
        if variable.type == "error" or made_to_be_shared(variable):
            continue
        for ref in refs:
            if calls or not _made_by_call(view, ref):
                queue += variables(view, _inputs(view, variable, ref))
    return found


def _made_by_call(view: View, ref: Ref) -> bool:
    inside = (c for c in view.calls if ref.value_start <= c.start and c.end <= ref.value_end)
    return any(c.kind != "builtin" for c in inside)


def _inputs(view: View, variable: Object, ref: Ref) -> list[Ref]:
    """What goes into the variable where it is defined, assigned or, as a literal's parameter, handed over."""
    if ref.role == "declare" and variable.kind == "param":
        return _handed(view, variable)
    if ref.role in ("base", "read"):
        return _put_in(view, ref)
    if ref.role not in ("define", "assign"):
        return []
    if ref.value_start >= 0:
        made = next((c for c in view.calls if (c.start, c.end) == (ref.value_start, ref.value_end)), None)
        if made is not None and made.kind == "builtin" and made.name in ("make", "new"):
            return []  # its size is all that the arguments tell
        return [r for r in view.refs if ref.value_start <= r.start < ref.value_end]
    switch = _switch(view, ref)
    operand = switch.child_by_field_name("value") if switch is not None else None
    if operand is None and (clause := _around(view, ref, "range_clause")) is not None:
        operand = clause.child_by_field_name("right")
    return list(view.refs_in(operand)) if operand is not None else []


def _around(view: View, ref: Ref, kind: str) -> Node | None:
    """The node of that kind whose variables the reference is one of."""
    node: Node | None = view.source.node_at(ref.start, ref.end)
    while node is not None and node.type not in (kind, "statement_list", "block", *flow.FUNCTIONS):
        node = node.parent
    return node if node is not None and node.type == kind else None


def _switch(view: View, ref: Ref) -> Node | None:
    """The type switch that defines the variable."""
    node = _around(view, ref, "type_switch_statement") if ref.role == "define" else None
    alias = node.child_by_field_name("alias") if node is not None else None
    return node if alias is not None and alias.start_byte <= ref.start < alias.end_byte else None


def _put_in(view: View, ref: Ref) -> list[Ref]:
    """What is assigned to a field or an element of the variable."""
    node = view.source.node_at(ref.start, ref.end)
    while node.parent is not None and node.parent.child_by_field_name("operand") == node:
        node = node.parent
    listed = node.parent
    statement = listed.parent if listed is not None and listed.type == "expression_list" else None
    if statement is None or statement.type != "assignment_statement" or statement.child_by_field_name("left") != listed:
        return []
    right = statement.child_by_field_name("right")
    return list(view.refs_in(right)) if right is not None else []


def _handed(view: View, variable: Object) -> list[Ref]:
    """The arguments of the call of the literal whose parameter the variable is."""
    around = view.facts.functions(view.path, variable.start)
    literal = around[0] if around and around[0].kind == "literal" else None
    if literal is None or literal.started not in ("go", "call", "defer"):
        return []
    call = next((c for c in view.calls if c.start == literal.start and c.end > literal.end), None)
    return [r for r in view.refs if call is not None and literal.end <= r.start < call.end]
