"""What do a function's callers do when it returns early, because its context has ended, and has no way to say so?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gocodemod.analysis import callers, effects, flow, goroutines
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Function
from gocodemod.model import Refusal
from gocodemod.thread.functions import Called, Step
from gocodemod.thread.plan import World

# What has happened when the context has ended.
_WAITS_FOR_THE_END = re.compile(r"<-[\w.()]+\.Done\(\)")


def problem(world: World, steps: Mapping[str, Step], first: Function) -> Refusal | None:
    """Why ``first`` must not return early, None if it may."""
    told = _goes_on(world, steps, first)
    if told:
        return Refusal("barrier", told)
    spinning = next((where for where, view in _calls(world, steps) if callers.spins(view, view.node)), None)
    if spinning is not None:
        return Refusal("caller-would-spin", f"{spinning} calls it in a loop that nothing else slows down")
    return None


def _calls(world: World, steps: Mapping[str, Step]) -> Iterator[tuple[str, View]]:
    """The calls of all functions on the way that wait for them, tests' left out: their contexts do not end while they run."""
    for step in steps.values():
        for call in step.calls:
            view = _view(world, call)
            if view is not None:
                yield world.where(call.path, view.node.start_byte), view


def _view(world: World, call: Called) -> View | None:
    if call.started or call.path.endswith("_test.go"):
        return None
    return View.around(world.source(call.path), world.facts, call.arguments, world.language(call.path))


def _goes_on(world: World, steps: Mapping[str, Step], first: Function) -> str:
    """Where a caller takes a return of ``first`` for the end of its work, and works on; ``""`` if none does.

    Only a function without results cannot tell. Callers that get their context here are looked through: they return early,
    too.
    """
    seen, queue = {first.object}, [] if first.results else [first.object]
    while queue:
        for call in steps[queue.pop()].calls:
            view = _view(world, call)
            if view is None:
                continue
            told, ends = _rest(view)
            if told:
                return f"{world.where(call.path, view.node.start_byte)} goes on when it returns: {told}"
            if not ends and call.text is None and call.caller not in seen:
                seen.add(call.caller)
                queue.append(call.caller)
    return ""


def _rest(view: View) -> tuple[str, bool]:
    """What runs after the call in the functions around it, its first line; whether a goroutine ends there."""
    node = view.node
    for function in view.functions:
        around = flow.enclosing_function(node)
        if around is None:
            break
        for statement in flow.follows(node, around):
            harmless = _WAITS_FOR_THE_END.fullmatch(view.text(statement)) or effects.only_logs(view, statement)
            if not harmless and effects.of(view, [statement]) >= effects.Effect.WORKS:
                return " ".join(view.text(statement).split("\n", 1)[0].split()), False
        if function.kind == "literal" and goroutines.starts_goroutine(function):
            return "", True
        node = around
    return "", False
