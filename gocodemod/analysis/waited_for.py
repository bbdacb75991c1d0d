"""Groups that goroutines are counted in, and whether a goroutine is waited for by one, or by a channel.

A group is anything with Add, Done and Wait: sync.WaitGroup and what is made like it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import captures, flow, receives
from gocodemod.analysis.reach import Reach
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Facts, Ref

_METHODS = frozenset({"Add", "Done", "Wait"})
_RECEIVES = frozenset({"receive", "select-receive", "range"})
# Whoever is given a channel may receive from it.
_HANDED = frozenset({"argument", "return", "assign", "define", "key", "address", "read"})


def is_group(facts: Facts, variable: str) -> bool:
    members = facts.members(variable) if variable else None
    return members is not None and set(members.methods) >= _METHODS


def joined(view: View, literal: Node, reached: Reach) -> bool:
    """Whether somebody waits for the goroutine of a literal, as far as it says itself: it counts down a group, or it sends
    to or closes a channel that somebody receives from.
    """
    told = _told(view, literal, reached, own=True)
    return (
        _counted(view, literal, reached)
        or any(_heard(view, literal, channel) for channel in told)
        or _gives_to_whoever_fills(view, literal)
    )


def _gives_to_whoever_fills(view: View, literal: Node) -> bool:
    """A slot of a semaphore given back, which the function fills afterwards: that waits for those who hold one."""
    taken = {r.object for r in view.refs_in(literal) if r.role == "receive" and r.object}
    return any(r.role == "send" and r.start > literal.end_byte for channel in taken for r in view.refs_of(channel))


def tells_elsewhere(view: View, literal: Node, reached: Reach) -> bool:
    """Whether a function that the literal calls closes a channel that somebody receives from: a future that is set, say."""
    return any(_heard(view, literal, channel) for channel in _told(view, literal, reached, own=False))


def _counted(view: View, literal: Node, reached: Reach) -> bool:
    for index, body in enumerate(reached.bodies):
        for call in body.calls:
            if call.name.endswith(".Done") and call.statement in ("expr", "defer") and call.holder:
                known = view.facts.object(call.holder)
                inner = index > 0 and body.view.declares(body.view.outermost, known) and known is not None
                if is_group(view.facts, call.holder) and not (inner and known is not None and known.kind == "var"):
                    return True
    for ref in view.refs_in(literal):
        used = ref.selected in ("Done", "Add", "Go") or ref.role in ("argument", "address")
        if not used or not ref.object:
            continue
        known = view.facts.object(ref.object)
        variable = known is not None and known.kind in ("var", "param", "field", "receiver", "result")
        if variable and not view.declares(literal, known) and is_group(view.facts, ref.object):
            return True
    return False


def _told(view: View, literal: Node, reached: Reach, *, own: bool) -> list[str]:
    """Ids of the channels that the literal sends to or closes (``own``), or that the functions it calls close.

    ``""`` stands for an element of something. Literals that a variable of the starter holds are the literal's own.
    """
    found: dict[str, None] = {}
    given = captures.given(view, literal)
    for index, body in enumerate(reached.bodies):
        if own != (index == 0 or not body.name):
            continue
        for ref in body.view.refs_in(literal if index == 0 else body.view.node):
            if ref.role == "close" or (own and ref.role == "send"):
                for channel in receives.handed(reached, index, ref.object):
                    found[given.get(channel, channel)] = None
        if own and any(_tells_element(node) for node in flow.runs_in(body.view.node)):
            found[""] = None
    return [c for c in found if not view.declares(literal, view.facts.object(c) if c else None)]


def _tells_element(node: Node) -> bool:
    """``chans[i] <- v`` and ``close(chans[i])``."""
    channel = node.child_by_field_name("channel") if node.type == "send_statement" else None
    if node.type == "call_expression":
        callee, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if callee is not None and callee.text == b"close" and arguments is not None and arguments.named_children:
            channel = arguments.named_children[0]
    return channel is not None and channel.type not in ("identifier", "selector_expression")


def _heard(view: View, literal: Node, channel: str) -> bool:
    """Whether somebody may receive from the channel, the literal itself left out."""
    known = view.facts.object(channel) if channel else None
    if known is None or known.kind in ("param", "result", "receiver"):
        return True
    if view.declares(literal, known):
        return False
    if known.scope == "function" and not view.declares(view.outermost, known):
        return False  # a variable of a function that the literal calls: nobody out here has it
    local = known.scope == "function"
    refs = view.refs_of(channel) if local else view.facts.uses(channel)
    if not local and known.exported:
        return True
    return any(_listens(view, literal, ref) for ref in refs)


def _listens(view: View, literal: Node, ref: Ref) -> bool:
    if ref.path == view.path and literal.start_byte <= ref.start < literal.end_byte:
        return False
    if ref.role in _RECEIVES:
        return True
    if ref.role == "send":
        # Filling a semaphore at the end waits for those who hold a slot.
        return ref.path == view.path and ref.start > literal.end_byte
    return ref.role in _HANDED and not (ref.role in ("assign", "define", "key") and ref.value_start >= 0)


@dataclass(frozen=True)
class Group:
    """A group that the starter has and waits for. ``wait``: the statement of its Wait. ``outer``: the defer that it is, or
    that holds the literal it stands in; None for a plain one.
    """

    name: str
    object: str
    wait: Node
    outer: Node | None


def existing(view: View, start: Node) -> tuple[Group | None, str]:
    """The sync.WaitGroup of the function around a go statement that could count it, and why one that is there cannot."""
    problem = ""
    for variable in dict.fromkeys(c.holder for c in view.calls_in(view.function) if c.name.endswith(".Wait")):
        known = view.facts.object(variable) if variable else None
        if known is None or known.type not in ("sync.WaitGroup", "*sync.WaitGroup"):
            continue
        if known.kind != "var" or not view.declares(view.function, known):
            continue
        here = view.facts.lookup(view.path, start.start_byte, known.name)
        if here is None or here.id != known.id:
            continue
        calls = [c for c in view.calls_in(view.function) if c.name.endswith(".Wait") and c.holder == variable]
        waits = [w for c in calls if (w := _own_wait(view, c)) is not None]
        if not waits:
            continue  # a goroutine that closes something when the others are done
        if len(waits) == 1 and _reached(start, *waits[0], view.function):
            return Group(known.name, known.id, *waits[0]), ""
        problem = f"{known.name}.Wait is not reached on every way from here"
    return None, problem


def _own_wait(view: View, call: Call) -> tuple[Node, Node | None] | None:
    """The statement of a Wait that the function itself comes to, and the defer that makes it; None for any other."""
    statement = flow.statement(view.source.node_at(call.start, call.end))
    function = flow.enclosing_function(statement)
    if function == view.function:
        return statement, statement if statement.type == "defer_statement" else None
    deferred = deferred_by(function)
    if deferred is None or flow.enclosing_function(deferred) != view.function:
        return None
    return statement, deferred


def deferred_by(literal: Node | None) -> Node | None:
    """The defer statement of ``defer func() {...}()``."""
    call = literal.parent if literal is not None and literal.type == "func_literal" else None
    statement = call.parent if call is not None and call.type == "call_expression" else None
    return statement if statement is not None and statement.type == "defer_statement" else None


def _reached(start: Node, wait: Node, outer: Node | None, function: Node) -> bool:
    """Whether the Wait is come to, later, whenever the go statement was."""
    if outer is None:
        return wait.type == "expression_statement" and always_reached(start, wait)
    return outer in flow.dominating(start, function) and (outer == wait or _first_level(wait))


def _first_level(wait: Node) -> bool:
    """Whether a statement of a literal is one of its body's own, with no way out before it."""
    function = flow.enclosing_function(wait)
    body = flow.body(function) if function is not None else None
    if body is None or wait.type != "expression_statement" or wait not in flow.statements(body):
        return False
    return not any(
        n.type in ("return_statement", "goto_statement") for n in flow.inside(body) if n.end_byte <= wait.start_byte
    )


def always_reached(start: Node, statement: Node) -> bool:
    """Whether the statement runs, later, whenever the other one did: nothing in between leaves, and no loop goes round."""
    around = statement.parent
    if around is None or statement.start_byte <= start.start_byte or not flow.contains(around, start):
        return False
    inner: Node = start
    while inner.parent is not None and inner.parent != around:
        inner = inner.parent
    between = [s for s in around.named_children if inner.start_byte <= s.start_byte < statement.start_byte]
    jumps = ("return_statement", "goto_statement", "break_statement", "continue_statement")
    for node in (n for s in between for n in flow.inside(s)):
        if node.type in ("return_statement", "goto_statement"):
            return False
        if node.type in jumps:
            target = flow.jump_target(node)
            if target is None or not any(flow.contains(s, target) for s in between):
                return False
    return True
