"""What do a function's callers do when it returns early, because its context has ended, and has no way to say so?"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from gocodemod.analysis import effects, flow, goroutines
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Function
from gocodemod.thread.functions import Step
from gocodemod.thread.plan import World

# What has happened when the context has ended.
_WAITS_FOR_THE_END = re.compile(r"<-[\w.()]+\.Done\(\)")


def goes_on(world: World, steps: Mapping[str, Step], first: Function) -> str:
    """Where a caller takes a return of ``first`` for the end of its work, and works on; ``""`` if none does.

    Only a function without results cannot tell. Callers that get their context here are looked through: they return early,
    too. Tests are not asked, for their contexts do not end while they run.
    """
    seen, queue = {first.object}, [] if first.results else [first.object]
    while queue:
        for call in steps[queue.pop()].calls:
            view = View.around(world.source(call.path), world.facts, call.arguments, world.language(call.path))
            if view is None or call.started or call.path.endswith("_test.go"):
                continue
            told, ends = _rest(view)
            if told:
                return (
                    f"{os.path.basename(call.path)}:{view.line(view.node.start_byte)} goes on when it returns: {told}"
                )
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
