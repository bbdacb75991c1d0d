"""Write the changed files of a run, each one atomically: at any moment a file is either old or new."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gocodemod import git
from gocodemod.engine.result import Changed, Result
from gocodemod.errors import UsageError
from gocodemod.model import Kind, Outcome

_SHOWN = 10


class DirtyTree(UsageError):
    """Files that a run would change hold something that git could not give back."""


@dataclass
class Written:
    """``written``: absolute paths, sorted. ``refused``: why a file was left alone, by path."""

    written: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def write(result: Result, *, allow_dirty: bool = False) -> Written:
    """Write ``result.changed``; files that one fix changes together are written together or not at all.

    A file that is not what it was when it was read is left alone, with those bound to it. Raises DirtyTree before
    anything is written.
    """
    if not allow_dirty:
        check_clean(result)
    done = Written()
    for group in _groups(result):
        refused = {change.path: why for change in group if (why := _why_not(change, result.root))}
        if refused:
            others = "a file that is changed together with it was not written"
            done.refused.update({change.path: refused.get(change.path, others) for change in group})
            continue
        try:
            _replace({os.path.realpath(change.path): change.after for change in group})
        except OSError as error:
            done.refused.update({change.path: f"cannot be written: {error.strerror}" for change in group})
        else:
            done.written += [change.path for change in group]
    done.written.sort()
    return done


def check_clean(result: Result) -> None:
    """Raise DirtyTree if git has no copy of the bytes of a file that is to be changed. Files in no repository pass."""
    by_repository: dict[git.Repository, dict[str, bytes]] = {}
    for change in result.changed:
        real = os.path.realpath(change.path)
        repository = git.find(os.path.dirname(real))
        if repository is not None:
            by_repository.setdefault(repository, {})[real] = change.before
    dirty = sorted(path for repository, files in by_repository.items() for path in git.dirty(repository, files))
    if dirty:
        shown = [os.path.relpath(path, result.root) for path in dirty[:_SHOWN]]
        more = [f"and {len(dirty) - _SHOWN} more"] if len(dirty) > _SHOWN else []
        listing = "\n".join(f"  {name}" for name in (*shown, *more))
        raise DirtyTree(
            f"nothing written: these files hold changes that are not in git, or are not tracked:\n{listing}\n"
            "commit or stash them first, or say --allow-dirty"
        )


def outcomes_after(result: Result, refused: Mapping[str, str]) -> Result:
    """The result with fixes that were not written told as ``conflicted``."""

    def after(outcome: Outcome) -> Outcome:
        paths = [change.path for change in outcome.fix.changes] if outcome.fix is not None else []
        lost = next((path for path in paths if path in refused), None)
        if outcome.kind is not Kind.FIXED or lost is None:
            return outcome
        message = f"not written: {os.path.relpath(lost, result.root)}: {refused[lost]}"
        return replace(outcome, kind=Kind.CONFLICTED, message=message)

    changed = tuple(change for change in result.changed if change.path not in refused)
    return replace(result, outcomes=tuple(map(after, result.outcomes)), changed=changed)


def atomic(path: str, data: bytes) -> None:
    """Write a file of our own, such as ``--output``, so that no half of it is ever seen.

    A device or a pipe is written to: put another file in place of /dev/null, and the whole machine has lost it.
    """
    real = os.path.realpath(path)
    if os.path.exists(real) and not os.path.isfile(real):
        with open(real, "wb") as file:
            file.write(data)
    else:
        _replace({real: data})


def _groups(result: Result) -> list[list[Changed]]:
    """Changed files, those together that some fix changes together, in the order of their paths."""
    leader = {change.path: change.path for change in result.changed}

    def find(path: str) -> str:
        while leader[path] != path:
            path = leader[path]
        return path

    for outcome in result.outcomes:
        if outcome.kind is Kind.FIXED and outcome.fix is not None:
            paths = sorted({find(change.path) for change in outcome.fix.changes if change.path in leader})
            for path in paths[1:]:
                leader[path] = paths[0]
    groups: dict[str, list[Changed]] = {}
    for change in result.changed:
        groups.setdefault(find(change.path), []).append(change)
    return list(groups.values())


def _why_not(change: Changed, root: str) -> str:
    real = os.path.realpath(change.path)
    if os.path.commonpath([os.path.realpath(root), real]) != os.path.realpath(root):
        return "it has become a link that leaves the tree"
    try:
        with open(real, "rb") as file:
            if file.read() != change.before:
                return "it changed on disk while this ran; run again"
            # Another file could be put in its place, which is not what somebody who protects a file expects.
            return "" if os.fstat(file.fileno()).st_mode & 0o222 else "it is read-only"
    except OSError as error:
        return f"cannot be read any more: {error.strerror}"


def _replace(files: Mapping[str, bytes]) -> None:
    """Put bytes under their paths, each in one step, keeping the mode of what was there.

    All are on disk before the first takes its place. No temporary file is left behind.
    """
    prepared: dict[str, str] = {}
    try:
        for path, data in files.items():
            folder, name = os.path.split(path)
            handle, prepared[path] = tempfile.mkstemp(prefix=f".{name[:40]}.", suffix=".tmp", dir=folder)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                with contextlib.suppress(FileNotFoundError):
                    _like(file.fileno(), os.stat(path))
                file.flush()
                os.fsync(file.fileno())
        for path in files:
            os.replace(prepared[path], path)
            del prepared[path]
    finally:
        for temporary in prepared.values():
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    for folder in {os.path.dirname(path) for path in files}:
        _sync_folder(folder)


def _like(handle: int, model: os.stat_result) -> None:
    if (model.st_uid, model.st_gid) != (os.getuid(), os.getgid()):
        # Allowed to root, and to members of the group: what is not allowed stays ours.
        with contextlib.suppress(OSError):
            os.fchown(handle, model.st_uid, model.st_gid)
    # After the owner: changing that clears set-user-id bits.
    os.fchmod(handle, stat.S_IMODE(model.st_mode))


def _sync_folder(folder: str) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
