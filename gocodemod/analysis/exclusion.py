"""What a deferred call gives back that kept others out: a lock, a slot, a flag, a place in a group."""

from __future__ import annotations

from collections.abc import Iterable

from tree_sitter import Node

from gocodemod.analysis import flow, names
from gocodemod.analysis.view import View

# Methods by which others are let in, or told that the work is over.
_GIVES_BACK = frozenset(
    {
        "Unlock",
        "RUnlock",
        "Release",
        "Store",
        "Swap",
        "CompareAndSwap",
        "Leave",
        "Exit",
        "Done",
        "Dec",
        "unlock",
        "release",
    }
)
# Words of functions that give back, and of those whose result does.
_RETURNS = frozenset({"release", "unlock", "runlock", "free", "leave", "exit", "done", "restore", "undo", "return"})
_TAKES = frozenset({"lock", "rlock", "acquire", "enter", "guard", "hold", "begin", "take"})


def given_back(view: View, deferred: Iterable[Node]) -> tuple[str, int] | None:
    """What the first of the defer statements gives back, as written, and the line."""
    for statement in deferred:
        for call in view.calls_in(statement):
            if call.receiver_start >= 0 and call.name.rsplit(".", 1)[-1] in _GIVES_BACK and not _of_context(call.name):
                text = view.source.data[call.receiver_start : call.receiver_end].decode("utf-8", "replace")
                return " ".join(text.split()), view.line(call.start)
        if (callee := _value(view, statement)) is not None:
            return view.text(callee), view.line(callee.start_byte)
        if (target := _resets(view, statement)) is not None:
            return view.text(target), view.line(target.start_byte)
    return None


def _of_context(name: str) -> bool:
    return name == "(context.Context).Done"


def _value(view: View, statement: Node) -> Node | None:
    """The function value that is called, if its name is that of giving back: ``defer release()``, ``defer x.lock()()``."""
    for call in view.calls_in(statement):
        node = view.source.node_at(call.start, call.end)
        callee = node.child_by_field_name("function") if call.kind in ("value", "unknown") else None
        if callee is None or callee.type == "func_literal":
            continue
        inner = callee.child_by_field_name("function") if callee.type == "call_expression" else callee
        wanted = _TAKES if callee.type == "call_expression" else _RETURNS
        if inner is not None and set(names.words(view.text(inner).rsplit(".", 1)[-1])) & wanted:
            return callee
    return None


def _resets(view: View, statement: Node) -> Node | None:
    """What a deferred literal assigns that the function does not declare: ``defer func() { c.busy = false }()``."""
    for node in flow.everything(statement):
        if node.type not in ("assignment_statement", "inc_statement", "dec_statement"):
            continue
        left = node.child_by_field_name("left") if node.type == "assignment_statement" else node
        for target in left.named_children if left is not None else ():
            ref = view.ref_at(flow.root(target))
            known = view.facts.object(ref.object) if ref is not None else None
            if (
                known is not None
                and known.kind != "result"
                and (target.type != "identifier" or not view.declares(view.function, known))
            ):
                return target
    return None
