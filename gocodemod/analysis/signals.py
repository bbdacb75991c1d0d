"""Finding the stop signal: an expression valid at a site that says when its loop should end.

A signal is a ``context.Context`` (exactly that type) or a ``chan struct{}`` that is closed, never sent
to. What is rejected is rejected by name, because a wrong signal breaks a program: a loop that stops too
early loses work, one that skips a wait spins. docs/stop-signals.md has the rules with their reasons.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import channels, construction, derived, firing, flow, goroutines, looks, origins
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref, Visible
from gocodemod.golang.versions import TESTING_CONTEXT
from gocodemod.model import Refusal

_HANDED_ON = 1
# A call, or a plain name: what is not nil in code that works. Assertions, map and slice elements may be.
_VALUE = re.compile(rb"[\w.]+|.*\)(?<!\.\(context\.Context\))", re.DOTALL)
_PLACES = {
    "local": 2,
    "param": 2,
    "captured": 3,
    "request": 3,
    "field": 4,
    "testing": 5,
    "package": 6,
    channels.LEFT_ON: 7,
}


@dataclass(frozen=True)
class Signal:
    """``text`` names the context or channel; ``receive`` is what a case receives from; ``declared`` where it is
    declared, for people. ``caution``: why a person should look even where the exit is safe. ``only_closed``: nothing can
    be sent to the channel, so receiving from it again and again is harmless.
    """

    text: str
    family: str
    place: str
    object: str
    base: str
    declared: str
    caution: str = ""
    only_closed: bool = False

    @property
    def receive(self) -> str:
        return f"{self.text}.Done()" if self.family == "context" else self.text

    @property
    def described(self) -> str:
        return (
            f"{self.text} ({self.place}, declared at {self.declared})"
            if self.declared
            else f"{self.text} ({self.place})"
        )


@dataclass(frozen=True)
class _Rejected:
    reason: str
    message: str


def find(view: View, loop: Node) -> Signal | Refusal:
    """The best signal for a wait in the loop, or why there is none (the best candidate's own reason)."""
    best: _Rejected | None = None
    for candidate in sorted(candidates(view), key=lambda c: _rank(view, loop, c)):
        rejected = _reject(view, loop, candidate)
        if rejected is None:
            return _with_care(view, loop, candidate)
        used = _rank(view, loop, candidate)[0] <= _HANDED_ON or candidate.place == "param"
        if rejected.reason != "no-stop-signal" and used:
            # The function is given, or the loop works with, this one on purpose (context.WithoutCancel, say).
            return Refusal(rejected.reason, rejected.message)
        # A candidate that is a signal, but a wrong one here, tells more than one that is none.
        if best is None or (best.reason == "no-stop-signal" and rejected.reason != best.reason):
            best = rejected
    if best is not None:
        return Refusal(best.reason, best.message)
    return Refusal("no-stop-signal", "no context or stop channel is in scope here")


def _with_care(view: View, loop: Node, found: Visible) -> Signal:
    """A channel says nothing about contexts; still, a loop that makes its own may mean to go on."""
    signal = _signal(view, found)
    if signal.caution or found.family == "context" or not _chooses_its_own(view, loop, found):
        return signal
    return dataclasses.replace(signal, caution=f"the loop works with a context that {found.text} does not end")


# Reasons why a context's end must not end a wait; to lend it values and a deadline to derive from it is fit.
_ENDS_TOO_EARLY = frozenset({"signal-already-fired", "cancelled-by-starter", "request-scoped-signal"})


@dataclass(frozen=True)
class Parent:
    """The context to derive a wait's bound from. ``detached``: why its own end must not end the wait, "" if it may.

    ``timed``: this function gave it a deadline.
    """

    signal: Signal
    detached: str
    timed: bool = False


def parent(view: View) -> Parent | None:
    """The nearest context in scope that is not nil and stays what it is; None where there is none."""
    return next(_parents(view), None)


def lasting_parent(view: View) -> Parent | None:
    """As :func:`parent`, but not one that this function gave a deadline if there is another: that is for something else."""
    found = list(_parents(view))
    return next((p for p in found if not p.timed), found[0] if found else None)


def _parents(view: View) -> Iterator[Parent]:
    found = [c for c in candidates(view) if c.family == "context" and c.place != "testing"]
    for candidate in sorted(found, key=lambda c: _rank(view, view.node, c)):
        rejected = _reject(view, view.node, candidate)
        if rejected is not None and rejected.reason == "no-stop-signal" and firing.has_deadline(view, candidate):
            # A deadline for the work is one for the wait, too.
            fired = firing.fired_before(view, view.node, candidate, refs_of(view, candidate))
            rejected = _Rejected("signal-already-fired", f"{candidate.text} may have fired before") if fired else None
        timed = candidate.place in ("local", "param") and firing.has_deadline(view, candidate)
        if rejected is None or rejected.reason == "never-fires":
            yield Parent(_signal(view, candidate), "", timed)
        elif rejected.reason in _ENDS_TOO_EARLY:
            yield Parent(_signal(view, candidate), rejected.message, timed)


def candidates(view: View) -> Iterator[Visible]:
    """What may be a signal by its type and name; ``t.Context()`` is offered as a context of place ``testing``,
    ``r.Context()`` as one of place ``request``; what loops around the wait leave on, whatever its type.
    """
    seen = set()
    for found in view.facts.visible(view.path, view.node.start_byte):
        offered = _offered(found)
        if offered is not None:
            seen.add(offered.text)
            yield offered
    yield from (found for found in channels.left_on(view) if found.text not in seen)


def _offered(found: Visible) -> Visible | None:
    if found.place.startswith("request-"):
        # One made here is about to be sent; its context is a variable already.
        return None if found.place == "request-local" else dataclasses.replace(found, place="request")
    if found.family in ("context", "channel"):
        # Request.Cancel is deprecated and nil in practice.
        cancel = found.base is not None and found.base.type.endswith("net/http.Request")
        return None if cancel else found
    if found.family == "testing" and found.place in ("captured", "param", "local") and found.base is None:
        return Visible(f"{found.text}.Context()", "context", "testing", found.object, None)
    return None


def _signal(view: View, found: Visible) -> Signal:
    where = ""
    if found.object.start >= 0 and found.object.path == view.path:
        where = f"line {view.line(found.object.start)}"
    elif found.object.path:
        where = found.object.path.rsplit("/", 1)[-1]
    base = found.base.id if found.base is not None else ""
    caution = construction.caution(view, found, bool(refs_of(view, found))) or firing.caution(view)
    only_closed = found.family == "channel" and channels.only_closed(view, found)
    place = "request" if firing.made_by_request(view, found.object.id) else found.place
    return Signal(found.text, found.family, place, found.object.id, base, where, caution, only_closed)


def refs_of(view: View, found: Visible) -> list[Ref]:
    """References in the outermost function that name the candidate by this very expression."""
    return looks.refs_of(view, found.object.id, found.text)


def _rank(view: View, loop: Node, found: Visible) -> tuple[int, int]:
    """What the loop already looks at first, then what it hands on, then nearness; contexts before senders."""
    inside = [r for r in refs_of(view, found) if loop.start_byte <= r.start < loop.end_byte]
    if any(looks.looks(r) for r in inside) or found.place == channels.LEFT_ON:
        # Of the channels that carry values, a context that is handed on comes first: it surely means stop.
        tells = found.place != channels.LEFT_ON or found.object.type.endswith(("struct{}", "context.Context"))
        return (0, 0) if tells else (_HANDED_ON, 1)
    if any(r.role == "argument" for r in inside):
        return _HANDED_ON, 0
    return _PLACES[found.place], 0 if found.family == "context" else 1


def _reject(view: View, loop: Node, found: Visible) -> _Rejected | None:
    """The first rule that the candidate breaks; the order goes from what it is to when it fires."""
    declaration = found.base if found.base is not None else found.object
    if view.declares(loop, declaration):
        outer = derived.passed_on(view, found)
        if outer is not None:
            return _reject(view, loop, outer)
        return _Rejected("no-stop-signal", f"{found.text} is declared inside the loop")
    if found.place == "testing":
        return _reject_testing(view, found)
    looked_at = any(_in(r, loop) and looks.looks(r) for r in refs_of(view, found))
    handed = found.base is not None and found.base.kind != "receiver" and found.family == "channel"
    if handed and not looked_at and found.place == "field" and not construction.builds(view, found.base):
        # The end of something that the loop was handed (a lost connection) is not the end of the loop.
        return _Rejected("no-stop-signal", f"{found.text} tells of the end of {declaration.name}")
    if found.family == "context" and _chooses_its_own(view, loop, found):
        return _Rejected("no-stop-signal", f"the loop works with a context of its own instead of {found.text}")
    rejected = channels.reject(view, found, refs_of(view, found), _Rejected) if found.family == "channel" else None
    return (
        rejected
        or (_reject_request(view, found) if found.place == "request" else None)
        or _reject_unsteady(view, loop, found)
        or _reject_nil(view, found)
        or construction.reject(view, found, bool(refs_of(view, found)), _Rejected)
        or firing.reject(view, loop, found, refs_of(view, found), _Rejected)
    )


def _in(ref: Ref, node: Node) -> bool:
    return node.start_byte <= ref.start < node.end_byte


def _chooses_its_own(view: View, loop: Node, found: Visible) -> bool:
    """Whether the loop calls with a context that cannot end, and touches the candidate at most to make it.

    Made where another is in scope, that is on purpose: what the call does must not end with it.
    """
    detached = [c for c in view.calls_in(loop) if c.name in origins.ROOTS]
    inside = [r for r in refs_of(view, found) if _in(r, loop)]
    if any(not any(c.start <= r.start < c.end for c in detached) for r in inside):
        return False
    return bool(detached) and not _only_logs(view, loop)


def _only_logs(view: View, loop: Node) -> bool:
    """Whether those contexts go to loggers alone (``log.G(context.TODO())``)."""
    detached = [c for c in view.calls_in(loop) if c.name in origins.ROOTS]
    around = [[o for o in view.calls_in(loop) if o.start < c.start and c.end <= o.end] for c in detached]
    return all(any("log" in o.name.lower() for o in outer) for outer in around)


def _reject_testing(view: View, found: Visible) -> _Rejected | None:
    """``t.Context()`` ends when the test function has returned: only a goroutine of the test can see that.

    https://pkg.go.dev/testing#T.Context
    """
    owners = [f for f in view.functions if any(p.id == found.object.id for p in f.params)]
    if view.language.file < TESTING_CONTEXT or not owners or not found.object.type.startswith("*testing."):
        return _Rejected("no-stop-signal", "no context or stop channel is in scope here")
    owner = owners[0]
    is_test = owner.kind == "declaration" and owner.name.startswith(("Test", "Benchmark", "Fuzz"))
    is_subtest = owner.kind == "literal" and owner.callee in (
        "(*testing.T).Run",
        "(*testing.B).Run",
        "(*testing.F).Fuzz",
    )
    if not (is_test or is_subtest):
        return _Rejected(
            "no-stop-signal", f"{found.object.name} belongs to a helper, whose caller decides how long it waits"
        )
    if view.functions[0] == owner or not goroutines.starts_goroutine(view.functions[0]):
        return _Rejected(
            "never-fires", f"{found.text} ends when the test function returns, and this loop is what it waits for"
        )
    return None


def _reject_request(view: View, found: Visible) -> _Rejected | None:
    """A request's context ends with the handler: no signal for what a goroutine goes on with."""
    function = view.functions[0]
    started = goroutines.starts_goroutine(function) and not goroutines.joined(view, function)
    own = found.base is not None and any(p.id == found.base.id for p in function.params)
    handed = function.object and any(u.role == "go-call" for u in view.facts.uses(function.object))
    if started or handed or not (own or goroutines.starts_goroutine(function)):
        return _Rejected("request-scoped-signal", f"{found.text} ends with its request, this code may outlive it")
    return None


def _reject_unsteady(view: View, loop: Node, found: Visible) -> _Rejected | None:
    """A variable that may name another context tomorrow."""
    variable = found.base if found.base is not None else found.object
    if found.place == "package":
        return None
    writes = [r for r in view.refs_of(variable.id) if r.role in ("assign", "address")]
    literal = view.functions[0].start if found.place == "captured" else -1
    for write in writes:
        if loop.start_byte <= write.start < loop.end_byte:
            return _Rejected("no-stop-signal", f"{variable.name} is assigned inside the loop")
        later = write.start > view.function.start_byte or _in_loop_with(view, write, view.function)
        if literal >= 0 and not view.declares(view.function, variable) and later:
            return _Rejected("no-stop-signal", f"{variable.name} is captured and assigned elsewhere")
        if write.role == "address":
            return _Rejected("no-stop-signal", f"the address of {variable.name} is taken")
    return None


def _reject_nil(view: View, found: Visible) -> _Rejected | None:
    """A context that may be nil: Done would panic."""
    if found.family != "context":
        return None
    maybe = _Rejected("no-stop-signal", f"{found.text} may be nil")
    if any(r.role == "compare" and not _replaced(view, found, r) for r in refs_of(view, found)):
        return maybe
    if found.object.kind != "var" or found.object.scope != "function":
        return None
    for ref in view.refs_of(found.object.id):
        if ref.role in ("define", "assign"):
            value = view.source.data[ref.value_start : ref.value_end] if ref.value_start >= 0 else b""
            if not _VALUE.fullmatch(value):
                return maybe
    return None


def _replaced(view: View, found: Visible, compared: Ref) -> bool:
    """``if ctx == nil { ctx = context.Background() }``, passed on the way to the wait: it is not nil any more."""
    for passed in flow.dominating(view.node, view.function):
        if passed.type == "if_statement" and _in(compared, passed):
            test, then = passed.child_by_field_name("condition"), passed.child_by_field_name("consequence")
            last = flow.statements(then)[-1:] if then is not None else []
            plain = test is not None and view.text(test) == f"{found.text} == nil"
            return plain and any(r.role == "assign" and _in(r, s) for s in last for r in refs_of(view, found))
    return False


def _in_loop_with(view: View, write: Ref, function: Node) -> bool:
    """Whether a loop of the starter runs both the assignment and the goroutine's start again."""
    node = view.source.node_at(write.start, write.end)
    return any(flow.contains(around, function) for around in flow.loops_around(node))
