"""Is a field or package variable set whenever code runs that may read it?

A nil channel merely blocks for ever, as the Sleep's loop did before. A nil context panics at ``Done``: so a
context field counts only where the value's making sets it, or where the function reads it already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gocodemod.analysis import flow
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref, Visible

R = TypeVar("R")


def reject(view: View, found: Visible, read_here: bool, rejected: Callable[[str, str], R]) -> R | None:
    """None if the variable may be relied on; ``read_here``: the function itself already uses the expression."""
    if found.place not in ("field", "package") or read_here:
        return None
    uses = view.facts.uses(found.object.id)
    if any(u.role in ("address", "update") for u in uses):
        return rejected("no-stop-signal", f"the address of {found.text} is taken")
    if found.place == "package":
        if any(u.role == "assign" for u in uses) or not any(u.role == "define" and u.value_start >= 0 for u in uses):
            return rejected("no-stop-signal", f"{found.text} is not set once, where it is declared")
        return None
    made = view.facts.constructions(found.object.id)
    later = [u for u in uses if u.role == "assign" and u.start not in made.assigned]
    if later and _set_before_the_start(view, found, later):
        return None
    if not any(m.sets for m in made.made) or not all(m.sets or m.kind == "test" for m in made.made):
        return rejected("no-stop-signal", f"{found.text} is not set in every place that makes its struct")
    if later:
        return rejected("no-stop-signal", f"{found.text} is assigned after its struct was made")
    return None


def _set_before_the_start(view: View, found: Visible, assigned: list[Ref]) -> bool:
    """Whether the field is set in one place only, right before the only ``go`` that starts the function around the site."""
    function = view.functions[-1]
    if found.base is None or found.base.kind != "receiver" or len(assigned) != 1:
        return False
    setting = assigned[0]
    starts = [u for u in view.facts.uses(function.object) if u.role != "declare"]
    return bool(starts) and all(
        u.role == "go-call" and u.function == setting.function and _runs_after(view, u, setting) for u in starts
    )


def _runs_after(view: View, start: Ref, setting: Ref) -> bool:
    """Whether ``go s.loop()`` cannot be reached but through ``s.ctx = ...``, in this file and without a literal between."""
    if not start.path == setting.path == view.path or start.literals or setting.literals:
        return False
    owners = [view.source.data[r.outer_start : r.outer_end].rsplit(b".", 1)[0] for r in (start, setting)]
    place = view.source.node_at(start.start, start.end)
    function = flow.enclosing_function(place)
    before = flow.dominating(place, function) if function is not None else []
    direct = (s for s in before if s.type == "assignment_statement")
    return owners[0] == owners[1] and any(s.start_byte <= setting.start < s.end_byte for s in direct)


def caution(view: View, found: Visible, read_here: bool) -> str:
    """What a person should know about a field that was accepted: set at the start, or left out where tests make its struct."""
    if found.place != "field" or read_here:
        return ""
    made = view.facts.constructions(found.object.id)
    if any(u.role == "assign" and u.start not in made.assigned for u in view.facts.uses(found.object.id)):
        return f"{found.text} is set right before the goroutine starts: a second start may set it while the first still runs"
    if found.family != "context":
        return ""
    bare = [m for m in made.made if not m.sets]
    if not bare:
        return ""
    count = "one test makes" if len(bare) == 1 else f"{len(bare)} places in tests make"
    return f"{count} the struct without {found.text}, whose Done would panic there"


def builds(view: View, base: Object | None) -> bool:
    """Whether this function makes the value, starts the loop as a goroutine that works on it, and returns it.

    Its constructor, then: the goroutine's end is the value's.
    """
    if base is None or base.kind != "var" or base.scope != "function" or view.declares(view.function, base):
        return False
    refs = view.refs_of(base.id)
    made = [r for r in refs if r.role in ("define", "assign")]
    works_on = any(view.function.start_byte <= r.start < view.function.end_byte for r in refs)
    returned = any(r.role == "return" and not r.literals for r in refs)
    return works_on and returned and len(made) == 1 and made[0].value_start >= 0 and _is_new(view, made[0])


def _is_new(view: View, made: Ref) -> bool:
    """``T{}``, ``&T{}``, ``new(T)``."""
    text = view.source.data[made.value_start : made.value_end]
    node = view.source.node_at(made.value_start, made.value_end)
    return (
        node.type == "composite_literal"
        or text.startswith(b"new(")
        or (
            node.type == "unary_expression"
            and text.startswith(b"&")
            and node.named_children[0].type == "composite_literal"
        )
    )
