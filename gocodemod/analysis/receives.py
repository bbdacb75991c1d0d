"""What a receive or a send waits for: a context, a channel, a timer, somebody at the other end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow, origins
from gocodemod.analysis.reach import Reach, declared
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Ref
from gocodemod.transform import Context

_TIMERS = frozenset({"time.After", "time.NewTimer", "time.Tick", "time.NewTicker"})
DEADLINES = frozenset(
    {"context.WithTimeout", "context.WithDeadline", "context.WithTimeoutCause", "context.WithDeadlineCause"}
)
# A context made from one that was made from one...: more than this is not followed.
_CHAIN = 8


@dataclass(frozen=True)
class Until:
    """One thing that lets a wait go on.

    ``kind``: ``context`` (its Done), ``channel`` (a value or the close), ``close`` (only the close: a range), ``timer``,
    ``receiver`` (somebody takes what is sent), ``other``. ``object``: the context or channel, a variable or a field,
    ``""`` where it is neither. ``text``: as written.
    """

    kind: str
    object: str
    text: str


def in_select(node: Node) -> bool:
    """Whether the receive or send is what a case of a select waits for."""
    child, parent = node, node.parent
    while parent is not None and parent.type in ("receive_statement", "send_statement", "communication_case"):
        if parent.type == "communication_case":
            return bool(parent.child_by_field_name("communication") == child)
        child, parent = parent, parent.parent
    return False


def comes_by_itself(until: tuple[Until, ...]) -> bool:
    """Whether the wait is for a timer and nothing else. A timer beside something else is a time limit: to wait for that is
    what the code is meant to avoid.
    """
    return bool(until) and all(u.kind == "timer" for u in until)


def until(context: Context, view: View, receive: Node) -> tuple[Until, ...]:
    """What ends a receive (the unary expression)."""
    operand = receive.child_by_field_name("operand")
    return (of_channel(context, view, operand),) if operand is not None else (Until("other", "", "a channel"),)


def until_case(context: Context, view: View, case: Node) -> tuple[Until, ...]:
    """What lets a select take this case."""
    waited = case.child_by_field_name("communication")
    if waited is None:
        return ()
    if waited.type == "send_statement":
        return (receiver(view, waited.child_by_field_name("channel")),)
    found = [n for n in flow.inside(waited) if n.type == "unary_expression" and view.text(n).startswith("<-")]
    return until(context, view, found[0]) if found else ()


def receiver(view: View, channel: Node | None) -> Until:
    ref = _last_ref(view, channel) if channel is not None else None
    return Until("receiver", ref.object if ref is not None else "", _line(view, channel) if channel is not None else "")


def of_channel(context: Context, view: View, channel: Node, depth: int = 3) -> Until:
    """What a channel expression stands for."""
    while channel.type == "parenthesized_expression" and channel.named_children:
        channel = channel.named_children[0]
    text = _line(view, channel)
    if channel.type == "call_expression":
        return _of_call(context, view, channel, text, depth)
    if channel.type not in ("identifier", "selector_expression"):
        return Until("other", "", text)
    ref = _last_ref(view, channel)
    if ref is None or not ref.object:
        return Until("other", "", text)
    if ref.name == "C" and _own_timer(view, channel):
        return Until("timer", "", text)
    made = _made(view, ref.object)
    inside = view.declares(view.function, view.facts.object(ref.object))
    if made is not None and made.name == "time.After" and inside and _only_receive(view, ref):
        return Until("timer", "", text)
    if made is not None and made.name.endswith(".Done") and made.receiver_start >= 0:
        base = view.source.node_at(made.receiver_start, made.receiver_end)
        parent = _last_ref(view, base) if view.declares(view.outermost, view.facts.object(ref.object)) else None
        if parent is not None and made.name == "(context.Context).Done":
            return Until("context", parent.object, text)
    return Until("channel", ref.object, text)


def _of_call(context: Context, view: View, node: Node, text: str, depth: int) -> Until:
    call = view.call_at(node)
    if call is None:
        return Until("other", "", text)
    if call.name in ("time.After", "time.Tick"):
        return Until("timer", "", text)
    if call.name == "(context.Context).Done":
        base = view.source.node_at(call.receiver_start, call.receiver_end)
        ref = _last_ref(view, base)
        if ref is None or not ref.object:
            return Until("other", "", text)
        made = view.facts.object(ref.object)
        if view.declares(view.function, made) and has_deadline(view, ref.object):
            return Until("timer", "", text)
        return Until("context", ref.object, text)
    returned = _returned(context, view, call) if depth > 0 else None
    if returned is not None:
        found = of_channel(context, returned[0], returned[1], depth - 1)
        return Until(found.kind if found.kind != "timer" else "other", found.object, text)
    return Until("other", "", text)


def _returned(context: Context, view: View, call: Call) -> tuple[View, Node] | None:
    """The expression that a one-line method returns: ``func (s *T) Done() <-chan struct{} { return s.done }``."""
    body = declared(context, view, call.object) if call.kind in ("function", "method") and call.object else None
    statements = flow.statements(body.view.node) if body is not None else []
    if body is None or len(statements) != 1 or statements[0].type != "return_statement":
        return None
    values = [
        c for n in statements[0].named_children for c in (n.named_children if n.type == "expression_list" else [n])
    ]
    return (body.view, values[0]) if len(values) == 1 else None


def _own_timer(view: View, channel: Node) -> bool:
    """``t.C`` of a timer or ticker that the same function makes: nobody else stops it."""
    base = channel.child_by_field_name("operand")
    ref = _last_ref(view, base) if base is not None else None
    if ref is None or not view.declares(view.function, view.facts.object(ref.object)):
        return False
    made = _made(view, ref.object)
    handed = {"argument", "address", "return", "assign", "key"}
    return made is not None and made.name in _TIMERS and not any(r.role in handed for r in view.refs_of(ref.object))


def _only_receive(view: View, ref: Ref) -> bool:
    """Whether nothing else receives from the channel, so that its one value is there for this receive."""
    receives = [r for r in view.refs_of(ref.object) if "receive" in r.role or r.role in ("range", "argument")]
    return [r.start for r in receives] == [ref.start] and not ref.in_loop


def has_deadline(view: View, variable: str) -> bool:
    """Whether a context was made with a deadline of its own: its Done comes by itself."""
    made = list(origins.of(view, variable, keys=True))
    return len(made) == 1 and made[0].call is not None and made[0].call.name in DEADLINES


def _made(view: View, variable: str) -> Call | None:
    """The call that gives the variable its only value."""
    found = list(origins.of(view, variable, keys=True))
    known = view.facts.object(variable)
    if known is None or known.kind != "var" or known.scope != "function" or len(found) != 1:
        return None
    return found[0].call


def gives_back_a_slot(view: View, receive: Node) -> bool:
    """``<-sem`` where a slot is known to be taken: by this literal, or by its starter right before it starts it."""
    operand = receive.child_by_field_name("operand")
    ref = _last_ref(view, operand) if operand is not None else None
    if ref is None or not ref.object:
        return False
    literal = _goroutine(receive)
    own = [r for r in view.refs_of(ref.object) if literal is not None and _inside(r, literal)]
    if literal is None or [r.role for r in own].count("receive") != 1 or any("select" in r.role for r in own):
        return False
    sends = [r for r in own if r.role == "send"]
    if sends:
        return len(sends) == 1 and is_semaphore(view, ref.object, literal)
    start = flow.statement(literal)
    case = start.parent.parent if start.parent is not None else None
    taken = (
        case.child_by_field_name("communication") if case is not None and case.type == "communication_case" else None
    )
    if taken is not None and _takes(view, taken, ref.object):
        return True
    before = flow.dominating(start, flow.enclosing_function(literal) or view.outermost)
    nearest = [s for s in before if flow.loops_around(s) == flow.loops_around(start)]
    return any(_takes(view, s, ref.object) for s in nearest)


def _takes(view: View, statement: Node, channel: str) -> bool:
    """Whether a statement sends to the channel, alone or as what its select waits for."""
    sends = [statement] if statement.type == "send_statement" else []
    return any(r.role == "send" and r.object == channel for s in sends for r in view.refs_in(s))


def is_semaphore(view: View, channel: str, literal: Node) -> bool:
    """A buffered channel of the function that only this literal fills, and empties again."""
    refs = view.refs_of(channel)
    made = _made(view, channel)
    node = view.source.node_at(made.start, made.end) if made is not None and made.name == "make" else None
    arguments = node.child_by_field_name("arguments") if node is not None else None
    buffered = arguments is not None and len([c for c in arguments.named_children if c.type != "comment"]) == 2
    outside = [r for r in refs if not _inside(r, literal) and r.role != "define"]
    return buffered and not outside


def _goroutine(node: Node) -> Node | None:
    """The literal of a go statement around the node."""
    current: Node | None = node
    while current is not None:
        if current.type == "func_literal" and current.parent is not None and current.parent.type == "call_expression":
            call = current.parent
            if call.parent is not None and call.parent.type == "go_statement":
                return current
        current = current.parent
    return None


def has_room(view: View, send: Node) -> bool:
    """Whether a send cannot block: a local channel made with room for every send that there is, none of them in a loop.

    Or it takes a slot of a semaphore that those who hold one give back.
    """
    channel = send.child_by_field_name("channel")
    ref = _last_ref(view, channel) if channel is not None else None
    made = _made(view, ref.object) if ref is not None and ref.object else None
    if ref is None or made is None or made.name != "make":
        return False
    literal = _goroutine(send)
    if literal is not None and is_semaphore(view, ref.object, literal):
        own = [r.role for r in view.refs_of(ref.object) if _inside(r, literal)]
        return own.count("send") == 1 and own.count("receive") == 1
    node = view.source.node_at(made.start, made.end)
    arguments = node.child_by_field_name("arguments")
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    room = view.facts.expr(view.path, values[1].start_byte, values[1].end_byte) if len(values) == 2 else None
    sends = [r for r in view.refs_of(ref.object) if r.role == "send"]
    escapes = any(r.role in ("argument", "assign", "key", "return", "address") for r in view.refs_of(ref.object))
    if room is None or room.constant is None or escapes or any(_repeats(view, r, made) for r in sends):
        return False
    return room.constant.isdigit() and len(sends) <= int(room.constant)


def _repeats(view: View, ref: Ref, made: Call) -> bool:
    """Whether a loop runs the send several times for one channel: it, or the literal it stands in, is in a loop."""
    current: Node | None = view.source.node_at(ref.start, ref.end)
    while current is not None and current != view.outermost:
        if current.type == "for_statement" and not (current.start_byte <= made.start < current.end_byte):
            return True
        current = current.parent
    return False


def _inside(ref: Ref, node: Node) -> bool:
    return node.start_byte <= ref.start < node.end_byte


def _last_ref(view: View, node: Node) -> Ref | None:
    while node.type == "parenthesized_expression" and node.named_children:
        node = node.named_children[0]
    return view.ref_at(node) if node.type in ("identifier", "selector_expression") else None


def _line(view: View, node: Node) -> str:
    return " ".join(view.text(node).split())


# --- who fires it -----------------------------------------------------------------------------------------------


def fires(context: Context, reach: Reach, body: int, wanted: Until, fired: Callable[[Until], bool]) -> bool:
    """Whether a wait's end comes from something for which ``fired`` holds: itself, what it was derived from, or what every
    caller hands over where it is a parameter.
    """
    return _fires(context, reach, body, wanted, fired, _CHAIN)


def _fires(
    context: Context, reach: Reach, body: int, wanted: Until, fired: Callable[[Until], bool], depth: int
) -> bool:
    if not wanted.object or depth < 0:
        return False
    if fired(wanted):
        return True
    view = reach.bodies[body].view
    known = context.facts.object(wanted.object)
    if known is None:
        return False
    if known.kind == "param":
        given = [_argument(reach, edge.caller, edge.call, view, wanted.object) for edge in reach.calls_of(body)]
        here = [(u, edge.caller) for u, edge in zip(given, reach.calls_of(body), strict=True)]
        return bool(here) and all(
            u is not None and _fires(context, reach, i, Until(wanted.kind, u, wanted.text), fired, depth - 1)
            for u, i in here
        )
    if wanted.kind != "context":
        return False
    return any(
        _fires(context, reach, body, Until("context", parent, wanted.text), fired, depth - 1)
        for parent in parents(view, wanted.object)
    )


def handed(reach: Reach, body: int, variable: str, depth: int = _CHAIN) -> list[str]:
    """The variables and fields that a variable of a body may be: itself, or for a parameter what callers hand over.

    ``""`` where what is handed over is neither.
    """
    view = reach.bodies[body].view
    known = view.facts.object(variable) if variable else None
    if known is None or known.kind != "param" or depth == 0:
        return [variable]
    found: list[str] = []
    for edge in reach.calls_of(body):
        given = _argument(reach, edge.caller, edge.call, view, variable)
        found += handed(reach, edge.caller, given, depth - 1) if given else [""]
    return found or [variable]


def parents(view: View, variable: str) -> list[str]:
    """The contexts that end this one when they end, where it has one value."""
    found = list(origins.of(view, variable, keys=True))
    if len(found) != 1 or (found[0].call is not None and found[0].call.name in origins.ROOTS):
        return []
    define = found[0].define
    refs = view.facts.refs(define.path, define.value_start, define.value_end)
    known = [(r, view.facts.object(r.object)) for r in refs if r.object]
    return [
        r.object
        for r, o in known
        if o is not None and o.type == "context.Context" and o.kind in ("var", "param", "field")
    ]


def _argument(reach: Reach, caller: int, call: Call, callee: View, parameter: str) -> str | None:
    """The variable or field that a call hands to a parameter."""
    function = callee.functions[0] if callee.functions else None
    if function is None:
        return None
    index = next((i for i, p in enumerate(function.params) if p.id == parameter), None)
    view = reach.bodies[caller].view
    node = view.source.node_at(call.start, call.end)
    arguments = node.child_by_field_name("arguments") if node.type == "call_expression" else None
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    if index is None or index >= len(values) or len(values) != len(function.params):
        return None
    ref = _last_ref(view, values[index])
    return ref.object if ref is not None and ref.object else None
