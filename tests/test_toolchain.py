"""Finding Go, running it within limits, and building the type checker once."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gocodemod.errors import ToolchainError
from gocodemod.golang import toolchain as go


@pytest.fixture(scope="module")
def real() -> go.Toolchain:
    return go.find()


def fake(directory: Path, version: str = "go1.99.1", body: str = "") -> Path:
    """A command that answers ``go env`` as a toolchain of that version would."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "go"
    path.write_text(f"#!/bin/sh\n{body}\necho {version}\necho {directory}\necho linux\necho amd64\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment in which no Go can be found."""
    for name in ("GOCODEMOD_GO", "GOROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(importlib.metadata, "distribution", _absent)
    return monkeypatch


def _absent(name: str) -> None:
    raise importlib.metadata.PackageNotFoundError(name)


class TestFind:
    def test_the_real_one_knows_its_version(self, real: go.Toolchain) -> None:
        assert real.version >= go.OLDEST
        assert real.version_text.startswith(f"go{real.version[0]}.{real.version[1]}")
        assert os.path.dirname(real.path) == os.path.join(real.goroot, "bin")
        assert os.access(real.gofmt, os.X_OK)

    def test_a_path_that_was_given_comes_first(self, nothing: pytest.MonkeyPatch, tmp_path: Path) -> None:
        nothing.setenv("GOCODEMOD_GO", str(fake(tmp_path / "b", "go1.98")))
        assert go.find(str(fake(tmp_path / "a"))).version == (1, 99)
        assert go.find().version == (1, 98)

    def test_a_folder_that_was_given_is_a_goroot(self, nothing: pytest.MonkeyPatch, tmp_path: Path) -> None:
        fake(tmp_path / "root" / "bin")
        assert go.find(str(tmp_path / "root")).version_text == "go1.99.1"

    def test_path_comes_before_goroot(self, nothing: pytest.MonkeyPatch, tmp_path: Path) -> None:
        fake(tmp_path / "root" / "bin", "go1.97")
        nothing.setenv("GOROOT", str(tmp_path / "root"))
        assert go.find().version == (1, 97)
        nothing.setenv("PATH", f"{fake(tmp_path / 'path').parent}")
        assert go.find().version == (1, 99)

    def test_the_wheel_is_found_when_nothing_else_is(self, nothing: pytest.MonkeyPatch, tmp_path: Path) -> None:
        class Wheel:
            files = (importlib.metadata.PackagePath("go/bin/go"),)

        Wheel.files[0].dist = type("Dist", (), {"locate_file": lambda self, p: tmp_path / str(p)})()
        nothing.setattr(importlib.metadata, "distribution", lambda name: Wheel)
        fake(tmp_path / "go" / "bin", "go1.96")
        assert go.find().version == (1, 96)

    def test_what_stands_beside_python_is_found(self, nothing: pytest.MonkeyPatch, tmp_path: Path) -> None:
        fake(tmp_path, "go1.95")
        assert go.find().version == (1, 95)

    def test_a_development_version_has_a_number(self, nothing: pytest.MonkeyPatch, tmp_path: Path) -> None:
        assert go.find(str(fake(tmp_path / "a", "devel go1.27-abcdef linux/amd64"))).version == (1, 27)

    def test_none_at_all_says_how_to_get_one(self, nothing: pytest.MonkeyPatch) -> None:
        with pytest.raises(ToolchainError, match=r"gocodemod\[go\].*--go.*GOCODEMOD_GO"):
            go.find()

    def test_one_that_was_named_is_never_replaced(self, real: go.Toolchain, tmp_path: Path) -> None:
        with pytest.raises(ToolchainError, match="--go names"):
            go.find(str(tmp_path / "nosuch"))
        with pytest.raises(ToolchainError, match="no working go command"):
            go.find(str(fake(tmp_path / "a", body="exit 1")))


class TestRun:
    def test_no_run_can_reach_the_network_or_switch(self, real: go.Toolchain, tmp_path: Path) -> None:
        names = ["GOPROXY", "GOSUMDB", "GOTOOLCHAIN", "GOFLAGS"]
        done = go.run([real.path, "env", *names], cwd=tmp_path)
        assert done.stdout.decode().splitlines() == ["off", "off", "local", ""]

    def test_settings_can_be_given_back(self, real: go.Toolchain, tmp_path: Path) -> None:
        done = go.run([real.path, "env", "GOFLAGS"], cwd=tmp_path, env={"GOFLAGS": "-mod=mod"})
        assert done.stdout.decode().strip() == "-mod=mod"

    def test_a_failure_is_handed_back(self, real: go.Toolchain, tmp_path: Path) -> None:
        done = go.run([real.path, "nosuchcommand"], cwd=tmp_path)
        assert done.returncode != 0 and "nosuchcommand" in done.stderr

    def test_the_time_limit_ends_the_command_and_its_children(self, tmp_path: Path) -> None:
        script = tmp_path / "slow"
        script.write_text("#!/bin/sh\nsleep 61 &\necho $! > child\nwait\n")
        script.chmod(0o755)
        begin = time.monotonic()
        with pytest.raises(ToolchainError, match=r"did not finish in 0\.5 s"):
            go.run([str(script)], cwd=tmp_path, timeout=0.5)
        assert time.monotonic() - begin < 10
        assert _ended(int((tmp_path / "child").read_text()))

    def test_a_command_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ToolchainError, match="cannot run"):
            go.run([str(tmp_path / "nosuch")], cwd=tmp_path)


def _ended(pid: int) -> bool:
    for _ in range(100):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or ") Z " in stat.read_text():
            return True
        time.sleep(0.02)
    return False


class TestCache:
    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({"GOCODEMOD_CACHE": "/a/b"}, "/a/b"),
            ({"XDG_CACHE_HOME": "/x"}, "/x/gocodemod"),
            ({"HOME": "/h"}, "/h/Library/Caches/gocodemod" if sys.platform == "darwin" else "/h/.cache/gocodemod"),
        ],
    )
    def test_where_it_is(self, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], expected: str) -> None:
        for name in ("GOCODEMOD_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        assert go.cache_directory() == Path(expected)

    def test_go_gets_a_cache_where_there_is_no_home(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for name in ("GOCACHE", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("GOCODEMOD_CACHE", str(tmp_path))
        assert go.environment()["GOCACHE"] == str(tmp_path / "go-build")


class TestBuild:
    def test_it_is_built_once(self, real: go.Toolchain) -> None:
        first = go.build_typechecker(real)
        stamp = os.stat(first).st_mtime_ns
        assert go.build_typechecker(real) == first and os.stat(first).st_mtime_ns == stamp

    def test_two_builds_at_once_leave_one_good_file(
        self, real: go.Toolchain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("GOCODEMOD_CACHE", str(tmp_path))
        built: list[str] = []
        threads = [threading.Thread(target=lambda: built.append(go.build_typechecker(real))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(built)) == 1 and [p.name for p in tmp_path.iterdir()] == [Path(built[0]).name]
        answer = subprocess.run([built[0]], input=b'{"id":1,"op":"parse"}\n', capture_output=True, check=True)
        assert b'"id":1' in answer.stdout

    def test_a_cache_that_cannot_be_written_gives_way_to_a_temporary_one(
        self, real: go.Toolchain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("GOCODEMOD_CACHE", str(tmp_path / "file"))
        monkeypatch.setattr(go, "_temporary_cache", lambda: tmp_path / "temporary")
        assert Path(go.build_typechecker(real)).parent == tmp_path / "temporary"

    def test_a_go_that_is_too_old_is_told_so(self, real: go.Toolchain) -> None:
        old = go.Toolchain("/old/go", (1, 20), "go1.20.3", "/old", "linux", "amd64")
        with pytest.raises(ToolchainError, match=r"go1\.20\.3, the type checker needs Go 1\.22"):
            go.build_typechecker(old)

    def test_a_build_that_fails_tells_why(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("GOCODEMOD_CACHE", str(tmp_path / "cache"))
        path = fake(tmp_path / "a", body='if [ "$1" = build ]; then echo no disk >&2; exit 1; fi')
        with pytest.raises(ToolchainError, match="cannot build the type checker: no disk"):
            go.build_typechecker(go.find(str(path)))
