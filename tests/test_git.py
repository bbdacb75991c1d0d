"""The one way to git: nothing that a repository configures is run, and what it says about files is right."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gocodemod import git
from gocodemod.engine.discover import discover
from gocodemod.errors import UsageError
from gocodemod.settings import Settings
from tests.repos import ENVIRONMENT, repository, tree
from tests.repos import git as plain_git

FILE = "package p\n"


@pytest.fixture(autouse=True)
def fresh() -> None:
    git._find.cache_clear()
    git._drivers.cache_clear()


def hostile(folder: Path, marker: Path) -> Path:
    """A repository whose config runs a program at every chance it has."""
    repository(folder, {"a.go": FILE, ".gitattributes": "*.go filter=evil diff=evil merge=evil\n"})
    program = tree(folder.parent, {"evil.sh": f"#!/bin/sh\necho ran >> '{marker}'\ncat\n"}) / "evil.sh"
    program.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "diff.external",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.evil.textconv",
        "diff.evil.command",
        "merge.evil.driver",
        "gpg.program",
        "credential.helper",
    ):
        plain_git(folder, "config", key, str(program))
    plain_git(folder, "config", "filter.evil.required", "true")
    plain_git(folder, "config", "core.hooksPath", str(folder.parent / "hooks"))
    for hook in ("post-index-change", "pre-auto-gc", "post-checkout", "reference-transaction"):
        tree(folder.parent, {f"hooks/{hook}": program.read_bytes()})
        (folder.parent / "hooks" / hook).chmod(0o755)
    (folder / "a.go").write_text("package q\n")
    return folder


def test_nothing_of_a_hostile_repository_runs(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    folder = hostile(tmp_path / "repo", marker)
    found = discover([str(folder)], Settings(), [(b"package",)])
    assert [os.path.basename(f.path) for f in found.files] == ["a.go"]
    repo = git.find(str(folder))
    assert repo is not None
    assert git.dirty(repo, {str(folder / "a.go"): b"package q\n"}) == [str(folder / "a.go")]
    assert not marker.exists()
    # The trap does snap where nobody minds it: git status, run plainly, asks the file system monitor.
    subprocess.run(["git", "status"], cwd=folder, env=ENVIRONMENT, capture_output=True, check=False)
    assert marker.exists()


def test_a_driver_whose_name_cannot_be_blanked_is_refused(tmp_path: Path) -> None:
    repository(tmp_path, {"a.go": FILE})
    with open(tmp_path / ".git/config", "a", encoding="utf-8") as config:
        config.write('[filter "a=b"]\n\tclean = evil\n')
    with pytest.raises(UsageError, match="cannot be switched off"):
        discover([str(tmp_path)], Settings(), [])


def test_a_work_tree_that_is_elsewhere_is_none(tmp_path: Path) -> None:
    tree(tmp_path / "elsewhere", {"secret.go": FILE})
    folder = repository(tmp_path / "repo", {"a.go": FILE})
    plain_git(folder, "config", "core.worktree", str(tmp_path / "elsewhere"))
    assert git.find(str(folder)) is None


def test_the_environment_of_a_hook_does_not_lead_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = repository(tmp_path / "other", {"b.go": FILE})
    folder = repository(tmp_path / "repo", {"a.go": FILE})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    repo = git.find(str(folder))
    assert repo is not None
    assert git.listed(repo, [str(folder)]) == ["a.go"]


def test_a_git_that_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(git.GitError, match="git rev-parse in"):
        git.run(str(tmp_path), ("rev-parse", "--verify", "nothing"))


def test_without_git_there_is_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path, {"a.go": FILE})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git.find(str(tmp_path)) is None


# --- dirty ------------------------------------------------------------------------------------------------------


def dirty(folder: Path, *names: str) -> list[str]:
    repo = git.find(str(folder))
    assert repo is not None
    contents = {str(folder / n): (folder / n).read_bytes() for n in names}
    return [os.path.relpath(path, folder) for path in git.dirty(repo, contents)]


@pytest.mark.parametrize("init", [(), ("--object-format=sha256",)])
def test_changed_and_untracked_files_are_dirty(tmp_path: Path, init: tuple[str, ...]) -> None:
    folder = repository(tmp_path, {"same.go": FILE, "changed.go": FILE, "staged.go": FILE, "touched.go": FILE}, *init)
    tree(folder, {"changed.go": "package q\n", "staged.go": "package q\n", "new.go": FILE})
    plain_git(folder, "add", "staged.go")
    os.utime(folder / "touched.go", (0, 0))
    assert dirty(folder, "same.go", "changed.go", "staged.go", "new.go", "touched.go") == ["changed.go", "new.go"]


def test_line_endings_that_git_converts_do_not_make_a_file_dirty(tmp_path: Path) -> None:
    folder = repository(tmp_path, {"a.go": FILE})
    plain_git(folder, "config", "core.autocrlf", "true")
    (folder / "a.go").write_bytes(b"package p\r\n")
    assert dirty(folder, "a.go") == []
    (folder / "a.go").write_bytes(b"package q\r\n")
    assert dirty(folder, "a.go") == ["a.go"]


def test_blob_ids_are_those_of_git(tmp_path: Path) -> None:
    folder = repository(tmp_path, {"a.go": FILE})
    assert git.blob_id(FILE.encode()).encode() + b"\n" == plain_git(folder, "hash-object", "a.go")


def test_more_files_than_fit_on_a_command_line(tmp_path: Path) -> None:
    names = [f"{'x' * 100}{n}.go" for n in range(600)]
    folder = repository(tmp_path, dict.fromkeys(names, FILE))
    assert dirty(folder, *names) == []


def test_an_index_that_gitpython_does_not_know_is_left_to_git(tmp_path: Path) -> None:
    folder = repository(tmp_path, {"a.go": FILE, "b.go": FILE})
    plain_git(folder, "update-index", "--index-version", "4")
    assert dirty(folder, "a.go", "b.go") == []
    (folder / "b.go").write_text("package q\n")
    assert dirty(folder, "a.go", "b.go") == ["b.go"]
