"""Which forge, which repository on it, and which token: from the remote's URL, flags and the environment.

The remote is named in the configuration of a repository that nobody vouches for, so a token from the environment goes to
its own forge, or to a host that the user has named; never just where the remote leads.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import MutableMapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gocodemod.deliver.forges.protocol import Forge
from gocodemod.errors import UsageError
from gocodemod.git import GitError, Repository

KINDS = ("github", "gitlab", "gitea")
_KNOWN = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "gitea.com": "gitea",
    "codeberg.org": "gitea",
}
_HINTS = {"github": "github", "gitlab": "gitlab", "gitea": "gitea", "forgejo": "gitea"}

# Tokens of a forge's own public host, of any host the user has named, and what in the environment names one.
_TOKENS = {
    "github": ("GH_TOKEN", "GITHUB_TOKEN"),
    "gitlab": ("GITLAB_TOKEN",),
    "gitea": ("GITEA_TOKEN", "FORGEJO_TOKEN"),
}
_ENTERPRISE = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
_ANY = "GOCODEMOD_TOKEN"
_HOSTS = {
    "github": ("GH_HOST", "GITHUB_SERVER_URL"),
    "gitlab": ("GITLAB_HOST", "CI_SERVER_URL"),
    "gitea": ("GITEA_SERVER_URL", "GITHUB_SERVER_URL"),
}
# For git over HTTP the token is the password; the names are what each forge's documentation uses.
_USERS = {"github": "x-access-token", "gitlab": "oauth2", "gitea": "gocodemod"}


@dataclass(frozen=True)
class Target:
    """``host`` may hold a port; ``project``: ``owner/name``, GitLab's may be deeper. ``url``: the remote's, as configured."""

    kind: str
    host: str
    project: str
    api: str
    url: str
    api_named: bool = False

    @property
    def user(self) -> str:
        return _USERS[self.kind]

    @property
    def name(self) -> str:
        """Names the repository among all others."""
        return f"{self.host}/{self.project}"


def locate(repository: Repository, remote: str, kind: str | None, api: str | None, project: str | None) -> Target:
    """The target that flags and the remote's URL amount to. Raises UsageError."""
    url = _url(repository, remote)
    host, path = _parts(url)
    if api is not None:
        host = urlsplit(api).netloc
        if urlsplit(api).scheme not in ("https", "http") or not host:
            raise UsageError(f"--api-url must be an http or https URL, not {api!r}")
    found = kind or _kind(host)
    if found is None:
        raise UsageError(
            f"what kind of forge {host or url} is cannot be told from its name: say --forge {'|'.join(KINDS)}"
        )
    name = (project or path).strip("/")
    if not re.fullmatch(r"[^/\s]+(/[^/\s]+)+", name) or (found != "gitlab" and name.count("/") != 1):
        raise UsageError(f"{name or url}: no OWNER/NAME of a repository: say --repository OWNER/NAME")
    return Target(found, host, name, api or _api(found, host), url, api is not None)


def _url(repository: Repository, remote: str) -> str:
    for key in (f"remote.{remote}.pushurl", f"remote.{remote}.url"):
        try:
            # The first of several.
            found = os.fsdecode(repository.run("config", "--get-all", key)).splitlines()
        except GitError:
            continue
        if found:
            return found[0]
    raise UsageError(f"{repository.top} has no remote {remote!r}: say --remote")


def _parts(url: str) -> tuple[str, str]:
    """Host and path; ``ssh://git@host:22/o/n.git``, ``git@host:o/n.git``, ``https://host/o/n``. A path has no host."""
    if "://" in url:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        if parts.scheme.lower() == "ssh":
            # The port is ssh's.
            host = host.partition(":")[0]
        path = parts.path
    elif (match := re.fullmatch(r"(?:[^@/]+@)?([^/:]+):(.*)", url)) is not None:
        host, path = match[1], match[2]
    else:
        return "", ""
    return host.lower(), path.strip("/").removesuffix(".git")


def _kind(host: str) -> str | None:
    name = host.partition(":")[0]
    if name in _KNOWN:
        return _KNOWN[name]
    return next(
        (kind for hint, kind in _HINTS.items() if hint in name or (hint == "github" and name.endswith(".ghe.com"))),
        None,
    )


def _api(kind: str, host: str) -> str:
    if kind == "github":
        if host == "github.com" or host.endswith(".ghe.com"):
            return f"https://api.{host}"
        return f"https://{host}/api/v3"
    return f"https://{host}"


def take_token(target: Target, environment: MutableMapping[str, str]) -> str:
    """The token for the target's host. All tokens that we know of are taken out: programs we start have no use for them.

    Raises UsageError where there is none.
    """
    found = {name: environment.pop(name, "") for name in sorted(_every())}
    public = _KNOWN.get(target.host) == target.kind
    ours = _TOKENS[target.kind] if public or target.kind != "github" else (*_ENTERPRISE, *_TOKENS["github"])
    names = [name for name in (_ANY, *ours) if found[name]]
    if target.kind == "github" and not names and (token := _gh(target.host, environment)):
        return token
    if not names:
        raise UsageError(
            f"no token for {target.host}: set {' or '.join(ours)} (docs/pull-requests.md says what it must allow)"
        )
    if not public and not target.api_named and target.host not in _named(target.kind, environment):
        raise UsageError(
            f"{names[0]} is sent to {target.host} only if you say that this is its host: --api-url {target.api}"
            f" (or {' or '.join(_HOSTS[target.kind])} in the environment)"
        )
    return found[names[0]]


def _every() -> set[str]:
    return {_ANY, *_ENTERPRISE, *(name for names in _TOKENS.values() for name in names)}


def _named(kind: str, environment: MutableMapping[str, str]) -> set[str]:
    """Hosts that the environment names."""
    told = (environment.get(name, "") for name in _HOSTS[kind])
    return {(urlsplit(text).netloc if "://" in text else text).lower() for text in told if text}


def _gh(host: str, environment: MutableMapping[str, str]) -> str:
    """What GitHub's own command line knows for exactly this host, "" for nothing."""
    try:
        told = subprocess.run(
            ["gh", "auth", "token", "--hostname", host],
            capture_output=True, check=False, env=dict(environment), stdin=subprocess.DEVNULL, cwd="/", timeout=30,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.decode("ascii", "replace").strip() if told.returncode == 0 else ""


def check_plain(target: Target) -> None:
    """Raise UsageError where a token would travel in the open: http is for a host of one's own machine."""
    for url in (target.api, target.url):
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise UsageError(f"{parts.hostname}: a token is not sent over http: use the https URL")
    if target.url.startswith(("http://", "https://")) and target.api_named:
        remote, api = (urlsplit(u).hostname for u in (target.url, target.api))
        if remote != api and api != f"api.{remote}":
            raise UsageError(f"the remote is on {remote} and --api-url on {api}: a token is not sent to both")


def connect(target: Target, token: str) -> Forge:
    """The back end. Raises UsageError where its library is not installed."""
    try:
        if target.kind == "github":
            from gocodemod.deliver.forges.github import GitHub

            return GitHub(target.api, target.project, token)
        if target.kind == "gitlab":
            from gocodemod.deliver.forges.gitlab import GitLab

            return GitLab(target.api, target.project, token)
        from gocodemod.deliver.forges.gitea import Gitea

        return Gitea(target.api, target.project, token)
    except ImportError as error:
        raise UsageError(f"{error.name} is missing: pip install 'gocodemod[pr]'") from error
