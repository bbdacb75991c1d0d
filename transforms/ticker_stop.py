"""Stop timers and tickers that nothing stops, where the one function that uses them ends.

A ticker ticks until somebody stops it, and a timer until it has fired. Where the ``go`` line of the main module is
below 1.23 (and the toolchain below 1.27), the runtime keeps an unstopped ticker for ever, and an unstopped timer until
it fires: each call that makes one and returns leaks it. Elsewhere the runtime collects what is unreachable, and Stop
only says who is done with it; the evidence of each fix says which of the two it is.

| the timer or ticker | the edit |
|---|---|
| made and used in one function | ``defer x.Stop()`` behind the statement that makes it |
| made by a starter, used only in the literal of a goroutine | ``defer x.Stop()`` in the literal, behind the defers that begin it |
| made in a loop, in a variable of the round | ``x.Stop()`` on every way out of the round on which it has not been stopped |
| only its channel is held (``range time.NewTicker(d).C``) | ``ticker := time.NewTicker(d)`` and ``defer ticker.Stop()`` before the statement |
| ``time.Tick(d)``, ``d`` a constant above 0, tickers not collectable | the same |

No site at all: a timer or ticker that is stopped on every way out, handed to ``Stop`` as a method value, or stopped in
another literal or method; a timer that has always fired by then. One that is stopped on some ways out and not on
others gets its ``defer`` as well: a second Stop does nothing. Stop does not close the channel, and the rewrite
never lets anything wait on it after the Stop.

Not handled, and why: timers and tickers that somebody else may hold (``ownership-unknown``: returned, stored, passed on,
sent, their ``C`` likewise, shared with another literal, kept between a literal's calls); functions that never return
(``stop-never-runs``: a defer that cannot run is dead code, and the ticker is in use as long as the program; so is what
only ``os.Exit`` ends);
``time.Tick`` and loops with several ways out where the runtime collects tickers (``collected-by-runtime``: nothing is
gained there for what the edit adds); ``time.Tick`` with a duration that may not be positive (``duration-not-constant``:
it gives nil, and ``NewTicker`` panics). ``gocodemod explain REASON`` has the rest.

Sources: https://pkg.go.dev/time#NewTicker, https://pkg.go.dev/time#Ticker.Stop, https://pkg.go.dev/time#Tick,
https://go.dev/doc/go1.23#timer-changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import escapes, flow, layout, names, ownership, timers, ways
from gocodemod.analysis.escapes import How, Use
from gocodemod.analysis.timers import Made
from gocodemod.analysis.view import View
from gocodemod.analysis.ways import Exit, Marks, State, Way
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = """
(call_expression function: [
    (selector_expression field: (field_identifier) @name)
    (identifier) @name
  ]
  (#any-of? @name "NewTicker" "NewTimer" "Tick")) @site
"""
# What the three names have in common.
NEEDLES = (b"Ti", b"time")
# More Stops than this in one loop are harder to read than what they cure; one is always worth it.
_MOST_STOPS = 5


def match(source: Source, node: Node) -> Node | None:
    """Keep calls into the package time, as the imports name it."""
    callee = node.child_by_field_name("function")
    operand = callee.child_by_field_name("operand") if callee is not None else None
    qualifier = source.text(operand).decode("utf-8", "replace") if operand is not None else "."
    return node if source.imports().get(qualifier) == "time" else None


@dataclass(frozen=True)
class _Site:
    """``uses`` of the holder and its copies; ``name``: what to call Stop on, ``new`` if the edit declares it."""

    made: Made
    context: Context
    uses: tuple[Use, ...]
    name: str
    new: bool

    @property
    def view(self) -> View:
        return self.made.view

    @property
    def statement(self) -> Node:
        """The statement that makes it, with its labels."""
        return flow.statement(self.made.call)

    @property
    def what(self) -> str:
        return "ticker" if self.made.ticks else "timer"


def decide(candidate: Candidate, context: Context) -> Decision | None:
    view = View.around(candidate.source, context.facts, candidate.node, context.language)
    if view is None:
        return _of_package(candidate, context)
    known = view.call_at(candidate.node)
    if known is None or known.kind == "unknown":
        return Refusal("types-unavailable", f"{view.text(candidate.node)} did not resolve")
    made = timers.made(view, candidate.node)
    if made is None:
        return None
    if made.function == "Tick" and (refused := _refuse_tick(made, context)):
        return refused
    if made.how is How.COPIED or (made.how is How.RECEIVED and _is_range(made)):
        return _held(made, context)
    if made.how is How.RECEIVED:
        return _received_at_once(made)
    return _given_away(made)


def _of_package(candidate: Candidate, context: Context) -> Refusal | None:
    """A package variable's."""
    path, node = candidate.source.path, candidate.node
    calls = context.facts.calls(path, node.start_byte, node.end_byte)
    if not any(c.name in ("time.NewTicker", "time.NewTimer", "time.Tick") for c in calls):
        return None
    refs = context.facts.refs(path, flow.statement(node).start_byte, node.end_byte)
    holder = next((r for r in refs if (r.value_start, r.value_end) == (node.start_byte, node.end_byte)), None)
    if holder is not None and any(u.selected == "Stop" for u in context.facts.uses(holder.object)):
        return None
    return Refusal("ownership-unknown", "it belongs to the package, not to a function")


def _refuse_tick(made: Made, context: Context) -> Refusal | None:
    if context.language.timers_collectable:
        return Refusal("collected-by-runtime", "since Go 1.23 the runtime collects the ticker of time.Tick")
    constant = timers.duration(made.view, made.call)
    if constant is None:
        return Refusal(
            "duration-not-constant", "time.Tick gives nil for a duration that is not positive, NewTicker panics"
        )
    if constant <= 0:
        return Refusal("non-positive-duration", f"the duration is {constant} ns: time.Tick gives nil")
    return None


def _is_range(made: Made) -> bool:
    return made.value.parent is not None and made.value.parent.type == "range_clause"


def _received_at_once(made: Made) -> Refusal | None:
    """``<-time.NewTimer(d).C`` as a statement waits for it, whatever happens; as a case it may lose."""
    receive = made.value.parent
    case = receive.parent if receive is not None else None
    if not made.ticks and (case is None or case.type != "receive_statement"):
        return None
    return Refusal("nothing-holds-it", "it is made where it is received from, in no variable that could be stopped")


def _given_away(made: Made) -> Refusal | None:
    """What no local variable holds; no site where the field that holds it is stopped somewhere in the package."""
    if ownership.field_stopped(made.view, made.value.start_byte, made.value.end_byte):
        return None
    if made.how in (How.DROPPED, How.UNKNOWN):
        return Refusal("nothing-holds-it", "no variable holds it, so nothing can stop it")
    return Refusal("ownership-unknown", f"it is {made.how} where it is made")


def _held(made: Made, context: Context) -> Decision | None:
    uses = escapes.uses(made.view, made.holder, (timers.CHANNEL,)) if made.holder else ()
    if ownership.stopped_elsewhere(made, uses):
        return None
    decision = ownership.unclear(made, uses) or _of_owner(made, context, uses)
    # Where somebody stops it somewhere, only a way out that provably lacks the Stop makes it a site.
    return None if isinstance(decision, Refusal) and any(u.member == "Stop" for u in uses) else decision


def _of_owner(made: Made, context: Context, uses: tuple[Use, ...]) -> Decision | None:
    """By who uses it: the function that makes it, in a loop or not, or one goroutine."""
    view, statement = made.view, flow.statement(made.call)
    known = view.facts.object(made.holder) if made.holder and not made.channel_only else None
    if known is not None and known.type not in ("*time.Ticker", "*time.Timer"):
        return Refusal("ownership-unknown", f"{known.name} is no timer or ticker by its type, but {known.type}")
    wanted = "ticker" if made.ticks else "timer"
    fresh = names.fresh(view.facts, view.path, statement.start_byte, view.outermost, wanted)
    site = _Site(made, context, uses, known.name if known is not None else fresh, known is None)
    if (refused := _refuse_place(site) or ownership.outlives(made, uses)) is not None:
        return refused
    homes = ownership.homes(made, uses)
    if homes <= {view.literals}:
        return _in_round(site) if flow.loops_around(statement) else _in_function(site)
    return _in_goroutine(site, homes)


def _refuse_place(site: _Site) -> Refusal | None:
    """Where no Stop can be put behind the making, nor a declaration before it."""
    statement, view = site.statement, site.view
    inner = statement
    while inner.type == "labeled_statement":
        inner = inner.named_children[-1]
    plain = inner.type in ("short_var_declaration", "assignment_statement", "var_declaration")
    if not plain and not (_is_range(site.made) and inner.type == "for_statement"):
        return Refusal("no-place-for-stop", f"the {site.what} is made in the header of another statement")
    if site.new and flow.goto_jumps_over(view.function, statement):
        return Refusal("goto-over-declaration", "a goto jumps over the place where the ticker would be declared")
    own = flow.body(view.function)
    gotos = [n for n in flow.inside(own) if n.type == "goto_statement"] if own is not None else []
    for goto in gotos:
        labels = (n for n in flow.inside(view.function) if n.type == "labeled_statement")
        target = next((n for n in labels if flow.jump_label(goto) == _label_name(n)), None)
        if target is not None and target.start_byte <= statement.start_byte < goto.start_byte:
            return Refusal("outlives-the-round", f"a goto at line {view.line(goto.start_byte)} makes it again")
    return None


def _label_name(labelled: Node) -> bytes | None:
    name = labelled.child_by_field_name("label")
    return name.text if name is not None else None


# --- one function ---------------------------------------------------------------------------------------------------


def _in_function(site: _Site) -> Decision | None:
    view = site.view
    own = flow.body(view.function)
    assert own is not None, "a call stands in a function with a body"
    marks = timers.marks(site.made, site.uses, view.literals)
    found = ways.ways_out(view, own, marks, endless=timers.endless(site.made, site.uses))
    open_ways = [w for w in found if State.OPEN in w.state]
    if not open_ways and any(State.SETTLED in w.state for w in found):
        return None
    if (refused := _refuse_ways(site, open_ways)) is not None:
        return refused
    deferred = f"defer {site.name}.Stop()\n"
    edits = _declared(site, deferred) if site.new else [layout.behind(view.source, _begun(site, marks), deferred)]
    where = view.functions[0].name or "the literal that makes it"
    return _fix(site, edits, f"deferred in {where}", open_ways)


def _begun(site: _Site, marks: Marks) -> Node:
    """The statement that makes it, or the last of those right behind that make it a stopped one."""
    last = site.statement
    for statement in flow.siblings(last)[1]:
        header = statement.child_by_field_name("condition") if statement.type == "if_statement" else statement
        plain = statement.type in ("if_statement", "expression_statement") and header is not None
        if (
            not plain
            or marks(header or statement) is not State.SETTLED
            or any(map(ownership.leaves, flow.inside(statement)))
        ):
            break
        last = statement
    return last


def _refuse_ways(site: _Site, open_ways: Sequence[Way]) -> Refusal | None:
    never = "stop-never-runs"
    if not open_ways:
        return Refusal(never, f"the function that uses the {site.what} never returns")
    if not any(w.defers_run for w in open_ways):
        return Refusal(never, "only the end of the process ends the function, which runs no deferred call")
    ends = next((w for w in open_ways if w.exit is Exit.PROCESS and w.node is not None), None)
    if ends is not None and ends.node is not None and _in_main(site):
        line = site.view.line(ends.node.start_byte)
        return Refusal(never, f"main ends by a call at line {line} that runs no deferred call")
    return None


def _in_main(site: _Site) -> bool:
    function = site.view.functions[0]
    return function.name == "main" and site.view.facts.file(site.view.path).package_name == "main"


def _stopped(site: _Site) -> bool:
    return any(u.member == "Stop" for u in site.uses)


def _declared(site: _Site, behind: str) -> list[Edit]:
    """A variable for what had none: declared before the statement, its channel where the value stood."""
    made, statement = site.made, site.statement
    making = made.view.text(made.call) if made.function != "Tick" else f"{made.package}NewTicker{made.arguments}"
    channel = layout.edit(made.value.start_byte, made.value.end_byte, f"{site.name}.{timers.CHANNEL}")
    return [layout.before(made.view.source, statement, f"{site.name} := {making}\n{behind}"), channel]


# --- a goroutine that is started with it ----------------------------------------------------------------------------


def _in_goroutine(site: _Site, homes: set[tuple[int, ...]]) -> Decision | None:
    view, literal = site.view, ownership.goroutine(site.made, homes)
    if isinstance(literal, Refusal):
        return literal
    own = flow.body(literal)
    assert own is not None, "a literal has a body"
    if not site.new and not _means_holder(site, own.start_byte + 1):
        return Refusal("no-place-for-stop", f"{site.name} means something else where the goroutine begins")
    marks, endless = timers.marks(site.made, site.uses, next(iter(homes))), timers.endless(site.made, site.uses)
    found = ways.ways_out(view, own, marks, State.OPEN, endless)
    open_ways = [w for w in found if State.OPEN in w.state]
    if found and not open_ways:
        return None
    if (refused := _refuse_ways(site, open_ways)) is not None:
        return refused
    edits = [_first_in(view, own, f"defer {site.name}.Stop()\n")]
    if site.new:
        edits = [*_declared(site, ""), *edits]
    return _fix(site, edits, f"deferred in the goroutine started at line {view.line(literal.start_byte)}", open_ways)


def _first_in(view: View, block: Node, text: str) -> Edit:
    """Behind the defers that begin the body: what tells others that the goroutine has ended runs last."""
    leading = None
    for statement in flow.statements(block):
        if statement.type != "defer_statement":
            break
        leading = statement
    return (
        layout.behind(view.source, leading, text) if leading is not None else layout.prepend(view.source, block, text)
    )


def _means_holder(site: _Site, offset: int) -> bool:
    known = site.view.facts.lookup(site.view.path, offset, site.name)
    return known is not None and known.id == site.made.holder


# --- one round of a loop --------------------------------------------------------------------------------------------


def _in_round(site: _Site) -> Decision | None:
    view, statement = site.view, site.statement
    block = statement.parent.parent if statement.parent is not None else None
    assert block is not None, "a statement stands in a list, and that in a block or case clause"
    variables = {u.variable for u in site.uses}
    if site.new or any(not view.declares(block, view.facts.object(v)) for v in variables):
        return Refusal("outlives-the-round", "made in a loop, but what holds it lives longer than one round")
    marks, endless = timers.marks(site.made, site.uses, view.literals), timers.endless(site.made, site.uses)
    found = ways.ways_out(view, block, marks, endless=endless)
    open_ways = [w for w in found if State.OPEN in w.state and w.exit not in (Exit.PROCESS, Exit.PANIC)]
    if not open_ways:
        settled = any(State.SETTLED in w.state for w in found)
        return None if settled else Refusal("stop-never-runs", f"the round that uses the {site.what} never ends")
    if view.language.timers_collectable and len(open_ways) > 1:
        return Refusal(
            "collected-by-runtime", f"it would take {len(open_ways)} Stops; since Go 1.23 the runtime collects it"
        )
    if len(open_ways) > _MOST_STOPS:
        return Refusal("no-place-for-stop", f"the round has {len(open_ways)} ways out")
    for way in open_ways:
        if way.node is not None and (problem := _refuse_jump(site, way.node, variables)):
            return problem
    edits = [_stop_at(site, block, way) for way in open_ways]
    return _fix(site, edits, "at the end of each round", open_ways)


def _refuse_jump(site: _Site, jump: Node, variables: set[str]) -> Refusal | None:
    line = site.view.line(jump.start_byte)
    if jump.type == "goto_statement":
        return Refusal("no-place-for-stop", f"a goto at line {line} leaves the round")
    if any(r.object in variables for r in site.view.refs_in(jump)):
        return Refusal("no-place-for-stop", f"the return at line {line} still uses the {site.what}")
    if not _means_holder(site, jump.start_byte):
        return Refusal("no-place-for-stop", f"{site.name} means something else at line {line}")
    return None


def _stop_at(site: _Site, block: Node, way: Way) -> Edit:
    source, text = site.view.source, f"{site.name}.Stop()\n"
    if way.node is not None:
        return layout.before(source, way.node, text)
    if block.type == "block":
        return layout.append(source, block, text)
    return layout.behind(source, flow.statements(block)[-1], text)


# --- the fix --------------------------------------------------------------------------------------------------------


def _fix(site: _Site, edits: list[Edit], where: str, open_ways: Sequence[Way]) -> Fix:
    evidence = {"stop": where, "gain": _gain(site)}
    if _stopped(site):
        nodes = [w.node for w in open_ways if w.node is not None]
        place = f"line {site.view.line(nodes[0].start_byte)}" if nodes else "the end"
        evidence["already"] = f"stopped on some ways out, not on that by {place}"
    change = FileChange(site.view.path, tuple(sorted(edits)))
    return Fix((change,), Level.SAFE, f"{site.name} is stopped where its use ends", evidence)


def _gain(site: _Site) -> str:
    """What the Stop is good for, in this module's version of Go."""
    if site.context.language.timers_collectable:
        return f"since Go 1.23 the runtime collects an unreachable {site.what} by itself; Stop says who is done with it"
    if site.made.ticks:
        return "with a go line below 1.23, toolchains before 1.27 never free an unstopped ticker"
    return "with a go line below 1.23, toolchains before 1.27 keep an unstopped timer until it fires"


transform = Transform(
    __name__, __doc__, QUERY, NEEDLES, match, decide, subject="stop timers and tickers that nothing stops"
)
