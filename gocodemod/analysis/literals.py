"""A channel that a struct's field becomes: made in every place that makes a value of the struct, or in none."""

from __future__ import annotations

import re

from tree_sitter import Node

from gocodemod.analysis import elsewhere, layout
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Object, Struct
from gocodemod.golang.source import Source
from gocodemod.model import Edit, Refusal
from gocodemod.transform import Context

_REASON = "made-without-the-channel"


def with_channel(
    context: Context, view: View, base: Object, field: Object, made: str
) -> tuple[tuple[str, Edit], ...] | Refusal:
    """Edits, with their files, that give a field ``made`` wherever a value of its struct, as ``base`` is one, is made."""
    struct = view.facts.structure(base.id)
    if struct is None or field.id not in (f.id for f in struct.fields) or struct.generic:
        return Refusal(_REASON, f"the struct that {field.name} belongs to is not plainly that of {base.name}")
    if refusal := why_not(view, struct):
        return refusal
    found = []
    for place in context.facts.constructions(field.id).made:
        where = f"{place.path.rsplit('/', 1)[-1]} makes a {struct.name}"
        if place.kind != "literal" or place.sets:
            return Refusal(_REASON, f"{where} without a composite literal that can have the channel")
        try:
            source = view.source if place.path == view.path else context.source(place.path)
        except (OSError, TypesUnavailable):
            return Refusal(_REASON, f"{where}, and cannot be read")
        body = _braces(source, place.start)
        known = view.facts.lookup(place.path, place.start, "make")
        if body is None or (known is not None and known.kind != "builtin"):
            return Refusal(_REASON, f"{where} in a way that is not understood")
        found.append((place.path, add_key(source, body, f"{field.name}: {made}")))
    return tuple(found) or Refusal(_REASON, f"no place makes a {struct.name}")


def why_not(view: View, struct: Struct) -> Refusal | None:
    """What is done to values of the struct that a field of another type, or one that must be made, does not bear."""
    for places, what in ((struct.positional, "made without field names"), (struct.compared, "compared")):
        if places:
            return Refusal(_REASON, f"{struct.name} is {what} somewhere")
    if struct.copied:
        return Refusal(_REASON, f"{struct.name} is copied somewhere, and a copy would share the channel")
    if other := elsewhere.unloaded_use(view.facts, struct):
        return Refusal("other-build-config", f"{other} uses {struct.name}, and this build configuration leaves it out")
    if struct.exported and view.source.package() != "main":
        declared = view.facts.object(struct.object)
        package = declared.package if declared is not None else ""
        if "internal" not in package.split("/"):
            return Refusal(_REASON, f"{struct.name} is exported: other packages may make one")
        if other := elsewhere.made_outside(elsewhere.module_root(struct.path), package, struct):
            return Refusal(_REASON, f"{other} may make a {struct.name}")
    return None


def _braces(source: Source, start: int) -> Node | None:
    """The braces of the composite literal that begins there: with its type, or, in another literal, without."""
    node: Node | None = source.node_at(start, start + 1)
    while node is not None and node.start_byte == start:
        if node.type == "literal_value":
            return node
        if node.type == "composite_literal":
            return node.child_by_field_name("body")
        node = node.parent
    return None


def add_key(source: Source, body: Node, text: str) -> Edit:
    """One more key, last in the braces of a composite literal."""
    data, close = source.data, body.end_byte - 1
    if not data[body.start_byte + 1 : close].strip():
        return layout.edit(body.start_byte, body.end_byte, f"{{{text}}}")
    line = data[data.rfind(b"\n", 0, close) + 1 : close]
    if not line.strip():
        return layout.edit(close, close, f"{text},\n")
    comma = "" if re.search(rb",\s*$", data[body.start_byte : close]) else ","
    return layout.edit(close, close, f"{comma} {text}")
