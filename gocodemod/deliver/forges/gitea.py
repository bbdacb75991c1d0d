"""Gitea and Forgejo, by the part of the API that both have (https://docs.gitea.com/api/).

There is no client that is widely used, kept up and leaves retries to its caller, so the few requests are made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import requests

from gocodemod.deliver.forges import protocol
from gocodemod.deliver.forges.limits import retry_after
from gocodemod.deliver.forges.protocol import Fork, Proposal, PullRequest, State

# Seconds for one request.
_TIMEOUT = 60
_DRAFT = "WIP: "
_PAGE = 50
_COLOUR = "#1d76db"


class _Token(requests.auth.AuthBase):
    """Given this way, no .netrc is looked into."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"token {self._token}"
        return request


class Gitea:
    """``api``: such as ``https://codeberg.org``; ``project``: ``owner/name``."""

    # A label that is not there yet is made first.
    label_cost = 2

    def __init__(self, api: str, project: str, token: str) -> None:
        self._api = f"{api.rstrip('/').removesuffix('/api/v1')}/api/v1"
        self._session = requests.Session()
        self._session.auth = _Token(token)
        self._session.headers["User-Agent"] = "gocodemod"
        self._project = project
        self._from = project
        # There is no way to ask for one branch that all versions know: all are listed once, by number.
        self._known: dict[int, dict[str, Any]] = {}
        self._listed = False

    def default_branch(self) -> str:
        return str(self._ask("GET", f"/repos/{self._project}")["default_branch"])

    def find(self, branch: str) -> PullRequest | None:
        if not self._listed:
            self._known = {pull["number"]: pull for pull in self._pages(f"/repos/{self._project}/pulls", state="all")}
            self._listed = True
        ours = [
            pull
            for pull in self._known.values()
            if pull["head"]["ref"] == branch
            and (pull["head"]["repo"] is None or pull["head"]["repo"]["full_name"].lower() == self._from.lower())
        ]
        return max(map(_told, ours), key=lambda p: (p.state is State.OPEN, p.number), default=None)

    def create(self, proposal: Proposal) -> PullRequest:
        # Whatever comes of it, what was listed no longer is all there is.
        self._listed = False
        head = proposal.branch
        if self._from != self._project:
            head = f"{self._from.partition('/')[0]}:{head}"
        title = f"{_DRAFT if proposal.draft else ''}{proposal.title}"
        values = {"head": head, "base": proposal.into, "title": title, "body": proposal.body}
        made = self._ask("POST", f"/repos/{self._project}/pulls", values)
        self._known[made["number"]] = made
        self._listed = True
        return _told(made)

    def update(self, number: int, title: str | None, body: str | None) -> None:
        changes = {}
        if title is not None:
            was = self._known.get(number, {}).get("title", "")
            changes["title"] = f"{_DRAFT if was.startswith(_DRAFT) else ''}{title}"
        if body is not None:
            changes["body"] = body
        self._edit(number, changes)

    def close(self, number: int) -> None:
        self._edit(number, {"state": "closed"})

    def reopen(self, number: int) -> None:
        self._edit(number, {"state": "open"})

    def comment(self, number: int, text: str) -> None:
        self._ask("POST", f"/repos/{self._project}/issues/{number}/comments", {"body": text})

    def last_comment(self, number: int) -> str:
        listed = self._ask("GET", f"/repos/{self._project}/issues/{number}/comments")
        return str(listed[-1]["body"]) if listed else ""

    def label(self, number: int, labels: Iterable[str]) -> None:
        ids = {label["name"]: label["id"] for label in self._pages(f"/repos/{self._project}/labels")}
        for name in labels:
            if name not in ids:
                made = self._ask("POST", f"/repos/{self._project}/labels", {"name": name, "color": _COLOUR})
                ids[name] = made["id"]
        self._ask("POST", f"/repos/{self._project}/issues/{number}/labels", {"labels": [ids[name] for name in labels]})

    def request_review(self, number: int, reviewers: Iterable[str]) -> None:
        asked = list(reviewers)
        people = [name for name in asked if "/" not in name]
        teams = [name.partition("/")[2] for name in asked if "/" in name]
        values = {"reviewers": people, "team_reviewers": teams}
        self._ask("POST", f"/repos/{self._project}/pulls/{number}/requested_reviewers", values)

    def reviewers(self, number: int) -> frozenset[str]:
        pull = self._ask("GET", f"/repos/{self._project}/pulls/{number}")
        reviews = self._pages(f"/repos/{self._project}/pulls/{number}/reviews")
        return _told(pull).reviewers | {review["user"]["login"] for review in reviews if review["user"]}

    def find_fork(self) -> Fork | None:
        login = self._ask("GET", "/user")["login"]
        try:
            there = self._ask("GET", f"/repos/{login}/{self._project.partition('/')[2]}")
        except protocol.NotFound:
            return None
        above = there.get("parent") or {}
        return Fork(there["full_name"], there["clone_url"]) if above.get("full_name") == self._project else None

    def create_fork(self) -> Fork:
        made = self._ask("POST", f"/repos/{self._project}/forks", {})
        return Fork(made["full_name"], made["clone_url"])

    def use_fork(self, fork: Fork) -> None:
        self._from = fork.name

    def _edit(self, number: int, changes: dict[str, Any]) -> None:
        self._known[number] = self._ask("PATCH", f"/repos/{self._project}/pulls/{number}", changes)

    def _pages(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        page = 1
        # A server may give less than was asked for, so only an empty page is the last.
        while found := self._ask("GET", path, None, {**query, "page": str(page), "limit": str(_PAGE)}):
            yield from found
            page += 1

    def _ask(self, method: str, path: str, values: Any = None, query: dict[str, str] | None = None) -> Any:
        try:
            # A redirect of a write would become a read.
            answer = self._session.request(
                method, f"{self._api}{path}", json=values, params=query, timeout=_TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise protocol.Unanswered(f"no answer: {type(error).__name__}") from error
        if not answer.ok or answer.is_redirect:
            raise _error(answer)
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise protocol.Unanswered(f"{method} {path}: the answer is no JSON") from error


def _told(pull: dict[str, Any]) -> PullRequest:
    state = State.MERGED if pull["merged"] else State(pull["state"])
    labels = frozenset(label["name"] for label in pull["labels"] or ())
    people = frozenset(person["login"] for person in pull.get("requested_reviewers") or ())
    title = pull["title"].removeprefix(_DRAFT)
    return PullRequest(pull["number"], pull["html_url"], state, title, pull["body"] or "", labels, people)


def _error(answer: requests.Response) -> protocol.ForgeError:
    status = answer.status_code
    try:
        message = str(answer.json().get("message") or "")[:500]
    except (ValueError, AttributeError):
        message = ""
    told = f"{message or answer.reason} (HTTP {status})"
    if status == 429:
        return protocol.Limited(told, retry_after({name.lower(): value for name, value in answer.headers.items()}))
    if status == 401:
        return protocol.Unauthorized(told)
    if status == 403:
        return protocol.NotAllowed(told)
    if status >= 500:
        return protocol.Unanswered(told)
    if status == 409 and "already exists" in message:
        return protocol.AlreadyExists(told)
    return protocol.NotFound(told) if status == 404 else protocol.Rejected(told)
