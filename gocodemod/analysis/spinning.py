"""Loops that look again and again: what they look at, and whether that can change while a select would wait for it."""

from __future__ import annotations

import re

from tree_sitter import Node

from gocodemod.analysis import captures, configurations, flow, periods
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Construction, Object, Ref
from gocodemod.transform import Context

_VARIABLES = frozenset({"var", "param", "result", "receiver", "field"})
_WRITES = frozenset({"assign", "update", "address"})
# Calls in a loop's condition that look, and do nothing else: what the loop waits for is somebody else's doing.
_LOOKS = re.compile(
    r"\(\*(sync|go\.uber\.org)/atomic\.\w+(\[.*\])?\)\.(Load|CompareAndSwap|CAS|Swap)|sync/atomic\.(Load|CompareAndSwap|Swap)\w+"
    r"|\(\*sync\.(RW)?Mutex\)\.TryR?Lock|len|cap|min|max"
    r"|time\.(Now|Since|Until)|\(time\.Time\)\.(After|Before|Sub|Add|Equal|Unix\w*)"
)

# An assignment, not a declaration: `*f = g`, `(*f) = g`, `fs[0] = g`, `f.inner = g`.
_SET_WHOLE = re.compile(rb"[\w.*()\[\]]+\s*=[^=]")


def looks_only(view: View, test: Node) -> bool:
    """Whether a condition does nothing but look at variables, at the clock, or at atomic values."""
    return all(_LOOKS.fullmatch(c.name) is not None for c in view.calls_in(test)) and not any(
        n.type == "func_literal" or flow.receives(n) for n in flow.everything(test)
    )


def computed(view: View, case: Node) -> str:
    """What a case evaluates each time that its select is entered, as written; ``""`` for variables and a context's Done."""
    operands = case.child_by_field_name("communication")
    assert operands is not None, "a communication case has one"
    for call in view.calls_in(operands):
        node = view.source.node_at(call.start, call.end)
        if call.name != "(context.Context).Done":
            return " ".join(view.text(node).split())
    return "" if periods.plain(view, case) else " ".join(view.text(operands).split())


def changes(context: Context, view: View, case: Node) -> str:
    """Why what a case waits for may be another thing while the select waits, a phrase; ``""`` if it stays the same.

    A loop that looks again sees a channel that was put in another's place; a select that waits does not. What this
    very goroutine assigns between two selects is no matter.
    """
    communication = case.child_by_field_name("communication")
    assert communication is not None, "a communication case has one"
    left = communication.child_by_field_name("left")
    for ref in view.refs_in(communication):
        if left is not None and communication.type == "receive_statement" and ref.start < left.end_byte:
            continue  # what receives the value
        known = view.facts.object(ref.object) if ref.object else None
        if known is None:
            return f"what {ref.name} is did not resolve"
        if known.kind not in _VARIABLES:
            continue
        if ref.role != "base" and re.match(r"struct\{|\[\d+\]", known.underlying):
            return f"{known.name} is a value of several parts, any of which may be set while the select waits"
        if why := _moves(context, view, known) or (_made_anew(context, view, known) if ref.role == "base" else ""):
            return why
    return ""


def others_may_set(view: View, case: Node) -> str:
    """Name of an exported field or variable in a case's operands, which other packages may set; ``""`` for none."""
    communication = case.child_by_field_name("communication")
    assert communication is not None, "a communication case has one"
    own = view.source.package() != "main"
    for ref in view.refs_in(communication):
        known = view.facts.object(ref.object) if ref.object else None
        shared = known is not None and (known.kind == "field" or (known.kind == "var" and known.scope == "package"))
        if known is not None and shared and known.exported and own and known.package != "time":
            return known.name
    return ""


def _moves(context: Context, view: View, known: Object) -> str:
    if known.kind == "field" or known.scope == "package":
        built = view.facts.constructions(known.id) if known.kind == "field" and known.path else None
        made = built.assigned if built is not None else frozenset()
        writes = [u for u in view.facts.uses(known.id) if u.role in _WRITES and u.start not in made]
        away = [w for w in writes if not _here(view, w)]
        if not away and known.path and (other := configurations.set_elsewhere(view, known.name)):
            return f"{other.rsplit('/', 1)[-1]}, which this build configuration leaves out, may set {known.name}"
        if away:
            return f"{known.name} is set to another one in line {_line(view, away[0])}"
        again = next((m for m in built.made if _replaces(context, view, m)), None) if built is not None else None
        return f"the struct of {known.name} may be set as a whole" if again is not None else ""
    if any(r.role == "base" and r.selected for r in view.facts.uses(known.id)) and _own_methods(known):
        return f"a method of {known.name} may set it"
    if not view.declares(view.function, known):
        steady = captures.steady(view, view.function, known.id)
        return "" if steady else f"{known.name} may be assigned by the function around"
    away = [r for r in view.refs_of(known.id) if r.role in _WRITES and not _here(view, r)]
    return f"{known.name} may be assigned while the select waits" if away else ""


def _made_anew(context: Context, view: View, known: Object) -> str:
    """Whether all fields of what a variable points to are set at once: ``*f = feed{}``."""
    struct = view.facts.structure(known.id)
    for place in struct.copied if struct is not None else ():
        try:
            source = view.source if place.path == view.path else context.source(place.path)
        except (OSError, TypesUnavailable):
            return f"a {struct.name if struct is not None else known.type} may be set as a whole"
        if _SET_WHOLE.match(source.data, place.start):
            return f"what {known.name} points to may be set as a whole"
    return ""


def _replaces(context: Context, view: View, made: Construction) -> bool:
    """Whether a value that is made takes the place of another: ``f.inner = inner{c}``, ``fs[0] = feed{c}``."""
    try:
        source = view.source if made.path == view.path else context.source(made.path)
    except (OSError, TypesUnavailable):
        return True
    statement = flow.statement(source.node_at(made.start, made.start + 1))
    right = statement.child_by_field_name("right") if statement.type == "assignment_statement" else None
    left = statement.child_by_field_name("left") if right is not None else None
    inside = right is not None and right.start_byte <= made.start < right.end_byte
    # A variable of that type that is set anew is no part of what somebody works with already.
    return inside and left is not None and any(n.type != "identifier" for n in left.named_children)


def _own_methods(known: Object) -> bool:
    """Whether the channel's type is a defined one, which may have methods that set it."""
    return known.underlying.lstrip("<-").startswith("chan") and known.type != known.underlying


def _here(view: View, ref: Ref) -> bool:
    """Whether the reference is this goroutine's own, so that it does not happen while the select waits."""
    same = ref.role != "address" and ref.literals == view.literals
    return same and ref.path == view.path and view.outermost.start_byte <= ref.start < view.outermost.end_byte


def _line(view: View, ref: Ref) -> str:
    if ref.path == view.path:
        return str(view.line(ref.start))
    return f"of {ref.path.rsplit('/', 1)[-1]}"
