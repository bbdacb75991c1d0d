"""The one way to git, arranged so that nothing a hostile repository configures is run.

A repository's own config can name programs: a file system monitor, hooks, filters, textconv and diff drivers. Every
call blanks them. ``git status`` and ``git diff`` are never used: "changed" means bytes against the blob id.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gocodemod.errors import GocodemodError, UsageError

_SAFE = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", os.devnull),
    ("core.pager", "cat"),
    ("core.untrackedCache", "false"),
    ("diff.external", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.allow", "never"),
    ("safe.bareRepository", "explicit"),
    ("submodule.recurse", "false"),
)

# Where one remote is spoken to: that one alone, and nothing signed or taken along.
_TALKING = (
    ("fetch.recurseSubmodules", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("push.followTags", "false"),
    ("push.gpgSign", "false"),
    ("push.recurseSubmodules", "no"),
)

# Where git was told by its caller to look, such as by a hook that runs us: the folder we were given decides.
_LEADING_AWAY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_EXTERNAL_DIFF",
)
# What makes git tell more than was asked for, requests with what they hold included.
_TELLING = re.compile(r"GIT_TRACE.*|GIT_CURL_VERBOSE|GCM_TRACE.*")

# Keys whose value is a command line, by the parts before and after the driver's name.
_DRIVER = re.compile(r"(filter|diff|merge)\.(.+)\.(clean|smudge|process|textconv|command|driver)", re.DOTALL)


class GitError(GocodemodError):
    """git said no; ``message`` is what it said."""


@dataclass(frozen=True)
class Repository:
    """``top`` is the work tree's folder, absolute and free of symbolic links."""

    top: str

    def run(
        self,
        *arguments: str,
        data: bytes = b"",
        extra: Mapping[str, str] | None = None,
        settings: Sequence[tuple[str, str]] = (),
    ) -> bytes:
        """Output of a git command run in ``top``, with ``extra`` in its environment and ``settings`` in its config.

        Raises GitError, UsageError where there is no git.
        """
        return run(self.top, arguments, blank=_drivers(self.top), data=data, extra=extra, settings=settings)

    def talk(
        self, scheme: str, *arguments: str, extra: Mapping[str, str] | None = None, own_login: bool = False
    ) -> bytes:
        """As ``run``, for a command that speaks to a remote by this protocol (``https``, ``ssh``, ``file``) and no other.

        ``own_login``: ``extra`` says how git gets at user name and password, so no helper is asked, or told, about them.
        """
        settings = [*_TALKING, (f"protocol.{scheme}.allow", "always")]
        if own_login:
            settings.append(("credential.helper", ""))
        return self.run(*arguments, extra=extra, settings=settings)


def find(folder: str) -> Repository | None:
    """The repository whose work tree holds ``folder`` (absolute, without symbolic links), None if there is none.

    A repository that git refuses (``safe.directory``), or that says its work tree is elsewhere, is none.
    """
    return _find(folder)


@functools.lru_cache(maxsize=4096)
def _find(folder: str) -> Repository | None:
    if not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        return _find(above) if above != folder else None
    try:
        told = run(folder, ("rev-parse", "--show-toplevel"))
    except GocodemodError:
        return None
    return Repository(folder) if os.path.realpath(os.fsdecode(told.removesuffix(b"\n"))) == folder else None


def run(
    folder: str,
    arguments: Sequence[str],
    blank: Iterable[str] = (),
    data: bytes = b"",
    extra: Mapping[str, str] | None = None,
    settings: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Run git in ``folder`` with everything switched off that would run a program; ``blank``: keys to empty as well.

    ``settings`` come last: they win.
    """
    every = [*_SAFE, *((key, "") for key in blank), *settings]
    command = ["git", "-C", folder, "--no-pager", "--literal-pathspecs"]
    command += [part for key, value in every for part in ("-c", f"{key}={value}")]
    try:
        env = {**environment(), **(extra or {})}
        done = subprocess.run([*command, *arguments], input=data, capture_output=True, env=env, check=False)
    except FileNotFoundError as error:
        raise UsageError("git is not installed, or not on the PATH") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise GitError(f"git {arguments[0]} in {folder} failed: {said or f'exit code {done.returncode}'}")
    return done.stdout


def environment() -> Mapping[str, str]:
    """Our environment without what would lead git elsewhere, with what keeps it quiet and reading only."""
    kept = {k: v for k, v in os.environ.items() if k not in _LEADING_AWAY and not _TELLING.fullmatch(k)}
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "LC_ALL": "C"}
    return {**kept, **quiet}


@functools.lru_cache(maxsize=256)
def _drivers(top: str) -> tuple[str, ...]:
    """Keys of this repository's config that name a program to run on files."""
    names = os.fsdecode(run(top, ("config", "--list", "--name-only", "--includes", "-z"))).split("\0")
    found = sorted({name for name in names if _DRIVER.fullmatch(name)})
    for name in found:
        if "=" in name:
            # `-c` cuts at the first equals sign, so this one cannot be switched off.
            raise UsageError(f"{top}: its git config sets {name!r}, which cannot be switched off: remove it first")
    return tuple(found)


# What git runs, or is led to, when it pushes or signs.
_DANGEROUS = re.compile(
    r"core\.(sshcommand|askpass|gitproxy|alternaterefscommand)|hook\..*|credential\..*|gpg\..*|user\.signingkey"
    r"|url\..*\.(pushinsteadof|insteadof)|include(if\..*)?\.path|http\..*|remote\..*\.(proxy|vcs|uploadpack|receivepack)"
    r"|protocol\..*|ssh\..*",
    re.DOTALL | re.IGNORECASE,
)


def check_config(repository: Repository, purpose: str) -> None:
    """Raise UsageError where the repository's own config names what git would run, or be led to, for ``purpose``."""
    out = os.fsdecode(repository.run("config", "--list", "--show-scope", "--name-only", "--includes", "-z"))
    parts = out.split("\0")[:-1]
    own = {name for scope, name in zip(parts[::2], parts[1::2], strict=True) if scope in ("local", "worktree")}
    found = sorted(name for name in own if _DANGEROUS.fullmatch(name))
    if found:
        raise UsageError(
            f"{repository.top}: its git config sets {', '.join(found)}, which may run programs when {purpose}: remove that,"
            " or say --trust-git-config if it is yours"
        )


def listed(repository: Repository, folders: Sequence[str]) -> list[str]:
    """Tracked, and untracked but not ignored, paths under ``folders`` (absolute), relative to the top."""
    inside = [os.path.relpath(folder, repository.top) for folder in folders]
    out = repository.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *inside)
    return list(dict.fromkeys(os.fsdecode(out).split("\0")[:-1]))


def dirty(repository: Repository, contents: Mapping[str, bytes]) -> list[str]:
    """Files (absolute path -> bytes on disk) that git could not give back: changed, untracked, unmerged."""
    if not contents:
        return []
    staged = _index(repository)
    prefix = repository.top.rstrip(os.sep) + os.sep
    return sorted(
        path for path, data in contents.items() if not _is_blob(data, staged.get(path.removeprefix(prefix), ""))
    )


def _index(repository: Repository) -> Mapping[str, str]:
    """Blob ids by path relative to the top, of what is staged and not in conflict.

    GitPython reads the index itself, so no program runs at all; index formats that it does not know (version 4, split,
    sha256) are left to git.
    """
    # Loaded here: it costs as much as a small run, and only writing needs it.
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    import git

    try:
        with git.Repo(repository.top) as repo:
            entries = repo.index.entries
        return {os.fspath(path): entry.hexsha for (path, stage), entry in entries.items() if stage == 0}
    except Exception:  # GitPython asserts where it does not know a format
        return _listed_index(repository)


def _listed_index(repository: Repository) -> Mapping[str, str]:
    staged: dict[str, str] = {}
    for entry in os.fsdecode(repository.run("ls-files", "-z", "--stage")).split("\0")[:-1]:
        about, path = entry.split("\t", 1)
        _, blob, stage = about.split(" ")
        if stage == "0":
            staged[path] = blob
    return staged


def _is_blob(data: bytes, blob: str) -> bool:
    """Whether the bytes are the blob's, as they are or with the line endings that core.autocrlf takes away."""
    return any(blob_id(version, blob) == blob for version in (data, data.replace(b"\r\n", b"\n")))


def blob_id(data: bytes, like: str = "") -> str:
    """The id that git gives to a blob of these bytes; SHA-256 where ``like`` has the length of one."""
    name = "sha256" if len(like) == 64 else "sha1"
    digest = hashlib.new(name, b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()
