"""Everything that one run talks to: remotes, forge, ledger, budget; and the way through it."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gocodemod.deliver import budget as pacing
from gocodemod.deliver import pullrequests, push, state, target
from gocodemod.deliver.bodies import Writer
from gocodemod.deliver.branches import Signature
from gocodemod.deliver.budget import Budget, Clock, SystemClock
from gocodemod.deliver.calls import Caller
from gocodemod.deliver.changesets import ChangeSet
from gocodemod.deliver.forges.protocol import Forge, Fork, NotReady
from gocodemod.deliver.ledger import Ledger
from gocodemod.deliver.planning import Plan, Planner, Wishes
from gocodemod.deliver.pullrequests import Deliverer, Pull
from gocodemod.deliver.push import Remote
from gocodemod.deliver.snapshot import Snapshot
from gocodemod.deliver.target import Target
from gocodemod.errors import UsageError
from gocodemod.git import GitError, Repository
from gocodemod.progress import Progress


@dataclass
class Session:
    """``upstream``: where pull requests go; ``remote``: where branches do, a fork or the same."""

    upstream: Remote
    remote: Remote
    forge: Forge
    caller: Caller
    told: Callable[[str], None]
    dry_run: bool

    def base(self, into: str) -> str:
        """The commit at the tip of the branch that pull requests go into, in the object store. Raises UsageError."""
        try:
            tip = self.upstream.heads([into]).get(into)
            if tip is None:
                raise UsageError(f"{self.upstream.url} has no branch {into}: say --into")
            if not self.upstream.has(tip):
                self.upstream.fetch([into])
        except GitError as error:
            raise UsageError(f"{error}\nIs the remote's URL right, and does the token allow to read it?") from error
        return tip

    def run(
        self,
        snapshot: Snapshot,
        changes: Sequence[ChangeSet],
        wishes: Wishes,
        writer: Writer,
        signature: Signature,
        progress: Progress,
    ) -> tuple[Plan, tuple[Pull, ...]]:
        """Plan, and carry it out unless nothing is to be written. Raises ForgeError, GitError, UsageError."""
        parts = (snapshot, self.remote, self.forge, self.caller, wishes)
        plan = Planner(*parts, writer, signature, progress).plan(changes)
        if self.dry_run:
            return plan, pullrequests.planned(plan)
        return plan, Deliverer(*parts, signature, progress, self.told).deliver(plan)


@contextlib.contextmanager
def opened(
    repository: Repository,
    where: Target,
    token: str,
    *,
    fork: bool = False,
    dry_run: bool = False,
    clock: Clock | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Iterator[Session]:
    """Begin; nobody else writes with the same token meanwhile. A dry run leaves the ledger as it is."""
    timer = clock or SystemClock()
    account = hashlib.sha256(f"gocodemod\0{where.host}\0{token}".encode()).hexdigest()[:16]
    with contextlib.ExitStack() as stack:
        if not dry_run:
            stack.enter_context(pacing.serial(account, told))
        database = stack.enter_context(contextlib.closing(state.copy() if dry_run else state.connect()))
        limits = pacing.GITHUB if where.kind == "github" else pacing.OTHERS
        budget = Budget(database, account, limits, timer, told)
        caller = Caller(budget, Ledger(database, where.name, timer.now), told)
        forge = target.connect(where, token)
        upstream = stack.enter_context(push.logged_in(repository, where.url, where.user, token))
        remote = upstream
        if fork:
            found = _fork(forge, caller, dry_run)
            forge.use_fork(found)
            remote = stack.enter_context(push.logged_in(repository, found.url, where.user, token))
            if not dry_run:
                _wait_for(remote, timer, told)
        yield Session(upstream, remote, forge, caller, told, dry_run)


def _fork(forge: Forge, caller: Caller, dry_run: bool) -> Fork:
    known = caller.ledger.fork()
    found = Fork(*known) if known else caller.read(forge.find_fork)
    if found is None:
        if dry_run:
            raise UsageError("--dry-run cannot look into a fork that is not there yet: fork first, or leave --fork out")
        found = caller.write("", "fork", forge.create_fork, seen=forge.find_fork)
    if not dry_run and known is None:
        caller.ledger.forked(found.name, found.url)
    return found


def _wait_for(remote: Remote, clock: Clock, told: Callable[[str], None]) -> None:
    """A fork is made in the background: https://docs.github.com/en/rest/repos/forks#create-a-fork says up to 5 minutes."""
    for wait in (2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 0.0):
        try:
            remote.heads(["gocodemod-none"])
            return
        except GitError as error:
            if not wait:
                raise NotReady(f"the fork {remote.url} is not there yet: run again later") from error
            told(f"waiting {pacing.spoken(wait)} for the fork")
            clock.sleep(wait)
