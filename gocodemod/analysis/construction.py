"""Is a field or package variable set whenever code runs that may read it?

A nil channel merely blocks for ever, as the Sleep's loop did before. A nil context panics at ``Done``: so a
context field counts only where the value's making sets it, or where the function reads it already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gocodemod.analysis.view import View
from gocodemod.golang.facts import Visible

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
    if not any(m.sets for m in made.made) or not all(m.sets or m.kind == "test" for m in made.made):
        return rejected("no-stop-signal", f"{found.text} is not set in every place that makes its struct")
    if any(u.role == "assign" and u.start not in made.assigned for u in uses):
        return rejected("no-stop-signal", f"{found.text} is assigned after its struct was made")
    return None


def caution(view: View, found: Visible, read_here: bool) -> str:
    """What a person should know about a field that was accepted: tests that make its struct without it."""
    if found.place != "field" or found.family != "context" or read_here:
        return ""
    bare = [m for m in view.facts.constructions(found.object.id).made if not m.sets]
    if not bare:
        return ""
    count = "one test makes" if len(bare) == 1 else f"{len(bare)} places in tests make"
    return f"{count} the struct without {found.text}, whose Done would panic there"
