"""Copying the exit that a loop already has on its stop signal to another place in the loop."""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import effects, flow
from gocodemod.analysis.looks import Check
from gocodemod.analysis.view import View

# A longer exit is better jumped to than copied.
_MOST_LINES = 3


def common_exit(view: View, found: list[Check]) -> str | None:
    """The exit that all checks come to, as text, if its names stand for the same things at the wait: one return, or one
    break to a label, with nothing before it but logging (the first check's is taken).
    """
    copies = [_copy_of(view, c) for c in found]
    if not copies or None in copies or len({lines[-1] for lines in copies if lines}) != 1:
        return None
    return "\n".join(copies[0] or ())


def _copy_of(view: View, check: Check) -> tuple[str, ...] | None:
    """The lines of a check's exit as they would read at the wait."""
    statements = _exit_of(view, check)
    lines = [_as_at_the_wait(view, check, s) for s in statements]
    return tuple(line for line in lines if line is not None) if lines and None not in lines else None


def _failed(view: View) -> set[str]:
    """Errors that are not nil at the wait, because it stands in the branch of ``if err != nil``."""
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
    """The error of ``err != nil`` (or ``==``), "" for any other condition."""
    if test is None or test.type != "binary_expression":
        return ""
    sign, left, right = (test.child_by_field_name(n) for n in ("operator", "left", "right"))
    if sign is None or left is None or right is None or sign.type != operator or right.type != "nil":
        return ""
    ref = view.ref_at(left) if left.type == "identifier" else None
    named = view.facts.object(ref.object) if ref is not None else None
    return named.id if named is not None and named.type == "error" else ""


def made_by_the_failure(view: View, statement: Node) -> bool:
    """``body.Close()``, deferred or not, of what a failed call did not give: nothing is there to be released."""
    if statement.type not in ("defer_statement", "expression_statement"):
        return False
    not_nil = _failed(view)
    values = {r.value_start for r in view.refs if r.object in not_nil and r.role in ("define", "assign")}
    bases = {r.object for r in view.refs_in(statement) if r.role == "base"}
    made = {
        r.object for r in view.refs if r.object in bases and r.role in ("define", "assign") and r.value_start in values
    }
    return bool(made) and (made == bases or statement.type == "defer_statement")


def _exit_of(view: View, check: Check) -> list[Node]:
    """The arm's statements if they can be copied, else none; what it does only without the failure is left out."""
    if check.arm is None:
        return []
    not_nil = _failed(view)
    inner = [
        s
        for s in flow.statements(check.arm)
        if not made_by_the_failure(view, s)
        and (
            s.type != "if_statement"
            or s.child_by_field_name("alternative") is not None
            or _compared_with_nil(view, s.child_by_field_name("condition"), "==") not in not_nil
        )
    ]
    if not inner or len(inner) > _MOST_LINES or not all(effects.only_logs(view, s) for s in inner[:-1]):
        return []
    jumps_out = inner[-1].type == "break_statement" and flow.jump_label(inner[-1]) is not None
    return inner if inner[-1].type == "return_statement" or jumps_out else []


def _as_at_the_wait(view: View, check: Check, statement: Node) -> str | None:
    """The statement's text if each name in it stands for the same thing at the wait, None if one does not.

    The ``err`` of ``if err := ctx.Err(); err != nil`` is written out.
    """
    text, start = view.source.data[statement.start_byte : statement.end_byte], statement.start_byte
    for ref in reversed(view.refs_in(statement)):
        if ref.outer_start != ref.start and ref.role != "base" and not ref.selected:
            continue
        here = view.facts.lookup(view.path, view.node.start_byte, ref.name)
        bare = view.source.data[ref.start - 1 : ref.start] != b"."
        known = view.facts.object(ref.object)
        if not bare or (here is not None and here.id == ref.object) or (known is not None and known.kind == "label"):
            continue  # a label has a name space of its own
        value = _given_by(view, check, ref.object)
        if value is None:
            return None
        text = text[: ref.start - start] + value + text[ref.end - start :]
    if statement.type == "return_statement" and not statement.named_children and not _results_visible(view):
        return None
    return text.decode("utf-8", "surrogateescape")


def _given_by(view: View, check: Check, variable: str) -> bytes | None:
    """``ctx.Err()``, where the check's own test defines the variable by that."""
    for ref in view.refs_of(variable):
        if ref.role == "define" and check.test.start_byte <= ref.start < check.test.end_byte and ref.value_start >= 0:
            value = view.source.data[ref.value_start : ref.value_end]
            return value if value.endswith(b".Err()") else None
    return None


def _results_visible(view: View) -> bool:
    """A bare return is an error where an inner variable shadows a named result."""
    for result in view.functions[0].results:
        here = view.facts.lookup(view.path, view.node.start_byte, result.name) if result.name not in ("", "_") else None
        if result.name not in ("", "_") and (here is None or here.kind != "result"):
            return False
    return True
