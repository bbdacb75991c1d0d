"""Let a select wait that an empty default makes spin.

``for { select { case ...: default: } }`` never waits: it goes round as fast as it can and takes a whole processor until
something happens. So does ``for !done {}``. (A loop around ``time.Sleep`` does not: a sleeping goroutine is parked.)
Without the default the select parks the goroutine until one of its cases is ready; which cases run, and in which order,
stays as it was.

| the loop | the edit |
|---|---|
| ``for { select { ...; default: } }``, with nothing else in it | the ``default:`` goes |
| ... whose default is ``continue`` or ``break`` | the same |
| ... with one case beside it | the ``select`` goes too: ``for { m := <-messages; ... }`` |

The level is safe where the cases wait for variables, fields and a context's ``Done()``, which nobody sets to something
else while the select waits (``operand-changes``: a loop that looks again would see another channel). Where they compute
something it is review: ``time.After(d)`` in such a loop begins anew with each round and never comes; now it does. So it
is where another package may set what is waited for.

A program in which nothing can happen any more ends with the runtime's "all goroutines are asleep", where it ran hot for
ever.

Reported (``spins``), for what to wait for is not written down: ``for {}``, a loop with an empty body whose condition
only looks (at variables, atomic values, the clock), and such a condition around a select with an empty default. With a
plain variable that is a data race, too, and the compiler need not look at it twice.

No site: loops that do something each round, be it by their condition (``for rows.Next() {}``), counted loops, a
default with work in it, and ``runtime.Gosched()``: whoever writes that knows that the loop spins. A comment in the
default says that it is on purpose, and stays (``comment-in-the-way``).

Sources: https://go.dev/ref/spec#Select_statements, https://go.dev/ref/mem#badsync,
https://staticcheck.dev/docs/checks/#SA5002, https://staticcheck.dev/docs/checks/#SA5004,
https://staticcheck.dev/docs/checks/#S1000.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from gocodemod.analysis import flow, layout, spinning
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = "(for_statement) @site"
# A default, or an empty body as gofmt lays it out.
_EMPTY = tuple(b"{%s%s}" % (end, b"\t" * depth) for depth in range(1, 8) for end in (b"\n", b"\r\n"))
NEEDLES = ((b"default", *_EMPTY),)


def match(_source: Source, node: Node) -> Node | None:
    """Loops of which nothing is counted, with an empty body or one select that has an empty default."""
    clause, body = flow.clause(node), flow.body(node)
    if body is None or (clause is not None and not flow.is_endless(node)):
        return None
    inner = flow.statements(body)
    if not inner:
        return node if not any(c.type == "comment" for c in flow.everything(body)) else None
    return node if len(inner) == 1 and _default(node, inner[0]) is not None else None


def _default(loop: Node, select: Node) -> Node | None:
    """The default of a select in which nothing stands but a jump back to the loop."""
    if select.type != "select_statement":
        return None
    default = next((c for c in select.named_children if c.type == "default_case"), None)
    inner = flow.statements(default) if default is not None else []
    if not inner:
        return default
    jump, label = inner[0], flow.jump_label(inner[0])
    again = jump.type == "continue_statement" and (label is None or (_names(loop, label) and _used_twice(loop, label)))
    left = jump.type == "break_statement" and label is None
    return default if len(inner) == 1 and (again or left) else None


def _names(loop: Node, label: bytes) -> bool:
    return flow.label(loop) == label


def _used_twice(loop: Node, label: bytes) -> bool:
    """Whether the label is of use to another jump: Go forbids one that is not used."""
    return sum(1 for n in flow.everything(loop) if n.type == "label_name" and n.text == label) > 1


def decide(candidate: Candidate, context: Context) -> Decision | None:
    loop, body = candidate.node, flow.body(candidate.node)
    view = View.around(candidate.source, context.facts, loop, context.language)
    if view is None or body is None:
        return None
    inner, test = flow.statements(body), flow.condition(loop)
    cases = [c for c in inner[0].named_children if c.type == "communication_case"] if inner else []
    if test is not None:
        if not spinning.looks_only(view, test):
            return None
        return _spins(f"the loop does nothing but look at {' '.join(view.text(test).split())}")
    if not cases:
        return _spins("the loop does nothing, for ever")
    default = _default(loop, inner[0])
    assert default is not None, "match found one"
    return _refuse(context, view, default, cases) or _fix(view, inner[0], default, cases)


def _spins(what: str) -> Refusal:
    return Refusal("spins", f"{what}, and takes a whole processor", level=Level.REPORT)


def _refuse(context: Context, view: View, default: Node, cases: list[Node]) -> Refusal | None:
    if _commented(view, default):
        return Refusal("comment-in-the-way", "a comment speaks of the default")
    for case in cases:
        if (why := spinning.changes(context, view, case)).endswith("did not resolve"):
            return Refusal("types-unavailable", why)
        if why:
            return Refusal("operand-changes", f"{why}, which a select that waits would not see")
    return None


def _commented(view: View, default: Node) -> bool:
    """Whether a comment stands in the default, on its line, or on lines of their own right above it."""
    select, data = default.parent, view.source.data
    assert select is not None, "a default stands in a select"
    behind = [n.start_byte for n in select.named_children if n.type in flow.CASES and n.start_byte > default.start_byte]
    end = min(behind, default=select.end_byte)
    comments = [n for n in flow.everything(select) if n.type == "comment"]
    inside = any(default.start_byte < n.start_byte < end for n in comments)
    line = data.rfind(b"\n", 0, default.start_byte)
    above = [n for n in comments if line >= 0 and n.end_byte <= line and not data[n.end_byte : line].strip()]
    return inside or any(not data[data.rfind(b"\n", 0, n.start_byte) + 1 : n.start_byte].strip() for n in above)


def _fix(view: View, select: Node, default: Node, cases: list[Node]) -> Fix:
    edits = _unwrapped(view, select, default, cases[0]) if len(cases) == 1 else None
    evidence = {"was": "a round as soon as the last one ended, a whole processor", "is": "parked until a case is ready"}
    level = Level.SAFE
    computed = next((c for case in cases if (c := spinning.computed(view, case))), "")
    if computed:
        level, evidence["evaluated"] = Level.REVIEW, f"{computed}, each round anew; now once for each wait"
    elif other := next((o for case in cases if (o := spinning.others_may_set(view, case))), ""):
        level, evidence["caution"] = Level.REVIEW, f"{other} is exported, and a wait does not see that it is set anew"
    change = FileChange(view.path, tuple(sorted(edits or [_removed(view, default)])))
    return Fix((change,), level, "the select waits, where its empty default made the loop spin", evidence)


def _removed(view: View, default: Node) -> Edit:
    """The default with its lines, where nothing else stands on them."""
    data, start, inner = view.source.data, default.start_byte, flow.statements(default)
    end = inner[-1].end_byte if inner else next(c for c in default.children if c.type == ":").end_byte
    if semicolon := re.match(rb"[ \t]*;", data[end:]):
        end += semicolon.end()
    line, stop = data.rfind(b"\n", 0, start) + 1, data.find(b"\n", end)
    if stop < 0 or data[line:start].strip() or data[end:stop].strip():
        return Edit(start, end, b"")
    return Edit(line, stop + 1, b"")


def _unwrapped(view: View, select: Node, default: Node, case: Node) -> list[Edit] | None:
    """A select with one case left is its communication and the case's body; None where that is not written on lines."""
    data, inner = view.source.data, flow.statements(case)
    colon = next(c for c in case.children if c.type == ":")
    communication = case.child_by_field_name("communication")
    assert communication is not None, "a communication case has one"
    breaks = any(n.type == "break_statement" and flow.jump_target(n) == select for n in flow.inside(case))
    first = data[select.start_byte : case.start_byte if case.start_byte < default.start_byte else default.start_byte]
    rows = [
        case.start_point.row,
        default.start_point.row,
        select.end_point.row,
        *(s.start_point.row for s in inner[:1]),
    ]
    left = communication.child_by_field_name("left") if communication.type == "receive_statement" else None
    if left is not None and any(n.type != "identifier" for n in left.named_children):
        return None  # a select finds out where the value goes once it has come
    if breaks or first.strip() != b"select {" or len(set(rows)) != len(rows) or flow.label(select) is not None:
        return None
    if any(c.type == "comment" for c in select.named_children if c.start_byte < case.start_byte):
        return None
    # The body runs from behind the colon to the line before what follows it: the default, or the brace.
    follower = default.start_byte if default.start_byte > case.start_byte else select.end_byte - 1
    end = len(data[: data.rfind(b"\n", 0, follower)].rstrip(b"\r"))
    head = layout.edit(select.start_byte, colon.end_byte, view.text(communication))
    return [head, *layout.shallower(view.source, colon.end_byte, end, [select]), Edit(end, select.end_byte, b"")]


transform = Transform(__name__, __doc__, QUERY, NEEDLES, match, decide, subject="let a select wait instead of spinning")
