"""Which locks may be held where somebody waits: those whose giving back is not certain by then.

The other way round than :mod:`gocodemod.analysis.locks`, which tells what is surely held. Here what is not understood
counts as held: a lock that some way leaves taken, one that a helper takes, a caller that nobody can see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

from gocodemod.analysis import blocking, flow, locks, reach
from gocodemod.analysis.locks import Lock
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Function, Ref
from gocodemod.transform import Context

# How many callers of callers are looked at.
_DEPTH = 5
_JUMPS = ("return_statement", "goto_statement", "break_statement", "continue_statement")


@dataclass(frozen=True)
class _Event:
    """A lock taken or given back by a call of the function. ``deferred``: start of the defer that makes the call, else -1."""

    lock: Lock
    takes: bool
    call: Call
    statement: Node
    deferred: int
    direct: bool

    def is_of(self, other: _Event) -> bool:
        """Whether both are about one lock: by text where both name it, else by what it is."""
        if self.direct and other.direct:
            return self.lock.text == other.lock.text
        return locks.same(self.lock, other.lock)


def at(context: Context, view: View, offset: int) -> list[Lock]:
    """Locks that the function around the site may hold at an offset in it."""
    events = list(_events(context, view))
    return _distinct(e.lock for e in events if e.takes and _held(view, e, events, offset))


def at_end(context: Context, view: View, registered: int) -> list[Lock]:
    """Locks that the function around the site may hold when a call runs that is deferred at the offset ``registered``.

    What is deferred later has run by then; what is deferred earlier is still to come.
    """
    events = list(_events(context, view))
    found = []
    for event in (e for e in events if e.takes and not _leaves_before(view, e.statement, registered)):
        given = [e.deferred for e in events if e.deferred >= 0 and not e.takes and e.is_of(event)]
        if given:
            if min(given) < registered:
                found.append(event.lock)
        elif _bracket(event, events) is None:
            found.append(event.lock)
    return _distinct(found)


def _distinct(found: Iterator[Lock] | list[Lock]) -> list[Lock]:
    return list(dict.fromkeys(found))


def _held(view: View, event: _Event, events: list[_Event], offset: int) -> bool:
    again = any(loop.start_byte <= offset < loop.end_byte for loop in flow.loops_around(event.statement))
    if event.statement.start_byte >= offset and not again:
        return False
    if _leaves_before(view, event.statement, offset):
        return False
    if any(e.deferred >= 0 and not e.takes and e.is_of(event) for e in events):
        return True
    end = _bracket(event, events)
    return end is None or event.statement.start_byte <= offset <= end.start_byte


def _leaves_before(view: View, statement: Node, offset: int) -> bool:
    """Whether the statement stands in a branch that ends the function, and the offset does not."""
    current: Node | None = statement
    while current is not None and current != view.function:
        parent = current.parent
        branch = current.type == "block" and parent is not None and parent.type not in flow.FUNCTIONS
        elsewhere = not (current.start_byte <= offset < current.end_byte)
        if (branch or current.type in flow.CASES) and elsewhere and flow.ends_function(current):
            return True
        current = parent
    return False


def _bracket(event: _Event, events: list[_Event]) -> Node | None:
    """The statement of the same list that gives the lock back, on whatever way it is come to; None if some way does not."""
    gives = {e.statement.id for e in events if not e.takes and e.deferred < 0 and e.is_of(event)}
    inside: list[Node] = [event.statement]
    for following in flow.siblings(event.statement)[1]:
        if following.id in gives and following.type == "expression_statement":
            leaks = any(_leaks(jump, inside, gives) for s in inside for jump in flow.inside(s) if jump.type in _JUMPS)
            return None if leaks else following
        inside.append(following)
    return None


def _leaks(jump: Node, inside: list[Node], gives: set[int]) -> bool:
    """Whether a jump leads out of the statements with the lock still taken."""
    target = flow.jump_target(jump) if jump.type in ("break_statement", "continue_statement") else None
    if target is not None and any(flow.contains(s, target) for s in inside):
        return False
    current = jump
    while current.parent is not None and current not in inside:
        if current.parent.type == "statement_list" and any(s.id in gives for s in flow.siblings(current)[0]):
            return False
        current = current.parent
    return True


def _events(context: Context, view: View) -> Iterator[_Event]:
    """What the function itself takes and gives back, also by a helper that does nothing else about it."""
    for call in view.calls_in(view.function):
        if call.statement == "go":
            continue
        node = view.source.node_at(call.start, call.end)
        statement, deferred = _own(view, node)
        if statement is None:
            continue
        name = call.name.rsplit(".", 1)[-1]
        if name in locks.TAKES + locks.GIVES and call.receiver_start >= 0:
            yield _Event(locks.lock_of(view, call), name in locks.TAKES, call, statement, deferred, True)
        elif call.kind in ("function", "method") and call.object:
            for lock, takes in _helps(context, view, call):
                yield _Event(lock, takes, call, statement, deferred, False)


def _own(view: View, node: Node) -> tuple[Node | None, int]:
    """The function's own statement that makes a call, and the start of its defer if it is deferred; None for others' calls."""
    function = flow.enclosing_function(node)
    if function == view.function:
        statement = flow.statement(node)
        return statement, statement.start_byte if statement.type == "defer_statement" else -1
    call = function.parent if function is not None else None
    outer = call.parent if call is not None and call.type == "call_expression" else None
    if function is None or outer is None or flow.enclosing_function(outer) != view.function:
        return None, -1
    if outer.type == "defer_statement":
        return outer, outer.start_byte
    return None, -1


def _helps(context: Context, view: View, call: Call) -> list[tuple[Lock, bool]]:
    """Locks that a function of the module leaves taken, or gives back without having taken them."""
    body = reach.declared(context, view, call.object)
    if body is None or b"ock(" not in body.view.source.text(body.view.node):
        return []
    balance: dict[str, int] = {}
    known: dict[str, Lock] = {}
    for inner in body.view.calls_in(body.view.node):
        name = inner.name.rsplit(".", 1)[-1]
        if name in locks.TAKES + locks.GIVES and inner.receiver_start >= 0 and inner.statement != "go":
            lock = locks.lock_of(body.view, inner)
            balance[lock.text] = balance.get(lock.text, 0) + (1 if name in locks.TAKES else -1)
            known[lock.text] = lock
    return [(replace(known[text], where=body.name), count > 0) for text, count in balance.items() if count != 0]


# --- around and above -------------------------------------------------------------------------------------------


def around(context: Context, view: View) -> list[Lock]:
    """Locks that may be held by whoever runs the literal that the site stands in: the function around it, or another one."""
    found: list[Lock] = []
    current: View | None = view
    while current is not None and current.function.type == "func_literal":
        literal, function = current.function, current.functions[0]
        if function.started == "go":
            break
        current = View.around(view.source, view.facts, literal, view.language)
        if current is None:
            break
        found += _of_runner(context, current, literal, function)
    return _distinct(found)


def _of_runner(context: Context, outer: View, literal: Node, function: Function) -> list[Lock]:
    if function.started == "defer":
        return at_end(context, outer, flow.statement(literal).start_byte)
    held = at(context, outer, literal.start_byte)
    if function.started == "call":
        return held
    if function.started == "argument":
        around_it = [c for c in outer.calls if c.start < literal.start_byte and literal.end_byte <= c.end]
        callee = min(around_it, key=lambda c: c.end - c.start, default=None)
        body = reach.declared(context, outer, callee.object) if callee is not None and callee.object else None
        if body is not None:
            return held + locks.taken(reach.reach(context, body.view, body.view.node))
        if callee is not None and callee.kind in ("function", "method"):
            return held  # of another module: it knows none of these locks
    return [*held, _SOME]


# Any lock: of a caller that cannot be seen.
_SOME = Lock("a lock", "", True, where="a caller that cannot be seen")


def by_callers(context: Context, view: View, function: str) -> list[Lock]:
    """Locks that may be held by callers of a declared function, callers of callers included; one package is looked at.

    A method may be called through an interface of its package, a function by whoever has it as a value.
    """
    return _distinct(_by_callers(context, view, function, {function}, _DEPTH))


def _by_callers(context: Context, view: View, function: str, seen: set[str], depth: int) -> Iterator[Lock]:
    through = [o.id for o in context.facts.implemented(function)]
    for use in (u for f in [function, *through] for u in context.facts.uses(f)):
        if use.role in ("declare", "go-call"):
            continue  # a goroutine of its own holds nothing yet
        if use.role not in ("call", "defer-call"):
            yield _SOME
            continue
        caller = _caller(context, view, use)
        if caller is None:
            continue
        name = caller.functions[-1].name
        offset = flow.statement(caller.node).start_byte
        own = at_end(context, caller, offset) if use.role == "defer-call" else at(context, caller, use.start)
        for lock in [*own, *around(context, caller)]:
            yield lock if lock == _SOME else replace(lock, where=name)
        above = caller.functions[-1].object
        if above and above not in seen and depth > 0:
            seen.add(above)
            yield from _by_callers(context, caller, above, seen, depth - 1)


def _caller(context: Context, view: View, use: Ref) -> View | None:
    source = view.source if use.path == view.path else context.source(use.path)
    found = View.around(source, context.facts, source.node_at(use.start, use.end), context.language)
    return found if found is not None and found.functions else None


def while_calling_back(context: Context, view: View, lock: Lock) -> str:
    """Name of a function that calls what others have given it (a function value, an interface method) with the lock held."""
    for use in context.facts.uses(lock.object) if lock.object else ():
        caller = _caller(context, view, use)
        if caller is None:
            continue
        for call in caller.own_calls_in(caller.function):
            if _calls_back(context, call) and any(h.object == lock.object for h in at(context, caller, call.start)):
                return caller.functions[-1].name
    return ""


def _calls_back(context: Context, call: Call) -> bool:
    """A call of a function value, other than a context's cancel, or of an interface method."""
    known = context.facts.object(call.object) if call.object else None
    if known is not None and known.type in ("context.CancelFunc", "context.CancelCauseFunc"):
        return False
    return call.kind in ("value", "interface-method", "unknown") and not blocking.quiet(call.name)
