"""What a change set touches, for who has to judge it: functions, exported API, timing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import tree_sitter

from gocodemod.deliver.changesets import ChangeSet
from gocodemod.golang.source import Source

# What transforms tell about timing goes by these names in their evidence.
_TIMING = ("cadence", "timing", "timeout")
_FUNCTIONS = ("function_declaration", "method_declaration")


@dataclass(frozen=True)
class Impact:
    """``functions``: those around the sites, as ``worker.(*Worker).Start``. ``exported``: exported declarations that change.

    ``timing``: what the sites say about it, without repetitions.
    """

    functions: tuple[str, ...]
    exported: tuple[str, ...]
    timing: tuple[str, ...]


def impact(change: ChangeSet, before: Mapping[str, bytes]) -> Impact:
    """``before``: the base's contents of the files that change, by path relative to the top."""
    sources = {path: Source.parse(path, data) for path, data in before.items()}
    functions: dict[str, None] = {}
    for outcome in change.sites:
        source = sources.get(os.path.relpath(outcome.site.path, change.root))
        if source is not None:
            functions[_around(source, outcome.site.start)] = None
    exported: set[str] = set()
    for path, after in change.files.items():
        old = dict(_exported(sources[path])) if path in sources else {}
        new = dict(_exported(Source.parse(path, after)))
        exported |= {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    told = (o.evidence[key] for o in change.sites for key in _TIMING if key in o.evidence)
    return Impact(tuple(functions), tuple(sorted(exported)), tuple(dict.fromkeys(told)))


def _around(source: Source, at: int) -> str:
    package = next((n for n in source.tree.root_node.named_children if n.type == "package_clause"), None)
    name = _text(source, package.named_children[0]) if package and package.named_children else "?"
    for node in source.tree.root_node.named_children:
        if node.type in _FUNCTIONS and node.start_byte <= at < node.end_byte:
            return f"{name}.{_named(source, node)}"
    return f"{name} (outside of functions)"


def _named(source: Source, node: tree_sitter.Node) -> str:
    name = node.child_by_field_name("name")
    receiver = node.child_by_field_name("receiver")
    plain = _text(source, name) if name else "?"
    if receiver is None or not receiver.named_children:
        return plain
    kind = receiver.named_children[0].child_by_field_name("type")
    told = _text(source, kind) if kind else "?"
    return f"({told}).{plain}" if told.startswith("*") else f"{told}.{plain}"


def _exported(source: Source) -> Iterator[tuple[str, bytes]]:
    """Exported declarations of the package with what others see of them."""
    for node in source.tree.root_node.named_children:
        if node.type in _FUNCTIONS:
            name = _named(source, node)
            if all(part.lstrip("(*")[:1].isupper() for part in name.split(".")):
                body = node.child_by_field_name("body")
                yield name, _flat(source.data[node.start_byte : body.start_byte if body else node.end_byte])
        elif node.type in ("type_declaration", "const_declaration", "var_declaration"):
            for spec in _specs(node):
                for name in _names(source, spec):
                    if name[:1].isupper():
                        yield name, _flat(_seen(source, spec))


def _specs(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    for child in node.named_children:
        if child.type.endswith("_list"):
            yield from _specs(child)
        elif child.type in ("type_spec", "type_alias", "const_spec", "var_spec"):
            yield child


def _names(source: Source, spec: tree_sitter.Node) -> Iterator[str]:
    yield from (_text(source, name) for name in spec.children_by_field_name("name"))


def _seen(source: Source, spec: tree_sitter.Node) -> bytes:
    """A variable's initial value is nobody's business where its type is written; what it calls may change freely."""
    kind = spec.child_by_field_name("type")
    if spec.type == "var_spec" and kind is not None:
        return source.data[spec.start_byte : kind.end_byte]
    return source.text(spec)


def _flat(text: bytes) -> bytes:
    return b" ".join(text.split())


def _text(source: Source, node: tree_sitter.Node) -> str:
    return source.text(node).decode("utf-8", "replace")
