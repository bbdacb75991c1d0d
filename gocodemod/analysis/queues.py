"""A queue made of a mutex, a condition variable and a slice: is it nothing but a channel without a bound?

It is if three fields of one struct are used by two pieces of code and by nothing else: one that takes the lock, appends,
gives the lock back and signals; one that takes the lock, waits while the slice is empty, cuts off its first element and
gives the lock back. And a channel has a bound: whoever adds must not be the one that others wait for when it is full.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import blocking, configurations, deferring, flow, holding, loops, reach, starting
from gocodemod.analysis.reach import Body
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Object, Ref
from gocodemod.model import Level, Refusal
from gocodemod.transform import Context

WIDER = "queue-does-more"
_LOCKS = frozenset({"sync.Mutex", "sync.RWMutex"})
_CONDITIONS = frozenset({"sync.Cond", "*sync.Cond"})
# Calls that may lead back to whoever adds elements, without being seen.
_OUT_OF_SIGHT = frozenset({"value", "interface-method", "unknown"})


@dataclass(frozen=True)
class Run:
    """Statements of one list that work on the queue under its lock. ``base``: the variable before the fields' dots.

    ``first`` and ``last``: the ends of what a channel operation replaces. ``value``: what is pushed; where a popped
    element goes (``defines``: into a new variable).
    """

    view: View
    first: Node
    last: Node
    base: str
    value: Node
    defines: bool = False


@dataclass(frozen=True)
class Queue:
    """``made``: statements that make the condition variable. ``base``: the variable of the struct where it is popped."""

    lock: Object
    condition: Object
    items: Object
    base: Object
    push: Run
    pop: Run
    made: tuple[tuple[View, Node], ...]


def items_of(view: View, loop: Node) -> Object | None:
    """The slice whose length the condition of a loop around ``Wait`` looks at; None if it looks at none."""
    test = flow.condition(loop)
    for node in flow.inside(test) if test is not None else ():
        call = view.call_at(node) if node.type == "call_expression" else None
        if call is not None and call.name == "len":
            arguments = node.child_by_field_name("arguments")
            ref = view.ref_at(arguments.named_children[0]) if arguments is not None else None
            known = view.facts.object(ref.object) if ref is not None else None
            if known is not None and known.underlying.startswith("[]"):
                return known
    return None


def find(context: Context, view: View, loop: Node, items: Object) -> Queue | Refusal:
    """The queue that the loop waits for, or why it is more than a channel."""
    if items.kind != "field" or items.exported:
        return _wider(f"{items.name} is no unexported field")
    pop = _pop(view, loop, items)
    if isinstance(pop, str):
        return _wider(pop)
    if other := configurations.names_elsewhere(view, items.name):
        return Refusal(
            "other-build-config", f"{os.path.basename(other)} holds the name {items.name}", level=Level.REPORT
        )
    lock, condition = (_field(view, node) for node in (pop.first, flow.statements(_body(loop))[0]))
    base = _base(view, loop, pop)
    if (
        lock is None
        or condition is None
        or base is None
        or lock.type not in _LOCKS
        or condition.type not in _CONDITIONS
    ):
        return _wider("the lock, the condition and the slice are not fields of one variable's struct")
    push: Run | None = None
    for ref in view.facts.uses(items.id):
        if ref.role == "declare" or _in(ref, pop):
            continue
        there = around(context, view, ref)
        found = _push(there, ref, items, lock, condition) if there is not None else "it is used outside of functions"
        if isinstance(found, str):
            return _wider(found)
        if push is not None and (push.view.path, push.first.start_byte) != (found.view.path, found.first.start_byte):
            return _wider(f"{items.name} is added to in several places")
        push = found
    if push is None:
        return _wider(f"nothing is added to {items.name}")
    made = _made(context, view, (lock, condition), (push, pop))
    if isinstance(made, str):
        return _wider(made)
    return Queue(lock, condition, items, base, push, pop, made)


def _wider(why: str) -> Refusal:
    return Refusal(WIDER, why, level=Level.REPORT)


def _body(loop: Node) -> Node:
    found = flow.body(loop)
    assert found is not None, "a for statement has a body"
    return found


def around(context: Context, view: View, ref: Ref) -> View | None:
    """The function around a reference, at the statement that holds it; None at package level."""
    try:
        source = view.source if ref.path == view.path else context.source(ref.path)
    except (OSError, TypesUnavailable):
        return None
    return View.around(source, view.facts, flow.statement(source.node_at(ref.start, ref.end)), view.language)


# --- the two pieces of code -----------------------------------------------------------------------------------------


def _pop(view: View, loop: Node, items: Object) -> Run | str:
    """The statements around the loop that wait for an element and take it, or why they are others."""
    test = flow.condition(loop)
    path = _len_is_zero(view, test) if test is not None else None
    if path is None or flow.label(loop) is not None:
        return f"the wait is for more than an element in {items.name}"
    before, after = flow.siblings(loop)
    section = _section(view, before, path)
    if section is None:
        return "the lock is not taken right before the wait"
    first, mutex, deferred = section
    if len(after) < 2 or view.text(after[1]).split() != f"{path} = {path}[1:]".split():
        return f"what follows the wait is not the removal of the first element of {items.name}"
    taken = after[0]
    left, right = taken.child_by_field_name("left"), taken.child_by_field_name("right")
    plain = taken.type in ("short_var_declaration", "assignment_statement") and left is not None and right is not None
    if not plain or left is None or right is None or len(left.named_children) != 1 or view.text(right) != f"{path}[0]":
        return f"what follows the wait is not the removal of the first element of {items.name}"
    last = _last(view, after[1:], mutex, None, deferred)
    if last is None:
        return "the lock is held for more than the removal of an element"
    return Run(view, first, last, path.rpartition(".")[0], left.named_children[0], taken.type != "assignment_statement")


def _len_is_zero(view: View, test: Node) -> str | None:
    """The slice of ``len(q.items) == 0``, as written."""
    text = "".join(view.text(test).split())
    inner = text.removeprefix("len(").removesuffix(")==0").removesuffix(")<1")
    plain = text.startswith("len(") and text != inner and text in (f"len({inner})==0", f"len({inner})<1")
    return inner if plain and all(part.isidentifier() for part in inner.split(".")) and inner.count(".") == 1 else None


def _section(view: View, before: list[Node], path: str) -> tuple[Node, str, bool] | None:
    """The statement that takes the lock right before, the lock as written, and whether giving it back is deferred."""
    if not before:
        return None
    text = view.text(before[-1])
    base = path.rpartition(".")[0]
    if text.endswith(".Lock()") and text.startswith(f"{base}."):
        return before[-1], text.removesuffix(".Lock()"), False
    if len(before) < 2 or not text.startswith("defer ") or not text.endswith(".Unlock()"):
        return None
    mutex = text.removeprefix("defer ").strip().removesuffix(".Unlock()")
    taken = view.text(before[-2]) == f"{mutex}.Lock()" and mutex.startswith(f"{base}.")
    return (before[-2], mutex, True) if taken else None


def _last(view: View, done: list[Node], mutex: str, condition: str | None, deferred: bool) -> Node | None:
    """The last statement of a section: behind ``done[0]`` come at most the giving back of the lock and a signal.

    Where the giving back is deferred, all that may follow is a return that does nothing.
    """
    wanted = {f"{mutex}.Unlock()"} if not deferred else set()
    signals = {f"{condition}.Signal()", f"{condition}.Broadcast()"} if condition is not None else set()
    last, signalled = done[0], condition is None
    for statement in done[1:]:
        text = view.text(statement)
        if text in signals and not signalled:
            signalled, last = True, statement
        elif text in wanted:
            wanted.discard(text)
            last = statement
        else:
            break
    rest = done[done.index(last) + 1 :]
    if wanted or not signalled:
        return None
    if not deferred:
        return last
    body = flow.body(view.function)
    ends = body is not None and done[0] in flow.statements(body)
    quiet = not rest or (len(rest) == 1 and rest[0].type == "return_statement" and not view.calls_in(rest[0]))
    return last if ends and quiet else None


def _push(there: View, ref: Ref, items: Object, lock: Object, condition: Object) -> Run | str:
    """The statements around a reference that add one element, or why they are others."""
    statement, where = there.node, f"line {there.line(ref.start)} does more with {items.name} than to add or take one"
    left, right = statement.child_by_field_name("left"), statement.child_by_field_name("right")
    if statement.type != "assignment_statement" or left is None or right is None or len(right.named_children) != 1:
        return where
    path, call = there.text(left), right.named_children[0]
    arguments = call.child_by_field_name("arguments") if call.type == "call_expression" else None
    made = there.call_at(call)
    given = [a for a in arguments.named_children if a.type != "comment"] if arguments is not None else []
    appends = made is not None and made.name == "append" and made.kind == "builtin" and len(given) == 2
    if not appends or path.count(".") != 1 or there.text(given[0]) != path or "..." in there.text(call):
        return where
    if items.id in (r.object for r in there.refs_in(given[1])):
        return where
    if shared := _under_lock(there, given[1]):
        return f"what line {there.line(ref.start)} adds is made of {shared} while the lock is held"
    before, after = flow.siblings(statement)
    section = _section(there, before, path)
    base = path.rpartition(".")[0]
    if section is None or section[1] != f"{base}.{lock.name}":
        return f"the lock is not taken right before line {there.line(statement.start_byte)}"
    last = _last(there, [statement, *after], section[1], f"{base}.{condition.name}", section[2])
    if last is None:
        return f"the lock is held for more than to add an element in line {there.line(statement.start_byte)}"
    return Run(there, section[0], last, base, given[1])


def _under_lock(there: View, value: Node) -> str:
    """What a pushed value is made of that the lock may guard, ``""`` for the function's own variables and constants."""
    call = next((c for c in there.calls_in(value) if c.kind != "builtin"), None)
    if call is not None:
        return call.name or "a call"
    for ref in there.refs_in(value):
        known = there.facts.object(ref.object) if ref.object else None
        if known is None or (known.kind in ("field", "var") and known.scope != "function" and ref.role != "key"):
            return ref.name
    return ""


def _field(view: View, statement: Node) -> Object | None:
    """The field whose method a statement calls: ``mu`` in ``q.mu.Lock()``."""
    call = view.call_at(statement.named_children[0]) if statement.type == "expression_statement" else None
    known = view.facts.object(call.holder) if call is not None and call.holder else None
    return known if known is not None and known.kind == "field" and not known.exported else None


def _base(view: View, loop: Node, pop: Run) -> Object | None:
    """The variable before the dots, the same for the lock, the condition and the slice."""
    wait = flow.statements(_body(loop))[0]
    ref = next((r for r in view.refs_in(wait) if r.name == pop.base), None)
    same = view.text(wait).startswith(f"{pop.base}.") and view.text(wait).count(".") == 2
    return view.facts.object(ref.object) if ref is not None and same else None


def _in(ref: Ref, run: Run) -> bool:
    return ref.path == run.view.path and run.first.start_byte <= ref.start < run.last.end_byte


def _made(
    context: Context, view: View, fields: tuple[Object, Object], runs: tuple[Run, Run]
) -> tuple[tuple[View, Node], ...] | str:
    """The statements ``q.cond = sync.NewCond(&q.mu)``, where that is all that is done to lock and condition elsewhere."""
    lock, condition = fields
    found: dict[tuple[str, int], tuple[View, Node]] = {}
    for field in fields:
        for ref in view.facts.uses(field.id):
            if ref.role == "declare" or any(_in(ref, run) for run in runs):
                continue
            there = around(context, view, ref)
            if there is None or not _makes(there, lock, condition):
                return f"{field.name} is used in another place, too"
            found[there.path, there.node.start_byte] = (there, there.node)
    return tuple(found[key] for key in sorted(found))


def _makes(there: View, lock: Object, condition: Object) -> bool:
    text = "".join(there.text(there.node).split())
    left, _, right = text.partition("=")
    base, _, name = left.partition(".")
    locked = f"&{base}.{lock.name}"
    if name == condition.name:
        calls = [c.name for c in there.calls_in(there.node)]
        return calls == ["sync.NewCond"] and right.endswith(f".NewCond({locked})")
    return name == f"{condition.name}.L" and right == locked


# --- who is waited for when the channel is full ----------------------------------------------------------------------


def full(context: Context, queue: Queue) -> Refusal | None:
    """Why a push that waits, because the channel is full, might wait for ever.

    It does not where the constructor starts the only consumer, whose loop never ends and adds nothing itself.
    """
    push = queue.push
    callers = holding.by_callers(context, push.view, push.view.functions[-1].object)
    held = [*holding.at(context, push.view, push.first.start_byte), *callers]
    others = [lock for lock in held if lock.object != queue.lock.id]
    if others:
        why = f"{others[0].text} may be held where an element is added, and be waited for by whoever takes it"
        return Refusal("pushes-under-lock", why, level=Level.REPORT)
    worker = consumer(context, queue)
    if isinstance(worker, str):
        return Refusal("consumer-unclear", worker, level=Level.REPORT)
    found = reach.reach(context, worker, worker.node)
    for body in found.bodies:
        if _adds(body, push):
            return Refusal("consumer-pushes", "whoever takes elements adds some as well", level=Level.REPORT)
        if (waits := _waits_for(context, body, queue)) is not None:
            why = f"whoever takes elements also waits at line {body.view.line(waits.start_byte)}, perhaps for who adds them"
            return Refusal("consumer-unclear", why, level=Level.REPORT)
    for edge in found.unseen:
        own = found.bodies[edge.caller].view.path == queue.pop.view.path
        if own and queue.pop.first.start_byte <= edge.call.start < queue.pop.last.end_byte:
            continue
        if edge.call.kind not in _OUT_OF_SIGHT and not blocking.quiet(edge.call.name):
            why = f"whoever takes elements calls {edge.call.name}, which may wait for who adds them"
            return Refusal("consumer-unclear", why, level=Level.REPORT)
    unseen = [e for e in found.unseen if e.call.kind in _OUT_OF_SIGHT]
    if unseen or not found.complete:
        name = reach.text_of(found.bodies[unseen[0].caller].view, unseen[0].call) if unseen else "it"
        why = f"whoever takes elements calls {name}, which cannot be looked into and may add some"
        return Refusal("consumer-pushes", why, level=Level.REPORT)
    return None


def _adds(body: Body, push: Run) -> bool:
    """Whether the code adds an element itself."""
    same = body.view.path == push.view.path
    return same and any(n.start_byte == push.first.start_byte for n in flow.runs_in(body.view.node))


def _waits_for(context: Context, body: Body, queue: Queue) -> Node | None:
    """Where whoever takes elements waits, or may: that may be for somebody who is still adding."""
    pop = queue.pop
    for node in flow.runs_in(body.view.node):
        if body.view.path == pop.view.path and pop.first.start_byte <= node.start_byte < pop.last.end_byte:
            continue
        call = body.view.call_at(node) if node.type == "call_expression" else None
        named = call is not None and call.name.endswith(".Wait")
        if named or node.type in ("send_statement", "select_statement") or flow.receives(node):
            return node
        if node.type == "for_statement" and loops.of(context, body.view, node) != loops.Answer():
            return node
    return None


def consumer(context: Context, queue: Queue) -> View | str:
    """The endless loop that takes the elements (``view.node``), or why it may not run all the time."""
    view, place = queue.pop.view, queue.pop.first
    loops = flow.loops_around(place)
    if not loops:
        uses = [u for u in view.facts.uses(view.functions[-1].object) if u.role != "declare"]
        there = around(context, view, uses[0]) if len(uses) == 1 and uses[0].role == "call" else None
        if there is None or view.function != view.outermost:
            return f"{view.functions[-1].name} is called in several places, or by nobody that can be seen"
        view, place = there, there.node
        loops = flow.loops_around(place)
    body = flow.body(view.function)
    inner = flow.statements(body) if body is not None else []
    if len(loops) != 1 or not flow.is_endless(loops[0]) or flow.exits(loops[0]) or inner[-1:] != [loops[0]]:
        return "whoever takes elements does not go on for ever, and nobody would make room for others"
    if any(deferring.recovers(context, view, d) for d in deferring.statements(view.function)):
        return "whoever takes elements ends with a panic that is recovered, and nobody would make room for others"
    block = flow.body(loops[0])
    assert block is not None, "a for statement has a body"
    return _started(context, queue, view) or view.at(block)


def _started(context: Context, queue: Queue, view: View) -> str:
    """Why the consumer may not run when the first element is added: it has to be started where the struct is made."""
    function = next((f for f in view.functions if f.start == view.function.start_byte), None)
    if function is None:
        return "it is not known who takes elements"
    late = "whoever takes elements is not started where the queue is made: nobody may make room for the first ones"
    if function.kind == "literal":
        starts = [starting.of_literal(view, view.function)] if function.started == "go" else []
    else:
        starts = list(starting.of_declared(context, view, function))
    if len(starts) != 1 or (start := starts[0]) is None:
        return late
    body = flow.body(start.view.function)
    if body is None or start.statement not in flow.statements(body) or start.view.function != start.view.outermost:
        return late
    before = [s for s in flow.statements(body) if s.end_byte <= start.statement.start_byte]
    if any(_adds(b, queue.push) for s in before for b in reach.reach(context, start.view, s).bodies):
        return "elements are added before whoever takes them is started"
    made = [m for m in view.facts.constructions(queue.items.id).made if m.kind != "test"]
    here = [m for m in made if m.path == start.view.path and body.start_byte <= m.start < start.statement.start_byte]
    return "" if len(made) == len(here) == 1 else late
