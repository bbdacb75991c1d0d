"""The values of a struct type: is each made by a composite literal that can set one more field, and what sets it?"""

from __future__ import annotations

import os
from collections.abc import Sequence

from tree_sitter import Node

from gocodemod.golang.facts import Instances, Literal, Object, Struct
from gocodemod.model import Edit, Refusal
from gocodemod.thread.plan import World

# A field of such a type is nil in the zero value: where every literal sets one, the zero value is of no use.
_NIL = ("map[", "chan ", "<-chan ", "*", "func(", "interface", "[]")


def problem(world: World, struct: Struct, found: Instances) -> Refusal | None:
    """Why a value of the type may exist without the channel, or be one value no more once it holds a sync.Once."""
    name = struct.name
    if struct.generic:
        return Refusal("zero-value-used", f"{name} is generic: what makes its values cannot be seen whole")
    if found.unloaded:
        return Refusal("other-build-config", f"{_base(found.unloaded[0])} uses {name}, and is not built here")
    if found.zero:
        return Refusal(
            "zero-value-used",
            f"{world.where(found.zero[0].path, found.zero[0].start)} makes a {name} {found.zero[0].how}",
        )
    for what, places in (
        ("copies", found.copied),
        ("compares", found.compared),
        ("looks at the layout of", found.measured),
    ):
        if places:
            return Refusal("struct-is-copied", f"{world.where(places[0].path, places[0].start)} {what} a {name}")
    if found.embedded:
        return Refusal(
            "struct-is-embedded", f"{world.where(found.embedded[0].path, found.embedded[0].start)} embeds {name}"
        )
    for literal in found.literals:
        refused = _literal(world, struct, literal)
        if refused is not None:
            return refused
    if not found.literals:
        return Refusal("zero-value-used", f"nothing makes a {name} by a composite literal")
    return _tagged(world, struct) or _made_by_others(world, struct)


def _literal(world: World, struct: Struct, literal: Literal) -> Refusal | None:
    where = world.where(literal.path, literal.start)
    if literal.outside:
        return Refusal("built-elsewhere", f"{where} makes a {struct.name} in another package")
    if not literal.keyed:
        return Refusal("built-elsewhere", f"{where} makes a {struct.name} without field names")
    node = _node(world, literal)
    around = node.parent.parent if node is not None and node.parent is not None else None
    if node is None or around is None:
        return Refusal("built-elsewhere", f"{where} makes a {struct.name} in a way that cannot be read here")
    elided = node.parent is not None and node.parent.type == "literal_element"
    pointed = around.type == "unary_expression" and (around.text or b"").startswith(b"&")
    kept = (
        around.type == "expression_list" and around.parent is not None and around.parent.type == "short_var_declaration"
    )
    if not (elided or pointed or kept):
        return Refusal("struct-is-copied", f"{where} hands on a {struct.name} by value")
    made = world.facts.lookup(literal.path, literal.start, "make")
    if made is None or made.kind != "builtin":
        return Refusal("import-name-taken", f"make means something else at {where}")
    return None


def _tagged(world: World, struct: Struct) -> Refusal | None:
    block = world.source(struct.path).node_at(struct.start, struct.end)
    fields = [n for n in block.named_children if n.type == "field_declaration"]
    if any(f.child_by_field_name("tag") is not None for f in fields):
        return Refusal("zero-value-used", f"fields of {struct.name} have tags: a decoder may make values of it")
    return None


def _made_by_others(world: World, struct: Struct) -> Refusal | None:
    """Other modules may make a value of an exported type, unless one that they make is of no use."""
    named = world.facts.object(struct.object)
    if named is None or not world.is_api(named) or world.exported:
        return None
    if any(not f.exported and f.underlying.startswith(_NIL) and _always_set(world, f) for f in struct.fields):
        return None
    return Refusal("exported-api", f"other modules may make a {struct.name} themselves (--thread-exported)")


def _always_set(world: World, field: Object) -> bool:
    made = [m for m in world.facts.constructions(field.id).made if m.kind != "test"]
    return bool(made) and all(m.sets for m in made)


def _node(world: World, literal: Literal) -> Node | None:
    """The braces of a composite literal."""
    node = world.source(literal.path).node_at(literal.start, literal.end)
    return node if node.type == "literal_value" and node.start_byte == literal.start else None


def _base(path: str) -> str:
    return os.path.basename(path)


# --- edits: replacements only (see thread/plan.py) ---------------------------------------------------------------


def set_field(world: World, literal: Literal, text: str) -> Edit:
    """``text`` (``done: make(chan struct{})``) as the last element of a composite literal."""
    data, end = world.source(literal.path).data, literal.end - 1
    node = _node(world, literal)
    assert node is not None, "a literal that is no problem can be read"
    if not data[data.rfind(b"\n", 0, end) + 1 : end].strip():
        return _edit(end, end + 1, f"{text},\n}}")
    elements = [c for c in node.named_children if c.type != "comment"]
    comma = ", " if elements and node.children[-2].type != "," else " " if elements else ""
    return _edit(end, end + 1, f"{comma}{text}}}")


def add_fields(world: World, struct: Struct, lines: Sequence[str]) -> Edit:
    """Fields at the struct's end, behind a blank line, so that those before it keep their places."""
    source = world.source(struct.path)
    data, end, text = source.data, struct.end - 1, "\n".join(lines)
    inner = data[struct.start + 1 : end]
    blank = "\n" if inner.strip() else ""
    if not data[data.rfind(b"\n", 0, end) + 1 : end].strip():
        return _edit(end, end + 1, f"{blank}{text}\n}}")
    held = inner.strip().decode("utf-8", "surrogateescape")
    return _edit(struct.start, struct.end, f"{{\n{held}\n{blank}{text}\n}}" if held else f"{{\n{text}\n}}")


def first_statement(world: World, path: str, block: Node, guard: Node | None, text: str) -> Edit | None:
    """``text`` as the first statement of a body, or right behind ``guard``; None where it does not end its line."""
    data = world.source(path).data
    start = block.start_byte if guard is None else guard.end_byte - 1
    line = data.find(b"\n", start)
    rest = data[start + 1 : line].rstrip()
    if block.start_point.row == block.end_point.row:
        held = data[block.start_byte + 1 : block.end_byte - 1].strip().decode("utf-8", "surrogateescape")
        if guard is not None:
            return None
        return _edit(block.start_byte, block.end_byte, f"{{\n{text}\n{held}\n}}" if held else f"{{\n{text}\n}}")
    if rest.strip() and not rest.strip().startswith(b"//"):
        return None
    end = start + 1 + len(rest)
    return _edit(start, end, data[start:end].decode("utf-8", "surrogateescape") + f"\n{text}")


def _edit(start: int, end: int, text: str) -> Edit:
    return Edit(start, end, text.encode("utf-8", "surrogateescape"))
