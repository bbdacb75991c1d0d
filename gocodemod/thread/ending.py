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
    around = _main(world, main)
    if around is None:
        return Refusal("main-does-not-stop", "main was not found again")
    context, view, block = around
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


def handles_signals(world: World, main: str) -> Refusal | None:
    """The refusal where signals are asked for already: by what main can be seen to call or start, else in any file of the
    program. ``main``: its file. ``world``: the code as it is on disk, where main makes no context yet.
    """
    naming = [(path, data) for path, data in programs.files(main) if b'"os/signal"' in data]
    around = _main(world, main) if naming or programs.beyond(main) else None
    for body in reach.started_too(*around) if around is not None else ():
        for call in body.calls:
            if call.name.startswith("os/signal.") and _asks(body.view.source.data[call.start : call.end]):
                return _handled(f"{body.name or 'main'} calls {call.name}")
    for path, data in naming:
        if any(_asks(found[0]) for found in _NOTIFIES.finditer(data)):
            return _handled(f"{os.path.basename(path)} calls signal.Notify")
    return None


def _handled(by: str) -> Refusal:
    return Refusal("handles-signals", f"{by}: the program has its own answer to signals")


def _main(world: World, main: str) -> tuple[Context, View, Node] | None:
    """The function main of a file, and its body."""
    source = world.source(main)
    declared = next(source.captures('(function_declaration name: (identifier) @n (#eq? @n "main")) @f', "f"), None)
    block = declared.child_by_field_name("body") if declared is not None else None
    language = world.language(main)
    view = View.around(source, world.facts, block, language) if block is not None else None
    if block is None or view is None:
        return None
    return Context(world.facts, language, world.source), view, block


def _asks(call: bytes) -> bool:
    """Whether a call may be about the signals that end a program: not one for SIGHUP, by which many reload."""
    named = _NAMED.search(call) is not None and b"..." not in call
    return not named or _ENDS.search(call) is not None


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
