"""Report loops that sleep for a millisecond or less.

A sleeping goroutine is parked and costs nothing; to wake it costs something. A loop around ``time.Sleep(d)`` with a ``d``
of a millisecond or less wakes up to a thousand times a second, or as often as the system's timers let it. On the machine
this was measured on (Linux, Go 1.26), one such loop that does nothing else took 2 to 4 % of a core, where one that sleeps
for 10 ms took 1 %, and kept the core from going idle. Shorter was hardly sooner: ``time.Sleep(time.Microsecond)`` came
back after half a millisecond.

What to do instead depends on what is waited for: a channel that is closed or sent to (cond-poll makes one of a bool), a
``sync.Cond``, a ``sync.WaitGroup``, a longer wait; for pacing, one Sleep after many items, or a ticker. Which one is for
a person to say, so that nothing is edited here.

| the loop | reported as |
|---|---|
| a constant of at most 1 ms and more than 0 | ``wakes-too-often`` |
| ... that is a bare number, such as ``time.Sleep(100)`` | the same; perhaps a unit is missing (staticcheck's SA1004) |
| a constant of 0 or less: Sleep returns at once, and the loop spins | ``non-positive-duration`` |

The evidence tells the kind of loop, and the message tells a pace (rounds that are counted, all of which run) from a poll.

No site: a duration that is no constant (a backoff that begins at a millisecond), a Sleep outside of loops, or in a
function literal that a loop makes.

Sources: https://pkg.go.dev/time#Sleep, https://go.dev/issue/44343, https://staticcheck.dev/docs/checks/#SA1004.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from gocodemod.analysis import flow, timers
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = """
(call_expression function: [
    (selector_expression field: (field_identifier) @name)
    (identifier) @name
  ]
  (#eq? @name "Sleep")) @site
"""
NEEDLES = (b"Sleep", b"time")
_SHORT = 1_000_000
# In most loops it can be read off that the wait is longer: those are no sites, suppressed or not.
_LONG = re.compile(
    rb"^\(\s*(([1-9]\d*\s*\*\s*)?\w+\.(Second|Minute|Hour)|([2-9]|[1-9]\d+)\s*\*\s*\w+\.Millisecond)\s*\)$"
)
_NUMBERS = frozenset({"int_literal", "float_literal"})


def match(source: Source, node: Node) -> Node | None:
    """Calls of Sleep of the package time, as the imports name it, whose nearest loop is in the same function."""
    callee = node.child_by_field_name("function")
    if callee is None or not flow.loops_around(node):
        return None
    package = source.text(callee).decode("utf-8", "replace").rpartition(".")[0]
    if source.imports().get(package or ".") != "time":
        return None
    arguments = node.child_by_field_name("arguments")
    return None if arguments is None or _LONG.search(source.text(arguments)) else node


def decide(candidate: Candidate, context: Context) -> Decision | None:
    node = candidate.node
    view = View.around(candidate.source, context.facts, node, context.language)
    if view is None:
        return None
    known = view.call_at(node)
    if known is None or known.kind == "unknown":
        return Refusal("types-unavailable", "time.Sleep did not resolve")
    wait = timers.duration(view, node) if known.name == "time.Sleep" else None
    if wait is None or wait > _SHORT:
        return None
    loop = flow.loops_around(node)[0]
    evidence = {"loop": _kind(view, loop), "line": str(view.line(loop.start_byte))}
    if wait <= 0:
        message = "the Sleep returns at once, and does not pause the loop"
        return Refusal("non-positive-duration", message, evidence, Level.REPORT)
    often = "up to a thousand times a second" if wait == _SHORT else "as often as the system's timers let it"
    message = f"the loop sleeps for {timers.spelled(wait)}: it wakes {often}"
    if _paces(view, loop):
        message = (
            f"the loop pauses for {timers.spelled(wait)} between its rounds, which are so many: a pace, not a poll"
        )
    if _is_number(node):
        message += "; perhaps a unit is missing"
    return Refusal("wakes-too-often", message, evidence, Level.REPORT)


def _is_number(call: Node) -> bool:
    arguments = call.child_by_field_name("arguments")
    given = [a for a in arguments.named_children if a.type != "comment"] if arguments is not None else []
    return len(given) == 1 and given[0].type in _NUMBERS


def _paces(view: View, loop: Node) -> bool:
    """Whether the loop's rounds are counted, by a number or by the items of a slice or map, and all of them run."""
    counted = flow.counts(view.facts, view.path, loop)
    items = flow.is_range(loop) and not flow.ranges_over_channel(view.facts, view.path, loop)
    return (counted or items) and not any(n.type == "break_statement" for n in flow.exits(loop))


def _kind(view: View, loop: Node) -> str:
    """What the loop goes round for."""
    if flow.counts(view.facts, view.path, loop):
        return "counted"
    if flow.is_range(loop):
        return "once for each item"
    return "endless" if flow.condition(loop) is None else "until its condition fails"


transform = Transform(__name__, __doc__, QUERY, NEEDLES, match, decide, subject="tell of loops that wake too often")
