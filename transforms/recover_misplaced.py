"""Put recover where it recovers: called directly by a function that is deferred.

``recover`` gives nil, and the panic goes on, unless a deferred function calls it itself: not through a helper, not as an
argument, not from another goroutine. Such a call looks like a safety net and is none.

| the call | the edit |
|---|---|
| ``defer recover()``, in a function that is not deferred itself | ``defer func() { recover() }()`` (review) |
| ``defer log.Print(recover())``: an argument, evaluated by the defer statement | reported |
| in a function that nothing defers: called, started by ``go``, called in place, ``main`` | reported |
| in the ``defer`` of a function that does nothing but start goroutines, which have no recover of their own | reported |

The level is review: a panic that ended the program is now swallowed, and the function returns to its caller. That is what
was written down; whether it is what is wanted, nobody has seen yet.

Inside of a deferred function, ``defer recover()`` and ``defer log.Print(recover())`` do recover, and are no sites. Nor is a
recover in a function that is handed on as a value, or exported: whoever gets it may defer it.

Reported and not rewritten, too: functions with results, ``main`` and tests, which would return as if all were well
(``panic-becomes-success``); functions that a panic would leave with a lock held or somebody waiting
(``panic-leaves-open``); functions with another recover, which would come second (``recovered-elsewhere``). Only a person
knows what should happen then.

Sources: https://go.dev/ref/spec#Handling_panics, https://go.dev/blog/defer-panic-and-recover.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from gocodemod.analysis import configurations, deferring, flow, goroutines, layout, locks, reach
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Call, Function
from gocodemod.golang.source import Source
from gocodemod.model import Decision, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = '((call_expression function: (identifier) @name) @site (#eq? @name "recover"))'
NEEDLES = (b"recover",)
_NEVER_DEFERRED = ("main", "init")
_PLAIN = ("declare", "call", "go-call")


def match(source: Source, node: Node) -> Node | None:  # noqa: ARG001
    return node


def decide(candidate: Candidate, context: Context) -> Decision | None:
    node = candidate.node
    view = View.around(candidate.source, context.facts, node, context.language)
    known = view.call_at(node) if view is not None else None
    if view is None or known is None or known.kind != "builtin":
        return None  # some other function of the name
    statement = _carrier(node)
    if statement is not None:
        return _at_the_statement(context, view, known, statement)
    if why := _never_deferred(context, view):
        return _report("recover-not-deferred", f"the function around it is {why}, so it gives nil")
    return _for_others(context, view)


def _report(reason: str, message: str) -> Refusal:
    return Refusal(reason, message, level=Level.REPORT)


def _carrier(node: Node) -> Node | None:
    """The defer or go statement whose call recover is, or whose arguments it stands in: both are worked out right there."""
    current: Node | None = node
    while current is not None and current.type not in ("statement_list", "func_literal"):
        if current.type in ("defer_statement", "go_statement"):
            return current
        current = current.parent
    return None


def _at_the_statement(context: Context, view: View, known: Call, statement: Node) -> Decision | None:
    if _may_be_deferred(context, view):
        return None
    if statement.type == "defer_statement" and known.statement == "defer":
        return _refused(context, view, statement) or _fix(view, statement)
    what = statement.type.removesuffix("_statement")
    return _report("recover-too-early", f"the {what} statement itself evaluates it, when nothing panics yet")


# --- is the function around it deferred? -----------------------------------------------------------------------------


def _may_be_deferred(context: Context, view: View) -> bool:
    """Whether the function around may be run by a defer, so that what it calls directly recovers."""
    function = view.functions[0]
    if function.kind == "literal" and function.started in ("go", "call"):
        return False
    if goroutines.starts_goroutine(function):
        return False
    if function.kind == "literal" and function.started == "assigned":
        return any(r.role not in ("define", "call", "go-call") for r in view.refs_of(function.variable))
    if function.kind == "literal":
        return True
    return _declared_may_be_deferred(context, function)


def _declared_may_be_deferred(context: Context, function: Function) -> bool:
    uses = context.facts.uses(function.object)
    if any(u.role == "defer-call" for u in uses):
        return True
    # In doubt about who else defers it, `defer recover()` in it is still what it says.
    return any(u.role not in _PLAIN for u in uses)


def _never_deferred(context: Context, view: View) -> str:
    """How the function around is run, where nothing can defer it, a phrase; ``""`` where something does or may."""
    function = view.functions[0]
    if goroutines.starts_goroutine(function):
        return "started as a goroutine"
    if function.kind == "literal":
        if function.started == "call":
            return "called in place"
        if function.started != "assigned" or _may_be_deferred(context, view):
            return ""
        return "called, and never deferred" if len(view.refs_of(function.variable)) > 1 else ""
    known = context.facts.object(function.object)
    if known is None or _declared_may_be_deferred(context, function):
        return ""
    if known.kind == "func" and known.name in _NEVER_DEFERRED:
        return f"{known.name}, which nothing defers"
    called = [u for u in context.facts.uses(function.object) if u.role in ("call", "go-call")]
    if known.exported or known.in_interface or not called:
        return ""
    if configurations.uses_elsewhere(view, known):
        return ""
    return f"called by {called[0].function or 'the package'}, and never deferred"


# --- recover for somebody else ---------------------------------------------------------------------------------------


def _for_others(context: Context, view: View) -> Refusal | None:
    """A deferred literal of a function whose own statements cannot panic: they start goroutines, and wait for them."""
    function = view.functions[0]
    if function.kind != "literal" or function.started != "defer":
        return None
    outer = View.around(view.source, view.facts, flow.statement(view.function), view.language)
    body = flow.body(outer.function) if outer is not None else None
    if outer is None or body is None:
        return None
    started: list[Node] = []
    if not all(_only_starts(outer, s, started) for s in flow.statements(body)) or not started:
        return None
    for start in started:
        call = start.named_children[0]
        if any(c.name == "recover" for b in reach.started_too(context, outer, call) for c in b.calls):
            return None
    lines = ", ".join(str(view.line(s.start_byte)) for s in started)
    return _report(
        "recover-of-other-goroutine",
        f"only the goroutines of line {lines} can panic, and no other one can recover from it",
    )


def _only_starts(view: View, statement: Node, started: list[Node]) -> bool:
    """Whether a statement does nothing but start goroutines, count them, wait for them, or declare something."""
    if statement.type == "go_statement":
        started.append(statement)
        return True
    if statement.type == "for_statement":
        own = flow.body(statement)
        return own is not None and all(_only_starts(view, s, started) for s in flow.statements(own))
    if statement.type == "expression_statement":
        calls = view.own_calls_in(statement)
        waits = [c for c in calls if c.name.startswith("(*sync.WaitGroup).") and not c.name.endswith(".Go")]
        return flow.receives(statement.named_children[0]) or (bool(calls) and len(calls) == len(waits))
    return statement.type in ("defer_statement", "var_declaration") or (
        statement.type == "return_statement" and not view.own_calls_in(statement)
    )


# --- defer recover() -------------------------------------------------------------------------------------------------


def _refused(context: Context, view: View, statement: Node) -> Refusal | None:
    """What would be wrong once the panic does end here."""
    function = view.functions[0]
    package = view.facts.file(view.path).package_name
    if function.results:
        return _report("panic-becomes-success", "the function would return what its results hold, as if all were well")
    if view.path.endswith("_test.go") or (package == "main" and function.name == "main"):
        return _report("panic-becomes-success", "the program, or the test, would end as if all were well")
    for other in deferring.statements(view.function):
        if other != statement and deferring.recovers(context, view, other):
            return _report("recovered-elsewhere", f"line {view.line(other.start_byte)} may recover, too")
    if open_locks := locks.open_sections(view):
        return _report("panic-leaves-open", f"a panic would leave {open_locks[0].text} held for good")
    if caller := _recovering_caller(context, view, function, 3):
        return _report("recovered-elsewhere", f"{caller} recovers, and would take it for a success")
    return _left_open(context, view)


def _recovering_caller(context: Context, view: View, function: Function, levels: int) -> str:
    """A caller, or one of its callers, that recovers; the server of net/http does for its handlers. ``""`` for none seen."""
    if any(p.type == "net/http.ResponseWriter" for p in function.params):
        return "the server"
    if goroutines.starts_goroutine(function) or levels == 0:
        return ""
    used = function.object or function.variable
    for use in context.facts.uses(used) if used else ():
        if use.role != "call":
            continue
        try:
            source = view.source if use.path == view.path else context.source(use.path)
        except (TypesUnavailable, OSError):
            return use.function
        caller = View.around(source, context.facts, source.node_at(use.start, use.end), view.language)
        if caller is None:
            continue
        if any(deferring.recovers(context, caller, d) for d in deferring.statements(caller.function)):
            return use.function or "a function literal"
        further = (
            ""
            if caller.function == view.function
            else _recovering_caller(context, caller, caller.functions[0], levels - 1)
        )
        if further:
            return further
    return ""


# Calls that tell others something, or let them in: a panic before them would be missed.
_TELLS = re.compile(r"close|.*\.(Done|Unlock|RUnlock|Store|Swap|CompareAndSwap|Add|Signal|Broadcast|Release|Send)")


def _left_open(context: Context, view: View) -> Refusal | None:
    """What somebody else may wait for, and a panic would skip: in the function, or in those that it calls."""
    block = flow.body(view.function)
    for number, body in enumerate(reach.reach(context, view, block).bodies if block is not None else ()):
        inside = body.view
        for call in body.calls:
            if _TELLS.fullmatch(call.name) and (number or call.statement != "defer"):
                where = f"line {inside.line(call.start)}" + (f" of {body.name}" if body.name else "")
                return _report("panic-leaves-open", f"a panic would skip {where}, which somebody may wait for")
        for node in flow.runs_in(inside.node):
            if node.type == "send_statement":
                return _report("panic-leaves-open", f"a panic may skip the send in line {inside.line(node.start_byte)}")
    for ref in view.refs_in(view.function):
        known = view.facts.object(ref.object) if ref.object else None
        own = known is None or view.declares(view.function, known)
        pointed = ref.role == "read" and view.source.data[: ref.start].rstrip().endswith(b"*")
        if ref.role in ("assign", "update") and (not own or (known is not None and known.kind == "field")):
            return _report("panic-leaves-open", f"a panic may skip that {ref.name} is set, which others may look at")
        if not own and pointed and known is not None and known.kind in ("var", "param", "receiver"):
            return _report("panic-leaves-open", f"a panic may skip what is done to what {ref.name} points to")
    return None


def _fix(view: View, statement: Node) -> Fix:
    call = next(c for c in statement.named_children if c.type == "call_expression")
    edit = layout.edit(call.start_byte, call.end_byte, "func() { recover() }()")
    name = view.functions[-1].name
    where = name if len(view.functions) == 1 else f"the literal in {name or 'the package'}"
    evidence = {
        "was": "without effect: recover was the deferred call itself, not called by one",
        "now": f"a panic in {where} ends there, without a word",
    }
    return Fix((FileChange(view.path, (edit,)),), Level.REVIEW, "defer recover() recovers from nothing", evidence)


transform = Transform(__name__, __doc__, QUERY, NEEDLES, match, decide, subject="call recover from a deferred function")
