"""Is a piece of code run by several goroutines at once, and on the same value? Only what can be seen counts.

Goroutines that a loop starts without waiting for each of them, several go statements for one function, and handlers of
HTTP requests, of which net/http runs each in a goroutine of its own: https://pkg.go.dev/net/http#Serve.
"""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import captures, flow, goroutines
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Function, Object, Ref
from gocodemod.transform import Context

# How many callers of callers are looked at.
_DEPTH = 4
_REQUEST = ("net/http.ResponseWriter", "*net/http.Request")
_STEPS = ("selector_expression", "parenthesized_expression")


def several(context: Context, view: View, root: str, depth: int = _DEPTH) -> str:
    """Which goroutines run the code at the site at once, a phrase; ``""`` where none can be seen.

    ``root``: id of the variable through which they reach what they share, ``""`` for the package's own. Where each
    goroutine has a variable of its own, nothing is shared.
    """
    known = view.facts.object(root) if root else None
    for function in view.functions:
        inner = view.source.node_at(function.start, function.end)
        if known is not None and known.scope == "package":
            known = None
        if known is not None and view.declares(inner, known) and known.kind not in ("param", "receiver"):
            return ""
        if handles_requests(function) and not _is_one_of(function, known):
            return "requests: net/http serves each in a goroutine of its own"
        if function.kind == "declaration":
            return _of_declared(context, view, function, known, depth) if depth > 0 else ""
        if known is not None and _is_one_of(function, known):
            given = captures.given(view, inner).get(known.id, "") if function.started in ("go", "call", "defer") else ""
            known = view.facts.object(given) if given else None
            if known is None:
                return ""
        if function.callee == "(*sync.Once).Do":
            return ""
        if goroutines.starts_goroutine(function) and (why := _in_loop(view, inner, known)):
            return why
        if function.started == "assigned" and (why := _of_variable(context, view, function, known, depth)):
            return why
    return ""


def handles_requests(function: Function) -> bool:
    return tuple(p.type for p in function.params) == _REQUEST


def apart(view: View) -> bool:
    """Whether a function around the site is run for itself: as a goroutine, or for a request. Nobody's lock is held there."""
    return any(handles_requests(f) or (f.kind == "literal" and goroutines.runs_alone(view, f)) for f in view.functions)


def _is_one_of(function: Function, known: Object | None) -> bool:
    return known is not None and any(p.id == known.id for p in function.params)


def _in_loop(view: View, start: Node, shared: Object | None) -> str:
    """A go statement in a loop that does not wait for it in the same round, for something from outside of the loop."""
    statement = flow.statement(start)
    for loop in flow.loops_around(statement):
        if shared is not None and view.declares(loop, shared):
            return ""
        if any(_waits(view, s) or flow.leaves(s, loop) for s in flow.after(statement, loop)):
            return ""
        return f"goroutines that line {view.line(statement.start_byte)} starts in a loop"
    return ""


def _waits(view: View, statement: Node) -> bool:
    return any(
        flow.receives(n) or (n.type == "call_expression" and view.text(n).endswith(".Wait()"))
        for n in flow.inside(statement)
    )


def _of_variable(context: Context, view: View, function: Function, known: Object | None, depth: int) -> str:
    """A literal that a variable holds: where that is started, or called."""
    refs = [r for r in view.refs_of(function.variable) if r.role in ("go-call", "call")]
    return _of_uses(context, [(view, r) for r in refs], known, depth)


def _of_declared(context: Context, view: View, function: Function, known: Object | None, depth: int) -> str:
    """Where a declared function is started, or called, with the value that it is to share."""
    found = []
    for use in context.facts.uses(function.object):
        if use.role not in ("go-call", "call", "defer-call"):
            continue
        source = view.source if use.path == view.path else context.source(use.path)
        there = View.around(source, context.facts, source.node_at(use.start, use.end), context.language)
        if there is not None:
            found.append((there, use))
    if known is None:
        return _of_uses(context, found, None, depth)
    for there, use in found:
        given = _handed(there, use, function, known)
        if given is not None and (
            why := _of_uses(context, [(there, use)], None if given.scope == "package" else given, depth)
        ):
            return why
    return _twice([(t, u, given.id) for t, u in found if (given := _handed(t, u, function, known)) is not None])


def _of_uses(context: Context, uses: list[tuple[View, Ref]], known: Object | None, depth: int) -> str:
    for there, use in uses:
        place = there.source.node_at(use.start, use.end)
        if use.role == "go-call" and (why := _in_loop(there, place, known)):
            return why
        around = View.around(there.source, there.facts, place, there.language)
        if around is not None and depth > 0 and (why := several(context, around, known.id if known else "", depth - 1)):
            return why
    return _twice([(there, use, "") for there, use in uses]) if known is None else ""


def _twice(uses: list[tuple[View, Ref, str]]) -> str:
    """Two go statements in one function, with the same value: the last of each is the id of the variable it comes from."""
    started: dict[tuple[str, str, str, str], int] = {}
    for there, use, given in uses:
        if use.role != "go-call":
            continue
        text = there.source.data[use.outer_start : use.outer_end].decode("utf-8", "replace")
        line = there.line(use.start)
        first = started.setdefault((use.path, use.function, given, text), line)
        if first != line:
            return f"goroutines that line {first} and line {line} start"
    return ""


def _handed(view: View, use: Ref, function: Function, known: Object) -> Object | None:
    """The variable at the root of what a call hands over as receiver or parameter."""
    place = view.source.node_at(use.outer_start, use.outer_end)
    call = place.parent
    if call is None or call.type != "call_expression":
        return None
    if known.kind == "receiver":
        return root(view, place.child_by_field_name("operand"))
    listed = call.child_by_field_name("arguments")
    values = [c for c in listed.named_children if c.type != "comment"] if listed is not None else []
    position = next((i for i, p in enumerate(function.params) if p.id == known.id), -1)
    if not 0 <= position < len(values) or len(values) != len(function.params):
        return None
    value = values[position]
    if value.type == "unary_expression" and view.text(value).startswith("&"):
        value = value.named_children[0]
    return root(view, value)


def one_at_a_time(view: View) -> bool:
    """Whether something other than a lock may keep others out: a channel used as one, a group with a limit of one."""
    if b"SetLimit(1)" in view.source.text(view.outermost):
        return True
    before = [n for s in flow.dominating(view.node, view.function) for n in flow.inside(s)]
    sent, received = _channels(view, before)
    every = [n for n in flow.everything(view.function) if n not in before]
    sent_later, received_later = _channels(view, every)
    # `<-mine; n++; close(next)`: each waits for the one before
    chained = received and any(n.type == "call_expression" and view.text(n).startswith("close(") for n in every)
    return bool(sent & received_later or received & sent_later or chained)


def _channels(view: View, nodes: list[Node]) -> tuple[set[str], set[str]]:
    """The channels that are sent to, and those received from, by text."""
    sends = (n.child_by_field_name("channel") for n in nodes if n.type == "send_statement")
    receives = (n.child_by_field_name("operand") for n in nodes if flow.receives(n))
    return {view.text(n) for n in sends if n is not None}, {view.text(n) for n in receives if n is not None}


def root(view: View, node: Node | None) -> Object | None:
    """The variable that ``x.a.b`` begins with; None where a call, an index or a dereference stands between."""
    while node is not None and node.type in _STEPS:
        node = node.child_by_field_name("operand") or node.named_children[0]
    ref = view.ref_at(node) if node is not None and node.type == "identifier" else None
    return view.facts.object(ref.object) if ref is not None and ref.object else None
