"""The ways out of a function, and on which of them what was opened is still open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tree_sitter import Node

from gocodemod.analysis import flow, ways
from gocodemod.analysis.ways import State
from tests.onefile import OneFile, one_file

# open() opens, shut() settles.
CODE = """package app

import (
	"log"
	"os"
	"testing"
)

func open()              {}
func shut() bool         { return true }
func work(...any) error  { return nil }

func straight() {
	open()
	work()
}

func settled() error {
	open()
	if err := work(); err != nil {
		shut()
		return err
	}
	shut()
	return nil
}

func before(n int) error {
	if n == 0 {
		return nil
	}
	open()
	if n == 1 {
		return work()
	}
	shut()
	return nil
}

func condition() {
	open()
	if !shut() {
		work()
	}
}

func reopened(n int) {
	for i := 0; i < n; i++ {
		shut()
		open()
	}
}

func loops(c chan int, n int) {
	open()
	for {
		select {
		case <-c:
			shut()
			return
		case c <- 1:
			if n > 0 {
				break
			}
			continue
		}
		if n > 2 {
			break
		}
	}
	work()
}

func labels(n int) int {
outer:
	for {
		open()
		for range n {
			if n == 3 {
				shut()
				break outer
			}
			if n == 4 {
				continue outer
			}
			return 1
		}
	}
	return 2
}

func switches(n int, x any) {
	open()
	switch n {
	case 1:
		shut()
		fallthrough
	case 2:
		work()
	case 3:
		shut()
		return
	default:
		panic(n)
	}
	shut()
	switch x.(type) {
	case int:
		return
	}
}

func fell(n int) {
	open()
	switch n {
	case 1:
		shut()
		fallthrough
	default:
		return
	}
}

func endless() {
	open()
	for {
		work()
	}
}

func blocked() {
	open()
	select {}
}

func ends(t *testing.T, n int) {
	open()
	switch n {
	case 1:
		log.Fatal("x")
	case 2:
		os.Exit(1)
	case 3:
		t.Fatal("x")
	case 4:
		panic("x")
	case 5:
		log.Panicln("x")
	}
	for {
	}
}

func jumps(n int) {
	open()
	if n > 1 {
		goto end
	}
	shut()
again:
	n++
	if n < 5 {
		goto again
	}
	return
end:
	work()
}

func literals() {
	open()
	func() {
		shut()
		return
	}()
}
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneFile]:
    with one_file(tmp_path_factory.mktemp("ways"), CODE) as found:
        yield found


def out_of(code: OneFile, function: str, begin: State = State.BEFORE) -> list[str]:
    """``exit line-of-the-function states`` for each way; the end has no line."""
    view = code.view(function)
    first = view.line(view.function.start_byte)

    def marks(node: Node) -> State | None:
        for call in (n for n in flow.inside(node) if n.type == "call_expression"):
            if view.text(call) in ("open()", "shut()"):
                return State.OPEN if view.text(call) == "open()" else State.SETTLED
        return None

    found = ways.ways_out(view, view.node, marks, begin)
    lines = [f" {view.line(w.node.start_byte) - first}" if w.node is not None else "" for w in found]
    names = ["|".join(s.name.lower() for s in State if s.name and s in w.state) for w in found]
    return [f"{w.exit.value}{line} {name}" for w, line, name in zip(found, lines, names, strict=True)]


def test_the_end(code: OneFile) -> None:
    assert out_of(code, "straight") == ["end open"]


def test_every_return_settles(code: OneFile) -> None:
    assert out_of(code, "settled") == ["return 4 settled", "return 7 settled"]


def test_returns_before_it_is_opened_do_not_count(code: OneFile) -> None:
    assert out_of(code, "before") == ["return 2 before", "return 6 open", "return 9 settled"]


def test_a_header_counts(code: OneFile) -> None:
    assert out_of(code, "condition") == ["end settled"]


def test_a_loop_may_run_any_number_of_times(code: OneFile) -> None:
    assert out_of(code, "reopened") == ["end before|open"]


def test_breaks_bind_to_what_they_leave(code: OneFile) -> None:
    assert out_of(code, "loops") == ["return 6 settled", "end open"]


def test_labels(code: OneFile) -> None:
    assert out_of(code, "labels") == ["return 12 open", "return 15 settled"]


def test_switches(code: OneFile) -> None:
    assert out_of(code, "switches") == ["return 10 settled", "panic 12 open", "return 17 settled", "end settled"]
    assert out_of(code, "fell") == ["return 7 open|settled"]


@pytest.mark.parametrize("function", ["endless", "blocked"])
def test_there_may_be_no_way_out(code: OneFile, function: str) -> None:
    assert out_of(code, function) == []


def test_calls_that_do_not_return(code: OneFile) -> None:
    found = out_of(code, "ends")
    assert found == ["process 4 open", "process 6 open", "panic 8 open", "panic 10 open", "panic 12 open"]


def test_a_goto_may_lead_to_its_label_from_anywhere(code: OneFile) -> None:
    assert out_of(code, "jumps") == ["return 11 before|open|settled", "end before|open"]


def test_a_literal_is_another_function(code: OneFile) -> None:
    assert out_of(code, "literals") == ["end open"]


def test_it_may_be_open_from_the_beginning(code: OneFile) -> None:
    assert out_of(code, "before", State.OPEN) == ["return 2 open", "return 6 open", "return 9 settled"]
