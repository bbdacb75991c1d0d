"""Settings from files and flags; every mistake is named."""

from __future__ import annotations

import io
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from gocodemod import config, registry
from gocodemod.cli.main import main
from gocodemod.cli.options import ApplyOptions, Options
from gocodemod.errors import UsageError
from gocodemod.model import Level
from gocodemod.settings import Settings
from tests.repos import tree

FULL = """
select = ["sleep-loop"]
ignore = ["x"]
level = "safe"
cadence = "gap"
include-tests = true
include_generated = true
exclude = ["gen/"]
tags = ["integration"]
jobs = 3
verify = false
vet-timeout = 60
go_timeout = 30
[transforms.sleep-loop]
"""


def load(folder: Path, text: str, name: str = ".gocodemod.toml") -> Settings:
    tree(folder, {name: text})
    return config.load(Settings(), str(folder))


def test_every_key(tmp_path: Path) -> None:
    assert load(tmp_path, FULL) == Settings(
        select=("sleep-loop",),
        ignore=("x",),
        level=Level.SAFE,
        cadence="gap",
        include_tests=True,
        include_generated=True,
        exclude=("gen/",),
        tags=("integration",),
        jobs=3,
        verify=False,
        vet_timeout=60.0,
        go_timeout=30.0,
        transforms={"sleep-loop": {}},
    )


def test_what_could_run_a_program_is_no_key() -> None:
    names = {field.name for field in fields(Settings)}
    assert names - set(config.READERS) == {"go", "go_env", "transform_files", "transforms"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("inclde-tests = true", r"unknown key 'inclde-tests': did you mean 'include_tests'\?"),
        ("go = '/bin/evil'", "unknown key 'go'"),
        ("level = 'report'", "level must be 'safe' or 'review', not 'report'"),
        ("select = 'sleep-loop'", "select must be a list of strings"),
        ("jobs = -1", "jobs must be a number, 0 or more"),
        ("jobs = true", "jobs must be a number"),
        ("verify = 1", "verify must be true or false"),
        ("vet-timeout = 0", "vet-timeout must be a number of seconds above 0"),
        ("transforms = 1", "transforms must hold one table"),
        ("select = [", "not valid TOML"),
        ("x = '\xff'", "unknown key"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load(tmp_path, text)


def test_the_nearest_file_counts_up_to_the_top_of_the_repository(tmp_path: Path) -> None:
    tree(tmp_path, {".gocodemod.toml": "jobs = 1", "r/.git/x": "", "r/.gocodemod.toml": "jobs = 2", "r/a/b/c.go": ""})
    assert config.load(Settings(), str(tmp_path / "r/a/b")).jobs == 2
    assert config.load(Settings(), str(tmp_path / "r/a/b/c.go")).jobs == 2
    (tmp_path / "r/.gocodemod.toml").unlink()
    assert config.load(Settings(), str(tmp_path / "r/a")).jobs == 0


def test_pyproject_counts_where_it_has_our_table(tmp_path: Path) -> None:
    tree(tmp_path, {"pyproject.toml": "[tool.gocodemod]\njobs = 2\n", "a/pyproject.toml": "[project]\nname = 'x'\n"})
    assert config.load(Settings(), str(tmp_path / "a")).jobs == 2
    assert load(tmp_path, "jobs = 5").jobs == 5, ".gocodemod.toml comes first"


def test_a_file_named_on_the_command_line_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        config.load(Settings(), str(tmp_path), str(tmp_path / "nowhere.toml"))
    tree(tmp_path, {"x/pyproject.toml": "[project]"})
    assert config.load(Settings(), str(tmp_path), str(tmp_path / "x/pyproject.toml")) == Settings()


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    tree(tmp_path, {".gocodemod.toml": FULL})
    paths = [str(tmp_path)]
    assert Options(paths=paths).settings(Level.REVIEW).level is Level.SAFE
    found = Options(paths=paths, level="review", cadence="tick", jobs=0, select=["a,b", "c"]).settings(Level.SAFE)
    assert (found.level, found.cadence, found.jobs, found.select) == (Level.REVIEW, "tick", 0, ("a", "b", "c"))
    assert found.include_tests
    found = Options(paths=paths, go_env=["A=b=c", "D="], transform_file=["x.py"], go="/go").settings(Level.SAFE)
    assert (found.go_env, found.transform_files, found.go) == ({"A": "b=c", "D": ""}, ("x.py",), "/go")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (Options(level="report"), "--level must be safe or review"),
        (Options(format="xml"), "--format must be"),
        (Options(color="maybe"), "--color must be"),
        (Options(cadence="x"), "--cadence must be"),
        (ApplyOptions(jobs=-1), "--jobs must be"),
        (Options(go_env=["GOFLAGS"]), "--go-env must be NAME=VALUE"),
    ],
)
def test_flags_are_checked(tmp_path: Path, options: Options, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=says):
        options.settings(Level.SAFE)


def test_names_of_transforms_and_their_options_are_checked() -> None:
    with pytest.raises(UsageError, match=r"no transform named 'sleep-lop': did you mean sleep-loop\?"):
        registry.selected(Settings(select=("sleep-lop",)))
    with pytest.raises(UsageError, match=r"\[transforms.sleep-lop\]: there is no such transform"):
        registry.selected(Settings(transforms={"sleep-lop": {}}))
    with pytest.raises(UsageError, match=r"\[transforms.sleep-loop\]: unknown key 'timeout'"):
        registry.selected(Settings(transforms={"sleep-loop": {"timeout": "1s"}}))
    with pytest.raises(
        UsageError, match=r"\[transforms.wait-timeout\]: unknown key 'timout': did you mean 'timeout'\?"
    ):
        registry.selected(Settings(transforms={"wait-timeout": {"timout": "1s"}}))
    assert registry.selected(Settings(ignore=("sleep-loop",), select=("sleep-loop",))) == ()


@pytest.mark.parametrize("value", ["soon", "0s", "-1s", "30", 30, True, ["30s"]])
def test_values_of_options_are_checked_before_anything_runs(value: object, tmp_path: Path) -> None:
    says = r'\[transforms.wait-timeout\]: timeout must be a duration such as "30s", not '
    with pytest.raises(UsageError, match=says):
        registry.selected(Settings(transforms={"wait-timeout": {"timeout": value}}))
    tree(
        tmp_path,
        {".gocodemod.toml": f"[transforms.wait-timeout]\ntimeout = {json.dumps(value)}\n", "a.go": "package a\n"},
    )
    err = io.StringIO()
    assert main(["scan", str(tmp_path)], io.BytesIO(), err) == 2
    assert re.search(says, err.getvalue())
    assert registry.selected(Settings(transforms={"wait-timeout": {"timeout": "90s"}}))
