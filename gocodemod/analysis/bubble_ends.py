"""Do the goroutines of a test end with it? In a bubble they must: one that is left waiting makes the test panic.

What a goroutine waits for has to be made to happen by a statement that the test runs whatever comes, or defers. Time does
not help: it stands still when the test's own function is over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from tree_sitter import Node

from gocodemod.analysis import captures, endings, flow, joins, reach
from gocodemod.analysis.bubble import Bubble
from gocodemod.analysis.endings import Verdict, Wait
from gocodemod.analysis.joins import Place
from gocodemod.analysis.reach import Body
from gocodemod.analysis.receives import Until
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Ref
from gocodemod.model import Refusal
from gocodemod.transform import Context

_CANCELS = ("context.CancelFunc", "context.CancelCauseFunc")
# Calls that run a function in a goroutine of its own.
_STARTS = ("(*sync.WaitGroup).Go", "(*golang.org/x/sync/errgroup.Group).Go", "(*golang.org/x/sync/errgroup.Group).TryGo",
           "time.AfterFunc", "context.AfterFunc")  # fmt: skip
_PASSES_TIME = ("time.Sleep", "time.After", "time.NewTimer", "time.NewTicker", "time.Tick")
_PLAIN = ("expression_statement", "defer_statement", "short_var_declaration", "assignment_statement", "var_declaration")
_DEPTH = 5


def problem(context: Context, bubble: Bubble) -> Refusal | None:
    """The first goroutine that may still be there when the test is over."""
    ends = _Ends(context, bubble)
    for body, node, statement in _started(bubble):
        if why := ends.of(body, node, statement):
            return why
    return None


def _started(bubble: Bubble) -> Iterator[tuple[Body, Node, Node]]:
    """The code of each goroutine (a block, or a call), with the statement that starts it."""
    for body, node in bubble.nodes():
        if node.type == "go_statement":
            call = next((c for c in node.named_children if c.type == "call_expression"), None)
            callee = call.child_by_field_name("function") if call is not None else None
            literal = callee if callee is not None and callee.type == "func_literal" else None
            block = flow.body(literal) if literal is not None else None
            if call is not None:
                yield body, block if block is not None else call, node
    for body, made in bubble.calls():
        if made.name in _STARTS:
            node = body.view.source.node_at(made.start, made.end)
            arguments = node.child_by_field_name("arguments")
            last = arguments.named_children[-1] if arguments is not None and arguments.named_children else None
            literal = last if last is not None and last.type == "func_literal" else None
            block = flow.body(literal) if literal is not None else None
            yield body, block if block is not None else node, flow.statement(node)


class _Ends:
    def __init__(self, context: Context, bubble: Bubble) -> None:
        self.context, self.bubble = context, bubble
        self.test = bubble.bodies[0]

    def of(self, body: Body, node: Node, statement: Node) -> Refusal | None:
        view = View.around(body.view.source, body.view.facts, node, body.view.language)
        line = f"line {body.view.line(statement.start_byte)} of {os.path.basename(body.view.path)}"
        if view is None:
            return Refusal("end-unknown", f"the goroutine of {line}")
        ending = endings.of(self.context, view, node)
        if ending.verdict is Verdict.NEVER:
            return Refusal("never-ends", f"the goroutine of {line}: {ending.why}")
        if ending.verdict is Verdict.UNKNOWN:
            return Refusal("end-unknown", f"the goroutine of {line}: {ending.why}")
        for wait in ending.waits:
            within = ending.reach.bodies[wait.body]
            if not any(self._comes(within, until, wait) for until in wait.until):
                return Refusal("end-unknown", f"the goroutine of {line} waits: {wait.text}")
        if not ending.waits and self._takes_time(ending) and not self._joined(body, statement):
            return Refusal("sleeps-after-the-test", f"the test may be over before the goroutine of {line}")
        return None

    def _takes_time(self, ending: endings.Ending) -> bool:
        return any(c.name in _PASSES_TIME for b in ending.reach.bodies for c in b.calls)

    def _joined(self, body: Body, statement: Node) -> bool:
        """Whether the test waits for the goroutine: by a group, or a channel that it closes or sends to at last."""
        if body is not self.test or flow.loops_around(statement):
            return False
        view = View.around(body.view.source, body.view.facts, statement, body.view.language)
        return view is not None and joins.joined(view, statement, Place(self.test.view.node, -1, ""))

    # What a wait is for.

    def _comes(self, body: Body, until: Until, wait: Wait) -> bool:
        if until.kind == "timer":
            return False  # beside something else; alone it is no wait
        if _of_the_test(self.bubble, until.text):
            return True
        objects = self._meant(body, until.object, _DEPTH)
        if not objects:
            return False
        if until.kind == "context":
            return all(self._cancelled(o) for o in objects)
        if until.kind == "receiver":
            roles: tuple[str, ...] = ("receive", "range")
        else:
            roles = ("close",) if until.kind == "close" or "loop" in wait.text else ("close", "send")
        return all(self._surely({o}, roles) for o in objects)

    def _meant(self, body: Body, object_id: str, depth: int) -> set[str]:
        """The variables and fields that a parameter stands for, as far as the calls in the bubble tell; empty: unknown."""
        known = body.view.facts.object(object_id) if object_id else None
        if known is None or depth == 0:
            return set()
        if known.kind != "param":
            return {object_id}
        functions = body.view.facts.functions(known.path, known.start)
        owner = next((f for f in functions if any(p.id == object_id for p in f.params)), None)
        if owner is None:
            return set()
        if owner.kind == "literal":
            literal = body.view.source.node_at(owner.start, owner.end)
            given = captures.given(body.view, literal).get(object_id, "") if literal.type == "func_literal" else ""
            return self._meant(body, given, depth - 1)
        position = next(i for i, p in enumerate(owner.params) if p.id == object_id)
        found: set[str] = set()
        for around, call in self.bubble.calls():
            if call.object != owner.object:
                continue
            argument = _argument(around.view, call, position)
            meant = self._meant(around, argument, depth - 1)
            if not meant:
                return set()
            found |= meant
        return found

    def _cancelled(self, variable: str) -> bool:
        """Whether the test surely calls the cancel function that came with a context."""
        cancels = self._cancels_of(variable)
        called = ("call", "defer-call", "argument")
        return bool(cancels) and self._surely(cancels, called)

    def _cancels_of(self, variable: str) -> set[str]:
        """The variable or field of the cancel function beside a context's, and the fields that either was put into."""
        beside: set[str] = set()
        for body, ref in self.bubble.refs():
            if ref.object != variable or ref.value_start < 0 or ref.role not in ("define", "assign", "key"):
                continue
            span = (ref.value_start, ref.value_end)
            refs = body.view.facts.refs(body.view.path, body.view.node.start_byte, body.view.node.end_byte)
            beside |= {r.object for r in refs if (r.value_start, r.value_end) == span and _is_cancel(body.view, r)}
            value = body.view.source.node_at(*span)
            known = body.view.ref_at(value) if value.type == "identifier" else None
            if known is not None and known.object != variable:
                beside |= self._cancels_of(known.object)
        stored: set[str] = set()
        for body, ref in self.bubble.refs():
            if ref.role in ("assign", "key") and ref.value_start >= 0 and _is_cancel(body.view, ref):
                value = body.view.source.node_at(ref.value_start, ref.value_end)
                known = body.view.ref_at(value) if value.type in ("identifier", "selector_expression") else None
                if known is not None and known.object in beside:
                    stored.add(ref.object)
        return beside | stored

    def _run_by(self, view: View, piece: Node) -> Iterator[Body]:
        """What runs with a piece of the test, and what it defers to its end: ``t.Cleanup(s.Close)``."""
        yield from reach.reach(self.context, view, piece).bodies
        if not any(c.name.endswith(".Cleanup") and "testing." in c.name for c in view.calls_in(piece)):
            return
        for ref in view.refs_in(piece):
            known = view.facts.object(ref.object) if ref.object and ref.role != "call" else None
            named = known is not None and known.kind in ("func", "method")
            body = reach.declared(self.context, view, known.id) if known is not None and named else None
            if body is not None:
                yield from reach.reach(self.context, body.view, body.view.node).bodies

    def _surely(self, objects: set[str], roles: tuple[str, ...]) -> bool:
        """Whether a plain or deferred statement of the test, or what such a statement calls, uses one of them like that."""
        view = self.test.view
        for piece in _unconditional(view.node):
            for body in self._run_by(view, piece):
                refs = body.view.facts.refs(body.view.path, body.view.node.start_byte, body.view.node.end_byte)
                if any(r.object in objects and r.role in roles for r in refs):
                    return True
        return False


_CONTEXT = re.compile(r"(\w+)\.Context\(\)\.Done\(\)")


def _of_the_test(bubble: Bubble, text: str) -> bool:
    """``t.Context().Done()``: the test's own context, which is cancelled when it is over."""
    said = _CONTEXT.fullmatch(text)
    if said is None:
        return False
    named = (b.view.facts.object(r.object) for b, r in bubble.refs() if r.name == said[1] and r.object)
    kinds = {o.type for o in named if o is not None}
    return kinds == {"*testing.T"}


def _unconditional(block: Node) -> Iterator[Node]:
    """The statements of a block that always run, and the headers of its ifs."""
    for statement in flow.statements(block):
        if statement.type in _PLAIN:
            yield statement
        elif statement.type == "if_statement":
            header = (statement.child_by_field_name(name) for name in ("initializer", "condition"))
            yield from (part for part in header if part is not None)


def _is_cancel(view: View, ref: Ref) -> bool:
    known = view.facts.object(ref.object) if ref.object else None
    return known is not None and known.type in _CANCELS


def _argument(view: View, call: Call, position: int) -> str:
    """Id of the variable or field that the call is given at a place, "" for anything else."""
    node = view.source.node_at(call.start, call.end)
    arguments = node.child_by_field_name("arguments")
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    if position >= len(values) or values[position].type not in ("identifier", "selector_expression"):
        return ""
    around = View.around(view.source, view.facts, values[position], view.language)
    ref = around.ref_at(values[position]) if around is not None else None
    return ref.object if ref is not None else ""
