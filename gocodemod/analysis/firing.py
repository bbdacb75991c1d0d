"""When a signal fires: never, too early, or already, before the wait it is meant to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from tree_sitter import Node

from gocodemod.analysis import flow, goroutines, names
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Ref, Visible

R = TypeVar("R")
Rejected = Callable[[str, str], R]

_ROOTS = frozenset({"context.Background", "context.TODO", "context.WithoutCancel"})
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
_CANCELS = frozenset({"context.CancelFunc", "context.CancelCauseFunc", "func()"})
# A context made by a call we cannot see into may fire by itself if its name says so.
_MAY_FIRE = frozenset({"cancel", "timeout", "deadline", "notify", "signal", "interrupt", "shutdown", "stop"})
# In these the signal has fired, or is about to: the edit would skip the wait (lnd brontide.go).
_ENDING = frozenset({"stop", "close", "shutdown", "leave", "unlock", "release", "cleanup", "teardown"})


def reject(view: View, loop: Node, found: Visible, refs: list[Ref], rejected: Rejected[R]) -> R | None:
    """The first reason why ``found``, referred to by ``refs`` in this function, cannot end a wait in the loop."""
    if _ending(view, found):
        return rejected("signal-already-fired", f"this code runs when {found.text} has fired or is about to")
    if found.place in ("local", "param", "captured", "package"):
        looked_at = any(_in(r, loop) and (r.selected == "Err" or "receive" in r.role) for r in refs)
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
    if _fired_before(view, loop, found, refs):
        return rejected("signal-already-fired", f"{found.text} may have fired before the wait is reached")
    return None


def _in(ref: Ref, node: Node) -> bool:
    return node.start_byte <= ref.start < node.end_byte


def _ending(view: View, found: Visible) -> bool:
    """A deferred literal, a cleanup, or a method that ends things; the literal's own variables are younger than that."""
    for function in view.functions:
        cleanup = function.started == "defer" or function.callee.endswith(".Cleanup")
        own = found.object.path == view.path and function.start <= found.object.start < function.end
        if cleanup and not own:
            return True
    name = view.functions[-1].name.rsplit(".", 1)[-1]
    if name.lower() in _ENDING:
        return True
    # closeMember(ctx) is told by its caller how long it may take; Close and its like are where lifecycles end.
    return found.place != "param" and names.first_word(name) in _ENDING


@dataclass(frozen=True)
class Origin:
    """One assignment of a context variable: ``call`` is what made the value, None for a plain expression."""

    define: Ref
    call: Call | None


def origins(view: View, object_id: str) -> Iterator[Origin]:
    """Where the variable's values come from, as far as they are written in its package."""
    declared = view.facts.object(object_id)
    local = declared is not None and declared.scope == "function"
    uses = view.refs_of(object_id) if local else view.facts.uses(object_id)
    for use in uses:
        if use.role in ("define", "assign") and use.value_start >= 0:
            yield Origin(use, _call_at(view, use))


def _call_at(view: View, use: Ref) -> Call | None:
    found = view.facts.calls(use.path, use.value_start, use.value_end)
    return next((c for c in found if (c.start, c.end) == (use.value_start, use.value_end)), None)


def _inputs(view: View, origin: Origin) -> list[str]:
    """The contexts that went into a value."""
    refs = view.facts.refs(origin.define.path, origin.define.value_start, origin.define.value_end)
    found = []
    for ref in refs:
        named = view.facts.object(ref.object)
        if named is not None and named.type == "context.Context" and named.kind not in ("type", "func", "method"):
            found.append(ref.object)
    return found


def _may_fire(view: View, object_id: str, seen: set[str]) -> bool:
    """False only if every value the variable ever gets is known to be never cancelled."""
    if object_id in seen:
        return False
    seen.add(object_id)
    declared = view.facts.object(object_id)
    if declared is None or declared.kind != "var":
        return True
    known = list(origins(view, object_id))
    return not known or any(_value_may_fire(view, origin, seen) for origin in known)


def _value_may_fire(view: View, origin: Origin, seen: set[str]) -> bool:
    inputs = _inputs(view, origin)
    if origin.call is None:
        return not inputs or any(_may_fire(view, i, seen) for i in inputs)
    name = origin.call.name
    if name in _ROOTS:
        return False
    if name in _FIRES or any(_may_fire(view, i, seen) for i in inputs):
        return True
    if name in ("context.WithCancel", "context.WithCancelCause"):
        return any(_called_while_looping(view, c) for c in cancels(view, origin.define))
    if name == "context.WithValue":
        return False
    inner = view.facts.calls(origin.define.path, origin.define.value_start, origin.define.value_end)
    rooted = bool(inputs) or any(c.name in _ROOTS for c in inner)
    telling = set(names.words(name.rsplit(".", 1)[-1])) & _MAY_FIRE
    return not rooted or bool(telling) or bool(cancels(view, origin.define))


def cancels(view: View, define: Ref) -> list[str]:
    """The cancel functions that were made together with a context."""
    found = []
    for ref in view.refs:
        same = ref.path == define.path and ref.value_start == define.value_start and ref.role in ("define", "assign")
        if same and ref.value_index != define.value_index:
            named = view.facts.object(ref.object)
            if named is not None and named.type in _CANCELS:
                found.append(ref.object)
    return found


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
    roles = {r.role for r in view.refs_of(found.object.id)}
    return not roles & {"close", "argument", "assign", "key", "return", "address", "read", "send"}


def _request_scoped(view: View, found: Visible) -> bool:
    """A request's or an RPC's context, captured by a goroutine that nobody waits for."""
    function = view.functions[0]
    if found.place != "captured" or not goroutines.starts_goroutine(function) or goroutines.joined(view, function):
        return False
    for origin in _chain(view, found.object.id):
        name = origin.call.name if origin.call is not None else ""
        owner = name.rsplit(".", 1)[0]
        if name.endswith(".Context") and owner.rstrip(")").endswith(("Request", "Stream", "Server")):
            return True
    return found.object.kind == "param" and _is_rpc(view, found)


def _chain(view: View, object_id: str) -> Iterator[Origin]:
    """The origins of a variable and of the contexts it was made from."""
    seen, queue = {object_id}, [object_id]
    while queue:
        for origin in origins(view, queue.pop()):
            yield origin
            for more in _inputs(view, origin):
                if more not in seen:
                    seen.add(more)
                    queue.append(more)


def _is_rpc(view: View, found: Visible) -> bool:
    """The shape of a unary gRPC method: exported, ``(context, *Request) (*Response, error)``."""
    declared = view.functions[-1]
    owner = next((f for f in view.functions if any(p.id == found.object.id for p in f.params)), None)
    if owner != declared or "." not in declared.name or not declared.name.rsplit(".", 1)[-1][:1].isupper():
        return False
    takes = [p.type for p in declared.params]
    gives = [r.type for r in declared.results]
    return (
        len(takes) == 2
        and takes[1].startswith("*")
        and len(gives) == 2
        and gives[0].startswith("*")
        and gives[1] == "error"
    )


def _cancelled_by_starter(view: View, found: Visible) -> bool:
    """Whether the function that started this goroutine cancels the context when it returns, and does not wait for it."""
    function = view.functions[0]
    if found.place != "captured" or not goroutines.starts_goroutine(function) or goroutines.joined(view, function):
        return False
    if len(view.functions) == 2 and view.functions[1].name == "main":
        return False  # when main returns, the process ends: nothing outlives it
    for origin in _chain(view, found.object.id):
        for cancel in cancels(view, origin.define):
            if any(r.role in ("defer-call", "call") and r.literals != view.literals for r in view.refs_of(cancel)):
                return True
    return False


def _deadline_of_another_call(view: View, loop: Node, found: Visible, refs: list[Ref]) -> bool:
    """A timeout made in this function, for something else: the loop neither looks at it nor hands it on."""
    if any(_in(r, loop) for r in refs):
        return False
    made = [o for o in origins(view, found.object.id) if o.call is not None]
    return any(o.call is not None and o.call.name in _DEADLINES for o in made)


def _fired_before(view: View, loop: Node, found: Visible, refs: list[Ref]) -> bool:
    """A receive, a cancel or a close on a path to the wait, or a receive in the loop that does not leave it.

    In the last case the new select would find the signal fired on every round: a spin.
    """
    own = [r for r in refs if r.literals == view.literals]
    for ref in own:
        received = ref.role in ("receive", "select-receive") or ref.selected == "Err"
        if received and (_case_holds(view, ref) or _condition_holds(view, ref)):
            return True
        if "receive" in ref.role and not ref.leaves and (_in(ref, loop) or ref.start < view.node.start_byte):
            return True
        if ref.role == "receive" and ref.start < view.node.start_byte and _dominates(view, ref):
            return True
    fired_by = [c for o in origins(view, found.object.id) for c in cancels(view, o.define)]
    calls = [r for c in fired_by for r in view.refs_of(c) if r.role == "call" and r.literals == view.literals]
    return any(r.start < view.node.start_byte and not _left_after(view, r, loop) for r in calls)


def _case_holds(view: View, ref: Ref) -> bool:
    """Whether the wait stands in the select arm that received the signal."""
    node: Node | None = view.source.node_at(ref.start, ref.end)
    while node is not None and node.type != "communication_case":
        node = node.parent
    if node is None or not flow.contains(node, view.node):
        return False
    communication = node.child_by_field_name("communication")
    return communication is not None and communication.start_byte <= ref.start < communication.end_byte


def _condition_holds(view: View, ref: Ref) -> bool:
    """Whether the wait stands in the body of ``if ctx.Err() != nil``."""
    node: Node | None = view.source.node_at(ref.start, ref.end)
    while node is not None and node.type != "if_statement" and node.type not in flow.FUNCTIONS:
        node = node.parent
    if node is None or node.type != "if_statement" or ref.selected != "Err":
        return False
    test, then = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
    if test is None or then is None or not flow.contains(then, view.node):
        return False
    return test.start_byte <= ref.start < test.end_byte and "!=" in view.text(test)


def _dominates(view: View, ref: Ref) -> bool:
    statement = flow.statement(view.source.node_at(ref.start, ref.end))
    return statement in flow.dominating(view.node, view.function)


def _left_after(view: View, ref: Ref, loop: Node) -> bool:
    """Whether the block with the call ends by leaving, so that the wait is not reached from it."""
    node = view.source.node_at(ref.start, ref.end)
    statement = flow.statement(node)
    _, following = flow.siblings(statement)
    if not following:
        return False
    ends = flow.leaves(following[-1], loop) or following[-1].type in ("return_statement", "goto_statement")
    return ends and not any(flow.contains(f, view.node) for f in following)
