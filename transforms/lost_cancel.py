"""Call the cancel function of a context where the work with it is over.

A context made by ``context.WithCancel``, ``WithTimeout`` or ``WithDeadline`` is released when its cancel function is
called, when its deadline comes, or when its parent is done. Until then its timer runs, its parent refers to it, and
whatever waits for it waits. A cancel function that is discarded, or not called on every path, leaves all that to the
deadline or the parent.

| the statement | the edit |
|---|---|
| ``ctx, _ := context.WithTimeout(...)`` | ``_`` becomes ``cancel``, followed by ``defer cancel()`` |
| ``ctx, _ = context.WithTimeout(...)`` | the same, with ``:=`` or with ``var cancel context.CancelFunc`` before it |
| ``ctx, cancel := ...`` and a path on which ``cancel`` is not called | ``defer cancel()`` |
| in a loop | ``cancel()`` at the end of the round: before each ``continue``, ``break`` and ``return``, and as the last statement |

The rewrite cancels earlier than before. That is right only if nothing that lives on has the context or something made
of it: a returned or stored context, response, stream or ``*sql.Rows``, a goroutine, a process. Such values are followed
through the function's variables and into the module's functions that get them. The level is safe where all of that
can be seen, review where functions whose bodies cannot be seen get the context (the evidence names them) and where a
comment says that the discard is meant.

Not handled, and why: contexts that something keeps (``context-escapes``; also what cannot be seen, where cancel ends
failures only), whose parent is cancelled by this function
anyway (``cancelled-with-parent``), whose cancel function somebody else has (``cancel-handed-on``), that are made where
no defer can stand (``cancel-in-header``, ``package-level-context``) or in a loop round whose end is not one place
(``round-end-unclear``). ``signal.NotifyContext`` is left alone: its stop function gives the signals back.

Sources: https://pkg.go.dev/context#WithCancel, https://pkg.go.dev/golang.org/x/tools/go/analysis/passes/lostcancel,
https://go.dev/ref/spec#Defer_statements.
"""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import cancels, carried, flow, layout, names, rounds
from gocodemod.analysis.cancels import Made
from gocodemod.analysis.paths import Paths, leads_back
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

_CALL = """(expression_list . (call_expression function: [
    (selector_expression field: (field_identifier) @name)
    (identifier) @name
  ]) .)"""
QUERY = f"""
([
  (short_var_declaration left: (expression_list . (_) . (_) .) right: {_CALL})
  (assignment_statement left: (expression_list . (_) . (_) .) right: {_CALL})
  (var_spec value: {_CALL})
] @site (#match? @name "^With(Cancel|Timeout|Deadline)(Cause)?$"))
"""
NEEDLES = (b"With", b"context")


def match(source: Source, node: Node) -> Node | None:
    """Keep statements whose second variable is blank, or a name that some path does not mention again."""
    made = Made.of(source, node)
    if made is None or source.imports().get(made.package or ".") != "context":
        return None
    if made.blank:
        return node
    function = flow.enclosing_function(node)
    block = flow.body(function) if function is not None else None
    if block is None or made.cancel.type != "identifier":
        return None
    paths = Paths(flow.statements(block))
    statement = made.step
    if statement not in paths:
        return None
    name = source.text(made.cancel)
    return node if paths.after(statement, lambda n: cancels.mentions(source, n, name)).returns else None


def decide(candidate: Candidate, context: Context) -> Decision | None:
    made = Made.of(candidate.source, candidate.node)
    view = View.around(candidate.source, context.facts, candidate.node, context.language)
    if made is None:
        return None
    if view is None:
        return Refusal("package-level-context", "no function's end could cancel a context of the whole package")
    known = view.call_at(made.call)
    if known is None or not known.name.startswith("context.With"):
        resolved = known is not None and known.name
        return None if resolved else Refusal("types-unavailable", f"{made.function} did not resolve")
    lost = cancels.lost(view, made)
    if lost is None or isinstance(lost, Refusal):
        return lost
    if why := _why_nowhere(view, made):
        return why
    variable = cancels.context_variable(view, made)
    if isinstance(variable, Refusal):
        return variable
    if parent := cancels.cancelled_parent(view, made):
        return Refusal("cancelled-with-parent", parent)
    return _decide(context, view, made, variable, lost)


def _why_nowhere(view: View, made: Made) -> Refusal | None:
    """Why no defer can stand behind the statement."""
    if flow.labelled(made.statement).parent is None or made.in_header:
        return Refusal("cancel-in-header", "the context is made in the header of an if, switch or for")
    if made.looped and not flow.loops_around(made.statement):
        return Refusal("round-end-unclear", "a goto leads back to the statement: each time it makes another context")
    if leads_back(view.function, made.statement):
        return Refusal("round-end-unclear", "a goto leads back to code before the statement, which may use the context")
    if made.declares_cancel and flow.goto_jumps_over(view.function, made.statement):
        return Refusal("goto-over-declaration", "a goto jumps over the place where cancel would be declared")
    return None


def _decide(context: Context, view: View, made: Made, variable: Object, lost: str) -> Decision:
    region = made.block if made.looped else view.function
    if not view.declares(region, variable):
        what = "the round of the loop" if made.looped else "the function"
        return Refusal("context-escapes", f"{variable.name} is declared outside of {what}, so the context outlives it")
    found = carried.follow(context, view, variable, region, made.looped)
    if found.escapes:
        return Refusal("context-escapes", found.escapes)
    if found.unknown and cancels.only_on_failure(view, made):
        where = "is cancelled only where the function fails"
        return Refusal("context-escapes", f"{variable.name} {where}: {found.unknown[0]} may go on with it")
    name = view.text(made.cancel) if not made.blank else _fresh(view, made)
    call = f"{name}(nil)" if made.function == "WithCancelCause" else f"{name}()"
    edits = _declared(view, made, variable, name)
    if made.looped:
        ends = rounds.at_every_end(
            view,
            made.statement,
            call,
            lambda values: any(r.object in found.carriers for r in view.refs_in(values)),
            lambda node: not made.blank and cancels.uses(view, made, node),
        )
        if isinstance(ends, str):
            return Refusal("round-end-unclear", ends)
        edits += ends
    else:
        edits.append(layout.behind(view.source, made.statement, f"defer {call}\n"))
    edits += cancels.discards(view, made)
    comment = cancels.comment(view, made)
    evidence = {
        "cancel": lost,
        "placed": "at every end of the loop's round" if made.looped else f"deferred to the end of {_function(view)}",
        "until now": cancels.until(view, made),
        "not seen": ", ".join(found.unknown) or "nothing: every function that gets the context was looked through",
    }
    if found.followed:
        evidence["looked through"] = ", ".join(found.followed)
    if comment:
        evidence["comment"] = f"the discard may be meant: {comment}"
    level = Level.REVIEW if found.unknown or comment else Level.SAFE
    when = "a round of the loop" if made.looped else _function(view)
    change = FileChange(view.path, tuple(sorted(edits)))
    return Fix((change,), level, f"{variable.name} is cancelled when {when} ends: {lost}", evidence)


def _fresh(view: View, made: Made) -> str:
    """A free name, other than those that the contexts made before, in blocks around this one, are given."""
    before = (n for n in flow.everything(view.outermost) if n.end_byte < made.node.start_byte)
    others = (Made.of(view.source, n) for n in before if n.type in cancels.STATEMENTS)
    given, number = 1 + sum(o is not None and o.blank and flow.contains(o.block, made.node) for o in others), 0
    name = ""
    for _ in range(given):
        name = names.fresh(view.facts, view.path, made.node.start_byte, view.outermost, "cancel", number + 1)
        number = int(name.removeprefix("cancel") or 1)
    return name


def _declared(view: View, made: Made, variable: Object, name: str) -> list[Edit]:
    """The edits that give the cancel function a name."""
    if not made.blank:
        return []
    edits = [layout.edit(made.cancel.start_byte, made.cancel.end_byte, name)]
    if made.operator is None:
        return edits
    if cancels.same_scope(view, made, variable):
        edits.append(layout.edit(made.operator.start_byte, made.operator.end_byte, ":="))
    else:
        kind = "CancelCauseFunc" if made.function == "WithCancelCause" else "CancelFunc"
        package = f"{made.package}." if made.package else ""
        start = made.statement.start_byte
        edits.append(layout.edit(start, start, f"var {name} {package}{kind}\n"))
    return edits


def _function(view: View) -> str:
    """The function whose end it is, for people."""
    innermost = view.functions[0] if view.functions else None
    return innermost.name if innermost is not None and innermost.name else "the function literal"


transform = Transform(
    __name__, __doc__, QUERY, NEEDLES, match, decide, subject="call cancel where the context is no longer used"
)
