"""Is it a result that is waited for, or the end of something that runs until it is stopped?

A server, a loop that takes jobs, a process or a copied connection takes as long as it takes: a bound on the wait for its
end would end it, or leave it, while all is well. What is not known to be short is told by its name, as people name it.
"""

from __future__ import annotations

from collections.abc import Iterable

from tree_sitter import Node

from gocodemod.analysis import effects, flow, names, reach, workers
from gocodemod.analysis.view import View
from gocodemod.analysis.workers import Worker
from gocodemod.golang.facts import Call, Object
from gocodemod.transform import Context

_LONG = frozenset(
    {
        "serve", "listen", "accept", "run", "loop", "watch", "forever", "subscribe", "consume", "stream", "proxy", "tail",
        "follow", "supervise", "monitor", "poll", "wait", "copy", "pump", "recv", "receive", "block", "eventually", "session",
        "execute", "main", "interact", "prompt",
    }
)  # fmt: skip
# These are over when their data is.
# What these get has to be given back by somebody.
_ACQUIRES = frozenset(
    {
        "mount", "acquire", "attach", "reserve", "allocate", "alloc", "claim", "lease", "subscribe", "register", "join",
        "open", "dial", "connect", "listen", "start", "spawn", "fork", "begin", "borrow", "checkout", "take", "hold", "lock",
    }
)  # fmt: skip
_NEUTRAL = frozenset({"runtime.LockOSThread", "runtime.UnlockOSThread", "(*sync.WaitGroup).Done"})
GROUP_WAIT = "(*sync.WaitGroup).Wait"
_SHORT = frozenset({"copy", GROUP_WAIT})
# A function of such a name waits as long as what it runs lives.
_LIVES = frozenset({"run", "serve", "listen", "loop", "watch", "supervise", "main", "forever", "block", "daemon"})


def of_function(view: View) -> str | None:
    """What makes the wait one for the end of a life, as far as the function around it tells."""
    for function in view.functions:
        name = function.name or _named(view, function.variable)
        if names.first_word(name) in _LIVES:
            return f"{name.rsplit('.', 1)[-1]} runs something until that ends"
    if any(r.name == "Stdin" for r in view.refs) or any(c.name.startswith("fmt.Scan") for c in view.calls):
        return "the function may wait for somebody to type"
    before = [c for c in view.calls if c.start < view.node.start_byte]
    if any(c.name.startswith("os/signal.Notify") for c in before):
        return "the function waits for the signals of its process"
    return None


def acquires(worker: Worker) -> str | None:
    """A call by which a goroutine gets something that it does not give back itself, as far as names tell."""
    found = None
    for view in worker.pieces:
        for call in view.calls_in(view.node):
            node = view.source.node_at(call.start, call.end)
            if call.kind == "builtin" or call.name in _NEUTRAL or node.type != "call_expression":
                continue
            if effects.releases(view, node):
                return None
            if names.first_word(_last(call)) in _ACQUIRES:
                found = found or _last(call)
    return found


def _named(view: View, variable: str) -> str:
    found = view.facts.object(variable) if variable else None
    return found.name if found is not None else ""


def of_worker(context: Context, view: View, worker: Worker) -> str | None:
    """What in a goroutine runs until it is stopped."""
    return next((found for piece in worker.pieces if (found := _of_piece(context, view, piece)) is not None), None)


def _of_piece(context: Context, view: View, piece: View) -> str | None:
    for node in flow.runs_in(piece.node):
        if (found := _waits(view, piece, node)) is not None:
            return found
    for call in piece.calls_in(piece.node):
        if call.name == GROUP_WAIT and group(piece, call, view.function) is None:
            return "it waits for a group of others"
        if _long(call):
            return f"{_last(call)} may run until it is stopped"
        if (called := _called(context, piece, call)) is not None and _endless(called):
            return f"{_last(call)} loops without an end"
    return None


def group(view: View, call: Call, function: Node) -> Object | None:
    """The WaitGroup of a call of its Wait, if that is a variable of the function."""
    node = view.source.node_at(call.receiver_start, call.receiver_end) if call.receiver_start >= 0 else None
    ref = view.ref_at(node) if node is not None and node.type == "identifier" else None
    found = view.facts.object(ref.object) if ref is not None else None
    local = found is not None and found.kind == "var" and found.scope == "function"
    return found if local and view.declares(function, found) else None


def _last(call: Call) -> str:
    return call.name.rsplit(".", 1)[-1]


def _long(call: Call) -> bool:
    return call.name not in _SHORT and names.first_word(_last(call)) in _LONG


def _called(context: Context, view: View, call: Call) -> Node | None:
    if call.kind not in ("function", "method") or not call.object:
        return None
    body = reach.declared(context, view, call.object)
    return body.view.node if body is not None else None


def _endless(block: Node) -> bool:
    """A loop that nothing leaves."""
    return any(n.type == "for_statement" and flow.is_endless(n) and not flow.exits(n) for n in flow.inside(block))


def _waits(view: View, inner: View, node: Node) -> str | None:
    """A wait of the goroutine's own, for others, or a loop without a condition."""
    if node.type == "for_statement":
        if flow.is_endless(node) and (not flow.exits(node) or _blocks(node)):
            return "it loops until it is stopped"
        if (
            flow.is_range(node)
            and flow.ranges_over_channel(inner.facts, inner.path, node)
            and not _closed(view, inner, node)
        ):
            return "it takes what others send for as long as they do"
    if node.type == "select_statement" and not _sends(node):
        return "it selects on what others send"
    if node.type == "unary_expression" and inner.text(node).startswith("<-") and workers.in_select(node) is None:
        return "it waits for others itself"
    return None


def _blocks(loop: Node) -> bool:
    return any(n.type == "select_statement" for n in flow.runs_in(loop))


def _sends(select: Node) -> bool:
    """A select that hands over a value, or gives up: a default, a timer, a context beside a send."""
    cases = [c for c in select.named_children if c.type == "communication_case"]
    heads = [c.child_by_field_name("communication") for c in cases]
    if any(c.type == "default_case" for c in select.named_children):
        return True
    sends = [h for h in heads if h is not None and h.type == "send_statement"]
    return bool(sends)


def _closed(view: View, inner: View, loop: Node) -> bool:
    """Whether this function closes the channel that the loop takes from before it waits."""
    head = flow.clause(loop)
    operand = head.child_by_field_name("right") if head is not None else None
    taken = {r.object for r in inner.refs_in(operand)} if operand is not None else set()
    before: Iterable[Node] = flow.dominating(view.node, view.function)
    closes = {r.object for s in before for r in view.refs_in(s) if r.role == "close" and r.literals == view.literals}
    return bool(taken & closes)
