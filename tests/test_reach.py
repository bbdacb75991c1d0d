"""What runs when a piece of code runs, and what a literal shares with the function around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gocodemod.analysis import captures, flow, reach
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.golang.types import TypeChecker
from gocodemod.golang.versions import Language
from gocodemod.transform import Context
from tests.repos import tree

CODE = """package app

import (
	"fmt"
	"io"

	"example.com/app/lib"
)

type server struct{ w io.Writer }

func (s *server) direct() { s.helper(); lib.Outer() }
func (s *server) helper() { fmt.Fprint(s.w); s.w.Write(nil) }
func (s *server) apart()  { go s.helper(); go func() { lib.Outer() }() }
func (s *server) values(f func()) {
	f()
	local := func() { s.helper() }
	local()
	other := func() {}
	other = f
	other()
}
func (s *server) nested() { defer func() { lib.Outer() }() }
func (s *server) self(n int) { if n > 0 { s.self(n - 1) } }

func shared(limit int, names []string) (err error) {
	count := 0
	total := 0
	total = 1
	for _, name := range names {
		go func() { own := limit; own++; fmt.Println(own, name, count, total, err) }()
	}
	count = 2
	return err
}
"""
LIB = """package lib

func Outer() { inner() }
func inner() {}
"""


class Code:
    def __init__(self, root: Path, types: TypeChecker) -> None:
        self.path = str(root / "app.go")
        self.source = Source.parse(self.path, CODE.encode())
        language = Language((1, 24), (1, 24))
        self.context = Context(types, language, lambda path: Source.parse(path, Path(path).read_bytes()))

    def view(self, function: str, skip: int = 0) -> View:
        """The body of a function declared with this text."""
        start = CODE.index(f"func {function}")
        node = self.source.node_at(start, start + 4)
        while node.type not in flow.FUNCTIONS:
            assert node.parent is not None
            node = node.parent
        body = flow.body(node)
        assert body is not None
        view = View.around(self.source, self.context.facts, body, self.context.language)
        assert view is not None
        return view

    def reach(self, function: str) -> reach.Reach:
        view = self.view(function)
        return reach.reach(self.context, view, view.node)


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Code]:
    root = tree(
        tmp_path_factory.mktemp("reach").resolve(),
        {"go.mod": "module example.com/app\n\ngo 1.24\n", "app.go": CODE, "lib/lib.go": LIB},
    )
    with TypeChecker(root) as types:
        types.load([str(root / "app.go")])
        yield Code(root, types)


def test_functions_of_the_module_are_followed_into_other_packages(code: Code) -> None:
    found = code.reach("(s *server) direct")
    assert [(b.name, b.path) for b in found.bodies] == [
        ("", ()),
        ("server.helper", ()),
        ("Outer", ()),
        ("inner", ("Outer",)),
    ]
    assert found.unknown == ("fmt.Fprint", "(io.Writer).Write")
    assert found.complete


def test_goroutines_run_apart(code: Code) -> None:
    found = code.reach("(s *server) apart")
    assert [b.name for b in found.bodies] == [""]
    assert found.unknown == ()


def test_a_local_literal_is_followed_a_value_that_may_be_another_is_not(code: Code) -> None:
    found = code.reach("(s *server) values")
    assert [b.name for b in found.bodies] == ["", "server.helper"]
    assert found.unknown == ("f", "other", "fmt.Fprint", "(io.Writer).Write")


def test_a_literal_inside_is_part_of_the_piece(code: Code) -> None:
    assert [b.name for b in code.reach("(s *server) nested").bodies] == ["", "Outer", "inner"]


def test_recursion_ends_at_the_piece_itself(code: Code) -> None:
    found = code.reach("(s *server) self")
    assert [b.name for b in found.bodies] == [""]
    assert found.complete


def test_what_a_literal_captures(code: Code) -> None:
    view = code.view("shared")
    [literal] = [n for n in flow.everything(view.node) if n.type == "func_literal"]
    found = captures.captured(view, literal)
    assert [refs[0].name for refs in found.values()] == ["limit", "name", "count", "total", "err"]
    steady = {refs[0].name: captures.steady(view, literal, variable) for variable, refs in found.items()}
    assert steady == {"limit": True, "name": True, "count": False, "total": True, "err": True}
