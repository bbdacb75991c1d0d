"""What threading a context to one place takes: edits in many files, and the way it comes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from gocodemod.golang.facts import Facts, Object
from gocodemod.golang.source import Source
from gocodemod.golang.versions import Language
from gocodemod.model import Edit, FileChange, Refusal


@dataclass(frozen=True)
class World:
    """The code that plans are made for. ``editable``: why a file must not be edited, None if it may be.

    ``depth``: how many functions, one calling the other, may get a parameter. ``exported``: functions that other modules may
    call, too.
    """

    facts: Facts
    source: Callable[[str], Source]
    language: Callable[[str], Language]
    editable: Callable[[str], Refusal | None]
    depth: int = 3
    exported: bool = False

    def is_api(self, named: Object) -> bool:
        """Whether other modules may know it by its name: what ``main`` and ``internal/`` packages export is no API."""
        inside = f"/{named.package}/"
        return named.exported and "/internal/" not in inside and self.facts.file(named.path).package_name != "main"

    def where(self, path: str, offset: int) -> str:
        """``poller.go:12``, for people."""
        line = self.source(path).data.count(b"\n", 0, offset) + 1
        return f"{os.path.basename(path)}:{line}"


@dataclass(frozen=True)
class Plan:
    """``changes``: by file, made of replacements only, so that plans that share some agree on them. ``way``: who hands the
    signal to whom, the site's function last. ``mains``: the files whose mains make the signal, and must end when it
    fires. ``against``: why the site's function must not return early, for its callers' sake; None if it may.
    """

    changes: tuple[FileChange, ...]
    way: tuple[str, ...]
    mains: tuple[str, ...] = ()
    against: Refusal | None = None

    @property
    def described(self) -> str:
        """``main -> run(ctx) -> (*Poller).loop(ctx)``."""
        return " -> ".join(self.way)


@dataclass
class Draft:
    """The edits of a plan while it is made."""

    edits: dict[str, set[Edit]] = field(default_factory=dict)
    imports: dict[str, set[str]] = field(default_factory=dict)

    def add(self, path: str, edit: Edit, *imports: str) -> None:
        self.edits.setdefault(path, set()).add(edit)
        self.imports.setdefault(path, set()).update(imports)

    def changes(self) -> tuple[FileChange, ...]:
        return tuple(
            FileChange(path, tuple(sorted(self.edits[path])), add_imports=tuple(sorted(self.imports[path])))
            for path in sorted(self.edits)
        )
