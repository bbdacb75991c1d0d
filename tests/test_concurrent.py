"""Which code is run by several goroutines at once on one value, as far as it can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gocodemod.analysis import concurrent, flow
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.transform import Context
from tests.onefile import OneFile, one_file

CODE = """package app

import (
	"net/http"
	"sync"
)

type box struct{ n int }

func (x *box) looped() { x.n++ }
func (x *box) twice()  { x.n++ }
func (x *box) own()    { x.n++ }
func (x *box) plain()  { x.n++ }
func (x *box) deep()   { x.deeper() }
func (x *box) deeper() { x.n++ }

func (x *box) ServeHTTP(w http.ResponseWriter, r *http.Request) { x.n++ }

func param(given *box) { given.n++ }

func start(shared *box, each []*box) {
	for range 3 {
		go shared.looped()
		go shared.deep()
		go param(shared)
	}
	for _, one := range each {
		go one.own()
	}
	go shared.twice()
	go shared.twice()
	go shared.plain()
}

func literals(items []int) {
	var wg sync.WaitGroup
	counted, rounds, once, channel := 0, 0, 0, 0
	for range items {
		wg.Go(func() { counted++ })
	}
	for range items {
		wg.Go(func() { rounds++ })
		wg.Wait()
	}
	for range items {
		wg.Go(func() { once++ })
		return
	}
	lock := make(chan int, 1)
	for range items {
		go func() {
			lock <- 1
			channel++
			<-lock
		}()
	}
}
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneFile]:
    with one_file(tmp_path_factory.mktemp("concurrent"), CODE, "1.25") as opened:
        yield opened


def steps(app: OneFile, function: str) -> dict[str, tuple[View, str]]:
    """What is stepped in the function, and the goroutines that do it."""
    context = Context(app.types, app.language, lambda path: Source.parse(path, Path(path).read_bytes()))
    found = {}
    for node in flow.everything(app.view(function).function):
        if node.type == "inc_statement":
            view = View.around(app.source, app.types, node, app.language)
            assert view is not None
            root = concurrent.root(view, node.named_children[0])
            assert root is not None
            found[view.text(node)] = view, concurrent.several(context, view, root.id)
    return found


@pytest.mark.parametrize(
    ("function", "why"),
    [
        ("(x *box) looped", "goroutines that line 23 starts in a loop"),
        ("(x *box) deeper", "goroutines that line 24 starts in a loop"),
        ("param", "goroutines that line 25 starts in a loop"),
        ("(x *box) twice", "goroutines that line 30 and line 31 start"),
        ("(x *box) own", ""),
        ("(x *box) plain", ""),
        ("(x *box) ServeHTTP", "requests: net/http serves each in a goroutine of its own"),
    ],
)
def test_functions(app: OneFile, function: str, why: str) -> None:
    [(_, found)] = steps(app, function).values()
    assert found == why


def test_literals(app: OneFile) -> None:
    found = steps(app, "literals")
    assert {text for text, (_, why) in found.items() if why} == {"counted++", "channel++"}
    assert {text for text, (view, _) in found.items() if concurrent.one_at_a_time(view)} == {"channel++"}
