"""Pull requests on the forge for tests: GitHub's, GitLab's and Gitea's clients against real git over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge.bench import AFTER, FILE, Bench, bench
from tests.forge.server import DROP, Fault, Forge, answer, serve, to
from tests.repos import ENVIRONMENT

ALL = "gocodemod/old/all"


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ENVIRONMENT[name])
    (tmp_path / "forge").mkdir()
    with serve(tmp_path / "forge") as made:
        yield made


@pytest.fixture(params=["github"])
def there(forge: Forge, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return bench(tmp_path, forge, request.param)


def test_one_is_opened_with_all_that_was_asked_for(there: Bench) -> None:
    ran = there.run([there.change("all")], labels=("codemod", "go"), reviewers=("bob",), draft=True)
    assert ran.statuses == {ALL: "created"}
    [pull] = there.project.pulls.values()
    assert (pull.branch, pull.into, pull.draft, pull.labels, pull.reviewers) == (ALL, "main", True, ["codemod", "go"], ["bob"])
    assert "p.go:4" in pull.body
    assert there.project.git("show", f"{ALL}:p.go") == AFTER.strip()
    assert there.project.git("rev-parse", f"{ALL}^") == there.project.head("main")


def test_an_unchanged_rerun_writes_nothing(there: Bench) -> None:
    there.run([there.change("all")], labels=("codemod",), reviewers=("bob",))
    there.forge.forget()
    assert there.run([there.change("all")], labels=("codemod",), reviewers=("bob",)).statuses == {ALL: "unchanged"}
    assert there.forge.writes == []
