"""Where a variable or field is declared, and the edits that declare another one beside it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow, layout, names
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Object
from gocodemod.golang.source import Source
from gocodemod.model import Edit
from gocodemod.transform import Context

_SPECS = ("field_declaration", "var_spec")


@dataclass(frozen=True)
class Declaration:
    """``spec``: the field declaration or the ``var`` specification. ``names``: every name that it declares."""

    source: Source
    known: Object
    spec: Node
    names: tuple[Node, ...]

    @property
    def path(self) -> str:
        return self.source.path

    @property
    def type(self) -> Node | None:
        return self.spec.child_by_field_name("type")

    @property
    def value(self) -> Node | None:
        return self.spec.child_by_field_name("value")

    @property
    def alone(self) -> bool:
        return len(self.names) == 1

    def beside(self, name: str, typed: str) -> Edit:
        """One more field or variable, on the line behind."""
        return layout.behind(self.source, self.spec, f"{self.keyword}{name} {typed}\n")

    @property
    def keyword(self) -> str:
        """``var `` where the specification stands in no list of several."""
        parent = self.spec.parent
        return "var " if parent is not None and parent.type == "var_declaration" and not _in_parentheses(parent) else ""


def _in_parentheses(declaration: Node) -> bool:
    return any(c.type == "(" for c in declaration.children)


def of(context: Context, view: View, known: Object) -> Declaration | None:
    """None for what is declared in any other way (``:=``, parameters, embedded fields), or out of sight."""
    try:
        source = view.source if known.path == view.path else context.source(known.path)
    except (OSError, TypesUnavailable):
        return None
    node: Node | None = source.node_at(known.start, known.start + len(known.name.encode()))
    while node is not None and node.type not in _SPECS and node.type not in flow.FUNCTIONS:
        node = node.parent
    if node is None or node.type not in _SPECS:
        return None
    named = tuple(node.children_by_field_name("name"))
    return Declaration(source, known, node, named) if any(n.start_byte == known.start for n in named) else None


def fresh(view: View, known: Object, base: str, wanted: str) -> str:
    """``wanted``, or ``wanted2``...: a name for what is declared beside a variable, or beside a field of what ``base`` is.

    A field has its struct for itself; a variable of the package shares its names with every file of the folder.
    """
    if known.scope == "function":
        return names.fresh(view.facts, view.path, view.node.start_byte, view.outermost, wanted)
    struct = view.facts.structure(base) if known.kind == "field" else None
    folder, number = os.path.dirname(known.path), 1
    while True:
        name = wanted if number == 1 else f"{wanted}{number}"
        if name not in struct.taken if struct is not None else not _is_written(folder, name):
            return name
        number += 1


def _is_written(folder: str, name: str) -> bool:
    word = re.compile(rb"(?<![.\w])%s\b" % re.escape(name.encode()))
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if entry.endswith(".go") and os.path.isfile(path):
            with open(path, "rb") as file:
                if word.search(file.read()):
                    return True
    return False
