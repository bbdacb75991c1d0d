"""Contexts made inside a loop that end with one from outside, and only with it."""

from __future__ import annotations

from gocodemod.analysis import flow, looks, origins
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Visible


def passed_on(view: View, found: Visible) -> Visible | None:
    """The shadowed context that ``ctx, span := tracer.Start(ctx, name)`` passes on; None for any other context.

    None, too, where a loop looks at the shadowed one: its exits belong to a context that has no name at the wait.
    """
    made = list(origins.of(view, found.object.id))
    if found.family != "context" or found.base is not None or len(made) != 1 or made[0].call is None:
        return None
    given = origins.inputs(view, made[0])
    outer = view.facts.object(given[0]) if len(given) == 1 else None
    if outer is None or outer.scope != "function" or outer.name != found.text or not _adds_only(made[0].call.name):
        return None
    around = flow.loops_around(view.node)[-1]
    if any(looks.looks(r) and around.start_byte <= r.start < around.end_byte for r in view.refs_of(outer.id)):
        return None
    own = view.declares(view.function, outer)
    place = "captured" if not own else "param" if outer.kind == "param" else "local"
    return Visible(found.text, "context", place, outer, None)


def _adds_only(name: str) -> bool:
    """Whether a function gives its context a value or a span and no end of its own."""
    package, _, last = name.rpartition(".")
    return name == "context.WithValue" or "Span" in last or ("trac" in package.lower() and last.startswith("Start"))
