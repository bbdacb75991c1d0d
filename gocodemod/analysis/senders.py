"""When nobody receives from a channel any more: does everybody who sends on it still come to an end?

A send on an unbuffered channel waits for a receiver. Whoever stops waiting early leaves the sender behind, blocked for
ever, unless the channel has room for what is still to be sent: https://go.dev/ref/spec#Send_statements.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import captures, effects, flow, layout, origins, workers
from gocodemod.analysis.view import View
from gocodemod.analysis.workers import Use, Worker
from gocodemod.golang.facts import Object
from gocodemod.model import Edit, Refusal
from gocodemod.transform import Context

_OWN = frozenset({"define", "receive", "select-receive", "range", "compare", "measure"})
_SENDS = frozenset({"send", "close"})
# What a goroutine may do once its value is taken, without caring whether it was.
_INDIFFERENT = ("context.Context", "context.CancelFunc", "*sync.WaitGroup", "sync.WaitGroup")


@dataclass(frozen=True)
class Local:
    """A channel that a function makes and keeps in one variable. ``size``: its capacity, None where that is not known."""

    variable: Object
    made: Node
    capacity: Node | None
    size: int | None

    @property
    def name(self) -> str:
        return self.variable.name


@dataclass(frozen=True)
class Senders:
    """``workers``: what sends or closes. ``edits``: give the channel the room that it lacks. ``told``: for people.

    ``timed``: a timer ends the wait. ``sends``: file and place of the sends that were looked at.
    """

    workers: tuple[Worker, ...]
    edits: tuple[Edit, ...]
    told: str
    timed: bool = False
    sends: frozenset[tuple[str, int]] = frozenset()


def local(view: View, operand: Node) -> Local | None:
    """The channel of a receive, if it is a variable of this very function that holds one ``make`` and nothing else."""
    ref = view.ref_at(operand) if operand.type == "identifier" else None
    found = view.facts.object(ref.object) if ref is not None else None
    return of_variable(view, found) if found is not None else None


def of_variable(view: View, variable: Object) -> Local | None:
    if variable.kind != "var" or variable.scope != "function" or not view.declares(view.function, variable):
        return None
    if "chan " not in variable.underlying[:7]:
        return None
    found = list(origins.of(view, variable.id))
    writes = [r for r in view.refs_of(variable.id) if r.role in ("define", "assign", "update", "address")]
    if len(writes) != 1 or len(found) != 1 or found[0].call is None or found[0].call.name != "make":
        return None
    made = view.source.node_at(found[0].call.start, found[0].call.end)
    arguments = made.child_by_field_name("arguments")
    if made.type != "call_expression" or arguments is None:
        return None
    values = [c for c in arguments.named_children if c.type != "comment"]
    if len(values) == 1:
        return Local(variable, made, None, 0)
    known = view.facts.expr(view.path, values[1].start_byte, values[1].end_byte)
    constant = known.constant if known is not None else None
    size = int(constant) if constant is not None and re.fullmatch(r"\d+", constant) else None
    return Local(variable, made, values[1], size)


def senders(context: Context, view: View, channel: Local) -> Senders | Refusal:
    """Who sends and whether they end without a receiver, or why that is not so or cannot be told."""
    found, unseen = workers.uses(context, view, channel.variable)
    name = channel.name
    if unseen:
        return Refusal("sender-out-of-sight", f"{name} is handed to {unseen[0]}, which cannot be seen through")
    own = [u for u in found if u.worker is None]
    if any(u.role == "send" for u in own):
        return Refusal("slot-or-token", f"this function sends on {name}, too: the receive takes a slot or a turn")
    theirs = [u for u in found if u.worker is not None]
    # What is closed, everybody sees; what is sent, only one.
    sent = any(u.role == "send" for u in theirs)
    if sent and any(u.role in ("receive", "select-receive", "range") for u in theirs):
        return Refusal("slot-or-token", f"a goroutine receives from {name}, too: it is no result for one receiver")
    if any(u.role not in _OWN | {"close"} for u in own) or any(u.role not in _SENDS | _OWN for u in theirs):
        return Refusal("sender-out-of-sight", f"{name} is used as a value, so others may send on it")
    sending = [u for u in theirs if u.role in _SENDS]
    if not sending:
        return Refusal("sender-out-of-sight", f"nothing that can be seen sends on {name} or closes it")
    if any(u.role == "close" and not _behind(view, u) for u in own):
        return Refusal(
            "worker-uses-freed-resource", f"this function closes {name}, on which a goroutine may still send"
        )
    found_workers = workers.workers_of(tuple(sending))
    if any(not _same_function(view, w) for w in found_workers):
        return Refusal("sender-out-of-sight", f"what sends on {name} is started elsewhere")
    edits = _room(view, channel, [u for u in sending if u.role == "send"], any(u.role == "measure" for u in found))
    if isinstance(edits, Refusal):
        return edits
    timed = any(w.callee == "time.AfterFunc" for w in found_workers)
    places = frozenset((u.view.path, u.node.start_byte) for u in sending if u.role == "send")
    return Senders(found_workers, edits, _told(channel, sending, edits), timed, places)


def _behind(view: View, use: Use) -> bool:
    """Whether a use of the function's own comes after the wait, so that a return at the wait leaves it out."""
    return use.ref.literals == view.literals and use.ref.start > view.node.end_byte and not _deferred(use.node)


def _deferred(node: Node) -> bool:
    return flow.statement(node).type == "defer_statement"


def _same_function(view: View, worker: Worker) -> bool:
    return worker.starter.path == view.path and worker.starter.function == view.function


def _told(channel: Local, sending: Sequence[Use], edits: Sequence[Edit]) -> str:
    first = sending[0]
    verb = "closed" if all(u.role == "close" for u in sending) else "sent to"
    room = "; with capacity 1 its sender ends though nobody receives" if edits else ""
    return f"{channel.name} is {verb} in line {first.view.line(first.node.start_byte)}{room}"


def _room(view: View, channel: Local, sends: Sequence[Use], measured: bool) -> tuple[Edit, ...] | Refusal:
    """The edits after which no send waits for a receiver."""
    blocking = [u for u in sends if not _has_default(u)]
    senders = workers.workers_of(tuple(blocking))
    name = channel.name
    for sender in senders:
        if not workers.once([u for u in blocking if u.worker == sender]):
            return Refusal("would-leak-sender", f"a goroutine may send on {name} more than once")
    loops = [(w, around) for w in senders if (around := w.loop(channel.made.start_byte)) is not None]
    if loops:
        worker, loop = loops[0]
        if len(senders) == 1 and _room_for_each(view, channel, worker, loop):
            return ()
        return Refusal(
            "would-leak-sender", f"a loop starts senders, and {name} is not known to have room for all of them"
        )
    if channel.size is not None and channel.size >= len(senders):
        return ()
    if len(senders) > 1 or channel.size != 0:
        return Refusal("would-leak-sender", f"{name} is not known to have room for what {len(senders)} goroutines send")
    if measured:
        return Refusal("would-leak-sender", f"the capacity or length of {name} is asked for, so it cannot be changed")
    return _with_capacity(view, channel, blocking)


def _has_default(use: Use) -> bool:
    select = workers.in_select(use.node)
    return select is not None and any(c.type == "default_case" for c in select.named_children)


def _room_for_each(view: View, channel: Local, worker: Worker, loop: Node) -> bool:
    """``make(chan T, len(xs))`` and one sender for each round of ``for range xs``; counted loops alike."""
    around = [n for n in flow.loops_around(worker.start) if flow.contains(loop, n)]
    head, capacity = flow.clause(loop), channel.capacity
    if len(around) != 1 or capacity is None:
        return False
    text = view.text(capacity)
    if head is not None and head.type == "range_clause":
        operand = head.child_by_field_name("right")
        counted = view.text(operand) if operand is not None else ""
        fits = text in (f"len({counted})", counted)
    else:
        fits = head is not None and _counts_to(view, head, text)
    variables = {r.object for r in view.refs_in(capacity)}
    writes = (r for o in variables for r in view.refs_of(o) if r.role in ("assign", "update", "address"))
    return fits and not any(r.start > channel.made.start_byte for r in writes)


def _counts_to(view: View, head: Node, count: str) -> bool:
    parts = [head.child_by_field_name(n) for n in ("initializer", "condition", "update")]
    texts = [" ".join(view.text(p).split()) if p is not None else "" for p in parts]
    found = re.fullmatch(r"(\w+) := 0", texts[0])
    return found is not None and texts[1] == f"{found[1]} < {count}" and texts[2] == f"{found[1]}++"


def _with_capacity(view: View, channel: Local, sends: Sequence[Use]) -> tuple[Edit, ...] | Refusal:
    name = channel.name
    if any(workers.in_select(u.node) is not None for u in sends):
        return Refusal("would-leak-sender", f"a select sends on {name}: with a capacity it would choose another case")
    for use in sends:
        if (relied := _relies_on_receiver(view, use)) is not None:
            return Refusal(
                "would-leak-sender", f"after sending on {name} a goroutine uses {relied}, once it was received"
            )
    arguments = channel.made.child_by_field_name("arguments")
    assert arguments is not None, "make has arguments"
    if channel.capacity is not None:
        return (layout.edit(channel.capacity.start_byte, channel.capacity.end_byte, "1"),)
    last = [c for c in arguments.named_children if c.type != "comment"][-1]
    if view.source.data[last.end_byte : arguments.end_byte].strip() != b")":
        return Refusal("would-leak-sender", f"{name} is made in a way to which no capacity can be added")
    return (layout.edit(arguments.end_byte - 1, arguments.end_byte, ", 1)"),)


def _relies_on_receiver(view: View, use: Use) -> str | None:
    """A variable that what follows the send uses and that this function may have set before it received.

    The receive orders the two; a channel with room does not.
    """
    worker, function = use.worker, flow.enclosing_function(use.node)
    if worker is None or function is None:
        return None
    following = [s for s in flow.follows(use.node, function) if not s.type.endswith("_statement") or s.named_children]
    between = [s for s in _between(view, worker.start) if not flow.contains(s, view.node)]
    changes = effects.of(view, between, writes=effects.Effect.RECORDS) >= effects.Effect.RECORDS
    for statement in following:
        for variable in captures.captured(use.view, statement):
            known = view.facts.object(variable)
            if known is None or use.view.declares(worker.view.function, known) or known.path != view.path:
                continue
            if known.type in _INDIFFERENT or known.underlying.lstrip("<-").startswith("chan "):
                continue
            steady = worker.literal is not None and captures.steady(view, worker.literal, variable)
            if changes or not steady:
                return known.name
    return None


def _between(view: View, start: Node) -> list[Node]:
    """The statements that run after a goroutine's start and before the wait."""
    return [s for s in flow.dominating(view.node, view.function) if s.start_byte >= start.end_byte]
