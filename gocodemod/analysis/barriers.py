"""Does a function's caller rely on what the loop in it waits for, so that an early return would say that it holds?"""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import effects, flow, names
from gocodemod.analysis.view import View

_WAITING = frozenset({"wait", "await", "waitfor", "ensure", "lock", "rlock", "acquire", "obtain", "must"})
_ERROR = "error"
# Words of conditions under which a loop gives up.
_FAILURES = frozenset(
    {"err", "error", "errors", "fail", "failed", "failures", "max", "attempt", "attempts", "retries", "tries", "retry", "timeout",
     "deadline", "elapsed", "since", "after", "before", "abort", "aborted", "dead", "gone", "lost", "limit", "end", "ended"}
)  # fmt: skip


def is_barrier(view: View, loop: Node, behind: list[Node]) -> bool:
    """A loop that only waits for a condition, or a function whose name says so (prometheus WaitForPendingReaders)."""
    if flow.counts(view.facts, view.path, loop) and flow.exits(loop):
        return False  # it gives up by itself: the caller knows that it may
    if names.first_word(view.functions[-1].name) in _WAITING:
        return True
    own = flow.body(loop)
    inner = flow.statements(own) if own is not None else []
    work = [s for s in inner if not flow.contains(s, view.node) and not _only_leaves(s, loop)]
    # Where work follows, the function is more than a wait, and the return skips that too.
    ends = effects.of(view, behind) is effects.Effect.NONE
    return flow.ends_by_itself(loop) and not work and ends


def _only_leaves(statement: Node, loop: Node) -> bool:
    """``if done() { break }``: a test that ends the loop. With an init statement it does something first: work."""
    if statement.type != "if_statement" or statement.child_by_field_name("alternative") is not None:
        return False
    if statement.child_by_field_name("initializer") is not None:
        return False
    then = statement.child_by_field_name("consequence")
    inner = flow.statements(then) if then is not None else []
    return len(inner) == 1 and flow.leaves(inner[0], loop)


def promises(view: View, loop: Node, behind: list[Node]) -> bool:
    """Whether an endless loop ends only when a call has succeeded, or what it polls for holds: then its function's return
    says so.

    A loop that may also give up has a caller that knows of failures; one that is followed by work, or does it before it
    leaves, is not what its caller waits for.
    """
    leaving = flow.exits(loop)
    if not flow.is_endless(loop) or not leaving or _works(view, behind):
        return False
    polled = _polled(view, loop)
    if polled is not None and all(flow.contains(polled, n) for n in leaving):
        return True
    return all(_in_success(view, n, loop) and not _works(view, flow.siblings(n)[0]) for n in leaving)


def _polled(view: View, loop: Node) -> Node | None:
    """The ``if`` that leaves right before the wait at the loop's end: unless it leaves for a failure, or because of a stop."""
    own = flow.body(loop)
    inner = flow.statements(own) if own is not None else []
    if len(inner) < 2 or inner[-1] != view.node or inner[-2].type != "if_statement" or _works(view, inner[:-2]):
        return None
    test = inner[-2].child_by_field_name("condition")
    if test is None or inner[-2].child_by_field_name("alternative") is not None:
        return None
    said = set(names.words(view.text(test)))
    return None if said & (names.STOP_WORDS | _FAILURES) else inner[-2]


def _works(view: View, statements: list[Node]) -> bool:
    """Whether some statement calls for more than a log, a record or a release, outside of an if."""
    plain = (s for s in statements if s.type == "expression_statement" and not effects.only_logs(view, s))
    return any(effects.of(view, [s]) is effects.Effect.WORKS for s in plain)


def _in_success(view: View, leaving: Node, loop: Node) -> bool:
    """``if err == nil { ...; return }``, or at the end of a body whose failures went on before."""
    child, parent = leaving, leaving.parent
    while parent is not None and parent != loop:
        if parent.type == "if_statement":
            test, then = parent.child_by_field_name("condition"), parent.child_by_field_name("consequence")
            return child == (then if _tests_error(view, test, "==") else None) or (
                _tests_error(view, test, "!=") and child == parent.child_by_field_name("alternative")
            )
        if parent.type in flow.CASES:
            return False
        child, parent = parent, parent.parent
    went_on = (n for n in flow.inside(loop) if n.type == "if_statement" and n.end_byte <= leaving.start_byte)
    return any(_tests_error(view, n.child_by_field_name("condition"), "!=") for n in went_on)


def _tests_error(view: View, test: Node | None, operator: str) -> bool:
    """``err != nil`` (or ``==``) for something that is an error."""
    if test is None or test.type != "binary_expression":
        return False
    sign, left, right = (test.child_by_field_name(n) for n in ("operator", "left", "right"))
    if sign is None or left is None or right is None or sign.type != operator or right.type != "nil":
        return False
    known = view.facts.expr(view.path, left.start_byte, left.end_byte)
    return known is not None and known.type == _ERROR
