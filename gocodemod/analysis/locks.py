"""Which locks code holds at a place and which it takes, as far as the text of functions tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tree_sitter import Node

from gocodemod.analysis import blocking, flow
from gocodemod.analysis.reach import Body, Reach
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call

TAKES = ("Lock", "RLock", "TryLock", "TryRLock")
GIVES = ("Unlock", "RUnlock")


@dataclass(frozen=True)
class Lock:
    """``text`` as written where it is taken. ``object``: the variable or field that it is, ``""`` where that is not known.

    ``alias``: it is reached by a pointer or an interface, so that it may be any lock. ``where``: the function that takes
    it, for people; ``""`` for the function asked about. ``exported``: code of other packages can take it.
    """

    text: str
    object: str
    alias: bool
    where: str = ""
    exported: bool = False
    local: bool = False


def same(one: Lock, other: Lock) -> bool:
    """Whether the two may be one lock: a field counts as one, whatever struct it is a field of."""
    return one.alias or other.alias or not one.object or one.object == other.object


def held(view: View) -> list[str]:
    """Text of each lock taken and not given back on the way to ``view.node``, in the order taken.

    A deferred Unlock gives nothing back before the function ends. What a branch does that then leaves does
    not count: the way to the node does not pass it.
    """
    return [lock.text for lock in held_at(view)]


def held_at(view: View) -> list[Lock]:
    """As :func:`held`, with what is known of each."""
    return _held_after(view, flow.dominating(view.node, view.function))


def _held_after(view: View, statements: Iterable[Node]) -> list[Lock]:
    locks: list[Lock] = []
    for statement in statements:
        for call in _own_lock_calls(view, statement):
            if _branch_leaves(view, call, statement):
                continue
            lock = lock_of(view, call)
            if call.name.rsplit(".", 1)[-1] in TAKES:
                locks.append(lock)
            else:
                locks = _without(locks, lock.text)
    return locks


def _without(locks: Sequence[Lock], text: str) -> list[Lock]:
    first = next((i for i, lock in enumerate(locks) if lock.text == text), None)
    return [lock for i, lock in enumerate(locks) if i != first]


def held_behind(view: View, statement: Node) -> list[Lock]:
    """The locks that the function around the site holds when one of its statements is over."""
    return _held_after(view, [*flow.dominating(statement, view.function), statement])


def open_sections(view: View) -> list[Lock]:
    """Locks that the function gives back by a plain statement, with calls in between that may panic.

    A deferred call that runs then finds the lock held.
    """
    deferred = {text for text, _ in _deferred_gives(view)}
    found = []
    for statement in flow.inside(view.function):
        if statement.parent is None or statement.parent.type != "statement_list":
            continue
        for call in _own_lock_calls(view, statement):
            text = _receiver(view, call)
            alone = statement.type == "expression_statement" and call.name.endswith(_dotted(TAKES))
            if alone and text not in deferred and _calls_before_given(view, statement, text):
                found.append(lock_of(view, call))
    return found


def _calls_before_given(view: View, statement: Node, text: str) -> bool:
    for following in flow.siblings(statement)[1]:
        gives = [c for c in view.own_calls_in(following) if c.name.endswith(_dotted(GIVES))]
        given = [c for c in gives if _receiver(view, c) == text]
        others = [c for c in view.own_calls_in(following) if c not in given]
        if any(c.kind != "builtin" and not blocking.quiet(c.name) for c in others):
            return True
        if given and following.type == "expression_statement":
            return False
    return False


def _deferred_gives(view: View) -> list[tuple[str, int]]:
    """Text of each lock that a deferred call or literal of the function gives back, and where it is deferred."""
    found = []
    for node in flow.inside(view.function):
        if node.type == "defer_statement":
            for call in view.calls_in(node):
                if call.name.endswith(_dotted(GIVES)) and call.receiver_start >= 0:
                    found.append((_receiver(view, call), node.start_byte))
    return found


def taken(reach: Reach) -> list[Lock]:
    """The locks that a piece of code takes, itself or by a function of the module that it calls; what it tries is left out."""
    found: dict[Lock, None] = {}
    for body in reach.bodies:
        for call in body.calls:
            if call.name.endswith((".Lock", ".RLock")) and call.receiver_start >= 0:
                found[replace(lock_of(body.view, call), where=body.name)] = None
    return list(found)


def handed_over(body: Body) -> str:
    """Text of a lock that a piece of code gives back and does not take."""
    taken = {_receiver(body.view, c) for c in body.calls if c.name.endswith(_dotted(TAKES)) and c.receiver_start >= 0}
    given = [_receiver(body.view, c) for c in body.calls if c.name.endswith(_dotted(GIVES)) and c.receiver_start >= 0]
    return next((text for text in given if text not in taken), "")


def _own_lock_calls(view: View, statement: Node) -> list[Call]:
    return [
        c
        for c in view.own_calls_in(statement)
        if c.statement not in ("defer", "go") and c.receiver_start >= 0 and c.name.endswith(_dotted(TAKES + GIVES))
    ]


def lock_of(view: View, call: Call) -> Lock:
    """The lock whose method is called."""
    text = _receiver(view, call)
    known = view.facts.object(call.holder) if call.holder else None
    if known is None:
        return Lock(text, "", True)
    alias = known.kind in ("param", "receiver") or not _by_value(known.type, known.underlying)
    if known.kind == "receiver":  # a type that is nothing but a lock
        return Lock(text, "", True)
    local = known.scope == "function"
    # A promoted Lock can be called by whoever can name the struct.
    promoted = known.kind == "field" and not text.endswith(known.name)
    return Lock(text, known.id, alias, exported=not local and (known.exported or promoted), local=local)


def _by_value(written: str, underlying: str) -> bool:
    return not written.startswith("*") and not underlying.startswith("interface")


def _dotted(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f".{n}" for n in names)


def _receiver(view: View, call: Call) -> str:
    return view.source.data[call.receiver_start : call.receiver_end].decode("utf-8", "replace")


def _branch_leaves(view: View, call: Call, statement: Node) -> bool:
    """Whether the call stands in a nested block of the statement that ends by leaving the function or a loop."""
    inner = flow.statement(view.source.node_at(call.start, call.end))
    if flow.contains(inner, statement):
        return False
    following = flow.siblings(inner)[1]
    last = following[-1] if following else inner
    return last.type in (
        "return_statement",
        "goto_statement",
        "break_statement",
        "continue_statement",
    ) or flow.never_returns(last)
