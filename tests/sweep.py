"""Every Go file below some folders through every transform: run by ``make sweep``, by hand, for it takes hours.

    python -m tests.sweep /usr/local/go/src ../moby --jobs 2 [--limit 900] [--report sweep.json]

Vendored, generated and test code is taken too. Nothing is written: what would be is held in memory. Each file must be
searched without a crash and in time; what is made of it must parse, as go/parser and as our grammar see it, be as gofmt
has it where the file was, hold every comment, and be left alone by a second pass; every site must end in one outcome
with a registered reason. Exits with 1 where that is not so. ``go vet`` is not asked: that is what ``make survey`` does.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gocodemod import registry
from gocodemod.engine.result import Changed, Result
from gocodemod.engine.run import run
from gocodemod.golang.source import Source
from gocodemod.golang.types import FormatError, TypeChecker
from gocodemod.model import Kind, Level
from gocodemod.needles import holds
from gocodemod.reasons import REASONS
from gocodemod.settings import Settings

# So many files are given to one process at most: what one of them breaks is then looked for in halves.
_LOT = 300


@dataclass(frozen=True)
class Lot:
    """Files of one module (of one top folder, for files of none) that one process looks at."""

    module: str
    files: tuple[str, ...]


@dataclass
class Swept:
    """What came of some files. ``sites``: outcome and reason, how often. ``faults``: what must not be."""

    sites: Counter[str] = field(default_factory=Counter)
    changed: int = 0
    faults: list[str] = field(default_factory=list)
    rolled_back: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, other: Swept) -> None:
        self.sites += other.sites
        self.changed += other.changed
        self.faults += other.faults
        self.rolled_back += other.rolled_back
        self.notes += other.notes

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Swept:
        return cls(Counter(told["sites"]), told["changed"], told["faults"], told["rolled_back"], Counter(told["notes"]))

    def told(self) -> dict[str, Any]:
        return {
            "sites": dict(sorted(self.sites.items())),
            "changed": self.changed,
            "faults": self.faults,
            "rolled_back": self.rolled_back,
            "notes": dict(self.notes.most_common()),
        }


# --- which files ------------------------------------------------------------------------------------------------


def go_files(tops: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every regular Go file below the folders, whatever its name, with the folder it was found below."""
    for top in tops:
        for folder, folders, names in os.walk(os.path.realpath(top)):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if name.endswith(".go") and os.path.isfile(path) and not os.path.islink(path):
                    yield path, os.path.realpath(top)


def lots(files: Sequence[tuple[str, str]]) -> list[Lot]:
    """The files by module, in lots."""
    modules: dict[str, list[str]] = {}
    above: dict[str, str] = {}
    for path, top in files:
        modules.setdefault(_module(os.path.dirname(path), top, above), []).append(path)
    return [
        Lot(module, tuple(paths[at : at + _LOT]))
        for module, paths in sorted(modules.items())
        for at in range(0, len(paths), _LOT)
    ]


def _module(folder: str, top: str, known: dict[str, str]) -> str:
    if folder not in known:
        parent = os.path.dirname(folder)
        is_one = folder == top or os.path.exists(os.path.join(folder, "go.mod")) or parent == folder
        known[folder] = folder if is_one else _module(parent, top, known)
    return known[folder]


# --- one lot, in a process of its own ---------------------------------------------------------------------------


def sweep(lot: Lot) -> Swept:
    """Run every transform over the files. What a run raises is raised."""
    with tempfile.TemporaryDirectory(prefix="gocodemod-sweep-") as scratch:
        settings = Settings(
            level=Level.REVIEW,
            include_tests=True,
            include_generated=True,
            jobs=1,
            go_env=_environment(lot.module, Path(scratch)),
            vet_timeout=0.0,
        )
        result = run(lot.files, settings, write=False)
        swept = Swept(changed=len(result.changed))
        swept.notes.update(_kind(note) for note in result.notes)
        _count(result, swept)
        if result.changed:
            with TypeChecker(scratch) as checker:
                for change in result.changed:
                    swept.faults += [f"{change.path}: {fault}" for fault in faults(change, checker)]
    return swept


def _environment(module: str, scratch: Path) -> dict[str, str]:
    """For a module that was downloaded alone, go.mod and go.sum of its own, which the go command may complete."""
    inside = f"{os.sep}pkg{os.sep}mod{os.sep}" in module
    if not inside or not os.path.exists(os.path.join(module, "go.mod")):
        return {}
    for name in ("go.mod", "go.sum"):
        if os.path.exists(os.path.join(module, name)):
            shutil.copyfile(os.path.join(module, name), scratch / name)
    return {"GOFLAGS": f"-mod=mod -modfile={scratch / 'go.mod'}", "GOWORK": "off"}


def _kind(note: str) -> str:
    """A note without the names in it."""
    return re.sub(r"(/\S+|\b\d+\b|\S*[./]\S*)", "...", note.splitlines()[0])[:100]


def _count(result: Result, swept: Swept) -> None:
    for outcome in result.outcomes:
        site = outcome.site
        place = f"{site.path}:{site.line}: {site.transform}"
        swept.sites[f"{site.transform}: {outcome.kind} {outcome.reason or outcome.level or ''}".rstrip()] += 1
        if outcome.reason and outcome.reason not in REASONS:
            swept.faults.append(f"{place}: the reason {outcome.reason} is not registered")
        if outcome.reason == "internal-error":
            swept.faults.append(f"{place}: {outcome.evidence.get('exception', outcome.message)}")
        if outcome.reason == "changed-on-disk":
            swept.faults.append(f"{place}: found, and not found again")
        if outcome.kind is Kind.ROLLED_BACK:
            swept.rolled_back.append(f"{place}: {outcome.message.splitlines()[0]}")
    wrong = [note for note in result.notes if ": not searched: " in note or "the type checker" in note]
    swept.faults += [note for note in wrong if not note.endswith("is nested too deep")]


def faults(change: Changed, checker: TypeChecker) -> Iterator[str]:
    """What is wrong with one finished file."""
    before, after = Source.parse(change.path, change.before), Source.parse(change.path, change.after)
    if _broken(after) > _broken(before):
        yield "the result holds more that our grammar cannot read"
    if checker.parse(change.before) == "":
        try:
            clean = checker.format(change.after)
        except FormatError as error:
            yield f"gofmt rejects the result: {error}"
        else:
            if checker.format(change.before) == change.before and clean != change.after:
                yield "no longer as gofmt has it"
    else:
        yield "a file with syntax errors was edited"
    lost = Counter(map(_squeezed, checker.comments(change.before)))
    lost -= Counter(map(_squeezed, checker.comments(change.after)))
    yield from (f"comment lost: {text}" for text in lost)


def _broken(source: Source) -> int:
    """How many nodes of the tree are errors or were made up."""
    count, pending = 0, [source.tree.root_node]
    while pending:
        node = pending.pop()
        count += node.is_error or node.is_missing
        pending += [child for child in node.children if child.has_error]
    return count


def _squeezed(comment: str) -> str:
    # The lines of a comment move together with the code around it.
    return " ".join(comment.split())


# --- all lots ---------------------------------------------------------------------------------------------------


def guarded(lot: Lot, limit: float) -> Swept:
    """The lot in a process of its own, at most so many seconds; where that goes wrong, each half alone, down to one file."""
    command = [sys.executable, "-m", "tests.sweep", "--lot"]
    asked = json.dumps({"module": lot.module, "files": lot.files}).encode()
    try:
        done = subprocess.run(command, input=asked, capture_output=True, check=False, timeout=limit)
        if done.returncode == 0:
            return Swept.read(json.loads(done.stdout))
        problem = done.stderr.decode("utf-8", "replace").strip() or f"the process ended with {done.returncode}"
    except subprocess.TimeoutExpired:
        problem = f"no end after {limit:g} s"
    if len(lot.files) == 1:
        return Swept(faults=[f"{lot.files[0]}: {problem}"])
    middle = len(lot.files) // 2
    swept = Swept()
    for files in (lot.files[:middle], lot.files[middle:]):
        swept.add(guarded(Lot(lot.module, files), limit))
    if not swept.faults:
        swept.faults.append(f"{lot.module}: {len(lot.files)} files from {lot.files[0]} on, only together: {problem}")
    return swept


def main() -> int:
    parser = argparse.ArgumentParser(description="Every Go file below some folders through every transform.")
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=float, default=900.0, help="seconds that a lot of files may take")
    parser.add_argument("--report", type=Path, help="where to write what was found, as JSON")
    parser.add_argument("--lot", action="store_true", help="one lot, read from stdin (used by this program itself)")
    asked = parser.parse_args()
    if asked.lot:
        told = json.load(sys.stdin)
        print(json.dumps(sweep(Lot(told["module"], tuple(told["files"]))).told()))
        return 0
    started = time.monotonic()
    needles = [t.needles for t in registry.selected(Settings())]
    every = list(go_files(asked.folders))
    held = [(path, top) for path, top in every if any(holds(Path(path).read_bytes(), n) for n in needles)]
    work = lots(held)
    swept = Swept()
    with ThreadPoolExecutor(asked.jobs) as pool:
        for number, part in enumerate(pool.map(lambda lot: guarded(lot, asked.limit), work), 1):
            swept.add(part)
            for fault in part.faults:
                print(f"FAULT: {fault}", flush=True)
            print(f"{number}/{len(work)} {work[number - 1].module}", file=sys.stderr, flush=True)
    for text in swept.rolled_back:
        print(f"rolled back: {text}")
    if asked.report:
        asked.report.write_text(json.dumps(swept.told(), indent=1) + "\n")
    print(
        f"{len(every)} files, {len(held)} of them searched by tree, in {len(work)} lots; {swept.changed} would change"
    )
    print(f"{sum(swept.sites.values())} sites: {dict(_by_kind(swept.sites))}")
    print(f"{len(swept.faults)} faults, {time.monotonic() - started:.0f} s")
    return int(bool(swept.faults))


def _by_kind(sites: Mapping[str, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, count in sites.items():
        found[name.split(": ")[1].split()[0]] += count
    return found


if __name__ == "__main__":
    sys.exit(main())
