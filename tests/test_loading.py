"""Where in a function literal it is certain that a load has succeeded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gocodemod.analysis import flow, loading
from gocodemod.analysis.view import View
from gocodemod.model import Refusal
from tests.onefile import OneFile, one_file

CODE = """package app

import "errors"

var (
	value string
	kept  error
)

func load() (string, error) { return "", errors.New("no") }
func run(f func())          { f() }

func assigned() { run(func() { value, kept = load() }) }

func leaves() {
	run(func() {
		v, err := load()
		if err != nil {
			kept = err
			return
		}
		value = v
	})
}

func inElse() {
	run(func() {
		if v, err := load(); err != nil {
			println(err)
		} else {
			value = v
		}
	})
}

func logs() {
	run(func() {
		var err error
		value, err = load()
		if err != nil {
			println(err)
		}
	})
}

func fallsBack() {
	run(func() {
		v, err := load()
		if err != nil {
			value = "default"
			return
		}
		value = v
	})
}

func dropped() { run(func() { value, _ = load() }) }

func cannotFail() { run(func() { value = "x" }) }

func setsNothing() { run(func() { _, err := load(); println(err) }) }

func goesOn() {
	run(func() {
		value, kept = load()
		value += "!"
	})
}

func leavesEarly() {
	run(func() {
		if value != "" {
			return
		}
		value, kept = load()
	})
}

func inALoop() {
	run(func() {
		for kept == nil {
			value, kept = load()
		}
	})
}
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneFile]:
    with one_file(tmp_path_factory.mktemp("loading"), CODE) as opened:
        yield opened


def look(app: OneFile, function: str) -> loading.Success | Refusal | None:
    literal = next(n for n in flow.everything(app.view(function).function) if n.type == "func_literal")
    body = flow.body(literal)
    assert body is not None
    view = View.around(app.source, app.types, body, app.language)
    assert view is not None
    return loading.success(view, literal)


@pytest.mark.parametrize(
    ("function", "block", "condition", "stale"),
    [
        ("assigned", "block", "kept == nil", ()),
        ("leaves", "block", "", ("kept",)),
        ("inElse", "block", "", ()),
        ("logs", "if_statement", "", ()),
        ("fallsBack", "block", "", ()),
    ],
)
def test_success(app: OneFile, function: str, block: str, condition: str, stale: tuple[str, ...]) -> None:
    found = look(app, function)
    assert isinstance(found, loading.Success)
    assert (found.block.type, found.condition, found.stale) == (block, condition, stale)
    assert [v.name for v in found.values] == ["value"]
    assert [v.name for v in found.assigned] == (["value"] if function == "fallsBack" else [])


def test_in_an_else_it_is_the_else_that_tells(app: OneFile) -> None:
    found = look(app, "inElse")
    assert isinstance(found, loading.Success)
    assert b"value = v" in app.source.text(found.block)
    assert b"println" not in app.source.text(found.block)


@pytest.mark.parametrize("function", ["cannotFail", "setsNothing"])
def test_nothing_that_fails(app: OneFile, function: str) -> None:
    assert look(app, function) is None


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("dropped", "failure-not-seen"),
        ("goesOn", "success-unclear"),
        ("leavesEarly", "success-unclear"),
        ("inALoop", "success-unclear"),
    ],
)
def test_what_is_not_plain(app: OneFile, function: str, reason: str) -> None:
    found = look(app, function)
    assert isinstance(found, Refusal)
    assert found.reason == reason
