"""Who runs a function: its caller, or a goroutine of its own; and does anybody wait for that?"""

from __future__ import annotations

from gocodemod.analysis import names
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Facts, Function, Ref

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


def started_with(facts: Facts, ref: Ref) -> Call | None:
    """The call that runs a function's value in a new goroutine: ``wg.Go(p.loop)``, ref being that of ``loop``."""
    around = facts.functions(ref.path, ref.start) if ref.role == "argument" else ()
    calls = facts.calls(ref.path, around[-1].start, around[-1].end) if around else ()
    inner = [c for c in calls if c.start < ref.start and ref.end < c.end]
    call = max(inner, key=lambda c: c.start, default=None)
    return call if call is not None and call.name in _STARTERS else None


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
    return bool(uses) and all(r.role == "go-call" or started_with(view.facts, r) is not None for r in uses)


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


# A channel of such a name tells that the goroutine has ended, and nothing more.
_ENDED = names.STOP_WORDS | {"finished", "ended", "terminated", "exited"}


def tells(view: View, function: Function) -> bool:
    """Whether the goroutine's end closes a channel by which others may know that what it waited for holds.

    One of the starter's that it hands on or returns; or a field or parameter, if its name says more than that it ended.
    """
    inner = [r for r in view.refs if function.start <= r.start < function.end]
    for closed in (view.facts.object(r.object) for r in inner if r.role == "close"):
        if closed is None or (
            closed.path == view.path and function.start <= closed.start < function.end and closed.kind != "param"
        ):
            continue
        outside = [r for r in view.refs_of(closed.id) if not function.start <= r.start < function.end]
        handed = closed.kind == "var" and any(r.role not in ("define", "close") for r in outside)
        named = closed.kind in ("field", "param") and not set(names.words(closed.name)) & _ENDED
        if handed or named:
            return True
    return False


def _receiver(view: View, start: int, end: int) -> str:
    return view.source.data[start:end].decode("utf-8", "replace") if start >= 0 else ""
