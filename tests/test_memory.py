"""A scan's result is given again only for the same code, settings and toolchain."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from gocodemod.engine import memory
from gocodemod.engine.discover import discover
from gocodemod.engine.run import run
from gocodemod.golang import toolchain as go
from gocodemod.model import Kind
from gocodemod.registry import selected
from gocodemod.settings import Settings
from tests.repos import repository, tree

LOOP = """package p

import (
	"context"
	"time"
)

func start(ctx context.Context) {
	poll := func() {
		for {
			time.Sleep(time.Second)
			work()
		}
	}
	go poll()
}
"""
WORK = "package p\n\nfunc work() {}\n"
MOD = "module example.com/p\n\ngo 1.25\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # The checker is built once for all tests: only what scans remember is kept apart.
    monkeypatch.setattr(memory, "_folder", lambda: tmp_path / "remembered")
    files = {"go.mod": MOD, "loop.go": LOOP, "work.go": WORK, "work_test.go": "package p\n"}
    return repository(tmp_path / "code", files)


def key(folder: Path, settings: Settings = Settings()) -> str | None:  # noqa: B008 (frozen)
    transforms = tuple(selected(settings))
    found = discover([str(folder)], settings, [t.needles for t in transforms])
    return memory.key(found, settings, transforms, go.find())


def test_the_same_code_gives_the_same_key(folder: Path) -> None:
    assert key(folder) is not None
    assert key(folder) == key(folder)
    assert key(folder, Settings(jobs=4)) == key(folder, Settings(jobs=1))


def test_whatever_a_decision_rests_on_changes_the_key(folder: Path) -> None:
    seen = [key(folder), key(folder, Settings(cadence="gap")), key(folder, Settings(tags=("x",)))]
    for name, text in (
        ("loop.go", LOOP + "// more\n"),
        ("work.go", WORK + "// more\n"),
        ("work_test.go", "package p\n\nvar x = 1\n"),
        ("go.mod", MOD.replace("1.25", "1.24")),
        ("new.go", "package p\n"),
    ):
        tree(folder, {name: text})
        seen.append(key(folder))
    os.remove(folder / "new.go")
    os.remove(folder / "work_test.go")
    seen.append(key(folder))
    assert None not in seen
    assert len(set(seen)) == len(seen)


def test_the_environment_of_go_changes_the_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(folder)
    monkeypatch.setenv("GOOS", "windows")
    assert key(folder) != before


def test_nothing_is_remembered_where_code_outside_has_a_say(folder: Path) -> None:
    assert key(folder / "loop.go") is None, "the rest of its package was not looked at"
    tree(folder, {"go.mod": MOD + "\nreplace example.com/q => ../q\n"})
    assert key(folder) is None
    tree(folder, {"go.mod": MOD + "\nreplace example.com/q => ./q // kept here\n"})
    assert key(folder) is not None
    repository(folder / "inner", {"go.mod": MOD, "a.go": LOOP})
    assert key(folder / "inner") is None, "the module above may name it"


def test_a_remembered_scan_says_the_same(folder: Path) -> None:
    settings = Settings(verify=False)
    first = run([str(folder)], settings, write=False, remembered=True)
    again = run([str(folder)], settings, write=False, remembered=True)
    assert [o.kind for o in first.outcomes] == [Kind.FIXABLE]
    assert [dataclasses.replace(o, fix=None) for o in first.outcomes] == list(again.outcomes)
    assert (first.root, first.files, first.skipped, first.notes) == (
        again.root,
        again.files,
        again.skipped,
        again.notes,
    )
    assert not again.changed, "it was not decided again"


def test_a_damaged_memory_is_no_memory(folder: Path) -> None:
    name = key(folder)
    assert name is not None
    kept = memory._folder() / f"{name}.json"
    kept.parent.mkdir(parents=True)
    for damage in ("", "{", "{}", '{"outcomes": [1]}'):
        kept.write_text(damage)
        assert memory.recall(name) is None
