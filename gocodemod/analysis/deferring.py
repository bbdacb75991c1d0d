"""What runs by ``defer`` in a function, and whether it can be waited for: what never waits itself cannot deadlock."""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import flow, names, reach
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call
from gocodemod.transform import Context

# Calls that end without waiting for anybody.
_AT_ONCE = frozenset(
    {
        "close", "recover", "len", "cap", "append", "delete", "copy", "make", "new", "min", "max", "print", "println",
        "(*sync.Mutex).Unlock", "(*sync.RWMutex).Unlock", "(*sync.RWMutex).RUnlock",
        "(*sync.WaitGroup).Done", "(*sync.WaitGroup).Add", "(*sync.Cond).Signal", "(*sync.Cond).Broadcast",
        "(*time.Ticker).Stop", "(*time.Timer).Stop", "time.Now", "time.Since", "(time.Time).Sub", "runtime/debug.Stack",
        "(*os.File).Close", "errors.New", "errors.Is", "errors.As", "errors.Join",
    }
)  # fmt: skip
# Packages and types whose calls all do.
_ALL_AT_ONCE = ("fmt.", "log.", "(*log.Logger).", "log/slog.", "(*log/slog.Logger).", "sync/atomic.", "(*sync/atomic.",
                "strings.", "strconv.", "(*testing.common).", "(time.Duration).")  # fmt: skip
# ... but for those that read, or end the goroutine or the process.
_NOT_AT_ONCE = ("fmt.Scan", "fmt.Fscan", "log.Fatal", "log.Panic", "(*log.Logger).Fatal", "(*log.Logger).Panic",
                "(*testing.common).Fatal", "(*testing.common).FailNow", "(*testing.common).Skip")  # fmt: skip


def statements(function: Node) -> list[Node]:
    """The function's own defer statements, in source order."""
    body = flow.body(function)
    return [n for n in flow.inside(body) if n.type == "defer_statement"] if body is not None else []


def literal(defer: Node) -> Node | None:
    """The literal of ``defer func() { ... }()``."""
    call = next((c for c in defer.named_children if c.type == "call_expression"), None)
    callee = call.child_by_field_name("function") if call is not None else None
    return callee if callee is not None and callee.type == "func_literal" else None


# Words in the names of functions that recover, where their bodies cannot be seen.
_RECOVERS = frozenset({"recover", "panic", "crash"})


def recovers(context: Context, view: View, defer: Node) -> bool:
    """Whether what is deferred recovers from a panic: the literal, or the function that is called, itself."""
    for call in view.calls_in(defer):
        if call.name == "recover":
            return True
        if call.statement == "defer" and call.kind not in ("builtin", "literal"):
            body = reach.declared(context, view, call.object) if call.object else None
            if body is None:
                return bool(_RECOVERS & set(names.words(call.name.rsplit(".", 1)[-1])))
            return any(c.name == "recover" for c in body.view.calls_in(body.view.node))
    return False


def never_waits(view: View, node: Node) -> bool:
    """Whether a statement, with the literals in it, is known to wait for nobody and to run to its end.

    Arithmetic and assignments do neither; of calls, those that are known; sends, receives, locks, loops and ``go`` may.
    """
    waiting = ("send_statement", "select_statement", "go_statement", "for_statement", "goto_statement")
    if any(n.type in waiting or flow.receives(n) for n in flow.everything(node)):
        return False
    return all(at_once(call) for call in view.calls_in(node))


def at_once(call: Call) -> bool:
    if call.kind == "literal":
        return True  # its body is looked at along with it
    return call.name in _AT_ONCE or (call.name.startswith(_ALL_AT_ONCE) and not call.name.startswith(_NOT_AT_ONCE))
