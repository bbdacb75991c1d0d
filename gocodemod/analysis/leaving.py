"""Leaving a wait early: who is left behind then, and why that may be wrong.

Left behind are the goroutines that this wait is for, and those of every wait that the return would skip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from gocodemod.analysis import flow, lifetimes, outliving, reach, senders, skipping, workers
from gocodemod.analysis.senders import Local, Senders
from gocodemod.analysis.view import View
from gocodemod.analysis.workers import Use, Worker
from gocodemod.golang.facts import Object
from gocodemod.model import Edit, Refusal
from gocodemod.transform import Context

# How a function may use its own group.
_GROUP = frozenset({"define", "base"})
_MEMBERS = frozenset({"Add", "Done", "Go", "Wait"})


@dataclass
class Left:
    """``workers``: what is left behind. ``edits``: let them end. ``told``: about whom the wait is for, for people.

    ``timed``: a timer ends the wait, so that it is bounded already.
    """

    workers: list[Worker] = field(default_factory=list)
    edits: dict[Edit, None] = field(default_factory=dict)
    told: str = ""
    timed: bool = False
    sends: set[tuple[str, int]] = field(default_factory=set)

    def add(self, found: Senders) -> None:
        self.workers += (w for w in found.workers if w not in self.workers)
        self.edits |= dict.fromkeys(found.edits)
        self.sends |= found.sends


def leave(context: Context, view: View, waited: Local | Object, received: set[str]) -> Left | Refusal:
    """Who is left behind by a return at ``view.node``, or why there cannot be one.

    ``waited``: the channel, or the WaitGroup. ``received``: ids of the variables that take the received values.
    """
    left = Left()
    found = senders.senders(context, view, waited) if isinstance(waited, Local) else group(context, view, waited)
    if isinstance(found, Refusal):
        return found
    left.add(found)
    left.told, left.timed = found.told, found.timed
    joins = _join_others(context, view, left)
    if isinstance(joins, Refusal):
        return joins
    problem = _groups_of_workers(context, view, left) or _other_sends(left) or _long_lived(context, view, left.workers)
    if problem is not None:
        return problem
    results = received | written(view, left.workers)
    return skipping.problem(view, results, joins) or outliving.problem(context, view, left.workers) or left


def written(view: View, found: list[Worker]) -> set[str]:
    """The function's variables that its goroutines set: they hold results once the wait is over."""
    inside = [(w.view.function.start_byte, w.view.function.end_byte) for w in found if w.literal is not None]
    writes = (r for r in view.refs if r.role in ("assign", "update", "address"))
    return {r.object for r in writes if any(start <= r.start < end for start, end in inside)}


def _other_sends(left: Left) -> Refusal | None:
    """A send of a goroutine on a channel that nobody looked at: it may be this function that receives there."""
    for worker in left.workers:
        for view in worker.pieces:
            for node in (n for n in flow.everything(view.node) if n.type == "send_statement"):
                channel = node.child_by_field_name("channel")
                select = workers.in_select(channel) if channel is not None else None
                spare = select is not None and any(c.type == "default_case" for c in select.named_children)
                if channel is not None and not spare and (view.path, channel.start_byte) not in left.sends:
                    return Refusal(
                        "would-leak-sender",
                        f"line {worker.line} starts a goroutine that sends on {view.text(channel)}, too",
                    )
    return None


def _long_lived(context: Context, view: View, found: list[Worker]) -> Refusal | None:
    for worker in found:
        why = lifetimes.of_worker(context, view, worker)
        if why is not None:
            return Refusal("runs-until-stopped", f"the goroutine started in line {worker.line}: {why}")
        if (call := lifetimes.acquires(worker)) is not None:
            return Refusal(
                "late-result-leaks", f"nobody would give back what {call} in line {worker.line} gets too late"
            )
    return None


# --- groups ------------------------------------------------------------------------------------------------------


def group(context: Context, view: View, variable: Object) -> Senders | Refusal:
    """The goroutines that a local WaitGroup waits for."""
    found, unseen = workers.uses(context, view, variable)
    name = variable.name
    if unseen:
        return Refusal("sender-out-of-sight", f"{name} is handed to {unseen[0]}, which cannot be seen through")
    if any(u.role not in _GROUP or (u.role == "base" and u.ref.selected not in _MEMBERS) for u in found):
        return Refusal("sender-out-of-sight", f"{name} is used as a value, so others may join it")
    if any(u.worker is None and u.ref.selected == "Done" for u in found):
        return Refusal("slot-or-token", f"this function calls {name}.Done itself: the group is no set of goroutines")
    done = workers.workers_of(tuple(u for u in found if u.ref.selected in ("Done", "Add")))
    started = [_started(context, u) for u in found if u.ref.selected == "Go"]
    if None in started or any(w.starter.function != view.function for w in done):
        return Refusal("sender-out-of-sight", f"what {name} waits for is started where it cannot be seen")
    members = (*done, *(w for w in started if w is not None))
    if not members:
        return Refusal("sender-out-of-sight", f"nothing that can be seen is in {name}")
    return Senders(members, (), f"{name} has the goroutine started in line {members[0].line}")


def _started(context: Context, use: Use) -> Worker | None:
    """The goroutine of ``wg.Go(f)`` in the function itself."""
    view, call = use.view, use.node
    while call.parent is not None and call.type != "call_expression":
        call = call.parent
    arguments = call.child_by_field_name("arguments")
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    if use.worker is not None or len(values) != 1:
        return None
    if values[0].type == "func_literal":
        inner = workers.inside(view, values[0])
        return Worker(view, flow.statement(call), inner, values[0], "(*sync.WaitGroup).Go")
    ref = view.ref_at(values[0])
    body = reach.declared(context, view, ref.object) if ref is not None else None
    return Worker(view, flow.statement(call), body.view, None) if body is not None else None


def _groups_of_workers(context: Context, view: View, left: Left) -> Refusal | None:
    """``go func() { wg.Wait(); close(done) }()``: whoever is in that group is left behind as well."""
    for worker in list(left.workers):
        for call in worker.view.calls_in(worker.view.node):
            variable = lifetimes.group(worker.view, call, view.function) if call.name == lifetimes.GROUP_WAIT else None
            if variable is not None and worker.starter.path == view.path:
                found = group(context, view, variable)
                if isinstance(found, Refusal):
                    return found
                left.add(found)
    return None


# --- other waits, which the return would skip --------------------------------------------------------------------


def _join_others(context: Context, view: View, left: Left) -> set[int] | Refusal:
    """Take in those whom the waits behind this one are for. Gives the starts of statements that do no more than that."""
    joins: set[int] = set()
    for statement in skipping.behind(view):
        for channel in _received(view, statement):
            found = senders.senders(context, view, channel)
            if isinstance(found, Refusal):
                return found
            left.add(found)
        for leaf in skipping.leaves(statement):
            members = _group_waited_for(context, view, leaf)
            if isinstance(members, Refusal):
                return members
            if members is not None:
                left.add(members)
            if members is not None or _only_receives(view, leaf) or _closes_for_itself(context, view, leaf):
                joins.add(leaf.start_byte)
    return joins


def _received(view: View, statement: Node) -> Iterator[Local]:
    """The function's own channels that a statement receives from."""
    roles = ("receive", "select-receive", "range")
    for ref in (r for r in view.refs_in(statement) if r.role in roles and r.literals == view.literals):
        known = view.facts.object(ref.object)
        channel = senders.of_variable(view, known) if known is not None else None
        if channel is not None:
            yield channel


def _group_waited_for(context: Context, view: View, leaf: Node) -> Senders | Refusal | None:
    call = view.call_at(leaf.named_children[0]) if leaf.type == "expression_statement" else None
    if call is None or call.name != lifetimes.GROUP_WAIT:
        return None
    variable = lifetimes.group(view, call, view.function)
    return group(context, view, variable) if variable is not None else None


def _only_receives(view: View, leaf: Node) -> bool:
    node = leaf.named_children[0] if leaf.type == "expression_statement" else leaf
    operand = node.child_by_field_name("operand") if node.type == "unary_expression" else None
    return operand is not None and view.text(node).startswith("<-") and senders.local(view, operand) is not None


def _closes_for_itself(context: Context, view: View, leaf: Node) -> bool:
    """``close(ch)`` of a channel that only this function receives from."""
    call = view.call_at(leaf.named_children[0]) if leaf.type == "expression_statement" else None
    ref = next((r for r in view.refs_in(leaf) if r.role == "close"), None)
    known = view.facts.object(ref.object) if ref is not None and call is not None else None
    channel = senders.of_variable(view, known) if known is not None else None
    if channel is None:
        return False
    found, unseen = workers.uses(context, view, channel.variable)
    receivers = ("receive", "select-receive", "range")
    return not unseen and not any(u.worker is not None and u.role in receivers for u in found)
