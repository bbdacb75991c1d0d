"""Import intents become edits: a new path goes in at its sorted place, an unused one goes out, nothing else moves.

Where a path goes, as goimports would have it: into the group that holds the standard library, in order; a block
without such a group gets one on top; a lone ``import "x"`` becomes a block; among several lone imports one more
line is added. ``import "C"`` and the comment above it are never touched. A comment is never lost: where the spec
beside it goes, the comment stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import tree_sitter

from gocodemod.engine import edits as algebra
from gocodemod.errors import GocodemodError
from gocodemod.golang.source import Source
from gocodemod.model import Edit

_QUALIFIERS = "[(selector_expression operand: (identifier) @q) (qualified_type package: (_) @q)]"


class ImportNameTaken(GocodemodError):
    """The file already imports something else under the name the new import would have."""


def default_name(path: str) -> str:
    """The package name that an import path suggests: its last element, major version suffixes left out."""
    parts = path.split("/")
    if len(parts) > 1 and parts[-1][:1] == "v" and parts[-1][1:].isdigit():
        parts.pop()
    return parts[-1]


def qualifier(source: Source, path: str) -> str | None:
    """The name by which a fix may refer to the package: an existing import's, else the default; None if that is taken.

    Only imports are looked at; whether something shadows the name at a place is a question for the type checker.
    """
    specs = [spec for declaration in _declarations(source) for spec in declaration.specs]
    for spec in specs:
        if spec.path == path and spec.name not in (".", "_"):
            return spec.name
    name = default_name(path)
    return None if any(spec.name == name for spec in specs) else name


def plan(source: Source, edits: Sequence[Edit], add: Collection[str], drop: Collection[str]) -> tuple[Edit, ...]:
    """Edits to the import declarations that go with ``edits``.

    ``add``: paths the file needs afterwards. ``drop``: paths that go if no qualifier is left that uses them.
    Raises ImportNameTaken where a path cannot be added under its own name.
    """
    declarations = tuple(_declarations(source))
    after = Source.parse(source.path, algebra.apply(source.data, edits)) if drop else source
    dead = [s for d in declarations for s in d.specs if s.path in drop and s.path not in add and not _used(after, s)]
    needed = sorted(path for path in set(add) if not _reachable(declarations, path))
    for path in needed:
        name = default_name(path)
        for spec in (s for d in declarations for s in d.specs):
            if spec.name == name and spec not in dead:
                raise ImportNameTaken(f"{source.path}: {name} is already the name of import {spec.path!r}")
    return _Planner(source, declarations, dead).edits(needed)


@dataclass(frozen=True)
class _Spec:
    """``name`` is what the file calls it; ``alias`` whether that is written out."""

    node: tree_sitter.Node
    path: str
    name: str
    alias: bool

    @property
    def standard(self) -> bool:
        # The go command keeps paths without a dot in the first element for the standard library.
        return self.path != "C" and "." not in self.path.split("/", 1)[0]


@dataclass(frozen=True)
class _Declaration:
    """``block`` is the parenthesised list, None for ``import "x"``."""

    node: tree_sitter.Node
    block: tree_sitter.Node | None
    specs: tuple[_Spec, ...]

    @property
    def standard(self) -> bool:
        return any(spec.standard for spec in self.specs)

    @property
    def cgo(self) -> bool:
        return any(spec.path == "C" for spec in self.specs)


def _declarations(source: Source) -> Iterator[_Declaration]:
    for node in source.tree.root_node.named_children:
        if node.type != "import_declaration":
            continue
        block = next((c for c in node.named_children if c.type == "import_spec_list"), None)
        specs = tuple(_spec(source, c) for c in (block or node).named_children if c.type == "import_spec")
        yield _Declaration(node, block, specs)


def _spec(source: Source, node: tree_sitter.Node) -> _Spec:
    path_node, name_node = node.child_by_field_name("path"), node.child_by_field_name("name")
    path = source.text(path_node)[1:-1].decode("utf-8", "replace") if path_node else ""
    name = source.text(name_node).decode("utf-8", "replace") if name_node else default_name(path)
    return _Spec(node, path, name, name_node is not None)


def _reachable(declarations: Sequence[_Declaration], path: str) -> bool:
    return any(s.path == path and s.name not in (".", "_") for d in declarations for s in d.specs)


def _used(after: Source, spec: _Spec) -> bool:
    """Whether anything is left that may be a use; import declarations themselves hold no such node."""
    if spec.name in (".", "_"):
        return True
    name = spec.name.encode()
    if after.tree.root_node.has_error:
        return after.data.count(name + b".") > 0
    return any(after.text(node) == name for node in after.captures(_QUALIFIERS, "q"))


class _Planner:
    """Collects the edits for one file."""

    def __init__(self, source: Source, declarations: Sequence[_Declaration], dead: Sequence[_Spec]) -> None:
        self.source, self.data = source, source.data
        self.declarations, self.dead = declarations, dead
        self.newline = b"\r\n" if b"\r\n" in self.data[: self.data.find(b"\n") + 1] else b"\n"

    def edits(self, needed: Sequence[str]) -> tuple[Edit, ...]:
        target = self._target()
        if needed and target and target.block is None and target.specs[0] in self.dead and len(needed) == 1:
            # The one import gives its place to the new one.
            rest = [spec for spec in self.dead if spec is not target.specs[0]]
            new = Edit(target.specs[0].node.start_byte, target.specs[0].node.end_byte, _quoted(needed[0]))
            return algebra.combine((new,), *(self._drop(spec) for spec in rest))
        added = self._add(needed, target) if needed else ()
        # A declaration that gains a spec stays, even if it loses all it had.
        kept = target if needed else None
        return algebra.combine(added, *self._drops(kept))

    # --- find -------------------------------------------------------------------------------------------------

    def _target(self) -> _Declaration | None:
        """The declaration that a standard library import belongs to; None if there is none but cgo's."""
        candidates = [d for d in self.declarations if not d.cgo]
        # A block with standard packages first, then a lone standard import, then any block, then any.
        return min(candidates, key=lambda d: (not d.standard, d.block is None), default=None)

    def _groups(self, declaration: _Declaration) -> list[list[_Spec]]:
        """The specs of a block, split where blank lines are."""
        groups: list[list[_Spec]] = []
        for spec in declaration.specs:
            previous = groups[-1][-1] if groups else None
            if previous is None or self._blank_between(previous.node, spec.node):
                groups.append([])
            groups[-1].append(spec)
        return groups

    def _blank_between(self, first: tree_sitter.Node, second: tree_sitter.Node) -> bool:
        lines = self.data[first.end_byte : second.start_byte].split(b"\n")
        return any(not line.strip() for line in lines[1:-1])

    def _line_start(self, offset: int) -> int:
        return self.data.rfind(b"\n", 0, offset) + 1

    def _line_end(self, node: tree_sitter.Node) -> int | None:
        """Behind the line break after a node and the comments beside it; None if code follows on the line."""
        end, beside = node.end_byte, node.next_sibling
        while beside is not None and beside.type == "comment" and b"\n" not in self._text(end, beside.start_byte):
            end, beside = beside.end_byte, beside.next_sibling
        stop = self.data.find(b"\n", end)
        if stop < 0 or self._text(end, stop).strip():
            return None
        return stop + 1

    def _starts_line(self, node: tree_sitter.Node) -> bool:
        return not self._text(self._line_start(node.start_byte), node.start_byte).strip(b" \t\xef\xbb\xbf")

    def _text(self, start: int, end: int) -> bytes:
        return self.data[start:end]

    # --- add --------------------------------------------------------------------------------------------------

    def _add(self, paths: Sequence[str], target: _Declaration | None) -> tuple[Edit, ...]:
        if target is None:
            return (self._after_package(paths),)
        if target.block is not None:
            return self._into_block(paths, target)
        if len([d for d in self.declarations if not d.cgo]) == 1:
            return self._make_block(paths, target)
        return self._beside(paths)

    def _after_package(self, paths: Sequence[str]) -> Edit:
        block = [b"import (", *(b"\t" + _quoted(p) for p in paths), b")"]
        text = self.newline.join(block) if len(paths) > 1 else b"import " + _quoted(paths[0])
        first = self.declarations[0].node if self.declarations else None
        clause = next(c for c in self.source.tree.root_node.children if c.type == "package_clause")
        end = self._line_end(clause)
        if end is None and clause.end_byte < len(self.data) and self._text(clause.end_byte, len(self.data)).strip():
            # Code on the same line: ``package p; var x int``.
            return Edit(clause.end_byte, clause.end_byte, b"; " + text)
        if end is None:
            return Edit(len(self.data), len(self.data), self.newline * 2 + text)
        at = end - (2 if self.data[:end].endswith(b"\r\n") else 1)
        # An import "C" may follow at once; its comment must stay above it, so the new line keeps its distance.
        close = first is not None and self.data[end : end + 2].lstrip(b"\r")[:1] != b"\n"
        return Edit(at, at, self.newline * 2 + text + (self.newline if close else b""))

    def _into_block(self, paths: Sequence[str], target: _Declaration) -> tuple[Edit, ...]:
        assert target.block is not None
        groups = [group for group in self._groups(target) if any(s.standard for s in group)]
        if not groups:
            opening = target.block.children[0]
            return (self._first_group(paths, opening, bool(target.specs)),)
        places: dict[int, list[bytes]] = {}
        inline: dict[int, list[bytes]] = {}
        for path in paths:
            at, whole_line = self._place(path, groups[0])
            (places if whole_line else inline).setdefault(at, []).append(_quoted(path))
        indent = self._indent(groups[0][0])
        lines = [Edit(at, at, b"".join(indent + q + self.newline for q in new)) for at, new in places.items()]
        return algebra.combine(lines, [Edit(at, at, b"; ".join(new) + b"; ") for at, new in inline.items()])

    def _first_group(self, paths: Sequence[str], opening: tree_sitter.Node, more: bool) -> Edit:
        text = b"".join(b"\t" + _quoted(path) + self.newline for path in paths)
        end = self._line_end(opening)
        if end is not None:
            return Edit(end, end, text + (self.newline if more else b""))
        rest = self.newline + b"\t" if more else b""
        return Edit(opening.end_byte, opening.end_byte, self.newline + text + rest)

    def _place(self, path: str, group: Sequence[_Spec]) -> tuple[int, bool]:
        """Where a path goes in its group, and whether a whole line fits there."""
        for spec in group:
            # Of two specs of one path, gofmt puts the one without a name first.
            if spec.path >= path:
                if not self._starts_line(spec.node):
                    return spec.node.start_byte, False
                return self._line_start(self._with_comments_above(spec.node).start_byte), True
        end = self._line_end(group[-1].node)
        return (group[-1].node.start_byte, False) if end is None else (end, True)

    def _with_comments_above(self, node: tree_sitter.Node) -> tree_sitter.Node:
        """The first of the comment lines that stand directly above a spec, or the spec."""
        first, above = node, node.prev_sibling
        while (
            above is not None
            and above.type == "comment"
            and above.end_point.row == first.start_point.row - 1
            and self._starts_line(above)
        ):
            first, above = above, above.prev_sibling
        return first

    def _indent(self, spec: _Spec) -> bytes:
        indent = self._text(self._line_start(spec.node.start_byte), spec.node.start_byte)
        return b"\t" if indent.strip() else indent

    def _make_block(self, paths: Sequence[str], target: _Declaration) -> tuple[Edit, ...]:
        spec = target.specs[0]
        before = [p for p in paths if p <= spec.path or not spec.standard]
        after = paths[len(before) :]
        gap = b"" if spec.standard else self.newline
        head = b"(" + self.newline + b"".join(b"\t" + _quoted(p) + self.newline for p in before) + gap + b"\t"
        tail = b"".join(self.newline + b"\t" + _quoted(p) for p in after) + self.newline + b")"
        end = self._line_end(target.node)
        at = spec.node.end_byte if end is None else end - (2 if self.data[:end].endswith(b"\r\n") else 1)
        return (Edit(spec.node.start_byte, spec.node.start_byte, head), Edit(at, at, tail))

    def _beside(self, paths: Sequence[str]) -> tuple[Edit, ...]:
        """One more line for each path among lone imports, before the first standard one that sorts behind it."""
        lone = [d for d in self.declarations if d.block is None and not d.cgo]
        standard = [d for d in lone if d.specs[0].standard]
        places: dict[int, list[bytes]] = {}
        for path in paths:
            behind = next((d for d in standard if d.specs[0].path >= path), None)
            last = standard[-1] if standard else None
            if behind is None and last is not None and (end := self._line_end(last.node)) is not None:
                places.setdefault(end, []).append(b"import " + _quoted(path))
                continue
            node = self._with_comments_above((behind or lone[0]).node)
            places.setdefault(node.start_byte, []).append(b"import " + _quoted(path))
        return tuple(Edit(at, at, b"".join(t + self.newline for t in new)) for at, new in sorted(places.items()))

    # --- drop -------------------------------------------------------------------------------------------------

    def _drops(self, kept: _Declaration | None) -> Iterator[tuple[Edit, ...]]:
        for declaration in self.declarations:
            dead = [spec for spec in declaration.specs if spec in self.dead]
            whole = dead and len(dead) == len(declaration.specs) and declaration is not kept
            if whole and not _holds_comment(declaration.node):
                yield (self._remove(declaration.node),)
            elif declaration.block is not None:
                yield from (self._drop(spec) for spec in dead)

    def _drop(self, spec: _Spec) -> tuple[Edit, ...]:
        return (self._remove(spec.node),)

    def _remove(self, node: tree_sitter.Node) -> Edit:
        """The node's whole line, or only the node where something else stands on it."""
        start, end = self._line_start(node.start_byte), self._line_end(node)
        if end is None or not self._starts_line(node) or self._text(node.end_byte, end).strip():
            stop = node.end_byte
            while self._text(stop, stop + 1) in (b" ", b"\t"):
                stop += 1
            stop += self._text(stop, stop + 1) == b";"
            return Edit(node.start_byte, stop, b"")
        above = self._text(self._line_start(max(start - 1, 0)), start)
        below_end = self.data.find(b"\n", end) + 1
        below = self._text(end, below_end)
        if below_end and not below.strip() and (not above.strip() or above.rstrip().endswith(b"(")):
            # Its group is empty now: one of the two blank lines goes with it.
            end = below_end
        return Edit(start, end, b"")


def _holds_comment(node: tree_sitter.Node) -> bool:
    return any(child.type == "comment" or _holds_comment(child) for child in node.children)


def _quoted(path: str) -> bytes:
    return b'"' + path.encode() + b'"'
