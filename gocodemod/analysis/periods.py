"""Is a loop periodic, so that a ticker may pace it? A ticker keeps a period, not a gap: see transforms/sleep_loop.py."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from gocodemod.analysis import exits, flow, names
from gocodemod.analysis.signals import Signal
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call

# First words of calls that wait for somebody else: work that may take as long as the period leaves a ticker no gap
# (virtual-kubelet#477), and a retry after a failure must keep its gap (ssh, brokers, watches).
_BLOCKING = frozenset(
    {
        "accept", "read", "recv", "receive", "wait", "next", "scan", "listen", "serve", "dial", "connect", "reconnect",
        "subscribe", "watch", "stream", "consume", "join", "run", "retry", "restart", "lock", "acquire", "sleep", "copy",
        "await", "session", "loop", "tail", "follow", "output", "blpop", "brpop", "supervise", "exec",
    }
)  # fmt: skip
_QUICK = (
    "os.",
    "io.ReadAll",
    "io/ioutil.",
    "bufio.",
    "encoding/",
    "bytes.",
    "strings.",
    "sync/atomic.",
    "(*sync/atomic.",
)
# Expressions that do nothing when they are evaluated.
_PLAIN = frozenset(
    {
        "identifier", "nil", "true", "false", "int_literal", "float_literal", "imaginary_literal", "rune_literal",
        "interpreted_string_literal", "raw_string_literal",
    }
)  # fmt: skip
_SLOW = ("net/http.", "(*net/http.Client)", "(*os/exec.Cmd)", "(*database/sql.", "net.", "(*net.", "(net.")


def why_not_periodic(view: View, loop: Node, signal: Signal) -> str | None:
    """The first condition that fails, as a phrase for the evidence; None for a periodic loop.

    Whether the wait is passed once per iteration is :func:`passed_once` or :func:`select_default`.
    """
    own = flow.body(loop)
    function_body = flow.body(view.function)
    if own is None or function_body is None or not flow.is_endless(loop):
        return "the loop is not endless"
    if len(flow.loops_around(view.node)) > 1:
        return "the loop stands in another loop"
    last = flow.statements(function_body)
    if not last or last[-1] != flow.labelled(loop):
        return "the loop is not the function's last statement"
    if flow.continues(loop):
        return "a continue skips part of the loop"
    if any(_last(c.name) == "Sleep" for c in view.own_calls_in(own) if c.start != view.node.start_byte):
        return "the loop has another Sleep"
    if not _leaves_on_signal_only(view, loop, signal):
        return "the loop ends for other reasons than the stop signal"
    return blocks(view, own)


def _last(full: str) -> str:
    return full.rsplit(".", 1)[-1]


def _leaves_on_signal_only(view: View, loop: Node, signal: Signal) -> bool:
    arms = [c.arm for c in exits.checks(view, loop, signal) if c.arm is not None]
    return all(any(flow.contains(arm, leaving) for arm in arms) for leaving in flow.exits(loop))


def blocks(view: View, own: Node, apart: Callable[[Call], bool] | None = None) -> str | None:
    """What in a loop's body may wait for long, the wait that ``view`` is about and calls ``apart`` left out; None if nothing."""
    for node in flow.runs_in(own):
        if node.type == "select_statement" and not any(c.type == "default_case" for c in node.named_children):
            return "a select in the loop blocks"
        if node.type == "unary_expression" and view.text(node).startswith("<-") and not _in_select(node):
            return "a receive in the loop blocks"
        if node.type == "for_statement" and flow.ranges_over_channel(view.facts, view.path, node):
            return "the loop ranges over a channel"
        if node.type == "send_statement" and not _in_select(node):
            return "a send in the loop blocks"
        if node.type == "goto_statement":
            return "the loop has a goto"
    for call in view.calls_in(own):
        if call.start == view.node.start_byte or (apart is not None and apart(call)):
            continue
        if call.name.startswith(_QUICK) or _in_goroutine(view, call):
            continue
        if _may_block(call) or any(_may_block(c) for c in _calls_of(view, call)):
            return f"{_last(call.name)} may block"
    return None


def _may_block(call: Call) -> bool:
    if call.name.startswith(_QUICK):
        return False
    return call.name.startswith(_SLOW) or bool(set(names.words(_last(call.name))) & _BLOCKING)


def _calls_of(view: View, call: Call) -> tuple[Call, ...]:
    """What a function of the same package calls in turn."""
    declared = view.facts.object(call.object) if call.object else None
    if declared is None or declared.kind not in ("func", "method") or not view.facts.uses(call.object):
        return ()
    found = view.facts.functions(declared.path, declared.start)
    return view.facts.calls(declared.path, found[-1].body_start, found[-1].body_end) if found else ()


def _in_goroutine(view: View, call: Call) -> bool:
    """Whether a goroutine that the loop starts makes the call: the loop does not wait for that."""
    inner = view.facts.functions(view.path, call.start)[: len(call.literals) - len(view.literals)]
    return any(f.started == "go" for f in inner) or call.statement == "go"


def _in_select(node: Node) -> bool:
    """Whether the receive or send is what a case of a select waits for."""
    child, parent = node, node.parent
    while parent is not None and parent.type in ("receive_statement", "send_statement", "communication_case"):
        if parent.type == "communication_case":
            return bool(parent.child_by_field_name("communication") == child)
        child, parent = parent, parent.parent
    return False


def passed_once(view: View, loop: Node) -> bool:
    """Whether the wait is a direct statement of the loop's body (``continue`` and jumps are ruled out elsewhere)."""
    own = flow.body(loop)
    return own is not None and view.node in flow.statements(own)


def select_default(view: View, loop: Node) -> Node | None:
    """The ``default:`` that begins with the wait, if the loop's body is one select with plain operands."""
    own = flow.body(loop)
    inner = flow.statements(own) if own is not None else []
    if len(inner) != 1 or inner[0].type != "select_statement":
        return None
    default = next((c for c in inner[0].named_children if c.type == "default_case"), None)
    if default is None or flow.statements(default)[:1] != [view.node]:
        return None
    cases = [c for c in inner[0].named_children if c.type == "communication_case"]
    return default if all(plain(view, c) for c in cases) else None


def plain(view: View, case: Node) -> bool:
    """Whether a case waits on a variable, a field or ``x.Done()``: evaluating it on each entry costs nothing and changes nothing."""
    communication = case.child_by_field_name("communication")
    if communication is None:
        return False
    if communication.type == "send_statement":
        parts = [communication.child_by_field_name("channel"), communication.child_by_field_name("value")]
    else:
        received = communication.child_by_field_name("right")
        parts = [received.child_by_field_name("operand") if received is not None else None]
    return all(p is not None and _plain_operand(view, p) for p in parts)


def _plain_operand(view: View, node: Node) -> bool:
    if node.type == "call_expression":
        callee, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if callee is None or arguments is None or arguments.named_children or callee.type != "selector_expression":
            return False
        field, operand = callee.child_by_field_name("field"), callee.child_by_field_name("operand")
        return field is not None and field.text == b"Done" and operand is not None and _plain_operand(view, operand)
    if node.type == "selector_expression":
        operand = node.child_by_field_name("operand")
        return operand is not None and _plain_operand(view, operand)
    return node.type in _PLAIN or (node.type == "composite_literal" and _is_empty(node))


def _is_empty(literal: Node) -> bool:
    """``struct{}{}``."""
    held = literal.child_by_field_name("body")
    return held is not None and not held.named_children
