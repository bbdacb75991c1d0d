"""Which code runs when a piece of code runs: the module's own functions that it calls, as far as calls can be seen."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Call
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
        """The calls that run with it: not those of goroutines that it starts, and not the ``go`` calls themselves."""
        apart = [n for n in flow.everything(self.view.node) if n.type == "go_statement"]
        return tuple(c for c in self.view.calls_in(self.view.node) if not any(_in(c, n) for n in apart))


@dataclass(frozen=True)
class Reach:
    """``bodies``: the piece itself first. ``unknown``: names of calls that lead out of sight (interface methods, function
    values, other modules), each once, in the order met. ``complete``: the search did not stop at its limit.
    """

    bodies: tuple[Body, ...]
    unknown: tuple[str, ...]
    complete: bool


def reach(context: Context, view: View, node: Node) -> Reach:
    """What runs when ``node`` (a piece of the function that ``view`` shows) runs."""
    first = Body(View(view.source, view.facts, node, view.function, view.outermost, view.language), "", ())
    found, queue = [first], [first]
    seen = {(view.path, node.start_byte)}
    unknown: dict[str, None] = {}
    while queue and len(found) < _LIMIT:
        body = queue.pop(0)
        for call in body.calls:
            if call.kind in ("builtin", "literal"):
                continue  # a literal that is called in place is part of the body
            called = _called(context, body, call)
            if called is None:
                unknown.setdefault(call.name or _text(body.view, call))
            elif (key := (called.view.path, called.view.node.start_byte)) not in seen and not _within(body, called):
                seen.add(key)
                found.append(called)
                queue.append(called)
    return Reach(tuple(found), tuple(unknown), not queue)


def started_too(context: Context, view: View, node: Node) -> tuple[Body, ...]:
    """What runs when the node runs, and in the goroutines that are started then, and so on; the piece itself first."""
    found: dict[tuple[str, int], Body] = {}
    queue = [(view, node)]
    while queue and len(found) < _LIMIT:
        around, piece = queue.pop(0)
        for body in reach(context, around, piece).bodies:
            if (key := (body.view.path, body.view.node.start_byte)) in found:
                continue
            found[key] = body
            starts = (n for n in flow.everything(body.view.node) if n.type == "go_statement")
            queue += [(body.view, call) for n in starts for call in n.named_children if call.type == "call_expression"]
    return tuple(found.values())


def _in(call: Call, node: Node) -> bool:
    return node.start_byte <= call.start and call.end <= node.end_byte


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
        around = context.facts.functions(known.path, known.start)
        if not around or around[-1].body_start < 0:
            return None
        source = view.source if known.path == view.path else context.source(known.path)
    except (TypesUnavailable, OSError):
        return None
    block = source.node_at(around[-1].body_start, around[-1].body_end)
    inner = View.around(source, context.facts, block, context.language)
    return Body(inner, around[-1].name, path) if inner is not None else None


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


def _text(view: View, call: Call) -> str:
    """What is called, as it is written, on one line."""
    text = view.source.data[call.start : call.end].decode("utf-8", "replace")
    return " ".join(text.split("(", 1)[0].split()) or "a function"
