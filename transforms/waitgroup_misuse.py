"""Put Add before the go statement, defer Done, and pass a sync.WaitGroup by pointer.

``Add`` in the goroutine itself races with ``Wait``, which finds the counter at zero and returns before the work has
begun. A ``Done`` that is not deferred is not reached where the goroutine ends early, by ``runtime.Goexit``,
``t.FailNow`` or a panic that is recovered, and ``Wait`` hangs. A group that is passed by value is another group:
nobody's ``Done`` reaches the one that is waited for.

| the site | the edit |
|---|---|
| ``wg.Add(1)`` in the function that ``go`` starts, whose own ``Done`` pairs with it | moved before each ``go`` statement that starts it |
| ``wg.Add(1)`` right behind the ``go`` statement whose goroutine calls ``Done`` | moved before it |
| ``wg.Done()`` as the last thing a goroutine does, not deferred; one for each way through, where it has several | one ``defer wg.Done()``, first |
| a return without ``Done`` in a goroutine whose ``Add`` stands right before its ``go`` statement | the same: it covers that return too (review) |
| a parameter ``wg sync.WaitGroup`` | ``wg *sync.WaitGroup``, and every call passes the address (review if one is no ``go`` statement) |
| ``for _, wg := range groups`` over a slice or array of groups | ``for i := range groups``, ``wg := &groups[i]`` (review) |
| methods with a receiver by value, of a struct that holds a group | a pointer receiver (review) |

A deferred Done runs after every other deferred call of the goroutine, where the plain one ran before them: Wait then
waits for those too. That is what one wants where they give something back at once (Unlock, close, Stop, recover).
Where one of them may wait itself, for a channel or a lock, or is not known, Done is deferred right behind the last of
them instead, which keeps today's order (review where one of these recovers from a panic). The level is safe where every
way through the function calls Done once, at its end.

Not handled, and why: a Done with work behind it is a barrier (``done-before-the-end``); a Done for each item of a loop
counts items (``counts-items``); a way that ends without Done may be meant to (``done-not-on-every-path``); an Add whose
Done is not plainly that of the same goroutine (``count-unclear``), or that stands in a branch or behind a wait
(``add-not-at-start``). ``wg.Add(1); go child()`` in a goroutine is right code: it holds a count itself. Turning Add and
Done into ``wg.Go`` is left to ``go fix``. An ``errgroup.Group`` is no WaitGroup. ``gocodemod explain REASON`` has the rest.

Sources: https://pkg.go.dev/sync#WaitGroup.Add, https://go.dev/ref/spec#Defer_statements,
https://pkg.go.dev/golang.org/x/tools/go/analysis/passes/copylock,
https://pkg.go.dev/golang.org/x/tools/go/analysis/passes/waitgroup.
"""

from __future__ import annotations

import itertools

from tree_sitter import Node

from gocodemod.analysis import (
    adding,
    copied_groups,
    deferring,
    exit_marks,
    flow,
    goroutines,
    groups,
    layout,
    names,
    reach,
    starting,
)
from gocodemod.analysis.exit_marks import Endings
from gocodemod.analysis.groups import Group, Use
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = """
((expression_statement
  (call_expression function: (selector_expression field: (field_identifier) @name))) @site
  (#match? @name "^(Add|Done|Wait)$"))
((parameter_declaration type: [(qualified_type name: (type_identifier) @name) (type_identifier) @name]) @site
  (#eq? @name "WaitGroup"))
((field_declaration type: [(qualified_type name: (type_identifier) @name) (type_identifier) @name]) @site
  (#eq? @name "WaitGroup"))
"""
NEEDLES = ((b"Done", b"Add", b"WaitGroup", b"Wait"),)
# Words in the names of functions that run their argument as a goroutine's work.
_RUNNERS = frozenset({"go", "submit", "spawn", "start", "run", "async", "execute", "exec", "schedule", "enqueue"})
_DECLARES = frozenset({"short_var_declaration", "var_declaration"})
_LEAVES = frozenset({"return_statement", "goto_statement", "labeled_statement"})
# Calls that end a goroutine and leave the process running.
_ENDING = ("runtime.Goexit", "(*testing.common).Fatal", "(*testing.common).FailNow", "(*testing.common).Skip",
           "(testing.TB).Fatal", "(testing.TB).FailNow", "(testing.TB).Skip", "github.com/stretchr/testify/require.",
           "(*github.com/stretchr/testify/require.")  # fmt: skip


def match(source: Source, node: Node) -> Node | None:
    """Done and Add where they may be misplaced, parameters and fields that are groups, loops over groups by value."""
    if node.type == "field_declaration":
        return node
    if node.type == "parameter_declaration":
        around = node.parent.parent if node.parent is not None else None
        here = around.child_by_field_name("result") if around is not None else None
        return node if here != node.parent else None
    function = flow.enclosing_function(node)
    callee = node.named_children[0].child_by_field_name("function")
    operand = callee.child_by_field_name("operand") if callee is not None else None
    if function is None or callee is None or operand is None:
        return None
    loop = copied_groups.loop_of_value(source, node, operand)
    if loop is not None:
        return loop
    name, text = source.text(callee).rsplit(b".", 1)[-1], source.text(operand)
    if name == b"Done":
        return _first_done(source, function, text)
    behind_go = (before := flow.siblings(node)[0]) and before[-1].type == "go_statement"
    paired = any(source.text(n) == text + b".Done()" for n in flow.everything(function) if n.type == "call_expression")
    return node if name == b"Add" and (behind_go or paired) else None


def _first_done(source: Source, function: Node, group: bytes) -> Node | None:
    """One site for all Dones of a group in a function that does more than that."""
    body = flow.body(function)
    if body is None:
        return None
    plain = (n for n in flow.inside(body) if n.type == "expression_statement")
    first = next((n for n in plain if source.text(n) == group + b".Done()"), None)
    return first if flow.statements(body) != [first] else None


def decide(candidate: Candidate, context: Context) -> Decision | None:
    node = candidate.node
    if node.type == "field_declaration":
        return copied_groups.held(candidate, context)
    if node.type == "parameter_declaration":
        return copied_groups.parameter(candidate, context)
    view = View.around(candidate.source, context.facts, node, context.language)
    if view is None:
        return None
    if node.type == "for_statement":
        return copied_groups.ranged(view)
    use = groups.use_at(view, node.named_children[0])
    if use is None:
        known = view.call_at(node.named_children[0])
        return Refusal("types-unavailable", f"{view.text(node)} did not resolve") if known is None else None
    if use.method == "Done":
        return _done(view, use, context)
    return adding.behind_go(view, use, context) or adding.in_goroutine(view, use, context)


# --- Done ------------------------------------------------------------------------------------------------------------


def _done(view: View, use: Use, context: Context) -> Decision | None:
    """Done at a goroutine's end: deferred, at its start."""
    runner = _runner(view, use)
    if runner is None:
        return None
    group = use.group
    if group is None:
        return Refusal("group-changes", "what Done is called on is computed, and may be another group at the start")
    marks = _own_dones(view, group)
    ends = exit_marks.of(view.function, marks)
    problem = (
        _two_groups(view, marks, ends)
        or _counted_elsewhere(view, group, marks, context)
        or _not_at_the_end(view, group, ends, marks)
    )
    if problem is not None:
        return problem
    level, why = runner
    evidence = {"group": group.text, "runs": why}
    if ends.missing:
        if isinstance(missed := _missed(view, group, ends, context), Refusal):
            return missed
        level, evidence["missing"] = Level.REVIEW, missed
    place = _place(view, group)
    if isinstance(place, Refusal):
        return place
    edits = _deferred(view, group, marks, place)
    if edits is None:
        return Refusal("leaves-an-empty-branch", "Done is all that a branch of an if does")
    evidence |= _about(view, marks, place)
    if late := _recovered_late(context, view, place):
        level, evidence["recovered"] = Level.REVIEW, late
    message = f"{group.text}.Done() is deferred, so that Wait returns however the goroutine ends"
    return Fix((FileChange(view.path, tuple(sorted(edits))),), level, message, evidence)


def _runner(view: View, use: Use) -> tuple[Level, str] | None:
    """How the function runs as a goroutine, and how sure that is; None where Done tells of something else."""
    function = view.functions[0]
    if goroutines.runs_alone(view, function):
        return Level.SAFE, "only ever as a goroutine"
    if function.kind == "literal":
        last = function.callee.rsplit(".", 1)[-1]
        if function.started == "argument" and _RUNNERS & set(names.words(last)):
            return Level.REVIEW, f"by {function.callee}"
        return None
    declared = view.facts.object(function.object)
    started = any(u.role == "go-call" for u in view.facts.uses(function.object))
    if declared is None or not (started or _is_handed_the_group(view, use)):
        return None
    return Level.REVIEW, "as a goroutine and otherwise" if started else "by callers that are handed the group"


def _is_handed_the_group(view: View, use: Use) -> bool:
    """``func work(wg *sync.WaitGroup)``."""
    types = {p.id: p.type for p in view.functions[0].params}
    return use.group is not None and types.get(use.group.objects[-1], "").removeprefix("*") == groups.TYPE


def _own_dones(view: View, group: Group) -> list[Node]:
    """The statements of the function itself that call Done, not deferred."""
    found = groups.calls(groups.uses_in(view, view.function), group, "Done")
    return [u.statement for u in found if u.plain and u.call.literals == view.literals]


def _two_groups(view: View, marks: list[Node], ends: Endings) -> Refusal | None:
    """Done of this group and of another, one right behind the other: neither is last while both stand there."""
    others = [u.statement for u in groups.uses_in(view, view.function) if u.method == "Done" and u.plain]
    others = [s for s in others if s not in marks and flow.enclosing_function(s) == view.function]
    behind = any(follower in others for _, follower in ends.early)
    if behind or any(exit_marks.after(s, view.function) in marks for s in others):
        return Refusal("done-of-two-groups", "Done of another group is called right before or behind it")
    return None


def _counted_elsewhere(view: View, group: Group, marks: list[Node], context: Context) -> Refusal | None:
    """Done of the same group by other means in the same run of the function, be it after a panic only."""
    function = view.functions[0]
    if function.callee == "(*sync.WaitGroup).Go":
        listed = view.function.parent
        call = listed.parent if listed is not None else None
        started = groups.use_at(view, call) if call is not None else None
        if started is not None and started.group is not None and started.group.objects == group.objects:
            return Refusal("done-more-than-once", f"{group.text}.Go calls Done itself")
    for use in groups.calls(groups.uses_in(view, view.function), group, "Done"):
        if use.statement not in marks and not _in_another_goroutine(view, use):
            return Refusal("done-more-than-once", f"line {view.line(use.node.start_byte)} calls {group.text}.Done too")
    for defer in deferring.statements(view.function):
        if any(r.object == group.objects[-1] for r in view.refs_in(defer)) or _reaches_done(
            view, group, defer, context
        ):
            line = view.line(defer.start_byte)
            return Refusal("done-more-than-once", f"what line {line} defers may call {group.text}.Done too")
    return None


def _in_another_goroutine(view: View, use: Use) -> bool:
    """Whether a literal around the call, inside the function, is a goroutine of its own."""
    around = view.facts.functions(view.path, use.node.start_byte)
    inner = around[: len(use.call.literals) - len(view.literals)]
    return any(goroutines.starts_goroutine(f) for f in inner)


def _reaches_done(view: View, group: Group, node: Node, context: Context) -> bool:
    """Whether what a statement calls or starts calls Done of a group that it can name: a field or package variable.

    What recovers a panic may start the same function again, which will call Done in the end.
    """
    known = view.facts.object(group.objects[-1])
    if known is not None and known.scope == "function":
        return False
    called = itertools.islice(reach.started_too(context, view, node), 1, None)
    dones = (u for b in called for u in groups.uses_in(b.view, b.view.node) if u.method == "Done")
    return any(u.group is None or u.group.objects[-1] == group.objects[-1] for u in dones)


def _not_at_the_end(view: View, group: Group, ends: Endings, marks: list[Node]) -> Refusal | None:
    if exit_marks.has_goto(view.function) or any(flow.label(m) is not None for m in marks):
        return Refusal("done-not-on-every-path", "a goto leads past Done, or to it")
    for mark, follower in ends.early:
        line = view.line(mark.start_byte)
        if follower.type == "continue_statement" or flow.contains(follower, mark):
            return Refusal("counts-items", f"Done in line {line} is called in each round of a loop")
        return Refusal(
            "done-before-the-end", f"line {view.line(follower.start_byte)} runs after {group.text}.Done in line {line}"
        )
    return None


def _missed(view: View, group: Group, ends: Endings, context: Context) -> str | Refusal:
    """Returns without Done, where nothing else can have called it: Wait would never return. Else the refusal."""
    lines = ", ".join(str(view.line(n.end_byte if n.type == "block" else n.start_byte)) for n in ends.missing)
    refused = Refusal("done-not-on-every-path", f"the goroutine may end in line {lines} without Done")
    if any(n.type == "block" for n in ends.missing):
        return refused
    start = starting.of_literal(view, view.function)
    if start is None or not adding.has_its_own(start, group, context):
        return refused
    known = groups.root(view, group)
    whole = known is not None and known.scope == "function" and len(group.objects) == 1
    refs = view.refs_of(group.objects[0])
    # A method that is not called at once, be it Done kept as a value, may be called by anybody.
    called = {u.call.receiver_start for u in groups.uses_in(view, view.outermost)}
    known_uses = all(r.role == "define" or (r.role == "base" and r.start in called) for r in refs)
    own = groups.uses_in(view, view.function)
    handed = [u for u in groups.calls(own, group, "Done") if _in_another_goroutine(view, u)]
    if not whole or not known_uses or handed or groups.calls(own, group, "Add"):
        return refused
    return f"line {lines} returns without Done: Wait would never return"


def _place(view: View, group: Group) -> Node | Refusal | None:
    """The statement of the body behind which Done is deferred, None for its start."""
    body = flow.body(view.function)
    assert body is not None, "a function that calls Done has a body"
    if why := groups.changes(view, group, view.function):
        return Refusal("group-changes", why)
    inner = flow.statements(body)
    known = groups.root(view, group)
    first: list[Node] = []
    if known is not None and view.declares(body, known):
        first = [s for s in inner if s.start_byte <= known.start < s.end_byte and s.type in _DECLARES]
        if not first:
            return Refusal("group-changes", f"{known.name} is declared in a block of the goroutine")
    waiting_ones = [d for d in deferring.statements(view.function) if not deferring.never_waits(view, d)]
    if any(d not in inner for d in waiting_ones):
        return Refusal("defers-may-block", f"line {view.line(waiting_ones[0].start_byte)} defers what may wait")
    last = max([*first, *waiting_ones], key=lambda n: n.start_byte, default=None)
    if last is None:
        return None
    passed = inner[: inner.index(last) + 1]
    if any(n.type in _LEAVES or flow.never_returns(n) for s in passed for n in flow.inside(s)):
        reason = "defers-may-block" if last in waiting_ones else "group-changes"
        return Refusal(
            reason, f"the goroutine may end before line {view.line(last.end_byte)}, where Done could be deferred"
        )
    return last


def _deferred(view: View, group: Group, marks: list[Node], place: Node | None) -> list[Edit] | None:
    """The edits, or None where they would leave a branch of an if empty."""
    source, body = view.source, flow.body(view.function)
    assert body is not None, "a function that calls Done has a body"
    edits, text = [], f"{group.text}.Done()\n"
    for mark in marks:
        alone = _else_of(mark)
        if alone is not None:
            edits.append(Edit(alone[0], alone[1], b""))
        elif _is_all_of_a_branch(mark):
            return None
        elif len(marks) == 1:
            gone, text = layout.take(source, mark, leading=not flow.siblings(mark)[1])
            edits.append(gone)
        else:
            edits.append(layout.remove(source, mark))
    *comments, call = text.rstrip("\n").rsplit("\n", 1)
    text = "".join(f"{c}\n" for c in comments) + f"defer {call}\n"
    edits.append(layout.prepend(source, body, text) if place is None else layout.put_behind(source, place, text))
    return edits


def _is_all_of_a_branch(mark: Node) -> bool:
    block = mark.parent.parent if mark.parent is not None else None
    branch = block is not None and block.parent is not None and block.parent.type == "if_statement"
    return branch and block is not None and len(flow.statements(block)) == 1


def _else_of(mark: Node) -> tuple[int, int] | None:
    """The range of ``else { wg.Done() }``, with nothing more in it."""
    block = mark.parent.parent if mark.parent is not None else None
    test = block.parent if block is not None and _is_all_of_a_branch(mark) else None
    then = test.child_by_field_name("consequence") if test is not None else None
    if block is None or then is None or then == block or any(n.type == "comment" for n in flow.everything(block)):
        return None
    return then.end_byte, block.end_byte


def _recovered_late(context: Context, view: View, place: Node | None) -> str:
    """What recovers from a panic when Done has been called already, a phrase; ``""`` for nothing."""
    behind = (d for d in deferring.statements(view.function) if place is not None and d.end_byte <= place.end_byte)
    found = next((d for d in behind if deferring.recovers(context, view, d)), None)
    if found is None:
        return ""
    return f"after a panic, where Wait hung, it returns before line {view.line(found.start_byte)} has recovered"


def _about(view: View, marks: list[Node], place: Node | None) -> dict[str, str]:
    """What a reviewer should know."""
    found = {"placed": "first" if place is None else f"behind line {view.line(place.end_byte)}, in today's order"}
    if len(marks) > 1:
        found["paths"] = f"{len(marks)} Done calls, one for each way through, become one"
    defers = deferring.statements(view.function)
    if defers and place is None:
        found["defers"] = "Wait now waits for what is deferred too: line " + ", ".join(
            str(view.line(d.start_byte)) for d in defers
        )
    ending = [c for c in view.own_calls_in(view.function) if c.name.startswith(_ENDING)]
    if ending:
        lines = ", ".join(str(view.line(c.start)) for c in ending)
        found["released"] = f"where line {lines} ends the goroutine, Wait hung and now returns"
    return found


transform = Transform(
    __name__, __doc__, QUERY, NEEDLES, match, decide, subject="count goroutines before they start, to their end"
)
