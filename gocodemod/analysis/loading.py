"""Does a function literal that loads something know whether it succeeded, and where in it is that certain?

Read as Go code spells it: an error is looked at right where it comes from, and the branch for it leaves. What is written
in another way is not understood, and said to be so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import blocking, flow
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref
from gocodemod.model import Refusal

_WRITES = ("assign", "update", "define")
_MAKES_ERRORS = ("errors.New", "fmt.Errorf", "errors.Join")


@dataclass(frozen=True)
class Success:
    """``block``: its end is reached only where nothing failed, or where ``condition`` holds there (``err == nil``, ``""``).

    An if statement in the place of ``block`` looks at the error, is the last, and has no else: that is where success is.
    ``failures``: lines of the branches that failures take. ``values`` and ``errors``: what the literal sets of variables
    and fields declared outside of it. ``assigned``: what the branches of failures assign, errors left out. ``stale``: texts
    of errors that only failures set, so that they would be left from an earlier run.
    """

    block: Node
    condition: str
    failures: tuple[int, ...]
    values: tuple[Object, ...]
    errors: tuple[Object, ...]
    assigned: tuple[Object, ...]
    stale: tuple[str, ...]


def success(view: View, literal: Node) -> Success | Refusal | None:
    """None where nothing in the literal can fail, as far as it is written there. ``view`` is one inside the literal."""
    body = flow.body(literal)
    if body is None:
        return None
    walk = _Walk(view, literal)
    kept = walk.set_outside(literal)
    values, errors = [o for o in kept if o.type != "error"], [o for o in kept if o.type == "error"]
    if not kept:
        return None
    if not any(_is_error(view, r) for r in walk.writes(literal)):
        return _discarded(view, literal)
    if problem := walk.hidden(literal, kept):
        return _unclear(view, *problem)
    found = walk.statements(body, flow.statements(body))
    if isinstance(found, Refusal):
        return found
    block, condition = found
    lines = tuple(view.line(n.start_byte) for n in walk.failing)
    assigned = {o.id: o for n in walk.failing for o in walk.set_outside(n) if o.type != "error"}
    stale = [walk.text_of(e) for e in errors if e.id not in walk.looked_at]
    return Success(block, condition, lines, tuple(values), tuple(errors), tuple(assigned.values()), tuple(stale))


def _unclear(view: View, node: Node, what: str) -> Refusal:
    return Refusal("success-unclear", f"line {view.line(node.start_byte)} {what}")


def _is_error(view: View, ref: Ref) -> bool:
    known = view.facts.object(ref.object)
    return known is not None and known.type == "error"


def _discarded(view: View, literal: Node) -> Refusal | None:
    """``x, _ = load()``: a failure that nobody looks at."""
    for node in flow.inside(literal):
        if node.type != "assignment_statement":
            continue
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        targets = [c for c in left.named_children if c.type != "comment"] if left is not None else []
        values = [c for c in right.named_children if c.type != "comment"] if right is not None else []
        call = view.call_at(values[0]) if len(values) == 1 and len(targets) > 1 else None
        if call is not None and call.returns_error and view.text(targets[-1]) == "_":
            return Refusal("failure-not-seen", f"line {view.line(node.start_byte)} drops the error of {call.name}")
    return None


class _Walk:
    """One pass over the statements of the literal; ``failing`` collects the branches that failures take."""

    def __init__(self, view: View, literal: Node) -> None:
        self.view, self.literal = view, literal
        self.failing: list[Node] = []
        self.looked_at: set[str] = set()

    def text_of(self, kept: Object) -> str:
        """A variable or field as the literal names it."""
        first = next(r for r in self.writes(self.literal) if r.object == kept.id)
        return self.view.source.data[first.outer_start : first.outer_end].decode("utf-8", "replace")

    def writes(self, node: Node) -> Iterator[Ref]:
        """What the literal itself assigns or defines in a node, literals inside of it left out."""
        return (r for r in self.view.refs_in(node) if r.role in _WRITES and r.literals == self.view.literals)

    def set_outside(self, node: Node) -> list[Object]:
        found: dict[str, Object] = {}
        for ref in self.writes(node):
            known = self.view.facts.object(ref.object)
            if known is not None and ref.role != "define" and not self.view.declares(self.literal, known):
                found[known.id] = known
        return list(found.values())

    def hidden(self, literal: Node, kept: list[Object]) -> tuple[Node, str] | None:
        """What literals inside, deferred calls and jumps do about it, which the walk does not follow."""
        ids = {o.id for o in kept}
        for ref in self.view.refs_in(literal):
            inner = len(ref.literals) > len(self.view.literals)
            if inner and ref.role in ("assign", "update") and (ref.object in ids or _is_error(self.view, ref)):
                return self.view.source.node_at(ref.start, ref.end), f"sets {ref.name} in another function"
            if ref.role == "address" and ref.object in ids:
                return self.view.source.node_at(ref.start, ref.end), f"takes the address of {ref.name}"
        for node in flow.inside(literal):
            if node.type in ("goto_statement", "labeled_statement"):
                return node, "jumps"
            if node.type == "defer_statement" and not self._only_frees(node, ids):
                return node, "is deferred, and runs when success has been told already"
        return None

    def _only_frees(self, deferred: Node, ids: set[str]) -> bool:
        """Whether a deferred call is one of the standard library's that has nothing to do with what is loaded."""
        calls = self.view.calls_in(deferred)
        refs = [self.view.facts.object(r.object) for r in self.view.refs_in(deferred) if r.object]
        if any(c.kind not in ("method", "function") for c in calls) or any(o is None or o.id in ids for o in refs):
            return False
        if any("." in blocking.package_of(c.name).split("/")[0] or not blocking.package_of(c.name) for c in calls):
            return False
        frees = all(blocking.last_of(c.name) in ("Unlock", "RUnlock", "Close", "Stop") for c in calls)
        # What is printed may print itself, by a method of this package.
        tells = all(blocking.quiet(c.name) for c in calls) and all(
            o is not None and o.kind in ("package", "func") for o in refs
        )
        return frees or tells

    def statements(self, block: Node, listed: list[Node]) -> tuple[Node, str] | Refusal:
        """Where in a list of statements success is certain: at the end of which block, and on what condition."""
        pending: Node | None = None
        for statement in listed:
            last = statement == listed[-1]
            if statement.type == "if_statement":
                found = self._branch(statement, pending, last)
                if not isinstance(found, str):
                    return found
                if found == "checked":
                    pending = None
                continue
            target = self._error_target(statement)
            if target is not None and pending is None:
                pending = target
                self._looks_at(target)
            elif pending is not None and self._uses_in_writing(statement):
                return _unclear(self.view, statement, "goes on before the error is looked at")
            elif target is None and (problem := self._problem(statement)) is not None:
                return problem
        condition = f"{self.view.text(pending)} == nil" if pending is not None else ""
        return block, condition

    def _uses_in_writing(self, statement: Node) -> bool:
        return next(self.writes(statement), None) is not None or self._problem(statement) is not None

    def _problem(self, statement: Node) -> Refusal | None:
        """A way out, or an error, inside of a statement that is not looked into."""
        for node in flow.inside(statement):
            if node.type == "return_statement" or flow.never_returns(node):
                return _unclear(self.view, node, "ends it, and may do so without a failure")
        # `var err error` sets nothing yet
        failing = next((r for r in self.writes(statement) if _is_error(self.view, r) and r.value_start >= 0), None)
        if failing is not None:
            return _unclear(self.view, statement, "may fail inside of another statement")
        return None

    def _error_target(self, statement: Node) -> Node | None:
        """The error variable that a plain assignment or ``:=`` sets from a call or a value."""
        if statement.type not in ("assignment_statement", "short_var_declaration"):
            return None
        left = statement.child_by_field_name("left")
        operator = statement.child_by_field_name("operator")
        if left is None or (operator is not None and self.view.text(operator) not in ("=", ":=")):
            return None
        found = [
            t
            for t in left.named_children
            if (ref := self.view.ref_at(t)) is not None and ref.role in _WRITES and _is_error(self.view, ref)
        ]
        right = statement.child_by_field_name("right")
        calls = right is not None and any(n.type == "call_expression" for n in flow.inside(right))
        if len(found) != 1 or not calls:
            return None
        return found[0]

    def _looks_at(self, error: Node) -> None:
        ref = self.view.ref_at(error)
        if ref is not None:
            self.looked_at.add(ref.object)

    def _branch(self, branch: Node, pending: Node | None, last: bool) -> tuple[Node, str] | Refusal | str:
        """``checked``: the error is dealt with; ``apart``: the if has nothing to do with it; else where success is."""
        first = branch.child_by_field_name("initializer")
        then, other = branch.child_by_field_name("consequence"), branch.child_by_field_name("alternative")
        own = self._error_target(first) if first is not None else None
        if own is not None and pending is not None:
            return _unclear(self.view, branch, "goes on before the error is looked at")
        if own is not None:
            self._looks_at(own)
        error = own or pending
        sign = self._compared(branch, error) if error is not None else ""
        if then is None or (error is not None and not sign):
            return _unclear(self.view, branch, "does not plainly look at the error")
        if sign == "!=":
            return self._failed(branch, then, other, last)
        if sign == "==":
            if not last:
                return _unclear(self.view, branch, "is not the last that is done about the error")
            if other is not None:
                self.failing.append(other)
            return self.statements(then, flow.statements(then))
        if self._fails_itself(then) and other is None:
            self.failing.append(then)
            return "apart"
        return self._problem(branch) or "apart"

    def _failed(self, branch: Node, then: Node, other: Node | None, last: bool) -> tuple[Node, str] | Refusal | str:
        self.failing.append(then)
        if flow.ends_function(then):
            if other is not None:
                return _unclear(self.view, other, "is an else behind a branch that leaves")
            return "checked"
        if any(n.type == "return_statement" for n in flow.inside(then)):
            return _unclear(self.view, then, "leaves on some failures only")
        if not last:
            return _unclear(self.view, branch, "goes on after a failure")
        if other is not None and other.type == "block":
            return self.statements(other, flow.statements(other))
        if other is not None:
            return _unclear(self.view, branch, "goes on after a failure")
        return branch, ""

    def _compared(self, branch: Node, error: Node) -> str:
        """``!=`` or ``==`` where the condition is nothing but the error compared with nil."""
        condition = branch.child_by_field_name("condition")
        if condition is None or condition.type != "binary_expression":
            return ""
        left, sign, right = (condition.child_by_field_name(n) for n in ("left", "operator", "right"))
        if left is None or sign is None or right is None or self.view.text(right) != "nil":
            return ""
        one, other = self.view.ref_at(left), self.view.ref_at(error)
        same = one is not None and other is not None and one.object == other.object
        return self.view.text(sign) if same and self.view.text(left) == self.view.text(error) else ""

    def _fails_itself(self, then: Node) -> bool:
        """``if bad { err = errors.New(...); return }``."""
        inner = flow.statements(then)
        if len(inner) < 2 or inner[-1].type != "return_statement" or not flow.ends_function(then):
            return False
        target = self._error_target(inner[-2])
        calls = self.view.calls_in(inner[-2])
        return target is not None and any(c.name in _MAKES_ERRORS for c in calls)
