"""Declarations, what is declared beside them, and uses in files that are not loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from gocodemod.analysis import configurations, declared
from gocodemod.engine import edits
from gocodemod.golang.source import Source
from gocodemod.transform import Context
from tests.onefile import OneFile, one_file

CODE = """package app

var alone int

var (
	one   int
	two   = 2
	a, b  int
	flag2 bool
)

type box struct {
	n    int // counts
	flag bool
}

func (x *box) use() {
	var local int
	short := alone
	println(x.n, one, two, a, b, short, local)
}
"""


def context(app: OneFile) -> Context:
    return Context(app.types, app.language, lambda path: Source.parse(path, Path(path).read_bytes()))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("alone", "var alone int\nvar flag T\n"),
        ("one", "\tone   int\nflag T\n"),
        ("a", "\ta, b  int\nflag T\n"),
        ("n", "\tn    int // counts\nflag T\n"),
        ("local", "\tvar local int\nvar flag T\n"),
    ],
)
def test_beside(tmp_path: Path, name: str, line: str) -> None:
    with one_file(tmp_path, CODE) as app:
        view = app.view("(x *box) use")
        known = app.types.object(next(r for r in view.refs if r.name == name).object)
        assert known is not None
        found = declared.of(context(app), view, known)
        assert found is not None
        assert line in edits.apply(app.source.data, [found.beside("flag", "T")]).decode()


def test_what_has_no_declaration_of_its_own(tmp_path: Path) -> None:
    with one_file(tmp_path, CODE) as app:
        view = app.view("(x *box) use")
        for name in ("short", "x"):
            known = app.types.object(next(r for r in view.refs if r.name == name).object)
            assert known is not None
            assert declared.of(context(app), view, known) is None


def test_names_are_free_in_the_struct_or_in_the_package(tmp_path: Path) -> None:
    with one_file(tmp_path, CODE) as app:
        view = app.view("(x *box) use")
        known = {n: app.types.object(next(r for r in view.refs if r.name == n).object) for n in ("n", "one", "x")}
        field, variable, base = known["n"], known["one"], known["x"]
        assert field is not None
        assert variable is not None
        assert base is not None
        assert declared.fresh(view, field, base.id, "flag") == "flag2"
        assert declared.fresh(view, variable, "", "flag2") == "flag22"
        assert declared.fresh(view, field, base.id, "use") == "use2"


@pytest.mark.parametrize(
    ("code", "name", "uses"),
    [
        ("package app\n\nfunc f(x *box) { x.n = 1 }\n", "n", True),
        ("package app\n\nvar y = box{n: 1}\n", "n", True),
        ("package app\n\n// n is a word.\nvar n string\n", "n", False),
        ("package app_test\n\nfunc f(x interface{ n() }) { x.n() }\n", "n", False),
        ("package app\n\nfunc f() { one++ }\n", "one", True),
        ("package app\n\n// one of them\n", "one", False),
    ],
)
def test_uses_in_files_that_are_not_loaded(tmp_path: Path, code: str, name: str, uses: bool) -> None:
    with one_file(tmp_path, CODE) as app:
        (Path(app.source.path).parent / "more_test.go").write_text(code)
        view = app.view("(x *box) use")
        known = app.types.object(next(r for r in view.refs if r.name == name).object)
        assert known is not None
        assert bool(configurations.uses_elsewhere(view, known)) == uses
