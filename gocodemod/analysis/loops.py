"""Does a loop end by itself, or when some signal fires?"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow, looks, receives
from gocodemod.analysis.receives import Until
from gocodemod.analysis.view import View
from gocodemod.transform import Context

# What a condition may call and still be about the loop's own variables.
_PURE = frozenset({"len", "cap", "min", "max"})
# Steps of an iterator over something that has an end.
_STEPS = frozenset({"Next", "Prev", "Add", "Sub", "Rsh", "Lsh", "Unwrap", "Parent"})


@dataclass(frozen=True)
class Answer:
    """All empty: the loop ends. ``never``: nothing leaves it. ``unknown``: why it may not end. ``until``: it ends when one of
    these fires, and ``text`` says how.
    """

    never: bool = False
    unknown: str = ""
    until: tuple[Until, ...] = ()
    text: str = ""


def of(context: Context, view: View, loop: Node) -> Answer:
    """Whether the loop comes to an end; what it calls and waits for in each round is not looked at."""
    clause = flow.clause(loop)
    if clause is not None and clause.type == "range_clause":
        return _range(context, view, clause)
    condition = flow.condition(loop)
    if condition is None:
        return _endless(context, view, loop)
    step = clause.child_by_field_name("update") if clause is not None else None
    if step is not None:
        return _counted(view, condition, step)
    return _while(view, loop, condition)


def _range(context: Context, view: View, clause: Node) -> Answer:
    operand = clause.child_by_field_name("right")
    known = view.facts.expr(view.path, operand.start_byte, operand.end_byte) if operand is not None else None
    if operand is None or known is None or not known.underlying:
        return Answer(unknown="goes over something unknown")
    if "chan " in known.underlying[:7]:
        found = receives.of_channel(context, view, operand)
        if found.kind == "timer":
            # Ticker.Stop does not close the channel.
            return Answer(never=True)
        return Answer(until=(Until("close", found.object, found.text),), text=f"ends when {found.text} is closed")
    if known.underlying.startswith("func("):
        call = view.call_at(operand)
        if call is None or call.name.split(".")[0] not in ("maps", "slices", "strings", "bytes"):
            return Answer(unknown="goes over a function's values")
    return Answer()


def _endless(context: Context, view: View, loop: Node) -> Answer:
    """``for {}``: it ends by its jumps, if those that a signal makes come up in every round."""
    own = flow.body(loop)
    leaving = flow.exits(loop)
    if own is None or not leaving:
        return Answer(never=True)
    if all(flow.never_returns(n) for n in leaving):
        return Answer(never=True)
    until: list[Until] = []
    for statement in flow.statements(own):
        while statement.type == "labeled_statement":
            statement = statement.named_children[-1]
        until += _looks_at(context, view, statement, loop)
        if _skips_the_rest(statement, loop):
            break
    if not until:
        return Answer(unknown="has no condition, and nothing says that it ends")
    texts = " or ".join(dict.fromkeys(u.text for u in until))
    return Answer(until=tuple(until), text=f"ends on {texts}")


def _looks_at(context: Context, view: View, statement: Node, loop: Node) -> list[Until]:
    """The signals on which a statement of the loop's body always leaves the loop."""
    if statement.type == "select_statement":
        found: list[Until] = []
        for case in statement.named_children:
            if case.type == "communication_case" and flow.always_leaves(case, loop):
                found += [u for u in receives.until_case(context, view, case) if u.kind in ("context", "channel")]
        return found
    if statement.type == "if_statement":
        then, condition = statement.child_by_field_name("consequence"), statement.child_by_field_name("condition")
        if then is not None and condition is not None and flow.always_leaves(then, loop):
            return _ended(view, condition, "!=")
    return []


def _ended(view: View, condition: Node, operator: str) -> list[Until]:
    """The context whose error a condition asks for: ``ctx.Err() != nil``."""
    if not looks.error_test(view, condition, operator):
        return []
    found = []
    for ref in view.refs_in(condition):
        if ref.selected == "Err":
            text = view.source.data[ref.outer_start : ref.outer_end].decode("utf-8", "replace")
            found.append(Until("context", ref.object, text))
    return found


def _skips_the_rest(statement: Node, loop: Node) -> bool:
    """Whether the statement may go on with the next round, so that what follows it is not met in every one."""
    jumps = [n for n in flow.inside(statement) if n.type == "continue_statement"]
    return any(flow.jump_target(n) == loop for n in jumps)


def _counted(view: View, condition: Node, step: Node) -> Answer:
    """``for i := 0; i < n; i++`` and ``for e := l.Front(); e != nil; e = e.Next()``."""
    calls = [c for c in view.calls_in(step) if c.name.rsplit(".", 1)[-1] not in _STEPS and c.kind != "builtin"]
    if calls:
        return Answer(unknown="may go on for ever: its step calls something")
    steps = {r.object for r in view.refs_in(step) if r.object and r.role in ("assign", "update", "base")}
    if not steps & {r.object for r in view.refs_in(condition)}:
        return Answer(unknown="may go on for ever: its step does not change its condition")
    return Answer()


def _while(view: View, loop: Node, condition: Node) -> Answer:
    if ended := _ended(view, condition, "=="):
        return Answer(until=tuple(ended), text=f"ends when {ended[0].text} does")
    asks = [c for c in view.calls_in(condition) if not (c.kind == "builtin" and c.name in _PURE)]
    if asks or any(view.text(n).startswith("<-") for n in flow.inside(condition) if n.type == "unary_expression"):
        return Answer(unknown="may go on for ever: its condition asks somebody else")
    own = flow.body(loop)
    tested = {r.object for r in view.refs_in(condition) if _is_local(view, r.object)}
    for statement in flow.statements(own) if own is not None else []:
        if statement.type in ("assignment_statement", "inc_statement", "dec_statement"):
            changed = {r.object for r in view.refs_in(statement) if r.role in ("assign", "update")}
            made = [c for c in view.calls_in(statement) if c.kind != "builtin"]
            if changed & tested and not made:
                return Answer()
        if _skips_the_rest(statement, loop):
            break
    return Answer(unknown="may go on for ever: nothing in each of its rounds changes its condition")


def _is_local(view: View, variable: str) -> bool:
    known = view.facts.object(variable) if variable else None
    return known is not None and known.scope == "function" and known.kind in ("var", "param", "result")
