"""Does a channel mean "stop": closed, never sent to, and named or used like that; or does the loop leave on it anyway?

A closed channel tells everybody; a sent value is taken by one receiver. So a channel that is sent to counts only where
the loop itself leaves on receiving from it: then to receive at the wait, and to leave just so, is to look sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from tree_sitter import Node

from gocodemod.analysis import arguments, flow, goroutines, looks, names, origins
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref, Visible

R = TypeVar("R")

# What cannot put a value into a channel, nor hand it to somebody who could.
_HARMLESS = frozenset({"declare", "define", "close", "receive", "select-receive", "range", "key", "assign", "compare"})
# Where candidates stand that are signals because the loop leaves on them.
LEFT_ON = "left on"


def left_on(view: View) -> Iterator[Visible]:
    """Channels of any kind, behind methods too, whose receive makes a loop around the wait leave.

    Not those of timers: a deadline is no stop signal. A context behind a method (``<-s.Context().Done()``) is a context.
    """
    seen: set[str] = set()
    for loop in flow.loops_around(view.node):
        for node in flow.inside(loop):
            if node.type != "communication_case" or not flow.always_leaves(node, loop):
                continue
            operand = _received(view, node)
            found = _candidate(view, operand) if operand is not None else None
            if found is not None and found.text not in seen:
                seen.add(found.text)
                yield found


def _received(view: View, case: Node) -> Node | None:
    """What a case receives from; the ``x`` of ``<-x.Done()`` where that is a call that gives a context."""
    communication = case.child_by_field_name("communication")
    if communication is None or communication.child_by_field_name("left") is not None:
        return None  # the exit may need the value
    right = communication.child_by_field_name("right")
    operand = right.child_by_field_name("operand") if right is not None and right.type == "unary_expression" else None
    callee = _niladic(operand) if operand is not None else None
    inner = callee.child_by_field_name("operand") if callee is not None else None
    if inner is not None and _niladic(inner) is not None and view.text(callee or inner).endswith(".Done"):
        known = view.facts.expr(view.path, inner.start_byte, inner.end_byte)
        return inner if known is not None and known.type == "context.Context" else None
    return operand


def _niladic(node: Node) -> Node | None:
    """The method expression of a call without arguments."""
    if node.type != "call_expression":
        return None
    callee, given = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    empty = given is not None and not given.named_children
    return callee if callee is not None and empty and callee.type == "selector_expression" else None


def _candidate(view: View, operand: Node) -> Visible | None:
    known = view.facts.expr(view.path, operand.start_byte, operand.end_byte)
    callee = _niladic(operand)
    plain = callee if callee is not None else operand
    ref, root = view.ref_at(plain), _root(view, plain)
    if known is None or ref is None or root is None:
        return None
    family = "context" if known.type == "context.Context" else "channel"
    kind = known.underlying.removeprefix("<-")
    if family == "channel" and (not kind.startswith("chan ") or kind.endswith("time.Time")):
        return None
    if callee is not None and _of_context(view, callee):
        return None  # ctx.Done(): the context itself is a candidate
    named = view.facts.object(ref.object)
    return Visible(view.text(operand), family, LEFT_ON, named, root) if named is not None else None


def _of_context(view: View, callee: Node) -> bool:
    operand = callee.child_by_field_name("operand")
    known = view.facts.expr(view.path, operand.start_byte, operand.end_byte) if operand is not None else None
    return known is not None and known.type == "context.Context"


def _root(view: View, node: Node) -> Object | None:
    """The variable that a chain of plain selectors begins with."""
    while node.type == "selector_expression":
        operand = node.child_by_field_name("operand")
        if operand is None:
            return None
        node = operand
    ref = view.ref_at(node) if node.type == "identifier" else None
    return view.facts.object(ref.object) if ref is not None else None


def reject(view: View, found: Visible, refs: list[Ref], rejected: Callable[[str, str], R]) -> R | None:
    """Why the channel is no stop signal; ``refs``: where the outermost function names it by this expression."""
    none = rejected("no-stop-signal", f"{found.text} is a channel, but nothing says that it means stop")
    if any(w in names.START_WORDS for w in names.words(found.object.name)):
        return none
    uses = _uses(view, found)
    if any(u.role == "close" and _same_goroutine(view, u) for u in uses):
        return rejected("no-stop-signal", f"{found.text} is closed by this very function")
    if _leaves_here(view, refs):
        return None
    handed = [r.object for r in arguments.handed(view, found.object)]
    if any(u.role == "send" for u in [*uses, *(u for h in handed for u in view.facts.uses(h))]):
        return rejected("no-stop-signal", f"{found.text} is sent to: one receiver would take the value from another")
    if not found.object.underlying.endswith("struct{}") and not _surely_closed(view, found, uses):
        return rejected("no-stop-signal", f"{found.text} may be sent a value, which one receiver takes from another")
    # Elsewhere, a receive that then leaves may just as well wait for a result, or for readiness.
    here = [u for u in uses if u.path == view.path and _in(u, view.outermost)]
    leaves = [u for u in uses if "receive" in u.role and u.leaves and u.in_loop]
    named = names.means_stop(found.object.name) and (found.place in ("param", "captured") or bool(leaves))
    closed = any(u.role == "close" and names.first_word(u.function) in names.STOPPING_FUNCTIONS for u in uses)
    return None if named or closed or any(u in here for u in leaves) else none


def _leaves_here(view: View, refs: list[Ref]) -> bool:
    return any(looks.checks(view, loop, refs) for loop in flow.loops_around(view.node))


def _in(ref: Ref, node: Node) -> bool:
    return node.start_byte <= ref.start < node.end_byte


def _uses(view: View, found: Visible) -> tuple[Ref, ...]:
    return view.facts.uses(found.object.id) or view.refs_of(found.object.id)


def _surely_closed(view: View, found: Visible, uses: tuple[Ref, ...]) -> bool:
    """For a channel that could carry values: nobody else can reach it, and it is closed."""
    closed = any(u.role == "close" for u in uses) or found.object.kind == "param"
    return closed and not found.object.exported and only_closed(view, found)


def only_closed(view: View, found: Visible) -> bool:
    """Whether the channel's every use is known and none can send."""
    if found.place == LEFT_ON and found.object.kind not in ("var", "param", "field"):
        return False
    if found.object.underlying.startswith("<-") or found.object.kind == "param":
        # Receive-only here; who made it may still send, unless the callers can be seen. ctx.Done() never does.
        given = list(arguments.handings(view, found.object))
        if given:
            uses = [u for h in given for r in h.refs for u in view.facts.uses(r.object)]
            seen = all(h.refs for h in given) and all(u.role in _HARMLESS | {"argument"} for u in uses)
            return seen and any(u.role == "close" for u in uses)
        made = [o.call.name for o in origins.of(view, found.object.id) if o.call is not None]
        return bool(made) and all(name.endswith(").Done") for name in made)
    return all(u.role in _HARMLESS for u in _uses(view, found))


def _same_goroutine(view: View, ref: Ref) -> bool:
    """Whether the reference stands in the site's own function, or in a literal of it that is no goroutine."""
    depth = len(view.literals)
    if ref.path != view.path or ref.function != view.functions[-1].name or ref.literals[:depth] != view.literals:
        return False
    inner = view.facts.functions(view.path, ref.start)[: len(ref.literals) - depth]
    return not any(goroutines.starts_goroutine(f) for f in inner)
