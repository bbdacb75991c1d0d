"""Can a goroutine of a type be started again after the type was stopped? Its channel stays closed, so it would end at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow, names
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref, Struct
from gocodemod.model import Refusal
from gocodemod.thread import stop_method
from gocodemod.thread.plan import World
from gocodemod.thread.stop_method import Stop

_ANEW = frozenset({"restart", "reopen", "resume", "reinit", "reinitialize", "revive"})
_DEPTH = 4


@dataclass(frozen=True)
class Start:
    """Where a goroutine of the type is started, or a method that does so is called. ``base``: what that is done for."""

    view: View
    base: str
    variable: Object | None


def problem(world: World, site: View, struct: Struct, stop: Stop, starts: list[Start]) -> Refusal | None:
    """Why one of ``starts`` may come after a stop, None if none can. ``site``: the goroutine's code."""
    anew = next((m for m in struct.methods if names.first_word(m.name) in _ANEW), None)
    if anew is not None:
        return _refusal(f"{struct.name} has a method {anew.name}")
    used = _goes_on(world, site, struct, stop)
    if used is not None:
        return used
    for start in starts:
        why = _again(world, struct, stop, start, _DEPTH)
        if why:
            return _refusal(why)
    return None


def _refusal(message: str) -> Refusal:
    return Refusal("restartable", message)


def _goes_on(world: World, site: View, struct: Struct, stop: Stop) -> Refusal | None:
    """A method of the type, or the goroutine itself, that stops it and then goes on: a reconnect, a reload."""
    for ref in world.facts.everywhere(stop.method.id).refs:
        owner, _, name = ref.function.rpartition(".")
        itself = ref.path == site.path and site.function.start_byte <= ref.start < site.function.end_byte
        if ref.role != "call" or not (itself or owner == struct.name) or stop_method.is_stop(name):
            continue
        view = _view(world, ref)
        if view is None or any(n.type != "return_statement" for n in flow.follows(view.node, view.function)):
            return _refusal(f"{ref.function} calls {stop.shown} and goes on")
    return None


def _again(world: World, struct: Struct, stop: Stop, start: Start, depth: int) -> str:
    """Why the code around a start may run again for the same value after its stop, ``""`` if it cannot."""
    declared = start.view.functions[-1]
    made = made_here(start)
    if made is not None:
        return f"{declared.name} calls {stop.method.name} before that" if _stopped_since(start, stop, made) else ""
    if start.variable is None or start.variable.kind != "receiver":
        return f"{declared.name or 'a function'} starts it for a {struct.name} that it did not make"
    if _once(start, struct):
        return ""
    named = world.facts.object(declared.object)
    if named is None or depth == 0:
        return f"{declared.name} may be called again"
    found = world.facts.everywhere(named.id)
    if struct.exported and world.is_api(named) and not world.exported:
        return f"other modules may call {struct.name}.{named.name} again after {stop.method.name}"
    if found.iface:
        return f"{struct.name}.{named.name} may be called through {found.iface}, again after {stop.method.name}"
    for ref in found.refs:
        if ref.role == "declare":
            continue
        view = _view(world, ref)
        where = world.where(ref.path, ref.start)
        if view is None or ref.role not in ("call", "go-call"):
            return f"{where} uses {struct.name}.{named.name} as a value"
        why = _again(world, struct, stop, at(view, ref), depth - 1)
        if why:
            return (
                f"{where} may call {struct.name}.{named.name} again after {stop.method.name} ({why})"
                if depth == _DEPTH
                else why
            )
    return ""


def at(view: View, ref: Ref) -> Start:
    """A start from the reference to the method: ``p`` of ``p.start()``."""
    base = view.source.data[ref.outer_start : ref.start].decode("utf-8", "replace").strip().rstrip(".").strip()
    first = next((r for r in view.refs if r.start == ref.outer_start and r.role == "base"), None)
    plain = first is not None and first.name == base
    return Start(view, base, view.facts.object(first.object) if first is not None and plain else None)


def made_here(start: Start) -> Node | None:
    """The statement by which the function around a start makes the value, or has it made, each time before it starts it."""
    view = start.view
    before = flow.dominating(view.node, view.function)
    outer: Node | None = view.function
    while outer is not None and outer != view.outermost:
        around = flow.enclosing_function(outer) or view.outermost
        before = [*flow.dominating(outer, around), *before]
        outer = around
    for statement in reversed(before):
        assigns = statement.type in ("short_var_declaration", "assignment_statement", "var_declaration")
        if assigns and _makes(view, statement, start.base):
            return statement
    return None


def _stopped_since(start: Start, stop: Stop, made: Node) -> bool:
    """Whether the same function may call the stop before the start; what it defers, and what its literals do, comes later."""
    view = start.view
    loops = [n for n in flow.loops_around(view.node) if not flow.contains(n, made)]
    reached = max([view.node.start_byte, *(n.end_byte for n in loops)])
    stops = (r for r in view.refs_of(stop.method.id) if r.role == "call" and r.literals == view.literals)
    return any(made.end_byte <= r.start < reached for r in stops)


def _makes(view: View, statement: Node, base: str) -> bool:
    """``p := &T{...}``, ``p := T{...}``, ``p, err := NewT(...)``, ``s.p = newT()``."""
    made = rf"(?:var\s+)?{re.escape(base)}\s*(?:,\s*\w+\s*)?:?=\s*(?:&|(?:\w+\.)?(\w+)([({{]))"
    found = re.match(made, view.text(statement)) if base else None
    if found is None:
        return False
    called = found[1] if found[2] == "(" else ""
    return not called or names.first_word(called) in ("new", "make", "must", "create", "open")


def _once(start: Start, struct: Struct) -> bool:
    """Whether the start is behind a ``sync.Once`` of the value, or a flag of it that is set and never taken back."""
    view = start.view
    for call in view.calls:
        if call.name == "(*sync.Once).Do" and call.start < view.node.start_byte and view.node.end_byte <= call.end:
            held = view.facts.object(call.holder)
            return held is not None and held.kind == "field" and not _reset(view, held)
    for statement in flow.dominating(view.node, view.function):
        then = statement.child_by_field_name("consequence") if statement.type == "if_statement" else None
        if then is None or not flow.ends_function(then):
            continue
        for ref in view.refs_in(statement):
            flag = view.facts.object(ref.object)
            own = flag is not None and flag.type == "bool" and any(f.id == flag.id for f in struct.fields)
            if flag is not None and own and _set_for_good(view, flag, start):
                return True
    return False


def _reset(view: View, once: Object) -> bool:
    return any(u.role in ("assign", "address") for u in view.facts.uses(once.id))


def _set_for_good(view: View, flag: Object, start: Start) -> bool:
    """``if p.started { return }`` and ``p.started = true``, the only value it is ever given."""
    sets = [u for u in view.facts.uses(flag.id) if u.role in ("assign", "address", "update", "key")]
    here = [u for u in sets if u.path == view.path and u.function == view.functions[-1].name]
    texts = {_value(start, u) for u in sets}
    return bool(here) and texts == {b"true"}


def _value(start: Start, use: Ref) -> bytes:
    if use.path != start.view.path or use.value_start < 0:
        return b"?"
    return start.view.source.data[use.value_start : use.value_end]


def _view(world: World, ref: Ref) -> View | None:
    source = world.source(ref.path)
    return View.around(source, world.facts, source.node_at(ref.outer_start, ref.outer_end), world.language(ref.path))
