"""Gitea's and Forgejo's API, as far as pull requests need it: https://docs.gitea.com/api/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.forge.routes import dispatch
from tests.forge.world import No, Project, Pull, World

if TYPE_CHECKING:
    from tests.forge.server import Answer, Request


class _Api:
    def __init__(self, world: World, request: Request, url: str) -> None:
        self.world, self.request, self.url = world, request, url

    def user(self) -> tuple[int, Any]:
        return 200, {"login": self.request.user}

    def repository(self, project: Project) -> tuple[int, Any]:
        parent = self._repository(project.parent) if project.parent else None
        return 200, {**self._repository(project), "parent": parent}

    def fork(self, project: Project) -> tuple[int, Any]:
        return 202, self.repository(self.world.fork(project, self.request.user or ""))[1]

    def pulls(self, project: Project) -> tuple[int, Any]:
        state = self.request.query.get("state", "open")
        found = sorted(project.pulls.values(), key=lambda p: -p.number)
        return 200, self._page([self._pull(pull) for pull in found if state in ("all", pull.state)])

    def create(self, project: Project) -> tuple[int, Any]:
        body = self.request.body
        owner, colon, branch = body["head"].rpartition(":")
        head = self.world.projects[f"{owner}/{project.name.partition('/')[2]}"] if colon else project
        title = body["title"]
        pull = self.world.open(
            project, head, branch, body["base"], title.removeprefix("WIP: "), body["body"], title.startswith("WIP: ")
        )
        return 201, self._pull(pull)

    def get(self, pull: Pull) -> tuple[int, Any]:
        return 200, self._pull(pull)

    def edit(self, pull: Pull) -> tuple[int, Any]:
        body = self.request.body
        if body.get("state") == "closed":
            self.world.close(pull)
        elif body.get("state") == "open":
            self.world.reopen(pull)
        if "title" in body:
            pull.title, pull.draft = body["title"].removeprefix("WIP: "), body["title"].startswith("WIP: ")
        pull.body = body.get("body", pull.body)
        return 201, self._pull(pull)

    def labels(self, project: Project) -> tuple[int, Any]:
        return 200, self._page([{"id": number, "name": name} for name, number in project.labels.items()])

    def make_label(self, project: Project) -> tuple[int, Any]:
        name = self.request.body["name"]
        return 201, {"id": project.label_id(name), "name": name}

    def label(self, pull: Pull) -> tuple[int, Any]:
        names = {number: name for name, number in pull.project.labels.items()}
        for number in self.request.body["labels"]:
            if names[number] not in pull.labels:
                pull.labels.append(names[number])
        return 200, [{"name": name} for name in pull.labels]

    def ask(self, pull: Pull) -> tuple[int, Any]:
        for name in self.request.body["reviewers"]:
            if name not in self.world.users.values():
                raise No("invalid", "user does not exist")
            if name not in pull.reviewers:
                pull.reviewers.append(name)
        return 201, []

    def reviews(self, pull: Pull) -> tuple[int, Any]:
        return 200, self._page([{"user": {"login": name}, "state": "APPROVED"} for name in pull.reviewed])

    def comment(self, pull: Pull) -> tuple[int, Any]:
        pull.comments.append(self.request.body["body"])
        return 201, {"body": pull.comments[-1]}

    def comments(self, pull: Pull) -> tuple[int, Any]:
        return 200, [{"body": text} for text in pull.comments]

    def _page(self, found: list[Any]) -> list[Any]:
        size = min(50, int(self.request.query.get("limit", "30")))
        start = (int(self.request.query.get("page", "1")) - 1) * size
        return found[start : start + size]

    def _repository(self, project: Project) -> dict[str, Any]:
        return {
            "full_name": project.name,
            "default_branch": project.default,
            "clone_url": f"{self.url}/{project.name}.git",
        }

    def _pull(self, pull: Pull) -> dict[str, Any]:
        return {
            "number": pull.number,
            "html_url": f"{self.url}/{pull.project.name}/pulls/{pull.number}",
            "state": pull.state,
            "merged": pull.merged,
            "title": f"{'WIP: ' if pull.draft else ''}{pull.title}",
            "body": pull.body,
            "labels": [{"name": name} for name in pull.labels],
            "requested_reviewers": [{"login": name} for name in pull.reviewers] or None,
            "head": {"ref": pull.branch, "sha": pull.tip(), "repo": self._repository(pull.head)},
            "base": {"ref": pull.into, "repo": self._repository(pull.project)},
        }


_REPOSITORY = r"/repos/(?P<project>[^/]+/[^/]+)"
_ROUTES = (
    ("GET", r"/user", "user"),
    ("GET", _REPOSITORY, "repository"),
    ("POST", rf"{_REPOSITORY}/forks", "fork"),
    ("GET", rf"{_REPOSITORY}/pulls", "pulls"),
    ("POST", rf"{_REPOSITORY}/pulls", "create"),
    ("GET", rf"{_REPOSITORY}/pulls/(?P<pull>\d+)", "get"),
    ("PATCH", rf"{_REPOSITORY}/pulls/(?P<pull>\d+)", "edit"),
    ("GET", rf"{_REPOSITORY}/labels", "labels"),
    ("POST", rf"{_REPOSITORY}/labels", "make_label"),
    ("POST", rf"{_REPOSITORY}/issues/(?P<pull>\d+)/labels", "label"),
    ("POST", rf"{_REPOSITORY}/pulls/(?P<pull>\d+)/requested_reviewers", "ask"),
    ("GET", rf"{_REPOSITORY}/pulls/(?P<pull>\d+)/reviews", "reviews"),
    ("GET", rf"{_REPOSITORY}/issues/(?P<pull>\d+)/comments", "comments"),
    ("POST", rf"{_REPOSITORY}/issues/(?P<pull>\d+)/comments", "comment"),
)


def handle(world: World, request: Request, path: str, api: str, url: str) -> Answer:
    """The answer to a request for this path below the API's root."""
    from tests.forge.server import answer

    def refused(no: No) -> Answer:
        if no.code == "exists":
            return answer(409, {"message": "pull request already exists for these targets"})
        return answer(422, {"message": no.message})

    missing = answer(404, {"message": "The target couldn't be found."})
    return dispatch(_Api(world, request, url), world, request, path, _ROUTES, missing, refused)
