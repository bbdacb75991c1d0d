"""What is handed to a parameter, where the calls can be seen: in place for a literal, in the package for a function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Object, Ref


@dataclass(frozen=True)
class Handing:
    """One call that hands something to the parameter.

    ``function``: name of the declaration it stands in.
    ``refs``: variables of the parameter's type among the arguments; ``calls``: calls among them. ``start``/``path``: where
    the call stands. ``started``: the call is a goroutine's start.
    """

    path: str
    start: int
    started: bool
    function: str
    refs: tuple[Ref, ...]
    calls: tuple[Call, ...]


def handings(view: View, declared: Object) -> Iterator[Handing]:
    """The calls that give a parameter of a function around the site its value."""
    owner = next((f for f in view.functions if any(p.id == declared.id for p in f.params)), None)
    if declared.kind != "param" or owner is None:
        return
    if owner.kind == "literal":
        if owner.started in ("go", "call"):
            for call in view.calls:
                if call.start == owner.start and call.end > owner.end:
                    yield _handing(view, view.path, owner.end, call, declared, owner.started == "go")
        return
    for use in view.facts.uses(owner.object):
        if use.role in ("call", "go-call"):
            around = view.facts.functions(use.path, use.start)
            if around:
                calls = view.facts.calls(use.path, around[0].body_start, around[0].body_end)
                for call in sorted((c for c in calls if c.start <= use.start < c.end), key=lambda c: c.end - c.start)[
                    :1
                ]:
                    yield _handing(view, use.path, use.end, call, declared, use.role == "go-call")


def _handing(view: View, path: str, start: int, call: Call, declared: Object, started: bool) -> Handing:
    refs = []
    for ref in view.facts.refs(path, start, call.end):
        named = view.facts.object(ref.object) if ref.role == "argument" else None
        if named is not None and _same_kind(named, declared):
            refs.append(ref)
    calls = tuple(c for c in view.facts.calls(path, start, call.end) if c.start > call.start)
    around = view.facts.functions(path, call.start)
    return Handing(path, call.start, started, around[-1].name if around else "", tuple(refs), calls)


def _same_kind(one: Object, other: Object) -> bool:
    return one.underlying.removeprefix("<-") == other.underlying.removeprefix("<-")


def handed(view: View, declared: Object) -> Iterator[Ref]:
    """The variables that are handed to a parameter, as far as the calls can be seen."""
    for handing in handings(view, declared):
        yield from handing.refs
