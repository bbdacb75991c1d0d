"""What a forge knows: users, repositories, pull requests. The rules are GitHub's; the dialects word them."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

from tests.repos import ENVIRONMENT, repository


class No(Exception):
    """The forge does not do it: ``code`` names why (``exists``, ``no-head``, ``no-diff``, ``recreated``, ...)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(eq=False)
class Project:
    name: str
    folder: Path
    parent: Project | None = None
    default: str = "main"
    pulls: dict[int, Pull] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    id: int = 0

    @property
    def owner(self) -> str:
        return self.name.rpartition("/")[0]

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, env=ENVIRONMENT, capture_output=True, check=False)
        if done.returncode:
            raise No("git", done.stderr.decode())
        return done.stdout.decode().strip()

    def head(self, branch: str) -> str | None:
        # As git would answer, without a process for the common case.
        loose = self.folder / "refs/heads" / branch
        if loose.is_file():
            return loose.read_text().strip()
        try:
            return self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}")
        except No:
            return None

    def heads(self, prefix: str = "") -> dict[str, str]:
        rows = self.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").splitlines()
        return dict(row.split(" ") for row in rows if row.startswith(prefix))

    def label_id(self, name: str) -> int:
        return self.labels.setdefault(name, len(self.labels) + 1)


@dataclass(eq=False)
class Pull:
    number: int
    project: Project
    head: Project
    branch: str
    into: str
    title: str
    body: str
    draft: bool = False
    state: str = "open"
    merged: bool = False
    sha: str = ""
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    reviewed: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def tip(self) -> str:
        """The branch's tip while it is open, the last one known after."""
        if self.state == "open":
            self.sha = self.head.head(self.branch) or self.sha
        return self.sha


@dataclass
class World:
    folder: Path
    users: dict[str, str] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def user(self, login: str, token: str) -> str:
        self.users[token] = login
        return token

    def project(self, name: str, files: dict[str, str]) -> Project:
        """A bare repository with a branch ``main`` that holds these files."""
        work = repository(self.folder / "work" / name, files, "--initial-branch=main")
        return self._bare(name, None, work)

    def fork(self, project: Project, owner: str) -> Project:
        name = f"{owner}/{project.name.rpartition('/')[2]}"
        there = self.projects.get(name)
        if there is None:
            return self._bare(name, project, project.folder)
        if there.parent is not project:
            raise No("exists", f"{name} exists and is no fork")
        return there

    def _bare(self, name: str, parent: Project | None, source: Path) -> Project:
        folder = self.folder / "bare" / f"{name}.git"
        folder.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["git", "clone", "--quiet", "--bare", str(source), str(folder)], env=ENVIRONMENT, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        made = Project(name, folder, parent, id=len(self.projects) + 1)
        made.git("config", "http.receivepack", "true")
        self.projects[name] = made
        return made

    def open(self, project: Project, head: Project, branch: str, into: str, title: str, body: str, draft: bool) -> Pull:
        base, tip = project.head(into), head.head(branch)
        if base is None:
            raise No("no-base", f"there is no branch {into}")
        if tip is None:
            raise No("no-head", f"there is no branch {branch}")
        if any(
            p.state == "open" and (p.head, p.branch, p.into) == (head, branch, into) for p in project.pulls.values()
        ):
            raise No("exists", f"A pull request already exists for {head.owner}:{branch}.")
        if not self._differs(project, base, head, tip):
            raise No("no-diff", f"No commits between {into} and {branch}")
        number = len(project.pulls) + 1
        pull = Pull(number, project, head, branch, into, title, body, draft)
        pull.tip()
        project.pulls[number] = pull
        return pull

    @staticmethod
    def _differs(project: Project, base: str, head: Project, tip: str) -> bool:
        if head is not project:
            project.git("fetch", "--quiet", str(head.folder), tip)
        return project.git("rev-list", "--count", f"{base}..{tip}") != "0"

    def close(self, pull: Pull) -> None:
        pull.tip()
        pull.state = "closed"

    def reopen(self, pull: Pull) -> None:
        if pull.merged:
            raise No("merged", "state cannot be changed: it is merged")
        tip = pull.head.head(pull.branch)
        if tip is None:
            raise No("no-head", f"state cannot be changed. The {pull.branch} branch has been deleted.")
        if tip != pull.sha and pull.head.git("merge-base", pull.sha, tip) != pull.sha:
            raise No("recreated", f"state cannot be changed. The {pull.branch} branch was force-pushed or recreated.")
        pull.state = "open"

    def merge(self, pull: Pull) -> None:
        """Squash the change onto its target, as one commit."""
        project, tip = pull.project, pull.tip()
        tree = project.git("rev-parse", f"{tip}^{{tree}}")
        made = project.git("commit-tree", "-p", f"refs/heads/{pull.into}", "-m", pull.title, tree)
        project.git("update-ref", f"refs/heads/{pull.into}", made)
        pull.state, pull.merged = "closed", True
