"""A channel that a struct or a package keeps and that is only ever closed: nobody can be left behind on it.

Waiting for one may be waiting for something to be ready: that may take too long. Or it may be waiting until something that
is meant to run has ended, or to be let go: those take as long as they take. And a Close that returns before the end says
that it is over all the same.
"""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import firing, names
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref
from gocodemod.model import Refusal

_READY = frozenset(
    {
        "ready", "started", "init", "initialized", "initialised", "initial", "loaded", "synced", "connected", "opened",
        "populated", "established", "registered", "bootstrapped", "available", "up",
    }
)  # fmt: skip
_GATES = frozenset(
    {"start", "begin", "go", "gate", "proceed", "resume", "unblock", "block", "release", "barrier", "continue"}
)
_HARMLESS = frozenset({"declare", "define", "key", "assign", "receive", "select-receive", "range", "compare", "close"})


def only_closed(view: View, operand: Node) -> str | Refusal | None:
    """What is known about a channel that is a field or a package variable, for people; None if it is neither."""
    ref = view.ref_at(operand) if operand.type in ("identifier", "selector_expression") else None
    channel = view.facts.object(ref.object) if ref is not None else None
    if channel is None or not (channel.kind == "field" or (channel.kind == "var" and channel.scope == "package")):
        return None
    uses = view.facts.uses(channel.id)
    text = view.text(operand)
    closes = [u for u in uses if u.role == "close"]
    if any(u.role == "send" for u in uses):
        return Refusal("would-leak-sender", f"{text} is sent to, and who sends would wait for the next receiver")
    if channel.exported or not closes or any(not _harmless(view, u) for u in uses):
        return Refusal("sender-out-of-sight", f"what is sent on {text}, or when it is closed, cannot be seen from here")
    if any(u.function == view.functions[-1].name for u in closes):
        return Refusal("slot-or-token", f"this function closes {text} itself")
    return _meaning(view, channel, text) or f"{text} is only closed, in {closes[0].function or 'a function'}"


def _harmless(view: View, use: Ref) -> bool:
    if use.role == "return":
        around = view.facts.functions(use.path, use.start)
        return bool(around) and bool(around[0].results) and around[0].results[0].type.startswith("<-chan ")
    return use.role in _HARMLESS


def _meaning(view: View, channel: Object, text: str) -> Refusal | None:
    """Why the channel's closing is nothing that can be late."""
    found = set(names.words(channel.name))
    ready = bool(found & _READY) and not found & _GATES
    if not ready and found & (_GATES | names.START_WORDS):
        return Refusal("start-barrier", f"{text} lets this goroutine go; until then it is meant to wait")
    name, function = view.functions[-1].name, view.functions[0]
    if firing.ends_things(name) and len(function.results) == 1:  # not so func (p *process) ExitCode() (int, error)
        if any(p.type == "context.Context" for p in function.params):
            return None  # Shutdown(ctx) is told how long it may take
        return Refusal(
            "worker-uses-freed-resource",
            f"whoever called {name} uses or frees next what {text} says is over, for hardly anybody looks at its error",
        )
    if ready:
        return None
    return Refusal("runs-until-stopped", f"{text} tells of an end, and nothing here says that it should come soon")
