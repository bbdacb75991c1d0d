"""``gocodemod pr`` from end to end: real Go code, real git over HTTP, GitHub's client."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gocodemod import git as gitting
from gocodemod.cli.main import main
from gocodemod.report import json as json_report
from tests.forge.bench import TOKEN, Bench, bench
from tests.forge.server import Fault, Forge, answer, to
from tests.repos import ENVIRONMENT, git, tree
from tests.test_branches import FILES

ALL = "gocodemod/sleep-loop/all"


@pytest.fixture
def there(forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for name in ("GITHUB_TOKEN", "GOCODEMOD_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return bench(tmp_path, forge, files={k: v for k, v in FILES.items() if isinstance(v, str)})


class Ran:
    """Without flags for the forge and a token: as a user of the clone would, with what the remote does not tell."""

    def __init__(self, there: Bench, *flags: str, folder: Path | None = None) -> None:
        gitting._find.cache_clear()
        gitting._drivers.cache_clear()
        out, err = io.BytesIO(), io.StringIO()
        os.environ["GH_TOKEN"] = TOKEN
        try:
            self.code = main((*command(there, folder), *flags), out, err)
        finally:
            os.environ.pop("GH_TOKEN", None)
        self.out, self.err = out.getvalue().decode(), err.getvalue()

    @property
    def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def statuses(self) -> dict[str, str]:
        return {pull["branch"]: pull["status"] for pull in self.answer["pull_requests"]}


def command(there: Bench, folder: Path | None = None) -> tuple[str, ...]:
    forge = ("--forge", "github", "--api-url", there.forge.api)
    return ("pr", str(folder or there.clone), "--select", "sleep-loop", *forge)


def test_from_go_code_to_pull_requests_and_back(there: Bench) -> None:
    ran = Ran(there, "--level", "review", "--format", "json", "--label", "codemod")
    assert ran.code == 0, ran.err
    [single] = [name for name in ran.statuses if name != ALL]
    assert ran.statuses == {ALL: "created", single: "created"}
    jsonschema.validate(ran.answer, json_report.schema())
    assert there.project.git("diff", "--name-only", f"{ALL}^", ALL).split() == ["p.go", "sub/q.go"]
    assert there.project.git("rev-parse", f"{ALL}^") == there.project.head("main")
    body = there.project.pulls[1].body
    for told in ("Let a stop signal end the wait: 2 sites in 2 files of 2 packages.", "| exported API | no |", "| level | safe |",
                 "`p.Start`", "type check and go vet", "gocodemod apply --select sleep-loop --level safe"):  # fmt: skip
        assert told in body

    there.forge.forget()
    assert set(Ran(there, "--level", "review", "--format", "json", "--label", "codemod").statuses.values()) == {
        "unchanged"
    }
    assert there.forge.writes == []
    # What is only withheld now, or lies elsewhere, has not vanished.
    assert Ran(there, "--format", "json").statuses == {ALL: "unchanged"}
    assert Ran(there, "--format", "json", folder=there.clone / "r").statuses == {}
    assert there.forge.writes == []

    there.commit("main", "r/r.go", "package r\n")
    ran = Ran(there, "--level", "review", "--format", "json")
    assert ran.statuses == {ALL: "updated", single: "closed"}
    jsonschema.validate(ran.answer, json_report.schema())
    assert [pull.state for pull in there.project.pulls.values()] == ["open", "closed"]


def test_the_command_in_the_body_makes_the_change_again(there: Bench) -> None:
    Ran(there)
    body = there.project.pulls[1].body
    [line] = [line for line in body.splitlines() if line.startswith("gocodemod apply")]
    out, err = io.BytesIO(), io.StringIO()
    where = os.getcwd()
    os.chdir(there.clone)
    try:
        main(line.split()[1:], out, err)
    finally:
        os.chdir(where)
    for name in ("p.go", "sub/q.go"):
        assert (there.clone / name).read_text().strip() == there.project.git("show", f"{ALL}:{name}")


def test_text_says_what_became_of_each(there: Bench) -> None:
    dry = Ran(there, "--dry-run", "--label", "codemod")
    assert dry.code == 0
    assert "would push " in dry.out
    assert f"would create a pull request from {ALL}: let a stop signal end the wait" in dry.out
    assert f"would label for {ALL}" in dry.out
    assert dry.out.endswith("1 pull request: 1 created (nothing was written: --dry-run)\n")
    assert (there.forge.writes, there.project.pulls) == ([], {})
    ran = Ran(there, "--level", "review", "--max-open", "1")
    assert f"created   {ALL} {there.forge.url}/o/r/pull/1 2 sites in 2 files (safe) [gofmt,vet]" in ran.out
    assert ran.out.endswith("1 pull request: 1 created; 1 held back by --max-open\n")
    assert "1 pull request to write, 1 push and 1 request: about " in ran.err


def test_work_tree_index_and_refs_stay_as_they_are(there: Bench) -> None:
    (there.clone / "p.go").write_text("not even Go")
    before = (
        git(there.clone, "status", "--porcelain"),
        git(there.clone, "for-each-ref"),
        (there.clone / ".git/index").read_bytes(),
    )
    assert Ran(there).code == 0
    after = (
        git(there.clone, "status", "--porcelain"),
        git(there.clone, "for-each-ref"),
        (there.clone / ".git/index").read_bytes(),
    )
    assert after == before
    assert not (there.clone / ".git/FETCH_HEAD").exists()


def test_what_diverged_or_failed_exits_with_3(there: Bench) -> None:
    Ran(there)
    there.commit(ALL, "mine.go", "package p\n")
    there.move_base()
    ran = Ran(there)
    assert (ran.code, "diverged" in ran.out) == (3, True)


def test_in_a_shallow_clone_that_knows_nothing(there: Bench, tmp_path: Path) -> None:
    Ran(there)
    there.move_base()
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{there.project.folder}", str(tmp_path / "ci"))
    git(tmp_path / "ci", "remote", "set-url", "origin", f"{there.forge.url}/o/r.git")
    os.environ["XDG_STATE_HOME"] = str(tmp_path / "nothing")
    there.move_base("again")
    assert Ran(there, "--format", "json", folder=tmp_path / "ci").statuses == {ALL: "updated"}
    assert there.project.git("rev-parse", f"{ALL}^") == there.project.head("main")


@pytest.mark.undescribed
def test_a_token_or_a_name_that_is_wrong_is_said_at_once(there: Bench) -> None:
    there.forge.world.users.clear()
    ran = Ran(there)
    assert ran.code == 2
    assert "Bad credentials (HTTP 401)\nIs o/r right, and may the token see it?" in ran.err


def test_what_cannot_be_decided_has_not_vanished(there: Bench) -> None:
    Ran(there)
    there.commit("main", "p.go", (there.clone / "p.go").read_text() + "\nfunc {\n")
    there.commit("main", "sub/q.go", "package q\n")
    there.forge.forget()
    ran = Ran(there, "--format", "json")
    assert "parse-error" in {site["reason"] for site in ran.answer["sites"]}
    assert (ran.statuses, there.forge.writes) == ({}, [])


# --- the token ---------------------------------------------------------------------------------------------------


def processes_with(secret: bytes) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if secret in line:
                found.append(line.decode("utf-8", "replace"))
    return found


def files_with(secret: bytes, folder: Path) -> list[str]:
    found = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and secret in path.read_bytes():
                found.append(str(path))
        except FileNotFoundError:
            continue
    return found


@pytest.mark.parametrize("fails", [False, True])
def test_the_token_is_nowhere(there: Bench, tmp_path: Path, fails: bool) -> None:
    """Not in output, logs, files, ledger, git config or any process's arguments, at each request of a run, traced or failing."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    seen: list[str] = []
    requests: list[str] = []

    def look() -> None:
        seen.extend(processes_with(TOKEN.encode()))
        seen.extend(files_with(TOKEN.encode(), temporary))
        requests.append("")

    if fails:
        there.forge.faults.append(Fault(to("POST", "/git-receive-pack"), answer(500, {"message": TOKEN}), then=look))
    there.forge.faults.append(Fault(lambda request: True, answer=None, times=10**6, then=look))
    traced = {
        "GIT_TRACE": "1",
        "GIT_TRACE_CURL": "1",
        "GIT_CURL_VERBOSE": "1",
        "GIT_TRACE_REDACT": "0",
        "GIT_TRACE2": "1",
    }
    # A home whose git stores what it is told, and no other configuration.
    environment = {k: v for k, v in ENVIRONMENT.items() if k != "GIT_CONFIG_GLOBAL"} | traced
    environment |= {
        "GH_TOKEN": TOKEN,
        "HOME": str(home),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "GOCODEMOD_DEBUG": "1",
    }
    environment |= {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")}
    ran = subprocess.run(
        [sys.executable, "-m", "gocodemod", *command(there), "-v", "--label", "codemod"],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == (3 if fails else 0), ran.stderr.decode()
    assert len(requests) > 8
    assert seen == []
    assert TOKEN.encode() not in ran.stdout + ran.stderr
    assert files_with(TOKEN.encode(), tmp_path) == []
    assert not (home / ".git-credentials").exists()


def test_programs_that_are_started_do_not_get_the_token_by_its_name(there: Bench, tmp_path: Path) -> None:
    tool = tree(tmp_path / "bin", {"go": '#!/bin/sh\nenv >> "$GO_SAW"\nexec "$GO_REAL" "$@"\n'}) / "go"
    tool.chmod(0o755)
    from gocodemod.golang import toolchain

    os.environ |= {"GO_SAW": str(tmp_path / "saw"), "GO_REAL": toolchain.find().path}
    try:
        Ran(there, "--go", str(tool))
    finally:
        del os.environ["GO_SAW"], os.environ["GO_REAL"]
    assert TOKEN not in (tmp_path / "saw").read_text()


@pytest.mark.parametrize(
    ("url", "flags", "told"),
    [
        ("https://forge.example/o/r.git", ("--forge", "github"), "only if you say that this is its host"),
        ("https://forge.example/o/r.git", ("--forge", "gitlab"), "no token for forge.example"),
        ("https://forge.example/o/r.git", (), "say --forge"),
        ("http://github.com/o/r.git", (), "not sent over http"),
        ("ext::sh -c evil% x", ("--forge", "github", "--repository", "o/r"), "no token for|only if you say"),
        ("https://evil.example/o/r.git", ("--forge", "github", "--api-url", "https://api.example"), "not sent to both"),
        ("git@github.com:only-a-name.git", (), "no OWNER/NAME"),
    ],
)
def test_a_token_goes_nowhere_that_was_not_named(
    there: Bench, url: str, flags: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import re

    git(there.clone, "remote", "set-url", "origin", url)
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    gitting._find.cache_clear()
    gitting._drivers.cache_clear()
    err = io.StringIO()
    assert main(("pr", str(there.clone), *flags), io.BytesIO(), err) == 2
    assert re.search(told, err.getvalue())
    assert there.forge.seen == []


# --- a hostile repository ----------------------------------------------------------------------------------------

HOOKS = (
    "post-commit",
    "pre-push",
    "reference-transaction",
    "post-index-change",
    "pre-commit",
    "post-update",
    "post-checkout",
)
REFUSED = ("core.sshCommand", "core.askPass", "credential.helper", "gpg.program", "remote.origin.receivepack", "hook.x.command",
           "core.alternateRefsCommand")  # fmt: skip
SWITCHED_OFF = ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv",
                "diff.evil.command", "diff.external", "core.editor", "core.pager")  # fmt: skip


@pytest.fixture
def marker(there: Bench, tmp_path: Path) -> Path:
    """What a program leaves behind that the repository of ``there`` tries to have run at every chance."""
    left = tmp_path / "ran"
    program = tree(tmp_path, {"evil": f"#!/bin/sh\necho \"$0 $*\" >> '{left}'\ncat\n"}) / "evil"
    program.chmod(0o755)
    there.commit("main", ".gitattributes", "*.go filter=evil diff=evil merge=evil\n")
    git(there.clone, "fetch", "--quiet", str(there.project.folder), "main")
    git(there.clone, "reset", "--quiet", "--hard", "FETCH_HEAD")
    for hook in HOOKS:
        tree(there.clone, {f".git/hooks/{hook}": program.read_bytes()})
        (there.clone / ".git/hooks" / hook).chmod(0o755)
    for key in (*REFUSED, *SWITCHED_OFF):
        git(there.clone, "config", key, str(program))
    git(there.clone, "config", "commit.gpgSign", "true")
    git(there.clone, "config", "push.gpgSign", "if-asked")
    left.unlink(missing_ok=True)
    return left


def test_nothing_of_a_hostile_repository_runs(there: Bench, marker: Path) -> None:
    gitting._find.cache_clear()
    gitting._drivers.cache_clear()
    assert main(("branch", str(there.clone), "--select", "sleep-loop"), io.BytesIO(), io.StringIO()) == 0
    assert not marker.exists(), marker.read_text()
    ran = Ran(there)
    assert ran.code == 2
    assert all(key.lower() in ran.err for key in REFUSED)
    assert not marker.exists()
    assert there.forge.seen == []
    for key in REFUSED:
        git(there.clone, "config", "--unset", key)
    marker.unlink(missing_ok=True)
    assert Ran(there, "--format", "json").statuses == {ALL: "created"}
    assert not marker.exists(), marker.read_text()
    # The trap does snap where nobody minds it.
    subprocess.run(["git", "status"], cwd=there.clone, env=ENVIRONMENT, capture_output=True, check=False)
    assert marker.exists()


# --- start-up ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [["--version"], ["list"], ["scan", "--help"]])
def test_other_commands_load_nothing_of_it(argv: list[str]) -> None:
    code = (
        "import io, sys\nfrom gocodemod.cli.main import main\n"
        f"main({argv!r}, io.BytesIO(), io.StringIO())\n"
        "print(sorted({'github', 'gitlab', 'jinja2', 'requests', 'sqlite3'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


def test_without_the_extra_it_is_named(there: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "github", None)
    monkeypatch.delitem(sys.modules, "gocodemod.deliver.forges.github", raising=False)
    ran = Ran(there)
    assert ran.code == 2
    assert "pip install 'gocodemod[pr]'" in ran.err
