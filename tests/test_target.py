"""Which forge, which repository, which token."""

from __future__ import annotations

from pathlib import Path

import pytest

from gocodemod import git as gitting
from gocodemod.deliver import push, target
from gocodemod.deliver.target import Target
from gocodemod.errors import UsageError
from tests.repos import git, repository


def located(folder: Path, url: str, **flags: str) -> Target:
    gitting._find.cache_clear()
    gitting._drivers.cache_clear()
    git(folder, "config", "remote.origin.url", url)
    found = gitting.find(str(folder.resolve()))
    assert found is not None
    return target.locate(found, "origin", flags.get("kind"), flags.get("api"), flags.get("project"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path / "m", {"a": "a"})


@pytest.mark.parametrize(
    ("url", "kind", "name", "api"),
    [
        ("https://github.com/o/r.git", "github", "github.com/o/r", "https://api.github.com"),
        ("https://user:secret@github.com/o/r", "github", "github.com/o/r", "https://api.github.com"),
        ("git@github.com:o/r.git", "github", "github.com/o/r", "https://api.github.com"),
        (
            "ssh://git@ssh.github.example:2222/o/r.git",
            "github",
            "ssh.github.example/o/r",
            "https://ssh.github.example/api/v3",
        ),
        ("https://corp.ghe.com/o/r", "github", "corp.ghe.com/o/r", "https://api.corp.ghe.com"),
        ("https://gitlab.com/a/b/c/r.git", "gitlab", "gitlab.com/a/b/c/r", "https://gitlab.com"),
        ("git@gitlab.example:g/r.git", "gitlab", "gitlab.example/g/r", "https://gitlab.example"),
        ("https://codeberg.org/o/r.git", "gitea", "codeberg.org/o/r", "https://codeberg.org"),
        ("https://forgejo.example:3000/o/r", "gitea", "forgejo.example:3000/o/r", "https://forgejo.example:3000"),
    ],
)
def test_the_remote_tells_forge_and_repository(folder: Path, url: str, kind: str, name: str, api: str) -> None:
    found = located(folder, url)
    assert (found.kind, found.name, found.api) == (kind, name, api)


def test_flags_tell_what_the_remote_does_not(folder: Path) -> None:
    found = located(folder, "/srv/mirror.git", kind="gitea", api="https://git.example", project="o/r")
    assert (found.kind, found.name, found.url) == ("gitea", "git.example/o/r", "/srv/mirror.git")


def test_no_remote_is_said(folder: Path) -> None:
    found = gitting.find(str(folder.resolve()))
    assert found is not None
    with pytest.raises(UsageError, match="no remote 'upstream'"):
        target.locate(found, "upstream", None, None, None)


@pytest.fixture
def no_gh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "_gh", lambda host, environment: "")


@pytest.mark.usefixtures("no_gh")
@pytest.mark.parametrize(
    ("url", "environment", "token"),
    [
        ("https://github.com/o/r", {"GH_TOKEN": "a", "GITHUB_TOKEN": "b"}, "a"),
        ("https://github.com/o/r", {"GITHUB_TOKEN": "b"}, "b"),
        ("https://github.com/o/r", {"GOCODEMOD_TOKEN": "c", "GITHUB_TOKEN": "b"}, "c"),
        ("https://github.com/o/r", {"GH_ENTERPRISE_TOKEN": "d"}, None),
        ("https://github.example/o/r", {"GH_ENTERPRISE_TOKEN": "d", "GH_HOST": "github.example"}, "d"),
        ("https://github.example/o/r", {"GITHUB_TOKEN": "b", "GITHUB_SERVER_URL": "https://github.example"}, "b"),
        ("https://github.example/o/r", {"GITHUB_TOKEN": "b"}, None),
        ("https://gitlab.com/o/r", {"GITLAB_TOKEN": "e"}, "e"),
        ("https://gitlab.example/o/r", {"GITLAB_TOKEN": "e"}, None),
        ("https://gitlab.example/o/r", {"GITLAB_TOKEN": "e", "CI_SERVER_URL": "https://gitlab.example"}, "e"),
        ("https://codeberg.org/o/r", {"FORGEJO_TOKEN": "f"}, "f"),
        ("https://gitlab.com/o/r", {"GH_TOKEN": "a"}, None),
    ],
)
def test_a_token_goes_to_its_own_host(folder: Path, url: str, environment: dict[str, str], token: str | None) -> None:
    where, left = located(folder, url), {**environment, "OTHER": "x"}
    if token is None:
        with pytest.raises(UsageError):
            target.take_token(where, left)
    else:
        assert target.take_token(where, left) == token
    assert not {name for name in left if "TOKEN" in name}


def test_gh_is_asked_for_exactly_that_host(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin/gh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$*" = "auth token --hostname github.com" ] && [ -z "$GH_TOKEN" ] && echo told\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    environment = {"PATH": f"{program.parent}:/usr/bin:/bin"}
    assert target.take_token(located(folder, "git@github.com:o/r"), environment) == "told"
    with pytest.raises(UsageError, match=r"no token for github\.example"):
        target.take_token(located(folder, "git@github.example:o/r"), environment)


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("https://h/o/r", "https"),
        ("git@h:o/r", "ssh"),
        ("ssh://h/o/r", "ssh"),
        ("/srv/r.git", "file"),
        ("file:///srv", "file"),
    ],
)
def test_only_what_is_asked_for_is_spoken(url: str, scheme: str) -> None:
    assert push.scheme(url) == scheme


@pytest.mark.parametrize("url", ["ext::sh -c x", "git://h/o/r", "fd::3", "EXT::x", "transport::address"])
def test_nothing_is_pushed_by_a_program(url: str) -> None:
    with pytest.raises(UsageError, match="nothing is pushed by"):
        push.scheme(url)
