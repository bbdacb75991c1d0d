"""Which module, workspace and language version a file belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from gocodemod.golang.modules import Group, Modules, parse_version, read_mod, read_work


def write(root: Path, **files: str) -> str:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_mod", ".mod").replace("_work", ".work")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def test_the_nearest_go_mod_counts(tmp_path: Path) -> None:
    root = write(tmp_path, go_mod="module a\n\ngo 1.20\n", sub__go_mod="module b // why\n\ngo 1.24.3 // newest\n")
    modules = Modules()
    outer, inner = modules.module(f"{root}/x/y.go"), modules.module(f"{root}/sub/x/y.go")
    assert (outer.path, outer.go, outer.group) == ("a", (1, 20), Group(root))
    assert (inner.path, inner.go, inner.group) == ("b", (1, 24), Group(f"{root}/sub"))


def test_a_workspace_answers_for_what_it_uses_and_nothing_else(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        go_work="go 1.22\n\nuse (\n\t. // here\n\t./one\n)\n\nuse ./two\n",
        go_mod="module a\n\ngo 1.22\n",
        one__go_mod="module one\n",
        two__go_mod="module two\n\ngo 1.22\n",
        three__go_mod="module three\n\ngo 1.22\n",
    )
    modules = Modules()
    groups = modules.group(f"{root}/{name}" for name in ("x.go", "one/x.go", "two/x.go", "three/x.go"))
    assert groups == {
        Group(root): (f"{root}/one/x.go", f"{root}/two/x.go", f"{root}/x.go"),
        Group(f"{root}/three", (("GOWORK", "off"),)): (f"{root}/three/x.go",),
    }
    assert modules.module(f"{root}/one/x.go").go == (1, 16), "what the go command assumes without a go line"


def test_without_a_module_the_language_is_the_oldest(tmp_path: Path) -> None:
    off = (("GO111MODULE", "off"),)
    alone, below = Modules(), Modules(str(tmp_path))
    path = str(tmp_path / "a" / "x.go")
    assert alone.module(path).group == Group(str(tmp_path / "a"), off)
    assert below.module(path).group == Group(str(tmp_path), off)
    assert below.module(path).go == (1, 0)


@pytest.mark.parametrize(
    ("text", "module", "version"),
    [
        ("module example.com/x\ngo 1.21\n", "example.com/x", (1, 21)),
        ('module "example.com/x"\r\n\r\ngo 1.23.4\r\n', "example.com/x", (1, 23)),
        (
            "// module no\nmodule example.com/x // yes\n// go 1.1\n\ttoolchain go1.25.1\ngo 1.22rc1\n",
            "example.com/x",
            (1, 22),
        ),
        ("module x\nrequire (\n\tgo.uber.org/zap v1.2.3\n)\n", "x", (1, 16)),
    ],
)
def test_go_mod(text: str, module: str, version: tuple[int, int]) -> None:
    assert read_mod(text) == (module, version)


def test_go_work_and_versions() -> None:
    assert read_work('go 1.22\nuse "./a b"\nuse (\n\t./c\n\n\t../d // no\n)\n') == ("./a b", "./c", "../d")
    assert parse_version("go1.22.3") == (1, 22) and parse_version("") is None
