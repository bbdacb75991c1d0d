"""Types that end what their methods start: Close, Stop or Shutdown closes a channel or cancels a context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import captures, flow, hidden, names, origins, reach, receives, starters
from gocodemod.analysis.endings import Ending
from gocodemod.analysis.receives import Until
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref, Struct
from gocodemod.transform import Context

_STOPS = ("close", "stop", "shutdown")
# A method of such a name is called once, before anything else happens to the value.
_FIRST = frozenset(
    {"start", "run", "serve", "open", "listen", "init", "initialize", "launch", "begin", "connect", "setup", "spawn"}
)


@dataclass(frozen=True)
class Owner:
    """``base``: the variable by which the starter names the value, ``variable`` its id. ``made_here``: the starter makes the
    value. ``once``: by its name, the starter is called once, before any stop.
    """

    struct: Struct
    base: str
    variable: str
    stops: tuple[Object, ...]
    made_here: bool
    once: bool
    by_value: bool = False


@dataclass(frozen=True)
class Signal:
    """The statement of a stop method that ends the goroutine: ``body`` is the method's, ``text`` for people.

    ``waited``: ids of the contexts and channels that the goroutine waits for and that this ends.
    """

    method: Object
    body: reach.Body
    statement: Node
    text: str
    waited: tuple[str, ...] = ()


def find(view: View, literal: Node) -> Owner | None:
    """The value that a goroutine's starter is a method of, or makes and returns, if its type has a method that stops it."""
    receiver = _receiver(view)
    if receiver is not None:
        return _owner(view, receiver, made_here=False)
    declared = view.functions[-1]
    gives = {r.type for r in declared.results}
    for variable in [*captures.captured(view, literal), *captures.given(view, literal).values()]:
        known = view.facts.object(variable) if variable else None
        if known is None or known.kind != "var" or len(view.functions) > 1:
            continue
        returned = any(r.role == "return" for r in view.refs_of(variable)) and _made_here(view, variable)
        pointer = known.type.startswith("*") and known.type in gives
        if returned and (pointer or (known.type.startswith("*") and starters.is_constructor(declared))):
            found = _owner(view, known, made_here=True)
            if found is not None:
                return found
    return None


def _made_here(view: View, variable: str) -> bool:
    """Whether the variable's value is written out in this function: ``&T{...}``, ``new(T)``."""
    made = list(origins.of(view, variable, keys=True))
    if len(made) != 1:
        return False
    value = view.source.node_at(made[0].define.value_start, made[0].define.value_end)
    if value.type == "unary_expression" and value.named_children:
        value = value.named_children[0]
    return value.type == "composite_literal" or (made[0].call is not None and made[0].call.name == "new")


def _receiver(view: View) -> Object | None:
    parameters = view.outermost.child_by_field_name("receiver")
    declared = parameters.named_children[0] if parameters is not None and parameters.named_children else None
    name = declared.child_by_field_name("name") if declared is not None else None
    ref = view.ref_at(name) if name is not None else None
    return view.facts.object(ref.object) if ref is not None and ref.object else None


def _owner(view: View, variable: Object, *, made_here: bool) -> Owner | None:
    struct = view.facts.structure(variable.id)
    if struct is None:
        return None
    stops = [m for s in _STOPS for m in struct.methods if m.name.lower() == s]
    if not stops:
        return None
    first = names.first_word(view.functions[-1].name)
    by_value = not variable.type.startswith("*")
    once = made_here or (first in _FIRST and not _runs_beside(view))
    return Owner(struct, variable.name, variable.id, tuple(stops), made_here, once, by_value)


def _runs_beside(view: View) -> bool:
    """Whether somebody starts the method by a go statement, or hands it over to be called: then it may begin after a stop."""
    for use in view.facts.uses(view.functions[-1].object):
        around = view.facts.functions(use.path, use.start)
        if use.role not in ("declare", "call", "defer-call") or any(f.started == "go" for f in around):
            return True
    return False


def signal(context: Context, view: View, literal: Node, ending: Ending, owner: Owner) -> tuple[Signal | None, str]:
    """What ends all waits of the goroutine in one of the owner's stop methods; else the wait that nothing there ends."""
    given = captures.given(view, literal)
    missing = ending.why
    for method in owner.stops:
        body = reach.declared(context, view, method.id)
        if body is None:
            continue
        told = _told(context, body)
        chosen: list[tuple[Node, str]] = []
        waited: dict[str, None] = {}
        for wait in ending.waits:
            found: list[tuple[Node, str]] = []

            def fired(
                until: Until,
                told: Mapping[str, tuple[Node, str]] = told,
                found: list[tuple[Node, str]] = found,
                waited: dict[str, None] = waited,
            ) -> bool:
                here = [told[o] for o in _names(view, until, given) if o in told]
                found.extend(here)
                if here:
                    waited[given.get(until.object, until.object)] = None
                return bool(here)

            ended = [u for u in wait.until if receives.fires(context, ending.reach, wait.body, u, fired)]
            if not ended:
                missing = wait.text
                break
            waited |= {given.get(u.object, u.object): None for u in ended}
            chosen += found
        else:
            if stays := _may_stay(view, ending, told, given):
                missing = stays
            elif chosen:
                chosen += _for_calls(view, ending, told, given)
                last = max(chosen, key=lambda c: c[0].start_byte)
                return Signal(method, body, *last, tuple(waited)), ""
    return None, missing


def _may_stay(view: View, ending: Ending, told: Mapping[str, tuple[Node, str]], given: Mapping[str, str]) -> str:
    """A call that leads to who knows what code, and is given no context that the method cancels."""
    for call in hidden.calls(ending):
        ends = [any(o in told for o in _context_names(view, c, given)) for c in call.contexts]
        if call.kind in ("interface", "foreign") and (not ends or not all(ends)):
            return f"{call.text}, behind which anything may be"
    return ""


def _for_calls(
    view: View, ending: Ending, told: Mapping[str, tuple[Node, str]], given: Mapping[str, str]
) -> list[tuple[Node, str]]:
    """Cancels of contexts that the goroutine hands to calls out of sight, which may come back on nothing else."""
    found = []
    for edge in ending.reach.unseen:
        body = ending.reach.bodies[edge.caller].view
        for ref in body.facts.refs(body.path, edge.call.start, edge.call.end):
            known = view.facts.object(ref.object) if ref.object else None
            if known is None or known.type != "context.Context" or known.kind not in ("var", "param", "field"):
                continue
            for variable in receives.handed(ending.reach, edge.caller, ref.object):
                found += [told[o] for o in _context_names(view, variable, given) if o in told]
    return found


def _context_names(view: View, variable: str, given: Mapping[str, str], depth: int = 8) -> list[str]:
    """As :func:`_names`, for a context and those it was made from."""
    variable = given.get(variable, variable)
    if not variable or depth == 0:
        return []
    above = [o for p in receives.parents(view, variable) for o in _context_names(view, p, given, depth - 1)]
    return [*_names(view, Until("context", variable, ""), given), *above]


def _names(view: View, until: Until, given: Mapping[str, str]) -> list[str]:
    """The fields by which a stop method may know what a wait is for: the channel's own, or that of a context's cancel."""
    variable = given.get(until.object, until.object)
    if until.kind in ("channel", "close"):
        return [variable, *_fields_holding(view, variable)]
    if until.kind != "context":
        return []
    made = list(origins.of(view, variable, keys=True))
    if len(made) != 1:
        return []
    cancels = origins.cancels(view, made[0].define)
    return [o for c in cancels for o in [c, *_fields_holding(view, c)]]


def _fields_holding(view: View, variable: str) -> list[str]:
    """Fields that a local variable is stored in: ``s.done = done``, ``&T{done: done}``."""
    known = view.facts.object(variable) if variable else None
    around = view.facts.functions(known.path, known.start) if known is not None and known.scope == "function" else ()
    if not around or known is None:
        return []
    refs = view.facts.refs(known.path, around[-1].start, around[-1].end)
    uses = {(r.start, r.end) for r in refs if r.object == variable}
    return [r.object for r in refs if r.role in ("assign", "key") and (r.value_start, r.value_end) in uses]


def _told(context: Context, body: reach.Body) -> dict[str, tuple[Node, str]]:
    """The fields that a method closes or calls, itself or by a function of the module: where in its own text, and how."""
    reached = reach.reach(context, body.view, body.view.node)
    found: dict[str, tuple[Node, str]] = {}
    for index, inner in enumerate(reached.bodies):
        for ref in inner.view.refs_in(inner.view.node):
            known = context.facts.object(ref.object) if ref.object else None
            if known is None or known.kind != "field" or _runs_apart(inner.view, ref):
                continue
            cancels = ref.role in ("call", "defer-call") and known.type in (
                "context.CancelFunc",
                "context.CancelCauseFunc",
                "func()",
            )
            if ref.role == "close" or cancels:
                node = _in_method(reached, index, ref)
                if node is not None:
                    line = body.view.line(node.start_byte)
                    text = " ".join(body.view.text(flow.statement(node)).split("\n")[0].split())
                    found.setdefault(ref.object, (node, f"{text} at line {line}"))
    return found


def _runs_apart(view: View, ref: Ref) -> bool:
    current: Node | None = view.source.node_at(ref.start, ref.end)
    while current is not None and current != view.node:
        if current.type == "go_statement":
            return True
        current = current.parent
    return False


def _in_method(reached: reach.Reach, index: int, ref: Ref) -> Node | None:
    """The place in the first body from which a reference in a body that it reaches is come to."""
    view = reached.bodies[0].view
    if index == 0:
        return view.source.node_at(ref.start, ref.end)
    seen: set[int] = set()
    while index != 0 and index not in seen:
        seen.add(index)
        edges = reached.calls_of(index)
        if not edges:
            return None
        if edges[0].caller == 0:
            return view.source.node_at(edges[0].call.start, edges[0].call.end)
        index = edges[0].caller
    return None


def changes(view: View, start: Node, owner: Owner, signal: Signal) -> str:
    """Why what the goroutine waits for may be another thing when the stop method ends it; ``""`` if it is the same.

    A field that is assigned again, or set to nil, by whoever: a goroutine that looks then never sees the end. A context or
    channel that the starter makes anew each time: called twice, only the last goroutine is ended.
    """
    for variable in signal.waited:
        known = view.facts.object(variable)
        if known is None:
            continue
        if known.kind == "field":
            made = view.facts.constructions(variable).assigned
            for use in view.facts.uses(variable):
                if use.role not in ("assign", "address") or use.start in made:
                    continue
                if not _by_starter(view, start, use):
                    return f"{known.name} is assigned in {use.function or 'another place'} as well"
                if not (owner.made_here or _guarded(view, start)):
                    return f"{view.functions[-1].name} makes a new {known.name} each time: only the last would be ended"
        elif view.declares(view.outermost, known) and not owner.made_here and not _guarded(view, start):
            return f"{view.functions[-1].name} makes a new {known.name} each time: only the last would be ended"
    return ""


def _by_starter(view: View, start: Node, use: Ref) -> bool:
    if use.path != view.path or use.role == "address":
        return False
    statement = flow.statement(view.source.node_at(use.start, use.end))
    return statement in flow.dominating(start, view.function)


def _guarded(view: View, start: Node) -> bool:
    """Whether the starter first looks whether it has been called already: an if that leaves."""
    return any(
        s.type == "if_statement"
        and (then := s.child_by_field_name("consequence")) is not None
        and flow.ends_function(then)
        for s in flow.dominating(start, view.function)
    )
