"""The owner form: the method that ends a goroutine waits for it, in a group that is a field of its value."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import (
    captures,
    counting,
    deadlocks,
    fields,
    flow,
    handles,
    holding,
    layout,
    locks,
    names,
    owners,
    reach,
    receives,
    starters,
    waits,
)
from gocodemod.analysis.endings import Verdict
from gocodemod.analysis.owners import Owner, Signal
from gocodemod.analysis.unjoined import Goroutine, siblings
from gocodemod.analysis.view import View
from gocodemod.analysis.waits import Needs
from gocodemod.golang.facts import Object
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Context


@dataclass(frozen=True)
class _Wait:
    """Where the stop method waits: before the statement ``before``, or behind ``behind``. ``existing``: it does already."""

    view: View
    receiver: str
    behind: Node | None
    line: int
    existing: bool


def decide(context: Context, found: Goroutine) -> Decision | None:
    """None where the starter has no owner, or the goroutine ends without it."""
    owner = owners.find(found.view, found.literal) if found.ending.verdict is Verdict.WAITS else None
    if owner is None or isinstance(waits.needs(context, found.view, found.start, found.literal, found.ending), Needs):
        return None
    checked = _check(context, found, owner)
    if not isinstance(checked, Signal):
        return checked
    group = fields.existing(found.view, owner.struct, owner.stops)
    wait = _place(context, found, checked, group)
    if isinstance(wait, Refusal):
        return wait
    refused = fields.why_not(found.view, owner.struct) if group is None else None
    return refused or _fix(context, found, owner, checked, wait, group, _first(context, found, owner, group))


def _check(context: Context, found: Goroutine, owner: Owner) -> Signal | Refusal | None:
    """Whether a stop method of the owner ends the goroutine, and whether the starter may count it."""
    view, ending = found.view, found.ending
    stop = f"{owner.struct.name}.{owner.stops[0].name}"
    if pipe := handles.pipe(view, found.literal, ending.reach):
        return Refusal(
            "pipe-in-use", f"{pipe} is one end of a pipe: the goroutine waits for whoever uses the other one"
        )
    signal, missing = owners.signal(context, view, found.literal, ending, owner)
    if signal is None:
        if _mentions_owner(found, owner):
            return Refusal("end-unknown", f"{stop} does not end this wait of the goroutine: {missing}")
        return None
    refused = starters.why_never(view)
    if refused is not None:
        return refused
    if names.first_word(view.functions[-1].name) in starters.STOPPING:
        return Refusal(
            "runs-apart", f"{view.functions[-1].name} ends things, and does this apart so that it need not wait"
        )
    if owner.by_value or owner.struct.copied:
        return Refusal("struct-is-copied", f"{owner.struct.name} is copied, and a copy would have a group of its own")
    if pause := ending.long_pause:
        return Refusal("ends-late", f"nothing cuts {pause} short, so that {stop} would wait for that")
    if itself := _joins_itself(found, signal):
        return Refusal("joins-itself", itself)
    if why := owners.changes(view, found.start, owner, signal):
        return Refusal("end-unknown", f"{signal.body.name} may not end this goroutine: {why}")
    return _counts_too_late(context, found, owner, signal) or signal


def _mentions_owner(found: Goroutine, owner: Owner) -> bool:
    return owner.variable in captures.captured(found.view, found.literal) or owner.variable in (
        captures.given(found.view, found.literal).values()
    )


def _joins_itself(found: Goroutine, signal: Signal) -> str:
    """Why the goroutine may come to call the method that would wait for it."""
    method = signal.method
    for body in found.ending.reach.bodies[1:]:
        if (body.view.path, body.view.outermost.start_byte) == (
            signal.body.view.path,
            signal.body.view.outermost.start_byte,
        ):
            return f"the goroutine calls {body.name}, which would wait for it"
    if found.ending.values:
        value = found.ending.values[0]
        return f"what {value} does cannot be seen: it may call {method.name}, which would wait for the goroutine that calls it"
    same = [u for u in found.ending.unseen if u.rsplit(".", 1)[-1] == method.name and "interface" in u]
    return f"the goroutine calls {same[0]}" if same else ""


def _counts_too_late(context: Context, found: Goroutine, owner: Owner, signal: Signal) -> Refusal | None:
    """Add must come before Wait: the starter is called first, or both are under the lock that guards the end."""
    method = signal.body.name
    guards = locks.held_at(_at(signal.body.view, signal.statement))
    if earlier := _stopped_by_another(context, found, signal):
        return Refusal("add-races-with-wait", f"{earlier} started before it may call {method}, which may wait already")
    if owner.made_here:
        return None
    held = locks.held_at(found.view)
    if guards and not any(locks.same(g, h) for g in guards for h in held):
        return Refusal(
            "add-races-with-wait",
            f"{method} ends things under {guards[0].text}, which is not held where the goroutine starts",
        )
    if not guards and not owner.once:
        name = found.view.functions[-1].name
        return Refusal(
            "add-races-with-wait", f"{name} may be called when {method} waits already: nothing keeps them apart"
        )
    return None


def _stopped_by_another(context: Context, found: Goroutine, signal: Signal) -> str:
    """A goroutine that the starter starts first and that may come to the stop method."""
    view = found.view
    stop = (signal.body.view.path, signal.body.view.node.start_byte)
    for call in view.own_calls_in(view.function):
        if call.statement != "go" or call.start >= found.start.start_byte:
            continue
        node = view.source.node_at(call.start, call.end)
        literal = node.child_by_field_name("function")
        if call.kind == "literal" and literal is not None:
            block = flow.body(literal)
            body = (
                View(view.source, view.facts, block, literal, view.outermost, view.language)
                if block is not None
                else None
            )
        else:
            declared = reach.declared(context, view, call.object) if call.object else None
            body = declared.view if declared is not None else None
        if body is None:
            return "a goroutine that cannot be looked into"
        reached = reach.reach(context, body, body.node)
        if any((b.view.path, b.view.node.start_byte) == stop for b in reached.bodies):
            return f"the goroutine of line {view.line(call.start)}"
    return ""


def _at(view: View, node: Node) -> View:
    """The function around a node, with the node as the site."""
    return View.around(view.source, view.facts, node, view.language) or view


# --- the wait ---------------------------------------------------------------------------------------------------


def _place(context: Context, found: Goroutine, signal: Signal, group: Object | None) -> _Wait | Refusal:
    """After the signal, at the first place where no lock is held; else where none is held that the goroutine takes."""
    body = signal.body
    receiver = _receiver_name(body.view)
    if not receiver:
        return Refusal("end-unknown", f"{body.name} has no name for its receiver")
    if group is not None:
        return _existing(context, found, signal, receiver, group)
    if (line := _waits_with_a_bound(context, body.view, signal.statement)) > 0:
        return Refusal(
            "waits-its-own-way",
            f"{body.name} waits at line {line} for as long as its context or a timer lets it, and no longer",
        )
    statement = _outside_of_literals(body.view, signal.statement)
    if statement is None or statement.type == "return_statement":
        return Refusal("end-unknown", f"{signal.text} stands where nothing can come after it")
    candidates = [statement]
    for follower in flow.siblings(statement)[1]:
        if follower.type == "return_statement" or not _plain(follower):
            break
        candidates.append(follower)
    held = [(c, _held_behind(body.view, c)) for c in candidates]
    free = next((c for c, locked in held if not locked), None)
    chosen = free or candidates[0]
    refused = _locked(context, found, body.view, chosen.end_byte, signal)
    if refused is not None:
        return refused
    if closed := _closed_later(found, body.view, chosen):
        return Refusal("end-unknown", closed)
    return _Wait(body.view, receiver, chosen, body.view.line(chosen.end_byte), False)


def _waits_with_a_bound(context: Context, view: View, signal: Node) -> int:
    """The line of a select behind the signal that a context or a timer ends; 0 if there is none."""
    for node in flow.inside(view.node):
        if node.type == "select_statement" and node.start_byte >= signal.end_byte:
            cases = [c for c in node.named_children if c.type == "communication_case"]
            until = [u for c in cases for u in receives.until_case(context, view, c)]
            if len(until) > 1 and any(u.kind in ("context", "timer") for u in until):
                return view.line(node.start_byte)
    return 0


def _existing(context: Context, found: Goroutine, signal: Signal, receiver: str, group: Object) -> _Wait | Refusal:
    view = signal.body.view
    waits = [u for u in found.view.facts.uses(group.id) if u.selected == "Wait"]
    here = [u for u in waits if u.path == view.path and view.outermost.start_byte <= u.start < view.outermost.end_byte]
    if len(here) != 1 or here[0].start < signal.statement.start_byte:
        return Refusal(
            "waits-for-the-group", f"{signal.body.name} ends the goroutine only after it has waited for {group.name}"
        )
    statement = flow.statement(view.source.node_at(here[0].start, here[0].end))
    refused = _locked(context, found, view, statement.start_byte, signal)
    return refused or _Wait(view, receiver, None, view.line(statement.start_byte), True)


def _receiver_name(view: View) -> str:
    parameters = view.outermost.child_by_field_name("receiver")
    declared = parameters.named_children[0] if parameters is not None and parameters.named_children else None
    name = declared.child_by_field_name("name") if declared is not None else None
    text = view.text(name) if name is not None else ""
    return "" if text == "_" else text


def _outside_of_literals(view: View, node: Node) -> Node | None:
    """The statement of the method itself that holds the node: the Do of a once, the select that closes what is open."""
    statement = flow.statement(node)
    while True:
        function = flow.enclosing_function(statement)
        if function is None:
            return None
        if function.type != "func_literal":
            break
        call = _call_with(function)
        known = view.call_at(call) if call is not None else None
        if known is None or known.name != "(*sync.Once).Do":
            return None
        statement = flow.statement(function)
    if statement.type == "defer_statement":
        return None
    around = statement.parent.parent if statement.parent is not None else None
    if around is not None and around.type in ("communication_case", "default_case") and around.parent is not None:
        return flow.labelled(around.parent)
    return statement


def _call_with(literal: Node) -> Node | None:
    """The call whose argument a literal is."""
    arguments = literal.parent
    call = arguments.parent if arguments is not None and arguments.type == "argument_list" else None
    return call if call is not None and call.type == "call_expression" else None


def _plain(statement: Node) -> bool:
    """Whether a Wait may as well come after the statement: it neither leaves nor waits itself."""
    return statement.type in (
        "expression_statement",
        "assignment_statement",
        "inc_statement",
        "dec_statement",
    ) and not any(n.type == "unary_expression" and (n.text or b"").startswith(b"<-") for n in flow.inside(statement))


def _held_behind(view: View, statement: Node) -> list[locks.Lock]:
    return locks.held_behind(_at(view, statement), statement)


def _locked(context: Context, found: Goroutine, view: View, offset: int, signal: Signal) -> Refusal | None:
    name, held = signal.body.name, holding.at(context, view, offset)
    return deadlocks.at_wait(context, view, found.ending, held, signal.method.id, name, deferred=False)


def _closed_later(found: Goroutine, view: View, behind: Node) -> str:
    """Something that the method closes after its Wait and that a call out of sight of the goroutine works with."""
    reached = found.ending.reach
    for call in view.calls:
        late = call.start >= behind.end_byte or call.statement == "defer"
        if not late or not call.holder or call.name.rsplit(".", 1)[-1].lower() not in names.STOPPING_FUNCTIONS:
            continue
        for edge in reached.unseen:
            body = reached.bodies[edge.caller].view
            known = any(edge.call.name.endswith(u.rsplit(".", 1)[-1]) for u in found.ending.unseen)
            inside = body.facts.refs(body.path, edge.call.start, edge.call.end)
            if known and any(r.object == call.holder for r in inside):
                what = view.source.data[call.start : call.end].decode("utf-8", "replace")
                return f"{what} may be what ends a call of the goroutine, and it would run after the wait"
    return ""


# --- the fix ----------------------------------------------------------------------------------------------------


def _first(context: Context, found: Goroutine, owner: Owner, group: Object | None) -> Goroutine:
    """The first goroutine of the same function that is fixed like this one: its fix declares the field and waits."""
    if group is not None:
        return found
    for other in siblings(context, found):
        if other.start.start_byte >= found.start.start_byte:
            break
        if not other.joined and isinstance(_alike(context, other, owner), Signal):
            return other
    return found


def _alike(context: Context, other: Goroutine, owner: Owner) -> object:
    if other.ending.verdict is not Verdict.WAITS:
        return None
    its = owners.find(other.view, other.literal)
    if its is None or its.variable != owner.variable:
        return None
    checked = _check(context, other, its)
    if not isinstance(checked, Signal):
        return None
    return None if isinstance(_place(context, other, checked, None), Refusal) else checked


def _fix(
    context: Context,
    found: Goroutine,
    owner: Owner,
    signal: Signal,
    wait: _Wait,
    group: Object | None,
    first: Goroutine,
) -> Decision:
    view = found.view
    name = group.name if group is not None else fields.fresh(owner.struct)
    base = _base_in_literal(found, owner)
    if base is None:
        return Refusal("end-unknown", f"{owner.base} means something else inside of the goroutine")
    counted = counting.count(view.source, context.language, found.start, f"{owner.base}.{name}", f"{base}.{name}")
    edits: dict[str, list[Edit]] = {view.path: counted}
    leads = group is None and first.start == found.start
    if leads:
        source = view.source if owner.struct.path == view.path else context.source(owner.struct.path)
        field = fields.add(source, owner.struct, f"{name} sync.WaitGroup\n")
        edits.setdefault(owner.struct.path, []).append(field)
        assert wait.behind is not None, "a new Wait has its place"
        behind = layout.behind(wait.view.source, wait.behind, f"{wait.receiver}.{name}.Wait()\n")
        edits.setdefault(wait.view.path, []).append(behind)
    changes = tuple(
        FileChange(path, tuple(sorted(e)), ("sync",) if leads and path == owner.struct.path else ())
        for path, e in sorted(edits.items())
    )
    how = f"field {name}, {'new' if leads else 'which is there'}"
    if group is None and not leads:
        how = f"field {name}, which the fix of line {view.line(first.start.start_byte)} declares"
    evidence = {
        "owner": signal.body.name,
        "ends": f"on {signal.text}",
        "group": how,
        "waits": f"after line {wait.line}",
    }
    if found.defers:
        evidence["defers"] = "; ".join(found.defers)
    if found.ending.sleeps:
        evidence["sleeps"] = "; ".join(found.ending.sleeps)
    if found.ending.unseen:
        evidence["out of sight"] = f"{', '.join(found.ending.unseen)} (must not call {signal.method.name})"
    return Fix(changes, Level.REVIEW, f"{signal.body.name} waits for the goroutine that it ends", evidence)


def _base_in_literal(found: Goroutine, owner: Owner) -> str | None:
    """The name of the owner's value at the beginning of the literal; None if it has none there."""
    view, facts = found.view, found.view.facts
    for parameter, given in captures.given(view, found.literal).items():
        known = facts.object(parameter)
        if given == owner.variable and known is not None and known.name not in ("", "_"):
            return known.name
    here = facts.lookup(view.path, found.body.start_byte + 1, owner.base)
    before = facts.lookup(view.path, found.start.start_byte, owner.base)
    same = here is not None and before is not None and here.id == owner.variable == before.id
    moved = any(r.role in ("assign", "address") for r in view.refs_of(owner.variable))
    return owner.base if same and not moved else None
