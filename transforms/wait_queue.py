"""Make a channel of a queue that is a mutex, a condition variable and a slice.

``sync.Cond.Wait`` cannot be told to give up: no context and no timer ends it, and no ``select`` waits for it beside
something else. A queue that only hands over values one by one is what a buffered channel is.

| the code | the edit |
|---|---|
| fields ``mu sync.Mutex``, ``cond *sync.Cond``, ``items []T`` of one struct | ``items chan T``, made with room for 1024 where the struct is made |
| lock, ``q.items = append(q.items, v)``, unlock, signal | ``q.items <- v`` |
| lock, ``for len(q.items) == 0 { q.cond.Wait() }``, ``v := q.items[0]``, ``q.items = q.items[1:]``, unlock | ``v := <-q.items`` |
| ... in a goroutine, with a stop signal that is a field of the same struct | both become a ``select`` with it: the loop ends, and adding gives up |
| ``q.cond = sync.NewCond(&q.mu)`` | goes |

The level is review: a slice grows without a bound, and a channel is full one day. Then whoever adds waits until somebody
takes. That is only offered where it comes to an end: one endless loop takes the elements, it is started where the struct
is made, it adds none itself, calls nothing that could (no function values, no methods of interfaces) and waits for
nobody else, and no lock is held where elements are added. ``capacity`` in the table ``[transforms.wait-queue]`` sets the room.

All else is reported, for a person to judge: ``queue-does-more`` (a flag that closes it, a bound, a length that is looked
at, several places that add or take, a slice that is swapped), ``consumer-unclear``, ``consumer-pushes``,
``pushes-under-lock``, ``made-without-the-channel``. No site: a condition variable that waits for something else than a
slice's length.

Sources: https://pkg.go.dev/sync#Cond, https://go.dev/ref/spec#Channel_types,
https://github.com/golang/go/issues/21165.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from tree_sitter import Node

from gocodemod.analysis import flow, layout, literals, queues, signals
from gocodemod.analysis.queues import Queue, Run
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Option, Transform

QUERY = "(for_statement) @site"
NEEDLES = (b".Wait()", b"len(")
_CAPACITY = 1024


def _capacity(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a number of elements, at least 1")
    return value


OPTIONS = (Option("capacity", str(_CAPACITY), _capacity),)


def match(source: Source, node: Node) -> Node | None:
    """Loops that do nothing but call a method Wait until a test that asks for a length tells otherwise."""
    body, test = flow.body(node), flow.condition(node)
    inner = flow.statements(body) if body is not None else []
    if test is None or len(inner) != 1 or inner[0].type != "expression_statement" or b"len(" not in source.text(test):
        return None
    return node if source.text(inner[0]).endswith(b".Wait()") else None


def decide(candidate: Candidate, context: Context) -> Decision | None:
    loop = candidate.node
    view = View.around(candidate.source, context.facts, loop, context.language)
    body = flow.body(loop)
    if view is None or body is None:
        return None
    known = view.call_at(flow.statements(body)[0].named_children[0])
    if known is None or known.kind == "unknown":
        return Refusal("types-unavailable", "Wait did not resolve")
    items = queues.items_of(view, loop) if known.name == "(*sync.Cond).Wait" else None
    if items is None:
        return None
    queue = queues.find(context, view, loop, items)
    if isinstance(queue, Refusal):
        return queue
    return queues.full(context, queue) or _fix(context, queue)


# --- the fix --------------------------------------------------------------------------------------------------------


def _fix(context: Context, queue: Queue) -> Decision:
    view = queue.pop.view
    declared = _declarations(context, queue)
    if isinstance(declared, Refusal):
        return declared
    source, fields, element = declared
    capacity = _capacity(context.settings.get("capacity", _CAPACITY))
    made = literals.with_channel(context, view, queue.base, queue.items, f"make(chan {element}, {capacity})")
    if isinstance(made, Refusal):
        return dataclasses.replace(made, level=Level.REPORT)
    if "." in element and any(path != source.path for path in (view.path, *(path for path, _ in made))):
        return _report("made-without-the-channel", f"{element} may have another name in the other files")
    for run in (queue.push, queue.pop):
        if any(n.type == "comment" for n in _between(run)):
            line = run.view.line(run.first.start_byte)
            return _report("comment-in-the-way", f"a comment stands in what begins at line {line}")
    if any(_commented(v.source, n) for v, n in queue.made) or any(_commented(source, fields[i]) for i in (0, 1)):
        return _report("comment-in-the-way", "a comment speaks of the lock or of the condition variable")
    signal, received, sent = _operations(queue, element)
    edits: dict[str, list[Edit]] = {}
    for run, text in ((queue.pop, received), (queue.push, sent)):
        edits.setdefault(run.view.path, []).append(_replaced(run, text))
    for there, statement in queue.made:
        edits.setdefault(there.path, []).append(layout.remove(there.source, statement))
    kind = fields[2].child_by_field_name("type")
    assert kind is not None, "a field has a type"
    edits.setdefault(source.path, []).extend(layout.remove(source, field) for field in fields[:2])
    edits[source.path].append(layout.edit(kind.start_byte, kind.end_byte, f"chan {element}"))
    for path, edit in made:
        edits.setdefault(path, []).append(edit)
    evidence = {
        "queue": f"{queue.items.name}, with {queue.lock.name} and {queue.condition.name}",
        "bound": f"none before; now adding waits while {capacity} elements are in it",
        "signal": signal,
    }
    changes = tuple(FileChange(p, tuple(sorted(found)), (), ("sync",)) for p, found in sorted(edits.items()))
    return Fix(changes, Level.REVIEW, f"{queue.items.name} becomes a channel, which a select can wait for", evidence)


def _report(reason: str, message: str) -> Refusal:
    return Refusal(reason, message, level=Level.REPORT)


def _declarations(context: Context, queue: Queue) -> tuple[Source, tuple[Node, Node, Node], str] | Refusal:
    """The file of the struct, the declarations of lock, condition and slice, and the type of an element."""
    source = queue.pop.view.source if queue.items.path == queue.pop.view.path else context.source(queue.items.path)
    found = [_field(source, o) for o in (queue.lock, queue.condition, queue.items)]
    lock, condition, items = found
    if lock is None or condition is None or items is None:
        return _report("queue-does-more", "lock, condition and slice are not fields that are declared one by one")
    kind = items.child_by_field_name("type")
    element = kind.child_by_field_name("element") if kind is not None and kind.type == "slice_type" else None
    if element is None:
        return _report("queue-does-more", f"the type of {queue.items.name} is not written as a slice")
    return source, (lock, condition, items), source.text(element).decode("utf-8", "surrogateescape")


def _field(source: Source, field: Object) -> Node | None:
    """The declaration of a field that declares nothing else."""
    node: Node | None = source.node_at(field.start, field.start + len(field.name.encode()))
    while node is not None and node.type != "field_declaration":
        node = node.parent
    alone = node is not None and len(node.children_by_field_name("name")) == 1
    return node if alone and node is not None and node.child_by_field_name("tag") is None else None


def _between(run: Run) -> Iterator[Node]:
    """The nodes of the statements that a run replaces, and the comments between them."""
    holder = run.first.parent
    assert holder is not None, "a statement stands in a list"
    for child in holder.children:
        if run.first.start_byte <= child.start_byte < run.last.end_byte:
            yield from flow.everything(child)


def _commented(source: Source, node: Node) -> bool:
    """Whether a comment stands behind a node on its line, or on lines of its own right above it."""
    data = source.data
    start, end = data.rfind(b"\n", 0, node.start_byte), data.find(b"\n", node.end_byte)
    above = data[data.rfind(b"\n", 0, max(start, 0)) + 1 : max(start, 0)].strip()
    behind = data[node.end_byte : end if end >= 0 else len(data)]
    return b"//" in behind or b"/*" in behind or above.startswith(b"//") or above.endswith(b"*/")


def _replaced(run: Run, text: str) -> Edit:
    """The text in place of a run's statements, and of what stands between them."""
    return layout.edit(run.first.start_byte, run.last.end_byte, text)


def _operations(queue: Queue, element: str) -> tuple[str, str, str]:
    """What is said of the stop signal, and the text of the receive and of the send."""
    push, pop = queue.push, queue.pop
    name = queue.items.name
    target = pop.view.text(pop.value)
    assign = ":=" if pop.defines else "="
    sent = f"{push.base}.{name} <- {push.view.text(push.value)}"
    received = f"{target} {assign} <-{pop.base}.{name}"
    signal = _signal(queue)
    if isinstance(signal, str):
        return signal, received, sent
    text, described = signal
    there = text.replace(f"{pop.base}.", f"{push.base}.", 1)
    declared = f"var {target} {element}\n" if pop.defines else ""
    received = f"{declared}select {{\ncase <-{text}:\nreturn\ncase {target} = <-{pop.base}.{name}:\n}}"
    return (
        f"{described}: the loop ends, what is left stays, and adding gives up",
        received,
        f"select {{\ncase {sent}:\ncase <-{there}:\n}}",
    )


def _signal(queue: Queue) -> tuple[str, str] | str:
    """The stop signal to receive from, if it is one of the same struct; else why there is none."""
    view, loop = queue.pop.view, queue.pop.view.node
    function = view.functions[0]
    if not flow.loops_around(queue.pop.first):
        return "none: the function cannot tell its caller that nothing will come"
    found = signals.find(view, loop)
    if isinstance(found, Refusal):
        return f"none ({found.message or found.reason})"
    if (
        found.place != "field"
        or found.base != queue.base.id
        or function.results
        or queue.push.view.functions[0].results
    ):
        return f"none: {found.text} is not for whoever adds elements, too"
    return found.receive, found.described


transform = Transform(
    __name__, __doc__, QUERY, NEEDLES, match, decide, options=OPTIONS, subject="let a channel be the queue"
)
