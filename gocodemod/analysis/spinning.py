"""Loops that look again and again: what they look at, and whether that can change while a select would wait for it."""

from __future__ import annotations

import re

from tree_sitter import Node

from gocodemod.analysis import captures, configurations, flow, periods
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Object, Ref
from gocodemod.transform import Context

_VARIABLES = frozenset({"var", "param", "result", "receiver", "field"})
_WRITES = frozenset({"assign", "update", "address"})
# Calls in a loop's condition that look, and do nothing else: what the loop waits for is somebody else's doing.
_LOOKS = re.compile(
    r"\(\*(sync|go\.uber\.org)/atomic\.\w+(\[.*\])?\)\.(Load|CompareAndSwap|CAS|Swap)|sync/atomic\.(Load|CompareAndSwap|Swap)\w+"
    r"|\(\*sync\.(RW)?Mutex\)\.TryR?Lock|len|cap|min|max"
    r"|time\.(Now|Since|Until)|\(time\.Time\)\.(After|Before|Sub|Add|Equal|Unix\w*)"
)

_SET_WHOLE = re.compile(rb"\*[\w.]+\s*=[^=]")


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
        if why := _moves(view, known) or (_made_anew(context, view, known) if ref.role == "base" else ""):
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


def _moves(view: View, known: Object) -> str:
    if known.kind == "field" or known.scope == "package":
        made = view.facts.constructions(known.id).assigned if known.kind == "field" and known.path else frozenset()
        writes = [u for u in view.facts.uses(known.id) if u.role in _WRITES and u.start not in made]
        away = [w for w in writes if not _here(view, w)]
        if not away and known.path and (other := configurations.set_elsewhere(view, known.name)):
            return f"{other.rsplit('/', 1)[-1]}, which this build configuration leaves out, may set {known.name}"
        return f"{known.name} is set to another one in line {_line(view, away[0])}" if away else ""
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


def _here(view: View, ref: Ref) -> bool:
    """Whether the reference is this goroutine's own, so that it does not happen while the select waits."""
    same = ref.role != "address" and ref.literals == view.literals
    return same and ref.path == view.path and view.outermost.start_byte <= ref.start < view.outermost.end_byte


def _line(view: View, ref: Ref) -> str:
    if ref.path == view.path:
        return str(view.line(ref.start))
    return f"of {ref.path.rsplit('/', 1)[-1]}"
