"""Stop the timer of a time.After that a loop's select waits for beside other cases.

``time.After(d)`` makes a timer that nothing can stop. In the select of a loop each round makes another one, and where
the ``go`` line of the main module is below 1.23 (and the toolchain below 1.27) each of them, with its channel, is kept
until ``d`` has passed: a loop that takes a thousand messages a second beside ``case <-time.After(time.Minute)`` holds sixty
thousand of them. The rewrite gives the timer a name, and stops it wherever another case was chosen.

    for {                                            for {
        select {                                         timer := time.NewTimer(d)
        case m := <-messages:                            select {
            handle(m)                                    case m := <-messages:
        case <-time.After(d):                                timer.Stop()
            flush()                                          handle(m)
        }                                                case <-timer.C:
    }                                                        flush()
                                                         }
                                                     }

Everything else stays as it was: each round evaluates ``d`` and starts its wait when it comes to the select. Several
``time.After`` in one select are one site. Applied only where timers are not collectable; elsewhere there is nothing to
gain, and the site is ``collected-by-runtime``.

Why not one timer for all rounds, with ``Reset``: the usual ``if !timer.Stop() { select { case <-timer.C: default: } }``
before it is a race below Go 1.23. The runtime marks a timer as expired before it sends to the channel, so Stop can return
false while the drain finds nothing yet; the value arrives behind the Reset, and the next round times out at once. (A
program that aims at that moment hits it with one of a hundred timers.) Only a drain that blocks, in each case but the
timer's own, would be right, and takes three lines where the Stop takes one. What the loop pays for is an allocation a
round, as before; what ends is the pile.

Reported, with any version of Go (``restarted-each-round``): a wait that can never pass, because something shorter begins
every round anew: a ``default:``, a shorter ``time.After``, or a ticker with a shorter period, in the same select. A
deadline for the loop as a whole is made once, before it. Beside a channel that may be silent, the wait is an idle
timeout, which is right, and stays one.

No site: ``<-time.After(d)`` by itself and a select without other cases (it always fires, nothing is left behind), and
``time.After`` outside of the select or the loop. Not handled, and why: operands before it that do more than name a
channel or call a getter (``operand-order``: the timer would start before them), and a ``goto`` to the select (``goto-over-declaration``).

Sources: https://pkg.go.dev/time#After, https://pkg.go.dev/time#Timer.Reset, https://go.dev/issue/14383,
https://go.dev/doc/go1.23#timer-changes, https://go.dev/ref/spec#Select_statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import escapes, flow, layout, names, periods, reach, timers
from gocodemod.analysis.escapes import How
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.model import Decision, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = """
(call_expression function: [
    (selector_expression field: (field_identifier) @name)
    (identifier) @name
  ]
  (#eq? @name "After")) @site
"""
NEEDLES = (b"After", b"time")


def match(source: Source, node: Node) -> Node | None:
    """The first time.After that the cases of a loop's select receive from; several in one select are one site."""
    case = _case_of(node)
    select = case.parent if case is not None else None
    if select is None or not _is_after(source, node) or not flow.loops_around(select):
        return None
    return next(c for c in _calls(source, select) if c is not None)


def _case_of(call: Node) -> Node | None:
    """The case whose communication is a receive from just this call."""
    node, receives = call, 0
    while node.parent is not None and node.parent.type in ("parenthesized_expression", "unary_expression"):
        node = node.parent
        receives += node.type == "unary_expression"
    case = node.parent.parent if node.parent is not None and node.parent.type == "receive_statement" else None
    return case if receives == 1 and case is not None and case.type == "communication_case" else None


def _is_after(source: Source, call: Node) -> bool:
    callee = call.child_by_field_name("function")
    if callee is None:
        return False
    package, _, name = source.text(callee).decode("utf-8", "replace").rpartition(".")
    return name == "After" and source.imports().get(package or ".") == "time"


def _calls(source: Source, select: Node) -> Iterator[Node | None]:
    """For each case of a select, in source order, the time.After that it receives from, None for any other case."""
    for case in select.named_children:
        if case.type in flow.CASES:
            communication = case.child_by_field_name("communication")
            inner = flow.inside(communication) if communication is not None else iter(())
            found = (n for n in inner if n.type == "call_expression" and _case_of(n) == case and _is_after(source, n))
            yield next(found, None)


@dataclass(frozen=True)
class _Select:
    """``cases``: its cases with the time.After each receives from, if it does."""

    view: View
    node: Node
    loop: Node
    cases: tuple[tuple[Node, Node | None], ...]

    @property
    def calls(self) -> tuple[Node, ...]:
        return tuple(call for _, call in self.cases if call is not None)


def decide(candidate: Candidate, context: Context) -> Decision | None:
    view = View.around(candidate.source, context.facts, candidate.node, context.language)
    case = _case_of(candidate.node)
    node = case.parent if case is not None else None
    if view is None or node is None:
        return None
    known = view.call_at(candidate.node)
    if known is None or known.kind == "unknown":
        return Refusal("types-unavailable", "time.After did not resolve")
    if known.name != "time.After":
        return None
    cases = [c for c in node.named_children if c.type in flow.CASES]
    if len(cases) < 2:
        return None
    select = _Select(view, node, flow.loops_around(node)[0], tuple(zip(cases, _calls(view.source, node), strict=True)))
    return _refuse(select, context) or _fix(select)


def _refuse(select: _Select, context: Context) -> Refusal | None:
    view = select.view
    if (why := _never_passes(select)) is not None:
        return Refusal("restarted-each-round", why, level=Level.REPORT)
    if context.language.timers_collectable:
        return Refusal("collected-by-runtime", "since Go 1.23 the runtime collects the timer of time.After")
    if any(timers.hidden(view, call, "NewTimer") for call in select.calls):
        return Refusal("import-name-taken", "NewTimer means something else here, and time is imported with a dot")
    place = flow.labelled(select.node)
    labels = {n.child_by_field_name("label") for n in _labels(place)}
    gotos = {flow.jump_label(n) for n in flow.inside(view.function) if n.type == "goto_statement"}
    if flow.goto_jumps_over(view.function, place) or any(n is not None and n.text in gotos for n in labels):
        return Refusal("goto-over-declaration", "a goto leads past the place where the timer would be declared")
    last = max(i for i, (_, call) in enumerate(select.cases) if call is not None)
    for case, call in select.cases[:last]:
        if call is None and not (periods.plain(view, case) or _receives_from_getter(view, context, case)):
            line = view.line(case.start_byte)
            return Refusal("operand-order", f"the case at line {line} evaluates its operands before the timer starts")
    return None


def _receives_from_getter(view: View, context: Context, case: Node) -> bool:
    """``case <-s.Stopping():``, where the method does no more than return a field."""
    communication = case.child_by_field_name("communication")
    received = communication.child_by_field_name("right") if communication is not None else None
    operand = received.child_by_field_name("operand") if received is not None else None
    known = view.call_at(operand) if operand is not None else None
    if known is None or operand is None or known.kind not in ("function", "method"):
        return False
    callee, arguments = operand.child_by_field_name("function"), operand.child_by_field_name("arguments")
    named = callee is not None and re.fullmatch(r"[\w.]+", view.text(callee)) is not None
    body = reach.declared(context, view, known.object)
    inner = flow.statements(body.view.node) if body is not None else []
    if not named or arguments is None or arguments.named_children or body is None or len(inner) != 1:
        return False
    return re.fullmatch(r"return [\w.]+", body.view.text(inner[0])) is not None


def _labels(statement: Node) -> Iterator[Node]:
    while statement.type == "labeled_statement":
        yield statement
        statement = statement.named_children[-1]


# --- a wait that never passes ---------------------------------------------------------------------------------------


def _never_passes(select: _Select) -> str | None:
    """Why one of the waits is started anew for ever."""
    if any(case.type == "default_case" for case, _ in select.cases):
        return "with a default case no round waits: each makes a timer and looks at it once"
    periods_ = [_period(select, case, call) for case, call in select.cases]
    short = [
        p
        for p, (case, _) in zip(periods_, select.cases, strict=True)
        if p is not None and not flow.always_leaves(case, select.loop)
    ]
    for call in select.calls:
        wait = timers.duration(select.view, call)
        shorter = min((p for p in short if wait is not None and p < wait), default=None)
        if wait is not None and shorter is not None:
            return f"a wait of {timers.spelled(wait)} never passes: a shorter one of {timers.spelled(shorter)} begins each round anew"
    return None


def _period(select: _Select, case: Node, call: Node | None) -> int | None:
    """After how many nanoseconds at most the case is ready again, where that is known."""
    view = select.view
    if call is not None:
        return timers.duration(view, call)
    ticks = next((r for r in view.refs_in(case) if r.role == "select-receive"), None)
    communication = case.child_by_field_name("communication")
    if ticks is None or communication is None or ticks.start >= communication.end_byte:
        return None
    base = next((r for r in view.refs_in(case) if r.role == "base" and r.selected == ticks.name), None)
    holder = view.facts.object(ticks.object if base is None else base.object)
    if holder is None or holder.scope != "function" or (base is not None and ticks.name != timers.CHANNEL):
        return None
    return _ticker_period(view, holder.id)


def _ticker_period(view: View, holder: str) -> int | None:
    """The period of the only ticker a local variable ever holds, if nothing changes or stops it before the function ends."""
    uses = escapes.uses(view, holder, (timers.CHANNEL,))
    sets = [u.ref for u in uses if u.how is How.SET and u.variable == holder]
    makes = [r for r in sets if r.value_start >= 0 or r.role != "define"]
    steady = all(not u.escapes and (u.member in ("", timers.CHANNEL) or u.how is How.DEFERRED) for u in uses)
    if len(makes) != 1 or makes[0].value_start < 0 or not steady:
        return None
    value = view.source.node_at(makes[0].value_start, makes[0].value_end)
    made = view.call_at(value)
    return timers.duration(view, value) if made is not None and made.name in ("time.NewTicker", "time.Tick") else None


# --- the fix --------------------------------------------------------------------------------------------------------


def _fix(select: _Select) -> Fix:
    view = select.view
    named = dict(zip((c.start_byte for c in select.calls), _names(select), strict=True))
    making, edits = "", []
    for _, call in select.cases:
        if call is not None:
            name, callee = named[call.start_byte], call.child_by_field_name("function")
            arguments = call.child_by_field_name("arguments")
            assert callee is not None and arguments is not None, "the query matched a call"
            package = view.text(callee).removesuffix("After")
            making += f"{name} := {package}NewTimer{view.text(arguments)}\n"
            edits.append(layout.edit(call.start_byte, call.end_byte, f"{name}.{timers.CHANNEL}"))
    edits.append(layout.before(view.source, flow.labelled(select.node), making))
    for case, call in select.cases:
        others = [n for start, n in named.items() if call is None or start != call.start_byte]
        if others:
            edits.append(layout.prepend(view.source, case, "".join(f"{n}.Stop()\n" for n in others)))
    evidence = {
        "wait": "starts anew with each round, as before",
        "gain": _gain(select),
    }
    change = FileChange(view.path, tuple(sorted(edits)))
    return Fix((change,), Level.SAFE, "the timer is stopped where another case is chosen", evidence)


def _gain(select: _Select) -> str:
    others = [case for case, call in select.cases if call is None or len(select.calls) > 1]
    staying = [case for case in others if not flow.always_leaves(case, select.loop)]
    if not staying:
        return "one timer less that is kept until it fires when the loop is left"
    line = select.view.line(staying[0].start_byte)
    return f"each round that takes the case at line {line} left a timer behind until it fired"


def _names(select: _Select) -> list[str]:
    """Free names, one for each call; those of earlier sites in the blocks around are left to them."""
    view, place = select.view, select.node.start_byte
    earlier = sum(
        1
        for node in flow.everything(view.outermost)
        if node.type == "select_statement" and node.start_byte < place and _in_scope(node, select.node)
        for call in _calls(view.source, node)
        if call is not None
    )
    found: list[str] = []
    number = 0
    while len(found) < earlier + len(select.calls):
        found.append(names.fresh(view.facts, view.path, place, view.outermost, "timer", number + 1))
        number = int(found[-1].removeprefix("timer") or 1)
    return found[earlier:]


def _in_scope(earlier: Node, select: Node) -> bool:
    """Whether what is declared before the earlier select is visible at the other one."""
    block = flow.labelled(earlier).parent
    return block is not None and flow.contains(block, select)


transform = Transform(
    __name__, __doc__, QUERY, NEEDLES, match, decide, subject="stop timers that a select no longer waits for"
)
