"""What an early return in the middle of a function would leave undone: work, or something that had to be done.

The result that is not there need not be worked on. What releases, replies or records whatever the result is has to run;
what the function's own failures skip may be skipped by one more failure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from gocodemod.analysis import effects, firing, flow, locks, sharing, tolerance
from gocodemod.analysis.effects import Effect
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object
from gocodemod.model import Refusal

_SIMPLE = frozenset(
    {
        "expression_statement", "assignment_statement", "short_var_declaration", "var_declaration", "inc_statement",
        "dec_statement", "send_statement", "defer_statement", "go_statement", "return_statement",
    }
)  # fmt: skip
_CONTAINERS = frozenset(
    {
        "block", "statement_list", "if_statement", "for_statement", "for_clause", "select_statement", "labeled_statement",
        "expression_switch_statement", "type_switch_statement", *flow.CASES,
    }
)  # fmt: skip


def problem(view: View, received: Collection[str], joins: Collection[int]) -> Refusal | None:
    """Why the function cannot return at ``view.node`` with an error.

    ``received``: ids of the variables that the wait gives their values. ``joins``: starts of statements behind it that
    wait as well, or close what nobody else receives from, which were looked at apart.
    """
    held = _held(view)
    if held is not None:
        return Refusal("skips-cleanup", f"{held} is held, and given back behind the wait")
    return (
        _cleaning_failure(view)
        or _result_of_a_defer(view)
        or _behind(view, _Result(set(received)), joins)
        or _hidden_error(view, received)
        or tolerance.problem(view, received)
    )


def _held(view: View) -> str | None:
    """A lock that is held at the wait and not given back by a deferred call."""
    before = flow.dominating(view.node, view.function)
    deferred = " ".join(view.text(s) for s in before if s.type == "defer_statement")
    for lock in locks.held(view):
        if f"{lock}.Unlock()" not in deferred and f"{lock}.RUnlock()" not in deferred:
            return lock
    return None


def returns(node: Node) -> Iterator[Node]:
    """Return statements below a node whose last value is not nil: they report a failure, or may."""
    for inner in flow.inside(node):
        if inner.type == "return_statement" and inner.named_children:
            values = [c for c in inner.named_children[0].named_children if c.type != "comment"]
            if values and values[-1].type != "nil":
                yield inner


def _cleaning_failure(view: View) -> Refusal | None:
    """An exit of the function on a failure that first undoes something: leaving at the wait would have to do that, too."""
    block = flow.body(view.function)
    for leaving in returns(block) if block is not None else ():
        top = leaving.parent is not None and leaving.parent.parent == block
        before = [] if top else flow.siblings(leaving)[0]
        kept = [s for s in effects.without_pairs(view, before) if not flow.contains(s, view.node)]
        if not any(flow.contains(s, view.node) for s in before) and any(_told(view, s) for s in kept):
            line = view.line(leaving.start_byte)
            return Refusal(
                "skips-cleanup",
                f"the return in line {line} cleans up or records the failure first, as one at the wait would have to",
            )
    return None


def _told(view: View, statement: Node) -> bool:
    """Whether a statement before a failing return undoes something, or tells somebody but a log."""
    if effects.of(view, [statement]) >= Effect.RECORDS:
        return True
    alone = statement.type == "expression_statement" and statement.named_children[0].type == "call_expression"
    return alone and not effects.only_logs(view, statement)


def _result_of_a_defer(view: View) -> Refusal | None:
    """A deferred literal that works with a named result, which the return at the wait would set to its zero value."""
    block = flow.body(view.function)
    for node in flow.inside(block) if block is not None else ():
        if node.type != "defer_statement" or node.start_byte > view.node.start_byte:
            continue
        for ref in view.refs_in(node):
            known = view.facts.object(ref.object) if ref.object else None
            if known is not None and known.kind == "result" and known.type != "error" and ref.role != "assign":
                line = view.line(ref.start)
                return Refusal(
                    "skips-cleanup", f"the deferred call in line {line} works with {known.name}, which would be reset"
                )
    return None


@dataclass
class _Result:
    """What does not exist without the wait. ``received``: what it gives; ``made``: what is made behind it."""

    received: set[str]
    made: set[str] = field(default_factory=set)

    def learn(self, view: View, leaf: Node) -> None:
        """Variables that a statement behind the wait defines: parts of the result, or new things."""
        refs = [r for r in view.refs_in(leaf) if r.literals == view.literals]
        part = not view.calls_in(leaf) and any(r.object in self.received for r in refs)
        (self.received if part else self.made).update(r.object for r in refs if r.role == "define")


def _behind(view: View, result: _Result, joins: Collection[int]) -> Refusal | None:
    """Statements behind the wait that have to run though there is no result."""
    rest: list[Node] = []
    for statement in behind(view):
        for leaf in leaves(statement):
            if leaf.start_byte in joins:
                continue
            if (late := _releases_result(view, leaf, result)) is not None:
                return Refusal("late-result-leaks", f"nobody would run {late} for a result that comes too late")
            result.learn(view, leaf)
            rest.append(leaf)
        if statement.type != "return_statement" and any(returns(statement)):
            break  # what stands behind it is skipped by the function's own failures already
    for leaf in effects.without_pairs(view, rest):
        if _must_run(view, leaf, result):
            line = view.line(leaf.start_byte)
            return Refusal("skips-cleanup", f"line {line} releases, replies or records, and would not run any more")
    return None


def behind(view: View) -> Iterator[Node]:
    """What may run once the wait is over, nearest first; of a wait in an if's header that if's own branches, too.

    Further rounds of a loop around the wait are left out.
    """
    holder = flow.statement(view.node)
    if holder.type == "if_statement":
        parts = (holder.child_by_field_name(name) for name in ("consequence", "alternative"))
        yield from (p for p in parts if p is not None and p.start_byte >= view.node.end_byte)
    for statement in flow.follows(view.node, view.function):
        if not flow.contains(statement, view.node):
            yield statement


def leaves(statement: Node) -> Iterator[Node]:
    """The simple statements in a statement, and the conditions that are tested; not what leads to a failing return."""
    if statement.type in _SIMPLE:
        yield statement
        return
    if statement.type in ("block", *flow.CASES):
        inner = flow.statements(statement)
        if inner and inner[-1].type == "return_statement" and any(returns(inner[-1])):
            # What stands before it is looked at by _cleaning_failure; it may close something itself.
            yield inner[-1]
            return
    for child in statement.named_children:
        if child.type in _CONTAINERS or child.type in _SIMPLE:
            yield from leaves(child)
        elif child.type != "func_literal":
            yield child


def _must_run(view: View, leaf: Node, result: _Result) -> bool:
    """Whether a statement does something that is due without the result, too."""
    # Where things end, whatever is done is part of it.
    floor = Effect.WORKS if firing.ends_things(view.functions[-1].name) else Effect.RECORDS
    for part, effect in effects.parts(view, leaf):
        gravity, about = _gravity(view, part, effect), {r.object for r in view.refs_in(_about(part))}
        if {r.object for r in view.refs_in(part)} & result.received:
            # With the result goes what would have been recorded of it; a reply is waited for all the same.
            gravity = gravity if gravity is Effect.RELEASES else Effect.NONE
        if gravity >= floor and not about & result.made:
            return True
    return False


def _gravity(view: View, part: Node, effect: Effect) -> Effect:
    if part.type == "call_expression":
        call = view.call_at(part)
        waits = call is not None and call.name.endswith(".Wait")
        return Effect.RELEASES if waits or _calls_back(view, part) else effect
    literals = [n for n in flow.everything(part) if n.type == "func_literal"] if part.type == "go_statement" else []
    bodies = [b for n in literals if (b := flow.body(n)) is not None]
    return max([effect, *(effects.of(view, flow.statements(b)) for b in bodies)])


def _calls_back(view: View, part: Node) -> bool:
    """``onDone(n)``: somebody waits to be told."""
    alone = part.parent if part.parent is not None and part.parent.type == "expression_statement" else None
    return alone is not None and effects.calls_back(view, alone)


def _about(part: Node) -> Node:
    """What a call is made on, a value is sent to or assigned to; else the whole."""
    for name in ("channel", "left"):
        if (found := part.child_by_field_name(name)) is not None:
            return found
    callee = part.child_by_field_name("function")
    return callee if callee is not None and callee.type == "selector_expression" else part


def _releases_result(view: View, leaf: Node, result: _Result) -> str | None:
    """A call that gives back what was received (``defer r.conn.Close()``)."""
    for call in view.calls_in(leaf):
        refs = [r for r in view.refs if call.receiver_start <= r.start < call.receiver_end]
        node = view.source.node_at(call.start, call.end)
        if (
            refs
            and refs[0].object in result.received
            and node.type == "call_expression"
            and effects.releases(view, node)
        ):
            return view.text(node)
    return None


def _hidden_error(view: View, received: Collection[str]) -> Refusal | None:
    """An error found before the wait and returned behind it: the timeout would be told instead."""
    for statement in behind(view):
        for leaving in (n for n in flow.inside(statement) if n.type == "return_statement"):
            for variable in _returned_errors(view, leaving):
                if variable.id not in received and _pending(view, variable):
                    return Refusal(
                        "hides-an-error",
                        f"{variable.name} may hold an error at the wait, which the return behind it tells",
                    )
    return None


def _returned_errors(view: View, leaving: Node) -> list[Object]:
    if leaving.named_children:
        found = sharing.variables(view, view.refs_in(leaving))
    else:
        names = [r.name for r in view.functions[0].results]
        here = (view.facts.lookup(view.path, leaving.start_byte, n) for n in names if n not in ("", "_"))
        found = [o for o in here if o is not None and o.kind == "result"]
    return [o for o in found if o.type == "error"]


def _pending(view: View, variable: Object) -> bool:
    """Whether the last thing that happened to the variable before the wait is that it was set."""
    before = flow.dominating(view.node, view.function)
    for statement in reversed(before):
        if statement.type == "if_statement" and _leaves_if_set(view, statement, variable):
            return False
        writes = [r for r in view.refs_in(statement) if r.object == variable.id and r.role in ("define", "assign")]
        if any(r.literals == view.literals and r.value_start >= 0 for r in writes):
            return True
    return False


def _leaves_if_set(view: View, statement: Node, variable: Object) -> bool:
    """``if err != nil { ...; return }``."""
    test, then = statement.child_by_field_name("condition"), statement.child_by_field_name("consequence")
    if test is None or then is None or not flow.ends_function(then):
        return False
    left, right = test.child_by_field_name("left"), test.child_by_field_name("right")
    ref = view.ref_at(left) if left is not None and left.type == "identifier" else None
    return (
        ref is not None
        and ref.object == variable.id
        and right is not None
        and right.type == "nil"
        and "!=" in view.text(test)
    )
