"""What is lost when statements are skipped: nothing, work, or something that somebody waits for."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from tree_sitter import Node

from gocodemod.analysis import flow, names
from gocodemod.analysis.view import View

# Words of calls that give something back or answer somebody.
_RELEASING = frozenset(
    {
        "unlock", "runlock", "lock", "rlock", "close", "stop", "release", "done", "cancel", "remove", "cleanup",
        "finish", "end", "free", "shutdown", "unregister", "deregister", "delete", "flush", "commit", "rollback",
        "send", "reply", "respond", "notify", "broadcast", "signal", "publish", "complete", "emit", "return",
        "dec", "decr", "decrement", "sub", "drop", "unref", "leave", "restore", "abort", "revoke", "disconnect",
        "detach", "disable", "reset", "ack", "nack", "register", "clear", "destroy", "kill", "drain", "fail", "resolve",
    }
)  # fmt: skip
# Words of calls that write something down for later.
_RECORDING = frozenset({"record", "store", "save", "set", "write", "update", "report", "mark", "add", "put", "observe"})
_LOCKING = frozenset({"Lock", "RLock", "Unlock", "RUnlock"})
_LOGGING = frozenset({"print", "printf", "println", "debug", "debugf", "info", "infof", "warn", "warnf", "error", "errorf",
                      "log", "logf", "trace", "tracef", "sprintf", "sprint", "warning", "warningf"})  # fmt: skip
_PURE_BUILTINS = frozenset({"len", "cap", "append", "min", "max", "make", "new", "copy"})


class Effect(enum.IntEnum):
    """Ordered by how much its loss matters."""

    NONE = 0
    WORKS = 1
    RECORDS = 2
    RELEASES = 3


def of(view: View, statements: list[Node], writes: Effect = Effect.RECORDS) -> Effect:
    """The gravest effect of the statements. A lock that they take and give back themselves is no release.

    ``writes``: what assignments count for that outlive the function's own variables.
    """
    taken: list[str] = []
    found = Effect.NONE
    for statement in statements:
        found = max(found, _of_one(view, statement, taken, writes))
    return Effect.RELEASES if taken else found


def of_exits(view: View, loop: Node) -> Effect:
    """What the loop does right before it leaves by itself: a bare return cannot make up for a release or reply.

    Giving back what this very iteration took (a lock, a response body) is left out: at the wait it is not held.
    """
    found = Effect.NONE
    done = flow.dominating(view.node, view.function)
    for leaving in flow.exits(loop):
        before = [s for s in flow.siblings(leaving)[0] if s not in done and not flow.contains(s, view.node)]
        before = without_pairs(view, [s for s in before if not _gives_back(view, loop, s)])
        # What a loop assigns when it succeeds, it need not when it is stopped.
        effect = of(view, [*before, leaving], writes=Effect.NONE)
        if effect is Effect.RELEASES or any(calls_back(view, s) for s in before):
            return Effect.RELEASES
        found = max(found, Effect.WORKS if effect is Effect.RECORDS else Effect.NONE)
    return found


def only_answers(view: View, statement: Node) -> bool:
    """Whether every call of the statement writes to an http.ResponseWriter, or to a log."""
    calls = [n for n in flow.inside(statement) if n.type == "call_expression"]
    outer = [c for c in calls if not any(flow.contains(o, c) and o != c for o in calls)]
    plain = statement.type in ("expression_statement", "assignment_statement", "short_var_declaration", "if_statement")
    return plain and bool(outer) and all(_answers(view, c) or _callee(view, c).lower() in _LOGGING for c in outer)


def _answers(view: View, call: Node) -> bool:
    named = (view.facts.object(r.object) for r in view.refs_in(call))
    return any(o is not None and o.type == "net/http.ResponseWriter" for o in named)


def only_logs(view: View, statement: Node) -> bool:
    """Whether the statement writes to a log and does nothing else that anybody could miss."""
    if statement.type != "expression_statement" or statement.named_children[0].type != "call_expression":
        return False
    last = _callee(view, statement.named_children[0]).lower()
    logs = last in _LOGGING or (last in ("msg", "msgf") and "log" in view.text(statement).lower())
    return logs and of(view, [statement]) <= Effect.WORKS


def releases(view: View, call: Node) -> bool:
    """Whether a call, by its name, gives something back, undoes it or answers somebody."""
    return _of_call(view, call) is Effect.RELEASES


def looks_only(view: View, call: Node) -> bool:
    """Whether a call, by its name, prints, logs, measures or computes, and leaves what it is given as it is."""
    known = view.call_at(call)
    if known is not None and known.kind == "builtin":
        return True
    words = set(names.words(_callee(view, call)))
    return _callee(view, call).lower() in _LOGGING or bool(
        words & {"observe", "since", "record", "trace", "log", "print"}
    )


def calls_back(view: View, statement: Node) -> bool:
    """A call of a function value (``onDone(err)``): somebody waits to be told. Not a package's (``log.G``)."""
    if statement.type != "expression_statement" or statement.named_children[0].type != "call_expression":
        return False
    call = statement.named_children[0]
    known, callee = view.call_at(call), call.child_by_field_name("function")
    ref = view.ref_at(callee) if callee is not None else None
    declared = view.facts.object(ref.object) if ref is not None else None
    return known is not None and known.kind == "value" and declared is not None and declared.scope != "package"


def without_pairs(view: View, statements: list[Node]) -> list[Node]:
    """Leave out Lock and Unlock, deferred or not: an exit that has them gives back what it or its iteration took."""
    kept = []
    for statement in statements:
        call = statement.named_children[0] if statement.named_children else None
        plain = statement.type in ("expression_statement", "defer_statement")
        if not (plain and call is not None and call.type == "call_expression" and _callee(view, call) in _LOCKING):
            kept.append(statement)
    return kept


def _gives_back(view: View, loop: Node, statement: Node) -> bool:
    """A call on something that the loop itself declares."""
    if statement.type != "expression_statement" or statement.named_children[0].type != "call_expression":
        return False
    base: Node | None = statement.named_children[0].child_by_field_name("function")
    while base is not None and base.type in ("selector_expression", "call_expression", "parenthesized_expression"):
        base = base.child_by_field_name("operand") or base.child_by_field_name("function") or base.named_children[0]
    ref = view.ref_at(base) if base is not None else None
    return ref is not None and view.declares(loop, view.facts.object(ref.object))


def _of_one(view: View, statement: Node, taken: list[str], writes: Effect) -> Effect:
    """``taken``: locks that these statements have given back without taking them, or not given back yet."""
    found = Effect.NONE
    for node, effect in parts(view, statement, writes):
        if node.type != "call_expression" or not _pairs(view, node, taken):
            found = max(found, effect)
    return found


def parts(view: View, statement: Node, writes: Effect = Effect.RECORDS) -> Iterator[tuple[Node, Effect]]:
    """Each thing that a statement does, with its effect: calls, sends, receives, assignments, goroutines, defers."""
    for node in flow.inside(statement):
        if node.type in ("send_statement", "defer_statement"):
            yield node, Effect.RELEASES
        elif node.type in ("assignment_statement", "inc_statement", "dec_statement"):
            if not _assigns_locals(view, node):
                yield node, writes
        elif node.type == "go_statement":
            yield node, Effect.WORKS
        elif node.type == "call_expression" and not _quiet(view, node):
            effect = _of_call(view, node)
            # A return that is skipped loses its value, not what making the value did.
            if statement.type != "return_statement" or effect >= Effect.RECORDS:
                yield node, effect
        elif node.type == "unary_expression" and view.text(node).startswith("<-"):
            # A value that nobody looks at: a slot given back, or a wait for somebody.
            alone = node.parent is not None and node.parent.type == "expression_statement"
            yield node, Effect.RELEASES if alone else Effect.WORKS


def _pairs(view: View, call: Node, taken: list[str]) -> bool:
    """Follow Lock and Unlock of one mutex: a pair is neutral."""
    name = _callee(view, call)
    if name not in _LOCKING:
        return False
    function = call.child_by_field_name("function")
    owner = view.text(function).rsplit(".", 1)[0] if function is not None else ""
    if name in ("Unlock", "RUnlock") and owner in taken:
        taken.remove(owner)
    else:
        taken.append(owner)
    return True


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


def _of_call(view: View, call: Node) -> Effect:
    name = _callee(view, call)
    if name in _LOCKING:
        return Effect.RELEASES
    if name.lower() in _LOGGING:
        return Effect.WORKS
    first = names.first_word(name)
    if first in _RELEASING:
        return Effect.RELEASES
    return Effect.RECORDS if first in _RECORDING or "swap" in names.words(name) else Effect.WORKS


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
