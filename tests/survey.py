"""What the transforms do to whole repositories: run by ``make survey``, by hand, for it needs their dependencies and time.

    python -m tests.survey ../etcd ../nomad --work ../survey [--select NAME,...] [--staticcheck staticcheck] [--tests 30]

Repositories stay as they are: each is cloned below ``--work`` and edited there. Printed, as Markdown: a table of sites by
outcome and reason; what verification said; whether ``diff`` and ``apply`` agree, a second ``apply`` changes nothing, gofmt
and the comments are as before; new findings of staticcheck; tests of the changed packages that passed before and do not
after. Exits with 1 where any of that is not as it should be.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gocodemod.golang import toolchain as go
from gocodemod.golang.types import TypeChecker

Sites = list[dict[str, Any]]


@dataclass
class Survey:
    """One repository: ``origin`` as it is, ``copy`` the clone that is edited. ``faults``: what is not as it should be."""

    origin: Path
    copy: Path
    flags: Sequence[str]
    faults: list[str] = field(default_factory=list)

    def command(self, *arguments: str, root: Path | None = None) -> bytes:
        done = subprocess.run(
            [sys.executable, "-m", "gocodemod", *arguments, *self.flags, "--no-progress", str(root or self.copy)],
            capture_output=True,
            check=False,
        )
        if done.returncode not in (0, 1, 3):
            raise SystemExit(
                f"{self.origin.name}: {arguments[0]} exited with {done.returncode}: {done.stderr.decode()}"
            )
        self.said = done.stderr.decode()
        return done.stdout

    def sites(self, *arguments: str) -> Sites:
        found: Sites = json.loads(self.command(*arguments, "--format", "json"))["sites"]
        return found


def clone(origin: Path, work: Path) -> Path:
    """A new clone of what is committed, work tree and all."""
    copy = work / origin.name
    subprocess.run(["rm", "-rf", str(copy)], check=True)
    subprocess.run(["git", "clone", "--quiet", "--shared", "--no-checkout", str(origin), str(copy)], check=True)
    subprocess.run(["git", "-C", str(copy), "checkout", "--quiet", "--force"], check=False, capture_output=True)
    return copy


def tables(found: Mapping[str, Sites]) -> str:
    """For each transform a table: outcome and reason down, repositories across."""
    lines: list[str] = []
    for transform in sorted({s["transform"] for sites in found.values() for s in sites}):
        counts = {name: Counter(_end(s) for s in sites if s["transform"] == transform) for name, sites in found.items()}
        lines += [f"\n### {transform}\n", f"| | {' | '.join(counts)} |", "|---" * (len(counts) + 1) + "|"]
        for end in sorted({end for count in counts.values() for end in count}):
            lines.append(f"| {end} | {' | '.join(str(count[end] or '') for count in counts.values())} |")
    return "\n".join(lines)


def _end(site: Mapping[str, Any]) -> str:
    return " ".join(part for part in (site["outcome"], site["reason"] or site["level"]) if part)


def check_edits(survey: Survey, tools: go.Toolchain) -> list[str]:
    """Edit the clone, in every way there is, and compare. Gives the files changed, relative to the clone."""
    sites = survey.sites("diff")
    for site in sites:
        if site["outcome"] in ("rolled-back", "conflicted"):
            survey.faults.append(
                f"{site['outcome']}: {site['path']}:{site['line']} {site['transform']}: {site['message']}"
            )
    print(f"\ndiff: {dict(Counter(s['evidence']['verification'] for s in sites if s['outcome'] == 'fixable'))}")
    patch = survey.command("diff")
    print("".join(f"note: {line}\n" for line in survey.said.splitlines() if "run again" in line), end="")
    changed = sorted(set(re.findall(rb"^\+\+\+ b/(.+?)\t?$", patch, re.MULTILINE)))
    names = [name.decode() for name in changed]
    before = {name: (survey.copy / name).read_bytes() for name in names}
    subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=survey.copy, input=patch, check=True)
    patched = {name: (survey.copy / name).read_bytes() for name in names}
    for name, data in before.items():
        (survey.copy / name).write_bytes(data)
    survey.sites("apply", "--allow-dirty")
    after = {name: (survey.copy / name).read_bytes() for name in names}
    survey.faults += [f"diff and apply differ: {name}" for name in names if after[name] != patched[name]]
    again = [s for s in survey.sites("apply", "--allow-dirty") if s["outcome"] == "fixed"]
    survey.faults += [f"edited again: {s['path']}:{s['line']} {s['transform']}" for s in again]
    for name, data in after.items():
        (survey.copy / name).write_bytes(data)
    with TypeChecker(survey.copy, tools) as checker:
        for name in names:
            if checker.format(before[name]) == before[name] and checker.format(after[name]) != after[name]:
                survey.faults.append(f"no longer as gofmt has it: {name}")
            lost = Counter(checker.comments(before[name])) - Counter(checker.comments(after[name]))
            survey.faults += [f"comment lost: {name}: {text}" for text in lost]
    print(f"edited {len(names)} files; {len(again)} edited again")
    return names


def packages(root: Path, files: Iterable[str]) -> dict[Path, list[str]]:
    """Package folders (``./x``) of files by their module's folder."""
    found: dict[Path, set[str]] = {}
    for name in files:
        folder = (root / name).parent
        module = next(p for p in (folder, *folder.parents) if (p / "go.mod").exists())
        found.setdefault(module, set()).add(f"./{folder.relative_to(module)}")
    return {module: sorted(names) for module, names in sorted(found.items())}


def findings(program: str, root: Path, files: Sequence[str]) -> Counter[str]:
    """What staticcheck says of the packages, without positions."""
    found: Counter[str] = Counter()
    for module, names in packages(root, files).items():
        done = subprocess.run(
            [program, "-f", "json", "-checks", "all,-ST*", *names],
            cwd=module,
            capture_output=True,
            check=False,
            text=True,
        )
        for line in done.stdout.splitlines():
            told = json.loads(line)
            file = Path(told["location"]["file"]).name
            found[f"{file}: {told['code']}: {re.sub(r'[0-9]+', 'N', told['message'])}"] += 1
    return found


def passing(tools: go.Toolchain, root: Path, files: Sequence[str], most: int) -> dict[str, set[str]]:
    """Tests that pass, by package folder, for at most so many packages; "" is among them where the package passes whole.

    Of a package that runs out of time nothing is known.
    """
    found: dict[str, set[str]] = {}
    for module, names in packages(root, files).items():
        for name in names[: max(most - len(found), 0)]:
            command = [tools.path, "test", "-json", "-race", "-short", "-timeout", "300s", name]
            done = subprocess.run(command, cwd=module, capture_output=True, check=False, text=True)
            events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
            ended = {e.get("Test", "") for e in events if e["Action"] in ("pass", "skip")}
            known = any(e.get("Test") for e in events) and "panic: test timed out after" not in done.stdout
            found[f"{module.relative_to(root)}:{name}"] = ended if known else set()
    return found


def check_around(survey: Survey, names: Sequence[str], staticcheck: str, tests: int, tools: go.Toolchain) -> None:
    """Compare what staticcheck and the packages' own tests say before and after."""
    after = {name: (survey.copy / name).read_bytes() for name in names}
    told: list[Counter[str]] = []
    ran: list[dict[str, set[str]]] = []
    for contents in (None, after):
        if contents is None:
            subprocess.run(["git", "checkout", "--quiet", "--", *names], cwd=survey.copy, check=True)
        else:
            for name, data in contents.items():
                (survey.copy / name).write_bytes(data)
        told.append(findings(staticcheck, survey.copy, names) if staticcheck else Counter())
        ran.append(passing(tools, survey.copy, names, tests) if tests else {})
    if staticcheck:
        survey.faults += [f"new finding: {text}" for text in told[1] - told[0]]
        print(f"staticcheck: {sum(told[0].values())} findings before, {sum((told[1] - told[0]).values())} new")
    for name, before in ran[0].items():
        if not before or not ran[1][name]:
            print(f"tests of {name}: not compared (none, not built, or out of time)")
            continue
        lost = sorted(before - ran[1][name])
        survey.faults += [f"passed before: {name} {test}" for test in lost[:5]]
        whole = "passes" if "" in before else "does not pass whole"
        print(f"tests of {name}: {len(before)} pass before ({whole}), {len(lost)} of them not after")


def main() -> int:
    parser = argparse.ArgumentParser(description="What the transforms do to whole repositories.")
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder for the clones that are edited")
    parser.add_argument("--select", default="", help="only these transforms")
    parser.add_argument("--staticcheck", default="", help="program to compare findings with")
    parser.add_argument(
        "--tests", type=int, default=0, help="run the tests of at most so many packages of each repository"
    )
    parser.add_argument("--table-only", action="store_true", help="scan, and edit nothing")
    asked = parser.parse_args()
    tools = go.find()
    flags = ["--level", "review", *(["--select", asked.select] if asked.select else [])]
    asked.work.mkdir(parents=True, exist_ok=True)
    surveys = [
        Survey(path, path if asked.table_only else clone(path, asked.work), flags) for path in asked.repositories
    ]
    print(tables({s.origin.name: s.sites("scan", "--no-cache") for s in surveys}))
    for survey in surveys if not asked.table_only else []:
        print(f"\n## {survey.origin.name}")
        names = check_edits(survey, tools)
        if names:
            check_around(survey, names, asked.staticcheck, asked.tests, tools)
        print("".join(f"FAULT: {fault}\n" for fault in survey.faults), end="", flush=True)
    return int(any(s.faults for s in surveys))


if __name__ == "__main__":
    sys.exit(main())
