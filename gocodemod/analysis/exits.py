"""The exit arm: what a loop does when its stop signal fires during a wait.

Three sources, in this order: the exit that the loop already has on this signal, the function's error
result, a plain return where nobody takes that for success. What an exit would skip decides the level.
"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import effects, flow, goroutines, looks, names
from gocodemod.analysis.looks import Check
from gocodemod.analysis.signals import Signal
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Result
from gocodemod.model import Level, Refusal

# Stands for the file's own name of the package context in an arm's text.
CONTEXT = "\0context"
_CONSTANT = frozenset(
    {"nil", "true", "false", "int_literal", "float_literal", "interpreted_string_literal", "unary_expression"}
)
_WAITING = frozenset({"wait", "await", "waitfor", "ensure"})


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
    """The loop has exits on this signal: let the next one run, or copy it where it is one return."""
    if _runs_next(view, loop, found) and (signal.family == "context" or signal.only_closed):
        return ExitArm("", Level.SAFE, "the loop's own check runs next")
    # A value that somebody sends is gone once received: then the exit must be taken here.
    text = _common_return(view, found)
    if text is None:
        return Refusal(
            "stop-exit-differs", "the loop's own exit on this signal is no single return that means the same here"
        )
    skipped = _skipped(view, loop)
    if skipped >= effects.Effect.RECORDS:
        return Refusal("stop-exit-differs", "what follows the wait releases, replies or records")
    level = Level.REVIEW if skipped is effects.Effect.WORKS else Level.SAFE
    return ExitArm(text, level, "as the loop's own exit on this signal")


def _of_outer_loop(view: View, loop: Node, found: list[Check]) -> ExitArm | Refusal:
    """A loop around this one has exits on the signal: a copy where they are one return, which may flush or close before."""
    text = _common_return(view, found)
    if text is None:
        return Refusal(
            "stop-exit-differs", "the exit of the loop around this one is no single return that means the same here"
        )
    skipped = max(_skipped(view, loop), effects.of_exits(view, loop))
    if not (error_returns(loop) or _returns_already(view, loop)):
        skipped = max(skipped, effects.of(view, _rest_of_round(view, loop)))
    if skipped >= effects.Effect.RECORDS:
        return Refusal("stop-exit-differs", "a return here would skip what releases, replies or records")
    level = Level.REVIEW if skipped is effects.Effect.WORKS else Level.SAFE
    return ExitArm(text, level, "as the outer loop's own exit on this signal")


def _rest_of_round(view: View, loop: Node) -> list[Node]:
    """What the loop around this one would still do in its round."""
    around = flow.loops_around(view.node)[1]
    return list(flow.after(flow.labelled(loop), around)) if flow.ends_by_itself(loop) else []


def _runs_next(view: View, loop: Node, found: list[Check]) -> bool:
    """Whether nothing but the loop's header stands between the wait and a check."""
    nodes = [c.node for c in found]
    for follower in flow.after(view.node, loop):
        return follower in nodes
    if any(c.arm is None for c in found):
        return True
    own = flow.body(loop)
    inner = flow.statements(own) if own is not None else []
    return bool(inner) and inner[0] in nodes


def _skipped(view: View, loop: Node) -> effects.Effect:
    """What an exit at the wait leaves undone of an iteration that has begun."""
    if _is_first(view, loop):
        return effects.Effect.NONE
    # The state that an endless loop keeps between its rounds is of use to nobody once it has ended.
    writes = effects.Effect.WORKS if flow.is_endless(loop) else effects.Effect.RECORDS
    following = [s for s in flow.after(view.node, loop) if not _made_by_the_failure(view, s)]
    return effects.of(view, following, writes)


def _common_return(view: View, found: list[Check]) -> str | None:
    """The one return that all checks consist of, if its names stand for the same things at the wait."""
    returns = {_single_return(view, c) for c in found}
    return returns.pop() if len(returns) == 1 and None not in returns and _means_the_same(view, found[0]) else None


def _failed(view: View) -> set[str]:
    """Variables that are not nil at the wait, because it stands in the branch of ``if err != nil``."""
    found: set[str] = set()
    child, parent = view.node, view.node.parent
    while parent is not None and parent != view.function:
        if parent.type == "if_statement" and child == parent.child_by_field_name("consequence"):
            name = _compared_with_nil(view, parent.child_by_field_name("condition"), "!=")
            # Tried again on the way: it may have succeeded since.
            again = (r for r in view.refs_of(name) if r.role in ("define", "assign", "address"))
            if name and not any(child.start_byte <= r.start < view.node.start_byte for r in again):
                found.add(name)
        child, parent = parent, parent.parent
    return found


def _compared_with_nil(view: View, test: Node | None, operator: str) -> str:
    """The variable of ``x != nil`` (or ``==``), "" for any other condition."""
    if test is None or test.type != "binary_expression":
        return ""
    sign, left, right = (test.child_by_field_name(n) for n in ("operator", "left", "right"))
    if sign is None or left is None or right is None or sign.type != operator or right.type != "nil":
        return ""
    ref = view.ref_at(left) if left.type == "identifier" else None
    return ref.object if ref is not None else ""


def _made_by_the_failure(view: View, statement: Node) -> bool:
    """``defer body.Close()`` of what a failed call did not give: nothing is there to be released."""
    if statement.type != "defer_statement":
        return False
    failed = _failed(view)
    values = {r.value_start for r in view.refs if r.object in failed and r.role in ("define", "assign")}
    bases = {r.object for r in view.refs_in(statement) if r.role == "base"}
    return any(r.value_start in values for r in view.refs if r.object in bases and r.role in ("define", "assign"))


def _single_return(view: View, check: Check) -> str | None:
    """The text of the arm's only statement if that is a return; what it does only without the failure is left out."""
    if check.arm is None:
        return None
    failed = _failed(view)
    inner = [
        s
        for s in flow.statements(check.arm)
        if s.type != "if_statement"
        or s.child_by_field_name("alternative") is not None
        or _compared_with_nil(view, s.child_by_field_name("condition"), "==") not in failed
    ]
    return view.text(inner[0]) if len(inner) == 1 and inner[0].type == "return_statement" else None


def _means_the_same(view: View, check: Check) -> bool:
    """Whether each name in the copied return stands for the same thing at the wait."""
    assert check.arm is not None, "only arms with a return are copied"
    statement = flow.statements(check.arm)[-1]
    for ref in view.refs_in(statement):
        if ref.outer_start == ref.start or ref.role == "base" or ref.selected:
            here = view.facts.lookup(view.path, view.node.start_byte, ref.name)
            bare = view.source.data[ref.start - 1 : ref.start] != b"."
            if bare and (here is None or here.id != ref.object):
                return False
    if not statement.named_children:
        return _results_visible(view)
    return True


def _results_visible(view: View) -> bool:
    """A bare return is an error where an inner variable shadows a named result."""
    for result in view.functions[0].results:
        here = view.facts.lookup(view.path, view.node.start_byte, result.name) if result.name not in ("", "_") else None
        if result.name not in ("", "_") and (here is None or here.kind != "result"):
            return False
    return True


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
    now, later = _skipped(view, loop), effects.of(view, behind)
    exits = effects.of_exits(view, loop)
    if exits is effects.Effect.RELEASES:
        return Refusal("stop-exit-differs", "the loop's other exits release, reply or close something first")
    if function.results:
        return _error_return(view, loop, signal, max(now, exits), later)
    # Whoever waits for the goroutine takes its end for the loop's own, where the loop has one.
    told = goroutines.joined(view, function) and bool(flow.exits(loop) or flow.ends_by_itself(loop))
    alone = goroutines.runs_alone(view, function) and not told
    if not alone and _in_test(view):
        return Refusal("no-way-to-report-stop", "a return would let the test go on, or pass, as if all were well")
    if not alone and _is_barrier(view, loop, behind):
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


def _in_test(view: View) -> bool:
    """A test file, or a helper that is handed a test."""
    types = (p.type for f in view.functions for p in f.params)
    return view.path.endswith("_test.go") or any(t.startswith("*testing.") or t.endswith(".TB") for t in types)


def _error_return(
    view: View, loop: Node, signal: Signal, skipped: effects.Effect, behind: effects.Effect
) -> ExitArm | Refusal:
    results = view.functions[0].results
    if not results[-1].is_error:
        return Refusal("no-way-to-report-stop", "the function has results, none of them an error")
    established = error_returns(loop)
    told = _told_as_success(view, loop)
    values, sure = _usual_values(view, established, results[:-1])
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


def _told_as_success(view: View, loop: Node) -> str | None:
    """``if errors.Is(err, context.Canceled) { return nil }``: what this loop takes a stop for."""
    for node in flow.inside(loop):
        test = node.child_by_field_name("condition") if node.type == "if_statement" else None
        then = node.child_by_field_name("consequence") if test is not None else None
        if test is not None and then is not None and "context.Canceled" in view.text(test):
            inner = flow.statements(then)
            values = _values(inner[0]) if len(inner) == 1 else []
            if values and values[-1].type == "nil" and all(v.type in _CONSTANT for v in values):
                return view.text(inner[0])
    return None


def failure_values(view: View) -> list[str] | None:
    """What the function returns before an error: the constant that its failing returns agree on, else zero values.

    None where one of them cannot be written at ``view.node``.
    """
    results = view.functions[0].results[:-1]
    established = [v for r in error_returns(view.function) if len(v := _values(r)) == len(results) + 1]
    values: list[str] = []
    for position, result in enumerate(results):
        found = [v[position] for v in established]
        texts = {view.text(v) for v in found}
        if len(texts) == 1 and found[0].type in _CONSTANT and "<-" not in view.text(found[0]):
            values.append(texts.pop())
        elif result.zero is None:
            return None
        else:
            values.append(result.zero)
    return values


def error_returns(loop: Node) -> list[Node]:
    """Returns in the loop whose last value is not nil: they skip what stands behind the loop already."""
    return [n for n in flow.inside(loop) if (values := _values(n)) and values[-1].type != "nil"]


def _values(node: Node) -> list[Node]:
    if node.type != "return_statement" or not node.named_children:
        return []
    return [c for c in node.named_children[0].named_children if c.type != "comment"]


def _usual_values(view: View, returns: list[Node], results: tuple[Result, ...]) -> tuple[list[str] | None, bool]:
    """What to return before the error, None where it cannot be written; and whether nothing known speaks against it.

    What the error returns around the wait agree on (``return -1, err``, ``return n, err``), named results, zero values.
    """
    values: list[str] = []
    sure = True
    for position, result in enumerate(results):
        found = [v[position] for r in returns if len(v := _values(r)) == len(results) + 1]
        texts = {view.text(v) for v in found}
        here = view.facts.lookup(view.path, view.node.start_byte, result.name) if result.name not in ("", "_") else None
        if len(texts) == 1 and _same_there(view, found[0]):
            values.append(texts.pop())
        elif here is not None and here.kind == "result":
            values.append(result.name)
        elif result.zero is None:
            return None, False
        else:
            # Where the returns differ, or hold what has been done so far, a person should look.
            sure = sure and all(v.type in _CONSTANT or v.type == "composite_literal" for v in found)
            values.append(result.zero)
    return values, sure


def _same_there(view: View, value: Node) -> bool:
    """Whether a value means the same at the wait: a constant, or a name in scope there."""
    if value.type in _CONSTANT:
        return "<-" not in view.text(value)
    ref = view.ref_at(value) if value.type == "identifier" else None
    here = view.facts.lookup(view.path, view.node.start_byte, view.text(value)) if ref is not None else None
    return ref is not None and here is not None and here.id == ref.object


def _is_barrier(view: View, loop: Node, behind: list[Node]) -> bool:
    """A loop that only waits for a condition, or a function whose name says so (prometheus WaitForPendingReaders)."""
    if names.first_word(view.functions[-1].name) in _WAITING:
        return True
    own = flow.body(loop)
    inner = flow.statements(own) if own is not None else []
    work = [s for s in inner if not flow.contains(s, view.node) and not _only_leaves(s, loop)]
    # Where work follows, the function is more than a wait, and the return skips that too.
    ends = effects.of(view, behind) is effects.Effect.NONE
    return flow.ends_by_itself(loop) and not work and ends


def _only_leaves(statement: Node, loop: Node) -> bool:
    """``if done() { break }``: a test that ends the loop. With an init statement it does something first: work."""
    if statement.type != "if_statement" or statement.child_by_field_name("alternative") is not None:
        return False
    if statement.child_by_field_name("initializer") is not None:
        return False
    then = statement.child_by_field_name("consequence")
    inner = flow.statements(then) if then is not None else []
    return len(inner) == 1 and flow.leaves(inner[0], loop)
