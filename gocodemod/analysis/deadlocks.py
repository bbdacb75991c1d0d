"""Would a wait for a goroutine wait for ever, because a lock is held that the goroutine takes?"""

from __future__ import annotations

from collections.abc import Iterable

from gocodemod.analysis import holding, locks
from gocodemod.analysis.endings import Ending
from gocodemod.analysis.locks import Lock
from gocodemod.analysis.view import View
from gocodemod.model import Refusal
from gocodemod.transform import Context


def at_wait(
    context: Context, view: View, ending: Ending, held: Iterable[Lock], function: str, name: str, *, deferred: bool
) -> Refusal | None:
    """Why the function ``view`` shows, declared as ``function`` and called ``name``, must not wait where it holds ``held``.

    A lock that the goroutine takes, or that code of this module may take behind a call out of sight, is held there, or by
    a caller. ``deferred``: the wait also runs when a panic leaves a lock of the function's own held.
    """
    taken = locks.taken(ending.reach)
    hidden = ending.open_calls
    if not taken and not hidden:
        return None
    clashes = [(lock, "may be held at the Wait") for lock in held]
    clashes += [
        (lock, f"may be held by {lock.where or 'the function around'}") for lock in holding.around(context, view)
    ]
    if deferred:
        for lock in locks.open_sections(view):
            if any(locks.same(lock, t) for t in taken):
                clashes.append((lock, "stays held if the function panics before it gives it back"))
    shared = [t for t in taken if not t.local]
    if function and (hidden or shared):
        for lock in holding.by_callers(context, view, function):
            clashes.append((lock, f"may be held by {lock.where or 'a caller'} when it calls {name}"))
    found = (refused for lock, how in clashes if (refused := _clash(lock, how, taken, hidden)) is not None)
    return next(found, None) or _open_to_all(context, view, function, shared)


def _clash(lock: Lock, how: str, taken: list[Lock], hidden: tuple[str, ...]) -> Refusal | None:
    clash = next((t for t in taken if locks.same(lock, t)), None)
    if clash is not None:
        by = f" in {clash.where}" if clash.where else ""
        return Refusal(
            "lock-held-at-wait",
            f"{lock.text} {how}, and the goroutine takes {clash.text}{by}: each would wait for the other",
        )
    if hidden and not lock.local:
        return Refusal("lock-held-at-wait", f"{lock.text} {how}, and what {hidden[0]} does may take it")
    return None


def _open_to_all(context: Context, view: View, function: str, shared: list[Lock]) -> Refusal | None:
    """Code of other packages around a call of a function that they can call: it may take the lock, or be called back under it."""
    named = context.facts.object(function) if function else None
    if named is None or not (named.exported or named.in_interface):
        return None
    for lock in shared:
        if lock.exported:
            return Refusal("lock-held-at-wait", f"callers elsewhere may hold {lock.text}, which the goroutine takes")
        if caller := holding.while_calling_back(context, view, lock):
            how = f"{caller} calls back with {lock.text} held, which the goroutine takes"
            return Refusal("lock-held-at-wait", f"{how}: what is called may call {named.name}")
    return None
