"""Words in identifiers, and names that nothing uses yet."""

from __future__ import annotations

import re

from tree_sitter import Node

from gocodemod.golang.facts import Facts

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

STOP_WORDS = frozenset(
    {"stop", "stopped", "stopping", "quit", "exit", "shutdown", "closing", "closed", "done", "cancel", "canceled",
     "cancelled", "term"}
)  # fmt: skip
# A channel with one of these in its name tells that something begins or is free, never that it should end
# (minio globalGridStart, etcd readych, swarmkit started, moby startupDone).
START_WORDS = frozenset(
    {"start", "started", "starting", "startup", "ready", "init", "initialized", "sem", "slot", "producer"}
)
# These end a phase as often as a life (readDone, bootstrapDone): alone, or beside words that say stop, they mean stop.
_ENDS_A_PHASE = frozenset({"done", "closed", "exit"})
_GENERIC = frozenset({"ch", "c", "chan", "channel", "sig", "signal", "notify", "is"})
STOPPING_FUNCTIONS = frozenset(
    {"close", "stop", "shutdown", "cancel", "quit", "exit", "kill", "terminate", "destroy", "dispose", "halt"}
)


def words(name: str) -> list[str]:
    """Lower-case words of a camelCase or snake_case name; ``stopc`` and ``donech`` give ``stop`` and ``done``."""
    found = [w.lower() for w in _WORD.findall(name)]
    return [_without_suffix(w) for w in found]


def means_stop(name: str) -> bool:
    """Whether a channel's name says that the whole should end, not a part of it."""
    found = words(name)
    strong = [w for w in found if w in STOP_WORDS and w not in _ENDS_A_PHASE]
    weak = [w for w in found if w in _ENDS_A_PHASE]
    return bool(strong) or (bool(weak) and all(w in _ENDS_A_PHASE | _GENERIC for w in found))


def asks_to_stop(name: str) -> bool:
    """Whether a channel's name asks for an end, and nothing else: ``stopped`` and ``done`` may tell of one, ``daemonStop``
    of another's.
    """
    tells = _ENDS_A_PHASE | {"stopped", "canceled", "cancelled"}
    found = words(name)
    return all(w in STOP_WORDS | _GENERIC for w in found) and any(w in STOP_WORDS - tells for w in found)


def _without_suffix(word: str) -> str:
    for suffix in ("chan", "ch", "c"):
        stem = word.removesuffix(suffix)
        if stem != word and stem in STOP_WORDS | START_WORDS | {"close"}:
            return stem
    return word


def first_word(name: str) -> str:
    """First word of a function's name, its receiver type left out (``Server.stopAll`` -> ``stop``)."""
    found = words(name.rsplit(".", 1)[-1])
    return found[0] if found else ""


def fresh(facts: Facts, path: str, offset: int, function: Node, wanted: str, first: int = 1) -> str:
    """``wanted``, or ``wanted2``, ``wanted3``...: a name that nothing in the function or visible at the offset has.

    ``first`` > 1 starts counting there, for a caller that places several declarations in one block.
    """
    taken = {n.text for n in _identifiers(function)}
    number = first
    while True:
        name = wanted if number == 1 else f"{wanted}{number}"
        if name.encode() not in taken and facts.lookup(path, offset, name) is None:
            return name
        number += 1


def _identifiers(function: Node) -> list[Node]:
    found, stack = [], [function]
    while stack:
        node = stack.pop()
        if node.type in ("identifier", "field_identifier", "package_identifier"):
            found.append(node)
        stack.extend(node.named_children)
    return found
