"""The text of a bounded wait: a select on the wait and on a context, in the shape that fits the statement.

What is received stays usable where it was: in the case itself if hardly more than a return follows, else in a variable
that is declared before the select.
"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow, layout
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Expr
from gocodemod.model import Edit, Refusal

# As much as a reader takes for the case of a select rather than for the rest of the function.
_SHORT_REST = 2


@dataclass(frozen=True)
class Target:
    """Where a received value goes. ``names``: the left side as written; ``defined``: its names that are new."""

    names: tuple[str, ...]
    defined: tuple[str, ...]

    @property
    def blank(self) -> bool:
        return all(name == "_" for name in self.names)

    def case(self, define: bool) -> str:
        """``v``, ``v, ok``, with its operator; empty where nothing is kept."""
        if self.blank:
            return ""
        kept = self.names[:1] if self.names[1:] == ("_",) else self.names
        return f"{', '.join(kept)} {':=' if define else '='} "


@dataclass(frozen=True)
class Bounded:
    """``head``: statements before the select. ``received``: what to receive from. ``then``: begins each case's body
    (``cancel()`` in a loop). ``done``: what the other case waits for. ``leave``: its return statement.
    """

    head: str
    received: str
    then: str
    done: str
    leave: str

    def opening(self, case: str, before: str = "") -> str:
        then = f"\n{self.then}" if self.then else ""
        return f"{self.head}{before}select {{\ncase {case}<-{self.received}:{then}"

    @property
    def closing(self) -> str:
        then = f"{self.then}\n" if self.then else ""
        return f"case <-{self.done}:\n{then}{self.leave}\n}}"


def target_of(view: View, statement: Node) -> Target | None:
    """What a statement does with the value of its receive; None if it is none of the forms that can be rewritten."""
    if statement.type == "expression_statement":
        return Target((), ())
    if statement.type == "var_declaration":
        specs = [c for c in statement.named_children if c.type == "var_spec"]
        listed = [c.text.decode() for c in specs[0].children_by_field_name("name") if c.text] if len(specs) == 1 else []
        return Target(tuple(listed), tuple(n for n in listed if n != "_")) if 1 <= len(listed) <= 2 else None
    left = statement.child_by_field_name("left")
    if left is None:
        return None
    operands = [c for c in left.named_children if c.type != "comment"]
    if any(n.type == "call_expression" for o in operands for n in flow.everything(o)):
        return None  # it would be called after the receive, not before
    texts = tuple(view.text(o) for o in operands)
    defined = {r.name for r in view.refs_in(left) if r.role == "define"}
    return Target(texts, tuple(t for t in texts if t in defined and t != "_"))


def bound(view: View, statement: Node, bounded: Bounded, received: Node, in_loop: bool) -> tuple[Edit, ...] | Refusal:
    """The edits for a statement of a statement list that waits."""
    if (where := _lost_comment(statement, received)) is not None:
        return Refusal("wait-in-header", f"the comment in line {view.line(where.start_byte)} stands within the wait")
    if statement.type == "if_statement":
        return _in_header(view, statement, bounded)
    if statement.type == "return_statement":
        return _whole(view, statement, bounded, "err := ", "return err\n")
    target = target_of(view, statement)
    if target is None:
        return Refusal("wait-in-header", "where the value goes is told by a call, which would run after the wait")
    if not target.defined or target.blank:
        return _whole(view, statement, bounded, target.case(define=False))
    whole = all(n in target.defined or n == "_" for n in target.names)
    moves = whole and not in_loop and statement.type == "short_var_declaration"
    if moves and _is_short(view, statement):
        return _with_rest(view, statement, bounded, target)
    known = view.facts.expr(view.path, received.start_byte, received.end_byte)
    declared = _declared(view, statement, target, known)
    if declared is None:
        if moves and _may_hold(view, statement):
            return _with_rest(view, statement, bounded, target)
        return Refusal("type-not-nameable", f"the type of {target.names[0]} has no name in this file")
    return _whole(view, statement, bounded, target.case(define=False), before=declared)


def _lost_comment(statement: Node, received: Node) -> Node | None:
    """A comment in what is written anew."""
    test = statement.child_by_field_name("condition") if statement.type == "if_statement" else None
    stop = test.start_byte if test is not None else statement.end_byte
    operand = received.child_by_field_name("operand") or received
    comments = (n for n in flow.everything(statement) if n.type == "comment" and n.start_byte < stop)
    return next((n for n in comments if not flow.contains(operand, n)), None)


def _declared(view: View, statement: Node, target: Target, known: Expr | None) -> str | None:
    """``var v T`` for what the statement defines."""
    spec = next((c for c in statement.named_children if c.type == "var_spec"), None)
    given = spec.child_by_field_name("type") if spec is not None else None
    written = view.text(given) if given is not None else known.written if known is not None else None
    lines = []
    for place, name in enumerate(target.names):
        if name in target.defined:
            kind = written if place == 0 or given is not None else "bool"
            if kind is None:
                return None
            lines.append(f"var {name} {kind}\n")
    return "".join(lines)


def _whole(
    view: View, statement: Node, bounded: Bounded, case: str, body: str = "", before: str = ""
) -> tuple[Edit, ...]:
    """The statement becomes a select; a comment behind it stays beside the receive."""
    opening = bounded.opening(case, before)
    end = layout.line_end(view.source, statement)
    if end is not None and end > statement.end_byte:
        return (
            layout.edit(statement.start_byte, statement.end_byte, opening),
            layout.edit(end, end, f"\n{body}{bounded.closing}"),
        )
    return (layout.replace_statement(view.source, statement, f"{opening}\n{body}{bounded.closing}"),)


# --- the rest of the block moves into the case -------------------------------------------------------------------


def _is_short(view: View, statement: Node) -> bool:
    rest = flow.siblings(statement)[1]
    simple = all(s.start_point.row == s.end_point.row and s.type in _LINES for s in rest)
    return simple and len(rest) <= _SHORT_REST and _may_hold(view, statement)


_LINES = frozenset({"expression_statement", "assignment_statement", "short_var_declaration", "return_statement"})


_WAITS = frozenset({"unary_expression", "call_expression"})


def _may_hold(view: View, statement: Node) -> bool:
    """Whether what follows in the block ends the function, and means the same inside a select."""
    rest = flow.siblings(statement)[1]
    if not rest or rest[-1].type != "return_statement" or rest[0].start_point.row == statement.end_point.row:
        return False
    inner = [n for s in rest for n in flow.inside(s)]
    if any(n.type in ("labeled_statement", "goto_statement", "fallthrough_statement") for n in inner):
        return False
    jumps = [n for n in inner if n.type == "break_statement" and flow.jump_label(n) is None]
    if any((to := flow.jump_target(n)) is None or flow.contains(to, statement) for n in jumps):
        return False
    waits = any(view.text(n).startswith("<-") or view.text(n).endswith(".Wait()") for n in inner if n.type in _WAITS)
    return not waits and layout.line_end(view.source, rest[-1]) is not None


def _with_rest(view: View, statement: Node, bounded: Bounded, target: Target) -> tuple[Edit, ...]:
    rest = flow.siblings(statement)[1]
    end = layout.line_end(view.source, rest[-1])
    assert end is not None, "nothing but a comment follows the last statement"
    return (
        layout.edit(statement.start_byte, statement.end_byte, bounded.opening(target.case(define=True))),
        *layout.deeper(view.source, statement.end_byte, rest[-1].end_byte, rest),
        layout.edit(end, end, f"\n{bounded.closing}"),
    )


# --- if v := <-ch; condition -------------------------------------------------------------------------------------


def _in_header(view: View, statement: Node, bounded: Bounded) -> tuple[Edit, ...] | Refusal:
    """The receive becomes the case, the if its body."""
    made, test = statement.child_by_field_name("initializer"), statement.child_by_field_name("condition")
    assert made is not None and test is not None, "an if with a header"
    target, data = target_of(view, made), view.source.data
    end = layout.line_end(view.source, statement)
    before = data[data.rfind(b"\n", 0, statement.start_byte) + 1 : statement.start_byte]
    if target is None or end is None or before.strip() or data[made.end_byte : test.start_byte].strip() != b";":
        return Refusal("wait-in-header", "the wait in the header of this if cannot be moved before it")
    jumps = (n for n in flow.inside(statement) if n.type == "break_statement" and flow.jump_label(n) is None)
    if any((to := flow.jump_target(n)) is None or not flow.contains(statement, to) for n in jumps):
        return Refusal("wait-in-header", "a break in the body of this if would leave the select instead")
    case = target.case(define=bool(target.defined))
    return (
        layout.edit(statement.start_byte, test.start_byte, f"{bounded.opening(case)}\nif "),
        *layout.deeper(view.source, statement.start_byte, statement.end_byte, [statement]),
        layout.edit(end, end, f"\n{bounded.closing}"),
    )
