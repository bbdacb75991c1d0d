"""Bound a wait for a goroutine: select on the channel and on a context with a timeout.

``<-ch`` waits for ever if the goroutine that should send or close never does. Where the function can report an error, the
wait becomes a ``select`` on the channel and on ``context.WithTimeout``; the function then returns zero values and
``ctx.Err()``, which is ``context.DeadlineExceeded`` after the timeout.

| the wait | the edit |
|---|---|
| ``<-done`` | ``select { case <-done: case <-ctx.Done(): return ctx.Err() }`` |
| ``v := <-ch`` and little more than a return | ``case v := <-ch:`` with what follows in it |
| ``v := <-ch``, ``v, ok := <-ch``, ``var v = <-ch`` | ``var v T`` before the select, ``case v = <-ch:`` |
| ``x = <-ch``, ``return <-ch``, ``if err := <-ch; err != nil {`` | the same in a case |
| ``wg.Wait()`` on a local WaitGroup | a goroutine waits for the group and closes ``done``; the select waits for that |
| a wait in a loop | ``cancel()`` in each case instead of ``defer cancel()`` |

The context is derived from the one in scope, so that the wait ends with that as well; where that one may have fired
already (a join after a cancel, a Close), from ``context.WithoutCancel`` of it (Go 1.21) or ``context.Background()``. The
timeout is 30 seconds, or what the configuration says:

    [transforms.wait-timeout]
    timeout = "5s"

The goroutine that was waited for goes on after an early return, so it must be able to: a local unbuffered channel that is
sent to once gets a capacity of one, or its sender would wait for a receiver for ever. The level is always review, because
the function now fails where it used to wait.

Not a site, because something else bounds the wait or it is the life of the program: ``<-ctx.Done()``, timers and tickers,
``os.Signal`` channels, what a call that was given a context returned, the last wait of main, receives in a select.

Not handled, and why: functions without an error result (``no-way-to-report-stop``); channels whose senders are out of
sight or would be blocked for ever (``sender-out-of-sight``, ``would-leak-sender``); goroutines that may not be left behind
(``worker-uses-freed-resource``, ``worker-writes-after-return``, ``late-result-leaks``, ``lets-the-next-in``); returns that
would skip something (``skips-cleanup``, ``hides-an-error``, ``waits-again``) or give up too soon
(``goes-on-after-failure``); waits that are meant to be long (``runs-until-stopped``, ``start-barrier``,
``caller-sets-the-limit``) or are no waits for a result (``slot-or-token``, ``ends-by-itself``). ``gocodemod explain
REASON`` has the rest.

Sources: https://pkg.go.dev/context#WithTimeout, https://go.dev/blog/pipelines, https://go.dev/ref/mem,
https://go.dev/ref/spec#Select_statements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tree_sitter import Node

from gocodemod.analysis import (
    bounding,
    closings,
    deadlines,
    firing,
    flow,
    layout,
    leaving,
    lifetimes,
    names,
    origins,
    reach,
    returns,
    senders,
    signals,
    skipping,
)
from gocodemod.analysis.bounding import Bounded
from gocodemod.analysis.leaving import Left
from gocodemod.analysis.view import View
from gocodemod.golang import durations
from gocodemod.golang.facts import Ref
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Option, Transform

QUERY = """
[
  (unary_expression operator: "<-") @site
  ((call_expression function: (selector_expression field: (field_identifier) @name)) @site (#eq? @name "Wait"))
]
"""
NEEDLES = ((b"<-", b"Wait"),)

_DEFAULT = "30s"
_WITHOUT_CANCEL = (1, 21)
_HOLDERS = frozenset({"short_var_declaration", "assignment_statement", "return_statement"})
# Names of channels that hand out slots, locks or turns.
_SLOTS = frozenset(
    {
        "sem", "sema", "semaphore", "slot", "slots", "token", "tokens", "limit", "limits", "limiter", "throttle", "permit",
        "permits", "ticket", "tickets", "mutex", "mu", "lock", "pool", "free", "bucket", "guard", "turn", "inflight",
        "concurrency", "gate", "idle", "sched", "rate",
    }
)  # fmt: skip
_SHOWN = 4
_BUILTINS = ("make", "close")
_TIMERS = frozenset({"time.Time", "os.Signal"})


def _timeout(value: Any) -> int:
    """Nanoseconds of the option's value; raises ValueError that says what was expected."""
    try:
        return durations.parse(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError('a duration such as "30s"') from error


OPTIONS = (Option("timeout", f'"{_DEFAULT}"', _timeout),)


def match(source: Source, node: Node) -> Node | None:
    """Keep calls of Wait that are statements, and receives that are a statement, a whole value assigned or returned."""
    holder = node.parent
    if node.type == "call_expression" or (holder is not None and holder.type == "expression_statement"):
        return node if holder is not None and holder.type == "expression_statement" else None
    if holder is None or holder.type != "expression_list" or len(holder.named_children) != 1 or holder.parent is None:
        return None
    statement = holder.parent
    if statement.type == "var_spec":
        return node if statement.parent is not None and statement.parent.type == "var_declaration" else None
    if statement.type == "assignment_statement":
        sign = statement.child_by_field_name("operator")
        return node if sign is not None and source.text(sign) == b"=" else None
    return node if statement.type in _HOLDERS else None


@dataclass(frozen=True)
class _Wait:
    """``node``: the receive or call. ``statement``: what is rewritten. ``group``: name of the WaitGroup, "" for a channel."""

    view: View
    node: Node
    statement: Node
    group: str
    context: Context

    @property
    def in_loop(self) -> bool:
        return bool(flow.loops_around(self.statement))


def decide(candidate: Candidate, context: Context) -> Decision | None:
    view = View.around(candidate.source, context.facts, candidate.node, context.language)
    if view is None:
        return None
    wait = _wait(view, context)
    if isinstance(wait, Refusal) or wait is None:
        return wait
    left = _plan(wait)
    return _fix(wait, left) if isinstance(left, Left) else left


def _wait(view: View, context: Context) -> _Wait | Refusal | None:
    """The wait as found; None where it is none, or something else bounds it."""
    node = view.node
    holder = node.parent.parent if node.parent is not None and node.parent.type == "expression_list" else node.parent
    statement = holder.parent if holder is not None and holder.type == "var_spec" else holder
    assert statement is not None, "match looked at it"
    outer = statement.parent
    if outer is not None and outer.type == "if_statement" and outer.child_by_field_name("initializer") == statement:
        statement = outer
    if node.type == "call_expression":
        call = view.call_at(node)
        if call is None or call.name != lifetimes.GROUP_WAIT:
            return None
        found = lifetimes.group(view, call, view.outermost)
        return _Wait(view, node, statement, found.name, context) if found is not None else None
    known = view.facts.expr(view.path, node.start_byte, node.end_byte)
    if known is None or not known.type:
        return Refusal("types-unavailable", "the type of what is received is not known")
    if known.type in _TIMERS or _bounded(view, node):
        return None
    return _Wait(view, node, statement, "", context)


def _bounded(view: View, node: Node) -> bool:
    """Whether the channel belongs to a context, or comes from a call that was given one."""
    operand = node.child_by_field_name("operand")
    if operand is None:
        return False
    ref = view.ref_at(operand) if operand.type in ("identifier", "selector_expression") else None
    made = [o.call for o in origins.of(view, ref.object)] if ref is not None else []
    if operand.type == "call_expression":
        made.append(view.call_at(operand))
    for call in made:
        if call is None:
            continue
        arguments = view.source.node_at(call.start, call.end).child_by_field_name("arguments")
        handed = view.refs_in(arguments) if arguments is not None else ()
        types = {o.type for r in handed if r.role == "argument" and (o := view.facts.object(r.object)) is not None}
        if call.name.endswith(".Done") or (call.name == "make" and operand.type == "call_expression"):
            return True
        if "context.Context" in types:
            return True
    return False


def _plan(wait: _Wait) -> Left | Refusal | None:
    """Who is left behind when the wait ends early, or why it cannot."""
    view = wait.view
    if _life_of_the_program(wait):
        return None
    slot = _takes_slot(wait)
    if slot is not None:
        return slot
    function = view.functions[0]
    if not function.results or not function.results[-1].is_error or function.started in ("go", "defer"):
        return Refusal("no-way-to-report-stop", "the function has no error result that a caller would see")
    life = lifetimes.of_function(view)
    if life is not None:
        return Refusal("runs-until-stopped", life)
    if wait.statement.parent is None or wait.statement.parent.type != "statement_list":
        return Refusal("wait-in-header", "the wait is part of a header, or has a label")
    if any(n.type == "goto_statement" for n in flow.inside(view.function)):
        return Refusal(
            "goto-over-declaration", "the function has a goto, which may jump over the context's declaration"
        )
    left = _left(wait)
    if isinstance(left, Refusal):
        return left
    if left.timed or deadlines.of_the_work(view, left.workers):
        return None
    return deadlines.none_wanted(wait.context, view, left.workers, wait.group) or left


def _life_of_the_program(wait: _Wait) -> bool:
    """The last wait of main."""
    function = wait.view.functions[0]
    main = function.kind == "declaration" and function.name == "main" and not function.params
    if not main or wait.view.facts.file(wait.view.path).package_name != "main":
        return False
    waits = (b"<-", b".Wait(")
    return not any(w in wait.view.source.text(s) for s in skipping.behind(wait.view) for w in waits)


def _takes_slot(wait: _Wait) -> Refusal | None:
    if wait.group:
        return None
    view, operand = wait.view, wait.node.child_by_field_name("operand")
    ref = view.ref_at(operand) if operand is not None else None
    text = view.text(operand) if operand is not None else ""
    if ref is not None and set(names.words(ref.name)) & _SLOTS:
        return Refusal("slot-or-token", f"{text} hands out slots or turns by its name")
    if view.functions[0].started == "defer":
        return Refusal("slot-or-token", f"a deferred receive from {text} gives something back")
    if ref is not None and any(r.role == "send" and r.literals == view.literals for r in view.refs_of(ref.object)):
        return Refusal("slot-or-token", f"this function sends on {text}, too: the receive takes a slot or a turn")
    return None


def _left(wait: _Wait) -> Left | Refusal:
    view, operand = wait.view, wait.node.child_by_field_name("operand")
    received = {r.object for r in view.refs if r.role in ("define", "assign") and _takes(wait, r)}
    if wait.group:
        call = view.call_at(wait.node)
        group = lifetimes.group(view, call, view.function) if call is not None else None
        if group is None:
            return Refusal("sender-out-of-sight", f"{wait.group} is a group of the function around this one")
        return leaving.leave(wait.context, view, group, received)
    assert operand is not None, "a receive has an operand"
    channel = senders.local(view, operand)
    if channel is not None:
        left = leaving.leave(wait.context, view, channel, received)
        known = view.facts.expr(view.path, wait.node.start_byte, wait.node.end_byte)
        if isinstance(left, Left) and known is not None and known.closes:
            return Refusal("late-result-leaks", f"what is sent on {channel.name} must be closed, or holds what must be")
        return left
    told = closings.only_closed(view, operand)
    if told is None:
        return Refusal("sender-out-of-sight", f"who sends on {view.text(operand)} cannot be seen from here")
    if isinstance(told, Refusal):
        return told
    return skipping.problem(view, received, ()) or Left(told=told)


def _takes(wait: _Wait, ref: Ref) -> bool:
    """Whether a variable is given what is received."""
    return (ref.value_start, ref.value_end) == (wait.node.start_byte, wait.node.end_byte)


def _fix(wait: _Wait, left: Left) -> Decision:
    view = wait.view
    values = returns.failure_values(view)
    if values is None:
        return Refusal("no-way-to-report-stop", "the zero value of a result cannot be written in this file")
    packages = {name: layout.import_name(view.source, name) for name in ("context", "time")}
    for name in packages.values():
        here = view.facts.lookup(view.path, wait.statement.start_byte, name)
        if here is not None and here.kind != "package":
            return Refusal("import-name-taken", f"{name} means something else here")
    parent, told = _parent(wait, packages["context"])
    number = 1 + _earlier(wait)
    ctx, cancel = _fresh(wait, "ctx", "waitCtx", number), _fresh(wait, "cancel", "cancelWait", number)
    timeout = _timeout(wait.context.settings.get("timeout", _DEFAULT))
    made = f"{packages['context']}.WithTimeout({parent}, {durations.code(timeout, packages['time'] + '.')})"
    head = f"{ctx}, {cancel} := {made}\n" + ("" if wait.in_loop else f"defer {cancel}()\n")
    received = view.text(wait.node.child_by_field_name("operand") or wait.node)
    if wait.group:
        if any(
            (b := view.facts.lookup(view.path, wait.statement.start_byte, n)) is None or b.kind != "builtin"
            for n in _BUILTINS
        ):
            return Refusal("import-name-taken", "make or close means something else here")
        received = _fresh(wait, "done", "waited", 1 + _earlier(wait, groups=True))
        head = (
            f"{received} := make(chan struct{{}})\ngo func() {{\n{wait.group}.Wait()\nclose({received})\n}}()\n" + head
        )
    leave = "return " + ", ".join([*values, f"{ctx}.Err()"])
    bounded = Bounded(head, received, f"{cancel}()" if wait.in_loop else "", f"{ctx}.Done()", leave)
    edits = bounding.bound(view, wait.statement, bounded, wait.node, wait.in_loop)
    if isinstance(edits, Refusal):
        return edits
    return _told(wait, left, (*edits, *left.edits), told, leave)


def _told(wait: _Wait, left: Left, edits: tuple[Edit, ...], parent: str, leave: str) -> Fix:
    timeout = wait.context.settings.get("timeout", _DEFAULT)
    evidence = {"timeout": timeout, "context": parent, "waits for": left.told, "exit": leave}
    if left.workers:
        lines = ", ".join(str(line) for line in sorted({w.line for w in left.workers}))
        evidence["left behind"] = f"after the timeout the goroutine started in line {lines} still runs to its end"
        if unseen := _out_of_sight(wait, left):
            evidence["out of sight"] = f"that goroutine also calls {unseen}"
    if wait.group:
        evidence["helper"] = (
            f"the goroutine in {wait.group}.Wait outlives the timeout, until those of the group have ended"
        )
    change = FileChange(wait.view.path, tuple(sorted(edits)), add_imports=("context", "time"))
    operand = wait.node.child_by_field_name("operand")
    what = f"{wait.group}.Wait" if wait.group or operand is None else f"a value of {wait.view.text(operand)}"
    return Fix((change,), Level.REVIEW, f"the wait for {what} ends after {timeout} with an error", evidence)


def _out_of_sight(wait: _Wait, left: Left) -> str:
    """What the goroutines call that was not looked into."""
    found = (n for w in left.workers for n in reach.reach(wait.context, w.view, w.view.node).unknown)
    shown = list(dict.fromkeys(found))
    return ", ".join(shown[:_SHOWN]) + (", ..." if len(shown) > _SHOWN else "")


def _parent(wait: _Wait, package: str) -> tuple[str, str]:
    """The context to derive from, as Go text and for people."""
    found = signals.lasting_parent(wait.view)
    background = f"{package}.Background()"
    if found is None:
        ends = firing.ends_things(wait.view.functions[-1].name)
        return background, "context.Background(), for none in scope" + (" may be relied on" if ends else "")
    text = found.signal.text
    if not found.detached:
        return text, f"{found.signal.described}: its end ends the wait, too"
    if wait.context.language.file >= _WITHOUT_CANCEL:
        return f"{package}.WithoutCancel({text})", f"{found.signal.described}, without its end: {found.detached}"
    return background, f"context.Background(): {found.detached}"


def _fresh(wait: _Wait, wanted: str, other: str, number: int) -> str:
    view = wait.view
    at = wait.statement.start_byte
    free = names.fresh(view.facts, view.path, at, view.outermost, wanted) == wanted
    return names.fresh(view.facts, view.path, at, view.outermost, wanted if free else other, number)


def _earlier(wait: _Wait, groups: bool = False) -> int:
    """How many waits (with ``groups``: for a WaitGroup) before this one, in the blocks around it, are bounded as well.

    Their names are in scope here.
    """
    count = 0
    for statement in flow.dominating(wait.view.node, wait.view.function):
        for node in (n for n in flow.inside(statement) if n.type in ("unary_expression", "call_expression")):
            if flow.statement(node) != statement or _kept(wait, node) is None:
                continue
            view = View.around(wait.view.source, wait.view.facts, node, wait.view.language)
            found = _wait(view, wait.context) if view is not None else None
            if isinstance(found, _Wait) and (found.group or not groups):
                count += isinstance(_plan(found), Left)
    return count


def _kept(wait: _Wait, node: Node) -> Node | None:
    text = wait.view.text(node)
    if node.type == "unary_expression":
        return match(wait.view.source, node) if text.startswith("<-") else None
    return match(wait.view.source, node) if text.endswith(".Wait()") else None


transform = Transform(
    __name__, __doc__, QUERY, NEEDLES, match, decide, options=OPTIONS, subject="bound waits by a timeout"
)
