"""Small trees and git repositories for tests, untouched by the configuration of who runs them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ENVIRONMENT = {
    **os.environ,
    # A file of our own: /dev/null is no longer empty on a machine where some program running as root replaced it.
    "GIT_CONFIG_GLOBAL": str(Path(__file__).with_name("empty.gitconfig")),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


def tree(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def git(folder: Path, *arguments: str, data: bytes = b"", at: str = "") -> bytes:
    """Plain git, as a person would run it there; ``at``: the date of what is committed, else now."""
    dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at} if at else {}
    done = subprocess.run(["git", *arguments], cwd=folder, env=ENVIRONMENT | dates, input=data, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def repository(folder: Path, files: Mapping[str, str | bytes], *init: str) -> Path:
    """A repository with these files committed."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", *init)
    tree(folder, files)
    git(folder, "add", "--all", "--force")
    # Before anything that a test commits: dates count in seconds.
    git(folder, "commit", "--quiet", "--message", "start", at="2020-01-01T00:00:00Z")
    return folder
