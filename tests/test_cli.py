"""The command line: what goes where, and the exit codes."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

import gocodemod
from gocodemod.cli import apply as apply_command
from gocodemod.cli import main as module
from gocodemod.cli import progress
from gocodemod.cli.main import main
from gocodemod.engine import run as engine
from gocodemod.errors import NotIdempotent
from gocodemod.progress import NullProgress
from gocodemod.reasons import REASONS
from gocodemod.report import json as json_report
from tests.repos import git, repository, tree

EXAMPLE = Path(__file__).parent.parent / "examples/legacy"
LOOP = """package p

import (
	"context"
	"time"
)

func Poll(ctx context.Context, work func()) {
	go func() {
		for {
			time.Sleep(100 * time.Millisecond)
			work()
		}
	}()
}
"""
NOTHING = "package p\n\nfunc f() {}\n"
MOD = "module example.com/p\n\ngo 1.24\n"


@dataclass
class Ran:
    code: int
    out: bytes
    err: str

    @property
    def json(self) -> dict[str, object]:
        document: dict[str, object] = json.loads(self.out)
        jsonschema.validate(document, json_report.schema())
        return document


def ran(*argv: str | Path) -> Ran:
    out, err = io.BytesIO(), io.StringIO()
    code = main([str(a) for a in argv], out, err)
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture
def module_folder(tmp_path: Path) -> Path:
    return repository(tmp_path / "m", {"go.mod": MOD, "p.go": LOOP, "sub/q.go": LOOP.replace("package p", "package q")})


# --- without an engine ------------------------------------------------------------------------------------------


def test_version_and_help() -> None:
    assert ran("--version") == Ran(0, f"gocodemod {gocodemod.__version__}\n".encode(), "")
    for argv in (["--help"], ["-h"], [], ["scan", "--help"]):
        shown = ran(*argv)
        assert (shown.code, shown.err) == (0, "")
        assert b"Usage: gocodemod" in shown.out
    for command in ("list", "explain", "scan", "diff", "apply"):
        assert f"\n  {command} ".encode() in ran("--help").out


def test_list_and_explain() -> None:
    assert re.search(rb"^sleep-loop +Replace time.Sleep loops", ran("list").out, re.MULTILINE)
    assert b"Not handled, and why" in ran("explain", "sleep-loop").out
    for reason, sentence in REASONS.items():
        assert ran("explain", reason).out.decode() == f"{reason}: {sentence}\n"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["scan", "--jbs"], "No such option"),
        (["scna"], "No such command"),
        (["explain"], "Missing argument"),
        (["explain", "bariers"], "did you mean barrier?"),
        (["scan", "--level", "all"], "--level must be safe or review"),
        (["scan", "--jobs", "x"], "not a valid integer"),
        (["scan", "no-such-folder"], "no-such-folder: no such file or folder"),
        (["scan", "--select", "sleep-lop", "."], "did you mean sleep-loop?"),
        (["scan", "--config", "none.toml", "."], "none.toml"),
        (["scan", "--go", "/no/such/go", "."], "/no/such/go"),
        (["apply", "--transform-file", "none.py", "."], "none.py"),
    ],
)
def test_mistakes_exit_2_and_say_what_is_wrong(
    argv: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree(tmp_path, {"p.go": NOTHING}))
    result = ran(*argv)
    assert result.code == 2
    assert says in result.err
    assert result.out == b""
    assert "Traceback" not in result.err


def test_errors_of_ours_are_told_shortly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(error: BaseException) -> Ran:
        def run(*args: object, **kwargs: object) -> None:
            raise error

        monkeypatch.setattr(apply_command, "run_engine", run)
        return ran("apply", tmp_path)

    assert fail(KeyboardInterrupt()).code == 130
    assert fail(NotIdempotent("ping and pong")) == Ran(2, b"", "gocodemod: ping and pong\n")
    broken = fail(ValueError("oh no"))
    assert broken.code == 2
    assert broken.err.startswith("gocodemod: internal error: ValueError: oh no\n")
    monkeypatch.setenv("GOCODEMOD_DEBUG", "1")
    with pytest.raises(ValueError, match="oh no"):
        fail(ValueError("oh no"))


def test_nothing_found_exits_0(tmp_path: Path) -> None:
    tree(tmp_path, {"p.go": NOTHING})
    assert ran("scan", tmp_path) == Ran(0, b"0 sites; 1 file\n", "")
    assert ran("diff", tmp_path) == Ran(0, b"", "0 sites; 1 file\n")
    assert ran("apply", tmp_path) == Ran(0, b"0 sites; 1 file\n", "")


# --- with the engine --------------------------------------------------------------------------------------------


def test_scan_lists_sites_and_exits_1(module_folder: Path) -> None:
    result = ran("scan", module_folder, "--no-verify")
    assert result.code == 1
    assert result.out.startswith(b"p.go:11:4: sleep-loop fixable (safe) ")
    assert result.out.splitlines()[-1] == b"2 sites: 2 fixable (2 safe); 2 files"
    assert ran("scan", module_folder, "--no-verify", "--exit-zero").code == 0
    assert ran("scan", module_folder, "--no-verify", "-q").out == b"2 sites: 2 fixable (2 safe); 2 files\n"
    assert b"signal: ctx" in ran("scan", module_folder, "--no-verify", "-v").out


def test_scan_of_suppressed_sites_only_exits_0(tmp_path: Path) -> None:
    tree(tmp_path, {"go.mod": MOD, "p.go": "//gocodemod:ignore\n\n" + LOOP})
    result = ran("scan", tmp_path)
    assert (result.code, result.out.splitlines()[-1]) == (0, b"1 site: 1 suppressed; 1 file")


def test_json_follows_the_schema_and_does_not_depend_on_jobs(module_folder: Path) -> None:
    one, two = (ran("scan", module_folder, "--format", "json", "-j", n) for n in "12")
    assert one == two
    assert len(one.json["sites"]) == 2  # type: ignore[arg-type]


def test_a_diff_goes_to_stdout_and_its_summary_to_stderr(module_folder: Path) -> None:
    result = ran("diff", module_folder)
    assert result.code == 1
    assert result.out.startswith(b"diff --git a/p.go b/p.go\n--- a/p.go\n+++ b/p.go\n@@ ")
    assert result.err == "2 sites: 2 fixable (2 safe); 2 files\n"
    assert ran("diff", module_folder, "-q").err == ""
    assert "[vetted]" in ran("diff", module_folder, "-v").err
    assert ran("diff", module_folder, "--color", "always").out.startswith(b"\x1b[1mdiff --git")
    assert ran("diff", module_folder, "--format", "json").json["diff"] == result.out.decode()
    assert git(module_folder, "status", "--porcelain") == b""


def test_diff_piped_to_git_gives_what_apply_writes(tmp_path: Path, module_folder: Path) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(module_folder, twin)
    git(twin, "apply", "-", data=ran("diff", twin / "sub", twin / "p.go", "--level", "safe").out)
    result = ran("apply", module_folder)
    assert result.code == 0
    assert b"\nwrote p.go\nwrote sub/q.go\n2 sites: 2 fixed (2 safe); 2 files\n" in result.out
    for name in ("p.go", "sub/q.go"):
        assert (module_folder / name).read_bytes() == (twin / name).read_bytes() != LOOP.encode()
    assert git(module_folder, "status", "--porcelain") == b" M p.go\n M sub/q.go\n"
    assert ran("apply", module_folder) == Ran(0, b"0 sites; 2 files\n", ""), "a second run finds nothing to do"


def test_apply_refuses_a_dirty_tree(module_folder: Path) -> None:
    tree(module_folder, {"p.go": LOOP + "\n// More.\n"})
    result = ran("apply", module_folder)
    assert result.code == 2
    assert "  p.go\n" in result.err
    assert git(module_folder, "status", "--porcelain") == b" M p.go\n"
    assert ran("apply", module_folder, "--allow-dirty").code == 0


def test_apply_exits_3_where_a_file_changed_meanwhile(module_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = engine.run

    def slowly(*args: object, **kwargs: object) -> object:
        result = run(*args, **kwargs)  # type: ignore[arg-type]
        tree(module_folder, {"p.go": LOOP + "// Edited meanwhile.\n"})
        return result

    monkeypatch.setattr(apply_command, "run_engine", slowly)
    result = ran("apply", module_folder)
    assert result.code == 3
    assert result.out.splitlines()[-1] == b"2 sites: 1 fixed (1 safe), 1 conflicted; 2 files"
    assert "gocodemod: p.go: it changed on disk" in result.err
    assert (module_folder / "p.go").read_text().endswith("meanwhile.\n")
    assert (module_folder / "sub/q.go").read_text() != LOOP


def test_results_go_to_a_file_in_one_step(module_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.patch"
    assert ran("diff", module_folder, "-o", target, "--color", "always").out == b""
    assert target.read_bytes() == ran("diff", module_folder).out
    assert ran("scan", module_folder, "--output", tmp_path / "no/such/folder").code == 2


def test_settings_of_the_repository_count(module_folder: Path) -> None:
    tree(module_folder, {".gocodemod.toml": 'exclude = ["sub/"]\ncadence = "gap"\n'})
    result = ran("diff", module_folder)
    assert result.err == "1 site: 1 fixable (1 safe); 1 file, 1 skipped\n"
    assert b"time.After" in result.out
    assert b"NewTicker" in ran("diff", module_folder, "--cadence", "tick").out


def test_the_example_holds_every_kind_of_outcome_that_the_readme_promises() -> None:
    document = ran("scan", EXAMPLE, "--format", "json").json
    outcomes = {site["outcome"] for site in document["sites"]}  # type: ignore[attr-defined]
    assert outcomes == {"fixable", "refused", "reported", "suppressed"}


# --- as a process -----------------------------------------------------------------------------------------------


def process(*argv: str | Path, **kwargs: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gocodemod", *map(str, argv)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)  # type: ignore[call-overload,no-any-return]


def test_a_reader_that_goes_away_is_no_error(module_folder: Path) -> None:
    started = process("diff", module_folder, "-q")
    assert started.stdout is not None and started.stderr is not None
    started.stdout.close()
    assert started.stderr.read() == b""
    assert started.wait() == 1


def test_an_ascii_terminal_gets_escapes_instead_of_a_crash(tmp_path: Path) -> None:
    tree(tmp_path, {"go.mod": MOD, "é.go": LOOP})
    started = process("diff", tmp_path, "-v", env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    out, err = started.communicate()
    assert started.returncode == 1
    assert b'"a/\\303\\251.go"' in out
    assert b"\\xe9.go:11:4" in err
    listed = process("scan", tmp_path).communicate()[0]
    assert "é.go:11:4".encode() in listed, "results are bytes, whatever the terminal"


def test_the_version_is_told_without_loading_anything() -> None:
    code = "import sys; from gocodemod.cli.main import main; main(['--version'], sys.stdout.buffer, sys.stderr); "
    code += "print([m for m in ('typer', 'rich', 'tree_sitter', 'unidiff', 'subprocess') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code]).endswith(b"\n[]\n")


# --- progress ---------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_only_and_for_long_runs_only() -> None:
    assert isinstance(progress.choose(io.StringIO(), True), NullProgress)
    assert isinstance(progress.choose(Terminal(), False), NullProgress)
    stderr = Terminal()
    with progress.choose(stderr, True).stage("match", 3) as stage:
        stage.advance()
    assert stderr.getvalue() == ""


def test_a_long_stage_is_shown_and_taken_away() -> None:
    stderr = Terminal()
    shown = progress.TerminalProgress(stderr, patience=0.0)
    with shown.stage("verify", None) as stage:
        stage.advance(2)
        while "verify" not in stderr.getvalue():
            pass
    assert "verify" in stderr.getvalue()


def test_the_exit_codes_are_documented_where_they_are_made() -> None:
    assert module.__doc__ is not None
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    for line in module.__doc__.splitlines():
        assert not line.startswith("| ") or line in readme


KILLED = """
import os, signal, sys
real, left = os.replace, int(sys.argv[1])
def replace(source, target):
    global left
    if str(target).endswith(".go"):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
    real(source, target)
os.replace = replace
from gocodemod.cli.main import main
sys.exit(main(["apply", "--no-verify", sys.argv[2]], sys.stdout.buffer, sys.stderr))
"""


def test_a_process_killed_while_writing_leaves_each_file_old_or_new_and_a_rerun_finishes(module_folder: Path) -> None:
    files = [module_folder / "p.go", module_folder / "sub/q.go"]
    old = [f.read_bytes() for f in files]
    killed = subprocess.run([sys.executable, "-c", KILLED, "1", str(module_folder)], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    halfway = [f.read_bytes() for f in files]
    assert sum(a != b for a, b in zip(old, halfway, strict=True)) == 1
    assert ran("apply", module_folder, "--no-verify").code == 0
    new = [f.read_bytes() for f in files]
    assert all(b"NewTicker" in data for data in new)
    assert all(h in (o, n) for o, h, n in zip(old, halfway, new, strict=True))
