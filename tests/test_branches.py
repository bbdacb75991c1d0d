"""Branches: made in the object store alone, the same again for the same input, and nobody's work overwritten."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gocodemod import git as gitting
from gocodemod.cli.main import main
from gocodemod.deliver import snapshot
from gocodemod.report import json as json_report
from tests.repos import ENVIRONMENT, git, repository, tree

MOD = "module example.com/m\n\ngo 1.25\n"
LOOP = """package p

import (
	"context"
	"time"
)

func Start(ctx context.Context) {
	go func() {
		for {
			time.Sleep(time.Second)
			work()
		}
	}()
}

func work() {}
"""
# A loop that a caller waits for: level review.
REVIEW = LOOP.replace("\tgo func() {\n", "\tfunc() {\n")
FILES = {"go.mod": MOD, "p.go": LOOP, "sub/q.go": LOOP.replace("package p", "package q"), "r/r.go": REVIEW}
ALL = "gocodemod/sleep-loop/all"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    gitting._find.cache_clear()
    gitting._drivers.cache_clear()
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ENVIRONMENT[name])


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "m", FILES)


class Ran:
    def __init__(self, repo: Path, *flags: str) -> None:
        out, err = io.BytesIO(), io.StringIO()
        argv = ("branch", str(repo), "--select", "sleep-loop", "--format", "json", *flags)
        self.code = main(argv, out, err)
        self.err = err.getvalue()
        self.answer: dict[str, Any] = json.loads(out.getvalue()) if out.getvalue() else {}

    @property
    def statuses(self) -> dict[str, str]:
        return {branch["name"]: branch["status"] for branch in self.answer["branches"]}


def state(repo: Path) -> tuple[bytes, ...]:
    """All that must not change: the work tree as git sees it, the index, HEAD, the stash."""
    read = (("status", "--porcelain"), ("stash", "list"), ("rev-parse", "HEAD"), ("symbolic-ref", "HEAD"))
    return (*(git(repo, *arguments) for arguments in read), (repo / ".git/index").read_bytes())


def everything(repo: Path) -> set[str]:
    return {str(path) for path in (repo / ".git").rglob("*")}


def tip(repo: Path, name: str = ALL) -> str:
    return git(repo, "rev-parse", name).decode().strip()


def test_each_change_set_is_one_commit_that_differs_by_exactly_that(repo: Path) -> None:
    ran = Ran(repo, "--level", "review")
    assert ran.code == 0, ran.err
    [single] = [name for name in ran.statuses if name != ALL]
    assert ran.statuses == {ALL: "created", single: "created"}
    assert single.startswith("gocodemod/sleep-loop/r-r-")
    assert git(repo, "rev-list", f"main..{ALL}" if _has(repo, "main") else f"master..{ALL}").count(b"\n") == 1
    assert git(repo, "diff", "--name-only", f"{ALL}^", ALL).decode().split() == ["p.go", "sub/q.go"]
    assert git(repo, "diff", "--name-only", f"{single}^", single).decode().split() == ["r/r.go"]
    assert tip(repo, f"{ALL}^") == tip(repo, "HEAD")
    jsonschema.validate(ran.answer, json_report.schema())


def _has(repo: Path, name: str) -> bool:
    return bool(git(repo, "branch", "--list", name))


def test_what_apply_writes_is_what_the_branch_holds(repo: Path) -> None:
    Ran(repo)
    main(("apply", str(repo), "--select", "sleep-loop"), io.BytesIO(), io.StringIO())
    for name in ("p.go", "sub/q.go"):
        assert git(repo, "show", f"{ALL}:{name}") == (repo / name).read_bytes()


def test_work_tree_index_head_and_stash_stay_as_they_are(repo: Path) -> None:
    (repo / "p.go").write_text("not even Go")
    git(repo, "stash")
    (repo / "sub/q.go").write_text("package q // edited\n")
    (repo / "new.go").write_text("package p // staged\n")
    git(repo, "add", "new.go")
    (repo / "untracked.go").write_text("package p\n")
    before = state(repo)
    assert Ran(repo).statuses == {ALL: "created"}
    assert state(repo) == before


def test_a_second_run_makes_nothing(repo: Path) -> None:
    Ran(repo)
    before, was = everything(repo), tip(repo)
    assert Ran(repo).statuses == {ALL: "unchanged"}
    assert (everything(repo), tip(repo)) == (before, was)


def test_the_same_input_gives_the_same_commit_elsewhere(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(repo), str(tmp_path / "other"))
    flags = ("--author", "Ann <ann@example.com>")
    assert (
        Ran(repo, *flags).answer["branches"][0]["commit"]
        == Ran(tmp_path / "other", *flags).answer["branches"][0]["commit"]
    )
    assert (
        git(repo, "log", "-1", "--format=%an <%ae> %cn <%ce>", ALL) == b"Ann <ann@example.com> Ann <ann@example.com>\n"
    )


def test_the_message_names_the_change_and_ends_in_trailers(repo: Path) -> None:
    ran = Ran(repo)
    subject, body = (git(repo, "log", "-1", f"--format={f}", ALL).decode() for f in ("%s", "%b"))
    assert subject == "let a stop signal end the wait (2 sites in 2 packages)\n"
    assert "p.go:11: the wait ends when ctx.Done() does" in body
    trailers = git(repo, "log", "-1", "--format=%(trailers)", ALL).decode().splitlines()
    sites = [f"Gocodemod-Site: {site}" for site in ran.answer["branches"][0]["sites"]]
    assert trailers[:-1] == [
        "Gocodemod-Transform: sleep-loop",
        *sites,
        "Gocodemod-Level: safe",
        "Gocodemod-Verified: gofmt,vet",
    ]


def test_a_moved_base_renews_the_branch(repo: Path) -> None:
    Ran(repo)
    was = tip(repo)
    tree(repo, {"README": "more\n"})
    git(repo, "add", "README")
    git(repo, "commit", "--quiet", "--message", "more")
    ran = Ran(repo)
    assert ran.statuses == {ALL: "updated"}
    assert ran.answer["branches"][0]["previous"] == was
    assert tip(repo, f"{ALL}^") == tip(repo, "HEAD")


@pytest.mark.parametrize(
    "how", [("commit", "--allow-empty", "-m", "mine"), ("commit", "--amend", "--allow-empty", "--no-edit")]
)
def test_what_somebody_else_committed_is_never_overwritten(repo: Path, how: tuple[str, ...]) -> None:
    Ran(repo)
    git(repo, "checkout", "--quiet", ALL)
    tree(repo, {"p.go": (repo / "p.go").read_text() + "\n// mine\n"})
    git(repo, "add", "p.go")
    git(repo, *how, "--quiet")
    was = tip(repo)
    git(repo, "checkout", "--quiet", "-")
    ran = Ran(repo)
    assert (ran.code, ran.statuses, tip(repo)) == (3, {ALL: "diverged"}, was)


def test_a_branch_that_is_checked_out_is_not_moved(repo: Path) -> None:
    Ran(repo)
    base = tip(repo, "HEAD")
    tree(repo, {"README": "more\n"})
    git(repo, "add", "README")
    git(repo, "commit", "--quiet", "--message", "more")
    moved = tip(repo, "HEAD")
    git(repo, "checkout", "--quiet", ALL)
    ran = Ran(repo, "--base", moved)
    assert (ran.code, ran.statuses) == (3, {ALL: "diverged"})
    assert "is checked out" in ran.answer["branches"][0]["why"]
    assert Ran(repo, "--base", base).statuses == {ALL: "unchanged"}


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("transform", ["sleep-loop/all"]),
        ("package", ["sleep-loop/r", "sleep-loop/root", "sleep-loop/sub"]),
        ("file", ["sleep-loop/p", "sleep-loop/r-r", "sleep-loop/sub-q"]),
    ],
)
def test_groups(repo: Path, group: str, names: list[str]) -> None:
    assert list(Ran(repo, "--group", group, "--level", "review", "--prefix", "x").statuses) == [f"x/{n}" for n in names]


# Two loops whose way to a context leads through the same function: neither change compiles without the other's.
SHARED = """package main

import (
	"fmt"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Println(err)
	}
}

func run() error {
	if err := first(); err != nil {
		return err
	}
	return second()
}

func first() error {
	for range 3 {
		fmt.Println("first")
		time.Sleep(time.Second)
	}
	return nil
}

func second() error {
	for range 3 {
		fmt.Println("second")
		time.Sleep(time.Second)
	}
	return nil
}
"""


def test_fixes_that_share_a_signature_are_one_change_set(tmp_path: Path) -> None:
    repo = repository(tmp_path / "m", {"go.mod": MOD, "main.go": SHARED})
    ran = Ran(repo, "--level", "review", "--group", "site")
    (name,) = ran.statuses
    assert git(repo, "log", "-1", "--format=%B", name).count(b"Gocodemod-Site: ") == 2, ran.err


def test_names_do_not_move_with_lines(repo: Path) -> None:
    names = set(Ran(repo, "--group", "site").statuses)
    tree(repo, {"p.go": LOOP.replace("func Start", "// A line more.\nfunc Start")})
    git(repo, "commit", "--quiet", "--all", "--message", "more")
    assert set(Ran(repo, "--group", "site").statuses) == names


def test_only_the_folder_that_is_asked_about(repo: Path) -> None:
    ran = Ran(repo / "sub")
    assert ran.answer["branches"][0]["files"] == ["sub/q.go"]


def test_a_dry_run_writes_nothing(repo: Path) -> None:
    before = everything(repo)
    ran = Ran(repo, "--dry-run")
    assert ran.statuses == {ALL: "created"}
    assert everything(repo) == before
    assert Ran(repo).answer["branches"][0]["commit"] == ran.answer["branches"][0]["commit"]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--base", "nowhere"), "no such commit"),
        (("--prefix", "a..b"), "--prefix"),
        (("--author", "nobody"), "--author"),
        (("--group", "colour"), "--group"),
    ],
)
def test_what_is_wrong_is_said_with_exit_2(repo: Path, flags: tuple[str, ...], told: str) -> None:
    ran = Ran(repo, *flags)
    assert ran.code == 2
    assert told in ran.err


def test_a_branch_in_the_way_is_named(repo: Path) -> None:
    git(repo, "branch", "gocodemod")
    ran = Ran(repo)
    assert ran.code == 2
    assert "the branch gocodemod is in the way" in ran.err


def test_no_repository_is_said(tmp_path: Path) -> None:
    tree(tmp_path, {"go.mod": MOD, "p.go": LOOP})
    assert Ran(tmp_path).code == 2


def test_a_repository_of_sha256(tmp_path: Path) -> None:
    repo = repository(tmp_path / "m", FILES, "--object-format=sha256")
    assert Ran(repo).statuses == {ALL: "created"}
    assert Ran(repo).statuses == {ALL: "unchanged"}


def test_odd_names_modes_and_line_ends_survive(tmp_path: Path) -> None:
    odd = {
        **FILES,
        'a/é "q".go': LOOP.replace("\n", "\r\n"),
        "run.go": LOOP.replace("Start", "Run").replace("work", "other"),
    }
    repo = repository(tmp_path / "m", odd)
    git(repo, "update-index", "--chmod=+x", "run.go")
    git(repo, "commit", "--quiet", "--message", "mode")
    Ran(repo, "--group", "transform")
    changed = git(repo, "diff", "--raw", "-z", f"{ALL}^", ALL)
    assert b":100755 100755 " in changed
    assert b'a/\xc3\xa9 "q".go' in changed
    assert git(repo, "show", f'{ALL}:a/é "q".go').count(b"\r\n") == git(repo, "show", f'{ALL}:a/é "q".go').count(b"\n")


def test_links_are_laid_out_where_they_stay_inside(tmp_path: Path) -> None:
    folder = tree(tmp_path / "m", {"a.txt": "x", "sub/b.txt": "y"})
    for name, target in (("in", "sub"), ("sub/up", "../a.txt"), ("out", "../.."), ("sub/abs", "/etc/passwd")):
        os.symlink(target, folder / name)
    repo = repository(folder, {})
    found = gitting.find(str(repo))
    assert found is not None
    (tmp_path / "out").mkdir()
    snapshot.take(found, "HEAD").lay_out(str(tmp_path / "out"))
    assert sorted(os.path.relpath(p, tmp_path / "out") for p in (tmp_path / "out").rglob("*")) == [
        "a.txt", "in", "sub", "sub/b.txt", "sub/up",
    ]  # fmt: skip


def test_the_tree_of_a_change_is_the_one_git_computes(repo: Path) -> None:
    found = gitting.find(str(repo))
    assert found is not None
    taken = snapshot.take(found, "HEAD")
    assert taken.tree_with({}) == git(repo, "rev-parse", "HEAD^{tree}").decode().strip()


# It reads what it is to sign: git takes a signer that does not for one that failed.
SIGNER = """#!/bin/sh
cat > /dev/null
printf '\\n[GNUPG:] SIG_CREATED \\n' >&2
printf -- '-----BEGIN PGP SIGNATURE-----\\nfake\\n-----END PGP SIGNATURE-----\\n'
"""


def test_signing_is_done_where_asked_and_the_rest_stays(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = tree(tmp_path, {"signer": SIGNER, "config": f"[gpg]\n\tprogram = {tmp_path}/signer\n"}) / "signer"
    signer.chmod(0o755)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    assert Ran(repo, "--sign").statuses == {ALL: "created"}
    assert b"gpgsig -----BEGIN PGP SIGNATURE-----" in git(repo, "cat-file", "commit", ALL)
    assert Ran(repo, "--sign").statuses == {ALL: "unchanged"}


def test_a_signing_program_of_the_repository_s_own_config_is_refused(repo: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    program = tree(tmp_path, {"evil": f"#!/bin/sh\ntouch '{marker}'\n"}) / "evil"
    program.chmod(0o755)
    git(repo, "config", "gpg.program", str(program))
    ran = Ran(repo, "--sign")
    assert ran.code == 2
    assert "gpg.program" in ran.err
    assert not marker.exists()


def test_nothing_of_a_hostile_repository_runs(repo: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    program = tree(tmp_path, {"evil": f"#!/bin/sh\necho ran >> '{marker}'\ncat\n"}) / "evil"
    program.chmod(0o755)
    tree(repo, {".gitattributes": "*.go filter=evil diff=evil merge=evil\n"})
    git(repo, "add", ".gitattributes")
    git(repo, "commit", "--quiet", "--message", "attributes")
    for hook in ("post-commit", "reference-transaction", "post-index-change", "pre-commit", "post-update"):
        tree(repo, {f".git/hooks/{hook}": program.read_bytes()})
        (repo / ".git/hooks" / hook).chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "filter.evil.clean", "filter.evil.smudge", "diff.evil.textconv",
                "gpg.program", "core.editor"):  # fmt: skip
        git(repo, "config", key, str(program))
    git(repo, "config", "commit.gpgSign", "true")
    marker.unlink(missing_ok=True)
    assert Ran(repo).statuses == {ALL: "created"}
    assert not marker.exists()
