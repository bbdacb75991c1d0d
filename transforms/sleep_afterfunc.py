"""Let a timer start delayed work, not a goroutine that sleeps first.

A goroutine in ``time.Sleep`` costs no CPU, but it and its stack are there for the whole wait. ``time.AfterFunc`` starts
the goroutine when the time has come; until then there is a timer only.

| the statement | the edit |
|---|---|
| ``go func() { time.Sleep(d); f }()`` | ``time.AfterFunc(d, func() { f })`` |
| ``go func(x T) { time.Sleep(d); f }(v)`` | ``x := v`` before it: arguments are evaluated when they were |
| ... and ``v`` is itself a variable ``x`` that nothing assigns | the parameter goes, the literal captures ``x`` |

What runs after the Sleep runs in a goroutine of its own as before: it may block, loop, return, panic and recover, and
it captures what it captured. Nobody could stop the wait before; who wants to can now keep what AfterFunc returns.
The literal stays one where it only calls ``f()``: ``time.AfterFunc(d, f)`` would evaluate ``f`` before the wait.
A profiler's labels are not handed from the starter to that goroutine, and a traceback names the timer as its creator.

The duration is now evaluated by the statement, where the goroutine did it a moment later. The level is safe where that
gives the same value (constants, parameters, variables that nothing assigns any more), review elsewhere.

Not handled, and why: goroutines that somebody waits for (``goroutine-is-joined``: the wait is a step of what is waited
for), durations that take a lock or wait for a message (``duration-may-wait``: the starter would wait), literals with
results (``literal-has-results``), parameters that cannot be bound before the statement (``parameter-not-bound``).

Sources: https://pkg.go.dev/time#AfterFunc, https://go.dev/ref/spec#Go_statements.
"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import awaited, evaluation, flow, layout, parameters, timers
from gocodemod.analysis.parameters import Binding
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = """
((go_statement (call_expression function: (func_literal body: (block (statement_list
  . (expression_statement (call_expression function: [
      (selector_expression field: (field_identifier) @name)
      (identifier) @name
    ])))))))
  (#eq? @name "Sleep")) @site
"""
NEEDLES = (b"Sleep", b"time")


def match(source: Source, node: Node) -> Node | None:
    """Keep ``go`` statements of literals that begin with a Sleep of the package time, as the imports name it."""
    parts = _Parts.of(node)
    if parts is None:
        return None
    callee = parts.sleep.child_by_field_name("function")
    operand = callee.child_by_field_name("operand") if callee is not None else None
    qualifier = source.text(operand).decode("utf-8", "replace") if operand is not None else "."
    return node if source.imports().get(qualifier) == "time" else None


@dataclass(frozen=True)
class _Parts:
    """The statement taken apart. ``first``: the Sleep's statement, ``sleep`` its call, ``duration`` the argument."""

    statement: Node
    literal: Node
    arguments: Node
    first: Node
    sleep: Node
    duration: Node

    @classmethod
    def of(cls, statement: Node) -> _Parts | None:
        call = next((c for c in statement.named_children if c.type == "call_expression"), None)
        literal = call.child_by_field_name("function") if call is not None else None
        arguments = call.child_by_field_name("arguments") if call is not None else None
        body = flow.body(literal) if literal is not None else None
        if literal is None or arguments is None or body is None:
            return None
        inner = flow.statements(body)
        if len(inner) < 2 or inner[0].type != "expression_statement":
            return None
        sleep = inner[0].named_children[0]
        given = sleep.child_by_field_name("arguments")
        values = [c for c in given.named_children if c.type != "comment"] if given is not None else []
        if sleep.type != "call_expression" or len(values) != 1:
            return None
        return cls(statement, literal, arguments, inner[0], sleep, values[0])


def decide(candidate: Candidate, context: Context) -> Decision | None:
    parts = _Parts.of(candidate.node)
    view = View.around(candidate.source, context.facts, candidate.node, context.language)
    if parts is None or view is None:
        return None
    known = view.call_at(parts.sleep)
    if known is None or known.name != "time.Sleep":
        return None if known is not None and known.name else Refusal("types-unavailable", "time.Sleep did not resolve")
    if parts.literal.child_by_field_name("result") is not None:
        return Refusal("literal-has-results", "the literal has results, which a timer's function cannot have")
    if why := awaited.awaited(context, view, parts.literal):
        return Refusal("goroutine-is-joined", why)
    if why := evaluation.waits(context, view, parts.duration):
        return Refusal("duration-may-wait", why)
    bindings = parameters.bind(view, parts.literal, parts.arguments, parts.statement)
    if isinstance(bindings, str):
        return Refusal("parameter-not-bound", bindings)
    if timers.hidden(view, parts.sleep, "AfterFunc"):
        return Refusal("import-name-taken", "AfterFunc means something else here, and time is imported with a dot")
    if _comments_in_the_way(parts):
        return Refusal("comment-in-the-way", "a comment stands among the parameters or arguments")
    return _fix(view, parts, bindings)


def _comments_in_the_way(parts: _Parts) -> bool:
    """Comments between what is taken out or moved, line comments in the duration among them."""
    given = parts.sleep.child_by_field_name("arguments")
    literal_head = parts.literal.child_by_field_name("parameters")
    moved = [n for n in (given, literal_head, parts.arguments) if n is not None]
    between = [c for c in (*parts.statement.children, *parts.literal.children) if c.type == "comment"]
    return bool(between) or any(n.type == "comment" for part in moved for n in flow.everything(part))


def _fix(view: View, parts: _Parts, bindings: tuple[Binding, ...]) -> Decision:
    callee = parts.sleep.child_by_field_name("function")
    operand = callee.child_by_field_name("operand") if callee is not None else None
    package = view.text(operand) + "." if operand is not None else ""
    bound = frozenset(b.object for b in bindings)
    differs = evaluation.differs(view, parts.duration, parts.statement, bound)
    made = "".join(f"{b.text}\n" for b in bindings if b.text)
    block = flow.body(parts.literal)
    assert block is not None, "a literal has a body"
    edits = [
        layout.edit(
            parts.statement.start_byte,
            block.start_byte,
            f"{made}{package}AfterFunc({view.text(parts.duration)}, func() ",
        ),
        layout.remove(view.source, parts.first),
        Edit(parts.literal.end_byte, parts.arguments.end_byte, b")"),
    ]
    evidence = {
        "buys": "no goroutine and no stack are kept for the wait",
        "duration": "; ".join(differs) if differs else "the same whenever it is evaluated",
    }
    if differs:
        evidence["evaluated"] = "by the statement now, where the goroutine did it when it first ran"
    if made:
        evidence["bound"] = ", ".join(b.text for b in bindings if b.text)
    change = FileChange(view.path, tuple(sorted(edits)))
    message = "a timer starts the work: the goroutine that sleeps first becomes time.AfterFunc"
    return Fix((change,), Level.REVIEW if differs else Level.SAFE, message, evidence)


transform = Transform(
    __name__, __doc__, QUERY, NEEDLES, match, decide, subject="start delayed work by a timer, not a goroutine"
)
