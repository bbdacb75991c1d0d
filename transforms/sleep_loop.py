"""Replace time.Sleep loops by a ticker, or a timer, that a stop signal can interrupt.

A goroutine in ``time.Sleep`` is parked: it costs no CPU, but nothing can wake it. A loop that waits by Sleep
cannot be stopped before the wait is over, so shutdown is slow or the goroutine leaks, and its period drifts by
the length of the work. The rewrite keeps the wait where it stood (the first iteration runs when it ran before) and
makes it a ``select`` on the wait and on a stop signal that is already in scope.

| the loop | the edit |
|---|---|
| periodic (see below) | ``ticker := time.NewTicker(d)`` and ``defer ticker.Stop()`` before the loop, ``select`` on the signal and ``<-ticker.C`` |
| periodic, Sleep first | the same, with the body in the ticker's case |
| one select whose ``default:`` begins with the Sleep | ``default:`` and the Sleep become ``case <-ticker.C:`` |
| any other wait with a signal | ``select`` on the signal and ``<-time.After(d)``; ``time.NewTimer`` and ``Stop`` where timers are not collectable |
| Sleep as the post statement | the timer form at the end of the body |

Periodic means: an endless ``for`` that is the function's last statement and in no other loop, passes its only Sleep
once per iteration, for a constant positive duration, and leaves only on the stop signal; nothing in it blocks for
long. A ticker keeps a period where Sleep keeps a gap: with 30 ms of work and a 100 ms Sleep, runs start every 100 ms
instead of every 130 ms, and work as long as the period leaves no gap at all. Where that matters, ``--cadence gap``
uses the timer form everywhere. ``time.NewTicker`` panics for a duration that is not positive, so only constants known
to be positive become tickers; Ticker.Stop does not close the channel, so the loop never ranges over it.

The level is safe where the exit that the signal triggers can be told from success: a return that ends a goroutine, an
error, or the exit the loop already had. Elsewhere it is review: a plain return to a caller, and the ``return false`` of a
loop whose tries are used up.

Where no signal is in scope, a context is brought from the callers, or from main, if every call on the way can be changed
(docs/context-threading.md); such a fix is always review.

Not handled, and why: loops to which no signal can be brought (``no-stop-signal`` and the reasons of that page), waits while a lock is held
(``sleeps-under-lock``: the lock is the problem), functions that would have to report a stop and cannot
(``no-way-to-report-stop``), loops their caller relies on as a barrier (``barrier``) or would call again at once
(``caller-would-spin``), loops whose exit does more than a return can copy (``stop-exit-differs``). ``gocodemod explain REASON`` has the rest.

Sources: https://pkg.go.dev/time#Ticker, https://pkg.go.dev/time#After, https://go.dev/doc/go1.23#timer-changes,
https://go.dev/ref/spec#Select_statements.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import callers, exits, flow, layout, locks, names, periods, signals
from gocodemod.analysis.exits import ExitArm
from gocodemod.analysis.signals import Signal
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = """
(expression_statement
  (call_expression function: [
    (selector_expression field: (field_identifier) @name)
    (identifier) @name
  ])
  (#eq? @name "Sleep")) @site
"""
NEEDLES = (b"Sleep", b"time")


def match(source: Source, node: Node) -> Node | None:
    """Keep Sleep statements of the package time, as the imports name it, whose nearest loop is in the same function."""
    callee = node.named_children[0].child_by_field_name("function")
    if callee is None or not flow.loops_around(node):
        return None
    operand = callee.child_by_field_name("operand")
    qualifier = source.text(operand).decode("utf-8", "replace") if operand is not None else "."
    return node if source.imports().get(qualifier) == "time" else None


@dataclass(frozen=True)
class _Wait:
    """The Sleep as found: ``duration`` is the text between the parentheses, ``package`` what stands before ``Sleep`` (with the dot)."""

    view: View
    loop: Node
    statement: Node
    duration: str
    constant: int | None
    package: str
    context: Context

    def edit(self, start: int, end: int, text: str) -> Edit:
        return Edit(start, end, text.encode("utf-8", "surrogateescape"))


def decide(candidate: Candidate, context: Context) -> Decision | None:
    view = View.around(candidate.source, context.facts, candidate.node, context.language)
    if view is None:
        return None
    call = candidate.node.named_children[0]
    known = view.call_at(call)
    if known is None or known.name != "time.Sleep":
        return None if known is not None and known.name else Refusal("types-unavailable", "time.Sleep did not resolve")
    wait = _wait(view, candidate.node, call, context)
    if wait.constant is not None and wait.constant <= 0:
        return Refusal("non-positive-duration", f"the duration is {wait.constant} ns: Sleep returns at once")
    if held := locks.held(view):
        return Refusal("sleeps-under-lock", f"{held[-1]} is held during the wait", level=Level.REPORT)
    if _in_header(wait):
        return Refusal("sleep-in-header", "the Sleep is the init statement of an if, switch or for")
    signal = signals.find(view, wait.loop)
    if isinstance(signal, Refusal):
        return signal
    if _is_post(wait):
        return _armed(wait, signal, _post)
    why_not = _why_no_ticker(wait, signal)
    if why_not is not None:
        return _armed(wait, signal, lambda w, s, arm: _timer(w, s, arm, why_not))
    default = periods.select_default(view, wait.loop)
    if default is not None and any(c.node == default.parent for c in exits.checks(view, wait.loop, signal)):
        return _ticker(wait, signal, ExitArm("", Level.SAFE, "the select's own stop arm stays"), default)
    return _armed(wait, signal, lambda w, s, arm: _ticker(w, s, arm, default))


def _armed(wait: _Wait, signal: Signal, form: Callable[[_Wait, Signal, ExitArm], Decision]) -> Decision:
    """The form with the exit arm that the loop needs, or why there is none."""
    arm = exits.exit_arm(wait.view, wait.loop, signal)
    if isinstance(arm, Refusal):
        return arm
    if spinning := callers.spinning(wait.context, wait.view):
        return Refusal("caller-would-spin", f"{spinning} calls this function in a loop that nothing else slows down")
    return form(wait, signal, arm)


def _why_no_ticker(wait: _Wait, signal: Signal) -> str | None:
    """Why the gap must be kept, None if a ticker may pace the loop."""
    if wait.context.cadence == "gap":
        return "the cadence asked for is a gap"
    if wait.constant is None:
        return "the duration is not a constant"
    if not periods.passed_once(wait.view, wait.loop) and periods.select_default(wait.view, wait.loop) is None:
        return "the wait is not passed exactly once per iteration"
    if _declared_inside(wait):
        return "the duration is declared inside the loop"
    return periods.why_not_periodic(wait.view, wait.loop, signal)


def _declared_inside(wait: _Wait) -> bool:
    found = (wait.view.facts.object(r.object) for r in wait.view.refs_in(wait.statement))
    return any(wait.view.declares(wait.loop, o) for o in found)


def _wait(view: View, statement: Node, call: Node, context: Context) -> _Wait:
    arguments = call.child_by_field_name("arguments")
    callee = call.child_by_field_name("function")
    assert arguments is not None and callee is not None, "the query matched a call"
    operand = callee.child_by_field_name("operand")
    values = [c for c in arguments.named_children if c.type != "comment"]
    value = view.facts.expr(view.path, values[0].start_byte, values[0].end_byte) if values else None
    text = view.source.data[arguments.start_byte + 1 : arguments.end_byte - 1].decode("utf-8", "surrogateescape")
    constant = value.constant if value is not None else None
    return _Wait(
        view,
        flow.loops_around(statement)[0],
        statement,
        text if "//" in text else text.strip().rstrip(","),
        int(constant) if constant is not None and re.fullmatch(r"-?\d+", constant) else None,
        view.text(operand) + "." if operand is not None else "",
        context,
    )


def _in_header(wait: _Wait) -> bool:
    parent = wait.statement.parent
    return parent is not None and parent.type not in ("statement_list", "labeled_statement") and not _is_post(wait)


def _is_post(wait: _Wait) -> bool:
    return flow.update(wait.loop) == wait.statement


def _ticker(wait: _Wait, signal: Signal, arm: ExitArm, default: Node | None) -> Decision:
    loop, view = flow.labelled(wait.loop), wait.view
    if flow.goto_jumps_over(view.function, loop):
        return Refusal("goto-over-declaration", "a goto jumps over the place where the ticker would be declared")
    name = names.fresh(view.facts, view.path, loop.start_byte, view.outermost, "ticker")
    made = f"{name} := {wait.package}NewTicker({wait.duration})\ndefer {name}.Stop()\n"
    edits = [wait.edit(loop.start_byte, loop.start_byte, made)]
    tick = f"case <-{name}.C:"
    level = arm.level
    if default is not None:
        select = default.parent
        assert select is not None, "a default case stands in a select"
        edits += _replace_default(wait, default, tick)
        if not exits.checks(view, wait.loop, signal):
            edits.append(wait.edit(default.start_byte, default.start_byte, _stop_case(wait, signal, arm)))
        if len([c for c in select.named_children if c.type == "communication_case"]) > 1:
            level = Level.REVIEW
    elif arm.text and _wraps_body(wait):
        own = flow.body(wait.loop)
        assert own is not None, "a for statement has a body"
        edits.append(
            layout.replace_statement(
                wait.view.source, wait.statement, f"select {{\n{_stop_case(wait, signal, arm)}{tick}"
            )
        )
        edits += [
            *layout.indent(wait.view.source, wait.statement.end_byte, own),
            layout.append(wait.view.source, own, "}\n"),
        ]
    else:
        edits.append(
            layout.replace_statement(
                wait.view.source, wait.statement, f"select {{\n{_stop_case(wait, signal, arm)}{tick}\n}}"
            )
        )
    period = _period(wait)
    return _fix(wait, signal, arm, edits, level, "ticker", f"period {period}; was: work + gap {period}")


def _period(wait: _Wait) -> str:
    """The duration in Go's own notation where it is round, else as written."""
    for size, unit in ((3_600_000_000_000, "h"), (60_000_000_000, "m"), (1_000_000_000, "s"), (1_000_000, "ms")):
        if wait.constant is not None and wait.constant % size == 0:
            return f"{wait.constant // size}{unit}"
    return " ".join(wait.duration.split())


def _wraps_body(wait: _Wait) -> bool:
    """Whether the Sleep is first and nothing in the body would bind to the select instead of the loop."""
    own = flow.body(wait.loop)
    inner = flow.statements(own) if own is not None else []
    if not inner or inner[0] != wait.statement or len(inner) < 2:
        return False
    breaks = [n for s in inner for n in flow.inside(s) if n.type == "break_statement"]
    return not any(flow.jump_target(n) == wait.loop and flow.jump_label(n) is None for n in breaks)


def _replace_default(wait: _Wait, default: Node, tick: str) -> list[Edit]:
    """``default:`` becomes the tick's case; the Sleep goes, its line too where nothing else stands on it."""
    data = wait.view.source.data
    colon = next(c for c in default.children if c.type == ":")
    start, end = wait.statement.start_byte, wait.statement.end_byte
    if data[end : end + 1] == b";":
        end += 1
    line_start = data.rfind(b"\n", 0, start) + 1
    line_end = data.find(b"\n", end)
    alone = not data[line_start:start].strip() and not data[end:line_end].strip()
    if alone and line_start > colon.end_byte and line_end >= 0:
        start, end = line_start, line_end + 1
    head = data[data.rfind(b"\n", 0, default.start_byte) + 1 : default.start_byte]
    lead, tail = "\n" if head.strip() else "", "" if b"\n" in data[colon.end_byte : start] or alone else "\n"
    return [wait.edit(default.start_byte, colon.end_byte, f"{lead}{tick}{tail}"), Edit(start, end, b"")]


def _timer(wait: _Wait, signal: Signal, arm: ExitArm, why: str) -> Decision:
    select, problem = _timer_select(wait, signal, arm)
    if problem is not None:
        return problem
    edits = [layout.replace_statement(wait.view.source, wait.statement, select)]
    return _fix(wait, signal, arm, edits, arm.level, "timer", f"gap kept: {why}")


def _timer_select(wait: _Wait, signal: Signal, arm: ExitArm) -> tuple[str, Refusal | None]:
    """The select that waits for the duration once, or why it cannot be written."""
    if wait.context.language.timers_collectable:
        return f"select {{\n{_stop_case(wait, signal, arm)}case <-{wait.package}After({wait.duration}):\n}}", None
    if flow.goto_jumps_over(wait.view.function, wait.statement):
        return "", Refusal("goto-over-declaration", "a goto jumps over the place where the timer would be declared")
    earlier = sum(_is_sleep(wait, s) for s in flow.siblings(wait.statement)[0])
    view = wait.view
    name = names.fresh(view.facts, view.path, wait.statement.start_byte, view.outermost, "timer", 1 + earlier)
    made = f"{name} := {wait.package}NewTimer({wait.duration})\n"
    stop = _stop_case(wait, signal, arm, before=f"{name}.Stop()\n")
    return f"{made}select {{\n{stop}case <-{name}.C:\n}}", None


def _is_sleep(wait: _Wait, statement: Node) -> bool:
    while statement.type == "labeled_statement":
        statement = statement.named_children[-1]
    return wait.view.text(statement).startswith(f"{wait.package}Sleep(")


def _post(wait: _Wait, signal: Signal, arm: ExitArm) -> Decision:
    """Sleep as the post statement: moved to the body's end, where every round that goes on passes."""
    own = flow.body(wait.loop)
    assert own is not None, "a for statement has a body"
    if flow.continues(wait.loop):
        return Refusal("sleep-in-post", "a continue in the loop would jump past the wait at the body's end")
    select, problem = _timer_select(wait, signal, arm)
    if problem is not None:
        return problem
    declared = {r.name for r in wait.view.refs_in(own) if r.role == "define"}
    if declared & set(re.findall(r"\w+", select)):
        return Refusal("sleep-in-post", "the body declares a name that the wait would use")
    edits = [_without_post(wait), layout.append(wait.view.source, own, f"{select}\n")]
    return _fix(
        wait, signal, arm, edits, arm.level, "timer", "gap kept: moved from the post statement to the body's end"
    )


def _without_post(wait: _Wait) -> Edit:
    """The header as gofmt has it without its post statement: no semicolons where only a condition is left, or nothing."""
    clause = flow.clause(wait.loop)
    assert clause is not None, "a post statement stands in a for clause"
    if clause.child_by_field_name("initializer") is not None:
        return Edit(wait.statement.start_byte, wait.statement.end_byte, b"")
    condition = clause.child_by_field_name("condition")
    return Edit(clause.start_byte, clause.end_byte, wait.view.source.text(condition) if condition is not None else b"")


def _stop_case(wait: _Wait, signal: Signal, arm: ExitArm, before: str = "") -> str:
    text = arm.text.replace(exits.CONTEXT, layout.import_name(wait.view.source, "context"))
    return f"case <-{signal.receive}:\n{before}{text}" + ("\n" if text else "")


def _fix(
    wait: _Wait, signal: Signal, arm: ExitArm, edits: list[Edit], level: Level, form: str, cadence: str
) -> Decision:
    if arm.needs_context:
        name = layout.import_name(wait.view.source, "context")
        here = wait.view.facts.lookup(wait.view.path, wait.statement.start_byte, name)
        if here is not None and here.kind != "package":
            return Refusal(
                "no-way-to-report-stop", f"{name} means something else here, so context.Canceled cannot be named"
            )
    evidence = {
        "signal": signal.described,
        "form": form,
        "cadence": cadence,
        "exit": f"{arm.text.replace(exits.CONTEXT, 'context') or 'none of its own'} ({arm.why})",
    }
    if wait_caution := signal.caution:
        evidence["caution"], level = wait_caution, Level.REVIEW
    imports = ("context",) if arm.needs_context else ()
    change = FileChange(wait.view.path, tuple(sorted(edits)), add_imports=imports)
    message = f"the wait ends when {signal.receive} does: time.Sleep becomes a {form}"
    return Fix((change,), level, message, evidence)


transform = Transform(
    __name__,
    __doc__,
    QUERY,
    NEEDLES,
    match,
    decide,
    subject="let a stop signal end the wait",
    threads=frozenset({"no-stop-signal"}),
)
