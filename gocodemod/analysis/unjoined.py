"""A goroutine that nobody waits for, and the group that its starter can wait for it with."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import (
    callbacks,
    captures,
    counting,
    deadlocks,
    endings,
    flow,
    handles,
    holding,
    layout,
    locks,
    names,
    starters,
    waited_for,
    waits,
)
from gocodemod.analysis.endings import Ending, Verdict
from gocodemod.analysis.view import View
from gocodemod.analysis.waits import Needs, Plan
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Context

# More goroutines of one function than this are not looked at.
_TOGETHER = 15


@dataclass(frozen=True)
class Goroutine:
    """``go func(...) {...}(...)``. ``view``: the function that starts it, at the go statement."""

    view: View
    start: Node
    call: Node
    literal: Node
    body: Node
    ending: Ending

    @classmethod
    def of(cls, context: Context, source: Source, start: Node) -> Goroutine | None:
        """None outside of any function."""
        view = View.around(source, context.facts, start, context.language)
        call = start.named_children[-1]
        literal = call.child_by_field_name("function")
        body = flow.body(literal) if literal is not None else None
        if view is None or literal is None or body is None:
            return None
        inner = View(source, context.facts, body, literal, view.outermost, context.language)
        return cls(view, start, call, literal, body, endings.of(context, inner, body))

    @functools.cached_property
    def joined(self) -> bool:
        return waited_for.joined(self.view, self.literal, self.ending.reach)

    @functools.cached_property
    def defers(self) -> list[str]:
        """Its deferred calls as written, on one line each."""
        found = [n for n in flow.inside(self.literal) if n.type == "defer_statement"]
        return [_brief(self.view.text(n)) for n in found]

    @property
    def provable(self) -> bool:
        """Known to end by itself, and with something to do when it ends."""
        return self.ending.verdict is Verdict.ENDS and not self.ending.unseen and bool(self.defers)


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


def decide(context: Context, found: Goroutine) -> Decision:
    """The local form: the function that starts the goroutine waits for it."""
    every = siblings(context, found)
    if len(every) > _TOGETHER:
        return Refusal("end-unknown", f"the function starts {len(every)} goroutines, too many to look at them together")
    wanted = assess(context, found, every)
    if isinstance(wanted, Refusal):
        return wanted
    group, problem = waited_for.existing(found.view, found.start)
    if group is not None:
        return _use(context, found, wanted, group)
    if problem:
        return Refusal("waits-for-the-group", problem)
    members = [(g, n) for g in every if isinstance(n := _assess_sibling(context, g, every, found, wanted), Needs)]
    return _together(context, found, wanted, members)


def siblings(context: Context, found: Goroutine) -> list[Goroutine]:
    """The goroutines that the same function starts by literals, in source order, this one among them."""
    starts = [
        n
        for n in flow.inside(found.view.function)
        if n.type == "go_statement"
        and n.named_children[-1].child_by_field_name("function") is not None
        and n.named_children[-1].child_by_field_name("function").type == "func_literal"  # type: ignore[union-attr]
    ]
    others = [found if s == found.start else Goroutine.of(context, found.view.source, s) for s in starts]
    return [g for g in others if g is not None]


def _assess_sibling(
    context: Context, sibling: Goroutine, every: Sequence[Goroutine], found: Goroutine, wanted: Needs
) -> Needs | Refusal | None:
    if sibling.start == found.start:
        return wanted
    if sibling.joined or waited_for.existing(sibling.view, sibling.start) != (None, ""):
        return None
    return assess(context, sibling, every)


def assess(context: Context, found: Goroutine, every: Sequence[Goroutine]) -> Needs | Refusal:
    """What a Wait for the goroutine needs, or why nobody should wait for it."""
    view, ending = found.view, found.ending
    if ending.verdict is Verdict.NEVER:
        return Refusal("never-ends", f"the goroutine never ends: {ending.why}")
    if pipe := handles.pipe(view, found.literal, ending.reach):
        return Refusal(
            "pipe-in-use", f"{pipe} is one end of a pipe: the goroutine waits for whoever uses the other one"
        )
    if lock := locks.handed_over(ending.reach.bodies[0]):
        return Refusal("runs-apart", f"it gives back {lock}, which its starter took: that is not to be waited for")
    if told := _only_tells(found):
        return Refusal("runs-apart", f"it does {told}: nobody loses anything when that is cut off")
    others = [g for g in every if g.start != found.start]
    alongside = any(g.ending.verdict is Verdict.ENDS and not g.joined for g in others)
    wanted = waits.needs(context, view, found.start, found.literal, ending)
    if isinstance(wanted, Needs) and wanted.released:
        # Its starter ends it when it returns, whatever names and comments say.
        refused = starters.why_never(view)
    else:
        alongside = alongside or (isinstance(wanted, Needs) and wanted.before is not None)
        refused = _waited_for(found) or starters.why_not(context, view, found.start, found.provable, alongside)
    return (
        refused or handles.kept(view, found.literal) or _of_a_method(found, wanted) or _handed(context, found) or wanted
    )


def _only_tells(found: Goroutine) -> str:
    """``go func() { cancel() }()``, as written: what ends something, and has nothing to do itself."""
    inner = flow.statements(found.body)
    if not inner:
        return "nothing"
    call = inner[0].named_children[0] if len(inner) == 1 and inner[0].type == "expression_statement" else None
    known = found.view.call_at(call) if call is not None and call.type == "call_expression" else None
    if known is None or call is None:
        return ""
    held = found.view.facts.object(known.object) if known.object else None
    cancels = held is not None and held.type in ("context.CancelFunc", "context.CancelCauseFunc")
    tells = cancels or (known.kind == "builtin" and known.name == "close")
    return f"nothing but {_brief(found.view.text(call))}" if tells else ""


def _handed(context: Context, found: Goroutine) -> Refusal | None:
    """A function value that the goroutine calls: what callers hand over must come to its end, too."""
    view = found.view
    if not found.ending.values or not view.functions[-1].object:
        return None
    for literal_view, where in callbacks.handed(context, view):
        ending = endings.of(context, literal_view, literal_view.node)
        if ending.verdict is not Verdict.ENDS:
            return Refusal(
                "end-unknown", f"what {where} hands over for the goroutine to call may not end: {ending.why}"
            )
    return None


def _of_a_method(found: Goroutine, wanted: Needs | Refusal) -> Refusal | None:
    """A method is called by whoever has its value, callbacks and event loops among them: it waits only for what is known."""
    outermost = found.view.outermost
    if (
        outermost.type != "method_declaration"
        or not found.ending.unseen
        or isinstance(wanted, Refusal)
        or wanted.released
    ):
        return None
    name = found.view.functions[-1].name
    return Refusal("end-unknown", f"{name} is a method, and what becomes of {found.ending.unseen[0]} cannot be seen")


def _waited_for(found: Goroutine) -> Refusal | None:
    """The starter waits already, for something that the goroutine does at its end, perhaps not for ever."""
    view = found.view
    if waited_for.tells_elsewhere(view, found.literal, found.ending.reach):
        return Refusal("waits-its-own-way", "what the goroutine calls closes a channel that somebody waits for")
    for variable in captures.captured(view, found.literal):
        known = view.facts.object(variable)
        if known is None or known.type not in ("context.CancelFunc", "context.CancelCauseFunc", "func()"):
            continue
        for context in _contexts_of(view, variable):
            waits = [r for r in view.refs_of(context) if "receive" in r.role and r.selected == "Done"]
            own = [r for r in waits if r.literals == view.literals and r.start > found.literal.end_byte]
            if own:
                line = view.line(own[0].start)
                return Refusal(
                    "waits-its-own-way",
                    f"the function waits at line {line} for what the goroutine's {known.name} cancels",
                )
    return None


def _contexts_of(view: View, cancel: str) -> list[str]:
    """The contexts that were made together with a cancel function."""
    made = {(r.value_start, r.value_end) for r in view.refs_of(cancel) if r.value_start >= 0}
    return list(
        dict.fromkeys(r.object for r in view.refs if (r.value_start, r.value_end) in made and r.object != cancel)
    )


# --- a group that is there --------------------------------------------------------------------------------------


def _use(context: Context, found: Goroutine, wanted: Needs, group: waited_for.Group) -> Decision:
    wait, outer, view = group.wait, group.outer, found.view
    if outer is None:
        too_late = [*wanted.defers, *wanted.later, *(r for r in wanted.after if r.statement.end_byte > wait.start_byte)]
    else:
        # A plain statement may not have run when a panic makes the Wait.
        too_late = [r for r in (*wanted.defers, *wanted.later) if _runs_after(r.statement, r.call, outer, wait)] + list(
            wanted.after
        )
    if too_late:
        return Refusal(
            "waits-for-the-group", f"{too_late[0].text}, which ends the goroutine, comes after {group.name}.Wait"
        )
    if wanted.before is not None and (outer is not None or wanted.before.start_byte < wait.start_byte):
        return Refusal("written-without-wait", f"what the goroutine writes is looked at before {group.name}.Wait")
    if outer is None:
        closed = waits.released_after(view, wait.start_byte, found.ending) or waits.released_by_later_defer(
            view, found.start, found.ending
        )
        if closed:
            return Refusal("end-unknown", closed)
    held = _held_at_wait(context, view, wait, outer)
    if refused := _locked(context, found, held, outer is not None):
        return refused
    line = f"the Wait of {group.name} at line {view.line(wait.start_byte)}"
    edits = counting.count(view.source, context.language, found.start, group.name)
    return _fix(found, wanted, edits, (), f"{group.name}, which is there", line)


def _runs_after(deferred: Node, call: Node, outer: Node, wait: Node) -> bool:
    """Whether a deferred call runs after a deferred Wait: it was deferred before, or stands behind it in the same literal."""
    return call.start_byte > wait.start_byte if deferred == outer else deferred.start_byte < outer.start_byte


def _held_at_wait(context: Context, view: View, wait: Node, outer: Node | None) -> list[locks.Lock]:
    if outer is None:
        return holding.at(context, view, wait.start_byte)
    held = holding.at_end(context, view, outer.start_byte)
    inner = View.around(view.source, view.facts, wait, view.language) if wait != outer else None
    return held + (holding.at(context, inner, wait.start_byte) if inner is not None else [])


# --- a group of its own -----------------------------------------------------------------------------------------


def _together(
    context: Context, found: Goroutine, wanted: Needs, members: Sequence[tuple[Goroutine, Needs]]
) -> Decision:
    """The first goroutine of those that go together declares the group and waits; the others are counted in it."""
    planned = waits.plan(found.view, [n for _, n in members])
    if isinstance(planned, Refusal):
        if members[0][0].start == found.start:
            return planned
        return _together(context, found, wanted, members[1:])
    plan, fit = planned
    if not any(n.start == found.start for n in fit):
        return Refusal("waits-for-the-group", "it does not go together with the other goroutines of this function")
    inside = [g for g, _ in members if any(n.start == g.start for n in fit)]
    if refused := _locked_at(context, found, plan):
        return refused
    locked = [g.start for g in inside if g.start != found.start and _locked_at(context, g, plan)]
    if locked:
        return _together(context, found, wanted, [m for m in members if m[0].start not in locked])
    return _declared(context, found, wanted, plan, inside[0])


def _locked_at(context: Context, found: Goroutine, plan: Plan) -> Refusal | None:
    view = found.view
    match plan.form:
        case "deferred":
            return _locked(context, found, holding.at_end(context, view, plan.declare.start_byte), True)
        case "inside":
            return _locked(context, found, _held_at_wait(context, view, plan.at, plan.outer), True)
        case "after":
            offset = plan.at.end_byte
        case _:
            offset = plan.at.end_byte - 1 if plan.at.type == "block" else plan.at.start_byte
    closed = waits.released_after(view, offset, found.ending) or waits.released_by_later_defer(
        view, found.start, found.ending
    )
    if closed:
        return Refusal("end-unknown", closed)
    return _locked(context, found, holding.at(context, view, offset), False)


def _locked(context: Context, found: Goroutine, held: list[locks.Lock], deferred: bool) -> Refusal | None:
    declared = found.view.functions[-1]
    name = declared.name or "the function"
    return deadlocks.at_wait(context, found.view, found.ending, held, declared.object, name, deferred=deferred)


def _declared(context: Context, found: Goroutine, wanted: Needs, plan: Plan, leader: Goroutine) -> Decision:
    view, source, leads = found.view, found.view.source, leader.start == found.start
    sync = layout.import_name(source, "sync")
    here = view.facts.lookup(view.path, plan.declare.start_byte, sync)
    if here is not None and here.kind != "package":
        return Refusal("import-name-taken", f"{sync} means something else here, so sync.WaitGroup cannot be named")
    name = names.fresh(view.facts, view.path, plan.declare.start_byte, view.outermost, "wg")
    edits = counting.count(source, context.language, found.start, name)
    if leads:
        edits = counting.merged([*counting.declare(source, plan, name, sync), *edits])
    line = view.line(plan.at.start_byte)
    where = {"deferred": "deferred", "inside": f"in the defer, after line {line}", "after": f"after line {line}"}
    at = where.get(plan.form) or ("at the end" if plan.at.type == "block" else f"before line {line}")
    group = f"{name}, new" if leads else f"{name}, which the fix of line {view.line(leader.start.start_byte)} declares"
    return _fix(found, wanted, edits, ("sync",), group, at)


def _fix(found: Goroutine, wanted: Needs, edits: list[Edit], imports: tuple[str, ...], group: str, where: str) -> Fix:
    evidence = {"ends": wanted.ends, "group": group, "waits": where}
    if found.defers:
        evidence["defers"] = "; ".join(found.defers)
    if found.ending.sleeps:
        evidence["sleeps"] = "; ".join(found.ending.sleeps)
    if found.ending.unseen:
        evidence["out of sight"] = ", ".join(found.ending.unseen)
    change = FileChange(found.view.path, tuple(edits), add_imports=imports)
    return Fix((change,), Level.REVIEW, "the function waits for the goroutine that it starts", evidence)
