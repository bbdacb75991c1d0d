"""GitHub's REST API, as far as pull requests need it: https://docs.github.com/en/rest/pulls.

Answers start from the examples in GitHub's published OpenAPI description (``github_examples.json``, made from the npm package
``@octokit/openapi``, MIT, by ``python -m tests.contract examples``); ``make contract`` holds them against its schemas.
"""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.forge.routes import dispatch
from tests.forge.world import No, Project, Pull, World

if TYPE_CHECKING:
    from tests.forge.server import Answer, Request

_CODES = {"exists": "custom", "no-head": "invalid", "no-base": "invalid", "no-diff": "custom"}


@functools.cache
def _examples() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("github_examples.json").read_text())
    return loaded


def _example(shape: str, /, **values: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_examples()[shape]), **values}


class _Api:
    """One request."""

    def __init__(self, world: World, request: Request, api: str, url: str) -> None:
        self.world, self.request, self.api, self.url = world, request, api, url

    # --- repositories and users

    def user(self) -> tuple[int, Any]:
        return 200, _example("user", **self._user(self.request.user or ""))

    def repository(self, project: Project) -> tuple[int, Any]:
        full = _example("full-repository", **self._repository(project))
        for above in ("parent", "source"):
            full.pop(above, None)
            if project.parent is not None:
                full[above] = self._repository(project.parent)
        return 200, full

    def fork(self, project: Project) -> tuple[int, Any]:
        made = self.world.fork(project, self.request.user or "")
        return 202, self.repository(made)[1]

    # --- pull requests

    def pulls(self, project: Project) -> tuple[int, Any]:
        query = self.request.query
        owner, _, branch = query.get("head", "").partition(":")
        found = [
            pull
            for pull in sorted(project.pulls.values(), key=lambda p: -p.number)
            if query.get("state", "open") in ("all", pull.state)
            # As GitHub does: a head that names no owner is ignored.
            and (not branch or (pull.head.owner, pull.branch) == (owner, branch))
        ]
        return 200, [self._simple(pull) for pull in found[: int(query.get("per_page", "30"))]]

    def create(self, project: Project) -> tuple[int, Any]:
        body = self.request.body
        owner, colon, branch = body["head"].rpartition(":")
        head = project
        if colon and owner != project.owner:
            head = next(p for p in self.world.projects.values() if p.owner == owner and p.parent is project)
        draft = body.get("draft", False)
        pull = self.world.open(project, head, branch, body["base"], body["title"], body.get("body") or "", draft)
        return 201, self._pull(pull)

    def pull(self, pull: Pull) -> tuple[int, Any]:
        return 200, self._pull(pull)

    def edit(self, pull: Pull) -> tuple[int, Any]:
        body = self.request.body
        if body.get("state") == "closed":
            self.world.close(pull)
        elif body.get("state") == "open" and pull.state != "open":
            self.world.reopen(pull)
        pull.title = body.get("title", pull.title)
        pull.body = body.get("body", pull.body)
        return 200, self._pull(pull)

    def label(self, pull: Pull) -> tuple[int, Any]:
        body = self.request.body
        for name in body["labels"] if isinstance(body, dict) else body:
            pull.project.label_id(name)
            if name not in pull.labels:
                pull.labels.append(name)
        return 200, [self._label(pull.project, name) for name in pull.labels]

    def ask(self, pull: Pull) -> tuple[int, Any]:
        for name in self.request.body.get("reviewers", ()):
            if name not in self.world.users.values():
                raise No("invalid", "Reviews may only be requested from collaborators.")
            if name not in pull.reviewers:
                pull.reviewers.append(name)
        return 201, self._simple(pull)

    def reviews(self, pull: Pull) -> tuple[int, Any]:
        found = [
            _example("review", id=number, user=self._user(name), state="APPROVED")
            for number, name in enumerate(pull.reviewed, 1)
        ]
        return 200, found

    def comment(self, pull: Pull) -> tuple[int, Any]:
        pull.comments.append(self.request.body["body"])
        return 201, self._comment(pull, len(pull.comments))

    def comments(self, pull: Pull) -> tuple[int, Any]:
        return 200, [self._comment(pull, number) for number in range(1, len(pull.comments) + 1)]

    # --- shapes

    def _user(self, login: str) -> dict[str, Any]:
        return _example("simple-user", login=login, url=f"{self.api}/users/{login}", html_url=f"{self.url}/{login}")

    def _repository(self, project: Project) -> dict[str, Any]:
        return _example(
            "repository",
            id=project.id,
            name=project.name.rpartition("/")[2],
            full_name=project.name,
            owner=self._user(project.owner),
            fork=project.parent is not None,
            default_branch=project.default,
            url=f"{self.api}/repos/{project.name}",
            html_url=f"{self.url}/{project.name}",
            clone_url=f"{self.url}/{project.name}.git",
        )

    def _label(self, project: Project, name: str) -> dict[str, Any]:
        return _example("label", id=project.label_id(name), name=name, default=False)

    def _comment(self, pull: Pull, number: int) -> dict[str, Any]:
        return _example("comment", id=number, body=pull.comments[number - 1], user=self._user(self.request.user or ""))

    def _simple(self, pull: Pull) -> dict[str, Any]:
        return _example("pull-request-simple", **self._values(pull))

    def _pull(self, pull: Pull) -> dict[str, Any]:
        return _example("pull-request", **self._values(pull), merged=pull.merged)

    def _values(self, pull: Pull) -> dict[str, Any]:
        repository = f"{self.api}/repos/{pull.project.name}"
        here = f"{repository}/pulls/{pull.number}"
        time = "2011-01-26T19:01:12Z"
        end = {
            "head": self._end(pull.head, pull.branch, pull.tip()),
            "base": self._end(pull.project, pull.into, pull.project.head(pull.into) or ""),
        }
        return {
            **end,
            "url": here,
            "id": pull.number,
            "number": pull.number,
            "html_url": f"{self.url}/{pull.project.name}/pull/{pull.number}",
            "issue_url": f"{repository}/issues/{pull.number}",
            "comments_url": f"{repository}/issues/{pull.number}/comments",
            "state": pull.state,
            "title": pull.title,
            "body": pull.body or None,
            "draft": pull.draft,
            "labels": [self._label(pull.project, name) for name in pull.labels],
            "requested_reviewers": [self._user(name) for name in pull.reviewers],
            "requested_teams": [],
            "merged_at": time if pull.merged else None,
            "closed_at": time if pull.state == "closed" else None,
        }

    def _end(self, project: Project, branch: str, commit: str) -> dict[str, Any]:
        return {
            "label": f"{project.owner}:{branch}",
            "ref": branch,
            "sha": commit,
            "user": self._user(project.owner),
            "repo": self._repository(project),
        }


PROJECT = r"/(?P<project>[^/]+/[^/]+)"
_REPOSITORY = rf"/repos{PROJECT}"
ROUTES = (
    ("GET", r"/user", "user"),
    ("GET", rf"{_REPOSITORY}", "repository"),
    ("POST", rf"{_REPOSITORY}/forks", "fork"),
    ("GET", rf"{_REPOSITORY}/pulls", "pulls"),
    ("POST", rf"{_REPOSITORY}/pulls", "create"),
    ("GET", rf"{_REPOSITORY}/pulls/(?P<pull>\d+)", "pull"),
    ("PATCH", rf"{_REPOSITORY}/pulls/(?P<pull>\d+)", "edit"),
    ("POST", rf"{_REPOSITORY}/pulls/(?P<pull>\d+)/requested_reviewers", "ask"),
    ("GET", rf"{_REPOSITORY}/pulls/(?P<pull>\d+)/reviews", "reviews"),
    ("POST", rf"{_REPOSITORY}/issues/(?P<pull>\d+)/labels", "label"),
    ("GET", rf"{_REPOSITORY}/issues/(?P<pull>\d+)/comments", "comments"),
    ("POST", rf"{_REPOSITORY}/issues/(?P<pull>\d+)/comments", "comment"),
)


def handle(world: World, request: Request, path: str, api: str, url: str) -> Answer:
    """The answer to a request for this path below the API's root."""
    from tests.forge.server import answer

    missing = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}

    def refused(no: No) -> Answer:
        error = {"resource": "PullRequest", "code": _CODES.get(no.code, "custom"), "message": no.message}
        return answer(422, {**missing, "message": "Validation Failed", "errors": [error], "status": "422"})

    return dispatch(_Api(world, request, api, url), world, request, path, ROUTES, answer(404, missing), refused)
