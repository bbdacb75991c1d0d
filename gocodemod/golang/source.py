"""A Go file as bytes and tree: parsing, queries, import names, and what its header says.

The tree is tree-sitter-go's. Two of its habits matter everywhere: statements sit under a
``statement_list`` inside ``block`` and the case clauses, and a generic call with one type argument
parses as ``type_conversion_expression``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter
import tree_sitter_go

_LANGUAGE = tree_sitter.Language(tree_sitter_go.language())

# https://pkg.go.dev/cmd/go#hdr-Generate_Go_files_by_processing_source: must stand before the package clause.
_GENERATED = re.compile(rb"^// Code generated .* DO NOT EDIT\.\r?$", re.MULTILINE)


@functools.cache
def parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(_LANGUAGE)


@functools.cache
def query(text: str) -> tree_sitter.Query:
    return tree_sitter.Query(_LANGUAGE, text)


@dataclass(frozen=True)
class Source:
    """``path`` is absolute; ``tree`` covers exactly ``data``."""

    path: str
    data: bytes
    tree: tree_sitter.Tree

    @classmethod
    def parse(cls, path: str, data: bytes) -> Source:
        return cls(path, data, parser().parse(data))

    def text(self, node: tree_sitter.Node) -> bytes:
        return self.data[node.start_byte : node.end_byte]

    def node_at(self, start: int, end: int) -> tree_sitter.Node:
        """The smallest named node covering the range."""
        node = self.tree.root_node.named_descendant_for_byte_range(start, end)
        assert node is not None, "the root covers every range of its file"
        return node

    def captures(self, text: str, name: str, ranges: tuple[tuple[int, int], ...] = ()) -> Iterator[tree_sitter.Node]:
        """Nodes captured as ``name``, in source order; with ``ranges`` only matches that intersect one of them.

        A query over a whole tree costs more than the parse; around the needles it costs nothing.
        """
        seen: set[int] = set()
        for start, end in ranges or ((0, len(self.data)),):
            cursor = tree_sitter.QueryCursor(query(text))
            cursor.set_byte_range(start, end)
            for node in sorted(cursor.captures(self.tree.root_node).get(name, ()), key=lambda n: n.start_byte):
                if node.id not in seen:
                    seen.add(node.id)
                    yield node

    def package(self) -> str:
        """The name in the package clause, ``""`` where there is none."""
        clause = next((n for n in self.tree.root_node.named_children if n.type == "package_clause"), None)
        name = clause.named_children[0] if clause is not None and clause.named_children else None
        return self.text(name).decode("utf-8", "replace") if name is not None else ""

    def imports(self) -> dict[str, str]:
        """Import path by the name the file uses for it (``.`` and ``_`` included; the last element where none is given)."""
        found: dict[str, str] = {}
        for declaration in self.tree.root_node.named_children:
            if declaration.type == "import_declaration":
                for spec in _specs(declaration):
                    path_node = spec.child_by_field_name("path")
                    name_node = spec.child_by_field_name("name")
                    if path_node is None:
                        continue
                    path = self.text(path_node)[1:-1].decode("utf-8", "replace")
                    name = self.text(name_node).decode("utf-8", "replace") if name_node else path.rsplit("/", 1)[-1]
                    found[name] = path
        return found


def deeper(node: tree_sitter.Node, levels: int) -> bool:
    """Whether the tree below the node has more levels than that."""
    if node.descendant_count <= levels:
        return False
    cursor, depth = node.walk(), 0
    while True:
        if cursor.goto_first_child():
            depth += 1
            if depth > levels:
                return True
            continue
        while not cursor.goto_next_sibling():
            if depth == 0 or not cursor.goto_parent():
                return False
            depth -= 1


def _specs(declaration: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    for child in declaration.named_children:
        if child.type == "import_spec":
            yield child
        elif child.type == "import_spec_list":
            yield from (c for c in child.named_children if c.type == "import_spec")


def is_generated(data: bytes) -> bool:
    """Whether the file says so by Go's convention, in a comment line before its package clause."""
    match = _GENERATED.search(data)
    if match is None:
        return False
    package = re.search(rb"^package\s", data, re.MULTILINE)
    return package is None or match.start() < package.start()


# https://pkg.go.dev/cmd/go#hdr-Build_constraints: by the end of a file's name, and by its first //go:build line.
_SYSTEMS = frozenset(
    {
        "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd",
        "openbsd", "plan9", "solaris", "wasip1", "windows", "zos", "386", "amd64", "arm", "arm64", "loong64", "mips",
        "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x", "wasm",
    }
)  # fmt: skip
_BUILD_LINE = re.compile(rb"^//(?:go:build| \+build) (.*?)\r?$", re.MULTILINE)


def build_constraint(path: str, data: bytes) -> tuple[str, ...]:
    """What limits the file to some build configurations: ``linux`` of ``x_linux.go``, and its build lines; empty: nothing."""
    stem = path.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".go").removesuffix("_test")
    words = stem.split("_")[1:][-2:]
    package = re.search(rb"^package\s", data, re.MULTILINE)
    lines = _BUILD_LINE.findall(data[: package.start()] if package is not None else data)
    return (*(w for w in words if w in _SYSTEMS), *(line.decode("utf-8", "replace") for line in lines))
