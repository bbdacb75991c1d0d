"""Runs against the forge for tests, from change sets that are made here instead of found in Go code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gocodemod import git as gitting
from gocodemod.deliver import session, snapshot, target
from gocodemod.deliver.bodies import Writer
from gocodemod.deliver.branches import Signature
from gocodemod.deliver.changesets import ChangeSet
from gocodemod.deliver.planning import Plan, Wishes
from gocodemod.deliver.pullrequests import Pull
from gocodemod.model import Kind, Level, Outcome, Site, Verification
from gocodemod.progress import NullProgress
from tests.fakes import swap
from tests.forge.server import Forge
from tests.forge.world import Project
from tests.repos import git

TOKEN = "forge-token-for-tests-0123456789"  # not a secret of anybody
AUTHOR = "Ann <ann@example.com>"
TRANSFORM = swap("old", "new")
FILE = "package p\n\nfunc Start() {\n\told()\n}\n"
AFTER = FILE.replace("old()", "new()")


class FakeClock:
    """Time passes only where somebody waits."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@dataclass(frozen=True)
class Ran:
    plan: Plan
    pulls: tuple[Pull, ...]
    told: tuple[str, ...]

    @property
    def statuses(self) -> dict[str, str]:
        return {pull.branch: pull.status.value for pull in self.pulls}


@dataclass
class Bench:
    """A clone of a project of the forge."""

    forge: Forge
    project: Project
    clone: Path
    kind: str = "github"
    clock: FakeClock = field(default_factory=FakeClock)

    def change(
        self, name: str, files: dict[str, str] | None = None, level: Level = Level.SAFE, **evidence: str
    ) -> ChangeSet:
        """A change set for ``p.go``, or the files given, on the branch ``gocodemod/old/NAME``."""
        made = {path: text.encode() for path, text in (files or {"p.go": AFTER}).items()}
        sites = tuple(
            Outcome(
                Site("old", str(self.clone / path), FILE.index("old()"), FILE.index("old()") + 5, 4, 2, 4, f"print-{name}-{path}"),
                Kind.FIXED, level, "", "old() becomes new()", evidence or {"cadence": "as before"}, Verification.VETTED,
            )
            for path in made
        )  # fmt: skip
        return ChangeSet(f"gocodemod/old/{name}", TRANSFORM, made, sites, str(self.clone))

    @contextlib.contextmanager
    def session(
        self, *, fork: bool = False, dry_run: bool = False, told: list[str] | None = None
    ) -> Iterator[session.Session]:
        gitting._find.cache_clear()
        gitting._drivers.cache_clear()
        repository = gitting.find(str(self.clone.resolve()))
        assert repository is not None
        api = self.forge.api if self.kind == "github" else self.forge.url
        where = target.locate(repository, "origin", self.kind, api, self.project.name)
        lines = told if told is not None else []
        with session.opened(
            repository, where, TOKEN, fork=fork, dry_run=dry_run, clock=self.clock, told=lines.append
        ) as opened:
            yield opened

    def run(
        self, changes: Sequence[ChangeSet], *, fork: bool = False, dry_run: bool = False, base: str = "", **wishes: Any
    ) -> Ran:
        told: list[str] = []
        with self.session(fork=fork, dry_run=dry_run, told=told) as opened:
            into = opened.caller.read(opened.forge.default_branch)
            taken = snapshot.take(opened.remote.repository, base or opened.base(into))
            wished = Wishes(into, "gocodemod", **{"vanished": lambda branch: True, **wishes})
            plan, pulls = opened.run(taken, changes, wished, Writer(), Signature(AUTHOR), NullProgress())
        return Ran(plan, pulls, tuple(told))

    def move_base(self, name: str = "more", text: str = "more\n") -> None:
        """Somebody else pushes to main."""
        self.commit("main", name, text)

    def commit(self, branch: str, name: str, text: str) -> None:
        """Somebody else commits to a branch of the forge."""
        work = self.clone.parent / f"work-{len(list(self.clone.parent.iterdir()))}"
        git(self.clone.parent, "clone", "--quiet", "--branch", branch, str(self.project.folder), str(work))
        (work / name).write_text(text)
        git(work, "add", name)
        git(work, "commit", "--quiet", "--message", "mine")
        git(work, "push", "--quiet", "origin", branch)


def bench(
    folder: Path, forge: Forge, kind: str = "github", files: dict[str, str] | None = None, name: str = "o/r"
) -> Bench:
    forge.world.user("ann", TOKEN)
    forge.world.user("bob", "token-of-bob")
    project = forge.world.project(
        name, files or {"p.go": FILE, "q.go": FILE, "go.mod": "module example.com/m\n\ngo 1.25\n"}
    )
    clone = folder / "clone" / name
    git(folder, "clone", "--quiet", str(project.folder), str(clone))
    git(clone, "remote", "set-url", "origin", f"{forge.url}/{name}.git")
    return Bench(forge, project, clone, kind)
