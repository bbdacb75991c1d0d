"""May a goroutine still run when the function that started it has returned without waiting for it?

Not if it works with what the function's deferred calls free, with what belongs to the caller, or writes what somebody
reads without having waited for it: https://go.dev/ref/mem. And not if a deferred call waits for it anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tree_sitter import Node

from gocodemod.analysis import captures, effects, exclusion, firing, flow, names, races, reach, sharing
from gocodemod.analysis.view import View
from gocodemod.analysis.workers import Worker
from gocodemod.golang.facts import Call, Object
from gocodemod.model import Refusal
from gocodemod.transform import Context

_CANCELS = frozenset({"context.CancelFunc", "context.CancelCauseFunc"})

# Deferred, these hand something on to its next user.
_RECYCLES = frozenset({"put", "recycle", "free", "store", "give", "requeue", "enqueue"})


def problem(context: Context, view: View, workers: Sequence[Worker]) -> Refusal | None:
    """Why the function cannot leave these goroutines behind at ``view.node``."""
    if workers and (guard := exclusion.given_back(view, deferred(view))) is not None:
        what, line = guard
        return Refusal(
            "lets-the-next-in",
            f"the call deferred in line {line} gives back {what} while the goroutine started in line {workers[0].line} "
            "still works",
        )
    for worker in workers:
        shared = shared_with(view, worker)
        found = (
            _waited_for(view)
            or _ends_with_it(view, worker, shared)
            or _freed(view, worker, shared)
            or _callers(view, worker, shared)
            or _unknown_function(worker)
            or races.problem(context, view, worker, shared)
        )
        if found is not None:
            return found
    return None


def shared_with(view: View, worker: Worker) -> list[Object]:
    """The function's variables that the goroutine captures or is handed."""
    nodes = [worker.start]
    if worker.literal is not None:
        nodes += [worker.literal, *(v.function for v in worker.pieces)]
    found = {name for node in nodes for name in captures.captured(view, node)}
    return sharing.variables(view, (r for r in view.refs if r.object in found))


def deferred(view: View) -> Iterator[Node]:
    """The function's own defer statements that were passed, or may have been, when the wait is reached."""
    block = flow.body(view.function)
    if block is not None:
        for node in flow.inside(block):
            if node.type == "defer_statement" and node.start_byte < view.node.start_byte:
                yield node


def _waited_for(view: View) -> Refusal | None:
    for statement in deferred(view):
        waits = next((c for c in view.calls_in(statement) if c.name.rsplit(".", 1)[-1] == "Wait"), None)
        received = (n for n in flow.everything(statement) if n.type == "unary_expression")
        if waits is not None or any(view.text(n).startswith("<-") for n in received):
            line = view.line(statement.start_byte)
            return Refusal(
                "waits-again", f"the call deferred in line {line} waits, too: a return here would not end it"
            )
    return None


def _ends_with_it(view: View, worker: Worker, shared: list[Object]) -> Refusal | None:
    """The function is part of ending its receiver: who called it frees next what the goroutine still uses."""
    receiver = next((v for v in shared if v.kind == "receiver"), None)
    declared = view.functions[-1]
    callers = {u.function for u in view.facts.uses(declared.object) if u.role in ("call", "defer-call")}
    ending = next((name for name in sorted({declared.name, *callers}) if firing.ends_things(name)), None)
    if receiver is None or ending is None:
        return None
    return Refusal(
        "worker-uses-freed-resource",
        f"the goroutine started in line {worker.line} may still use {receiver.name}, which {ending} ends",
    )


def _freed(view: View, worker: Worker, shared: list[Object]) -> Refusal | None:
    used = sharing.sources(view, shared)
    for statement in deferred(view):
        for call in view.calls_in(statement):
            for variable in _frees(view, call):
                if variable.id in used and not _only_tells(worker, call, variable):
                    line = view.line(call.start)
                    return Refusal(
                        "worker-uses-freed-resource",
                        f"the goroutine started in line {worker.line} may still use {variable.name} when the call "
                        f"deferred in line {line} has run",
                    )
    return None


def _frees(view: View, call: Call) -> list[Object]:
    """The variables that a deferred call gives back, closes or undoes."""
    node = view.source.node_at(call.start, call.end)
    callee = node.child_by_field_name("function")
    if callee is None or callee.type == "func_literal":
        return []
    ref = view.ref_at(callee)
    named = view.facts.object(ref.object) if ref is not None else None
    if named is not None and named.type in _CANCELS:
        return []
    found = sharing.variables(view, (r for r in view.refs if call.start <= r.start < call.end))
    if call.kind == "value" and named is not None and named.scope == "function":
        # conn, cleanup, err := dial(): what it cleans up was made with it.
        made = {(r.value_start, r.value_end) for r in view.refs_of(named.id) if r.role in ("define", "assign")}
        beside = (r for r in view.refs if r.role in ("define", "assign") and (r.value_start, r.value_end) in made)
        found += [v for v in sharing.variables(view, beside) if v.type != "error"]
    elif not effects.releases(view, node) and names.first_word(view.text(callee)) not in _RECYCLES:
        # Who knows what it does: what is shared with it may be no more than looked at, except where that is known.
        found = [
            v for v in found if v.kind != "receiver" and not sharing.copied(v) and not sharing.made_to_be_shared(v)
        ]
        return found if not effects.looks_only(view, node) else []
    return [v for v in found if v.type != "context.Context" or call.kind == "value"]


def _only_tells(worker: Worker, call: Call, variable: Object) -> bool:
    """``defer close(stop)`` of a channel that the goroutine only receives from: it is how it is told to end."""
    if call.kind != "builtin" or call.name != "close":
        return False
    inside = [r for r in worker.view.refs_in(worker.view.node) if r.object == variable.id]
    return bool(inside) and all(r.role in ("receive", "select-receive", "range") for r in inside)


def _callers(view: View, worker: Worker, shared: list[Object]) -> Refusal | None:
    """What the caller handed over and may use again, or free, as soon as the function has returned."""
    for variable in sharing.sources(view, shared, by_reference=True).values():
        if _of_caller(view, variable) and not sharing.copied(variable) and not _harmless(worker, variable):
            return Refusal(
                "worker-uses-freed-resource",
                f"the goroutine started in line {worker.line} may still use {variable.name}, which belongs to the caller",
            )
    for variable in shared:
        if not view.declares(view.function, variable) and not captures.steady(view, view.function, variable.id):
            return Refusal(
                "worker-uses-freed-resource",
                f"the goroutine started in line {worker.line} may still read {variable.name}, which is assigned elsewhere",
            )
    return None


def _unknown_function(worker: Worker) -> Refusal | None:
    """A call of a local variable that holds no literal: a method of something, or what somebody handed out."""
    for view in worker.pieces:
        for call in view.calls_in(view.node):
            known = view.facts.object(call.object) if call.kind == "value" and call.object else None
            if known is None or known.scope != "function" or known.kind != "var" or known.type in _CANCELS:
                continue
            if reach.literal_of(view, known.id) is None:
                return Refusal(
                    "worker-uses-freed-resource",
                    f"the goroutine started in line {worker.line} calls {known.name}, and what that uses cannot be seen",
                )
    return None


def _of_caller(view: View, variable: Object) -> bool:
    """A parameter of the wait's function, or a variable of a function around it; receivers are meant to be shared."""
    own = view.declares(view.function, variable)
    return variable.kind != "receiver" and (not own or any(p.id == variable.id for p in view.functions[0].params))


def _harmless(worker: Worker, variable: Object) -> bool:
    if "chan " not in variable.underlying[:7]:
        return sharing.made_to_be_shared(variable)
    inside = [r for r in worker.view.refs_in(worker.view.function) if r.object == variable.id]
    handed = any(
        worker.start.start_byte <= r.start < worker.start.end_byte for r in worker.starter.refs_of(variable.id)
    )
    told = all(r.role in ("receive", "select-receive", "range") for r in inside)
    return variable.underlying.startswith("<-") or (told and (bool(inside) or not handed))
