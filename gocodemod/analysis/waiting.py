"""What stands behind the Wait of a group: what a goroutine waits for there never comes while it is waited for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gocodemod.analysis import flow, groups, locks, names, reach
from gocodemod.analysis.groups import Group
from gocodemod.analysis.reach import Body
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref
from gocodemod.transform import Context

_RECEIVES = frozenset({"receive", "select-receive", "range"})
# Methods that wait for somebody, and those that end such a wait.
_BLOCKING, _ENDING = frozenset({"Wait", "Acquire"}), frozenset({"Done", "Signal", "Broadcast", "Release"})
# First words of methods that end what an object does, and the waits of those who use it.
_ENDS = frozenset(
    {"close", "stop", "shutdown", "cancel", "kill", "quit", "abort", "interrupt", "terminate", "disconnect"}
)
_CANCELS = frozenset({"context.CancelFunc", "context.CancelCauseFunc"})


@dataclass(frozen=True)
class Wait:
    """``view.node``: the call of Wait. ``behind``: what is named in the code that runs after it."""

    view: View
    behind: tuple[Ref, ...]

    @property
    def line(self) -> int:
        return self.view.line(self.view.node.start_byte)


@dataclass(frozen=True)
class Hindrance:
    """Why a goroutine may not end before Wait returns. ``certain``: it waits for that itself, in plain sight."""

    reason: str
    message: str
    certain: bool


def waits(context: Context, view: View, group: Group) -> list[Wait]:
    """The places that wait for a group: in the outermost function for its variables, else in the package."""
    found = groups.everywhere(context, view, group)
    return [w for there, use in found if use.method == "Wait" and (w := _wait(there)) is not None]


def _wait(view: View | None) -> Wait | None:
    if view is None:
        return None
    function, node = view.function, view.node
    loops = flow.loops_around(node)
    start = loops[-1].start_byte if loops else node.end_byte
    deferred = [n for n in flow.inside(function) if n.type == "defer_statement" and not flow.contains(n, node)]
    behind = [
        r
        for r in view.refs_in(function)
        if r.start >= start or any(n.start_byte <= r.start < n.end_byte for n in deferred)
    ]
    return Wait(view, (*behind, *_behind_others(view, behind)))


def _behind_others(view: View, behind: list[Ref]) -> list[Ref]:
    """``go func() { wg.Wait(); close(done) }()``: what runs where that is received elsewhere runs behind Wait, too."""
    if not view.literals:
        return []
    told = {r.object for r in behind if r.role in ("close", "send")}
    receives = [r for r in view.refs if r.object in told and r.role in _RECEIVES and r.literals != view.literals]
    return [r for r in view.refs if any(r.start > first.start and r.literals == first.literals for first in receives)]


def hindrances(context: Context, view: View, waiting: Iterable[Wait]) -> list[Hindrance]:
    """What speaks against waiting for the goroutine whose function ``view`` shows."""
    body = flow.body(view.function)
    assert body is not None, "a goroutine's function has a body"
    bodies = reach.reach(context, view, body).bodies
    found: list[Hindrance] = []
    for wait in waiting:
        found += _by_lock(wait, bodies)
        for number, piece in enumerate(bodies):
            found += _by_signal(wait, piece, number == 0)
    return found


def _by_lock(wait: Wait, bodies: Iterable[Body]) -> list[Hindrance]:
    held = {text.rsplit(".", 1)[-1]: text for text in locks.held(wait.view)}
    for piece in bodies:
        for call in piece.calls:
            if call.name.endswith((".Lock", ".RLock")) and call.receiver_start >= 0:
                taken = piece.view.source.data[call.receiver_start : call.receiver_end].decode("utf-8", "replace")
                if (text := held.get(taken.rsplit(".", 1)[-1])) is not None:
                    message = f"{text} is held at the Wait in line {wait.line}, and the goroutine takes it"
                    return [Hindrance("lock-held-at-wait", message, certain=True)]
    return []


def _by_signal(wait: Wait, piece: Body, own: bool) -> list[Hindrance]:
    """Channels and contexts that the piece waits on and that are served behind the Wait."""
    fed, taken = set(), set()
    for ref in wait.behind:
        if ref.role in ("close", "send") or (ref.role == "base" and ref.selected in _ENDING):
            fed.add(ref.object)
        elif ref.role in _RECEIVES:
            taken.add(ref.object)
        elif ref.role in ("call", "defer-call") and _cancels(wait.view, ref):
            fed |= _cancelled(wait.view, ref)
    ended = {r.object for r in wait.behind if r.role == "base" and names.first_word(r.selected) in _ENDS}
    found = []
    for ref in piece.view.refs_in(piece.view.node):
        waits = ref.role in _RECEIVES or (ref.role == "base" and ref.selected in _BLOCKING)
        takes = ref.object in fed and waits
        gives = ref.object in taken and ref.role == "send"
        if takes or gives:
            # Whether there is room enough for all that is sent, who knows.
            sure = takes or not _buffered(wait.view, ref)
            message = f"the goroutine waits for {ref.name}, which is served behind the Wait in line {wait.line} only"
            found.append(Hindrance("waits-for-the-group", message, certain=sure))
        elif ref.object in fed | taken and own and ref.role in ("argument", "read", "key"):
            message = f"{ref.name} is handed on, and served behind the Wait in line {wait.line} only"
            found.append(Hindrance("waits-for-the-group", message, certain=False))
        elif ref.object in ended and ref.role in ("base", "argument"):
            message = f"{ref.name} may keep the goroutine, and is ended behind the Wait in line {wait.line} only"
            found.append(Hindrance("waits-for-the-group", message, certain=False))
    return found


def _cancels(view: View, ref: Ref) -> bool:
    known = view.facts.object(ref.object)
    return known is not None and known.type in _CANCELS


def _cancelled(view: View, cancel: Ref) -> set[str]:
    """The contexts that are made together with a cancel function."""
    made = {(r.path, r.value_start) for r in view.refs_of(cancel.object) if r.role in ("define", "assign")}
    if not made:
        made = {(r.path, r.value_start) for r in view.facts.uses(cancel.object) if r.role in ("define", "assign")}
    near = [r for path, at in made for r in _refs_of_function(view, path, at)]
    return {r.object for r in near if (r.path, r.value_start) in made and r.role in ("define", "assign")}


def _refs_of_function(view: View, path: str, offset: int) -> tuple[Ref, ...]:
    around = view.facts.functions(path, offset)
    return view.facts.refs(path, around[-1].start, around[-1].end) if around else ()


def _buffered(view: View, ref: Ref) -> bool:
    """``make(chan T, n)`` wherever the channel is made."""
    made = [r for r in view.facts.uses(ref.object) if r.value_start >= 0]
    return bool(made) and all(
        b"," in view.source.data[r.value_start : r.value_end] for r in made if r.path == view.path
    )
