"""GitLab, through python-gitlab with its own retries and pauses switched off. A merge request is a pull request here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import gitlab
import requests

from gocodemod.deliver.forges import protocol
from gocodemod.deliver.forges.limits import retry_after
from gocodemod.deliver.forges.protocol import Fork, Proposal, PullRequest, State

# Seconds for one request.
_TIMEOUT = 60
_DRAFT = "Draft: "
_STATES = {"opened": State.OPEN, "locked": State.OPEN, "closed": State.CLOSED, "merged": State.MERGED}


class _Plain(gitlab.Gitlab):
    """Asks once: when to ask again is decided in ``deliver/calls.py``."""

    def http_request(self, *arguments: Any, **options: Any) -> requests.Response:
        once = {"obey_rate_limit": False, "retry_transient_errors": False, "max_retries": 0}
        return super().http_request(*arguments, **{**options, **once})


class GitLab:
    """``api``: such as ``https://gitlab.com``; ``project``: the path, groups included."""

    label_cost = 1

    def __init__(self, api: str, project: str, token: str) -> None:
        # As a bearer token, which unlike GitLab's own header is not sent on where a redirect leads elsewhere.
        self._gitlab = _Plain(
            api, oauth_token=token, timeout=_TIMEOUT, keep_base_url=True, per_page=100, user_agent="gocodemod"
        )
        self._headers: dict[str, str] = {}
        self._gitlab.session.hooks["response"].append(self._note)
        self._project = self._gitlab.projects.get(project, lazy=True)
        self._path = project
        self._from: Any = self._project
        self._fork_id: int | None = None
        self._seen: dict[int, Any] = {}

    def _note(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """The library's exceptions have no headers."""
        self._headers = {name.lower(): value for name, value in response.headers.items()}

    def default_branch(self) -> str:
        with self._translated():
            return str(self._gitlab.projects.get(self._path).default_branch)

    def find(self, branch: str) -> PullRequest | None:
        with self._translated():
            listed = self._project.mergerequests.list(source_branch=branch, get_all=True)
            ours = [m for m in listed if m.source_project_id == (self._fork_id or m.target_project_id)]
            found = [self._told(m) for m in ours]
        return max(found, key=lambda p: (p.state is State.OPEN, p.number), default=None)

    def create(self, proposal: Proposal) -> PullRequest:
        values: dict[str, Any] = {
            "source_branch": proposal.branch,
            "target_branch": proposal.into,
            "title": f"{_DRAFT if proposal.draft else ''}{proposal.title}",
            "description": proposal.body,
        }
        with self._translated():
            if self._fork_id is not None:
                values["target_project_id"] = self._gitlab.projects.get(self._path).id
            return self._told(self._from.mergerequests.create(values))

    def update(self, number: int, title: str | None, body: str | None) -> None:
        with self._translated():
            changes = {}
            if title is not None:
                changes["title"] = f"{_DRAFT if self._get(number).title.startswith(_DRAFT) else ''}{title}"
            if body is not None:
                changes["description"] = body
            self._change(number, **changes)

    def close(self, number: int) -> None:
        with self._translated():
            self._change(number, state_event="close")

    def reopen(self, number: int) -> None:
        with self._translated():
            self._change(number, state_event="reopen")

    def comment(self, number: int, text: str) -> None:
        with self._translated():
            self._project.mergerequests.get(number, lazy=True).notes.create({"body": text})

    def last_comment(self, number: int) -> str:
        with self._translated():
            notes = self._project.mergerequests.get(number, lazy=True).notes
            listed = notes.list(order_by="created_at", sort="desc", get_all=False)
            # GitLab notes by itself that something was closed or pushed.
            return next((str(note.body) for note in listed if not note.system), "")

    def label(self, number: int, labels: Iterable[str]) -> None:
        with self._translated():
            self._change(number, add_labels=",".join(labels))

    def request_review(self, number: int, reviewers: Iterable[str]) -> None:
        with self._translated():
            ids = [person["id"] for person in self._get(number).reviewers]
            for name in reviewers:
                found = self._gitlab.users.list(username=name, get_all=False)
                if not found:
                    raise protocol.Rejected(f"there is no user {name}")
                ids.append(found[0].id)
            self._change(number, reviewer_ids=ids)

    def reviewers(self, number: int) -> frozenset[str]:
        with self._translated():
            # They stay listed once they have reviewed.
            return self._told(self._project.mergerequests.get(number)).reviewers

    def find_fork(self) -> Fork | None:
        with self._translated():
            self._gitlab.auth()
            assert self._gitlab.user is not None
            name = f"{self._gitlab.user.username}/{self._path.rpartition('/')[2]}"
            try:
                there = self._gitlab.projects.get(name)
            except gitlab.GitlabGetError as error:
                if error.response_code == 404:
                    return None
                raise
            above = there.attributes.get("forked_from_project") or {}
            return Fork(name, there.http_url_to_repo) if above.get("path_with_namespace") == self._path else None

    def create_fork(self) -> Fork:
        with self._translated():
            made = self._project.forks.create({})
            return Fork(made.path_with_namespace, made.http_url_to_repo)

    def use_fork(self, fork: Fork) -> None:
        with self._translated():
            self._from = self._gitlab.projects.get(fork.name)
            self._fork_id = self._from.id

    def _change(self, number: int, **values: Any) -> None:
        self._project.mergerequests.update(number, values)
        self._seen.pop(number, None)

    def _get(self, number: int) -> Any:
        if number not in self._seen:
            self._seen[number] = self._project.mergerequests.get(number)
        return self._seen[number]

    def _told(self, found: Any) -> PullRequest:
        self._seen[found.iid] = found
        people = frozenset(person["username"] for person in found.reviewers or ())
        title = found.title.removeprefix(_DRAFT)
        state = _STATES[found.state]
        return PullRequest(
            found.iid, found.web_url, state, title, found.description or "", frozenset(found.labels), people
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """What python-gitlab raises, in our terms."""
        try:
            yield
        except gitlab.GitlabError as error:
            raise self._error(error.response_code or 0, str(error.error_message)[:500]) from error
        except requests.RequestException as error:
            raise protocol.Unanswered(f"no answer: {type(error).__name__}") from error

    def _error(self, status: int, message: str) -> protocol.ForgeError:
        told = f"{message or 'no message'} (HTTP {status})"
        if status == 429:
            return protocol.Limited(told, retry_after(self._headers))
        if status == 401:
            return protocol.Unauthorized(told)
        if status == 403:
            return protocol.NotAllowed(told)
        if status >= 500:
            return protocol.Unanswered(told)
        if status == 409 and "already exists" in message:
            return protocol.AlreadyExists(told)
        return protocol.Rejected(told)
