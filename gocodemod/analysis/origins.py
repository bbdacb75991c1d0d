"""Where a context variable's values come from, as far as they are written in its package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Ref

# What these make does not end, or not with what it was made from.
ROOTS = frozenset({"context.Background", "context.TODO", "context.WithoutCancel"})
_CANCELS = frozenset({"context.CancelFunc", "context.CancelCauseFunc", "func()"})


@dataclass(frozen=True)
class Origin:
    """One assignment of a context variable: ``call`` is what made the value, None for a plain expression."""

    define: Ref
    call: Call | None


def of(view: View, object_id: str, *, keys: bool = False) -> Iterator[Origin]:
    """Where the variable's values come from, as far as they are written in its package.

    ``keys``: for a field, composite literals (``T{field: value}``) as well.
    """
    declared = view.facts.object(object_id)
    local = declared is not None and declared.scope == "function"
    here = declared is not None and view.declares(view.outermost, declared)
    uses = view.refs_of(object_id) if local and here else view.facts.uses(object_id)
    for use in uses:
        if (use.role in ("define", "assign") or (keys and use.role == "key")) and use.value_start >= 0:
            yield Origin(use, _call_at(view, use))


def _call_at(view: View, use: Ref) -> Call | None:
    found = view.facts.calls(use.path, use.value_start, use.value_end)
    return next((c for c in found if (c.start, c.end) == (use.value_start, use.value_end)), None)


def inputs(view: View, origin: Origin) -> list[str]:
    """The contexts that went into a value."""
    refs = view.facts.refs(origin.define.path, origin.define.value_start, origin.define.value_end)
    found = []
    for ref in refs:
        named = view.facts.object(ref.object)
        if named is not None and named.type == "context.Context" and named.kind not in ("type", "func", "method"):
            found.append(ref.object)
    return found


def cancels(view: View, define: Ref) -> list[str]:
    """The cancel functions that were made together with a context."""
    found = []
    around = view.facts.functions(define.path, define.start)
    refs = view.facts.refs(define.path, around[-1].start, define.value_start) if around else view.refs
    for ref in refs:
        same = ref.path == define.path and ref.value_start == define.value_start and ref.role in ("define", "assign")
        if same and ref.value_index != define.value_index:
            named = view.facts.object(ref.object)
            if named is not None and named.type in _CANCELS:
                found.append(ref.object)
    return found


def chain(view: View, object_id: str) -> Iterator[Origin]:
    """The origins of a variable and of the contexts it was made from."""
    seen, queue = {object_id}, [object_id]
    while queue:
        for origin in of(view, queue.pop()):
            yield origin
            for more in inputs(view, origin):
                if more not in seen:
                    seen.add(more)
                    queue.append(more)
