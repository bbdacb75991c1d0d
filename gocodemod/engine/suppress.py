"""Comments by which people say that a site is to be left alone.

``//gocodemod:ignore NAME[,NAME] -- why`` (without names: every transform) and ``//nolint:gocodemod`` count on the
lines of the site, on the first line of a statement or declaration around it, or in the comment directly above one
of those. Before the package clause they count for the whole file. Only what the tree calls a comment is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter

from gocodemod.golang.source import Source

_HINT = re.compile(rb"gocodemod:ignore|nolint:[^\r\n]*gocodemod")
_DIRECTIVE = re.compile(r"//\s*gocodemod:ignore(?![\w-])(?P<names>.*?)(?:\s--\s*(?P<why>.*))?$")
_NOLINT = re.compile(r"//\s*nolint:(?P<names>[\w,-]+)\s*(?://\s*(?P<why>.*))?$")


@dataclass(frozen=True)
class Directive:
    """``names`` empty: every transform. ``text`` is the reason given, else the comment itself."""

    names: frozenset[str]
    text: str

    def covers(self, transform: str) -> bool:
        return not self.names or transform in self.names


class Directives:
    """The suppression comments of one file. Costs one search of its bytes where there are none."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._by_line = dict(self._found())
        self._lines = source.data.split(b"\n") if self._by_line else []
        self._package_line = self._line_of_package()

    def _found(self) -> Iterator[tuple[int, Directive]]:
        for hint in _HINT.finditer(self._source.data):
            node = self._source.node_at(hint.start(), hint.end())
            directive = _parse(self._source.text(node)) if node.type == "comment" else None
            if directive is not None:
                yield node.start_point.row, directive

    def _line_of_package(self) -> int:
        for child in self._source.tree.root_node.named_children if self._by_line else ():
            if child.type == "package_clause":
                return child.start_point.row
        return 0

    def covering(self, node: tree_sitter.Node, transform: str) -> str | None:
        """Why the site is to be left alone; None if nothing says so."""
        if not self._by_line:
            return None
        rows = {row for row in self._by_line if row < self._package_line}
        for first, last in self._spans(node):
            rows.update(row for row in range(first, last + 1) if row in self._by_line)
            above = first - 1
            while above >= 0 and self._lines[above].lstrip().startswith(b"//"):
                rows.add(above)
                above -= 1
        for row in sorted(rows & self._by_line.keys()):
            if self._by_line[row].covers(transform):
                return self._by_line[row].text
        return None

    def _spans(self, node: tree_sitter.Node) -> Iterator[tuple[int, int]]:
        """Rows at which a comment speaks about the node: all of its own, the first of each statement around it."""
        yield node.start_point.row, node.end_point.row
        # Down from the root: asking each node for its parent takes the square of the depth.
        around: tree_sitter.Node | None = self._source.tree.root_node
        while around is not None and around != node:
            if around.type.endswith(("_statement", "_declaration", "_case", "_clause")):
                yield around.start_point.row, around.start_point.row
            around = around.child_with_descendant(node)


def _parse(comment: bytes) -> Directive | None:
    text = comment.decode("utf-8", "replace").rstrip()
    if match := _DIRECTIVE.match(text):
        return Directive(frozenset(re.split(r"[\s,]+", match["names"].strip())) - {""}, (match["why"] or text).strip())
    if (match := _NOLINT.match(text)) and "gocodemod" in match["names"].split(","):
        return Directive(frozenset(), (match["why"] or text).strip())
    return None
