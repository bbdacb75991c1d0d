"""Does a statement run at most once for the variable that it sets?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gocodemod.analysis import once
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.transform import Context
from tests.onefile import OneFile, one_file

CODE = """package main

import (
	"context"
	"sync"
)

type job struct {
	once sync.Once
	done bool
}

var (
	global bool
	late   bool
	first  sync.Once
)

func main() { go prepare(); start(); start() }

func prepare() { global = true /*prepare*/ }

func start() { first.Do(func() { late = true /*do*/ }) }

func inPlace(ctx context.Context) {
	local := false
	go func() { local = true /*go*/ }()
	context.AfterFunc(ctx, func() { local = true /*after*/ })
	func() {
		defer func() { local = true /*nested*/ }()
	}()
	for range 3 {
		local = true /*loop*/
		inner := false
		go func() { inner = true /*inner*/ }()
		println(inner)
	}
	set := func() { local = true /*kept*/ }
	set()
	var guard sync.Once
	again := func() { guard.Do(func() { local = true /*guarded*/ }) }
	again()
	println(local)
}

func (j *job) end() { j.once.Do(func() { j.done = true /*field*/ }) }

func (j *job) finish() { j.done = true /*method*/ }

func (j *job) other() { j.done = true /*twice*/ }

func makeJob() *job {
	j := &job{}
	go j.finish()
	j.other()
	k := j
	k.other()
	for range 2 {
		j.done = true /*made*/
	}
	return j
}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneFile]:
    with one_file(tmp_path_factory.mktemp("once"), CODE) as opened:
        yield opened


@pytest.mark.parametrize(
    ("mark", "why"),
    [
        ("prepare", ""),
        ("do", ""),
        ("go", ""),
        ("after", ""),
        ("nested", ""),
        ("loop", "it stands in the loop of line 32"),
        ("inner", ""),
        ("kept", "the function literal in line 38 may be called more than once"),
        ("guarded", ""),
        ("field", ""),
        ("method", ""),
        ("twice", "job.other may be called more than once"),
        ("made", "it stands in the loop of line 58"),
    ],
)
def test_what_runs_once(file: OneFile, mark: str, why: str) -> None:
    view, name, base = _setting(file, f"/*{mark}*/")
    context = Context(file.types, file.language, lambda path: Source.parse(path, CODE.encode()))
    variable = view.facts.object(name)
    assert variable is not None
    assert once.why_not(context, view, variable, view.facts.object(base) if base else None) == why


def _setting(file: OneFile, comment: str) -> tuple[View, str, str]:
    """The assignment before a comment, the variable that it sets, and the one before the dot."""
    end = CODE.index(f" {comment}")
    node = file.source.node_at(end - 1, end)
    while node.type != "assignment_statement":
        assert node.parent is not None
        node = node.parent
    view = View.around(file.source, file.types, node, file.language)
    assert view is not None
    refs = [r for r in view.refs_in(node) if r.role in ("assign", "base")]
    return view, refs[-1].object, refs[0].object if len(refs) > 1 else ""
