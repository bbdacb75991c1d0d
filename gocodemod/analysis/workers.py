"""What runs beside a function and uses a channel or a WaitGroup of it: who sends, who closes, how often.

Uses are followed into literals and into functions of the module that are handed the variable. What leads out of sight
is said, not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tree_sitter import Node

from gocodemod.analysis import flow, goroutines, reach
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Function, Object, Ref
from gocodemod.transform import Context

# Functions that are handed the variable by one that was handed it, and so on: more than this is not followed.
_DEPTH = 4
_MEASURES = frozenset({"len", "cap"})


@dataclass(frozen=True)
class Worker:
    """Code that runs beside the function, seen in the function that starts it (``starter``).

    ``start``: the statement that starts it. ``view.node``: its block, ``view.function``: the literal or declaration.
    ``literal``: the function literal in the starter, if it is one. ``callee``: what the literal is handed to.
    """

    starter: View
    start: Node
    view: View
    literal: Node | None
    callee: str = ""

    @property
    def pieces(self) -> tuple[View, ...]:
        """The views of its block and of the function literals that it calls by the name of a variable."""
        found = [self.view]
        for view in found:
            for ref in view.refs_in(view.node):
                literal = reach.literal_of(view, ref.object)
                block = flow.body(literal) if literal is not None else None
                if literal is not None and block is not None and not any(flow.contains(v.node, block) for v in found):
                    found.append(inside(view, literal))
        return tuple(found)

    @property
    def line(self) -> int:
        return self.starter.line(self.start.start_byte)

    def loop(self, made: int) -> Node | None:
        """The outermost loop around the start that does not hold the place where the variable was made."""
        around = flow.loops_around(self.start)
        return next((n for n in reversed(around) if not n.start_byte <= made < n.end_byte), None)


@dataclass(frozen=True)
class Use:
    """One use of the variable. ``node``: the identifier, in ``view``; ``role`` as in :class:`Ref`.

    ``worker`` is None for the function itself, its deferred calls included. ``often``: it may happen several times each
    time that the worker runs, or nobody knows how often.
    """

    role: str
    ref: Ref
    node: Node
    view: View
    worker: Worker | None
    often: bool = False


@dataclass
class _Tracing:
    context: Context
    found: list[Use] = field(default_factory=list)
    unseen: dict[str, None] = field(default_factory=dict)
    workers: dict[tuple[str, int, int], Worker] = field(default_factory=dict)
    seen: set[tuple[str, int]] = field(default_factory=set)


def uses(context: Context, view: View, variable: Object) -> tuple[tuple[Use, ...], tuple[str, ...]]:
    """Every use of a local variable of the function of ``view``, and what takes it out of sight, as written."""
    tracing = _Tracing(context)
    _trace(tracing, view, variable.id, None, 0)
    return tuple(tracing.found), tuple(tracing.unseen)


def workers_of(found: tuple[Use, ...]) -> tuple[Worker, ...]:
    """Each once, in the order met."""
    return tuple(dict.fromkeys(u.worker for u in found if u.worker is not None))


def _trace(tracing: _Tracing, view: View, variable: str, worker: Worker | None, depth: int) -> None:
    """The uses of a variable or parameter of the function that ``view`` shows."""
    for ref in view.refs_of(variable):
        if ref.role == "declare":
            continue
        inner = _inner(view, ref)
        placed, often = _placed(tracing, view, inner, worker)
        node = view.source.node_at(ref.start, ref.end)
        if isinstance(placed, _Unknown):
            if worker is None:
                tracing.unseen.setdefault(inner[0].callee or "a function literal that is kept")
                continue
            placed, often = worker, True
        if ref.role in ("argument", "address"):
            _argument(tracing, view, ref, placed, often, depth)
        else:
            tracing.found.append(Use(ref.role, ref, node, view, placed, often))


class _Unknown:
    """A literal of which nobody knows when, and how often, it runs."""


_UNKNOWN = _Unknown()


def _inner(view: View, ref: Ref) -> list[Function]:
    """The literals between the function of ``view`` and the reference, outermost first."""
    depth = len(view.literals)
    more = len(ref.literals) - depth
    found = view.facts.functions(view.path, ref.start)[:more] if more > 0 else ()
    return list(reversed(found))


def _placed(
    tracing: _Tracing, view: View, inner: list[Function], worker: Worker | None
) -> tuple[Worker | _Unknown | None, bool]:
    """Who runs a piece of code inside these literals, and whether that may be more than once."""
    often = False
    for function in inner:
        if function.started in ("call", "defer"):
            around = view.source.node_at(function.start, function.end)
            often = often or (worker is not None and bool(flow.loops_around(around)))
            continue
        started = _starts(view, function)
        if started is None or worker is not None:
            return _UNKNOWN, True
        worker = _worker(tracing, view, function, started)
    return worker, often


def _starts(view: View, function: Function) -> Node | None:
    """The one statement that runs the literal as a goroutine."""
    node = view.source.node_at(function.start, function.end)
    if goroutines.starts_goroutine(function):
        return flow.statement(node)
    if function.started == "assigned" and function.variable:
        if reach.literal_of(view, function.variable) != node:
            return None
        calls = [r for r in view.refs_of(function.variable) if r.role != "define"]
        if len(calls) == 1 and calls[0].role == "go-call" and calls[0].literals == view.literals:
            return flow.statement(view.source.node_at(calls[0].start, calls[0].end))
    return None


def _worker(tracing: _Tracing, view: View, function: Function, start: Node) -> Worker:
    key = (view.path, start.start_byte, function.start)
    if key not in tracing.workers:
        literal = view.source.node_at(function.start, function.end)
        tracing.workers[key] = Worker(view, start, inside(view, literal), literal, function.callee)
    return tracing.workers[key]


def inside(view: View, literal: Node) -> View:
    """The view of a literal's body."""
    block = flow.body(literal)
    assert block is not None, "a literal has a body"
    return View(view.source, view.facts, block, literal, view.outermost, view.language)


def _argument(tracing: _Tracing, view: View, ref: Ref, worker: Worker | None, often: bool, depth: int) -> None:
    """The variable is handed to a function: what that does with it."""
    call = _call_around(view, ref)
    if call is not None and call.kind == "builtin" and call.name in _MEASURES:
        tracing.found.append(Use("measure", ref, view.source.node_at(ref.start, ref.end), view, worker, often))
        return
    target = _target(tracing, view, call) if call is not None and depth < _DEPTH else None
    if call is None or target is None:
        tracing.unseen.setdefault(_text(view, call, ref))
        return
    inner_view, parameter = target[0], _parameter(view, call, ref, target[1])
    if parameter is None:
        tracing.unseen.setdefault(_text(view, call, ref))
        return
    node = view.source.node_at(call.start, call.end)
    often = often or (worker is not None and bool(flow.loops_around(node)))
    if call.statement == "go":
        if worker is not None:
            tracing.unseen.setdefault(_text(view, call, ref))
            return
        start = flow.statement(node)
        key = (view.path, start.start_byte, inner_view.function.start_byte)
        literal = inner_view.function if inner_view.path == view.path and target[1].kind == "literal" else None
        worker = tracing.workers.setdefault(key, Worker(view, start, inner_view, literal))
    mark = (parameter.id, worker.start.start_byte if worker is not None else -1)
    if mark in tracing.seen:
        # Handed to the same function twice, or by that function to itself: how often is not counted.
        tracing.unseen.setdefault(_text(view, call, ref))
        return
    tracing.seen.add(mark)
    before = len(tracing.found)
    _trace(tracing, inner_view, parameter.id, worker, depth + 1)
    later = tracing.found[before:]
    tracing.found[before:] = [replace(u, often=u.often or often) for u in later]
    if worker is None and any(u.worker is not None for u in later):
        tracing.unseen.setdefault(_text(view, call, ref))


def _call_around(view: View, ref: Ref) -> Call | None:
    """The call that the reference is an argument of."""
    around = [c for c in view.calls if c.start <= ref.start and ref.end <= c.end]
    return min(around, key=lambda c: c.end - c.start, default=None)


def _target(tracing: _Tracing, view: View, call: Call) -> tuple[View, Function] | None:
    """The body that a call runs and its function, where that can be seen."""
    if call.kind == "literal":
        node = view.source.node_at(call.start, call.end).child_by_field_name("function")
        while node is not None and node.type == "parenthesized_expression":
            node = node.named_children[0]
        if node is None or node.type != "func_literal":
            return None
        found = inside(view, node)
    elif call.kind in ("function", "method") and call.object:
        body = reach.declared(tracing.context, view, call.object)
        if body is None:
            return None
        found = body.view
    else:
        return None
    functions = found.facts.functions(found.path, found.node.start_byte + 1)
    return (found, functions[0]) if functions else None


def _parameter(view: View, call: Call, ref: Ref, function: Function) -> Object | None:
    """The parameter that an argument becomes; None for variadic ones and receivers."""
    node = view.source.node_at(call.start, call.end)
    arguments = node.child_by_field_name("arguments")
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    place = next((i for i, v in enumerate(values) if v.start_byte <= ref.start and ref.end <= v.end_byte), None)
    if place is None or place >= len(function.params) or len(values) != len(function.params):
        return None
    found = function.params[place]
    plain = flow.root(values[place]) == values[place] or values[place].type == "unary_expression"
    return found if plain and found.name not in ("", "_") and not found.type.startswith("[]") else None


def _text(view: View, call: Call | None, ref: Ref) -> str:
    if call is None:
        return ref.name
    return " ".join(view.source.data[call.start : call.end].decode("utf-8", "replace").split("(", 1)[0].split())


def once(found: Sequence[Use]) -> bool:
    """Whether at most one of these uses, all of one worker, happens each time that the worker runs."""
    functions = {f.id for u in found if (f := flow.enclosing_function(u.node)) is not None}
    if any(u.often for u in found) or len(functions) > 1:
        return False
    for use in found:
        function = flow.enclosing_function(use.node)
        followers = flow.follows(use.node, function) if function is not None else ()
        if any(flow.contains(follower, u.node) for follower in followers for u in found):
            return False
    return True


def in_select(node: Node) -> Node | None:
    """The select that waits with a send or receive of which the node is the channel, None if none does."""
    current: Node | None = node
    while current is not None and current.type not in ("statement_list", *flow.FUNCTIONS):
        parent = current.parent
        if parent is not None and parent.type == "communication_case":
            return parent.parent if parent.child_by_field_name("communication") == current else None
        current = parent
    return None
