"""Which locks a function holds at a place, as far as its own text tells."""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call

_TAKES = ("Lock", "RLock", "TryLock", "TryRLock")
_GIVES = ("Unlock", "RUnlock")


def held(view: View) -> list[str]:
    """Text of each lock taken and not given back on the way to ``view.node``, in the order taken.

    A deferred Unlock gives nothing back before the function ends. What a branch does that then leaves does
    not count: the way to the node does not pass it.
    """
    locks: list[str] = []
    for statement in flow.dominating(view.node, view.function):
        for call in _own_lock_calls(view, statement):
            name, lock = call.name.rsplit(".", 1)[-1], _receiver(view, call)
            if _branch_leaves(view, call, statement):
                continue
            if name in _TAKES:
                locks.append(lock)
            elif lock in locks:
                locks.remove(lock)
    return locks


def _own_lock_calls(view: View, statement: Node) -> list[Call]:
    return [
        c
        for c in view.own_calls_in(statement)
        if c.statement not in ("defer", "go") and c.receiver_start >= 0 and c.name.endswith(_dotted(_TAKES + _GIVES))
    ]


def _dotted(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f".{n}" for n in names)


def _receiver(view: View, call: Call) -> str:
    return view.source.data[call.receiver_start : call.receiver_end].decode("utf-8", "replace")


def _branch_leaves(view: View, call: Call, statement: Node) -> bool:
    """Whether the call stands in a nested block of the statement that ends by leaving the function or a loop."""
    inner = flow.statement(view.source.node_at(call.start, call.end))
    if flow.contains(inner, statement):
        return False
    following = flow.siblings(inner)[1]
    last = following[-1] if following else inner
    return last.type in (
        "return_statement",
        "goto_statement",
        "break_statement",
        "continue_statement",
    ) or flow.never_returns(last)
