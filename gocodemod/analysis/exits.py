"""The exit arm: what a loop does when its stop signal fires during a wait.

Three sources, in this order: the exit that the loop already has on this signal, the function's error
result, a plain return where nobody takes that for success. What an exit would skip decides the level.
"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import barriers, copies, effects, flow, goroutines, looks, returns
from gocodemod.analysis.looks import Check
from gocodemod.analysis.signals import Signal
from gocodemod.analysis.view import View
from gocodemod.model import Level, Refusal

# Stands for the file's own name of the package context in an arm's text.
CONTEXT = "\0context"


@dataclass(frozen=True)
class ExitArm:
    """``text``: the statement of the arm, ``""`` for an empty one (the loop's own check follows); ``why`` goes into the evidence."""

    text: str
    level: Level
    why: str
    needs_context: bool = False


def exit_arm(view: View, loop: Node, signal: Signal) -> ExitArm | Refusal:
    """What to write into ``case <-signal:`` for a wait at ``view.node``."""
    found = checks(view, loop, signal)
    if found:
        return _existing(view, loop, signal, found)
    outer = [c for around in flow.loops_around(view.node)[1:] for c in checks(view, around, signal)]
    if outer:
        return _of_outer_loop(view, loop, outer)
    return _made(view, loop, signal)


def checks(view: View, loop: Node, signal: Signal) -> list[Check]:
    """The loop's own exits on the signal, in source order; the loop's condition first."""
    return looks.checks(view, loop, looks.refs_of(view, signal.object, signal.text))


def _existing(view: View, loop: Node, signal: Signal, found: list[Check]) -> ExitArm | Refusal:
    """The loop has exits on this signal: let the next one run, or copy it where it is short."""
    # A value that somebody sends is gone once received: then the exit must be taken here.
    stays = signal.family == "context" or signal.only_closed
    text = copies.common_exit(view, found)
    counts = _runs_next(view, loop, found, counting=True) and (text is None or "\n" in text)
    sure = text is None or "\n" in text or not any(_may_be_passed_over(c) for c in found)
    if stays and sure and (counts or _runs_next(view, loop, found)):
        return ExitArm("", Level.SAFE, "the loop's own check runs next")
    if text is None:
        return Refusal(
            "stop-exit-differs", "the loop's own exit on this signal does more than a return that could be copied"
        )
    if _decides(view, loop, text):
        return Refusal("stop-exit-differs", "what follows the wait sets what the code behind the loop may look at")
    skipped = _skipped(view, loop)
    if skipped >= effects.Effect.RECORDS:
        return Refusal("stop-exit-differs", "what follows the wait releases, replies or records")
    level = Level.REVIEW if skipped is effects.Effect.WORKS else Level.SAFE
    return ExitArm(text, level, "as the loop's own exit on this signal")


def _may_be_passed_over(check: Check) -> bool:
    """A select picks at random among the cases that are ready: with others beside the signal, it may not take the exit."""
    return len([c for c in check.node.named_children if c.type == "communication_case"]) > 1


def _of_outer_loop(view: View, loop: Node, found: list[Check]) -> ExitArm | Refusal:
    """A loop around this one has exits on the signal: a copy where they are one return, which may flush or close before."""
    text = copies.common_exit(view, found)
    if text is None:
        return Refusal(
            "stop-exit-differs", "the exit of the loop around this one is no single return that means the same here"
        )
    skipped = max(_skipped(view, loop), effects.of_exits(view, loop))
    if not (returns.error_returns(loop) or _returns_already(view, loop)):
        skipped = max(skipped, effects.of(view, _rest_of_round(view, loop)))
    if skipped >= effects.Effect.RECORDS:
        return Refusal("stop-exit-differs", "a return here would skip what releases, replies or records")
    level = Level.REVIEW if skipped is effects.Effect.WORKS else Level.SAFE
    return ExitArm(text, level, "as the outer loop's own exit on this signal")


def _decides(view: View, loop: Node, text: str) -> bool:
    """Whether a break would skip an assignment, which what stands behind the loop may look at."""
    skipped = (n for s in flow.after(view.node, loop) for n in flow.inside(s))
    assigns = any(n.type in ("assignment_statement", "inc_statement", "dec_statement") for n in skipped)
    return assigns and text.rsplit("\n", 1)[-1].startswith("break")


def _rest_of_round(view: View, loop: Node) -> list[Node]:
    """What the loop around this one would still do in its round."""
    around = flow.loops_around(view.node)[1]
    return list(flow.after(flow.labelled(loop), around)) if flow.ends_by_itself(loop) else []


def _runs_next(view: View, loop: Node, found: list[Check], counting: bool = False) -> bool:
    """Whether nothing but the loop's header, and with ``counting`` what counts its rounds, stands between the wait and a check."""
    nodes = [c.node for c in found]
    for follower in flow.after(view.node, loop):
        if follower in nodes:
            return True
        if not (counting and _is_quick(view, follower)):
            return False
    if any(c.arm is None for c in found):
        return True
    own = flow.body(loop)
    inner = flow.statements(own) if own is not None else []
    return bool(inner) and inner[0] in nodes


_SLOW = frozenset({"for_statement", "select_statement", "go_statement", "labeled_statement"})


def _is_quick(view: View, statement: Node) -> bool:
    """``backoff *= 2`` and its like: local variables change, nothing is called that matters, nothing leaves or waits."""
    slow = any(n.type in _SLOW | flow.JUMPS for n in flow.inside(statement))
    return not slow and effects.of(view, [statement]) is effects.Effect.NONE


def _skipped(view: View, loop: Node) -> effects.Effect:
    """What an exit at the wait leaves undone of an iteration that has begun."""
    if _is_first(view, loop):
        return effects.Effect.NONE
    # The state that an endless loop keeps between its rounds is of use to nobody once it has ended.
    writes = effects.Effect.WORKS if flow.is_endless(loop) else effects.Effect.RECORDS
    following = [s for s in flow.after(view.node, loop) if not copies.made_by_the_failure(view, s)]
    return effects.of(view, following, writes)


def _is_first(view: View, loop: Node) -> bool:
    """Whether the wait begins the iteration: then nothing of it has been done yet that the exit could leave half-way.

    What the loop's header takes (a job from a channel, a row) has been taken.
    """
    own = flow.body(loop)
    inner = flow.statements(own) if own is not None else []
    wait = flow.statement(view.node)
    if wait not in inner:
        return False
    if effects.of(view, inner[: inner.index(wait)]) is not effects.Effect.NONE:
        return False
    head = [n for n in (flow.condition(loop), flow.clause(loop)) if n is not None]
    return not any(n.type == "call_expression" for h in head for n in flow.inside(h)) and not flow.ranges_over_channel(
        view.facts, view.path, loop
    )


def _made(view: View, loop: Node, signal: Signal) -> ExitArm | Refusal:
    """The loop has no exit on this signal: one by the function's results."""
    function = view.functions[0]
    if flow.ranges_over_channel(view.facts, view.path, loop) and flow.is_range(loop):
        return Refusal(
            "stop-exit-differs", "the loop takes what others send, and they would wait for a receiver for ever"
        )
    behind = flow.after_loop(loop, view.function) if flow.ends_by_itself(loop) else []
    if signal.place == "request":
        # Nobody reads an answer any more.
        behind = [s for s in behind if not effects.only_answers(view, s)]
    now, later = _skipped(view, loop), effects.of(view, behind)
    if later >= effects.Effect.RECORDS and _others_skip(view, behind):
        later = effects.Effect.WORKS
    exits = effects.of_exits(view, loop)
    if exits is effects.Effect.RELEASES:
        return Refusal("stop-exit-differs", "the loop's other exits release, reply or close something first")
    if function.results:
        return _error_return(view, loop, signal, max(now, exits), later)
    # Whoever waits for the goroutine takes its end for the loop's own, where the loop has one.
    known = goroutines.joined(view, function) or goroutines.tells(view, function)
    told = known and bool(flow.exits(loop) or flow.ends_by_itself(loop))
    alone = goroutines.runs_alone(view, function) and not told
    if not alone and _in_test(view):
        return Refusal("no-way-to-report-stop", "a return would let the test go on, or pass, as if all were well")
    waited_for = barriers.is_barrier(view, loop, behind) or barriers.promises(view, loop, behind)
    if not alone and waited_for and signal.place != "request":
        return Refusal("barrier", "the caller relies on the condition that this loop waits for")
    if now >= effects.Effect.RECORDS or (later >= effects.Effect.RECORDS and not _returns_already(view, loop)):
        return Refusal("stop-exit-differs", "a return here would skip what releases, replies or records")
    level = Level.SAFE if alone and max(now, later, exits) is effects.Effect.NONE else Level.REVIEW
    why = "ends its goroutine" if alone else "returns to a caller that cannot tell it from success"
    return ExitArm("return", level, why)


def _returns_already(view: View, loop: Node) -> bool:
    """Whether a return in the loop skips what stands behind it, with nothing before it to make up for that."""
    returns = (n for n in flow.inside(loop) if n.type == "return_statement")
    return any(effects.of(view, flow.siblings(n)[0]) < effects.Effect.RECORDS for n in returns)


def _others_skip(view: View, behind: list[Node]) -> bool:
    """Whether a return behind the loop, an error where the function has one, skips what releases or records there."""
    reports = bool(view.functions[0].results)
    for statement in behind:
        if effects.of(view, [statement]) >= effects.Effect.RECORDS:
            return False
        inner = [n for n in flow.inside(statement) if n.type == "return_statement" and n != statement]
        if returns.error_returns(statement) if reports else inner:
            return True
    return False


def _in_test(view: View) -> bool:
    """A test file, or a helper that is handed a test."""
    types = (p.type for f in view.functions for p in f.params)
    return view.path.endswith("_test.go") or any(t.startswith("*testing.") or t.endswith(".TB") for t in types)


def _error_return(
    view: View, loop: Node, signal: Signal, skipped: effects.Effect, behind: effects.Effect
) -> ExitArm | Refusal:
    results = view.functions[0].results
    if not results[-1].is_error:
        return _given_up(view, loop, max(skipped, behind))
    established = returns.error_returns(loop)
    told = returns.told_as_success(view, loop)
    values, sure = returns.usual_values(view, established, results[:-1])
    if values is None:
        return Refusal("no-way-to-report-stop", "the zero value of a result cannot be written in this file")
    if skipped >= effects.Effect.RECORDS or (behind >= effects.Effect.RECORDS and not established):
        return Refusal("stop-exit-differs", "a return here would skip what releases, replies or records")
    works = skipped is effects.Effect.WORKS or (behind is not effects.Effect.NONE and not established)
    level = Level.REVIEW if works or not sure else Level.SAFE
    if told is not None:
        return ExitArm(told, level, "as the loop's own return for a cancelled context")
    error = f"{signal.text}.Err()" if signal.family == "context" else f"{CONTEXT}.Canceled"
    return ExitArm("return " + ", ".join([*values, error]), level, "reported as an error", signal.family == "channel")


def _given_up(view: View, loop: Node, skipped: effects.Effect) -> ExitArm | Refusal:
    """No error to report with, but the loop has a way to say that it gives up: a stop is as if its time were up."""
    text = returns.give_up(view, loop)
    if text is None:
        return Refusal("no-way-to-report-stop", "the function has results, none of them an error")
    if skipped >= effects.Effect.RECORDS:
        return Refusal("stop-exit-differs", "a return here would skip what releases, replies or records")
    return ExitArm(text, Level.REVIEW, "as the loop's own return when it gives up")
