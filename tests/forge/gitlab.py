"""GitLab's REST API, as far as merge requests need it: https://docs.gitlab.com/api/merge_requests/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.forge.routes import dispatch
from tests.forge.world import No, Project, Pull, World

if TYPE_CHECKING:
    from tests.forge.server import Answer, Request

_STATES = {"open": "opened", "closed": "closed"}
# So that a number within a project is not mistaken for the one of the whole instance.
_GLOBAL = 1000


class _Api:
    def __init__(self, world: World, request: Request, url: str) -> None:
        self.world, self.request, self.url = world, request, url
        self.logins = sorted({*world.users.values()})

    def user(self) -> tuple[int, Any]:
        return 200, self._user(self.request.user or "")

    def users(self) -> tuple[int, Any]:
        return 200, [self._user(login) for login in self.logins if login == self.request.query.get("username")]

    def project(self, project: Project) -> tuple[int, Any]:
        found = self._project(project)
        if project.parent:
            found["forked_from_project"] = self._project(project.parent)
        return 200, found

    def fork(self, project: Project) -> tuple[int, Any]:
        return 201, self.project(self.world.fork(project, self.request.user or ""))[1]

    def merge_requests(self, project: Project) -> tuple[int, Any]:
        query = self.request.query
        found = [
            pull
            for pull in sorted(project.pulls.values(), key=lambda p: -p.number)
            if query.get("source_branch", pull.branch) == pull.branch
            and query.get("state", "all") in ("all", self._state(pull))
        ]
        return 200, [self._pull(pull) for pull in found]

    def create(self, source: Project) -> tuple[int, Any]:
        body = self.request.body
        target = source
        if "target_project_id" in body:
            target = next(p for p in self.world.projects.values() if p.id == body["target_project_id"])
        title = body["title"]
        pull = self.world.open(
            target, source, body["source_branch"], body["target_branch"], title.removeprefix("Draft: "),
            body.get("description") or "", title.startswith("Draft: "),
        )  # fmt: skip
        return 201, self._pull(pull)

    def get(self, pull: Pull) -> tuple[int, Any]:
        return 200, self._pull(pull)

    def edit(self, pull: Pull) -> tuple[int, Any]:
        body = self.request.body
        match body.get("state_event"):
            case "close":
                self.world.close(pull)
            case "reopen":
                self.world.reopen(pull)
        if "title" in body:
            pull.title, pull.draft = body["title"].removeprefix("Draft: "), body["title"].startswith("Draft: ")
        pull.body = body.get("description", pull.body)
        for name in filter(None, body.get("add_labels", "").split(",")):
            if name not in pull.labels:
                pull.labels.append(name)
        if "reviewer_ids" in body:
            pull.reviewers = [self.logins[number - 1] for number in body["reviewer_ids"]]
        return 200, self._pull(pull)

    def comment(self, pull: Pull) -> tuple[int, Any]:
        pull.comments.append(self.request.body["body"])
        return 201, {"id": len(pull.comments), "body": pull.comments[-1], "system": False}

    def comments(self, pull: Pull) -> tuple[int, Any]:
        notes = [{"id": number, "body": text, "system": False} for number, text in enumerate(pull.comments, 1)]
        if pull.state == "closed":
            notes.append({"id": len(notes) + 1, "body": "closed", "system": True})
        return 200, notes[::-1] if self.request.query.get("sort", "desc") == "desc" else notes

    def _user(self, login: str) -> dict[str, Any]:
        return {"id": self.logins.index(login) + 1, "username": login, "name": login, "state": "active"}

    def _project(self, project: Project) -> dict[str, Any]:
        return {
            "id": project.id,
            "path_with_namespace": project.name,
            "default_branch": project.default,
            "web_url": f"{self.url}/{project.name}",
            "http_url_to_repo": f"{self.url}/{project.name}.git",
        }

    @staticmethod
    def _state(pull: Pull) -> str:
        return "merged" if pull.merged else _STATES[pull.state]

    def _pull(self, pull: Pull) -> dict[str, Any]:
        # Those who have reviewed stay listed.
        reviewers = [self._user(name) for name in dict.fromkeys((*pull.reviewers, *pull.reviewed))]
        return {
            "id": _GLOBAL + pull.number,
            "iid": pull.number,
            "project_id": pull.project.id,
            "source_project_id": pull.head.id,
            "target_project_id": pull.project.id,
            "source_branch": pull.branch,
            "target_branch": pull.into,
            "title": f"{'Draft: ' if pull.draft else ''}{pull.title}",
            "description": pull.body,
            "state": self._state(pull),
            "draft": pull.draft,
            "labels": pull.labels,
            "reviewers": reviewers,
            "sha": pull.tip(),
            "web_url": f"{self.url}/{pull.project.name}/-/merge_requests/{pull.number}",
        }


_ROUTES = (
    ("GET", r"/user", "user"),
    ("GET", r"/users", "users"),
    ("GET", r"/projects/(?P<project>[^/]+)", "project"),
    ("POST", r"/projects/(?P<project>[^/]+)/fork", "fork"),
    ("GET", r"/projects/(?P<project>[^/]+)/merge_requests", "merge_requests"),
    ("POST", r"/projects/(?P<project>[^/]+)/merge_requests", "create"),
    ("GET", r"/projects/(?P<project>[^/]+)/merge_requests/(?P<pull>\d+)", "get"),
    ("PUT", r"/projects/(?P<project>[^/]+)/merge_requests/(?P<pull>\d+)", "edit"),
    ("GET", r"/projects/(?P<project>[^/]+)/merge_requests/(?P<pull>\d+)/notes", "comments"),
    ("POST", r"/projects/(?P<project>[^/]+)/merge_requests/(?P<pull>\d+)/notes", "comment"),
)


def handle(world: World, request: Request, path: str, api: str, url: str) -> Answer:
    """The answer to a request for this path below the API's root."""
    from tests.forge.server import answer

    def refused(no: No) -> Answer:
        if no.code == "exists":
            return answer(409, {"message": ["Another open merge request already exists for this source branch: !1"]})
        return answer(422, {"message": no.message})

    missing = answer(404, {"message": "404 Not found"})
    return dispatch(_Api(world, request, url), world, request, path, _ROUTES, missing, refused)
