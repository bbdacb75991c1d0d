"""Does main end when the context that it made has ended? Else a program that SIGTERM stopped would go on after it."""

from __future__ import annotations

from gocodemod.analysis import endings, reach
from gocodemod.analysis.endings import Verdict
from gocodemod.analysis.view import View
from gocodemod.model import Refusal
from gocodemod.thread.plan import Plan, World
from gocodemod.transform import Context


def problem(world: World, plan: Plan) -> Refusal | None:
    """Why main may go on, None if all that it waits for ends with its context. ``world``: the code with the fix made."""
    source = world.source(plan.main)
    declared = next(source.captures('(function_declaration name: (identifier) @n (#eq? @n "main")) @f', "f"), None)
    block = declared.child_by_field_name("body") if declared is not None else None
    language = world.language(plan.main)
    view = View.around(source, world.facts, block, language) if block is not None else None
    if block is None or view is None:
        return Refusal("main-does-not-stop", "main was not found again")
    context = Context(world.facts, language, world.source)
    for body in reach.started_too(context, view, block):
        other = next(
            (c for c in body.calls if c.name.startswith("os/signal.") and not _ours(view, body, c.start)), None
        )
        if other is not None:
            return Refusal(
                "handles-signals",
                f"{body.name or 'main'} calls {other.name}: the program has its own answer to signals",
            )
    found = endings.of(context, view, block)
    if found.verdict in (Verdict.NEVER, Verdict.UNKNOWN):
        return Refusal("main-does-not-stop", f"main would go on after its context has ended: {found.why}")
    for wait in found.waits:
        if not any(u.kind == "context" for u in wait.until):
            return Refusal("main-does-not-stop", f"main may go on after its context has ended: {wait.text}")
    foreign = next((n for n in found.unseen if not _standard(n)), None)
    if foreign is not None:
        return Refusal("main-does-not-stop", f"whether {foreign} comes back when the context has ended cannot be seen")
    return None


def _ours(view: View, body: reach.Body, start: int) -> bool:
    return (
        body.view.path == view.path
        and body.view.source.data[start:].startswith(b"signal.NotifyContext")
        and not body.name
    )


def _standard(name: str) -> bool:
    """Whether the standard library's: its import paths have no dot in their first element. Function values have no path."""
    bare = name.lstrip("(*")
    return (
        "." in bare
        and name.startswith(("(*",)) is name.startswith("(")
        and "." not in bare.split("/", 1)[0].split(".", 1)[0]
    )
