"""What a deferred call comes to in the functions of the module behind it, where the defer statement does not show it.

Run on a way on which they have never run, they may wait for what nobody tells to end, or want what is held there.
"""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import blocking, flow, names, reach
from gocodemod.analysis.reach import Body
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call
from gocodemod.transform import Context

_TAKES = frozenset({"Lock", "RLock"})
_GIVES = frozenset({"Unlock", "RUnlock"})
# They read until somebody else closes, or from whoever sits in front of the program.
_READS = ("io.ReadAll", "io.Copy", "io.ReadFull", "fmt.Scan", "fmt.Fscan")


def waits(context: Context, view: View, deferred: Node) -> str:
    """Where a function behind the deferred call waits, unless it has told that to end right before; ``""`` if nowhere."""
    for number, body in enumerate(_bodies(context, view, deferred)):
        found = [(c.start, reach.text_of(body.view, c)) for c in body.calls if _reads(c) or (number and _waits(c))]
        if number:
            found += [(n.start_byte, body.view.text(n)) for n in flow.runs_in(body.view.node) if _waits_itself(n)]
        if not found:
            continue
        start, what = min(found)
        if not any(c.start < start and _tells(body, c) for c in body.calls):
            where = f" in {body.name}" if body.name else ""
            return " ".join(what.split()) + where
    return ""


def wants_a_lock(context: Context, view: View, deferred: Node) -> str:
    """A lock that the deferred call takes while one that the function's callees took may be held; ``""`` for none."""
    taken = [c for b in _bodies(context, view, deferred) for c in b.calls if blocking.last_of(c.name) in _TAKES]
    block = flow.body(view.function)
    if not taken or block is None:
        return ""
    for body in reach.reach(context, view, block).bodies[1:]:
        calls = {blocking.last_of(c.name) for c in body.calls}
        if calls & _TAKES and not calls & _GIVES:
            return body.name or "a function literal"
    return ""


def _bodies(context: Context, view: View, deferred: Node) -> tuple[Body, ...]:
    return reach.reach(context, view, deferred).bodies


def _reads(call: Call) -> bool:
    return call.name.startswith(_READS)


def _waits(call: Call) -> bool:
    return call.name.endswith(".Wait") or (not call.object and blocking.waits(call.name))


def _waits_itself(node: Node) -> bool:
    if node.type == "select_statement":
        return not any(c.type == "default_case" for c in node.named_children)
    return node.type == "send_statement" or bool(flow.receives(node)) or _endless(node)


def _endless(node: Node) -> bool:
    return node.type == "for_statement" and flow.is_endless(node)


def _tells(body: Body, call: Call) -> bool:
    """Whether the call closes, cancels or stops something."""
    held = body.view.facts.object(call.object) if call.object else None
    cancels = held is not None and held.type in ("context.CancelFunc", "context.CancelCauseFunc")
    return cancels or names.first_word(blocking.last_of(call.name)) in names.STOPPING_FUNCTIONS
