"""What a fake clock changes: a Sleep ends at an exact instant, and so does whatever else takes time.

By a real clock a Sleep of 100ms ends a little after a timer of 100ms that was started before, and ``Since`` says a little
more. By the clock of a bubble both are the same instant, and which comes first is open. Where two may meet, nothing is
promised; where they cannot, the order is what the durations say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.bubble import Bubble
from gocodemod.analysis.reach import Body
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call
from gocodemod.model import Refusal

# Calls that take a duration and end, fire or give up when it has passed; where it stands among their arguments.
_TIMED = {
    "time.Sleep": 0, "time.After": 0, "time.NewTimer": 0, "time.NewTicker": 0, "time.Tick": 0, "time.AfterFunc": 0,
    "(*time.Timer).Reset": 0, "(*time.Ticker).Reset": 0, "context.WithTimeout": 1, "context.WithTimeoutCause": 1,
}  # fmt: skip
_READS = ("time.Now", "time.Since", "time.Until", "(context.Context).Deadline", "context.WithDeadline")
# What makes numbers or text of a time or a duration that was measured.
_MEASURES = re.compile(
    r"\(time\.Duration\)\.(Hours|Minutes|Seconds|Milliseconds|Microseconds|Nanoseconds|String|Round|Truncate|Abs)"
    r"|\(time\.Time\)\.(Format|AppendFormat|String|GoString|Unix\w*|Year|Month|Day|Date|Clock|Hour|Minute|Second|Nanosecond"
    r"|YearDay|Weekday|ISOWeek|Marshal\w*|Round|Truncate)"
)
_MOST = 12


@dataclass(frozen=True)
class Clock:
    """``idle``: no time passes but that of the test's own sleeps, so that each is a wait for the others to come to rest.

    ``others``: the durations that else play a part, in nanoseconds.
    """

    idle: bool
    others: tuple[int, ...]


def of(bubble: Bubble, sleeps: list[Node]) -> Clock | Refusal:
    """``sleeps``: calls of ``time.Sleep`` in the test's own code (the first body).

    Time limits of the test that fail it are left out: where it passes by a real clock, what they wait for comes before.
    """
    test = bubble.bodies[0]
    own = {(test.view.path, s.start_byte) for s in sleeps}
    timed = [(b, c) for b, c in bubble.calls() if c.name in _TIMED and (b.view.path, c.start) not in own]
    takes = [(b, c) for b, c in timed if not (b is test and _fails(b.view, c))]
    reads = [c for _, c in bubble.calls() if c.name.startswith(_READS)]
    looped = [s for s in sleeps if flow.loops_around(s)]
    others = tuple(sorted(_durations(bubble, own)))
    lengths = [_constant(test.view, _duration(s)) for s in sleeps]
    known = [n for n in lengths if n is not None]
    if not takes and not reads:
        settles = not looped and len(known) == len(lengths) and all(n > 0 for n in known)
        return Clock(idle=settles, others=others if timed else ())
    if reads and (what := _measured(bubble)):
        return Refusal("measures-time", what)
    for body, call in timed:
        if why := _unknown(body, call):
            return why
    if len(known) < len(lengths) or looped or len(known) > _MOST:
        what = "in a loop" if looped else "of a length that is not constant"
        return Refusal("same-instant", f"the test sleeps {what}, beside what else takes time: they may end together")
    if len(takes) > 1 or (takes and reads):
        first = takes[0][1]
        what = "the clock is looked at" if reads else "something else takes time"
        return Refusal("same-instant", f"{what} beside {first.name} (line {takes[0][0].view.line(first.start)})")
    if together := meeting(known, list(others)):
        return Refusal("same-instant", f"a sleep may end at the very instant of what else takes {spelled(together)}")
    return Clock(idle=False, others=others)


def _measured(bubble: Bubble) -> str:
    """Where a measured time becomes a number or a text, such as ``time.Since(start).Seconds()`` and ``int64(elapsed)``."""
    for body, call in bubble.calls():
        if _MEASURES.fullmatch(call.name):
            return f"{call.name.rsplit('.', 1)[-1]} in line {body.view.line(call.start)}{_where(body)}"
    for body, node in bubble.nodes():
        if node.type not in ("call_expression", "type_conversion_expression") or body.view.call_at(node) is not None:
            continue
        view = body.view
        given = node.child_by_field_name("arguments") or node.child_by_field_name("operand")
        inner = (
            given.named_children[0]
            if given is not None and given.type == "argument_list" and given.named_children
            else given
        )
        made, of_what = (
            view.facts.expr(view.path, n.start_byte, n.end_byte) if n is not None else None for n in (node, inner)
        )
        converts = (
            made is not None
            and of_what is not None
            and of_what.type == "time.Duration"
            and made.type != "time.Duration"
        )
        if converts and of_what is not None and of_what.constant is None:
            return f"{view.text(node)} in line {view.line(node.start_byte)}{_where(body)}"
    return ""


def _where(body: Body) -> str:
    return f" of {body.name}" if body.name else ""


def _fails(view: View, call: Call) -> bool:
    """Whether it is the time limit of a select, and the test fails when it comes: ``case <-time.After(d): t.Fatal()``."""
    node: Node | None = view.source.node_at(call.start, call.end)
    while node is not None and node.type not in ("communication_case", *flow.FUNCTIONS):
        node = node.parent
    waited = (
        node.child_by_field_name("communication") if node is not None and node.type == "communication_case" else None
    )
    if (
        node is None
        or waited is None
        or call.name != "time.After"
        or not waited.start_byte <= call.start < waited.end_byte
    ):
        return False
    inner = flow.statements(node)
    return bool(inner) and flow.never_returns(inner[-1]) and "Skip" not in view.text(inner[-1])


def meeting(sleeps: list[int], others: list[int]) -> int:
    """The least sum of some sleeps that the other durations make, too, each as often as it likes; 0 if there is none."""
    sums = {0}
    for length in sleeps:
        sums |= {s + length for s in sums}
    reached = {0}
    frontier = [0]
    most = max(sums)
    while frontier and len(reached) < 100_000:
        at = frontier.pop()
        for step in others:
            if step > 0 and at + step <= most and at + step not in reached:
                reached.add(at + step)
                frontier.append(at + step)
    if frontier:
        return most
    return min((sums & reached) - {0}, default=0)


def _unknown(body: Body, call: Call) -> Refusal | None:
    """Why the duration of a timed call may be anything."""
    view = body.view
    node = view.source.node_at(call.start, call.end)
    arguments = node.child_by_field_name("arguments")
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    position = _TIMED[call.name]
    if position >= len(values):
        return Refusal("duration-unknown", f"line {view.line(call.start)}")
    value = values[position]
    if _constant(view, value) is not None:
        return None
    ref = view.facts.refs(view.path, value.start_byte, value.end_byte)
    last = view.facts.object(ref[-1].object) if ref and ref[-1].object else None
    plain = value.type in ("identifier", "selector_expression") and last is not None
    # Its value was written somewhere in the code that is looked through, where all constants are counted.
    if plain and last is not None and not (last.kind == "var" and last.scope == "package"):
        return None
    return Refusal("duration-unknown", f"{view.text(value)} in line {view.line(call.start)} may be any duration")


def _durations(bubble: Bubble, own: set[tuple[str, int]]) -> set[int]:
    """Every constant duration in the code, but for the test's own sleeps."""
    found: set[int] = set()
    for body in bubble.bodies:
        stack = [body.view.node]
        while stack:
            node = stack.pop()
            if (body.view.path, node.start_byte) in own and node.type == "call_expression":
                continue
            length = _constant(body.view, node) if node.type in _CONSTANTS else None
            if length is not None:
                found.add(length)
            elif node.type != "const_declaration":
                stack.extend(node.named_children)
    return {n for n in found if n > 0}


_CONSTANTS = frozenset({"identifier", "selector_expression", "binary_expression", "call_expression", "int_literal",
                        "parenthesized_expression", "type_conversion_expression"})  # fmt: skip


def _constant(view: View, node: Node | None) -> int | None:
    """A constant duration in nanoseconds; None for what is none."""
    known = view.facts.expr(view.path, node.start_byte, node.end_byte) if node is not None else None
    if known is None or known.type != "time.Duration" or known.constant is None:
        return None
    return int(known.constant) if known.constant.lstrip("-").isdigit() else None


def _duration(sleep: Node) -> Node | None:
    arguments = sleep.child_by_field_name("arguments")
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    return values[0] if values else None


def spelled(nanoseconds: int) -> str:
    """For people, in the largest unit in which it is round."""
    for size, unit in ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")):
        if nanoseconds % size == 0:
            return f"{nanoseconds // size}{unit}"
    return f"{nanoseconds}ns"
