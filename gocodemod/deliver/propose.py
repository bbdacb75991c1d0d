"""From a repository and a base to change sets: what is decided about the base's own files, in a folder of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gocodemod import git
from gocodemod.deliver import snapshot as snapshots
from gocodemod.deliver.changesets import ChangeSet, Grouping, change_sets
from gocodemod.deliver.snapshot import Snapshot
from gocodemod.engine.edits import Proposal
from gocodemod.engine.result import Result
from gocodemod.engine.run import run_apart
from gocodemod.errors import UsageError
from gocodemod.git import GitError, Repository
from gocodemod.model import Kind
from gocodemod.progress import Progress
from gocodemod.settings import Settings
from gocodemod.transform import Transform


@dataclass(frozen=True)
class Location:
    """A repository, and the folders in it that are asked about, relative to its top (``.`` for all)."""

    repository: Repository
    folders: tuple[str, ...]


@dataclass(frozen=True)
class Proposed:
    """``result``: every site with its outcome, paths relative to the top. ``changes``: what there is to put on branches.

    ``withheld``: branches, without the prefix, that fixes of a level not asked for would be on.
    """

    snapshot: Snapshot
    result: Result
    changes: tuple[ChangeSet, ...]
    withheld: frozenset[str] = frozenset()


def locate(paths: Sequence[str] | None) -> Location:
    """The one repository that the paths lie in. Raises UsageError where there is none, or more than one."""
    real = [os.path.realpath(path.removesuffix("...") or ".") for path in paths or (".",)]
    for path in real:
        if not os.path.exists(path):
            raise UsageError(f"{path}: no such file or folder")
    found = {git.find(path if os.path.isdir(path) else os.path.dirname(path)) for path in real}
    only = found.pop() if len(found) == 1 else None
    if only is None:
        raise UsageError("branches are made in one git repository: name it, or a folder in it")
    return Location(only, tuple(dict.fromkeys(os.path.relpath(path, only.top) for path in real)))


def propose(
    place: Location,
    base: str,
    folder: str,
    settings: Settings,
    group: str | None,
    prefix: str,
    transforms: Mapping[str, Transform],
    progress: Progress | None = None,
) -> Proposed:
    """Decide and verify each change set against ``base``, laid out in ``folder`` (empty, outside of any repository).

    Raises UsageError for a base, or folders of it, that do not exist, and as ``run_apart`` does.
    """
    try:
        snapshot = snapshots.take(place.repository, base)
    except GitError as error:
        raise UsageError(f"--base {base}: no such commit in {place.repository.top}") from error
    root = os.path.realpath(folder)
    snapshot.lay_out(root)
    paths = [os.path.normpath(os.path.join(root, below)) for below in place.folders]
    for below, path in zip(place.folders, paths, strict=True):
        if not os.path.exists(path):
            raise UsageError(f"{below}: not in {base}")
    grouping = Grouping(group, root)
    apart = run_apart(paths, settings, grouping.key, progress=progress, root=root)
    left = [o for o in apart.whole.outcomes if o.kind is Kind.WITHHELD and o.fix is not None]
    withheld = frozenset(grouping.key(Proposal(o.site, o.fix)) for o in left if o.fix is not None)
    return Proposed(snapshot, apart.whole, tuple(change_sets(apart.sets, transforms, prefix)), withheld)
