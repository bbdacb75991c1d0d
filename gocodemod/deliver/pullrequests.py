"""Carry out a plan: push, open, update, label, ask for review, close; one change set after the other.

What stops one change set does not stop the others, but a token that is refused, or a limit that does not end, stops all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from gocodemod.deliver import bodies, branches, planning
from gocodemod.deliver.branches import Signature
from gocodemod.deliver.calls import Caller
from gocodemod.deliver.changesets import ChangeSet
from gocodemod.deliver.forges.protocol import (
    AlreadyExists,
    Forge,
    ForgeError,
    Limited,
    Proposal,
    PullRequest,
    Rejected,
    State,
    Unauthorized,
)
from gocodemod.deliver.planning import Plan, Status, Step, Verb, Wishes
from gocodemod.deliver.push import Remote, Stale
from gocodemod.deliver.snapshot import Snapshot
from gocodemod.git import GitError
from gocodemod.progress import Progress

# Seconds that one request and one push take, for the duration that is told beforehand.
_REQUEST, _PUSH = 0.7, 1.5


@dataclass(frozen=True)
class Pull:
    """What became of a branch. ``commit``: the tip of the remote's branch, as far as known. ``change`` None: vanished."""

    branch: str
    status: Status
    change: ChangeSet | None = None
    number: int | None = None
    url: str = ""
    commit: str = ""
    verbs: tuple[Verb, ...] = ()
    why: str = ""


@dataclass
class Deliverer:
    """Writes to remote and forge. ``told`` gets a line about the expected duration, before the first write."""

    snapshot: Snapshot
    remote: Remote
    forge: Forge
    caller: Caller
    wishes: Wishes
    signature: Signature
    progress: Progress
    told: Callable[[str], None] = lambda _: None

    def deliver(self, plan: Plan) -> tuple[Pull, ...]:
        """Do it; a Pull for each step, in order. Raises GitError where commits cannot be made."""
        if plan.writes or plan.pushes:
            self.told(f"{_counted(plan)}: {expected(plan, self.caller)}")
        commits = self._commits(plan)
        done: list[Pull] = []
        stop = ""
        with self.progress.stage("pull requests", len(plan.steps)) as stage:
            for step in plan.steps:
                if stop and step.verbs:
                    done.append(_pull(step, status=Status.FAILED, why=f"not tried: {stop}"))
                else:
                    pull, stop = self._one(replace(step, push=commits.get(step.branch, "")), stop)
                    done.append(pull)
                stage.advance()
        return tuple(done)

    def _commits(self, plan: Plan) -> dict[str, str]:
        """Make all commits that are pushed, in one go."""
        wanted = [step.change for step in plan.steps if Verb.PUSH in step.verbs and step.change is not None]
        return branches.make(self.snapshot, wanted, self.signature)

    def _one(self, step: Step, stop: str) -> tuple[Pull, str]:
        """One step, and why no other is to be tried after it."""
        try:
            if not step.verbs:
                self.caller.ledger.settle(step.branch)
                return _pull(step), stop
            return (self._close(step) if Verb.CLOSE in step.verbs else self._open(step)), stop
        except Stale as error:
            return _pull(step, status=Status.DIVERGED, why=str(error)), stop
        except (Unauthorized, Limited) as error:
            return _pull(step, status=Status.FAILED, why=str(error)), str(error)
        except (ForgeError, GitError) as error:
            return _pull(step, status=Status.FAILED, why=str(error)), stop

    def _open(self, step: Step) -> Pull:
        pull, status = step.pull, step.status
        if Verb.REOPEN in step.verbs and pull is not None:
            pull = self._reopen(step.branch, pull)
        if step.push:
            self._push(step)
        if pull is None or pull.state is State.MERGED:
            pull, new = self._create(step)
            status = Status.CREATED if new else Status.UPDATED
        entry = self.caller.ledger.entry(step.branch)
        if entry is None or entry.number != pull.number or entry.closed:
            self.caller.ledger.opened(step.branch, pull.number, pull.url)
        failed = self._complete(step, pull)
        self.caller.ledger.settle(step.branch)
        tip = step.push or step.tip
        if failed:
            return Pull(step.branch, Status.FAILED, step.change, pull.number, pull.url, tip, step.verbs, failed)
        return Pull(step.branch, status, step.change, pull.number, pull.url, tip, step.verbs)

    def _reopen(self, branch: str, pull: PullRequest) -> PullRequest | None:
        """The pull request, open; None where the forge does not let that be, and a new one is needed."""
        try:
            self.caller.write(branch, Verb.REOPEN, lambda: self.forge.reopen(pull.number), about=str(pull.number))
        except Rejected:
            return None
        return replace(pull, state=State.OPEN)

    def _push(self, step: Step) -> None:
        def push() -> None:
            self.remote.push(step.push, step.branch, step.tip)

        self.caller.write(step.branch, Verb.PUSH, push, about=f"{step.tip}..{step.push}", cost=0)
        self.caller.ledger.pushed(step.branch, step.push)

    def _create(self, step: Step) -> tuple[PullRequest, bool]:
        """The pull request, and whether it is new; one that is there already is adopted."""
        proposal = Proposal(step.branch, self.wishes.into, step.title, step.body, self.wishes.draft)

        def find() -> PullRequest | None:
            found = self.forge.find(step.branch)
            return found if found is not None and found.state is State.OPEN else None

        try:
            made = self.caller.write(step.branch, Verb.CREATE, lambda: self.forge.create(proposal), seen=find)
        except AlreadyExists:
            adopted = self.caller.read(find)
            if adopted is None:
                raise
            return adopted, False
        return made, True

    def _complete(self, step: Step, pull: PullRequest) -> str:
        """Title, body, labels and reviewers as they should be; what went wrong, "" for nothing."""
        number, write = pull.number, self.caller.write
        title, body = planning.differences(pull, step.title, step.body)
        if title is not None or body is not None:
            write(step.branch, Verb.UPDATE, lambda: self.forge.update(number, title, body), about=str(number))
        ledger = self.caller.ledger
        failed = []
        if labels := planning.missing_labels(self.wishes, pull, ledger.entry(step.branch)):
            try:
                label = self.forge.label
                write(
                    step.branch,
                    Verb.LABEL,
                    lambda: label(number, labels),
                    about=str(number),
                    cost=self.forge.label_cost,
                )
                ledger.labelled(step.branch, labels)
            except Rejected as error:
                failed.append(f"{', '.join(labels)} could not be set as labels: {error}")
        if reviewers := self._reviewers(step, pull):
            try:
                ask = self.forge.request_review
                write(step.branch, Verb.REVIEW, lambda: ask(number, reviewers), about=str(number))
                ledger.asked(step.branch, reviewers)
            except Rejected as error:
                failed.append(f"{', '.join(reviewers)} could not be asked for review: {error}")
        return "; ".join(failed)

    def _reviewers(self, step: Step, pull: PullRequest) -> tuple[str, ...]:
        entry = self.caller.ledger.entry(step.branch)
        return planning.missing_reviewers(
            self.wishes, pull, entry, lambda p: self.caller.read(lambda: self.forge.reviewers(p.number))
        )

    def _close(self, step: Step) -> Pull:
        assert step.pull is not None
        number = step.pull.number
        if Verb.COMMENT in step.verbs:

            def said() -> bool | None:
                return bodies.CLOSED in self.forge.last_comment(number) or None

            def say() -> bool:
                self.forge.comment(number, bodies.CLOSING)
                return True

            self.caller.write(step.branch, Verb.COMMENT, say, about=str(number), seen=said)
        # Before it is: a kill in between must not make it look as if a person had closed it.
        self.caller.ledger.opened(step.branch, number, step.pull.url)
        self.caller.ledger.closed(step.branch)
        self.caller.write(step.branch, Verb.CLOSE, lambda: self.forge.close(number), about=str(number))
        self.caller.ledger.settle(step.branch)
        return _pull(step)


def planned(plan: Plan) -> tuple[Pull, ...]:
    """What would be done, where nothing is."""
    return tuple(_pull(step) for step in plan.steps)


def _pull(step: Step, status: Status | None = None, why: str = "") -> Pull:
    number, url = (step.pull.number, step.pull.url) if step.pull else (None, "")
    tip = step.tip if status is not None else step.push or step.tip
    return Pull(step.branch, status or step.status, step.change, number, url, tip, step.verbs, why or step.why)


def expected(plan: Plan, caller: Caller) -> str:
    """``about 3 min``: what the budget makes us wait, and what requests take by themselves."""
    from gocodemod.deliver.budget import spoken

    busy = plan.writes * _REQUEST + plan.pushes * _PUSH
    return f"about {spoken(max(busy, caller.budget.expected(plan.writes)))}"


def _counted(plan: Plan) -> str:
    steps = sum(bool(step.verbs) for step in plan.steps)
    return f"{_plural(steps, 'pull request')} to write, {_plural(plan.pushes, 'push', 'pushes')} and {_plural(plan.writes, 'request')}"


def failures(pulls: Iterable[Pull]) -> bool:
    """Whether something is not as it was asked for."""
    return any(pull.status in (Status.DIVERGED, Status.FAILED) for pull in pulls)


def _plural(count: int, what: str, many: str = "") -> str:
    return f"{count} {what}" if count == 1 else f"{count} {many or what + 's'}"
