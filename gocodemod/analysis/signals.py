"""Finding the stop signal: an expression valid at a site that says when its loop should end.

A signal is a ``context.Context`` (exactly that type) or a ``chan struct{}`` that is closed, never sent
to. What is rejected is rejected by name, because a wrong signal breaks a program: a loop that stops too
early loses work, one that skips a wait spins. docs/stop-signals.md has the rules with their reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import construction, firing, flow, goroutines, names
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref, Visible
from gocodemod.golang.versions import TESTING_CONTEXT
from gocodemod.model import Refusal

_HANDED_ON = 1
_PLACES = {"local": 2, "param": 2, "captured": 3, "field": 4, "testing": 5, "package": 6}


@dataclass(frozen=True)
class Signal:
    """``text`` names the context or channel; ``receive`` is what a case receives from; ``declared`` where it is
    declared, for people. ``caution``: why a person should look even where the exit is safe.
    """

    text: str
    family: str
    place: str
    object: str
    base: str
    declared: str
    caution: str = ""

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
            return _signal(view, candidate)
        if rejected.reason != "no-stop-signal" and _rank(view, loop, candidate)[0] <= _HANDED_ON:
            # The loop works with this one on purpose (context.WithoutCancel, say): no other may end it.
            return Refusal(rejected.reason, rejected.message)
        # A candidate that is a signal, but a wrong one here, tells more than one that is none.
        if best is None or (best.reason == "no-stop-signal" and rejected.reason != best.reason):
            best = rejected
    if best is not None:
        return Refusal(best.reason, best.message)
    return Refusal("no-stop-signal", "no context or stop channel is in scope here")


def candidates(view: View) -> Iterator[Visible]:
    """What may be a signal by its type and name; ``t.Context()`` is offered as a context of place ``testing``."""
    for found in view.facts.visible(view.path, view.node.start_byte):
        if found.family in ("context", "channel"):
            yield found
        elif found.family == "testing" and found.place in ("captured", "param", "local") and found.base is None:
            yield Visible(f"{found.text}.Context()", "context", "testing", found.object, None)


def _signal(view: View, found: Visible) -> Signal:
    where = ""
    if found.object.start >= 0 and found.object.path == view.path:
        where = f"line {view.line(found.object.start)}"
    elif found.object.path:
        where = found.object.path.rsplit("/", 1)[-1]
    base = found.base.id if found.base is not None else ""
    caution = construction.caution(view, found, bool(refs_of(view, found)))
    return Signal(found.text, found.family, found.place, found.object.id, base, where, caution)


def refs_of(view: View, found: Visible | Signal) -> list[Ref]:
    """References in the outermost function that name the signal by this very expression."""
    identity = found.object if isinstance(found, Signal) else found.object.id
    return [
        r
        for r in view.refs_of(identity)
        if view.source.data[r.outer_start : r.outer_end].decode("utf-8", "replace") == found.text
    ]


def _rank(view: View, loop: Node, found: Visible) -> tuple[int, int]:
    """What the loop already looks at first, then what it hands on, then nearness; contexts before channels."""
    inside = [r for r in refs_of(view, found) if loop.start_byte <= r.start < loop.end_byte]
    if any(_looks(r) for r in inside):
        return 0, 0
    if any(r.role == "argument" for r in inside):
        return _HANDED_ON, 0
    return _PLACES[found.place], 0 if found.family == "context" else 1


def _looks(ref: Ref) -> bool:
    return ref.role in ("receive", "select-receive") or ref.selected == "Err"


def _reject(view: View, loop: Node, found: Visible) -> _Rejected | None:
    """The first rule that the candidate breaks; the order goes from what it is to when it fires."""
    declaration = found.base if found.base is not None else found.object
    if view.declares(loop, declaration):
        return _Rejected("no-stop-signal", f"{found.text} is declared inside the loop")
    if found.place == "testing":
        return _reject_testing(view, found)
    rejected = _reject_channel(view, found) if found.family == "channel" else None
    return (
        rejected
        or _reject_unsteady(view, loop, found)
        or construction.reject(view, found, bool(refs_of(view, found)), _Rejected)
        or firing.reject(view, loop, found, refs_of(view, found), _Rejected)
    )


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


def _reject_channel(view: View, found: Visible) -> _Rejected | None:
    """Whether a struct{} channel means "stop": closed and never sent to, and named or used like that."""
    none = _Rejected("no-stop-signal", f"{found.text} is a channel, but nothing says that it means stop")
    own_words = names.words(found.object.name)
    if any(w in names.START_WORDS for w in own_words):
        return none
    uses = view.facts.uses(found.object.id) or view.refs_of(found.object.id)
    if any(u.role == "send" for u in uses):
        return _Rejected("no-stop-signal", f"{found.text} is sent to: one receiver would take the value from another")
    here = view.functions[-1].name
    if any(
        u.role == "close" and u.path == view.path and u.function == here and u.literals == view.literals for u in uses
    ):
        return _Rejected("no-stop-signal", f"{found.text} is closed by this very function")
    named = found.place in ("param", "captured") and any(w in names.STOP_WORDS for w in own_words)
    # Outside a loop, a receive that then returns may just as well wait for a result or for readiness.
    leaves = any(u.role in ("receive", "select-receive") and u.leaves and u.in_loop for u in uses)
    closed = any(u.role == "close" and names.first_word(u.function) in names.STOPPING_FUNCTIONS for u in uses)
    return None if named or leaves or closed else none


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


def _in_loop_with(view: View, write: Ref, function: Node) -> bool:
    """Whether a loop of the starter runs both the assignment and the goroutine's start again."""
    node = view.source.node_at(write.start, write.end)
    return any(flow.contains(around, function) for around in flow.loops_around(node))
