"""How long we take, beside tools that do a part of it: run by ``make bench``, by hand.

    python benchmarks/bench.py ../etcd ../moby [--rounds 5] [--changes ../syncthing] [--copies ../prometheus] [--tools FOLDER]

Every command runs once unmeasured, then in ``--rounds`` rounds, one after the other in each, so that what else the
machine does falls on all of them. Printed, as Markdown: medians of wall and CPU time (of a command and what it waits
for), the largest process, and the ratio of wall times to the first row's, taken round by round. Commands that are not
there are left out. ``--changes``: a repository of which ``diff`` is compared with ``go vet`` of the packages it changes,
caches warm and cold. ``--copies``: a tree of which 1, 2, 4 and 8 copies are searched with 1 and 2 workers.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RULES = Path(__file__).parent / "rules"
OURS = (sys.executable, "-m", "gocodemod")


@dataclass
class Command:
    """``arguments`` without a shell; ``environment`` on top of ours."""

    name: str
    arguments: Sequence[str]
    cwd: str = "."
    environment: Mapping[str, str] = field(default_factory=dict)
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)

    def run(self, *, measured: bool) -> None:
        """Run it once; its output is thrown away. Exit code 1 means findings for most of these; more is a failure."""
        started = time.monotonic()
        process = subprocess.Popen(
            list(self.arguments),
            cwd=self.cwd,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            raise SystemExit(f"{self.name} exits with {process.returncode}: {' '.join(self.arguments)}")
        if measured:
            self.wall.append(time.monotonic() - started)
            self.cpu.append(used.ru_utime + used.ru_stime)
            self.peak.append(used.ru_maxrss / 1024)


def compare(commands: Sequence[Command], rounds: int, *, warm: bool = True) -> str:
    """A table of the commands, measured in turn."""
    for command in commands if warm else ():
        command.run(measured=False)
    for _ in range(rounds):
        for command in commands:
            command.run(measured=True)
    first = commands[0]
    lines = [f"| command | wall | CPU | peak | of the wall of {first.name} |", "|---|---|---|---|---|"]
    for command in commands:
        ratio = statistics.median(mine / base for mine, base in zip(command.wall, first.wall, strict=True))
        wall, cpu, peak = map(statistics.median, (command.wall, command.cpu, command.peak))
        lines.append(f"| {command.name} | {wall:.2f} s | {cpu:.2f} s | {peak:.0f} MB | {ratio:.2f} |")
    return "\n".join(lines)


def searches(paths: Sequence[str], tools: str) -> Iterator[Command]:
    """What looks for sites, ripgrep first."""
    if rg := shutil.which("rg", path=tools):
        yield Command("`rg -l Sleep`", [rg, "-l", "-t", "go", "Sleep", *paths])
    yield Command("`gocodemod --version`", [*OURS, "--version"])
    scan = [*OURS, "scan", "--no-cache", "--no-progress", "-q"]
    yield Command("`gocodemod scan --select sleep-loop`", [*scan, "--select", "sleep-loop", *paths])
    yield Command("... remembered", [*scan[:4], *scan[5:], "--select", "sleep-loop", *paths])
    yield Command("`gocodemod scan`, all transforms", [*scan, *paths])
    if found := shutil.which("ast-grep", path=tools):
        rule = str(RULES / "ast-grep.yml")
        yield Command("`ast-grep scan`, the rule of sleep-loop", [found, "scan", "--rule", rule, *paths])
    if found := shutil.which("semgrep", path=tools):
        flags = ["--metrics=off", "--disable-version-check", "--quiet", "--config", str(RULES / "semgrep.yml")]
        yield Command(
            "`semgrep scan`, the rule of sleep-loop", [found, "scan", *flags, *paths], environment=_path(found)
        )
    if found := shutil.which("gofmt"):
        yield Command("`gofmt -l`", [found, "-l", *paths])


def _path(program: str) -> dict[str, str]:
    return {"PATH": f"{os.path.dirname(program)}{os.pathsep}{os.environ['PATH']}"}


def changes(repository: str, rounds: int) -> Iterator[str]:
    """Our diff beside go vet of the packages it changes, in the repository's first module."""
    done = subprocess.run([*OURS, "diff", "--no-progress", "-q", repository], capture_output=True, check=False)
    files = re.findall(r"^\+\+\+ b/(\S+\.go)$", done.stdout.decode("utf-8", "replace"), re.MULTILINE)
    folders = sorted({f"./{os.path.dirname(name)}" for name in files})
    yield f"`diff` of {os.path.basename(repository)} changes {len(files)} files in {len(folders)} packages.\n"
    if not folders:
        return
    vet = ["go", "vet", *folders]
    diff = [*OURS, "diff", "--no-progress", "-q", repository]
    pair = [Command("`go vet`, warm", vet, repository), Command("`gocodemod diff`, warm", diff)]
    yield compare(pair, rounds)
    with tempfile.TemporaryDirectory(prefix="gocodemod-bench-") as folder:
        cold = []
        for number in range(2):
            # A cache of its own for each command and turn; our own cache is cold, too.
            cold.append({"GOCACHE": f"{folder}/go{number}", "GOCODEMOD_CACHE": f"{folder}/ours{number}"})
        pair = [
            Command("`go vet`, cold", vet, repository, cold[0]),
            Command("`gocodemod diff`, cold", diff, environment=cold[1]),
        ]
        yield "\n" + compare(pair, 1, warm=False)


def copies(tree: str, rounds: int) -> str:
    """Cost against size and workers."""
    lines = ["| copies | workers | wall | CPU | largest process |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory(prefix="gocodemod-bench-") as folder:
        for number in range(8):
            shutil.copytree(tree, f"{folder}/{number}", symlinks=True, ignore=shutil.ignore_patterns(".git"))
        scan = [*OURS, "scan", "--no-cache", "--no-progress", "-q", "--select", "sleep-loop"]
        commands = {
            (count, jobs): Command("", [*scan, "-j", str(jobs), *(f"{folder}/{n}" for n in range(count))])
            for count in (1, 2, 4, 8)
            for jobs in (1, 2)
        }
        compare(list(commands.values()), rounds)
    for (count, jobs), command in commands.items():
        wall, cpu, peak = map(statistics.median, (command.wall, command.cpu, command.peak))
        lines.append(f"| {count} | {jobs} | {wall:.2f} s | {cpu:.2f} s | {peak:.0f} MB |")
    return "\n".join(lines)


def machine() -> str:
    """The machine, and what else it did: what is measured here depends on both."""
    text = Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    model = re.search(r"model name\s*: (.+)", text)
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return f"{model[1] if model else platform.processor()}, {os.cpu_count()} CPUs, load {load}, Python {platform.python_version()}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure gocodemod beside other tools.")
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--changes", help="a repository of which diff is compared with go vet")
    parser.add_argument("--copies", help="a tree to search 1, 2, 4 and 8 copies of")
    parser.add_argument("--tools", default="", help="a folder to look for rg, ast-grep and semgrep in, besides PATH")
    asked = parser.parse_args()
    tools = os.pathsep.join(filter(None, (asked.tools, os.environ["PATH"])))
    paths = [os.path.realpath(path) for path in asked.paths]
    count = sum(name.endswith(".go") for path in paths for _, _, names in os.walk(path) for name in names)
    print(f"{machine()}\n\n{count} Go files below {', '.join(map(os.path.basename, paths))}; {asked.rounds} rounds\n")
    print(compare(list(searches(paths, tools)), asked.rounds), flush=True)
    if asked.changes:
        print("\n" + "\n".join(changes(os.path.realpath(asked.changes), asked.rounds)), flush=True)
    if asked.copies:
        print("\n" + copies(os.path.realpath(asked.copies), asked.rounds), flush=True)
    print(f"\nAt the end: {machine()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
