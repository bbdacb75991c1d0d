"""Where a function can wait for a goroutine that it started, so that the wait comes to an end.

Three places: a deferred Wait, which runs on every way out; a plain one; one inside a deferred call, after the cancel that
the goroutine waits for. What is deferred runs last in, first out: what stands deferred before the Wait is still to come
when the Wait runs, what is deferred later is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import callbacks, captures, flow, hidden, receives, releases, shared, waited_for
from gocodemod.analysis.endings import Ending, Verdict, Wait
from gocodemod.analysis.receives import Until
from gocodemod.analysis.releases import Release, When
from gocodemod.analysis.view import View
from gocodemod.model import Refusal
from gocodemod.transform import Context


@dataclass(frozen=True)
class Needs:
    """What must have happened before the Wait, and what must not. ``defers``: deferred releases, of which all must have run.
    ``later``: the same, deferred after the start: only what is deferred before it runs after them. ``after``: plain
    statements to wait after. ``before``: the first statement that looks at what the goroutine writes.
    ``ends``: how the goroutine ends, for people.
    """

    start: Node
    defers: tuple[Release, ...] = ()
    later: tuple[Release, ...] = ()
    after: tuple[Release, ...] = ()
    before: Node | None = None
    ends: str = "by itself"

    @property
    def released(self) -> bool:
        """Whether the starter ends the goroutine before it returns."""
        return bool(self.defers or self.later or self.after) or self.ends != "by itself"


def needs(context: Context, view: View, start: Node, literal: Node, ending: Ending) -> Needs | Refusal:
    """What a Wait for the goroutine needs, or why there is no place for one."""
    if ending.verdict is Verdict.UNKNOWN:
        return Refusal("end-unknown", f"whether the goroutine ends is not known: {ending.why}")
    if pause := ending.long_pause:
        return Refusal("ends-late", f"nothing cuts {pause} short: whoever waits for the goroutine waits for that")
    given = captures.given(view, literal)
    chosen: list[Release] = []
    for wait in ending.waits:
        found = _release(context, view, start, ending, wait, given)
        if found is None:
            return _never_released(wait)
        chosen.append(found)
    used = _used_contexts(view, start, literal, ending, given)
    if isinstance(used, Refusal):
        return used
    chosen += used
    if stays := _may_stay(context, view, start, ending, given):
        return Refusal("end-unknown", f"{stays} may wait for somebody else: what it comes to cannot be seen")
    if closed := _released_later(view, start, ending):
        return Refusal("end-unknown", closed)
    before = shared.first_look(view, start, literal)
    if isinstance(before, Refusal):
        return before
    defers = tuple(dict.fromkeys(r for r in chosen if r.when is When.DEFERRED))
    later = tuple(dict.fromkeys(r for r in chosen if r.when is When.LATER))
    after = tuple(dict.fromkeys(r for r in chosen if r.when is When.PLAIN))
    if (defers or later) and before is not None:
        return Refusal("written-without-wait", "what the goroutine writes is looked at before the goroutine is ended")
    if (defers or later) and after:
        text = (defers or later)[0].text
        return Refusal("end-unknown", f"what ends the goroutine is in part deferred ({text}), in part not")
    texts = list(dict.fromkeys(r.text for r in chosen))
    ends = f"on {' and '.join(texts)}" if texts else "by itself"
    return Needs(start, defers, later, after, before, ends)


def _never_released(wait: Wait) -> Refusal:
    if any(u.kind == "receiver" for u in wait.until):
        return Refusal("unbuffered-send", f"the goroutine waits for somebody to receive: {wait.text}")
    return Refusal("end-unknown", f"nothing ends this wait of the goroutine before the function returns: {wait.text}")


def _release(
    context: Context, view: View, start: Node, ending: Ending, wait: Wait, given: Mapping[str, str]
) -> Release | None:
    """The function's own statement that ends a wait; deferred ones first, for they run on every way out."""
    found: list[Release] = []

    def fired(until: Until) -> bool:
        here = _releases(view, start, until.kind, given.get(until.object, until.object))
        found.extend(here)
        return bool(here)

    for until in wait.until:
        receives.fires(context, ending.reach, wait.body, until, fired)
    return min(found, key=lambda r: r.when.value, default=None)


def _releases(view: View, start: Node, kind: str, variable: str, depth: int = 8) -> list[Release]:
    if kind in ("channel", "close"):
        return releases.of_channel(view, start, variable)
    if kind != "context" or not variable or depth == 0:
        return []
    found = releases.of_context(view, start, variable)
    known = view.facts.object(variable)
    if found or known is None or not view.declares(view.outermost, known):
        return found
    return [r for p in receives.parents(view, variable) for r in _releases(view, start, kind, p, depth - 1)]


def _used_contexts(
    view: View, start: Node, literal: Node, ending: Ending, given: Mapping[str, str]
) -> list[Release] | Refusal:
    """Cancels of contexts that the goroutine hands to calls out of sight: those may end by nothing else.

    A context with a deadline ends by itself, so that the goroutine may finish what it does.
    """
    if not ending.unseen:
        return []
    chosen: list[Release] = []
    variables = {o for o in [*captures.captured(view, literal), *given.values()] if o}
    for variable in sorted(variables):
        known = view.facts.object(variable)
        if known is None or known.type != "context.Context":
            continue
        if receives.has_deadline(view, variable) and releases.settled(view, start, variable):
            continue
        calls = releases.cancel_calls(view, variable)
        found = _releases(view, start, "context", variable)
        if not found and releases.hands_out_cancel(view, variable):
            return Refusal("end-unknown", f"the goroutine uses {known.name}, whose cancel function is handed on")
        if calls and not found:
            return Refusal("end-unknown", f"{known.name} is not cancelled on every way on from here")
        chosen += found[:1] if not found else [min(found, key=lambda r: r.when.value)]
    return chosen


def _may_stay(context: Context, view: View, start: Node, ending: Ending, given: Mapping[str, str]) -> str:
    """A call of the goroutine that leads to who knows what code, and is given no context that ends before the wait."""
    for call in hidden.calls(ending):
        if call.value and callbacks.seen(context, view, call.value):
            continue
        contexts = [given.get(c, c) for c in call.contexts]
        ends = [
            bool(c) and (receives.has_deadline(view, c) or bool(_releases(view, start, "context", c))) for c in contexts
        ]
        if not contexts or not all(ends):
            return call.text
    return ""


def _released_later(view: View, start: Node, ending: Ending) -> str:
    """A Close (or the like) that is deferred before the start, of what a call out of sight works with."""
    before = (s for s in flow.dominating(start, view.function) if s.type == "defer_statement")
    return _released_by(view, before, ending)


def released_by_later_defer(view: View, start: Node, ending: Ending) -> str:
    """The same, deferred after the start: what is deferred runs after a plain Wait, wherever that stands."""
    after = (n for n in flow.inside(view.function) if n.type == "defer_statement" and n.start_byte > start.end_byte)
    return _released_by(view, after, ending)


def _released_by(view: View, deferred: Iterable[Node], ending: Ending) -> str:
    """A call in one of the defer statements that may be what ends a call of the goroutine."""
    for statement in deferred:
        for call in view.calls_in(statement):
            name = call.name.rsplit(".", 1)[-1]
            if not call.holder or name.lower() not in hidden.CLOSING:
                continue
            for edge in ending.reach.unseen:
                body = ending.reach.bodies[edge.caller].view
                inside = body.facts.refs(body.path, edge.call.start, edge.call.end)
                if any(r.object == call.holder for r in inside) and _out_of_sight(ending, edge.call.name):
                    what = view.source.data[call.start : call.end].decode("utf-8", "replace")
                    return (
                        f"the deferred {what} may be what ends a call of the goroutine, and it would run after the wait"
                    )
    return ""


def released_after(view: View, offset: int, ending: Ending) -> str:
    """Something that the function closes after an early Wait, where the goroutine calls what it cannot be told of."""
    unseen = [u for u in ending.open_calls if u.rsplit(".", 1)[-1].lower() not in hidden.CLOSING]
    if not unseen:
        return ""
    for call in view.own_calls_in(view.function):
        if call.start >= offset and call.name.rsplit(".", 1)[-1].lower() in hidden.CLOSING:
            what = view.source.data[call.start : call.end].decode("utf-8", "replace")
            return f"{what} may be what ends {unseen[0]}, and it would run after the wait"
    return ""


def _out_of_sight(ending: Ending, name: str) -> bool:
    return any(name.endswith(u.rsplit(".", 1)[-1]) for u in ending.unseen)


# --- the place --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """Where the group is declared, and where it waits; both for all goroutines of ``starts``.

    ``declare``: the statement before which. ``form``: ``deferred``, ``plain`` (before the statement ``at``, or at the end of
    the block ``at``), ``after`` (behind the statement ``at``), ``inside`` (behind the statement ``at`` of the deferred literal
    ``outer``, or in a new literal that takes the place of the deferred call ``outer``), ``existing``.
    """

    declare: Node
    form: str
    at: Node
    outer: Node | None
    starts: tuple[Node, ...]


def plan(view: View, members: Iterable[Needs]) -> tuple[Plan, tuple[Needs, ...]] | Refusal:
    """One place for as many of the goroutines as go together with the first; those come back with it."""
    every = list(members)
    first = every[0]
    if any(m.defers for m in every):
        fit = [m for m in every if not m.after and m.before is None]
        if first in fit:
            return _in_defer(view, fit)
        every = [m for m in every if not m.defers]
    if first.later:
        return _at_end(view, [m for m in every if not m.after and m.before is None])
    if any(m.after or m.before is not None for m in every):
        return _plain(view, every)
    return _at_end(view, every)


def _in_defer(view: View, members: list[Needs]) -> tuple[Plan, tuple[Needs, ...]] | Refusal:
    """After the release that runs last: the one deferred first."""
    chosen = min((r for m in members for r in m.defers), key=lambda r: r.statement.start_byte)
    if flow.loops_around(chosen.statement):
        return Refusal("end-unknown", f"{chosen.text} is deferred once for each round of a loop")
    if chosen.statement == chosen.call and not _plain_call(chosen.statement):
        return Refusal("end-unknown", f"{chosen.text} evaluates its arguments when it is deferred")
    if flow.goto_jumps_over(view.function, chosen.statement):
        return Refusal("goto-over-declaration", "a goto jumps over the place where the group would be declared")
    starts = tuple(m.start for m in members)
    return Plan(chosen.statement, "inside", chosen.call, chosen.statement, starts), tuple(members)


def _plain_call(statement: Node) -> bool:
    """``defer cancel()``, ``defer close(done)``: what it calls may as well be evaluated when it runs."""
    call = statement.named_children[0] if statement.named_children else None
    callee = call.child_by_field_name("function") if call is not None and call.type == "call_expression" else None
    arguments = call.child_by_field_name("arguments") if call is not None else None
    inner = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    return callee is not None and callee.type == "identifier" and all(c.type == "identifier" for c in inner)


def _plain(view: View, members: list[Needs]) -> tuple[Plan, tuple[Needs, ...]] | Refusal:
    """A Wait after the last release, before the first look at what the goroutines write."""
    released = [r.statement for m in members for r in m.after]
    looks = [m.before for m in members if m.before is not None]
    late = max(released, key=lambda n: n.end_byte, default=None)
    place = late or min(looks, key=lambda n: n.start_byte)
    fit = [m for m in members if _fits(m, place, late is None) and waited_for.always_reached(m.start, place)]
    if members[0] not in fit:
        return Refusal(
            "written-without-wait", "the function looks at what the goroutine writes before that can be over"
        )
    declare = _in_list_of(place, members[0].start)
    if declare is None or flow.goto_jumps_over(view.function, declare):
        return Refusal("goto-over-declaration", "a goto jumps over the place where the group would be declared")
    form = "plain" if late is None else "after"
    return Plan(declare, form, place, None, tuple(m.start for m in fit)), tuple(fit)


def _fits(member: Needs, place: Node, before: bool) -> bool:
    """Whether a Wait there does for the goroutine: ``before`` the statement, or after it."""
    if member.defers or member.later or (member.after and before):
        return False
    if member.before is None:
        return True
    return member.before.start_byte >= (place.start_byte if before else place.end_byte)


def _in_list_of(place: Node, start: Node) -> Node | None:
    """The statement that holds the start and stands in the same list as the place."""
    current: Node | None = start
    while current is not None and current.parent != place.parent:
        current = current.parent
    return current


def _at_end(view: View, members: list[Needs]) -> tuple[Plan, tuple[Needs, ...]] | Refusal:
    """Nothing to wait for first: where the function ends."""
    body = flow.body(view.function)
    if body is None or not members:
        return Refusal("starter-never-returns", "the function has no body")
    inner = flow.statements(body)
    returns = [n for n in flow.inside(body) if n.type == "return_statement"]
    last = inner[-1] if inner else None
    if not returns and last is not None and _never_ends(last):
        return Refusal("starter-never-returns", "the function never comes to its end, so it would never wait")
    starts = tuple(m.start for m in members)
    function = view.functions[0]
    fails = bool(function.results) and function.results[-1].is_error
    single = not returns or (len(returns) == 1 and returns[0] == last and not _computes(view, returns[0]))
    if single and not fails and not any(m.later for m in members):
        declare = _in_list_of(inner[0], starts[0])
        assert declare is not None, "a goroutine is started inside the function's body"
        if flow.goto_jumps_over(view.function, declare):
            return Refusal("goto-over-declaration", "a goto jumps over the place where the group would be declared")
        return Plan(declare, "plain", returns[0] if returns else body, None, starts), tuple(members)
    declare = _outside_of_loops(starts)
    if flow.goto_jumps_over(view.function, declare):
        return Refusal("goto-over-declaration", "a goto jumps over the place where the group would be declared")
    return Plan(declare, "deferred", declare, None, starts), tuple(members)


def _outside_of_loops(starts: tuple[Node, ...]) -> Node:
    """The statement before which a group can be declared for all of them, once."""
    loops = flow.loops_around(starts[0])
    current = flow.labelled(loops[-1]) if loops else flow.labelled(starts[0])
    while any(not flow.contains(current.parent or current, s) for s in starts) or flow.loops_around(current):
        assert current.parent is not None, "the function's body holds them all"
        current = flow.labelled(flow.statement(current.parent))
    return flow.labelled(flow.statement(current))


def _never_ends(last: Node) -> bool:
    while last.type == "labeled_statement":
        last = last.named_children[-1]
    if last.type == "select_statement":
        return not [c for c in last.named_children if c.type in ("communication_case", "default_case")]
    if last.type == "for_statement":
        return not flow.ends_by_itself(last)
    return flow.never_returns(last)


def _computes(view: View, leaving: Node) -> bool:
    """Whether making the return's values is work of its own, which would come after a Wait that stands before it."""
    if any(view.text(n).startswith("<-") for n in flow.inside(leaving) if n.type == "unary_expression"):
        return True
    return any(c.kind != "builtin" for c in view.calls_in(leaving))
