"""The method of a type that ends what the type has started: which one is it, and does it surely end everything?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow, names, reach
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Struct
from gocodemod.model import Refusal
from gocodemod.thread.plan import World
from gocodemod.transform import Context

STOPS = ("close", "stop", "shutdown")
# How long it may take, or why it ends. Anything else says what to end: Stop(name) ends one thing of many.
_HOW = frozenset({"context.Context", "time.Duration", "error"})
_CANCELS = frozenset({"context.CancelFunc", "context.CancelCauseFunc"})


@dataclass(frozen=True)
class Stop:
    """``own``: ids of the type's fields. ``receiver``: the name of its receiver. ``shown``: ``(*Poller).Close``.

    ``view.node``: its body. ``reached``: what runs with it.
    """

    method: Object
    own: frozenset[str]
    view: View
    receiver: str
    shown: str
    reached: reach.Reach


def is_stop(name: str) -> bool:
    return name.lower() in STOPS


def find(world: World, view: View, struct: Struct) -> Stop | Refusal | None:
    """The one method that all of Close, Stop and Shutdown come to; None if the type has none of them."""
    context = Context(world.facts, view.language, world.source)
    methods = [m for m in struct.methods if is_stop(m.name)]
    bodies = [(m, reach.declared(context, view, m.id)) for m in methods]
    if not methods:
        return None
    found: list[Stop] = []
    for method, body in bodies:
        if body is None:
            return _unclear(f"{struct.name}.{method.name} cannot be looked into")
        receiver, shown = _receiver(body.view, struct, method)
        reached = reach.reach(context, body.view, body.view.node)
        found.append(Stop(method, frozenset(f.id for f in struct.fields), body.view, receiver, shown, reached))
    last = [s for s in found if all(o is s or _comes_to(o, s) for o in found)]
    if len(last) != 1:
        names_ = " and ".join(s.shown for s in found)
        return _unclear(f"{names_} both end things, and neither calls the other")
    return last[0]


def problem(stop: Stop, told: frozenset[str]) -> Refusal | None:
    """Why the method may not be what ends all that the type does, or why it may need the goroutine to go on.

    ``told``: ids of the groups and channels by which the goroutine tells of its end.
    """
    return _signature(stop) or _ends_otherwise(stop) or _counts(stop) or _returns_early(stop) or _waits(stop, told)


def nil_guard(stop: Stop) -> Node | None:
    """``if x == nil { return }`` as the first statement."""
    inner = flow.statements(stop.view.node)
    if not inner or inner[0].type != "if_statement":
        return None
    test, then = inner[0].child_by_field_name("condition"), inner[0].child_by_field_name("consequence")
    plain = test is not None and _is_nil(stop, test) and inner[0].child_by_field_name("alternative") is None
    return inner[0] if plain and then is not None and flow.ends_function(then) else None


def _unclear(message: str) -> Refusal:
    return Refusal("stop-method-unclear", message)


def _comes_to(one: Stop, other: Stop) -> bool:
    return any(b.view.path == other.view.path and b.view.node == other.view.node for b in one.reached.bodies[1:])


def _receiver(view: View, struct: Struct, method: Object) -> tuple[str, str]:
    parameters = view.outermost.child_by_field_name("receiver")
    declared = parameters.named_children[0] if parameters is not None and parameters.named_children else None
    name = declared.child_by_field_name("name") if declared is not None else None
    held = declared.child_by_field_name("type") if declared is not None else None
    star = "*" if held is not None and held.type == "pointer_type" else ""
    text = view.text(name) if name is not None else ""
    return "" if text == "_" else text, f"({star}{struct.name}).{method.name}"


def _signature(stop: Stop) -> Refusal | None:
    declared = stop.view.functions[-1]
    if not stop.receiver or not stop.shown.startswith("(*"):
        return _unclear(f"{stop.shown} has no name for its receiver, or gets a copy")
    other = next((p for p in declared.params if p.type not in _HOW), None)
    if other is not None:
        return _unclear(f"{stop.shown} is told what to end ({other.name} {other.type})")
    if any(not r.is_error for r in declared.results):
        return _unclear(f"{stop.shown} returns more than an error")
    made = stop.view.facts.lookup(stop.view.path, stop.view.node.start_byte + 1, "close")
    if made is None or made.kind != "builtin":
        return Refusal("import-name-taken", f"close means something else in {stop.shown}")
    return None


def _ends_otherwise(stop: Stop) -> Refusal | None:
    """A type that has a signal already is not given another one: why that one does not do is for a person to see."""
    for body in stop.reached.bodies:
        for ref in body.view.refs_in(body.view.node):
            known = body.view.facts.object(ref.object) if ref.object else None
            if known is None or known.id not in stop.own:
                continue
            closes = ref.role == "close" and known.underlying in ("chan struct{}", "chan bool")
            if closes or (ref.role in ("call", "defer-call") and known.type in _CANCELS):
                how = "closes" if closes else "calls"
                return _unclear(f"{stop.shown} {how} {known.name} already, which this goroutine does not look at")
    return None


def _counts(stop: Stop) -> Refusal | None:
    """A method that counts down ends things for the last of those that call it."""
    for node in flow.runs_in(stop.view.node):
        text = stop.view.text(node) if node.type in ("dec_statement", "assignment_statement", "call_expression") else ""
        assigns = node.type == "assignment_statement" and re.search(r"[^-]-=", text)
        down = node.type == "call_expression" and re.search(r"\bAdd(Int|Uint)?(32|64)?\([^()]*-\s*1\)$", text)
        if (node.type == "dec_statement" and not _is_local(stop.view, node)) or assigns or down:
            return _unclear(
                f"{stop.shown} counts down ({' '.join(text.split())}): it may end things for the last caller only"
            )
    return None


def _is_local(view: View, statement: Node) -> bool:
    """``i--`` of a variable of the function."""
    ref = view.ref_at(statement.named_children[0])
    known = view.facts.object(ref.object) if ref is not None and ref.object else None
    return known is not None and known.scope == "function"


def _returns_early(stop: Stop) -> Refusal | None:
    """A return before the end is harmless for nil, when all was ended before, and when something failed."""
    last = flow.statements(stop.view.node)[-1:]
    for node in flow.inside(stop.view.node):
        if node.type != "return_statement" or node in last:
            continue
        test = _condition(stop.view.node, node)
        if test is None or not (_is_nil(stop, test) or _was_ended(stop.view, test) or _failed(stop.view, test)):
            return _unclear(f"{stop.shown} may return without ending anything (line {stop.view.line(node.start_byte)})")
    return None


def _condition(body: Node, node: Node) -> Node | None:
    """The condition of the if in whose first block a return stands; None where a loop or a switch is around it, too."""
    found: Node | None = None
    current = node.parent
    while current is not None and current != body:
        around = current.parent
        if current.type == "if_statement" and found is None:
            found = current.child_by_field_name("condition")
        elif current.type not in ("statement_list", "block", "if_statement"):
            return None
        if (
            around is not None
            and around.type == "if_statement"
            and current == around.child_by_field_name("alternative")
        ):
            return None
        current = around
    return found


def _is_nil(stop: Stop, test: Node) -> bool:
    return stop.view.text(test) == f"{stop.receiver} == nil"


def _failed(view: View, test: Node) -> bool:
    left, sign = test.child_by_field_name("left"), test.child_by_field_name("operator")
    if test.type != "binary_expression" or left is None or sign is None or sign.type != "!=":
        return False
    known = view.facts.expr(view.path, left.start_byte, left.end_byte)
    return known is not None and known.type == "error"


def _was_ended(view: View, test: Node) -> bool:
    """``p.closed``, ``!p.stopped.CompareAndSwap(false, true)``, ``p.state == stateClosed``: one thing, and it says ended."""
    text = view.text(test)
    if "&&" in text or "||" in text:
        return False
    words = {w for name in re.findall(r"\w+", text) for w in names.words(name)}
    return bool(words & names.STOP_WORDS) and not words & {"running", "started", "start", "active", "alive", "open"}


def _waits(stop: Stop, told: frozenset[str]) -> Refusal | None:
    """What the method waits for may be work that the goroutine has yet to do, unless it is the goroutine's own end."""
    for body in stop.reached.bodies:
        where = f" in {body.view.functions[-1].name}" if body.view.outermost != stop.view.outermost else ""
        for call in body.calls:
            waits = call.name in ("(*sync.WaitGroup).Wait", "(*sync.Cond).Wait") and call.holder not in told
            if waits or call.name in ("time.Sleep", "time.After"):
                what = body.view.source.data[call.start : call.end].decode("utf-8", "replace")
                return Refusal("stop-waits", f"{stop.shown} waits, and not for this goroutine's end ({what}{where})")
        for ref in body.view.refs_in(body.view.node):
            known = body.view.facts.object(ref.object) if ref.object else None
            channel = known is None or known.underlying.removeprefix("<-").startswith("chan")
            if ref.role not in ("receive", "select-receive", "range", "send") or ref.object in told or not channel:
                continue
            return Refusal("stop-waits", f"{stop.shown} waits, and not for this goroutine's end ({ref.name}{where})")
    return None
