"""When a signal fires: never, too early, or already, before the wait it is meant to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tree_sitter import Node

from gocodemod.analysis import arguments, flow, goroutines, looks, names, origins
from gocodemod.analysis.origins import Origin
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Function, Ref, Visible

R = TypeVar("R")
Rejected = Callable[[str, str], R]

_FIRES = frozenset(
    {
        "context.WithTimeout",
        "context.WithDeadline",
        "context.WithTimeoutCause",
        "context.WithDeadlineCause",
        "os/signal.NotifyContext",
    }
)
_DEADLINES = _FIRES - {"os/signal.NotifyContext"}
# A context made by a call we cannot see into may fire by itself if its name says so.
_MAY_FIRE = frozenset({"cancel", "timeout", "deadline", "notify", "signal", "interrupt", "shutdown", "stop"})
# In these the signal has fired, or is about to: the edit would skip the wait (lnd brontide.go).
_ENDING = names.STOPPING_FUNCTIONS | {
    "leave", "unlock", "release", "cleanup", "teardown", "drain", "deregister", "unregister", "revoke", "graceful"
}  # fmt: skip
# GracefulStop, onClose, tearDown.
_ENDING_LAST = frozenset({"stop", "close", "shutdown", "down", "up"})
_BEFORE_LAST = frozenset(
    {"graceful", "gracefully", "on", "do", "tear", "clean", "force", "hard", "soft", "fast", "safe"}
)
# What is registered with a function of such a name runs when things end.
_HOOKS = frozenset({"cleanup", "shutdown", "close", "stop", "exit"})


def reject(view: View, loop: Node, found: Visible, refs: list[Ref], rejected: Rejected[R]) -> R | None:
    """The first reason why ``found``, referred to by ``refs`` in this function, cannot end a wait in the loop."""
    if _ending(view, found):
        return rejected("signal-already-fired", f"this code runs when {found.text} has fired or is about to")
    if found.place in ("local", "param", "captured", "package"):
        looked_at = any(_in(r, loop) and looks.looks(r) for r in refs)
        if _request_scoped(view, found) and not looked_at:
            return rejected("request-scoped-signal", f"{found.text} ends with its request, the goroutine outlives it")
        if found.family == "context" and not _may_fire(view, found.object.id, set()):
            return rejected("never-fires", f"{found.text} is never cancelled")
        if found.family == "channel" and _nobody_closes(view, found):
            return rejected("never-fires", f"nothing closes {found.text}")
        if not looked_at and _cancelled_by_starter(view, found):
            return rejected(
                "cancelled-by-starter", f"the starter's deferred cancel of {found.text} would end this goroutine early"
            )
        if not looked_at and _deadline_of_another_call(view, loop, found, refs):
            return rejected("no-stop-signal", f"{found.text} has a deadline that was made for another call")
    if fired_before(view, loop, found, refs):
        return rejected("signal-already-fired", f"{found.text} may have fired before the wait is reached")
    return None


def _in(ref: Ref, node: Node) -> bool:
    return node.start_byte <= ref.start < node.end_byte


def _ending(view: View, found: Visible) -> bool:
    """Code that runs because things end; what it declares itself, or is told by its caller, is younger than that."""
    for function in view.functions:
        own = found.object.path == view.path and function.start <= found.object.start < function.end
        if not own and (function.started == "defer" or set(names.words(_last(function.callee))) & _HOOKS):
            return True
        if not own and function.callee == "context.AfterFunc":
            return True
    declared = view.functions[-1]
    if ends_things(declared.name):
        # Shutdown(ctx) error is told how long it may take, as net/http's is; without an error a caller could not see it.
        reports = bool(declared.results) and declared.results[-1].is_error
        return found.place != "param" or not reports or len(view.functions) > 1
    return _only_called_when_ending(view, declared, found)


def caution(view: View) -> str:
    """What a person should know about a signal that was accepted."""
    if ends_things(view.functions[-1].name):
        return "the function ends things: a caller that hands it a context which has ended would get no wait"
    return ""


def ends_things(name: str) -> bool:
    """Whether a function's name says that things end when it runs: Close, Shutdown, GracefulStop, Server.onClose."""
    found = names.words(_last(name))
    if not found:
        return False
    return found[0] in _ENDING or (len(found) > 1 and found[-1] in _ENDING_LAST and found[0] in _BEFORE_LAST)


def _only_called_when_ending(view: View, declared: Function, found: Visible) -> bool:
    """A helper that some caller calls when things end: from Stop or Close, by defer, or after the signal."""
    named = view.facts.object(declared.object)
    if named is None or named.exported or named.in_interface:
        return False
    calls = [u for u in view.facts.uses(declared.object) if u.role in ("call", "defer-call")]
    if not view.path.endswith("_test.go"):
        # A test that cleans up hands over what it likes: it says nothing about the program.
        calls = [u for u in calls if not u.path.endswith("_test.go")]
    return any(
        u.role == "defer-call" or ends_things(u.function) or _called_after_the_end(view, u, found) for u in calls
    )


def _called_after_the_end(view: View, call: Ref, found: Visible) -> bool:
    """Whether a call in this file stands in the arm that received a signal, or after a receive, a cancel or a close."""
    if call.path != view.path:
        return False
    node = view.source.node_at(call.start, call.end)
    function = flow.enclosing_function(node)
    current: Node | None = node
    while current is not None and current != function:
        if current.type == "communication_case":
            waited = current.child_by_field_name("communication")
            text = view.text(waited) if waited is not None else ""
            name = text.removeprefix("<-").removesuffix("()").rsplit(".", 1)[-1]
            if text.startswith("<-") and names.means_stop(name) and not flow.contains(waited or current, node):
                return True
        current = current.parent
    before = flow.dominating(node, function) if function is not None else []
    # A context that is handed over after a cancel is hardly the one that was cancelled.
    told = [t for s in before if s.type == "expression_statement" and _fires(t := view.text(s))]
    return any(found.place != "param" or t.startswith("<-") for t in told)


def _fires(text: str) -> bool:
    """``<-ctx.Done()``, ``close(s.stop)``, ``s.cancel()``."""
    callee = text.split("(", 1)[0].rsplit(".", 1)[-1]
    received = text.removeprefix("<-").removesuffix("()").rsplit(".", 1)[-1]
    return (
        text.startswith("close(")
        or "cancel" in names.words(callee)
        or (text.startswith("<-") and names.means_stop(received))
    )


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _may_fire(view: View, object_id: str, seen: set[str]) -> bool:
    """False only if every value the variable ever gets is known to be never cancelled."""
    if object_id in seen:
        return False
    seen.add(object_id)
    declared = view.facts.object(object_id)
    known = list(origins.of(view, object_id))
    if declared is not None and declared.kind == "param":
        return not any(
            o.call is not None and o.call.name in origins.ROOTS and not _replaces_nil(view, o.define) for o in known
        )
    if declared is None or declared.kind != "var":
        return True
    return not known or any(_value_may_fire(view, origin, seen) for origin in known)


def _replaces_nil(view: View, assigned: Ref) -> bool:
    """``if ctx == nil { ctx = context.Background() }``: what callers hand over may still fire."""
    inner: Node | None = view.source.node_at(assigned.start, assigned.end) if assigned.path == view.path else None
    while inner is not None and inner.type != "if_statement":
        inner = inner.parent
    test = inner.child_by_field_name("condition") if inner is not None else None
    return test is not None and view.text(test) == f"{assigned.name} == nil"


def _value_may_fire(view: View, origin: Origin, seen: set[str]) -> bool:
    given = origins.inputs(view, origin)
    if origin.call is None:
        return not given or any(_may_fire(view, i, seen) for i in given)
    name = origin.call.name
    if name in origins.ROOTS:
        return False
    if name in _FIRES or any(_may_fire(view, i, seen) for i in given):
        return True
    if name in ("context.WithCancel", "context.WithCancelCause"):
        return any(_called_while_looping(view, c) for c in origins.cancels(view, origin.define))
    if name == "context.WithValue":
        return False
    inner = view.facts.calls(origin.define.path, origin.define.value_start, origin.define.value_end)
    rooted = bool(given) or any(c.name in origins.ROOTS for c in inner)
    telling = set(names.words(name.rsplit(".", 1)[-1])) & _MAY_FIRE
    return not rooted or bool(telling) or bool(origins.cancels(view, origin.define))


def _called_while_looping(view: View, cancel: str) -> bool:
    """Whether anything can call the cancel while the loop of this very function waits.

    Its own deferred calls, and calls after the loop, come too late.
    """
    for ref in view.refs_of(cancel):
        if ref.role in ("define", "assign", "declare"):
            continue
        own = ref.literals == view.literals
        late = ref.role == "defer-call" or (ref.role == "call" and ref.start > view.node.end_byte)
        if not (own and late):
            return True
    declared = view.facts.object(cancel)
    return declared is not None and declared.kind == "field"


def _nobody_closes(view: View, found: Visible) -> bool:
    """A channel made in this function that nothing closes and that is handed to nobody."""
    if found.object.kind != "var" or found.object.scope != "function":
        return False
    made = list(origins.of(view, found.object.id))
    if not made or any(o.call is None or o.call.name != "make" for o in made):
        return False
    roles = {r.role for r in view.refs_of(found.object.id)}
    return not roles & {"close", "argument", "assign", "key", "return", "address", "read", "send"}


def _request_scoped(view: View, found: Visible) -> bool:
    """A request's or an RPC's context in a goroutine that nobody waits for, captured or handed over."""
    for handing in arguments.handings(view, found.object):
        if handing.started and (
            any(_of_request(c.name) for c in handing.calls)
            or any(_from_request(view, ref.object) for ref in handing.refs)
        ):
            return True
    function = view.functions[0]
    if found.place != "captured" or not goroutines.starts_goroutine(function) or goroutines.joined(view, function):
        return False
    return _from_request(view, found.object.id) or (found.object.kind == "param" and _is_rpc(view, found))


def _from_request(view: View, object_id: str) -> bool:
    return any(o.call is not None and _of_request(o.call.name) for o in origins.chain(view, object_id))


def made_by_request(view: View, object_id: str) -> bool:
    """``ctx := r.Context()``: not what is made from that, which may have a deadline of its own."""
    made = list(origins.of(view, object_id))
    return len(made) == 1 and made[0].call is not None and _of_request(made[0].call.name)


def _of_request(name: str) -> bool:
    """``(*net/http.Request).Context``, ``(google.golang.org/grpc.ServerStream).Context`` and their like."""
    owner = name.rsplit(".", 1)[0]
    return name.endswith(".Context") and owner.rstrip(")").endswith(("Request", "Stream", "Server"))


def _is_rpc(view: View, found: Visible) -> bool:
    """The shape of a unary gRPC method: exported, ``(context, *Request) (*Response, error)``."""
    declared = view.functions[-1]
    owner = next((f for f in view.functions if any(p.id == found.object.id for p in f.params)), None)
    if owner != declared or "." not in declared.name or not declared.name.rsplit(".", 1)[-1][:1].isupper():
        return False
    takes = [p.type for p in declared.params]
    gives = [r.type for r in declared.results]
    return len(takes) == 2 and len(gives) == 2 and gives[1] == "error"


def _cancelled_by_starter(view: View, found: Visible) -> bool:
    """Whether the function that started this goroutine cancels the context when it returns, and does not wait for it."""
    function = view.functions[0]
    # When main returns, the process ends: nothing outlives what it cancels.
    handings = arguments.handings(view, found.object)
    given = [r.object for h in handings if h.started and h.function != "main" for r in h.refs]
    captured = found.place == "captured" and goroutines.starts_goroutine(function)
    if not (captured or given) or goroutines.joined(view, function):
        return False
    if len(view.functions) == 2 and view.functions[1].name == "main":
        return False
    for variable in [found.object.id, *given] if captured else given:
        for origin in origins.chain(view, variable):
            for cancel in origins.cancels(view, origin.define):
                calls = [r for r in _calls_of(view, cancel) if not _stops_its_owner(view, cancel, r)]
                if any(r.literals != view.literals or r.function != view.functions[-1].name for r in calls):
                    return True
    return False


def _calls_of(view: View, cancel: str) -> list[Ref]:
    return [r for r in view.facts.uses(cancel) if r.role in ("defer-call", "call")]


def _stops_its_owner(view: View, cancel: str, call: Ref) -> bool:
    """``s.cancel()`` in Close or Stop: that is what the goroutine waits for."""
    declared = view.facts.object(cancel)
    kept = declared is not None and declared.kind == "field"
    return kept and names.first_word(call.function) in names.STOPPING_FUNCTIONS


def _deadline_of_another_call(view: View, loop: Node, found: Visible, refs: list[Ref]) -> bool:
    """A timeout made in this function, for something else: the loop neither looks at it nor hands it on."""
    return not any(_in(r, loop) for r in refs) and has_deadline(view, found)


def has_deadline(view: View, found: Visible) -> bool:
    """Whether the variable is a context that was made with a deadline, as far as is written in its package."""
    made = [o for o in origins.of(view, found.object.id) if o.call is not None]
    return any(o.call is not None and o.call.name in _DEADLINES for o in made)


def fired_before(view: View, loop: Node, found: Visible, refs: list[Ref]) -> bool:
    """A look, a cancel or a close on a path to the wait; or a loop that sees the signal and goes on.

    In the last case the new select would find the signal fired on every round: a spin.
    """
    own = [r for r in refs if r.literals == view.literals]
    if looks.after_an_end(view) or looks.goes_on(view, loop, own) or looks.seen_before(view, loop, own):
        return True
    if any(_case_holds(view, ref) for ref in own if "receive" in ref.role):
        return True
    made = list(origins.of(view, found.object.id))
    fired_by = [r for o in made for c in origins.cancels(view, o.define) for r in view.refs_of(c) if r.role == "call"]
    fired_by += [r for r in refs if r.role == "close"]
    if any(_runs_before(view, loop, r) for r in fired_by):
        return True
    if found.place in ("field", "captured", "package"):
        before = flow.dominating(view.node, view.function)
        if any(s.type == "expression_statement" and ".cancel" in view.text(s).lower() for s in before):
            return True
    # errgroup's Wait cancels the group's context.
    grouped = any(o.call is not None and o.call.name.endswith("errgroup.WithContext") for o in made)
    waits = (c for c in view.calls if c.name.endswith("errgroup.Group).Wait") and c.literals == view.literals)
    return grouped and any(c.start < view.node.start_byte for c in waits)


def _runs_before(view: View, loop: Node, ref: Ref) -> bool:
    """Whether a cancel or close may run before the wait: in this function, or in a literal that it calls."""
    depth = len(view.literals)
    if ref.literals[:depth] != view.literals:
        return False
    inner = view.facts.functions(view.path, ref.start)[: len(ref.literals) - depth]
    if not inner:
        return ref.start < view.node.start_byte and not _left_after(view, ref, loop)
    if len(inner) > 1:
        return False
    if inner[0].started == "call":
        return inner[0].start < view.node.start_byte
    calls = [r for r in view.refs_of(inner[0].variable) if r.role == "call"] if inner[0].variable else []
    return any(r.start < view.node.start_byte and r.literals == view.literals for r in calls)


def _case_holds(view: View, ref: Ref) -> bool:
    """Whether the wait stands in the select arm that received the signal."""
    node: Node | None = view.source.node_at(ref.start, ref.end)
    while node is not None and node.type != "communication_case":
        node = node.parent
    if node is None or not flow.contains(node, view.node):
        return False
    communication = node.child_by_field_name("communication")
    return communication is not None and communication.start_byte <= ref.start < communication.end_byte


def _left_after(view: View, ref: Ref, loop: Node) -> bool:
    """Whether the block with the call ends by leaving, so that the wait is not reached from it."""
    node = view.source.node_at(ref.start, ref.end)
    statement = flow.statement(node)
    _, following = flow.siblings(statement)
    if not following:
        return False
    ends = flow.leaves(following[-1], loop) or following[-1].type in ("return_statement", "goto_statement")
    return ends and not any(flow.contains(f, view.node) for f in following)
