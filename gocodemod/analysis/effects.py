"""What is lost when statements are skipped: nothing, work, or something that somebody waits for."""

from __future__ import annotations

import enum

from tree_sitter import Node

from gocodemod.analysis import flow, names
from gocodemod.analysis.view import View

# First words of calls that give something back, answer somebody, or write something down for later.
_RELEASING = frozenset(
    {
        "unlock", "runlock", "lock", "rlock", "close", "stop", "release", "done", "cancel", "remove", "cleanup",
        "finish", "end", "free", "shutdown", "unregister", "deregister", "delete", "flush", "commit", "rollback",
        "send", "reply", "respond", "notify", "broadcast", "signal", "publish",
        "record", "store", "save", "set", "write", "update", "report", "mark", "complete", "add", "put",
    }
)  # fmt: skip
_LOGGING = frozenset({"print", "printf", "println", "debug", "debugf", "info", "infof", "warn", "warnf", "error", "errorf",
                      "log", "logf", "trace", "tracef", "sprintf", "sprint", "warning", "warningf"})  # fmt: skip
_PURE_BUILTINS = frozenset({"len", "cap", "append", "min", "max", "make", "new", "copy"})


class Effect(enum.IntEnum):
    """Ordered by how much its loss matters."""

    NONE = 0
    WORKS = 1
    RELEASES = 2


def of(view: View, statements: list[Node]) -> Effect:
    """The gravest effect of the statements."""
    return max((_of_one(view, s) for s in statements), default=Effect.NONE)


def _of_one(view: View, statement: Node) -> Effect:
    found = Effect.NONE
    for node in flow.inside(statement):
        if node.type in ("send_statement", "defer_statement"):
            return Effect.RELEASES
        if node.type in ("assignment_statement", "inc_statement", "dec_statement"):
            if not _assigns_locals(view, node):
                return Effect.RELEASES
        elif node.type == "go_statement":
            found = Effect.WORKS
        elif node.type == "call_expression":
            if statement.type == "return_statement" or _quiet(view, node):
                continue
            if _releases(view, node):
                return Effect.RELEASES
            found = Effect.WORKS
        elif node.type == "unary_expression" and view.text(node).startswith("<-"):
            found = Effect.WORKS
    return found


def _callee(view: View, call: Node) -> str:
    known = view.call_at(call)
    if known is not None and known.name:
        return known.name.rsplit(".", 1)[-1]
    function = call.child_by_field_name("function")
    return view.text(function).rsplit(".", 1)[-1] if function is not None else ""


def _quiet(view: View, call: Node) -> bool:
    """Calls that change nothing anybody could miss: conversions, pure builtins."""
    known = view.call_at(call)
    return known is None or (known.kind == "builtin" and known.name in _PURE_BUILTINS)


def _releases(view: View, call: Node) -> bool:
    name = _callee(view, call)
    if name.lower() in _LOGGING:
        return False
    return names.first_word(name) in _RELEASING


def _assigns_locals(view: View, node: Node) -> bool:
    """Whether everything assigned to is a variable of this function: gone with the return."""
    target = node.child_by_field_name("left") if node.type == "assignment_statement" else node
    if target is None:
        return False
    for operand in target.named_children:
        if operand.type != "identifier":
            return False
        ref = view.ref_at(operand)
        declared = view.facts.object(ref.object) if ref is not None else None
        if view.text(operand) == "_":
            continue
        if declared is None or declared.kind not in ("var", "param") or not view.declares(view.function, declared):
            return False
    return True
