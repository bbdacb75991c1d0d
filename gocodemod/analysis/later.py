"""Does a function literal run while the function around it does, or some time later, when its variables may be past?"""

from __future__ import annotations

from gocodemod.analysis import goroutines, names
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Call, Function

# Of the standard library: they call what they are given before they return.
_AT_ONCE = (
    "slices.", "sort.", "strings.", "bytes.", "maps.", "path/filepath.Walk", "io/fs.Walk", "testing/synctest.Test",
    "(*sync.Once).Do", "(*sync.Map).Range", "(*testing.T).Run", "(*testing.B).Run", "(*testing.F).Fuzz", "runtime/pprof.Do",
)  # fmt: skip
# First words of functions out of sight which do so, too: retry.Do, wait.PollUntil, db.View, tx.Transaction.
_BY_NAME = frozenset(
    {"retry", "do", "try", "poll", "walk", "each", "foreach", "range", "transaction", "tx", "view", "update", "with", "wait",
     "measure", "time"}
)  # fmt: skip


def runs_later(view: View, literal: Function) -> bool:
    """Whether the literal may run when the function around it has returned: nobody waits for its goroutine, or it is kept.

    ``literal`` is one of those around the site. Unknown is later.
    """
    if goroutines.starts_goroutine(literal):
        return not goroutines.joined(view, literal)
    if literal.started in ("call", "defer"):
        return False
    if literal.started == "assigned":
        return not _only_called_here(view, literal)
    return literal.started != "argument" or not _calls_at_once(view, literal)


def _only_called_here(view: View, literal: Function) -> bool:
    """``retry := func() {...}`` that the same function calls, and nothing else is done with."""
    known = view.facts.object(literal.variable) if literal.variable else None
    if known is None or known.scope != "function" or known.kind != "var":
        return False
    around = [f.start for f in view.functions if f.kind == "literal" and f.start < literal.start]
    return all(
        r.role in ("define", "assign") or (r.role == "call" and sorted(r.literals)[: len(around) + 1] == sorted(around))
        for r in view.refs_of(literal.variable)
    )


def _calls_at_once(view: View, literal: Function) -> bool:
    if literal.callee.startswith(_AT_ONCE):
        return True
    calls = [c for c in view.calls if c.start <= literal.start and literal.end <= c.end and c.name == literal.callee]
    call = min(calls, key=lambda c: c.end - c.start, default=None)
    if call is None or not call.object:
        return False
    seen = _parameters_are_called(view, call)
    return seen if seen is not None else names.first_word(literal.callee) in _BY_NAME


def _parameters_are_called(view: View, call: Call) -> bool | None:
    """Whether the function called does nothing with the functions it is given but call them; None if it is out of sight."""
    known = view.facts.object(call.object)
    if known is None or known.start < 0 or known.kind == "interface-method":
        return None
    try:
        declared = view.facts.functions(known.path, known.start)[-1:]
        taken = [p for f in declared for p in f.params if "func(" in p.underlying]
        uses = [u for p in taken for u in view.facts.uses(p.id) if u.role != "declare"]
    except TypesUnavailable:
        return None
    return bool(uses) and all(u.role == "call" and not u.literals for u in uses)
