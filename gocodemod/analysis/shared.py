"""What a goroutine writes and its starter reads: without a wait in between that is a race."""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import captures, flow, waited_for
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref
from gocodemod.model import Refusal


def first_look(view: View, start: Node, literal: Node) -> Node | Refusal | None:
    """The first statement after a go statement that looks at a variable the literal writes, where a Wait can go before it.

    None if there is none, or only a return of what holds what was written (a slice whose elements it fills), which the
    caller looks into later.
    """
    written = writes(view, literal)
    for variable in written:
        known = view.facts.object(variable)
        if known is not None and known.kind == "result" and written[variable]:
            return Refusal("written-without-wait", f"the goroutine writes the result {known.name}")
    if changed := _changed_by_starter(view, start, literal, set(written)):
        return Refusal(
            "written-without-wait", f"the function assigns {changed}, which the goroutine uses, without waiting"
        )
    looks = sorted(
        (r for v in written for r in view.refs_of(v) if _concurrent(view, start, literal, r)), key=lambda r: r.start
    )
    for ref in looks:
        node = view.source.node_at(ref.start, ref.end)
        if set(flow.loops_around(node)) & set(flow.loops_around(start)):
            return Refusal("written-without-wait", f"the loop looks at {ref.name}, which the goroutine writes")
        place = _sibling(node, start)
        if place is None or not waited_for.always_reached(start, place):
            name = ref.name
            return Refusal(
                "written-without-wait", f"{name}, which the goroutine writes, is looked at on some ways only"
            )
        if place.type == "return_statement" and ref.role == "return" and not written[ref.object]:
            continue
        return place
    return None


def _changed_by_starter(view: View, start: Node, literal: Node, written: set[str]) -> str:
    """Name of a variable that the goroutine uses and its starter assigns while it may run; loop variables left out."""
    for variable, refs in captures.captured(view, literal).items():
        for ref in view.refs_of(variable):
            if (
                ref.role not in ("assign", "update")
                or variable in written
                or not _concurrent(view, start, literal, ref)
            ):
                continue
            clause: Node | None = view.source.node_at(ref.start, ref.end)
            while clause is not None and clause.type not in ("statement_list", "for_clause", "range_clause"):
                clause = clause.parent
            if clause is None or clause.type == "statement_list":
                return refs[0].name
    return ""


def writes(view: View, literal: Node) -> dict[str, bool]:
    """Variables and fields from outside that the literal writes; True for those that it assigns whole."""
    found: dict[str, bool] = {}
    for node in flow.runs_in(literal):
        targets: list[Node] = []
        if node.type == "assignment_statement":
            left = node.child_by_field_name("left")
            targets = list(left.named_children) if left is not None else []
        elif node.type in ("inc_statement", "dec_statement"):
            targets = list(node.named_children[:1])
        elif node.type == "range_clause":
            left = node.child_by_field_name("left")
            assigns = any(c.type == "=" for c in node.children)
            targets = list(left.named_children) if left is not None and assigns else []
        for target in targets:
            ref, whole = _target(view, target)
            known = view.facts.object(ref.object) if ref is not None and ref.object else None
            if ref is None or known is None or view.declares(literal, known):
                continue
            found[ref.object] = found.get(ref.object, False) or whole
    return found


def _target(view: View, target: Node) -> tuple[Ref | None, bool]:
    """What is written by an assignment to an expression: ``x``, ``x.f`` (the field), the elements of ``x[i]``."""
    whole = True
    while True:
        if target.type == "parenthesized_expression" and target.named_children:
            target = target.named_children[0]
        elif target.type in ("index_expression", "slice_expression", "unary_expression"):
            operand = target.child_by_field_name("operand")
            if operand is None:
                return None, whole
            target, whole = operand, False
        elif target.type in ("identifier", "selector_expression"):
            return view.ref_at(target), whole
        else:
            return None, whole


def _concurrent(view: View, start: Node, literal: Node, ref: Ref) -> bool:
    """Whether the starter's own code (or another round's) may use the variable while the goroutine runs."""
    if literal.start_byte <= ref.start < literal.end_byte:
        return False
    node = view.source.node_at(ref.start, ref.end)
    if _in_goroutine(node, view.function):
        return False
    if not flow.contains(view.function, node):
        return False
    after = ref.start >= start.end_byte
    return after or bool(set(flow.loops_around(node)) & set(flow.loops_around(start)))


def _in_goroutine(node: Node, function: Node) -> bool:
    current: Node | None = node
    while current is not None and current != function:
        if current.type == "go_statement":
            return True
        current = current.parent
    return False


def _sibling(node: Node, start: Node) -> Node | None:
    """The statement that holds the node and stands in a list that holds the start too."""
    current: Node | None = node
    while current is not None:
        parent = current.parent
        if parent is not None and parent.type == "statement_list" and flow.contains(parent, start):
            return current
        current = parent
    return None
