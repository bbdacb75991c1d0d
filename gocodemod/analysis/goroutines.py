"""Who runs a function: its caller, or a goroutine of its own; and does anybody wait for that?"""

from __future__ import annotations

from gocodemod.analysis.view import View
from gocodemod.golang.facts import Function

# Each runs its argument in a new goroutine.
_STARTERS = frozenset(
    {
        "(*sync.WaitGroup).Go",
        "(*golang.org/x/sync/errgroup.Group).Go",
        "(*golang.org/x/sync/errgroup.Group).TryGo",
        "time.AfterFunc",
        "context.AfterFunc",
    }
)


def starts_goroutine(function: Function) -> bool:
    """Whether the literal is the body of a goroutine: ``go func(){}()``, or handed to something that says go."""
    return function.started == "go" or (function.started == "argument" and function.callee in _STARTERS)


def runs_alone(view: View, function: Function) -> bool:
    """Whether nothing but a goroutine's start ever calls the function, so that a return ends a goroutine and no more."""
    if function.kind == "literal":
        if starts_goroutine(function):
            return True
        calls = [r for r in view.refs_of(function.variable) if r.role != "define"] if function.variable else []
        return bool(calls) and all(r.role == "go-call" for r in calls)
    declared = view.facts.object(function.object)
    if declared is None or declared.in_interface:
        return False
    # An exported name may be called from anywhere; main's are seen whole.
    if declared.exported and view.facts.file(view.path).package_name != "main":
        return False
    uses = [r for r in view.facts.uses(function.object) if r.role != "declare"]
    return bool(uses) and all(r.role == "go-call" for r in uses)


def joined(view: View, function: Function) -> bool:
    """Whether the function that starts this goroutine's literal also waits for something the literal does at its end."""
    inner = (function.start, function.end)
    if function.kind == "declaration" and any(c.name == "(*sync.WaitGroup).Done" for c in view.calls):
        return True  # whoever hands over a group waits for it
    outer_calls = [c for c in view.calls if not (inner[0] <= c.start < inner[1]) and c.start > inner[0]]
    waits = {_receiver(view, c.receiver_start, c.receiver_end) for c in outer_calls if c.name.endswith(".Wait")}
    own = [c for c in view.calls if inner[0] <= c.start < inner[1]]
    done = {_receiver(view, c.receiver_start, c.receiver_end) for c in own if c.name.endswith(".Done")}
    if function.callee in _STARTERS:
        starter = [c for c in view.calls if c.start < inner[0] and inner[1] <= c.end and c.name == function.callee]
        done |= {_receiver(view, c.receiver_start, c.receiver_end) for c in starter}
    if waits & done - {""}:
        return True
    told = {r.object for r in view.refs if inner[0] <= r.start < inner[1] and r.role in ("close", "send")}
    return any(
        r.object in told and r.role in ("receive", "select-receive", "range") and r.start > inner[1] for r in view.refs
    )


def _receiver(view: View, start: int, end: int) -> str:
    return view.source.data[start:end].decode("utf-8", "replace") if start >= 0 else ""
