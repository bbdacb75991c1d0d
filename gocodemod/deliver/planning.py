"""What is to be done for each change set: found out by reading only, before anything is written.

The remote and the forge say what is there, so a lost ledger, another machine or a killed run lead to the same end.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gocodemod.deliver import bodies, branches
from gocodemod.deliver.bodies import Writer
from gocodemod.deliver.branches import Signature
from gocodemod.deliver.calls import Caller
from gocodemod.deliver.changesets import ChangeSet
from gocodemod.deliver.forges.protocol import Forge, PullRequest, State
from gocodemod.deliver.ledger import Entry
from gocodemod.deliver.push import Remote
from gocodemod.deliver.snapshot import Snapshot
from gocodemod.git import GitError
from gocodemod.progress import Progress


class Status(enum.StrEnum):
    """What became of a pull request."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    CLOSED = "closed"
    DIVERGED = "diverged"
    FAILED = "failed"


class Verb(enum.StrEnum):
    """What can be done, in the order in which it is."""

    REOPEN = "reopen"
    PUSH = "push"
    CREATE = "create"
    UPDATE = "update"
    LABEL = "label"
    REVIEW = "request review"
    COMMENT = "comment"
    CLOSE = "close"


@dataclass(frozen=True)
class Wishes:
    """``max_open`` None: no limit. ``vanished``: whether a branch without a change set is known to have lost it."""

    into: str
    prefix: str
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    draft: bool = False
    max_open: int | None = None
    reopen: bool = False
    vanished: Callable[[str], bool] = lambda _: False


@dataclass(frozen=True)
class Step:
    """One branch. ``change`` None: its change set has vanished. ``tip``: of the remote's branch, "" where there is none.

    ``push``: the commit that is to be its tip, "" where nothing is pushed. ``verbs``: what is to be done; none for
    a ``status`` of unchanged, closed or diverged.
    """

    branch: str
    status: Status
    change: ChangeSet | None = None
    tip: str = ""
    push: str = ""
    pull: PullRequest | None = None
    body: str = ""
    verbs: tuple[Verb, ...] = ()
    why: str = ""

    @property
    def title(self) -> str:
        assert self.change is not None
        return bodies.title(self.change)


@dataclass(frozen=True)
class Plan:
    """``held``: branches for which ``--max-open`` leaves no room."""

    steps: tuple[Step, ...]
    held: tuple[str, ...] = ()

    @property
    def writes(self) -> int:
        """Requests to the forge's API that change something."""
        return sum(verb is not Verb.PUSH for step in self.steps for verb in step.verbs)

    @property
    def pushes(self) -> int:
        """Pushes."""
        return sum(verb is Verb.PUSH for step in self.steps for verb in step.verbs)


@dataclass
class Planner:
    """Looks, and writes nothing to remote or forge."""

    snapshot: Snapshot
    remote: Remote
    forge: Forge
    caller: Caller
    wishes: Wishes
    writer: Writer
    signature: Signature
    progress: Progress
    _tips: Mapping[str, str] = field(default_factory=dict)

    def plan(self, changes: Sequence[ChangeSet]) -> Plan:
        """What there is to do, in the order of branches. Raises ForgeError, GitError where one cannot even look."""
        self._tips = self.remote.heads([f"{self.wishes.prefix}/*"])
        ids = branches.commit_ids(self.snapshot, changes, self.signature)
        names = {change.branch for change in changes}
        gone = sorted(b for b in self._tips if b not in names and self.wishes.vanished(b))
        known = [b for b, tip in self._tips.items() if b in (*names, *gone) and tip != ids.get(b)]
        self.remote.fetch([b for b in known if not self.remote.has(self._tips[b])])
        before = self.snapshot.read({path for change in changes for path in change.files})
        steps = []
        with self.progress.stage("look", len(changes) + len(gone)) as stage:
            for branch in gone:
                steps += self._gone(branch)
                stage.advance()
            for change in changes:
                steps.append(self._step(change, ids[change.branch], before))
                stage.advance()
        return self._within(steps)

    def _gone(self, branch: str) -> list[Step]:
        pull = self.caller.read(lambda: self.forge.find(branch))
        if pull is None or pull.state is not State.OPEN:
            return []
        tip = self._tips[branch]
        if not self._is_ours(branch, tip):
            why = "its change has vanished, but the branch holds commits that gocodemod did not make"
            return [Step(branch, Status.DIVERGED, tip=tip, pull=pull, why=why)]
        said = bodies.CLOSED in self.caller.read(lambda: self.forge.last_comment(pull.number))
        verbs = (Verb.CLOSE,) if said else (Verb.COMMENT, Verb.CLOSE)
        return [Step(branch, Status.CLOSED, tip=tip, pull=pull, verbs=verbs, why="its change has vanished")]

    def _step(self, change: ChangeSet, commit: str, before: Mapping[str, bytes]) -> Step:
        branch, tip = change.branch, self._tips.get(change.branch, "")
        pull = self.caller.read(lambda: self.forge.find(branch))
        body = self.writer.body(change, {path: before[path] for path in change.files if path in before})
        if (
            pull is not None
            and pull.state is State.CLOSED
            and not self.wishes.reopen
            and not self._closed_by_us(pull, branch)
        ):
            why = "closed by somebody; --reopen opens it again"
            return Step(branch, Status.CLOSED, change, tip, pull=pull, why=why)
        push = "" if tip and (tip == commit or self._holds(tip, change)) else commit
        if push and tip and not self._is_ours(branch, tip):
            why = "the branch holds commits that gocodemod did not make"
            return Step(branch, Status.DIVERGED, change, tip, pull=pull, why=why)
        verbs = self._verbs(branch, pull, push, bodies.title(change), body)
        status = Status.UPDATED if verbs else Status.UNCHANGED
        if Verb.CREATE in verbs:
            status = Status.CREATED
        return Step(branch, status, change, tip, push, pull, body, verbs)

    def _verbs(self, branch: str, pull: PullRequest | None, push: str, title: str, body: str) -> tuple[Verb, ...]:
        verbs = []
        entry = self.caller.ledger.entry(branch)
        if pull is not None and pull.state is State.CLOSED:
            verbs.append(Verb.REOPEN)
        if push:
            verbs.append(Verb.PUSH)
        if pull is None or pull.state is State.MERGED:
            verbs.append(Verb.CREATE)
            pull = entry = None
        elif any(differences(pull, title, body)):
            verbs.append(Verb.UPDATE)
        if missing_labels(self.wishes, pull, entry):
            verbs.append(Verb.LABEL)
        if missing_reviewers(self.wishes, pull, entry, self._answered):
            verbs.append(Verb.REVIEW)
        return tuple(verbs)

    def _answered(self, pull: PullRequest) -> frozenset[str]:
        return self.caller.read(lambda: self.forge.reviewers(pull.number))

    def _closed_by_us(self, pull: PullRequest, branch: str) -> bool:
        entry = self.caller.ledger.entry(branch)
        if entry is not None and entry.number == pull.number:
            return entry.closed
        return bodies.CLOSED in self.caller.read(lambda: self.forge.last_comment(pull.number))

    def _holds(self, tip: str, change: ChangeSet) -> bool:
        return self.remote.has(tip) and branches.holds(self.snapshot, tip, change)

    def _is_ours(self, branch: str, tip: str) -> bool:
        entry = self.caller.ledger.entry(branch)
        if entry is not None and entry.pushed == tip:
            return True
        transform = branch.removeprefix(f"{self.wishes.prefix}/").partition("/")[0]
        try:
            return branches.is_ours(self.remote.repository, tip, transform)
        except GitError:
            return False

    def _within(self, steps: Sequence[Step]) -> Plan:
        """Leave out what would open more than ``--max-open`` allows."""
        limit = self.wishes.max_open
        if limit is None:
            return Plan(tuple(steps))
        opened = sum(s.pull is not None and s.pull.state is State.OPEN and Verb.CLOSE not in s.verbs for s in steps)
        kept, held = [], []
        for step in steps:
            if Verb.CREATE not in step.verbs and Verb.REOPEN not in step.verbs:
                kept.append(step)
            elif opened < limit:
                kept.append(step)
                opened += 1
            else:
                held.append(step.branch)
        return Plan(tuple(kept), tuple(held))


def differences(pull: PullRequest, title: str, body: str) -> tuple[str | None, str | None]:
    """The title and the body that it should have; None where it has it."""
    whole = bodies.merged(pull.body, body)
    return (None if pull.title == title else title), (None if bodies.same(pull.body, whole) else whole)


def missing_labels(wishes: Wishes, pull: PullRequest | None, entry: Entry | None) -> tuple[str, ...]:
    """Labels it does not have and never had from us: what people took away stays away."""
    there = (pull.labels if pull else frozenset()) | (entry.labels if entry else frozenset())
    return tuple(label for label in wishes.labels if label not in there)


def missing_reviewers(
    wishes: Wishes, pull: PullRequest | None, entry: Entry | None, answered: Callable[[PullRequest], frozenset[str]]
) -> tuple[str, ...]:
    """Reviewers who were not asked yet, and have not reviewed unasked."""
    there = (pull.reviewers if pull else frozenset()) | (entry.reviewers if entry else frozenset())
    left = tuple(name for name in wishes.reviewers if name not in there)
    if not left or pull is None:
        return left
    reviewed = answered(pull)
    return tuple(name for name in left if name not in reviewed)
