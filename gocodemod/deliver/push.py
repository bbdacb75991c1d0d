"""The remote that branches are pushed to: what is there, fetching what we must look at, and pushes with a lease.

The token reaches git through a program of ours that it asks (``GIT_ASKPASS``), and that answers for one host only; it is
in no argument, URL or configuration.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from gocodemod.errors import GocodemodError, UsageError
from gocodemod.git import GitError, Repository

# ``printf`` is the shell's own: no process is started that could be seen with the token in its arguments.
_ASKPASS = """#!/bin/sh
case "$1" in
Username*"'$GOCODEMOD_ASKED_BY'"*) printf '%s\\n' "$GOCODEMOD_ASKED_USER" ;;
Password*"'$GOCODEMOD_ASKED_AS'"*) printf '%s\\n' "$GOCODEMOD_ASKED_FOR" ;;
*) exit 1 ;;
esac
"""


class Stale(GocodemodError):
    """The branch is no longer where we thought it was."""

    exit_code = 3


@dataclass(frozen=True)
class Remote:
    """``url`` holds no secret. ``environment``: how git logs in, empty where it does that by itself (ssh, a path)."""

    repository: Repository
    url: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def _scheme(self) -> str:
        return scheme(self.url)

    def heads(self, patterns: Sequence[str]) -> dict[str, str]:
        """Commits by branch, of the branches that match (``gocodemod/*``)."""
        out = self._talk("ls-remote", self.url, *(f"refs/heads/{pattern}" for pattern in patterns))
        rows = (line.split("\t", 1) for line in os.fsdecode(out).splitlines())
        return {name.removeprefix("refs/heads/"): commit for commit, name in rows}

    def fetch(self, branches: Sequence[str]) -> None:
        """Bring the branches' commits into the object store; no ref is made or moved."""
        if not branches:
            return
        shallow = self.repository.run("rev-parse", "--is-shallow-repository") == b"true\n"
        # A shallow clone stays one: our commit and its parent are all that is looked at.
        depth = ("--depth=2",) if shallow else ()
        quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance")
        self._talk("fetch", *quiet, *depth, self.url, *(f"refs/heads/{branch}" for branch in branches))

    def has(self, commit: str) -> bool:
        """Whether the object store holds the commit."""
        try:
            self.repository.run("cat-file", "-e", f"{commit}^{{commit}}")
        except GitError:
            return False
        return True

    def push(self, commit: str, branch: str, lease: str) -> None:
        """Make the commit the branch's tip if it is at ``lease`` ("": if there is no such branch).

        Raises Stale where it is elsewhere, GitError where the remote does not want it or cannot be reached.
        """
        flags = ("--quiet", "--no-verify", "--no-follow-tags", "--no-signed", "--no-recurse-submodules")
        where = f"refs/heads/{branch}"
        try:
            self._talk("push", *flags, f"--force-with-lease={where}:{lease}", self.url, f"{commit}:{where}")
        except GitError as error:
            if "(stale info)" in str(error) or "(fetch first)" in str(error):
                raise Stale(f"{branch} was moved by somebody else meanwhile") from error
            # The connection may have broken after the push was taken.
            if self._tip(branch) != commit:
                raise

    def _tip(self, branch: str) -> str:
        try:
            return self.heads([branch]).get(branch, "")
        except GitError:
            return ""

    def _talk(self, *arguments: str) -> bytes:
        return self.repository.talk(self._scheme, *arguments, extra=self.environment, own_login=bool(self.environment))


def scheme(url: str) -> str:
    """Git's name for how the URL is spoken to. Raises UsageError for one that nothing is pushed by."""
    if match := re.match(r"([a-z][a-z0-9+.-]*)://", url, re.IGNORECASE):
        found = match[1].lower()
    elif "::" in url:
        found = url.partition("::")[0]
    else:
        found = "ssh" if re.match(r"[^/]+:", url) else "file"
    if found not in ("https", "http", "ssh", "file"):
        raise UsageError(f"nothing is pushed by {found!r}: give the remote an https or ssh URL")
    return found


@contextlib.contextmanager
def logged_in(repository: Repository, url: str, user: str, token: str) -> Iterator[Remote]:
    """The remote at a URL over HTTP, with a token; over ssh or to a path, as git itself gets there."""
    if scheme(url) not in ("https", "http"):
        yield Remote(repository, url)
        return
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    plain = urlunsplit((parts.scheme, host, parts.path, "", ""))
    with tempfile.TemporaryDirectory(prefix="gocodemod-") as folder:
        program = os.path.join(folder, "askpass")
        with open(program, "w", encoding="ascii") as file:
            file.write(_ASKPASS)
        os.chmod(program, stat.S_IRWXU)
        environment = {
            "GIT_ASKPASS": program,
            "GOCODEMOD_ASKED_BY": f"{parts.scheme}://{host}",
            "GOCODEMOD_ASKED_AS": f"{parts.scheme}://{user}@{host}",
            "GOCODEMOD_ASKED_USER": user,
            "GOCODEMOD_ASKED_FOR": token,
        }
        yield Remote(repository, plain, environment)
