"""Which code runs when a piece of code runs: the module's own functions that it calls, as far as calls can be seen."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Call, Object
from gocodemod.golang.source import Source
from gocodemod.transform import Context

# A piece of code that reaches more functions than this is not looked through to its end.
_LIMIT = 300


@dataclass(frozen=True)
class Body:
    """Code that runs: ``view.node`` is the block (or the piece asked about), ``name`` the function (``T.Method``), ``""``
    for the piece itself and for literals; ``path``: the names of the functions called on the way, outermost first.
    """

    view: View
    name: str
    path: tuple[str, ...]

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that run with it (:attr:`View.running`)."""
        return self.view.running


@dataclass(frozen=True)
class Edge:
    """A call from one body to another, both by their index. ``callee`` is -1 where the call leads out of sight."""

    caller: int
    call: Call
    callee: int


@dataclass(frozen=True)
class Reach:
    """``bodies``: the piece itself first. ``unknown``: names of calls that lead out of sight (interface methods, function
    values, other modules), each once, in the order met. ``complete``: the search did not stop at its limit. ``edges``:
    every call that was looked at.
    """

    bodies: tuple[Body, ...]
    unknown: tuple[str, ...]
    complete: bool
    edges: tuple[Edge, ...] = ()

    @property
    def unseen(self) -> tuple[Edge, ...]:
        return tuple(e for e in self.edges if e.callee < 0)

    def calls_of(self, callee: int) -> tuple[Edge, ...]:
        return tuple(e for e in self.edges if e.callee == callee)

    @functools.cached_property
    def recursive(self) -> str:
        """Name of a function that may come to call itself, ``""`` if none does."""
        after = {i: {e.callee for e in self.edges if e.caller == i and e.callee >= 0} for i in range(len(self.bodies))}
        for index, body in enumerate(self.bodies):
            seen: set[int] = set()
            queue = list(after[index])
            while queue:
                current = queue.pop()
                if current == index:
                    return body.name or "the function"
                if current not in seen:
                    seen.add(current)
                    queue.extend(after[current])
        return ""


def reach(context: Context, view: View, node: Node) -> Reach:
    """What runs when ``node`` (a piece of the function that ``view`` shows) runs."""
    first = Body(View(view.source, view.facts, node, view.function, view.outermost, view.language), "", ())
    found = [first]
    seen = {(view.path, node.start_byte): 0}
    unknown: dict[str, None] = {}
    edges: list[Edge] = []
    current = 0
    while current < len(found) < _LIMIT:
        body = found[current]
        for call in body.calls:
            if call.kind in ("builtin", "literal"):
                continue  # a literal that is called in place is part of the body
            called = _called(context, body, call)
            if called is None:
                unknown.setdefault(call.name or text_of(body.view, call))
                edges.append(Edge(current, call, -1))
            elif (key := (called.view.path, called.view.node.start_byte)) in seen or not _within(body, called):
                if key not in seen:
                    seen[key] = len(found)
                    found.append(called)
                edges.append(Edge(current, call, seen[key]))
        current += 1
    return Reach(tuple(found), tuple(unknown), current == len(found), tuple(edges))


def started_too(context: Context, view: View, node: Node) -> Iterator[Body]:
    """What runs when the node runs, and in the goroutines that are started then, and so on; the piece itself first."""
    found: set[tuple[str, int]] = set()
    queue = [(view, node)]
    while queue and len(found) < _LIMIT:
        around, piece = queue.pop(0)
        for body in reach(context, around, piece).bodies:
            if (key := (body.view.path, body.view.node.start_byte)) in found:
                continue
            found.add(key)
            yield body
            starts = (n for n in flow.everything(body.view.node) if n.type == "go_statement")
            queue += [(body.view, call) for n in starts for call in n.named_children if call.type == "call_expression"]


def _within(body: Body, called: Body) -> bool:
    """Whether the callee is a literal that is part of the body already."""
    return body.view.path == called.view.path and flow.contains(body.view.node, called.view.node)


def _called(context: Context, body: Body, call: Call) -> Body | None:
    """The body of what is called, None where it cannot be seen."""
    if call.kind == "value":
        literal = literal_of(body.view, call.object)
        block = flow.body(literal) if literal is not None else None
        if literal is None or block is None:
            return None
        inner = View(body.view.source, body.view.facts, block, literal, body.view.outermost, body.view.language)
        return Body(inner, "", _path(body))
    if call.kind not in ("function", "method") or not call.object:
        return None
    return declared(context, body.view, call.object, _path(body))


def _path(caller: Body) -> tuple[str, ...]:
    return (*caller.path, caller.name) if caller.name else caller.path


def declared(context: Context, view: View, function: str, path: tuple[str, ...] = ()) -> Body | None:
    """The body of a declared function, by its object's id; None where it is not the module's, or has no body."""
    known = context.facts.object(function)
    if known is None or known.start < 0 or known.kind == "interface-method":
        return None
    try:
        source = view.source if known.path == view.path else context.source(known.path)
    except (TypesUnavailable, OSError):
        return None
    # The source is another one where the file is looked at as a fix would have it; held, so that its id stays its own.
    key = ("body", function, id(source), context.language)
    if key not in context.facts.derived:
        context.facts.derived[key] = source, _body(context, source, known)
    found: tuple[View, str] | None = context.facts.derived[key][1]
    return Body(found[0], found[1], path) if found is not None else None


def _body(context: Context, source: Source, function: Object) -> tuple[View, str] | None:
    try:
        around = context.facts.functions(source.path, function.start)
    except TypesUnavailable:
        return None
    if not around or around[-1].body_start < 0:
        return None
    block = source.node_at(around[-1].body_start, around[-1].body_end)
    inner = View.around(source, context.facts, block, context.language)
    return (inner, around[-1].name) if inner is not None else None


def literal_of(view: View, variable: str) -> Node | None:
    """The function literal that a local variable of this function holds; None where it may hold another value."""
    known = view.facts.object(variable) if variable else None
    if known is None or known.scope != "function" or known.kind != "var":
        return None
    writes = [r for r in view.refs_of(variable) if r.role in ("define", "assign", "address", "update")]
    values = [(r.value_start, r.value_end) for r in writes if r.value_start >= 0]
    if len(values) != 1 or any(r.role == "address" for r in writes):
        return None
    node = view.source.node_at(*values[0])
    return node if node.type == "func_literal" else None


def text_of(view: View, call: Call) -> str:
    """What is called, as it is written, on one line."""
    text = view.source.data[call.start : call.end].decode("utf-8", "replace")
    return " ".join(text.split("(", 1)[0].split()) or "a function"
