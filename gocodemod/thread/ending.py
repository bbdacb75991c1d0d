"""Does main end when the context that it made has ended? Else a program that SIGTERM stopped would go on after it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from tree_sitter import Node

from gocodemod.analysis import blocking, endings, flow, programs, reach
from gocodemod.analysis.endings import Verdict
from gocodemod.analysis.view import View
from gocodemod.model import Refusal
from gocodemod.thread.plan import World
from gocodemod.transform import Context


def problem(world: World, main: str) -> Refusal | None:
    """Why main may go on, None if all that it waits for ends with its context. ``main``: its file. ``world``: the code with the fix made."""
    source = world.source(main)
    declared = next(source.captures('(function_declaration name: (identifier) @n (#eq? @n "main")) @f', "f"), None)
    block = declared.child_by_field_name("body") if declared is not None else None
    language = world.language(main)
    view = View.around(source, world.facts, block, language) if block is not None else None
    if block is None or view is None:
        return Refusal("main-does-not-stop", "main was not found again")
    context = Context(world.facts, language, world.source)
    handler = _handles_signals(context, view, block, main)
    if handler:
        return Refusal("handles-signals", f"{handler}: the program has its own answer to signals")
    found = endings.of(context, view, block)
    if found.verdict in (Verdict.NEVER, Verdict.UNKNOWN):
        return Refusal("main-does-not-stop", f"main would go on after its context has ended: {found.why}")
    for wait in found.waits:
        if not any(u.kind == "context" for u in wait.until):
            return Refusal("main-does-not-stop", f"main may go on after its context has ended: {wait.text}")
    pause = _pause(found)
    if pause:
        return Refusal("main-does-not-stop", f"main may go on for a while after its context has ended: {pause}")
    foreign = next(iter(found.values), None) or next((n for n in _named(found) if not _standard(n)), None)
    if foreign is not None:
        return Refusal("main-does-not-stop", f"whether {foreign} comes back when the context has ended cannot be seen")
    return None


def _named(found: endings.Ending) -> Iterator[str]:
    """Full names of the calls out of sight (``Ending.unseen`` has them without the folders of their import paths)."""
    for edge in found.reach.unseen:
        if edge.call.kind != "value" and not blocking.quiet(edge.call.name):
            yield edge.call.name or reach.text_of(found.reach.bodies[edge.caller].view, edge.call)


# Nanoseconds. Who has pressed Ctrl-C waits for longer only if something tells them why.
_SHORT_PAUSE = 1_000_000_000
_NOTIFIES = re.compile(rb"\bsignal\.(?:Notify|NotifyContext|Ignore|Reset)\(([^)]*)")
# Signals by their names, and those that a context of main's would be made from.
_NAMED = re.compile(rb"\b(?:(?:syscall|unix|windows)\.SIG\w+|os\.(?:Interrupt|Kill))")
_ENDS = re.compile(rb"\.(?:SIGINT|SIGTERM|Interrupt)\b")


def _handles_signals(context: Context, view: View, block: Node, main: str) -> str:
    """What asks for the signals already: what main can be seen to call or start, else any file of the program.

    ``main`` is looked at as it is on disk, where it makes no context yet.
    """
    for body in reach.started_too(context, view, block):
        for call in body.calls:
            text = body.view.source.data[call.start : call.end]
            if call.name.startswith("os/signal.") and not _ours(view, body, call.start) and _asks(text):
                return f"{body.name or 'main'} calls {call.name}"
    for path, data in programs.files(main):
        if b'"os/signal"' in data and any(_asks(found[0]) for found in _NOTIFIES.finditer(data)):
            return f"{os.path.basename(path)} calls signal.Notify"
    return ""


def _asks(call: bytes) -> bool:
    """Whether a call may be about the signals that end a program: not one for SIGHUP, by which many reload."""
    named = _NAMED.search(call) is not None and b"..." not in call
    return not named or _ENDS.search(call) is not None


def _ours(view: View, body: reach.Body, start: int) -> bool:
    return (
        body.view.path == view.path
        and body.view.source.data[start:].startswith(b"signal.NotifyContext")
        and not body.name
    )


def _pause(found: endings.Ending) -> str:
    """A Sleep that main waits for: in a loop, for longer than a second, or for nobody knows how long."""
    for view, node in found.pauses():
        arguments = node.child_by_field_name("arguments")
        value = arguments.named_children[0] if arguments is not None and arguments.named_children else None
        known = view.facts.expr(view.path, value.start_byte, value.end_byte) if value is not None else None
        constant = known.constant if known is not None else None
        short = constant is not None and constant.lstrip("-").isdigit() and int(constant) <= _SHORT_PAUSE
        if not short or flow.loops_around(node):
            return " ".join(view.text(node).split())
    return ""


def _standard(name: str) -> bool:
    """Whether the standard library's: its import paths have no dot in their first element. A method of an interface may be
    anybody's.
    """
    interface = name.startswith("(") and not name.startswith("(*")
    package = blocking.package_of(name)
    return bool(package) and not interface and "." not in package.split("/")[0]
