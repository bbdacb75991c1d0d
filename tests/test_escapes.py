"""Where a local variable's value goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gocodemod.analysis import escapes, flow
from gocodemod.analysis.escapes import How
from tests.onefile import OneFile, one_file

CODE = """package app

import (
	"context"
	"time"
)

type owner struct {
	ticker *time.Ticker
	tick   <-chan time.Time
	n      int
}

func (o *owner) close()       {}
func (o *owner) count() int   { return o.n }

var global *owner

func local(done chan struct{}) {
	x := time.NewTicker(1)
	select {
	case <-x.C:
	case <-done:
	}
	<-(x).C
	for range x.C {
		break
	}
	x.Reset(2)
	defer x.Stop()
	_ = x
	_, _ = x, len(x.C)
	if x == nil || x.C != nil {
		x = nil
	}
}

func calls() {
	x := &owner{}
	x.close()
	defer x.close()
	go x.close()
	print(x.n, x.count())
	x.n++
	f := x.close
	f()
}

func cancels(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cancel()
	again := cancel
	again()
	go func() { cancel() }()
	keep(cancel)
	return ctx
}

func keep(func()) {}

func given() (*owner, error) {
	x := &owner{}
	global = x
	global.ticker, global.tick = time.NewTicker(1), nil
	y := x
	var z = (y)
	use(z)
	all := []*owner{x}
	_ = map[string]*owner{"x": x}
	_ = owner{nil, nil, x.n}
	ch := make(chan *owner)
	ch <- x
	p := &x
	_, _ = p, all
	_ = any(x)
	all[0] = x
	return x, nil
}

func use(...*owner) {}

func named() (x *owner) {
	x = &owner{}
	y := &owner{}
	x = y
	return
}

func parts() (c <-chan time.Time) {
	x := time.NewTicker(1)
	tick := x.C
	var other <-chan time.Time
	other = tick
	select {
	case <-tick:
	case <-other:
	}
	o := owner{tick: x.C}
	o.tick = other
	return tick
}

func closes() {
	x := make(chan int)
	close(x)
	x <- 1
	go func(given chan int) { <-given }(x)
}

func expressions() *owner {
	_ = &owner{n: 1}
	x := &owner{n: 2}
	global = &owner{n: 3}
	use(&owner{n: 4})
	x.ticker = time.NewTicker(5)
	<-time.NewTicker(6).C
	for range time.NewTicker(7).C {
	}
	return &owner{n: 8}
}
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneFile]:
    with one_file(tmp_path_factory.mktemp("escapes"), CODE) as found:
        yield found


def uses(code: OneFile, function: str, name: str, *parts: str) -> list[tuple[How, str]]:
    view = code.view(function)
    return [(u.how, u.member) for u in escapes.uses(view, code.variable(view, name).object, parts)]


def test_what_stays_in_the_function(code: OneFile) -> None:
    assert uses(code, "local", "x", "C") == [
        (How.SET, ""),
        (How.RECEIVED, "C"),
        (How.RECEIVED, "C"),
        (How.RECEIVED, "C"),
        (How.CALLED, "Reset"),
        (How.DEFERRED, "Stop"),
        (How.DROPPED, ""),
        (How.DROPPED, ""),
        (How.MEASURED, "C"),
        (How.COMPARED, ""),
        (How.COMPARED, "C"),
        (How.SET, ""),
    ]


def test_a_field_that_is_no_part_is_only_read(code: OneFile) -> None:
    found = uses(code, "local", "x")
    assert (How.READ, "C") in found
    assert (How.RECEIVED, "C") not in found


def test_methods_are_called_or_handed_on_as_values(code: OneFile) -> None:
    assert uses(code, "calls", "x") == [
        (How.SET, ""),
        (How.CALLED, "close"),
        (How.DEFERRED, "close"),
        (How.STARTED, "close"),
        (How.READ, "n"),
        (How.CALLED, "count"),
        (How.UNKNOWN, "n"),
        (How.METHOD, "close"),
    ]


def test_a_function_value_is_called_itself(code: OneFile) -> None:
    view = code.view("cancels")
    found = escapes.uses(view, code.variable(view, "cancel").object)
    assert [(u.how, u.ref.name) for u in found] == [
        (How.SET, "cancel"),
        (How.DEFERRED, "cancel"),
        (How.CALLED, "cancel"),
        (How.SET, "again"),
        (How.COPIED, "cancel"),
        (How.CALLED, "again"),
        (How.CALLED, "cancel"),
        (How.PASSED, "cancel"),
    ]
    [literal] = [n for n in flow.everything(view.node) if n.type == "func_literal"]
    assert [u.literals for u in found if u.literals] == [(literal.start_byte,)]


def test_ways_to_give_it_away(code: OneFile) -> None:
    found = uses(code, "given", "x")
    assert [how for how, _ in found if how in escapes.ESCAPES] == [
        How.STORED,
        How.PASSED,
        How.STORED,
        How.STORED,
        How.SENT,
        How.ADDRESSED,
        How.PASSED,
        How.STORED,
        How.RETURNED,
    ]


def test_a_named_result_is_returned(code: OneFile) -> None:
    assert set(uses(code, "named", "x")) == {(How.RETURNED, "")}
    assert (How.RETURNED, "") in uses(code, "named", "y")


def test_copies_of_a_part_are_followed(code: OneFile) -> None:
    view = code.view("parts")
    found = escapes.uses(view, code.variable(view, "x").object, ("C",))
    assert [(u.how, u.ref.name) for u in found if u.how is not How.SET] == [
        (How.COPIED, "C"),
        (How.COPIED, "tick"),
        (How.RECEIVED, "tick"),
        (How.RECEIVED, "other"),
        (How.STORED, "C"),
        (How.STORED, "other"),
        (How.RETURNED, "tick"),
    ]
    names = {view.facts.object(u.variable).name for u in found if u.escapes}  # type: ignore[union-attr]
    assert names == {"x", "other", "tick"}


def test_channels(code: OneFile) -> None:
    assert uses(code, "closes", "x") == [
        (How.SET, ""),
        (How.CLOSED, ""),
        (How.SENT, ""),
        (How.PASSED, ""),
    ]


def test_an_expression_that_nothing_holds_yet(code: OneFile) -> None:
    view = code.view("expressions")
    found = []
    for node in flow.inside(view.node):
        text = view.text(node)
        made = node.type == "unary_expression" and text.startswith("&owner{")
        if made or (node.type == "call_expression" and text.startswith("time.NewTicker")):
            selected = node.parent is not None and node.parent.type == "selector_expression"
            how, variable = escapes.of_expression(view, node.parent if selected and node.parent else node)
            held = view.facts.object(variable) if variable else None
            found.append((how, held.name if held else ""))
    assert found == [
        (How.DROPPED, ""),
        (How.COPIED, "x"),
        (How.STORED, ""),
        (How.PASSED, ""),
        (How.STORED, ""),
        (How.RECEIVED, ""),
        (How.RECEIVED, ""),
        (How.RETURNED, ""),
    ]
