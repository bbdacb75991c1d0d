"""A type that ends what it started, by Close, Stop or Shutdown, but has nothing by which its goroutine could hear of it.

It gets a channel that every composite literal makes and that the method closes, once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gocodemod.analysis import captures, construction, goroutines, layout
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Instances, Object, Ref, Struct
from gocodemod.model import Refusal
from gocodemod.thread import instances, restarts, stop_method
from gocodemod.thread.plan import Draft, Plan, World
from gocodemod.thread.restarts import Start
from gocodemod.thread.stop_method import Stop

# What the channel is called, if the type has no such name yet: each says stop (analysis/names.py).
_NAMES = ("done", "quit", "stopping")


@dataclass(frozen=True)
class _Goroutine:
    """``owner``: the variable by which the site's code names the value. ``starts``: where it is started, all of them.

    ``shown``: ``(*Poller).loop``. ``told``: ids of the groups and channels by which it tells of its end.
    """

    owner: Object
    struct: Struct
    starts: list[Start]
    shown: str
    told: frozenset[str]


def plan(world: World, view: View) -> Plan | Refusal | None:
    """How the type's own end gets to the goroutine that ``view`` shows; None if no type with such a method starts it."""
    found = _goroutine(world, view)
    if found is None:
        return None
    stop = stop_method.find(world, view, found.struct)
    if stop is None or isinstance(stop, Refusal):
        return stop
    refused = stop_method.problem(stop, found.told) or _never_called(world, stop)
    if refused is not None:
        return refused
    values = world.facts.instances(found.struct.object)
    refused = (
        instances.problem(world, found.struct, values)
        or restarts.problem(world, view, found.struct, stop, found.starts)
        or _editable(world, found.struct, values, stop)
    )
    return refused if refused is not None else _plan(world, found, stop, values)


# --- the goroutine and its type ---------------------------------------------------------------------------------


def _goroutine(world: World, view: View) -> _Goroutine | None:
    function, declared = view.functions[0], view.functions[-1]
    if function.kind == "literal":
        if not goroutines.starts_goroutine(function):
            return None
        owner = _captured(view)
        around = View.around(view.source, view.facts, view.function, view.language)
        starts = [Start(around, owner.name, owner)] if owner is not None and around is not None else []
        shown = f"a goroutine of {declared.name}"
    else:
        owner = _receiver(view)
        starts = _starts(world, view) if owner is not None else []
        shown = declared.name
        if owner is not None:
            held, _, name = declared.name.rpartition(".")
            shown = f"(*{held}).{name}"
    struct = world.facts.structure(owner.id) if owner is not None and owner.type.startswith("*") else None
    if owner is None or struct is None or not starts:
        return None
    pieces = [view.refs_in(view.function), *(s.view.refs_in(s.view.function) for s in starts if s.view.literals)]
    groups = {s.group for s in starts if s.group}
    return _Goroutine(owner, struct, starts, shown, _told(r for refs in pieces for r in refs) | groups)


def _told(refs: Iterable[Ref]) -> frozenset[str]:
    return frozenset(r.object for r in refs if r.selected in ("Done", "Go") or r.role in ("close", "send"))


def _receiver(view: View) -> Object | None:
    parameters = view.outermost.child_by_field_name("receiver")
    declared = parameters.named_children[0] if parameters is not None and parameters.named_children else None
    name = declared.child_by_field_name("name") if declared is not None else None
    ref = view.ref_at(name) if name is not None else None
    return view.facts.object(ref.object) if ref is not None and ref.object else None


def _captured(view: View) -> Object | None:
    """What a literal works with: a value that its starter makes and returns, else the starter's receiver."""
    found = [o for v in captures.captured(view, view.function) if (o := view.facts.object(v)) is not None]
    made = next((o for o in found if construction.builds(view, o)), None)
    return made or next((o for o in found if o.kind == "receiver"), None)


def _starts(world: World, view: View) -> list[Start]:
    """Where a method is started by ``go``, or called in a goroutine's literal; [] if anything else is done with it."""
    method = view.functions[-1].object
    # Its own package first, which is known: most methods are called there by what is no goroutine.
    if _all_started(world, world.facts.uses(method)) is None:
        return []
    return _all_started(world, world.facts.everywhere(method).refs) or []


def _all_started(world: World, refs: Iterable[Ref]) -> list[Start] | None:
    """The starts that these uses are, None if one of them is something else."""
    found: list[Start] = []
    for ref in refs:
        if ref.role == "declare":
            continue
        source = world.source(ref.path)
        node = source.node_at(ref.outer_start, ref.outer_end)
        there = View.around(source, world.facts, node, world.language(ref.path))
        if there is None:
            return None
        inner = there.functions[0]
        apart = ref.role == "call" and inner.kind == "literal" and goroutines.starts_goroutine(inner)
        handed = goroutines.started_with(world.facts, ref)
        if ref.role != "go-call" and not apart and handed is None:
            return None
        start = restarts.at(there, ref)
        found.append(replace(start, group=handed.holder) if handed is not None else start)
    return found


# --- guards -----------------------------------------------------------------------------------------------------


def _never_called(world: World, stop: Stop) -> Refusal | None:
    found = world.facts.everywhere(stop.method.id)
    used = any(r.role != "declare" for r in found.refs)
    if used or found.iface or world.is_api(stop.method):
        return None
    return Refusal("never-fires", f"nothing calls {stop.shown}")


def _editable(world: World, struct: Struct, values: Instances, stop: Stop) -> Refusal | None:
    paths = dict.fromkeys([struct.path, stop.view.path, *(m.path for m in values.literals)])
    refused = next((r for p in paths if (r := world.editable(p)) is not None), None)
    if refused is not None:
        return refused
    sync = layout.import_name(world.source(struct.path), "sync")
    known = world.facts.lookup(struct.path, struct.start, sync)
    if known is not None and (known.kind != "package" or known.package != "sync"):
        return Refusal("import-name-taken", f"{sync} means something else in {os.path.basename(struct.path)}")
    return None


# --- the plan ---------------------------------------------------------------------------------------------------


def _plan(world: World, found: _Goroutine, stop: Stop, values: Instances) -> Plan | Refusal:
    struct, draft = found.struct, Draft()
    done = _fresh(struct)
    once = f"{done}Once"
    sync = layout.import_name(world.source(struct.path), "sync")
    fields = [f"{done} chan struct{{}} // closed by {stop.method.name}", f"{once} {sync}.Once"]
    draft.add(struct.path, instances.add_fields(world, struct, fields), "sync")
    for literal in values.literals:
        draft.add(literal.path, instances.set_field(world, literal, f"{done}: make(chan struct{{}})"))
    closing = f"{stop.receiver}.{once}.Do(func() {{ close({stop.receiver}.{done}) }})"
    guard = stop_method.nil_guard(stop)
    first = instances.first_statement(world, stop.view.path, stop.view.node, guard, closing)
    if first is None:
        return Refusal("stop-method-unclear", f"{stop.shown} has no line of its own for the first statement")
    draft.add(stop.view.path, first)
    return Plan(draft.changes(), (f"{stop.shown} closes {done}", found.shown))


def _fresh(struct: Struct) -> str:
    number = 1
    while True:
        for name in _NAMES:
            wanted = name if number == 1 else f"{name}{number}"
            if wanted not in struct.taken and f"{wanted}Once" not in struct.taken:
                return wanted
        number += 1
