"""Move a test that sleeps into a bubble of testing/synctest, where time costs nothing.

A test that sleeps until its goroutines have got somewhere is slow where the pause is long and fails now and then where it
is short. In a bubble (Go 1.25) time passes when, and only when, all goroutines of the test wait: nothing is too early.

| the test | the edit |
|---|---|
| its body | moves into ``synctest.Test(t, func(t *testing.T) { ... })`` |
| ``t.Parallel()`` and guards that skip the test, at its begin | stay outside: they do not work in a bubble |
| ``time.Sleep(d)``, where nothing else takes time | ``synctest.Wait()``: until all others have ended, or wait |
| ... and where something does (a timer, another sleep, a look at the clock), or in a loop | stays: it ends at its instant of the bubble's clock |

Wait takes a Sleep's place only if no time passes but that of the test's sleeps: nothing that it reaches sleeps, sets a timer
or looks at the clock, but for time limits that fail the test. Then a Sleep would end exactly when Wait does. Elsewhere the
Sleep keeps its meaning, only the clock is another. Two things may then come at one and the same instant that by a real clock
come one after the other (a Sleep of 100ms, and the end of a timeout of 100ms): where durations can meet like that, or more
than one thing takes time beside the test, nothing is changed (``same-instant``).

That holds for code that can be seen from end to end, so a test is moved only if all that it reaches is the module's own or
known to stay inside. Not handled, and why: calls of the network, processes and files (``leaves-the-bubble``), and of what
cannot be looked into (``call-out-of-sight``); package-level variables that are more than plain values (``package-state``)
and captured ones (``captured-state``); waits with a mutex held, for which time stands still (``waits-under-lock``), and
loops that ask without waiting (``busy-wait``); ``t.Run``, ``t.Parallel``, ``t.Deadline`` and what else does not work there
(``not-in-a-bubble``); dates of the real calendar (``absolute-time``); times that are
measured, and made numbers or text of (``measures-time``); durations that are computed (``duration-unknown``);
goroutines that do not end with the test (``never-ends``, ``end-unknown``), or only when time goes on
(``sleeps-after-the-test``); a test that uses a bubble already (``in-a-bubble-already``).

Test files are looked at for this by default. The level is review: run the test.

Sources: https://pkg.go.dev/testing/synctest, https://go.dev/blog/testing-time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import bubble, bubble_ends, captures, fake_clock, flow, layout
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = """
((expression_statement (call_expression function: [
    (selector_expression field: (field_identifier) @name)
    (identifier) @name
  ])) @site
  (#eq? @name "Sleep"))
"""
NEEDLES = (b"Sleep", b"testing", b"time")


def match(source: Source, node: Node) -> Node | None:
    """Keep the first ``time.Sleep`` that a test, or the literal of a subtest, calls itself."""
    test = _Test.around(source, node)
    return node if test is not None and test.sleeps[0].parent == node else None


@dataclass(frozen=True)
class _Test:
    """A test function, or the literal that ``t.Run`` gets. ``name``: of its parameter; ``before``: stays outside.

    ``sleeps``: its own calls of time.Sleep, in source order.
    """

    function: Node
    name: str
    kind: str
    before: Sequence[Node]
    moved: Sequence[Node]
    sleeps: Sequence[Node]

    @classmethod
    def around(cls, source: Source, node: Node) -> _Test | None:
        function = flow.enclosing_function(node)
        body = flow.body(function) if function is not None else None
        if function is None or body is None or not source.path.endswith("_test.go"):
            return None
        parameter = _parameter(source, function)
        if parameter is None or not (_is_test(source, function) or _is_subtest(source, function)):
            return None
        name, kind = parameter
        statements = flow.statements(body)
        count = next((i for i, s in enumerate(statements) if not _stays(source, s, name)), len(statements))
        sleeps = [n for s in statements[count:] for n in flow.inside(s) if _sleeps(source, n)]
        return cls(function, name, kind, statements[:count], statements[count:], sleeps) if sleeps else None


def _parameter(source: Source, function: Node) -> tuple[str, str] | None:
    """Name and type of the only parameter, a ``*testing.T``."""
    parameters = function.child_by_field_name("parameters")
    found = [p for p in parameters.named_children if p.type != "comment"] if parameters is not None else []
    kind = found[0].child_by_field_name("type") if len(found) == 1 else None
    name = found[0].child_by_field_name("name") if len(found) == 1 else None
    if kind is None or name is None or kind.type != "pointer_type" or not kind.named_children:
        return None
    package, _, last = source.text(kind.named_children[0]).decode("utf-8", "replace").rpartition(".")
    is_testing = last == "T" and source.imports().get(package or ".") == "testing"
    text = source.text(name).decode("utf-8", "replace")
    return (text, source.text(kind).decode("utf-8", "replace")) if is_testing and text != "_" else None


def _is_test(source: Source, function: Node) -> bool:
    name = function.child_by_field_name("name") if function.type == "function_declaration" else None
    return name is not None and source.text(name).startswith(b"Test")


def _is_subtest(source: Source, function: Node) -> bool:
    """``t.Run(name, func(t *testing.T) { ... })``"""
    call = function.parent.parent if function.parent is not None else None
    callee = call.child_by_field_name("function") if call is not None and call.type == "call_expression" else None
    field = callee.child_by_field_name("field") if callee is not None else None
    return field is not None and source.text(field) == b"Run"


def _sleeps(source: Source, node: Node) -> bool:
    callee = node.child_by_field_name("function") if node.type == "call_expression" else None
    if callee is None or node.parent is None or node.parent.type != "expression_statement":
        return False
    package, _, last = source.text(callee).decode("utf-8", "replace").rpartition(".")
    return last == "Sleep" and source.imports().get(package or ".") == "time"


def _stays(source: Source, statement: Node, name: str) -> bool:
    """``t.Parallel()``, ``t.Helper()``, ``ci.Parallel(t)``, and ``if testing.Short() { t.Skip() }``."""
    text = source.text(statement).decode("utf-8", "replace")
    if statement.type == "expression_statement":
        marks = text in (f"{name}.Parallel()", f"{name}.Helper()") or text.startswith(f"{name}.Skip")
        return marks or re.fullmatch(rf"(\w+\.)?[Pp]arallel\({re.escape(name)}\)", text) is not None
    then = statement.child_by_field_name("consequence") if statement.type == "if_statement" else None
    inner = flow.statements(then) if then is not None else []
    skips = len(inner) == 1 and source.text(inner[0]).decode("utf-8", "replace").startswith(f"{name}.Skip")
    return skips and statement.child_by_field_name("alternative") is None


def decide(candidate: Candidate, context: Context) -> Decision | None:
    view = View.around(candidate.source, context.facts, candidate.node, context.language)
    test = _Test.around(candidate.source, candidate.node)
    body = flow.body(test.function) if test is not None else None
    if view is None or test is None or body is None:
        return None
    if why := _plainly_outside(candidate.source, test):
        return why
    known = view.call_at(test.sleeps[0])
    if known is None or known.name != "time.Sleep":
        return None if known is not None and known.name else Refusal("types-unavailable", "time.Sleep did not resolve")
    if why := _captured(view, test):
        return why
    inside = bubble.of(context, view, body, outside=test.before)
    if isinstance(inside, Refusal):
        return inside
    clock = fake_clock.of(inside, list(test.sleeps))
    if isinstance(clock, Refusal):
        return clock
    if why := bubble_ends.problem(context, inside):
        return why
    return _fix(view, test, body, clock, sorted({b.name for b in inside.bodies if b.name}))


# Packages whose every use in a test is one of the outside.
_OUTSIDE = frozenset(
    {"net/http", "net/http/httptest", "os/exec", "os/signal", "net/rpc", "database/sql", "google.golang.org/grpc"}
)
_NOT_INSIDE = frozenset({"Run", "Deadline", "Setenv", "Chdir"})


def _plainly_outside(source: Source, test: _Test) -> Refusal | None:
    """What the text alone tells, so that most tests are refused before their packages are type-checked."""
    imports = source.imports()
    for node in (n for s in test.moved for n in flow.everything(s) if n.type == "selector_expression"):
        operand, field = node.child_by_field_name("operand"), node.child_by_field_name("field")
        if operand is None or field is None or operand.type != "identifier":
            continue
        base, name = (source.text(n).decode("utf-8", "replace") for n in (operand, field))
        line = node.start_point.row + 1
        if imports.get(base) in _OUTSIDE:
            return Refusal("leaves-the-bubble", f"{base}.{name}, line {line}")
        if base == test.name and name in _NOT_INSIDE:
            return Refusal("not-in-a-bubble", f"{base}.{name}, line {line}")
    return None


def _captured(view: View, test: _Test) -> Refusal | None:
    """What a subtest has from the test around it may belong to no bubble."""
    for refs in captures.captured(view, test.function).values():
        for ref in refs:
            known = view.facts.object(ref.object)
            held = view.facts.holds(view.path, ref.start, ref.end)
            if any(held) or not held or (known is not None and "sync." in known.type):
                return Refusal("captured-state", f"{ref.name} is from outside of the test, line {view.line(ref.start)}")
    return None


def _fix(view: View, test: _Test, body: Node, clock: fake_clock.Clock, followed: Sequence[str]) -> Fix:
    source, package = view.source, layout.import_name(view.source, "testing/synctest")
    first = test.moved[0]
    start = layout.above_comments(source, first)
    head = f"{package}.Test({test.name}, func({test.name} {test.kind}) {{\n"
    edits: list[Edit] = [layout.edit(start, start, head)]
    edits += layout.deeper(source, start, body.end_byte - 1, body.named_children)
    edits.append(layout.append(source, body, "})\n"))
    if clock.idle:
        edits += [layout.edit(s.start_byte, s.end_byte, f"{package}.Wait()") for s in test.sleeps]
    sleeps = ", ".join(f"{view.text(s)} (line {view.line(s.start_byte)})" for s in test.sleeps)
    evidence = {
        "sleeps": sleeps,
        "becomes": "a wait until all others have ended or wait" if clock.idle else "the same, by the bubble's clock",
        "takes time beside": ", ".join(fake_clock.spelled(n) for n in clock.others) or "nothing",
        "looked through": ", ".join(followed) or "the test alone: it calls nothing else of the module",
    }
    name = view.functions[-1].name if view.functions else "the test"
    message = f"{name} sleeps by the clock of a bubble" if not clock.idle else f"{name} waits in a bubble, not for time"
    change = FileChange(view.path, tuple(sorted(edits)), add_imports=("testing/synctest",), drop_imports=("time",))
    return Fix((change,), Level.REVIEW, message, evidence)


transform = Transform(
    __name__,
    __doc__,
    QUERY,
    NEEDLES,
    match,
    decide,
    since=(1, 25),
    subject="let tests sleep by the clock of a bubble",
    tests=True,
)
