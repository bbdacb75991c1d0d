"""What do a function's callers do when it returns early, because its context has ended, and has no way to say so?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from gocodemod.analysis import callers, effects, flow, goroutines
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Function
from gocodemod.model import Refusal
from gocodemod.thread.functions import Called, Step
from gocodemod.thread.plan import World

# What waits for, or tells of, what has happened by then.
_AT_THE_END = re.compile(r"<-[\w.()]+\.Done\(\)|return .*\b\w+\.Err\(\)")


def problem(world: World, steps: Mapping[str, Step], site: View) -> Refusal | None:
    """Why the function around the site must not return early, None if it may."""
    own, first = site.functions[0], site.functions[-1]
    if own.kind == "literal" and goroutines.starts_goroutine(own):
        return None
    told, ends = "", False
    for node in _called_at(site, own) if own.kind == "literal" and not own.results else ():
        told, ends = _rest(site, node)
        if told:
            told = f"{world.where(site.path, node.start_byte)} goes on when it returns: {told}"
            break
    # A function that goes on to its end though a literal of its own was stopped tells its callers of success.
    silent = not own.results and not ends
    told = told or (_goes_on(world, steps, first) if silent else "")
    if told:
        return Refusal("barrier", told)
    spinning = next((where for where, view in _calls(world, steps) if callers.spins(view, view.node)), None)
    if spinning is not None:
        return Refusal("caller-would-spin", f"{spinning} calls it in a loop that nothing else slows down")
    return None


def _called_at(site: View, literal: Function) -> list[Node]:
    """Where the literal runs: at the calls of the variable that holds it, else where it stands."""
    calls = [r for r in site.refs_of(literal.variable) if r.role == "call"] if literal.variable else []
    nodes = [site.source.node_at(r.start, r.end) for r in calls]
    return nodes or [site.source.node_at(literal.start, literal.end)]


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

    Callers that get their context here are looked through: they return early, too, or tell of success.
    """
    seen, queue = {first.object}, [first.object]
    while queue:
        for call in steps[queue.pop()].calls:
            view = _view(world, call)
            if view is None:
                continue
            told, ends = _rest(view, view.node)
            if told:
                return f"{world.where(call.path, view.node.start_byte)} goes on when it returns: {told}"
            if not ends and call.text is None and call.caller not in seen:
                seen.add(call.caller)
                queue.append(call.caller)
    return ""


def _rest(view: View, node: Node) -> tuple[str, bool]:
    """What runs after ``node`` in the functions around it, its first line; whether a goroutine ends there."""
    around = flow.enclosing_function(node)
    while around is not None:
        for statement in flow.follows(node, around):
            harmless = _AT_THE_END.fullmatch(view.text(statement)) or effects.only_logs(view, statement)
            # A return is not skipped here: what makes its values runs.
            pieces = statement.named_children if statement.type == "return_statement" else [statement]
            if not harmless and effects.of(view, pieces) >= effects.Effect.WORKS:
                return " ".join(view.text(statement).split("\n", 1)[0].split()), False
        function = next((f for f in view.functions if f.start == around.start_byte), None)
        if function is not None and function.kind == "literal" and goroutines.starts_goroutine(function):
            return "", True
        node, around = around, flow.enclosing_function(around)
    return "", False
