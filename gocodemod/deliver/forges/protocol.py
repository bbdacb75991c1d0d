"""What is asked of a forge, and the ways in which it can say no.

A back end does one request for each call, retries nothing and waits for nothing: when to try again, and whether a
write has happened that got no answer, is decided in one place (``deliver/calls.py``).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gocodemod.errors import GocodemodError


class State(enum.StrEnum):
    """Of a pull request."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


@dataclass(frozen=True)
class PullRequest:
    """``title`` without what marks a draft. ``reviewers``: those asked, and those who have answered as far as known."""

    number: int
    url: str
    state: State
    title: str
    body: str
    labels: frozenset[str] = frozenset()
    reviewers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Proposal:
    """A pull request to be opened. ``branch``: where the commits are; ``into``: where they are to go."""

    branch: str
    into: str
    title: str
    body: str
    draft: bool = False


@dataclass(frozen=True)
class Fork:
    """``name``: owner and name of the fork; ``url``: where to push to, over HTTP."""

    name: str
    url: str


class Forge(Protocol):
    """One repository on a forge, as one user. Every call may raise a ForgeError."""

    # Requests a back end makes for a call with labels, so that they fit into the budget.
    label_cost: int

    def default_branch(self) -> str:
        """The branch that pull requests go into where nothing else is asked for."""
        ...

    def find(self, branch: str) -> PullRequest | None:
        """The pull request from this branch: the open one, else the newest."""
        ...

    def create(self, proposal: Proposal) -> PullRequest:
        """Open one. Raises AlreadyExists."""
        ...

    def update(self, number: int, title: str | None, body: str | None) -> None:
        """Change title, body or both; None leaves one as it is."""
        ...

    def close(self, number: int) -> None:
        """Close without merging."""
        ...

    def reopen(self, number: int) -> None:
        """Open a closed one again. Raises Rejected where the forge does not let that be."""
        ...

    def comment(self, number: int, text: str) -> None:
        """Say something below it."""
        ...

    def last_comment(self, number: int) -> str:
        """What was said last, "" for nothing."""
        ...

    def label(self, number: int, labels: Iterable[str]) -> None:
        """Add labels to those that it has."""
        ...

    def request_review(self, number: int, reviewers: Iterable[str]) -> None:
        """Ask for review; ``org/team`` is a team where the forge has teams."""
        ...

    def reviewers(self, number: int) -> frozenset[str]:
        """Everybody who has been asked to review, or has."""
        ...

    def find_fork(self) -> Fork | None:
        """The user's own fork, None where there is none yet."""
        ...

    def create_fork(self) -> Fork:
        """Fork; the copy may take a while to be there."""
        ...

    def use_fork(self, fork: Fork) -> None:
        """From now on branches are looked for in the fork."""
        ...


class ForgeError(GocodemodError):
    """The forge did not do what it was asked to."""

    exit_code = 3


class Rejected(ForgeError):
    """The forge understood, and does not want to (422, 404 and the like): asking again is of no use."""


class AlreadyExists(Rejected):
    """There is an open pull request from that branch already."""


class NotFound(Rejected):
    """There is no such thing, or the token may not see it."""


class NotAllowed(ForgeError):
    """The token is not, or no longer, good enough (401, 403)."""


class Unauthorized(NotAllowed):
    """The forge no longer knows the token (401): nothing else will work either."""


class Unanswered(ForgeError):
    """No answer, or one that says nothing of what happened (5xx): it may have been done or not."""


class NotReady(ForgeError):
    """What was asked for is being made, and takes longer than we wait."""


class Limited(ForgeError):
    """Too many requests. ``retry_after``: seconds that the forge asks for, None where it does not say."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
