"""Who is to stop a timer or ticker: the one function that uses it, or somebody who cannot be told."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.escapes import How, Use
from gocodemod.analysis.timers import Made
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref
from gocodemod.model import Refusal

# Each of these runs the literal it is given once, in a goroutine.
_RUNS_ONCE = frozenset({"(*sync.WaitGroup).Go", "(*golang.org/x/sync/errgroup.Group).Go"})


def stopped_elsewhere(made: Made, uses: Sequence[Use]) -> bool:
    """Whether a Stop is there that is none of this function's own plain calls: deferred, handed on, in another literal,
    or of the field that the timer or ticker is kept in.
    """
    if any(u.member == "Stop" and (u.how is not How.CALLED or _elsewhere(made, u)) for u in uses):
        return True
    stored = (u.ref for u in uses if u.how is How.STORED)
    return any(field_stopped(made.view, r.outer_start, r.outer_end) for r in stored)


def field_stopped(view: View, start: int, end: int) -> bool:
    """Whether the package stops what is in the field or package variable that is given the expression's value."""
    field = next((r for r in view.refs if (r.value_start, r.value_end) == (start, end)), None)
    return field is not None and any(u.selected == "Stop" for u in view.facts.uses(field.object))


def _elsewhere(made: Made, use: Use) -> bool:
    """Whether a literal stops it, other than a goroutine's that is the only one to use it."""
    if use.literals == made.view.literals:
        return False
    inner = made.view.facts.functions(made.view.path, use.ref.start)[0]
    return not _runs_once(inner.started, inner.callee)


def _runs_once(started: str, callee: str) -> bool:
    return started == "go" or (started == "argument" and callee in _RUNS_ONCE)


def unclear(made: Made, uses: Sequence[Use]) -> Refusal | None:
    """Why it cannot be told who stops it: somebody else may hold it, or its variable holds several."""
    line = made.view.line
    for use in uses:
        if use.escapes or (use.how is How.DEFERRED and use.member != "Stop"):
            member = f".{use.member}" if use.member else ""
            known = made.view.facts.object(use.variable)
            name = known.name if known is not None else "it"
            return Refusal("ownership-unknown", f"{name}{member} is {use.how} at line {line(use.ref.start)}")
    for use in uses:
        if use.how is How.SET and use.variable == made.holder and _is_another(made, use.ref):
            return Refusal("variable-reassigned", f"{use.ref.name} gets another value at line {line(use.ref.start)}")
    return None


def outlives(made: Made, uses: Sequence[Use]) -> Refusal | None:
    """Why what holds it lives on when the literal that makes it ends: its next call finds the same timer or ticker."""
    view = made.view
    for variable in dict.fromkeys(u.variable for u in uses):
        known = view.facts.object(variable)
        if known is not None and not view.declares(view.function, known):
            return Refusal("ownership-unknown", f"{known.name} belongs to a function around the literal that sets it")
    return None


def _is_another(made: Made, ref: Ref) -> bool:
    """Whether the holder is given something else there than what is made, and than nil."""
    if ref.role == "define" and ref.value_start < 0:
        return False
    if (ref.value_start, ref.value_end) == (made.value.start_byte, made.value.end_byte):
        return False
    return made.view.source.data[ref.value_start : ref.value_end] != b"nil" or ref.role == "update"


def homes(made: Made, uses: Sequence[Use]) -> set[tuple[int, ...]]:
    """The functions that use it, each by the literals around its code; the making, and copies beside it, do not count."""
    return {u.literals for u in uses if not _is_neutral(made, u)}


def _is_neutral(made: Made, use: Use) -> bool:
    """Whether the use is a part of the making: the declaration, the assignment, a copy beside it."""
    if use.how in (How.COPIED, How.DROPPED):
        return use.literals == made.view.literals
    return use.how is How.SET and not (use.variable == made.holder and use.ref.value_start >= 0 and _is_nil(made, use))


def _is_nil(made: Made, use: Use) -> bool:
    return made.view.source.data[use.ref.value_start : use.ref.value_end] == b"nil"


def goroutine(made: Made, used_by: set[tuple[int, ...]]) -> Node | Refusal:
    """The literal of the goroutine that alone uses what this function makes, if it is started whenever that is made."""
    view, depth = made.view, len(made.view.literals)
    shared = Refusal("ownership-unknown", "it is captured by another literal")
    home = next(iter(used_by))
    if len(used_by) != 1 or len(home) != depth + 1 or home[:depth] != view.literals:
        return shared
    function = view.facts.functions(view.path, home[-1] + 1)[0]
    if not _runs_once(function.started, function.callee):
        return shared
    literal = view.source.node_at(function.start, function.end)
    following = flow.siblings(made.call)[1]
    starting = flow.statement(literal)
    between = [s for s in following if s.end_byte <= starting.start_byte]
    if starting not in following or any(leaves(n) for s in between for n in flow.inside(s)):
        return Refusal("ownership-unknown", "the goroutine that uses it is not started whenever it is made")
    return literal


def leaves(node: Node) -> bool:
    """Whether the statement may end what the statements around it do: a jump, or a call that never returns."""
    jumps = ("return_statement", "break_statement", "continue_statement", "goto_statement")
    return node.type in jumps or flow.never_returns(node)
