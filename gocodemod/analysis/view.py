"""One function of one file, with the tree and the type checker's answers side by side."""

from __future__ import annotations

import bisect
import dataclasses
import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.golang.facts import Call, Facts, Function, Object, Ref
from gocodemod.golang.source import Source
from gocodemod.golang.versions import Language

_Placed = TypeVar("_Placed", Ref, Call)


@dataclass(frozen=True)
class View:
    """``function`` is the innermost function around the site, ``outermost`` the declaration it stands in."""

    source: Source
    facts: Facts
    node: Node
    function: Node
    outermost: Node
    language: Language

    @classmethod
    def around(cls, source: Source, facts: Facts, node: Node, language: Language) -> View | None:
        """None for a node outside any function."""
        function, outermost = flow.enclosing_function(node), flow.outermost_function(node)
        if function is None or outermost is None:
            return None
        return cls(source, facts, node, function, outermost, language)

    def at(self, node: Node) -> View:
        """The same function, about another node of it."""
        return dataclasses.replace(self, node=node)

    @property
    def path(self) -> str:
        return self.source.path

    def text(self, node: Node) -> str:
        return self.source.text(node).decode("utf-8", "surrogateescape")

    @functools.cached_property
    def refs(self) -> tuple[Ref, ...]:
        """Every identifier of the outermost function."""
        return self.facts.refs(self.path, self.outermost.start_byte, self.outermost.end_byte)

    @functools.cached_property
    def calls(self) -> tuple[Call, ...]:
        """Every call of the outermost function."""
        return self.facts.calls(self.path, self.outermost.start_byte, self.outermost.end_byte)

    @functools.cached_property
    def running(self) -> tuple[Call, ...]:
        """The calls that run with the node: not those of goroutines that it starts, and not the ``go`` calls themselves."""
        apart = [n for n in flow.everything(self.node) if n.type == "go_statement"]
        inside = (c for c in self.calls_in(self.node))
        return tuple(c for c in inside if not any(n.start_byte <= c.start and c.end <= n.end_byte for n in apart))

    @functools.cached_property
    def functions(self) -> tuple[Function, ...]:
        """The functions around the site, innermost first."""
        return self.facts.functions(self.path, self.node.start_byte)

    @functools.cached_property
    def literals(self) -> tuple[int, ...]:
        """Starts of the function literals around the site, outermost first: which goroutine's code this is."""
        return tuple(f.start for f in reversed(self.functions) if f.kind == "literal")

    @functools.cached_property
    def _calls_by_span(self) -> dict[tuple[int, int], Call]:
        return {(c.start, c.end): c for c in self.calls}

    @functools.cached_property
    def _refs_by_start(self) -> dict[int, Ref]:
        return {r.start: r for r in self.refs}

    @functools.cached_property
    def _refs_by_object(self) -> dict[str, list[Ref]]:
        found: dict[str, list[Ref]] = {}
        for ref in self.refs:
            found.setdefault(ref.object, []).append(ref)
        return found

    @functools.cached_property
    def _ref_starts(self) -> list[int]:
        return _starts(self.refs)

    @functools.cached_property
    def _call_starts(self) -> list[int]:
        return _starts(self.calls)

    def call_at(self, node: Node) -> Call | None:
        return self._calls_by_span.get((node.start_byte, node.end_byte))

    def ref_at(self, node: Node) -> Ref | None:
        """The reference of an identifier, or of the last identifier of a selector."""
        field = node.child_by_field_name("field") if node.type == "selector_expression" else node
        return self._refs_by_start.get(field.start_byte) if field is not None else None

    def refs_of(self, object_id: str) -> tuple[Ref, ...]:
        return tuple(self._refs_by_object.get(object_id, ()))

    def refs_in(self, node: Node) -> tuple[Ref, ...]:
        return _inside(self.refs, self._ref_starts, node)

    def calls_in(self, node: Node) -> tuple[Call, ...]:
        return _inside(self.calls, self._call_starts, node)

    def own_calls_in(self, node: Node) -> tuple[Call, ...]:
        """Calls in the node that the site's own function makes, not a literal inside it."""
        return tuple(c for c in self.calls_in(node) if c.literals == self.literals)

    def line(self, offset: int) -> int:
        return self.source.data.count(b"\n", 0, offset) + 1

    def declares(self, node: Node, declared: Object | None) -> bool:
        """Whether the object is declared inside the node."""
        inside = declared is not None and node.start_byte <= declared.start < node.end_byte
        return inside and declared is not None and declared.path == self.path


def _starts(found: Sequence[_Placed]) -> list[int]:
    """Where they start, in order; empty where they are in another order."""
    starts = [one.start for one in found]
    return starts if all(a <= b for a, b in itertools.pairwise(starts)) else []


def _inside(found: Sequence[_Placed], starts: Sequence[int], node: Node) -> tuple[_Placed, ...]:
    """Those inside the node. Asked for each statement of a function, so it must not look at all of them each time."""
    start, end = node.start_byte, node.end_byte
    if starts:
        found = found[bisect.bisect_left(starts, start) : bisect.bisect_right(starts, end)]
    return tuple(one for one in found if start <= one.start and one.end <= end)
