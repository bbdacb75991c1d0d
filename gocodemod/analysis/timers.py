"""Timers and tickers of the package time: where one is made, and what the code around does to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import escapes, flow
from gocodemod.analysis.escapes import How, Use
from gocodemod.analysis.view import View
from gocodemod.analysis.ways import Marks, State

# The field that gives away a timer's or ticker's ticks.
CHANNEL = "C"


@dataclass(frozen=True)
class Made:
    """A timer or ticker where it is made.

    ``function``: ``NewTicker``, ``NewTimer`` or ``Tick``; ``package``: what stands before that, with the dot.
    ``value``: the expression that is made use of: the call, or with its ``.C``. ``how`` and ``holder``: what happens to
    that, and for ``COPIED`` the local variable that then holds it (it, or only its channel: ``channel_only``).
    """

    view: View
    call: Node
    function: str
    package: str
    value: Node
    how: How
    holder: str

    @property
    def channel_only(self) -> bool:
        return self.function == "Tick" or self.value != self.call

    @property
    def ticks(self) -> bool:
        """A ticker, which never ends by itself."""
        return self.function != "NewTimer"

    @property
    def arguments(self) -> str:
        """The text of the call's arguments, parentheses included."""
        found = self.call.child_by_field_name("arguments")
        return self.view.text(found) if found is not None else "()"


def made(view: View, call: Node) -> Made | None:
    """What a call makes; None if it is known to make neither a timer nor a ticker."""
    callee = call.child_by_field_name("function")
    known = view.call_at(call)
    if callee is None or (known is not None and known.name not in ("time.NewTicker", "time.NewTimer", "time.Tick")):
        return None
    package, dot, function = view.text(callee).rpartition(".")
    value = _parenthesized(call)
    parent = value.parent
    if parent is not None and parent.type == "selector_expression" and function != "Tick":
        field = parent.child_by_field_name("field")
        if field is not None and view.text(field) == CHANNEL:
            value = parent
    how, holder = escapes.of_expression(view, value)
    return Made(view, call, function, package + dot, value, how, holder)


def hidden(view: View, call: Node, name: str) -> bool:
    """Whether another function of the package time cannot be called the way the call is: ``time`` is imported with a dot,
    and the name means something else here.
    """
    callee = call.child_by_field_name("function")
    if callee is None or callee.type != "identifier":
        return False
    found = view.facts.lookup(view.path, call.start_byte, name)
    return found is None or found.kind != "func" or found.package != "time"


def _parenthesized(node: Node) -> Node:
    while node.parent is not None and node.parent.type == "parenthesized_expression":
        node = node.parent
    return node


def duration(view: View, call: Node) -> int | None:
    """The first argument in nanoseconds, where it is a constant."""
    arguments = call.child_by_field_name("arguments")
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    known = view.facts.expr(view.path, values[0].start_byte, values[0].end_byte) if values else None
    constant = known.constant if known is not None else None
    return int(constant) if constant is not None and re.fullmatch(r"-?\d+", constant) else None


_UNITS = ((3_600_000_000_000, "h"), (60_000_000_000, "m"), (1_000_000_000, "s"), (1_000_000, "ms"), (1000, "us"))


def spelled(nanoseconds: int) -> str:
    """In the largest unit in which it is round, as Go writes it."""
    for size, unit in _UNITS:
        if nanoseconds and nanoseconds % size == 0:
            return f"{nanoseconds // size}{unit}"
    return f"{nanoseconds}ns"


def marks(timer: Made, uses: Iterable[Use], literals: tuple[int, ...]) -> Marks:
    """What a statement of the function (the one with these literals around it) does to the timer or ticker.

    Stop settles it, Reset opens it again; a timer that was received from has fired, and holds nothing any more.
    """
    own = sorted((u for u in uses if u.literals == literals), key=lambda u: u.ref.start)

    def mark(node: Node) -> State | None:
        if flow.contains(node, timer.call):
            return State.OPEN
        change = None
        for use in own:
            if node.start_byte <= use.ref.start < node.end_byte:
                change = _effect(timer, use) or change
        return change

    return mark


def _effect(timer: Made, use: Use) -> State | None:
    if use.how is How.CALLED and use.member in ("Stop", "Reset"):
        return State.SETTLED if use.member == "Stop" else State.OPEN
    fired = not timer.ticks and use.how is How.RECEIVED and use.variable == timer.holder
    return State.SETTLED if fired else None


def endless(timer: Made, uses: Iterable[Use]) -> Callable[[Node], bool]:
    """Loops that only a jump leaves: a range over its channel is one, for Stop does not close it."""
    ranges = [u.ref.outer_start for u in uses if u.how is How.RECEIVED and u.ref.role == "range"]
    ranges.append(timer.value.start_byte)

    def test(loop: Node) -> bool:
        operand = flow.clause(loop)
        right = operand.child_by_field_name("right") if operand is not None else None
        return flow.is_endless(loop) or (right is not None and right.start_byte in ranges)

    return test
