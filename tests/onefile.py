"""One Go file with a type checker, for tests of what is said about a function of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gocodemod.analysis import flow
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref
from gocodemod.golang.source import Source
from gocodemod.golang.types import TypeChecker
from gocodemod.golang.versions import Language
from tests.repos import tree


@dataclass(frozen=True)
class OneFile:
    source: Source
    types: TypeChecker
    language: Language

    def view(self, function: str) -> View:
        """The body of the function or method declared with this text behind ``func``."""
        start = self.source.data.index(f"func {function}".encode())
        node = self.source.node_at(start, start + 4)
        while node.type not in flow.FUNCTIONS:
            assert node.parent is not None
            node = node.parent
        body = flow.body(node)
        assert body is not None
        view = View.around(self.source, self.types, body, self.language)
        assert view is not None
        return view

    def variable(self, view: View, name: str) -> Ref:
        """Where the function declares the variable."""
        return next(r for r in view.refs if r.name == name and r.role in ("define", "declare"))


@contextmanager
def one_file(root: Path, code: str, go: str = "1.24") -> Iterator[OneFile]:
    """The code as the only file of a module."""
    root = tree(root.resolve(), {"go.mod": f"module example.com/app\n\ngo {go}\n", "app.go": code})
    major, minor = map(int, go.split("."))
    with TypeChecker(root) as types:
        types.load([str(root / "app.go")])
        yield OneFile(
            Source.parse(str(root / "app.go"), code.encode()), types, Language((major, minor), (major, minor))
        )
