"""A mutex for one variable, held by every function that uses it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import configurations, declared, flow, layout
from gocodemod.analysis.atomics import Use
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref
from gocodemod.model import Edit, FileChange, Refusal
from gocodemod.transform import Context

_WAITS = ("send_statement", "select_statement", "go_statement", "func_literal", "goto_statement")
# Calls that take numbers and text alone: others may come back to this package (a String, a Less, an Is), and want the lock.
_PLAIN = re.compile(
    r"time\.(Now|Since|Until)|\(time\.(Time|Duration)\)\.\w+|errors\.New|strconv\.\w+|math(/bits)?\.\w+"
)
_LOCKS = ("sync.Mutex", "sync.RWMutex", "*sync.Mutex", "*sync.RWMutex")


@dataclass(frozen=True)
class Guarded:
    """``functions``: names of those that hold the lock now."""

    changes: tuple[FileChange, ...]
    functions: tuple[str, ...]


def guard(context: Context, view: View, known: Object, found: list[Use]) -> Guarded | Refusal:
    """Functions that wait or call others must not hold a lock to their end; a variable of a function has no place for one."""
    if known.scope == "function":
        return Refusal(
            "checked-then-changed", f"{known.name} is read and changed in one function, and is a local variable"
        )
    declaration = declared.of(context, view, known)
    if declaration is None:
        return Refusal("counter-not-plain", f"{known.name} is not plainly declared")
    if path := configurations.uses_elsewhere(view, known):
        return Refusal("other-build-config", f"{os.path.basename(path)} names {known.name} and is not loaded")
    base = _base(found[0])
    struct = view.facts.structure(base.object) if base is not None and known.kind == "field" else None
    if struct is not None and any(f.type in _LOCKS for f in struct.fields):
        return Refusal("lock-elsewhere", f"{struct.name} has a lock, and whether it should guard this is not said")
    sync = layout.import_name(declaration.source, "sync")
    taken = view.facts.lookup(declaration.path, declaration.spec.start_byte, sync)
    if taken is not None and not (taken.kind == "package" and taken.package == "sync"):
        return Refusal("import-name-taken", f"{sync} means something else where {known.name} is declared")
    name = declared.fresh(view, known, base.object if base is not None else "", f"{known.name}Mu")
    edits: dict[str, list[Edit]] = {declaration.path: [declaration.beside(name, f"{sync}.Mutex")]}
    holders: dict[tuple[str, int], tuple[str, str]] = {}
    for use in sorted(found, key=lambda u: (u.ref.path, u.ref.start)):
        function = use.view.function
        key = (use.ref.path, function.start_byte)
        lock = f"{use.text.rsplit('.', 1)[0]}.{name}" if "." in use.text else name
        owner = of.object if (of := _base(use)) is not None else ""
        if key in holders:
            if holders[key] != (lock, owner):
                return Refusal("checked-then-changed", f"{use.place} uses another value's")
            continue
        if problem := _unfit(use, function):
            return Refusal("checked-then-changed", f"{use.place} {problem}")
        holders[key] = (lock, owner)
        block = flow.body(function)
        assert block is not None, "a function with a use has a body"
        text = f"{lock}.Lock()\ndefer {lock}.Unlock()\n"
        edits.setdefault(use.ref.path, []).append(layout.prepend(use.view.source, block, text))
    changes = tuple(
        FileChange(path, tuple(sorted(e)), ("sync",) if path == declaration.path else ())
        for path, e in sorted(edits.items())
    )
    names_of = dict.fromkeys(u.view.functions[-1].name for u in found)
    return Guarded(changes, tuple(names_of))


def _base(use: Use) -> Ref | None:
    """The variable or field before the last dot."""
    operand = use.node.child_by_field_name("operand") if use.node.type == "selector_expression" else None
    return use.view.ref_at(operand) if operand is not None else None


def _unfit(use: Use, function: Node) -> str:
    """Why the function around a use cannot hold a lock from its first statement to its end, ``""`` if it can."""
    view = use.view
    if function.type == "func_literal":
        return "stands in a function literal"
    if "." in use.text and not _is_given(use):
        return "reaches it by a variable that the function sets itself"
    for node in flow.everything(function):
        if node.type in _WAITS or flow.receives(node):
            return f"is in a function that may wait, in line {view.line(node.start_byte)}"
        if node.type == "for_statement":
            return f"is in a function with a loop, in line {view.line(node.start_byte)}, that may wait for others to change it"
    for call in view.calls_in(function):
        if call.kind != "builtin" and not _PLAIN.fullmatch(call.name):
            return f"is in a function that calls {call.name or 'what it is given'}"
    return "" if _reached(use, function) else "is not reached on every way: there may be nothing to lock before"


def _reached(use: Use, function: Node) -> bool:
    """Whether the function's first use comes before anything that could keep it from there: a nil value has no lock."""
    if "." not in use.text:
        return True
    ref, block = _base(use), flow.body(function)
    if ref is None or block is None or any(r.role == "compare" for r in use.view.refs_of(ref.object)):
        return False
    for statement in flow.statements(block):
        if statement.start_byte <= use.ref.start < statement.end_byte:
            tested = statement.child_by_field_name("condition") if statement.type == "if_statement" else statement
            inside = tested is not None and tested.start_byte <= use.ref.start < tested.end_byte
            return inside and not any(n.type == "block" for n in _between(use.node, statement))
        if any(n.type == "return_statement" or flow.never_returns(n) for n in flow.inside(statement)):
            return False
    return False


def _between(node: Node, outer: Node) -> Iterator[Node]:
    current = node.parent
    while current is not None and current != outer:
        yield current
        current = current.parent


def _is_given(use: Use) -> bool:
    """Whether the value is the receiver, a parameter or a variable of the package, which the function does not set."""
    ref = _base(use)
    known = use.view.facts.object(ref.object) if ref is not None else None
    if known is None or (known.kind not in ("receiver", "param") and known.scope != "package"):
        return False
    return not any(r.role in ("assign", "address") for r in use.view.refs_of(known.id))
