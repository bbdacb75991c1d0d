"""A group as a field of a struct: one that is there, or one more."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from gocodemod.analysis import elsewhere, layout
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Struct
from gocodemod.golang.source import Source
from gocodemod.model import Edit, Refusal


def existing(view: View, struct: Struct, methods: Sequence[Object]) -> Object | None:
    """A sync.WaitGroup that the struct has already and that one of the methods waits for."""
    for field in struct.fields:
        if field.type == "sync.WaitGroup":
            uses = [u for u in view.facts.uses(field.id) if u.selected == "Wait"]
            if any(u.function == f"{struct.name}.{m.name}" for u in uses for m in methods):
                return field
    return None


def refuses_field(view: View, struct: Struct) -> Refusal | None:
    """Whether the struct can have one more field, whose value must not be copied."""
    if struct.positional or struct.compared:
        what = "made without field names" if struct.positional else "compared"
        return Refusal("struct-is-copied", f"{struct.name} is {what} somewhere, which one more field would break")
    if struct.exported and all(f.exported for f in struct.fields):
        return Refusal(
            "struct-is-copied", f"{struct.name} has exported fields only, so that others make, copy and compare it"
        )
    if other := elsewhere.unloaded_use(view.facts, struct):
        return Refusal("other-build-config", f"{other} uses {struct.name}, and this build configuration leaves it out")
    if struct.exported and not struct.no_copy:
        package = view.facts.file(view.path).package_name
        if other := elsewhere.used_by_value(elsewhere.module_root(struct.path), package, struct):
            return Refusal("struct-is-copied", f"{other} may copy a {struct.name}")
    return None


def why_not(view: View, struct: Struct) -> Refusal | None:
    """Whether the struct can have one more group."""
    if refused := refuses_field(view, struct):
        return refused
    sync = view.facts.lookup(struct.path, struct.start, "sync")
    if sync is not None and sync.kind != "package":
        return Refusal(
            "import-name-taken", "sync means something else beside the struct, so sync.WaitGroup cannot be named"
        )
    return None


def fresh(struct: Struct) -> str:
    """``wg``, or ``wg2``, ``wg3``...: a name that nothing selected on the struct has."""
    number = 1
    while (name := "wg" if number == 1 else f"wg{number}") in struct.taken:
        number += 1
    return name


def add(source: Source, struct: Struct, text: str) -> Edit:
    """One more field, last."""
    block = source.node_at(struct.start, struct.end)
    return layout.append(source, block, f"\n{text}" if _ends_with_comment(block) else text)


def _ends_with_comment(block: Node) -> bool:
    """Whether a comment stands behind the last field: gofmt would move it for the sake of a field below."""
    inner = [c for c in block.named_children if c.type in ("field_declaration", "comment")]
    return bool(inner) and inner[-1].type == "comment"
