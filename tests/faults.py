"""Disturbs runs in every way we know and looks at what is left: run by ``make faults``, by hand, for it takes a while.

    python -m tests.faults [--kills 200] [--interrupts 100] [--repeat 10] [--tree ../syncthing] [--jobs-tree ../moby]

Each run is a process of the command line over a repository of its own. Printed is a table: what was done, how often, and
what came of it. Exits with 1 where a file is neither old nor new, an exit code is another one than documented, a
process or a temporary file is left behind, or two runs do not say the same.

``tests/test_faults.py`` does the same, less often, in ``make test``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gocodemod.golang import toolchain as go
from tests.repos import git, repository

_MARK = "GOCODEMOD_FAULTS"
_FILE = """package p{0}

import (
\t"context"
\t"time"
)

func Poll(ctx context.Context, work func()) {{
\tfor {{
\t\twork()
\t\ttime.Sleep(time.Second)
\t}}
}}
"""


# --- runs -------------------------------------------------------------------------------------------------------


@dataclass
class Ran:
    code: int
    out: bytes
    err: str


@dataclass
class Ground:
    """A repository to disturb runs in. ``old`` and ``new``: files that ``apply`` changes, before and after."""

    root: Path
    old: dict[str, bytes] = field(default_factory=dict)
    new: dict[str, bytes] = field(default_factory=dict)
    seconds: float = 0.0
    writing: float = 0.0

    @classmethod
    def made(cls, folder: Path, packages: int = 40) -> Ground:
        """A module of small packages with a site each."""
        files = {f"p{i}/p.go": _FILE.format(i) for i in range(packages)}
        return cls(repository(folder, {"go.mod": "module example.com/m\n\ngo 1.24\n", **files}))

    @classmethod
    def cloned(cls, origin: Path, folder: Path) -> Ground:
        git(folder.parent, "clone", "--quiet", "--shared", str(origin), str(folder))
        return cls(folder)

    def command(self, name: str, *flags: str) -> list[str]:
        return [sys.executable, "-m", "gocodemod", name, "--no-progress", *flags, str(self.root)]

    def apply(self) -> list[str]:
        return self.command("apply", "--level", "review")

    def run(self, command: Sequence[str], **env: str) -> Ran:
        done = subprocess.run(command, env=_environment(env), capture_output=True, check=False)
        return Ran(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def measure(self) -> None:
        """Find out what an undisturbed run makes of it, and how long that takes."""
        before = {str(p.relative_to(self.root)): p.read_bytes() for p in self.root.rglob("*.go") if p.is_file()}
        started = time.monotonic()
        process = _start(self.apply())
        first = self._first_change(process, before)
        process.communicate()
        assert process.returncode == 0, f"an undisturbed apply exits with {process.returncode}"
        self.seconds, self.writing = time.monotonic() - started, time.monotonic() - first
        after = {name: (self.root / name).read_bytes() for name in before}
        self.old = {name: data for name, data in before.items() if after[name] != data}
        self.new = {name: after[name] for name in self.old}
        self.reset()

    def _first_change(self, process: subprocess.Popen[bytes], before: Mapping[str, bytes]) -> float:
        dates = {name: (self.root / name).stat().st_mtime_ns for name in before}
        while process.poll() is None:
            if any((self.root / name).stat().st_mtime_ns != date for name, date in dates.items()):
                break
        return time.monotonic()

    def reset(self) -> None:
        """Everything as it was."""
        for name, data in self.old.items():
            (self.root / name).write_bytes(data)
        for left in self.leftovers():
            left.unlink()

    def leftovers(self) -> list[Path]:
        return [p for p in self.root.rglob("*.tmp") if p.name.startswith(".")]

    def state(self) -> str:
        """``old``, ``new``, ``mixed``, or the name of a file that is neither."""
        found = {name: (self.root / name).read_bytes() for name in self.old}
        torn = [name for name, data in found.items() if data not in (self.old[name], self.new[name])]
        if torn:
            return f"TORN: {torn[0]}"
        fresh = sum(data == self.new[name] for name, data in found.items())
        return "old" if not fresh else "new" if fresh == len(found) else "mixed"


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, _MARK: str(os.getpid()), **more}


def _start(command: Sequence[str], **env: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=_environment(env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def alive(patience: float = 3.0) -> list[str]:
    """Command lines of processes that our runs have left behind and that do not end by themselves soon."""
    deadline = time.monotonic() + patience
    while (found := _marked()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _marked() -> list[str]:
    mark = f"{_MARK}={os.getpid()}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes() and ") Z " not in (entry / "stat").read_text():
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return found


# --- a go command that does something first ---------------------------------------------------------------------


def go_that(folder: Path, what: Mapping[str, str]) -> str:
    """A go command that runs a line of shell before a subcommand (``list``, ``vet``) does its work."""
    real = go.find()
    path = folder / "bin" / "go"
    path.parent.mkdir(parents=True, exist_ok=True)
    cases = "".join(f"{name}) {line} ;;\n" for name, line in what.items())
    about = f"printf '%s\\n' {real.version_text} {shlex.quote(str(folder))} {real.goos} {real.goarch}"
    path.write_text(
        f'#!/bin/sh\nif [ "$*" = "env GOVERSION GOROOT GOHOSTOS GOHOSTARCH" ]; then {about}; exit; fi\n'
        f'case "$1" in\n{cases}esac\nexec {shlex.quote(real.path)} "$@"\n'
    )
    path.chmod(0o755)
    return str(path)


# --- faults -----------------------------------------------------------------------------------------------------


@dataclass
class Row:
    """What was done, and what came of it: each end with how often it came. ``wrong``: what must not be."""

    what: str
    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        ends = ", ".join(f"{count} x {end}" for end, count in sorted(self.ends.items()))
        return f"| {self.what} | {ends} | {'; '.join(self.wrong[:3]) or 'as it should be'} |"


def kills(ground: Ground, times: int, chance: random.Random) -> Row:
    """kill -9 of ``apply``: one half at any moment, one half while files are written; where some were, run again."""
    row = Row("`kill -9` of `apply`, then `apply` again")
    for number in range(times):
        process = _start(ground.apply())
        if number % 2:
            ground._first_change(process, ground.old)
            time.sleep(chance.uniform(0, ground.writing))
        else:
            time.sleep(chance.uniform(0, ground.seconds))
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
        state = ground.state()
        row.ends[f"all files {state}" if state in ("old", "new") else "some files old, some new"] += 1
        if state.startswith("TORN"):
            row.wrong.append(state)
        if left := ground.leftovers():
            row.ends["a hidden .tmp file left"] += len(left)
        if state == "mixed" or number % 20 == 0:
            again = ground.run(ground.apply())
            if again.code != 0 or ground.state() != "new":
                row.wrong.append(f"run again: exit {again.code}, {ground.state()}: {again.err}")
        ground.reset()
    if left_behind := alive():
        row.wrong.append(f"left behind: {left_behind[0]}")
    return row


def interrupts(
    ground: Ground, command: Sequence[str], times: int, chance: random.Random, number: int = signal.SIGINT
) -> Row:
    """Ctrl-C, as a terminal sends it: to all processes of the group; every other time to the first one only."""
    row = Row(f"{signal.Signals(number).name} at any moment of `{command[3]}`")
    for turn in range(times):
        process = _start(command)
        time.sleep(chance.uniform(0.25, max(ground.seconds, 0.3)))
        sent = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number) if turn % 2 else process.send_signal(number)
        process.wait()
        took = time.monotonic() - sent
        assert process.stderr is not None
        os.set_blocking(process.stderr.fileno(), False)
        said = (process.stderr.read() or b"").decode()
        process.stderr.close()
        # Before our first line runs, the signal is Python's own to answer.
        early = process.returncode == -number
        finished = early or process.returncode in (0, 1)
        end = "ended before it began" if early else "finished before" if finished else f"exit {process.returncode}"
        row.ends[end] += 1
        if not finished and (process.returncode != 128 + number or "Traceback" in said or "gocodemod: " not in said):
            row.wrong.append(f"exit {process.returncode}: {said[-300:]}")
        if not finished and took > 5:
            row.wrong.append(f"took {took:.1f} s to end")
        if left := alive():
            row.wrong.append(f"left behind: {left[0]}")
        if ground.leftovers() or ground.state().startswith("TORN"):
            row.wrong.append(f"{ground.state()}, {len(ground.leftovers())} temporary files")
        ground.reset()
    return row


@dataclass(frozen=True)
class Fault:
    """A disturbed run. ``says``: words of what it must say; ``state``: what must have become of the files."""

    what: str
    code: int
    says: str
    state: str
    run: Callable[[Ground, Path], Ran]


def _with_go(what: Mapping[str, str], *flags: str) -> Callable[[Ground, Path], Ran]:
    def run(ground: Ground, scratch: Path) -> Ran:
        lines = {name: line.replace("FILE", shlex.quote(str(ground.root / "p1/p.go"))) for name, line in what.items()}
        (ground.root / ".gocodemod.toml").write_text(
            "go_timeout = 2\nvet_timeout = 2\n" if "sleep" in str(what) else ""
        )
        return ground.run([*ground.apply(), "--go", go_that(scratch, lines), *flags])

    return run


def _without_go(ground: Ground, scratch: Path) -> Ran:
    folder = scratch / "path"
    folder.mkdir(parents=True)
    (folder / "git").symlink_to(shutil.which("git") or "git")
    hidden = {"PATH": str(folder), "GOROOT": "", "GOCODEMOD_GO": ""}
    code = "import importlib.metadata, sys; from gocodemod.golang import toolchain; "
    code += "toolchain._candidates = lambda: iter(()); from gocodemod.cli.main import entry; entry()"
    return ground.run([sys.executable, "-c", code, *ground.apply()[3:]], **hidden)


def _too_new(ground: Ground, scratch: Path) -> Ran:
    (ground.root / "go.mod").write_text("module example.com/m\n\ngo 1.999\n")
    return ground.run(ground.apply())


def _read_only(ground: Ground, scratch: Path) -> Ran:
    (ground.root / "p1/p.go").chmod(0o444)
    return ground.run(ground.apply())


def _full_output(ground: Ground, scratch: Path) -> Ran:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(ground.command("diff"), stdout=full, stderr=subprocess.PIPE, check=False)
    return Ran(done.returncode, b"", done.stderr.decode())


FAULTS = (
    Fault("no Go on the machine", 2, "no Go toolchain found", "old", _without_go),
    Fault("a `go.mod` that wants a newer Go, and no network", 2, "older than the module wants", "old", _too_new),
    Fault("`go list` hangs (`go_timeout = 2`)", 2, "did not finish in 2s", "old", _with_go({"list": "sleep 97"})),
    Fault("`go vet` hangs (`vet_timeout = 2`)", 0, "type-checked but not vetted", "new", _with_go({"vet": "sleep 97"})),
    Fault("`go list` fails", 2, "go list in ", "old", _with_go({"list": "echo out of order >&2; exit 1"})),
    Fault("`go list` dies", 2, "go list in ", "old", _with_go({"list": "kill -9 $$"})),
    Fault("`go list` prints nonsense", 2, "what is no JSON", "old", _with_go({"list": "echo nonsense; exit"})),
    Fault("a file changes before the types are loaded", 3, "changed-on-disk", "TORN: p1/p.go", _with_go({"list": "echo >> FILE"})),
    Fault("a file changes while the result is vetted", 3, "it changed on disk", "TORN: p1/p.go", _with_go({"vet": "echo >> FILE"})),
    Fault("a file vanishes before the types are loaded", 3, "changed-on-disk", "GONE", _with_go({"list": "rm -f FILE"})),
    Fault("a file vanishes while the result is vetted", 3, "cannot be read any more", "GONE", _with_go({"vet": "rm -f FILE"})),
    Fault("a read-only file", 3, "it is read-only", "mixed", _read_only),
    Fault("standard output on a full disk (`diff > /dev/full`)", 2, "No space left on device", "old", _full_output),
)  # fmt: skip


def disturb(fault: Fault, ground: Ground, scratch: Path) -> Row:
    """One fault over a fresh ground."""
    row = Row(fault.what)
    ran = fault.run(ground, scratch)
    row.ends[f"exit {ran.code}"] += 1
    said = ran.err + ran.out.decode("utf-8", "replace")
    if ran.code != fault.code or fault.says not in said or "Traceback" in said or "bug" in said:
        row.wrong.append(f"exit {ran.code}: {said[-600:]}")
    if (state := _state(ground)) != fault.state:
        row.wrong.append(f"files are {state}, not {fault.state}")
    if left := [*ground.leftovers(), *alive()]:
        row.wrong.append(f"left behind: {left[0]}")
    return row


def _state(ground: Ground) -> str:
    return "GONE" if not all((ground.root / name).exists() for name in ground.old) else ground.state()


def full_disks(folder: Path, ground: Ground) -> Iterator[Row]:
    """File systems without room, where this user may mount one."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        yield Row("a full disk", Counter({"not tried: only root may mount one": 1}))
        return
    try:
        for what, code, env in (
            ("no room for Go's cache (`GOCACHE`)", 2, {"GOCACHE": str(disk / "go")}),
            ("no room for our cache (`GOCODEMOD_CACHE`)", 0, {"GOCODEMOD_CACHE": str(disk / "ours")}),
            ("no room for temporary files (`TMPDIR`)", 0, {"TMPDIR": str(disk)}),
        ):
            _fill(disk)
            row = Row(what)
            ran = ground.run(ground.apply(), **env)
            row.ends[f"exit {ran.code}"] += 1
            if ran.code != code or "bug" in ran.err or ground.state() != ("old" if code else "new"):
                row.wrong.append(f"exit {ran.code}, {ground.state()}: {ran.err[-300:]}")
            yield row
            ground.reset()
        (disk / "fill").unlink()
        inside = Ground(disk / "tree", ground.old, ground.new)
        shutil.copytree(ground.root, inside.root)
        _fill(disk)
        row = Row("no room beside the files that are written")
        ran = inside.run([*inside.apply(), "--allow-dirty"])
        row.ends[f"exit {ran.code}"] += 1
        if ran.code != 3 or "No space left" not in ran.err or inside.state() != "old" or inside.leftovers():
            row.wrong.append(f"exit {ran.code}, {inside.state()}: {ran.err[-300:]}")
        yield row
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def _fill(disk: Path) -> None:
    with contextlib.suppress(OSError), open(disk / "fill", "wb") as file:
        while True:
            file.write(b"\0" * 4096)
            file.flush()


def sameness(ground: Ground, repeat: int, chance: random.Random) -> Row:
    """The same bytes whatever the number of workers, the seed of hashes, and the order in which a folder lists its files."""
    row = Row("`scan` and `diff` again and again: `-j 1` and `-j 8`, other hash seeds, files laid out in another order")
    told: dict[str, set[bytes]] = {"scan": set(), "diff": set()}
    for turn in range(repeat):
        twin = Ground(ground.root.with_name(f"twin{turn}"))
        _lay_out_shuffled(ground.root, twin.root, chance)
        for name, said in told.items():
            flags = ["--no-cache"] if name == "scan" else []
            jobs = ("1", "8")[turn % 2]
            ran = twin.run(twin.command(name, "-j", jobs, "--include-tests", *flags), PYTHONHASHSEED=str(turn + 1))
            said.add(ran.out.replace(str(twin.root).encode(), b""))
            row.ends[f"{name}: {len(said)} distinct"] = turn + 1
        shutil.rmtree(twin.root)
    row.ends = Counter({f"{name}, {len(said)} distinct output": repeat for name, said in told.items()})
    row.wrong += [f"{name} said {len(said)} different things" for name, said in told.items() if len(said) != 1]
    return row


def _lay_out_shuffled(origin: Path, copy: Path, chance: random.Random) -> None:
    """A copy in no repository, whose folders list their files in the order in which they were made, which is by chance."""
    files = [p for p in origin.rglob("*") if p.is_file() and ".git" not in p.relative_to(origin).parts]
    chance.shuffle(files)
    for path in files:
        target = copy / path.relative_to(origin)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target, follow_symlinks=False)


def main() -> int:
    parser = argparse.ArgumentParser(description="Disturb runs and look at what is left.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--interrupts", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--tree", type=Path, help="a repository to kill and interrupt over (a clone of it is changed)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="gocodemod-faults-") as name:
        folder = Path(name).resolve()
        ground = Ground.cloned(asked.tree, folder / "tree") if asked.tree else Ground.made(folder / "tree")
        ground.measure()
        print(f"apply changes {len(ground.old)} files in {ground.seconds:.1f} s\n\n| fault | ends | |\n|---|---|---|")
        for row in _rows(ground, folder, asked, chance):
            print(row, flush=True)
            wrong += len(row.wrong)
    return int(bool(wrong))


def _rows(ground: Ground, folder: Path, asked: argparse.Namespace, chance: random.Random) -> Iterator[Row]:
    yield kills(ground, asked.kills, chance)
    for number in (signal.SIGINT, signal.SIGTERM):
        yield interrupts(ground, ground.apply(), asked.interrupts, chance, number)
        scan = ground.command("scan", "--no-cache", "-j", "2", "--include-tests")
        yield interrupts(ground, scan, asked.interrupts, chance, number)
    small = Ground.made(folder / "small", 4)
    small.measure()
    for count, fault in enumerate(FAULTS):
        fresh = Ground(folder / f"fault{count}", small.old, small.new)
        shutil.copytree(small.root, fresh.root)
        yield disturb(fault, fresh, folder / f"scratch{count}")
    yield from full_disks(folder, small)
    yield sameness(ground, asked.repeat, chance)


if __name__ == "__main__":
    sys.exit(main())
