"""Groups that are copied: as parameters, as values of a range, with the struct that holds them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from gocodemod.analysis import flow, groups, layout, names, pointers
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Object, Ref
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context

_ASSIGNS = ("assignment_statement", "inc_statement", "dec_statement")


# --- parameters ------------------------------------------------------------------------------------------------------


def parameter(candidate: Candidate, context: Context) -> Decision | None:
    """``wg sync.WaitGroup`` becomes a pointer, its calls pass addresses."""
    node, path, facts = candidate.node, candidate.source.path, context.facts
    typed = node.child_by_field_name("type")
    known = facts.expr(path, typed.start_byte, typed.end_byte) if typed is not None else None
    if known is None or known.type != groups.TYPE:
        return None
    function = node.parent.parent if node.parent is not None else None
    if function is None or function.type not in flow.FUNCTIONS or flow.body(function) is None:
        if function is not None and function.type == "method_elem":
            return Refusal("satisfies-interface", "a method that an interface demands takes a group by value")
        return Refusal("used-as-value", "a function type, or a function without a body in Go, takes a group by value")
    view = View.around(candidate.source, facts, node, context.language)
    assert view is not None, "a parameter of a function stands in one"
    plan = pointers.plan(context, pointers.parameters(view, node), groups.TYPE)
    if isinstance(plan, Refusal):
        return plan
    first = min(plan.parameters.values(), key=lambda p: (p.view.path, p.declaration.start_byte))
    if (first.view.path, first.declaration.start_byte) != (path, node.start_byte):
        line = first.view.line(first.declaration.start_byte)
        return Refusal("fixed-together", f"the group is handed on: {first.name} in line {line} stands for both")
    if "Add" in plan.methods and plan.starting:
        return Refusal(
            "adds-to-its-copy", "the goroutine adds to the group itself: that Add must come before the go statement"
        )
    if "Done" in plan.methods and (twice := next((line for c in plan.calls if (line := _done_by_caller(c))), 0)):
        return Refusal("done-more-than-once", f"line {twice} calls Done too: with a pointer both would count")
    level, evidence = Level.SAFE, {"group": first.name or "unnamed", "calls": _lines(plan)}
    if len(plan.methods & {"Add", "Wait", "Done", "Go"}) > 1 or plan.methods & {"Add", "Go"}:
        level, evidence["shared"] = Level.REVIEW, "what the function counts, its callers now count too"
    elif uncounted := next((c for c in plan.calls if c.started and not _is_counted(c)), None):
        line = uncounted.view.line(uncounted.call.start_byte)
        level, evidence["count"] = Level.REVIEW, f"no Add is seen before the go statement in line {line}"
    elif in_place := next((c for c in plan.calls if not c.started and "Done" in plan.methods), None):
        line = in_place.view.line(in_place.call.start_byte)
        level, evidence["count"] = Level.REVIEW, f"line {line} is no go statement: is it counted for its own Done?"
    message = f"{first.name or 'the group'} is passed by value: a copy's Done reaches nobody, a copy's Wait misses them"
    return Fix(plan.changes, level, message, evidence)


def _lines(plan: pointers.Plan) -> str:
    found = [f"line {c.view.line(c.call.start_byte)}" for c in plan.calls]
    return ", ".join(dict.fromkeys(found)) or "none"


def _is_counted(called: pointers.Called) -> bool:
    """Whether the function that starts the goroutine adds to the group it hands over, before."""
    group = groups.named(called.view, called.given)
    adds = groups.calls(groups.uses_in(called.view, called.view.outermost), group, "Add") if group is not None else []
    return any(a.node.start_byte < called.call.start_byte for a in adds)


def _done_by_caller(called: pointers.Called) -> int:
    """The line of a Done of the same group in the function that makes the call, where it does not go on meanwhile; or 0."""
    group = groups.named(called.view, called.given) if not called.started else None
    if group is None:
        return 0
    dones = groups.calls(groups.uses_in(called.view, called.view.function), group, "Done")
    return called.view.line(dones[0].node.start_byte) if dones else 0


# --- loops -----------------------------------------------------------------------------------------------------------


def loop_of_value(source: Source, statement: Node, operand: Node) -> Node | None:
    """The loop whose range value a method is called on, by name, in the loop's own function."""
    if operand.type != "identifier":
        return None
    name = source.text(operand)
    loops = pointers.range_values(source, statement)
    return next((loop for loop, value in loops if source.text(value) == name), None)


def ranged(view: View) -> Decision | None:
    """``for _, wg := range groups`` copies each: the loop goes by index, and takes the address."""
    loop = view.node
    clause, body = flow.clause(loop), flow.body(loop)
    left = clause.child_by_field_name("left") if clause is not None else None
    operand = clause.child_by_field_name("right") if clause is not None else None
    if left is None or operand is None or body is None:
        return None
    key, value = [c for c in left.named_children if c.type == "identifier"]
    ref = view.ref_at(value)
    known = view.facts.object(ref.object) if ref is not None else None
    if known is None or known.type != groups.TYPE:
        return None
    over = view.facts.expr(view.path, operand.start_byte, operand.end_byte)
    if over is None or not re.fullmatch(rf"\*?\[\d*\]{re.escape(groups.TYPE)}", over.underlying):
        return Refusal("copied-further", "the elements of what is ranged over have no address")
    path = groups.path(view, operand)
    if path is None or any(_is_set_in(view, loop, r) for r in path):
        return Refusal("copied-further", f"{view.text(operand)} may be another one in the loop")
    edits = []
    for use in view.refs_of(known.id):
        if use.role == "address":
            edits.append(layout.edit(*pointers.ampersand(view, use), ""))
        elif use.role not in ("base", "define"):
            return Refusal("copied-further", f"line {view.line(use.start)} copies {use.name}")
    index = view.text(key)
    if index == "_":
        index = names.fresh(view.facts, view.path, body.start_byte + 1, view.outermost, "i")
    edits.append(Edit(left.start_byte, left.end_byte, index.encode()))
    edits.append(layout.prepend(view.source, body, f"{view.text(value)} := &{view.text(operand)}[{index}]\n"))
    evidence = {"group": known.name, "over": over.type}
    message = f"{known.name} is a copy of each group: nobody else sees what is called on it"
    return Fix((FileChange(view.path, tuple(sorted(edits))),), Level.REVIEW, message, evidence)


def _is_set_in(view: View, loop: Node, ref: Ref) -> bool:
    writes = (r for r in view.refs_of(ref.object) if r.role in ("assign", "address"))
    return any(loop.start_byte <= r.start < loop.end_byte for r in writes)


# --- structs ---------------------------------------------------------------------------------------------------------


def held(candidate: Candidate, context: Context) -> Decision | None:
    """A struct with a group as a field, whose methods copy it: their receivers become pointers."""
    source, facts = candidate.source, context.facts
    typed = candidate.node.child_by_field_name("type")
    known = facts.expr(source.path, typed.start_byte, typed.end_byte) if typed is not None else None
    spec = _type_spec(candidate.node)
    name = spec.child_by_field_name("name") if spec is not None else None
    if known is None or known.type != groups.TYPE or name is None or _is_second(candidate.node):
        return None
    owner = next((r.object for r in facts.refs(source.path, name.start_byte, name.end_byte)), "")
    receivers, copied = _by_value(context, source, owner)
    if copied:
        view = copied[0]
        line = view.line(view.node.start_byte)
        message = f"{source.text(name).decode()} holds a group, and is a parameter by value in line {line}"
        return Refusal("struct-copied", message, level=Level.REPORT)
    edits: dict[str, list[Edit]] = {}
    for view in receivers:
        if problem := _keeps_its_copy(view, context):
            return problem
        typed = view.node.child_by_field_name("type")
        assert typed is not None, "a receiver has a type"
        edits.setdefault(view.path, []).append(Edit(typed.start_byte, typed.start_byte, b"*"))
    if not edits:
        return None
    methods = ", ".join(v.functions[0].name for v in receivers)
    message = f"{methods}: a receiver by value copies the group"
    changes = tuple(FileChange(path, tuple(sorted(found))) for path, found in sorted(edits.items()))
    return Fix(changes, Level.REVIEW, message, {"struct": source.text(name).decode(), "methods": methods})


def _type_spec(field: Node) -> Node | None:
    """``type T struct`` around a field that stands right in it."""
    struct = field.parent.parent if field.parent is not None else None
    spec = struct.parent if struct is not None and struct.type == "struct_type" else None
    return spec if spec is not None and spec.type == "type_spec" else None


def _is_second(field: Node) -> bool:
    """Whether a field above it is a group by its text already: one site speaks for the struct."""
    typed = field.child_by_field_name("type")
    before = field.prev_named_sibling
    while before is not None and typed is not None:
        other = before.child_by_field_name("type")
        if before.type == "field_declaration" and other is not None and other.text == typed.text:
            return True
        before = before.prev_named_sibling
    return False


def _by_value(context: Context, source: Source, owner: str) -> tuple[list[View], list[View]]:
    """Receivers and parameters of the type by value, in its package; ``view.node`` is the declaration."""
    receivers: list[View] = []
    others: list[View] = []
    for use in context.facts.uses(owner):
        try:
            file = source if use.path == source.path else context.source(use.path)
        except (OSError, TypesUnavailable):
            continue
        node = file.node_at(use.start, use.end).parent
        node = node.parent if node is not None and node.type == "generic_type" else node
        function = node.parent.parent if node is not None and node.parent is not None else None
        if node is None or node.type != "parameter_declaration" or function is None:
            continue
        view = View.around(file, context.facts, node, context.language)
        if view is None or node.parent == function.child_by_field_name("result"):
            continue
        (receivers if node.parent == function.child_by_field_name("receiver") else others).append(view)
    return receivers, others


def _keeps_its_copy(view: View, context: Context) -> Refusal | None:
    """Why a method needs its receiver by value, or may not change."""
    function = view.functions[0]
    if problem := pointers.not_ours(view, function):
        return problem
    named = view.node.child_by_field_name("name")
    ref = view.ref_at(named) if named is not None else None
    for use in view.refs_of(ref.object) if ref is not None else ():
        if use.role not in ("base", "declare"):
            return Refusal("copied-further", f"line {view.line(use.start)} copies {use.name}")
    if ref is not None and _adds_in_goroutine(view, ref.object):
        return Refusal("adds-to-its-copy", f"{function.name} is started by go and adds to its copy of the group")
    if ref is not None and any(_assigns_to(view, n, ref.object) for n in flow.everything(view.function)):
        return Refusal("changes-its-copy", f"{function.name} assigns to fields of its copy of {ref.name}")
    for use in view.facts.uses(function.object):
        if use.role != "declare" and not _on_original(view, use, context):
            return Refusal("used-as-value", f"{function.name} is called on what has no address, or used as a value")
    return None


def _adds_in_goroutine(view: View, receiver: str) -> bool:
    """Whether the method is started by go, and calls Add on what its receiver holds."""
    started = any(u.role == "go-call" for u in view.facts.uses(view.functions[0].object))
    adds = (u.group for u in groups.uses_in(view, view.function) if u.method == "Add")
    return started and any(g is not None and g.objects[0] == receiver for g in adds)


def _assigns_to(view: View, node: Node, variable: str) -> bool:
    if node.type not in _ASSIGNS:
        return False
    target = node.child_by_field_name("left") or node
    return any(view.ref_at(n) is not None and _object(view, n) == variable for n in _leftmost(target))


def _leftmost(target: Node) -> Iterator[Node]:
    """The name that each of the expressions assigned to begins with."""
    for operand in target.named_children if target.type == "expression_list" else [target.named_children[0]]:
        node = operand
        while node.type != "identifier" and node.named_children:
            node = node.named_children[0]
        yield node


def _object(view: View, node: Node) -> str:
    ref = view.ref_at(node)
    return ref.object if ref is not None else ""


def _on_original(view: View, use: Ref, context: Context) -> bool:
    """Whether a use of a method is a call on a variable, a field or a pointer."""
    try:
        source = view.source if use.path == view.path else context.source(use.path)
    except (OSError, TypesUnavailable):
        return False
    call = source.node_at(use.outer_start, use.outer_end).parent
    around = View.around(source, view.facts, call, view.language) if call is not None else None
    known = around.call_at(call) if around is not None and call is not None else None
    if around is None or known is None or known.receiver_start < 0 or use.role not in ("call", "go-call", "defer-call"):
        return False
    receiver = source.node_at(known.receiver_start, known.receiver_end)
    typed = view.facts.expr(use.path, receiver.start_byte, receiver.end_byte)
    refs = groups.path(around, receiver)
    return (typed is not None and typed.type.startswith("*")) or (refs is not None and _has_address(around, refs))


def _has_address(view: View, refs: list[Ref]) -> bool:
    known: Object | None = view.facts.object(refs[0].object)
    copies = known is None or known.kind in ("param", "receiver") or not pointers.is_original(view, known)
    return len(refs) > 1 or not copies
