"""Does a goroutine that is left behind write what others read without waiting for it, or read what they write?

Writes to variables that live on (named results, variables of an outer function or the package, fields reached through
the receiver or a parameter) count unless a lock is held there. Functions of the module that it calls are looked into
as far as they are handed something shared.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow, names, reach, sharing, unguarded
from gocodemod.analysis.reach import Body
from gocodemod.analysis.view import View
from gocodemod.analysis.workers import Worker
from gocodemod.golang.facts import Call, Object, Ref
from gocodemod.model import Refusal
from gocodemod.transform import Context

# First words of functions that make what they return.
_FRESH = frozenset(
    {"new", "make", "create", "clone", "copy", "build", "with", "must", "init", "default", "parse", "empty"}
)
# How many functions that a goroutine calls are looked into.
_LIMIT = 150


@dataclass(frozen=True)
class _Running:
    """A piece of code that the goroutine runs. ``lasting``: ids of its variables whose contents others hold, too."""

    view: View
    lasting: frozenset[str]


def problem(context: Context, view: View, worker: Worker, shared: list[Object]) -> Refusal | None:
    """The first write of the goroutine that races once the function returns without it."""
    written = _written_variable(view, worker, shared)
    if written is not None:
        return _refusal(worker, written)
    lasting = frozenset(_lasting(view, worker, shared))
    queue = [_Running(piece, lasting) for piece in worker.pieces]
    seen = {(running.view.path, running.view.node.start_byte) for running in queue}
    while queue and len(seen) < _LIMIT:
        running = queue.pop(0)
        target = next(_shared_writes(running), None)
        if target is not None:
            return _refusal(worker, target)
        used = next(unguarded.touches(context, running.view, functools.partial(_lasts, running, calls=False)), None)
        if used is not None:
            return Refusal(
                "worker-writes-after-return",
                f"the goroutine started in line {worker.line} would use {used} without a lock while others may, too",
            )
        for called in _calls(context, running):
            key = (called.view.path, called.view.node.start_byte)
            if key not in seen:
                seen.add(key)
                queue.append(called)
    return None


def _refusal(worker: Worker, what: str) -> Refusal:
    return Refusal(
        "worker-writes-after-return",
        f"the goroutine started in line {worker.line} would write {what} while others use it",
    )


def _written_variable(view: View, worker: Worker, shared: list[Object]) -> str | None:
    """A variable itself, not what it points to, that is assigned by the goroutine and read after the return."""
    for variable in shared:
        refs = [r for piece in worker.pieces for r in piece.refs_in(piece.node)] + list(view.refs_in(worker.start))
        if not any(_assigns(r.role) for r in refs if r.object == variable.id):
            continue
        if variable.kind == "result" or not view.declares(view.function, variable):
            return variable.name
        if any(_in_defer(view, r.start) for r in view.refs_of(variable.id)):
            return variable.name
    return None


def _assigns(role: str) -> bool:
    return role in ("assign", "update", "address")


def _in_defer(view: View, offset: int) -> bool:
    block = flow.body(view.function)
    found = [n for n in flow.inside(block) if n.type == "defer_statement"] if block is not None else []
    return any(n.start_byte <= offset < n.end_byte for n in found)


def _lasting(view: View, worker: Worker, shared: list[Object]) -> Iterator[str]:
    """Which variables of the goroutine lead to something that outlives the function."""
    if worker.literal is None:
        # A declared function: whatever it is handed by reference may lead out.
        yield from (v.id for v in _handed(worker.view) if not sharing.copied(v))
    else:
        yield from (v.id for v in shared if _leads_out(view, worker, v))


def _leads_out(view: View, worker: Worker, variable: Object) -> bool:
    found = sharing.sources(view, [variable], by_reference=True).values()
    return any(
        v.kind in ("receiver", "result") or _foreign(view, v) or _known_to_others(view, worker, v) for v in found
    )


def _known_to_others(view: View, worker: Worker, variable: Object) -> bool:
    """Whether a variable's contents were handed to somebody, or come from somebody who may have kept them."""
    for ref in view.refs_of(variable.id):
        if worker.start.start_byte <= ref.start < worker.start.end_byte:
            continue
        if ref.role == "argument" and not any(c.kind == "builtin" for c in _calls_around(view, ref)[-1:]):
            return True
        made = next((c for c in view.calls if (c.start, c.end) == (ref.value_start, ref.value_end)), None)
        if made is not None and made.kind != "builtin" and names.first_word(made.name) not in _FRESH:
            return True
    return False


def _calls_around(view: View, ref: Ref) -> list[Call]:
    """The calls that a reference stands in, outermost first."""
    return sorted((c for c in view.calls if c.start <= ref.start and ref.end <= c.end), key=lambda c: c.start - c.end)


def _foreign(view: View, variable: Object) -> bool:
    """A parameter of the wait's function, or a variable of a function around it."""
    if sharing.made_to_be_shared(variable):
        return False
    return not view.declares(view.function, variable) or any(p.id == variable.id for p in view.functions[0].params)


def _handed(view: View) -> list[Object]:
    """Receiver and parameters of a declared function."""
    heads = [view.function.child_by_field_name(n) for n in ("receiver", "parameters")]
    return sharing.variables(view, (r for h in heads if h is not None for r in view.refs_in(h)))


def _shared_writes(running: _Running) -> Iterator[str]:
    """What is written that lasts, without a lock, as written in the code."""
    view = running.view
    for node, target in _targets(view):
        ref = view.ref_at(flow.root(target))
        known = view.facts.object(ref.object) if ref is not None else None
        if known is None or (target.type == "identifier" and known.scope == "function"):
            continue
        if known.scope == "function" and _is_first_step(target) and _made_here(view, known):
            continue
        lasts = _of_package(known) or (known.scope == "function" and _lasts(running, known))
        if lasts and not unguarded.locked(view, node):
            yield view.text(target)


def _is_first_step(target: Node) -> bool:
    """``x.f`` or ``x[k]``, not what hangs on those."""
    operand = target.child_by_field_name("operand")
    return operand is not None and operand.type == "identifier"


def _made_here(view: View, variable: Object) -> bool:
    """Whether the code itself makes what the variable holds: a composite literal, make or new."""
    writes = [r for r in view.refs_of(variable.id) if r.role in ("define", "assign", "address")]
    if not writes or not view.declares(view.function, variable) or any(r.value_start < 0 for r in writes):
        return False
    for ref in writes:
        value = view.source.node_at(ref.value_start, ref.value_end)
        inner = value.child_by_field_name("operand") if view.text(value).startswith("&") else value
        made = view.call_at(value)
        fresh = made is not None and made.kind == "builtin" and made.name in ("make", "new")
        if not fresh and (inner is None or inner.type != "composite_literal"):
            return False
    return True


def _of_package(known: Object) -> bool:
    """A package variable, or the name of the package before one (``log.Level = 1``)."""
    return known.kind == "package" or (known.kind == "var" and known.scope == "package")


def _lasts(running: _Running, variable: Object, calls: bool = True) -> bool:
    found = sharing.sources(running.view, [variable], by_reference=True, calls=calls)
    return bool(found.keys() & running.lasting)


def _targets(view: View) -> Iterator[tuple[Node, Node]]:
    """Statements that write, and each operand written to."""
    for node in flow.everything(view.node):
        if node.type == "assignment_statement":
            left = node.child_by_field_name("left")
            yield from ((node, target) for target in (left.named_children if left is not None else ()))
        elif node.type in ("inc_statement", "dec_statement") and node.named_children:
            yield node, node.named_children[0]
        elif node.type == "call_expression":
            call = view.call_at(node)
            arguments = node.child_by_field_name("arguments")
            values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
            if call is not None and call.kind == "builtin" and call.name in ("delete", "clear", "copy") and values:
                yield node, values[0]


def _calls(context: Context, running: _Running) -> Iterator[_Running]:
    """The module's functions that are called with something that lasts, or that may write package variables."""
    view = running.view
    for call in view.calls_in(view.node):
        if call.kind not in ("function", "method") or not call.object:
            continue
        body = reach.declared(context, view, call.object)
        if body is not None:
            yield _Running(body.view, frozenset(_received(running, call, body)))


def _received(running: _Running, call: Call, body: Body) -> Iterator[str]:
    view = running.view
    receiver = body.view.function.child_by_field_name("receiver")
    if receiver is not None and call.receiver_start >= 0:
        refs = [r for r in view.refs if call.receiver_start <= r.start < call.receiver_end]
        known = [found for r in refs if (found := view.facts.object(r.object)) is not None]
        if any(_of_package(k) for k in known) or any(_lasts(running, v) for v in sharing.variables(view, refs)):
            yield from (v.id for v in sharing.variables(body.view, body.view.refs_in(receiver)))
    node = view.source.node_at(call.start, call.end)
    arguments = node.child_by_field_name("arguments")
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    functions = body.view.functions
    for value, parameter in zip(values, functions[-1].params if functions else (), strict=False):
        refs = list(view.refs_in(value))
        if not sharing.copied(parameter) and any(_lasts(running, v) for v in sharing.variables(view, refs)):
            yield parameter.id
