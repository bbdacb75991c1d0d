"""Where a function looks at a signal, and what it does then: leave, or go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref

# A condition with one of these asks whether a context has ended, by its error.
_ENDED = ("context.Cause(", "context.Canceled", "context.DeadlineExceeded")


@dataclass(frozen=True)
class Check:
    """A place in the loop that looks at the signal and leaves on every path.

    ``node``: the select or if statement, or the loop's condition. ``test``: the part that looks. ``arm``: what then
    runs, None where the loop simply ends.
    """

    node: Node
    test: Node
    arm: Node | None


def refs_of(view: View, object_id: str, text: str) -> list[Ref]:
    """References in the outermost function that name the object by this very expression.

    For what a call without arguments gives (``r.Context()``), those of the method that is called.
    """
    data, text = view.source.data, text.removesuffix("()")
    return [r for r in view.refs_of(object_id) if data[r.outer_start : r.outer_end].decode("utf-8", "replace") == text]


def looks(ref: Ref) -> bool:
    """Whether the reference receives from the signal or asks for its error."""
    return "receive" in ref.role or ref.selected == "Err"


def _in(ref: Ref, node: Node) -> bool:
    return node.start_byte <= ref.start < node.end_byte


def checks(view: View, loop: Node, refs: Iterable[Ref]) -> list[Check]:
    """The loop's own exits on the signal, in source order; the loop's condition first."""
    own = [r for r in refs if r.literals == view.literals and _in(r, loop) and looks(r)]
    found = [c for r in own for c in _check(view, loop, r)]
    return sorted(found, key=lambda c: c.node.start_byte)


def _check(view: View, loop: Node, ref: Ref) -> Iterator[Check]:
    """The check that a look belongs to, if it belongs to one."""
    test, parent = _test_of(view, ref)
    if test is None or parent is None or not flow.contains(loop, parent):
        return
    if parent == loop:
        if error_test(view, test, "==") and ref.selected == "Err":
            yield Check(test, test, None)
    elif parent.type == "communication_case":
        if parent.parent is not None and flow.always_leaves(parent, loop):
            yield Check(parent.parent, test, parent)
    elif ref.selected == "Err" and _asks_for_end(view, parent, test):
        then = parent.child_by_field_name("consequence")
        if then is not None and flow.always_leaves(then, loop):
            yield Check(parent, test, then)


def _test_of(view: View, ref: Ref) -> tuple[Node | None, Node | None]:
    """The test a look stands in (a communication, a condition, an initializer), and the statement that tests."""
    current: Node | None = view.source.node_at(ref.start, ref.end)
    while current is not None and current.parent is not None:
        parent = current.parent
        if parent.type == "communication_case":
            return (current, parent) if current == parent.child_by_field_name("communication") else (None, None)
        if parent.type == "if_statement":
            parts = (parent.child_by_field_name("condition"), parent.child_by_field_name("initializer"))
            return (current, parent) if current in parts else (None, None)
        if parent.type == "for_statement":
            return (current, parent) if current == flow.condition(parent) else (None, None)
        if parent.type == "for_clause" and parent.parent is not None:
            return (current, parent.parent) if current == flow.condition(parent.parent) else (None, None)
        if parent.type in ("statement_list", *flow.FUNCTIONS):
            return None, None
        current = parent
    return None, None


def _asks_for_end(view: View, statement: Node, test: Node) -> bool:
    if test == statement.child_by_field_name("condition"):
        return error_test(view, test, "!=")
    made, condition = statement.child_by_field_name("initializer"), statement.child_by_field_name("condition")
    if made is None or condition is None or made.type != "short_var_declaration":
        return False
    name, value = made.child_by_field_name("left"), made.child_by_field_name("right")
    if name is None or value is None:
        return False
    return view.text(value).endswith(".Err()") and view.text(condition) == f"{view.text(name)} != nil"


def error_test(view: View, test: Node, operator: str) -> bool:
    """``ctx.Err() == nil``, alone or as one side of ``&&`` (``==``) or ``||`` (``!=``)."""
    if test.type != "binary_expression":
        return False
    sign = test.child_by_field_name("operator")
    left, right = test.child_by_field_name("left"), test.child_by_field_name("right")
    if sign is None or left is None or right is None:
        return False
    if sign.type == ("&&" if operator == "==" else "||"):
        return error_test(view, left, operator) or error_test(view, right, operator)
    return sign.type == operator and right.type == "nil" and view.text(left).endswith(".Err()")


def goes_on(view: View, loop: Node, refs: Iterable[Ref]) -> bool:
    """Whether the loop looks at the signal somewhere and does not leave then.

    It has plans for what is left to do after the stop, and a wait that the signal ends would be no wait any more.
    """
    own = [r for r in refs if r.literals == view.literals and _in(r, loop)]
    known = [part for c in checks(view, loop, own) for part in (c.test, c.arm) if part is not None]
    for ref in own:
        look = looks(ref) or _asks_for_cause(view, ref)
        if look and not any(_in(ref, part) for part in known) and not _in_return(view, ref):
            return True
    return False


def _asks_for_cause(view: View, ref: Ref) -> bool:
    return any(c.name == "context.Cause" and c.start <= ref.start < c.end for c in view.calls)


def _in_return(view: View, ref: Ref) -> bool:
    return flow.statement(view.source.node_at(ref.start, ref.end)).type == "return_statement"


def seen_before(view: View, loop: Node, refs: Iterable[Ref]) -> bool:
    """Whether the function looks at the signal before the loop and may come to the loop after it fired."""
    for ref in refs:
        if ref.literals != view.literals or ref.start >= loop.start_byte or _in(ref, loop):
            continue
        look = looks(ref) or _asks_for_cause(view, ref)
        if look and not (_in_return(view, ref) or _returns_then(view, ref) or _in_last_arm(view, ref)):
            return True
    return False


def _in_last_arm(view: View, ref: Ref) -> bool:
    """Whether the look stands in an arm or branch, not around the wait, that ends the function (it is logged there)."""
    child: Node = view.source.node_at(ref.start, ref.end)
    parent = child.parent
    while parent is not None and parent != view.function:
        arm = parent.type == "communication_case" and child != parent.child_by_field_name("communication")
        branch = parent.type == "block" and parent.parent is not None and parent.parent.type == "if_statement"
        if (arm or branch) and not flow.contains(parent, view.node) and flow.ends_function(parent):
            return True
        child, parent = parent, parent.parent
    return False


def _returns_then(view: View, ref: Ref) -> bool:
    """Whether the function ends where the look finds the signal fired."""
    test, parent = _test_of(view, ref)
    if test is None or parent is None or (flow.contains(parent, view.node) and parent.type == "communication_case"):
        return False
    if parent.type == "communication_case":
        arm: Node | None = parent
    elif parent.type == "if_statement" and ref.selected == "Err":
        if error_test(view, test, "==") and flow.contains(parent, view.node):
            then = parent.child_by_field_name("consequence")
            return then is not None and flow.contains(then, view.node)
        arm = parent.child_by_field_name("consequence") if _asks_for_end(view, parent, test) else None
    else:
        arm = None
    return arm is not None and not flow.contains(arm, view.node) and flow.ends_function(arm)


def after_an_end(view: View) -> bool:
    """Whether the wait stands in a branch that is taken because some context has ended."""
    child, parent = view.node, view.node.parent
    while parent is not None and parent != view.function:
        if parent.type == "if_statement" and _mentions_end(view, parent.child_by_field_name("condition")):
            then = parent.child_by_field_name("consequence")
            test = parent.child_by_field_name("condition")
            holds = test is not None and error_test(view, test, "==")
            inside = then is not None and flow.contains(then, child)
            if inside != holds and (inside or then is None or not _leaves(then)):
                return True
        if parent.type == "expression_switch_statement" and any(
            _mentions_end(view, c.child_by_field_name("value")) for c in parent.named_children
        ):
            return True
        child, parent = parent, parent.parent
    return False


def _mentions_end(view: View, test: Node | None) -> bool:
    text = view.text(test) if test is not None else ""
    return any(e in text for e in _ENDED) or (".Err()" in text and "nil" in text)


def _leaves(block: Node) -> bool:
    inner = flow.statements(block)
    jumps = ("return_statement", "break_statement", "continue_statement", "goto_statement")
    return bool(inner) and (inner[-1].type in jumps or flow.never_returns(inner[-1]))
