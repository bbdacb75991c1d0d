"""How far a plan may reach, where literals run, and what a program is made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gocodemod.analysis import flow, later, programs
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.golang.types import TypeChecker
from gocodemod.golang.versions import Language
from gocodemod.model import Refusal
from gocodemod.thread.plan import Plan, World
from gocodemod.thread.planner import Planner
from tests.repos import tree

GO = Language((1, 24), (1, 24))
CODE = """package app

import (
	"context"
	"sort"
	"sync"

	"example.com/app/lib"
)

func top(ctx context.Context) { one(); four() }
func one()                    { two() }
func two()                    { three() }
func three()                  { /* three */ }

// Reached in one step by one caller, in two by way of another.
func four() { five(); six() }
func five() { six() }
func six()  { /* six */ }

func left()  { right() }
func right() { left(); /* right */ }

var kept []func()

func later(f func())       { kept = append(kept, f) }
func now(f func())         { f() }
func apart(f func())       { go f() }
func often(fs ...func())   { later(func() { fs[0]() }) }

func literals(s []int, l *lib.Box, once *sync.Once) {
	later(func() { _ = "later" })
	now(func() { _ = "now" })
	apart(func() { _ = "apart" })
	often(func() { _ = "often" })
	func() { _ = "called" }()
	defer func() { _ = "deferred" }()
	go func() { _ = "started" }()
	called := func() { _ = "variable" }
	called()
	returned := func() { _ = "handed" }
	later(returned)
	l.F = func() { _ = "field" }
	sort.Slice(s, func(i, j int) bool { _ = "sort"; return s[i] < s[j] })
	once.Do(func() { _ = "once" })
	_ = []func(){func() { _ = "element" }}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() { defer wg.Done(); _ = "joined" }()
	wg.Wait()
	inner := func() { now(func() { _ = "nested" }) }
	inner()
}
"""
LIB = """package lib

type Box struct{ F func() }
"""


class Code:
    def __init__(self, root: Path, types: TypeChecker) -> None:
        self.types, self.path = types, str(root / "app.go")
        self.source = Source.parse(self.path, CODE.encode())

    def view(self, text: str) -> View:
        """What stands around the first place of the text."""
        start = self.source.data.index(text.encode())
        view = View.around(self.source, self.types, self.source.node_at(start, start + len(text)), GO)
        assert view is not None
        return view

    def plan(self, text: str, depth: int) -> Plan | Refusal:
        world = World(
            self.types, lambda p: Source.parse(p, Path(p).read_bytes()), lambda _: GO, lambda _: None, depth=depth
        )
        return Planner(world).plan(self.view(text))


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Code]:
    root = tree(
        tmp_path_factory.mktemp("planner").resolve(),
        {"go.mod": "module example.com/app\n\ngo 1.24\n", "app.go": CODE, "lib/lib.go": LIB},
    )
    with TypeChecker(root) as types:
        types.load([str(root / "app.go")])
        yield Code(root, types)


@pytest.mark.parametrize(("depth", "reaches"), [(1, False), (2, False), (3, True), (4, True)])
def test_depth_counts_the_functions_that_get_a_parameter(code: Code, depth: int, reaches: bool) -> None:
    found = code.plan("/* three */", depth)
    if reaches:
        assert isinstance(found, Plan)
        assert found.described == "top (ctx) -> one(ctx) -> two(ctx) -> three(ctx)"
    else:
        assert isinstance(found, Refusal)
        assert found.reason == "thread-too-deep"


def test_what_two_ways_lead_to_is_counted_by_the_shorter(code: Code) -> None:
    found = code.plan("/* six */", 3)
    assert isinstance(found, Plan)
    # The parameters of three functions, and four calls.
    assert len(found.changes[0].edits) == 7


def test_functions_that_only_call_each_other_have_no_context(code: Code) -> None:
    found = code.plan("/* right */", 3)
    assert isinstance(found, Refusal)
    assert found.reason == "no-stop-signal"


@pytest.mark.parametrize(
    ("text", "is_later"),
    {
        "later": True,
        "now": False,
        "apart": True,
        "often": True,
        "called": False,
        "deferred": False,
        "started": True,
        "variable": False,
        "handed": True,
        "field": True,
        "sort": False,
        "once": False,
        "element": True,
        "joined": False,
        "nested": False,
    }.items(),
)
def test_a_literal_runs_at_once_only_where_that_is_seen(code: Code, text: str, is_later: bool) -> None:
    view = code.view(f'_ = "{text}"')
    assert flow.enclosing_function(view.node) == view.function
    assert later.runs_later(view, view.functions[0]) is is_later


def test_a_program_is_its_folder_and_what_it_imports_of_its_module(tmp_path: Path) -> None:
    root = tree(
        tmp_path.resolve(),
        {
            "go.mod": "module m\n\ngo 1.24\n",
            "cmd/main.go": 'package main\n\nimport (\n\t"fmt"\n\n\t"m/a"\n)\n',
            "cmd/main_windows.go": "package main\n",
            "cmd/main_test.go": 'package main\n\nimport "m/c"\n',
            "a/a.go": 'package a\n\nimport "m/a/b"\n',
            "a/b/b.go": 'package b\n\nimport (\n\t"m"\n\t"m/a"\n)\n',
            "c/c.go": "package c\n",
            "m.go": "package m\n",
        },
    )
    found = {str(Path(path).relative_to(root)) for path, _ in programs.files(str(root / "cmd/main.go"))}
    assert found == {"cmd/main.go", "cmd/main_windows.go", "a/a.go", "a/b/b.go", "m.go"}
