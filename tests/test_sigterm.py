"""The janitor of examples/legacy, built and stopped by SIGTERM: before a context was threaded to its loop, and after."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gocodemod.cli.main import main
from gocodemod.golang import toolchain as go

EXAMPLE = Path(__file__).parent.parent / "examples" / "legacy"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGTERM")


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "legacy")
    return tmp_path / "legacy"


def _stopped(legacy: Path, tmp_path: Path, name: str) -> tuple[int, Path]:
    """Build the program, start it, stop it once it has swept its folder; its exit code, and the folder."""
    program, spool = tmp_path / name, tmp_path / f"{name}-spool"
    spool.mkdir()
    done = go.run([go.find().path, "build", "-o", str(program), "./cmd/janitor"], cwd=str(legacy), timeout=600)
    assert done.returncode == 0, done.stderr
    with subprocess.Popen([program, spool], stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        try:
            while "removed so far" not in running.stderr.readline():
                assert running.poll() is None
            running.send_signal(signal.SIGTERM)
            # The loop's own wait is ten minutes: only the signal can end it.
            return running.wait(60), spool
        finally:
            running.kill()


def test_sigterm_ends_it_in_order_once_a_context_was_brought(legacy: Path, tmp_path: Path) -> None:
    code, spool = _stopped(legacy, tmp_path, "before")
    assert code == -signal.SIGTERM
    assert (spool / "janitor.lock").exists()

    flags = ("--select", "sleep-loop", "--level", "review", "--quiet")
    assert main(["apply", str(legacy), *flags], io.BytesIO(), io.StringIO()) == 0

    code, spool = _stopped(legacy, tmp_path, "after")
    assert code == 0, "main logs that it was stopped, and returns"
    assert not (spool / "janitor.lock").exists()
