"""One function of one file, with the tree and the type checker's answers side by side."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.golang.facts import Call, Facts, Function, Object, Ref
from gocodemod.golang.source import Source
from gocodemod.golang.versions import Language


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

    def call_at(self, node: Node) -> Call | None:
        return self._calls_by_span.get((node.start_byte, node.end_byte))

    def ref_at(self, node: Node) -> Ref | None:
        """The reference of an identifier, or of the last identifier of a selector."""
        field = node.child_by_field_name("field") if node.type == "selector_expression" else node
        return self._refs_by_start.get(field.start_byte) if field is not None else None

    def refs_of(self, object_id: str) -> tuple[Ref, ...]:
        return tuple(r for r in self.refs if r.object == object_id)

    def refs_in(self, node: Node) -> tuple[Ref, ...]:
        return tuple(r for r in self.refs if node.start_byte <= r.start and r.end <= node.end_byte)

    def calls_in(self, node: Node) -> tuple[Call, ...]:
        return tuple(c for c in self.calls if node.start_byte <= c.start and c.end <= node.end_byte)

    def own_calls_in(self, node: Node) -> tuple[Call, ...]:
        """Calls in the node that the site's own function makes, not a literal inside it."""
        return tuple(c for c in self.calls_in(node) if c.literals == self.literals)

    def line(self, offset: int) -> int:
        return self.source.data.count(b"\n", 0, offset) + 1

    def declares(self, node: Node, declared: Object | None) -> bool:
        """Whether the object is declared inside the node."""
        inside = declared is not None and node.start_byte <= declared.start < node.end_byte
        return inside and declared is not None and declared.path == self.path
