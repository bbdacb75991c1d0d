"""GitHub and GitHub Enterprise Server, through PyGithub with its own retries and pauses switched off.

PyGithub would repeat a POST by itself and wait out secondary limits unseen: both are decided in ``deliver/calls.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from github import Auth, Github, GithubException
from github.GithubObject import NotSet
from github.PullRequest import PullRequest as Theirs

from gocodemod.deliver.forges import protocol
from gocodemod.deliver.forges.limits import retry_after
from gocodemod.deliver.forges.protocol import Fork, Proposal, PullRequest, State

# Seconds for one request.
_TIMEOUT = 60


class GitHub:
    """``api``: such as ``https://api.github.com``; ``project``: ``owner/name``."""

    label_cost = 1

    def __init__(self, api: str, project: str, token: str) -> None:
        self._github = Github(
            auth=Auth.Token(token),
            base_url=api,
            timeout=_TIMEOUT,
            per_page=100,
            retry=0,
            seconds_between_requests=None,
            seconds_between_writes=None,
            user_agent="gocodemod",
            # Nothing is asked for before it is needed.
            lazy=True,
        )
        # Asked for once, when something of it is needed: it may have been renamed since the remote's URL was written.
        self._there = self._github.get_repo(project)
        self._fork: Fork | None = None
        self._seen: dict[int, Theirs] = {}

    def default_branch(self) -> str:
        with _translated():
            return str(self._there.default_branch)

    def find(self, branch: str) -> PullRequest | None:
        with _translated():
            listed = list(self._there.get_pulls(state="all", head=f"{self._owner()}:{branch}"))
            # An owner may have several copies of a repository: only those of the one we push to are ours.
            from_ = (self._fork.name if self._fork else self._there.full_name).lower()
            ours = [p for p in listed if p.head.repo is None or p.head.repo.full_name.lower() == from_]
            found = [self._told(p) for p in ours]
        return max(found, key=lambda p: (p.state is State.OPEN, p.number), default=None)

    def create(self, proposal: Proposal) -> PullRequest:
        with _translated():
            head = f"{self._owner()}:{proposal.branch}" if self._fork else proposal.branch
            made = self._there.create_pull(
                base=proposal.into, head=head, title=proposal.title, body=proposal.body, draft=proposal.draft
            )
            return self._told(made)

    def update(self, number: int, title: str | None, body: str | None) -> None:
        with _translated():
            self._pull(number).edit(title=NotSet if title is None else title, body=NotSet if body is None else body)

    def close(self, number: int) -> None:
        with _translated():
            self._pull(number).edit(state="closed")

    def reopen(self, number: int) -> None:
        with _translated():
            self._pull(number).edit(state="open")

    def comment(self, number: int, text: str) -> None:
        with _translated():
            self._pull(number).create_issue_comment(text)

    def last_comment(self, number: int) -> str:
        with _translated():
            comments = list(self._pull(number).get_issue_comments())
            return comments[-1].body or "" if comments else ""

    def label(self, number: int, labels: Iterable[str]) -> None:
        with _translated():
            # PyGithub would send a bare list, which GitHub takes but its description of the API does not have.
            where = f"{self._pull(number).issue_url}/labels"
            self._github.requester.requestJsonAndCheck("POST", where, input={"labels": list(labels)})

    def request_review(self, number: int, reviewers: Iterable[str]) -> None:
        asked = list(reviewers)
        people = [name for name in asked if "/" not in name]
        teams = [name.partition("/")[2] for name in asked if "/" in name]
        with _translated():
            self._pull(number).create_review_request(reviewers=people, team_reviewers=teams)

    def reviewers(self, number: int) -> frozenset[str]:
        with _translated():
            pull = self._pull(number)
            answered = {review.user.login for review in pull.get_reviews() if review.user is not None}
            return self._told(pull).reviewers | answered

    def find_fork(self) -> Fork | None:
        with _translated():
            name = f"{self._github.get_user().login}/{self._there.name}"
            there = self._github.get_repo(name)
            try:
                is_fork = there.fork
            except GithubException as error:
                if error.status == 404:
                    return None
                raise
            parent = there.parent if is_fork else None
            return (
                Fork(name, there.clone_url)
                if parent is not None and parent.full_name == self._there.full_name
                else None
            )

    def create_fork(self) -> Fork:
        with _translated():
            made = self._there.create_fork()
            return Fork(made.full_name, made.clone_url)

    def use_fork(self, fork: Fork) -> None:
        self._fork = fork

    def _owner(self) -> str:
        """Of the repository that is pushed to."""
        return self._fork.name.partition("/")[0] if self._fork else self._there.owner.login

    def _pull(self, number: int) -> Theirs:
        if number not in self._seen:
            self._seen[number] = self._there.get_pull(number)
        return self._seen[number]

    def _told(self, pull: Theirs) -> PullRequest:
        self._seen[pull.number] = pull
        state = State.MERGED if pull.merged_at is not None else State(pull.state)
        organisation = pull.base.user.login
        people = {user.login for user in pull.requested_reviewers}
        teams = {f"{organisation}/{team.slug}" for team in pull.requested_teams}
        labels = frozenset(label.name for label in pull.labels)
        return PullRequest(
            pull.number, pull.html_url, state, pull.title, pull.body or "", labels, frozenset(people | teams)
        )


@contextmanager
def _translated() -> Iterator[None]:
    """What PyGithub raises, in our terms."""
    try:
        yield
    except GithubException as error:
        raise _error(error.status, error.data, error.headers or {}) from error
    except requests.RequestException as error:
        raise protocol.Unanswered(f"no answer: {type(error).__name__}") from error


def _error(status: int, data: Any, headers: Mapping[str, str]) -> protocol.ForgeError:
    message = _message(data) or f"HTTP {status}"
    told = f"{message} (HTTP {status})"
    if status == 429 or (status == 403 and _is_limit(message, headers)):
        return protocol.Limited(told, retry_after(headers))
    if status in (401, 403):
        return protocol.Unauthorized(told) if status == 401 else protocol.NotAllowed(told)
    if status >= 500:
        return protocol.Unanswered(told)
    if status == 422 and "already exists" in message:
        return protocol.AlreadyExists(told)
    return protocol.Rejected(told)


def _is_limit(message: str, headers: Mapping[str, str]) -> bool:
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0" or "rate limit" in message.lower()


def _message(data: Any) -> str:
    """``Validation Failed: A pull request already exists for o:b.``"""
    if not isinstance(data, dict):
        return ""
    parts = [str(data.get("message") or "")]
    for detail in data.get("errors") or ():
        parts.append(
            str(detail.get("message") or detail.get("code") or "") if isinstance(detail, dict) else str(detail)
        )
    return ": ".join(part for part in parts if part)[:500]
