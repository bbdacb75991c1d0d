"""An Add that comes too late for the Wait it belongs to: in the goroutine it counts, or behind its go statement."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from gocodemod.analysis import (
    configurations,
    deferring,
    exit_marks,
    flow,
    goroutines,
    groups,
    layout,
    reach,
    starting,
    waiting,
)
from gocodemod.analysis.groups import Group, Use
from gocodemod.analysis.starting import Start
from gocodemod.analysis.view import View
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Context

# What may keep a goroutine, or let it end, before it comes to its Add.
_HOLDS = frozenset(
    {"return_statement", "goto_statement", "send_statement", "select_statement", "for_statement", "labeled_statement"}
)


def adds_one(view: View, use: Use) -> bool:
    """``Add(1)``, by value."""
    arguments = use.node.child_by_field_name("arguments")
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    known = view.facts.expr(view.path, values[0].start_byte, values[0].end_byte) if len(values) == 1 else None
    return use.method == "Add" and known is not None and known.constant == "1"


def behind_go(view: View, use: Use, context: Context) -> Decision | None:
    """``go func() { ... wg.Done() }()`` and then ``wg.Add(1)``: moved before it. None for any other Add.

    Only where each goroutine that calls Done has its Add right behind its go statement, and there is no other Add.
    """
    group = use.group
    if group is None or not use.plain or not adds_one(view, use):
        return None
    own = _started_before(view, use.statement)
    if own is None or not _finishes(own, group, context):
        return None
    adds = [(there, a) for there, a in groups.everywhere(context, view, group) if a.method == "Add"]
    behind = [_started_before(there, a.statement) for there, a in adds if a.plain and adds_one(there, a)]
    if len(behind) < len(adds) or not all(s is not None and _finishes(s, group, context) for s in behind):
        return None
    started = [s for n in flow.everything(view.outermost) if n.type == "go_statement" and (s := starting.at(view, n))]
    if sum(_finishes(s, group, context) for s in started) != len(adds):
        return None  # some Add is the next goroutine's
    gone, text = layout.take(view.source, use.statement)
    put = own.statement.start_byte
    change = FileChange(view.path, tuple(sorted([layout.edit(put, put, text), gone])))
    evidence = {"group": group.text, "moved": f"before the go statement in line {view.line(put)}"}
    return Fix((change,), Level.SAFE, f"{group.text}.Add(1) comes before the goroutine it counts is started", evidence)


def _started_before(view: View, statement: Node) -> Start | None:
    before = flow.siblings(statement)[0]
    return starting.at(view, before[-1]) if before and before[-1].type == "go_statement" else None


def _finishes(start: Start, group: Group, context: Context) -> bool:
    """Whether the goroutine calls Done of the group, as the go statement names it, itself."""
    callee = start.call.child_by_field_name("function")
    if callee is not None and callee.type == "func_literal":
        inner = View.around(start.view.source, start.view.facts, callee.named_children[-1], start.view.language)
    else:
        known = start.view.call_at(start.call)
        body = reach.declared(context, start.view, known.object) if known is not None and known.object else None
        inner = body.view if body is not None else None
    if inner is None:
        return False
    for use in groups.uses_in(inner, inner.node):
        if use.method == "Done" and use.group is not None and len(use.call.literals) <= len(inner.literals) + 1:
            there = starting.named_there(start, inner.functions[0], inner, use.group)
            if there is not None and there == group.text:
                return True
    return False


def has_its_own(start: Start, group: Group, context: Context) -> bool:
    """Whether ``Add(1)`` stands right before the go statement, or right behind it for sure."""
    before, after = flow.siblings(start.statement)
    for statement in (*before[-1:], *after[:1]):
        call = statement.named_children[0] if statement.type == "expression_statement" else None
        around = View.around(start.view.source, start.view.facts, statement, start.view.language)
        use = groups.use_at(around, call) if around is not None and call is not None else None
        if around is None or use is None or not groups.calls([use], group, "Add") or not adds_one(around, use):
            continue
        if statement in before or isinstance(behind_go(around, use, context), Fix):
            return True
    return False


# --- in the goroutine ------------------------------------------------------------------------------------------------


def in_goroutine(view: View, use: Use, context: Context) -> Decision | None:
    """Add in the function that ``go`` starts and whose own Done pairs with it: moved before its go statements.

    None where the function calls no Done of its own, or is not only started by ``go``: that Add counts something else.
    """
    group, function = use.group, view.functions[0]
    dones = _own_dones(view, group) if group is not None else []
    starts = _starts(view, context)
    if group is None or not dones or not starts or _counts_a_child(view, use, group, context):
        return None
    problem = (
        _late(view, use)
        or _not_paired(view, use, dones)
        or _changes(view, group)
        or _added_by_others(view, use, group, starts, context)
    )
    if problem is not None:
        return problem
    there = [starting.named_there(s, function, view, group) for s in starts]
    if not all(there):
        return Refusal("group-changes", f"{group.text} cannot be named where the goroutine is started")
    if (uncounted := next((s for s in starts if _starter_is_uncounted(s, group)), None)) is not None:
        line = uncounted.view.line(uncounted.view.function.start_byte)
        return Refusal("count-unclear", f"the goroutine from line {line} that starts it is not counted itself")
    level, evidence = (Level.REVIEW if function.kind == "declaration" else Level.SAFE), {"group": group.text}
    waits = _waits(group, list(zip(starts, [t or "" for t in there], strict=True)), context)
    found = waiting.hindrances(context, view, waits)
    if certain := next((h for h in found if h.certain), None):
        return Refusal(certain.reason, certain.message)
    if found:
        level, evidence["caution"] = Level.REVIEW, found[0].message
    if not waits:
        level, evidence["wait"] = Level.REVIEW, "where the group is waited for cannot be seen"
    before = [s for s in flow.siblings(use.statement)[0] if not deferring.never_waits(view, s)]
    if before:
        level, evidence["before"] = Level.REVIEW, f"Wait now waits for line {view.line(before[0].start_byte)} too"
    changes = _moved(view, use, starts, [t or "" for t in there])
    lines = ", ".join(str(s.view.line(s.statement.start_byte)) for s in starts)
    evidence["moved"] = f"before the go statement in line {lines}"
    return Fix(changes, level, f"{group.text}.Add(1) races with Wait in the goroutine that it counts", evidence)


def _own_dones(view: View, group: Group) -> list[Use]:
    """Done in the function itself, or in a literal that it defers."""
    deferred = {n.start_byte for d in deferring.statements(view.function) if (n := deferring.literal(d)) is not None}
    return [
        u
        for u in groups.calls(groups.uses_in(view, view.function), group, "Done")
        if u.call.literals == view.literals
        or (u.call.literals[:-1] == view.literals and u.call.literals[-1] in deferred)
    ]


def _starts(view: View, context: Context) -> list[Start]:
    function = view.functions[0]
    if function.kind == "literal":
        start = starting.of_literal(view, view.function)
        return [start] if start is not None else []
    return starting.of_declared(context, view, function) if goroutines.runs_alone(view, function) else []


def _starter_is_uncounted(start: Start, group: Group) -> bool:
    """Whether a goroutine makes the start that neither counts for the group until then, nor has made it, nor waits."""
    view, known = start.view, groups.root(start.view, group)
    if not goroutines.starts_goroutine(view.functions[0]) or view.declares(view.function, known):
        return False
    return not any(
        u.method in ("Done", "Wait") and u.group is not None and u.group.objects == group.objects
        for u in groups.uses_in(view, view.function)
        if u.call.literals == view.literals
    )


def _counts_a_child(view: View, use: Use, group: Group, context: Context) -> bool:
    """``wg.Add(1)`` and ``go child()`` behind it, be it in a loop or a branch."""
    after = [s for s in flow.siblings(use.statement)[1] if s.type == "go_statement"]
    if after and flow.siblings(use.statement)[1][0] == after[0]:
        return True
    return any((s := starting.at(view, n)) is not None and _finishes(s, group, context) for n in after)


def _not_paired(view: View, use: Use, dones: Sequence[Use]) -> Refusal | None:
    """Whether the function calls Add(1) once and Done once, on every way through it."""
    group = use.group
    assert group is not None, "the caller has looked"
    every = [u for u in groups.uses_in(view, view.function) if u.group is not None and u.group.objects == group.objects]
    if len([u for u in every if u.method in ("Add", "Go")]) > 1 or not adds_one(view, use):
        return Refusal("count-unclear", f"what the goroutine adds to {group.text} is not plainly one")
    if any(u.method == "Wait" for u in every):
        return Refusal("waits-for-the-group", f"the goroutine itself waits for {group.text}")
    if len([u for u in every if u.method == "Done"]) > len(dones):
        return Refusal("count-unclear", f"what the goroutine starts calls {group.text}.Done too")
    marks = [u.statement for u in dones if u.plain and u.call.literals == view.literals]
    if not marks and len(dones) == 1 and _deferred_for_sure(view, use, dones[0]):
        return None
    ends = exit_marks.of(view.function, marks)
    if len(marks) < len(dones) or not ends.complete or exit_marks.has_goto(view.function):
        return Refusal("done-not-on-every-path", f"{group.text}.Done is not called once on every way to the end")
    return None


def _deferred_for_sure(view: View, use: Use, done: Use) -> bool:
    """Whether the one Done is deferred by a statement of the body, with no way out between Add and it."""
    body = flow.body(view.function)
    inner = flow.statements(body) if body is not None else []
    holder = next((s for s in inner if flow.contains(s, done.node)), None)
    if holder is None or holder.type != "defer_statement":
        return False
    literal = deferring.literal(holder)
    own = flow.body(literal) if literal is not None else None
    if own is not None and done.statement not in flow.statements(own):
        return False
    if own is not None and any(n.type in _HOLDS or n.type == "if_statement" for n in flow.inside(own)):
        return False
    between = [s for s in inner if use.statement.end_byte <= s.start_byte and s.end_byte <= holder.start_byte]
    return not any(_may_end(n) for s in between for n in flow.inside(s))


def _may_end(node: Node) -> bool:
    return node.type in _HOLDS or flow.receives(node) or flow.never_returns(node)


def _late(view: View, use: Use) -> Refusal | None:
    """An Add that is not reached for sure, at once: in a branch, behind a wait or a way out."""
    body = flow.body(view.function)
    if body is None or use.statement not in flow.statements(body):
        return Refusal("add-not-at-start", "Add stands in a branch or a loop of the goroutine")
    before = flow.siblings(use.statement)[0]
    ending = next((s for s in before if any(_may_end(n) for n in flow.inside(s))), None)
    if ending is not None:
        line = view.line(ending.start_byte)
        return Refusal("add-not-at-start", f"line {line} may keep or end the goroutine before it comes to Add")
    defers = (s for s in before if s.type == "defer_statement")
    own = (groups.use_at(view, d.named_children[-1]) for d in defers)
    if any(u is None or u.method != "Done" for u in own) and not all(deferring.never_waits(view, s) for s in before):
        return Refusal("add-not-at-start", "a panic before Add may be recovered, and Done would never be called")
    return None


def _changes(view: View, group: Group) -> Refusal | None:
    why = groups.changes(view, group, view.function)
    return Refusal("group-changes", why) if why else None


def _added_by_others(view: View, use: Use, group: Group, starts: Sequence[Start], context: Context) -> Refusal | None:
    """Any Add but this one that is not plainly another goroutine's; code that is not loaded."""
    function = view.functions[0]
    if function.kind == "declaration":
        word = function.name.rsplit(".", 1)[-1]
        if path := configurations.names_elsewhere(view, word):
            return Refusal("other-build-config", f"{path.rsplit('/', 1)[-1]} names {word} and is not loaded")
    for start in starts:
        there = starting.named_there(start, function, view, group)
        named = starting.group_there(start, there) if there else None
        for other, add in groups.everywhere(context, start.view, named or group):
            if add.method == "Add" and add.call.start != use.call.start and not _of_another(other, add, starts):
                line = other.line(add.node.start_byte)
                return Refusal("count-unclear", f"line {line} adds to {group.text} too")
    return None


def _of_another(view: View, add: Use, starts: Sequence[Start]) -> bool:
    """Whether an Add stands right before another go statement, or in a goroutine that calls Done itself."""
    after = flow.siblings(add.statement)[1]
    if after and after[0].type == "go_statement":
        return all(after[0] != s.statement for s in starts)
    alone = starting.of_literal(view, view.function) or goroutines.runs_alone(view, view.functions[0])
    return bool(alone and add.group is not None and _own_dones(view, add.group))


def _waits(group: Group, starts: Sequence[tuple[Start, str]], context: Context) -> list[waiting.Wait]:
    found: list[waiting.Wait] = []
    for start, text in starts:
        there = starting.group_there(start, text) or group
        found += waiting.waits(context, start.view, there)
    return found


def _moved(view: View, use: Use, starts: Sequence[Start], there: Sequence[str]) -> tuple[FileChange, ...]:
    """The Add taken out, and put before each go statement; what is said about it goes before the first."""
    group = use.group
    assert group is not None, "the caller has looked"
    gone, text = layout.take(view.source, use.statement)
    edits: dict[str, list[Edit]] = {view.path: [gone]}
    for start, name in zip(starts, there, strict=True):
        put = start.statement.start_byte
        comments, call = text[: text.index(group.text + ".Add")], text[text.index(group.text + ".Add") :]
        moved = comments + name + call.removeprefix(group.text)
        edits.setdefault(start.view.path, []).append(layout.edit(put, put, moved))
        text = f"{group.text}.Add(1)\n"
    return tuple(FileChange(path, tuple(sorted(found))) for path, found in sorted(edits.items()))
