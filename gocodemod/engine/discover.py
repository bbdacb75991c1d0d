"""Find the Go files that could hold a site, by their bytes alone.

Files come from git where there is a repository (tracked, or neither tracked nor ignored), else from a walk that
follows ``.gitignore``. A file is read once; only those that hold all needles of a transform are kept.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gocodemod import git
from gocodemod.errors import UsageError
from gocodemod.golang.source import is_generated
from gocodemod.needles import Needles, holds
from gocodemod.settings import Settings

if TYPE_CHECKING:
    # Loaded where it is needed: most runs have no ignore rules to read, and it costs as much as a small run.
    from pathspec import GitIgnoreSpec

_ELLIPSIS = "/..."
# Beside Go files those that say which packages they mean.
_RELEVANT = (".go", "/go.mod", "/go.sum", "/go.work", "/go.work.sum", "/vendor/modules.txt")


@dataclass(frozen=True)
class GoFile:
    """``path`` is absolute; ``data`` is what it held when it was read.

    ``only_tests``: it is a test file, there only for the transforms that are about tests.
    """

    path: str
    data: bytes
    only_tests: bool = False


@dataclass(frozen=True)
class Discovery:
    """``root``: top of the one repository all paths lie in, else the folder common to them.

    ``files``: those that hold some transform's needles, sorted by path. ``total``: Go files looked at, without the
    skipped ones, which are counted by cause in ``skipped`` (``generated``, ``vendor``, ``testdata``, ``tests``,
    ``ignored`` for names that begin with ``_`` or ``.``, ``excluded``, ``symlink``, ``unreadable``, ``vanished``).
    ``repositories``: tops of the git repositories the files lie in. ``named``: the folders and files asked for.
    ``digest``: of all that was looked at, files read by content, other Go and module files by size and time.
    ``module_files``: every go.mod and go.work below the folders.
    """

    root: str
    files: tuple[GoFile, ...]
    total: int
    skipped: Mapping[str, int]
    notes: tuple[str, ...]
    repositories: tuple[str, ...]
    named: tuple[str, ...] = ()
    digest: str = ""
    module_files: tuple[str, ...] = ()


def discover(
    paths: Sequence[str], settings: Settings, needles: Iterable[Needles], tests: Iterable[Needles] = ()
) -> Discovery:
    """Look for Go files in files, folders and Go patterns (``./...``). ``needles``: one tuple for each transform.

    ``tests``: those of the transforms that are about tests. Test files that hold them are taken for these alone where the
    settings leave tests out; the others are skipped.

    What is named is taken, whatever its name; rules about names apply below a folder that is named.
    Raises UsageError for a path that is not there, is no Go file, or is a pattern we do not know.
    """
    named = [_resolve(path) for path in paths or (".",)]
    search = _Search(settings, tuple(dict.fromkeys(needles)), tuple(dict.fromkeys(tests)))
    search.root, search.named = _root(named), tuple(named)
    for path in named:
        if not os.path.isdir(path):
            search.paths[path] = True
    folders = _outermost(path for path in named if os.path.isdir(path))
    for folder in folders:
        search.folder(folder)
    return search.read()


def _resolve(path: str) -> str:
    """Absolute path without symbolic links of what the command line names."""
    bare = path.removesuffix(_ELLIPSIS) or "/" if path.endswith(_ELLIPSIS) else path
    if bare == "...":
        bare = "."
    if "..." in bare:
        raise UsageError(f"{path}: of Go's patterns only those that end with /... are known here")
    real = os.path.realpath(bare)
    if not os.path.exists(real):
        raise UsageError(f"{path}: no such file or folder")
    if path.endswith(_ELLIPSIS) and not os.path.isdir(real):
        raise UsageError(f"{path}: no such folder")
    if not os.path.isdir(real) and not real.endswith(".go"):
        raise UsageError(f"{path}: not a Go file")
    return real


def _root(named: Sequence[str]) -> str:
    folders = [path if os.path.isdir(path) else os.path.dirname(path) for path in named]
    repositories = {git.find(folder) for folder in folders}
    if len(repositories) == 1 and (only := repositories.pop()) is not None:
        return only.top
    return os.path.commonpath(folders)


def _outermost(folders: Iterable[str]) -> list[str]:
    """Folders that lie in no other one of them, sorted."""
    kept: list[str] = []
    for folder in sorted(set(folders), key=lambda f: f.split(os.sep)):
        if not kept or os.path.commonpath([kept[-1], folder]) != kept[-1]:
            kept.append(folder)
    return kept


@dataclass
class _Search:
    settings: Settings
    needles: tuple[Needles, ...]
    tests: tuple[Needles, ...] = ()
    root: str = ""
    paths: dict[str, bool] = field(default_factory=dict)  # to whether it was named itself
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    repositories: set[str] = field(default_factory=set)
    named: tuple[str, ...] = ()
    aside: list[str] = field(default_factory=list)  # files that matter to the type checker and are not read here
    only_tests: set[str] = field(default_factory=set)
    real_folders: dict[str, bool] = field(default_factory=dict)

    def folder(self, folder: str) -> None:
        repository = git.find(folder)
        if repository is None:
            found: Iterable[str] = _walk(folder)
            if os.path.lexists(os.path.join(folder, ".git")):
                self.notes.append(f"{folder}: git does not accept this as a repository, so its ignore files are read")
        else:
            self.repositories.add(repository.top)
            prefix = repository.top.rstrip(os.sep) + os.sep
            found = (prefix + path for path in git.listed(repository, [folder]) if f"/{path}".endswith(_RELEVANT))
        start = len(folder.rstrip(os.sep)) + 1
        excluded = _excluder(self.settings.exclude, self.root)
        for path in found:
            if not path.endswith(".go"):
                self.aside.append(path)
                continue
            cause = self._name_rule(path[start:]) or ("excluded" if excluded(path) else "")
            if cause == "tests" and self.tests and not excluded(path):
                self.only_tests.add(path)
                self.paths.setdefault(path, False)
            elif cause:
                self.skipped[cause] += 1
                self.aside.append(path)
            else:
                self.paths.setdefault(path, False)

    def _name_rule(self, relative: str) -> str:
        """Why a file of this name is left out, as the go command leaves it out of ``./...`` (``go help packages``)."""
        *above, name = relative.split(os.sep)
        if "vendor" in above:
            return "vendor"
        if "testdata" in above:
            return "testdata"
        if any(part[0] in "_." for part in (*above, name)):
            return "ignored"
        if name.endswith("_test.go") and not self.settings.include_tests:
            return "tests"
        return ""

    def read(self) -> Discovery:
        paths = sorted(self.paths)
        digest = hashlib.blake2b()
        kept: list[GoFile] = []
        links: list[str] = []
        total = 0
        for path in paths:
            # One by one: with warm files, threads were measured to cost twice the time.
            data, problem = _read(path)
            digest.update(f"{path}\0{problem}\0{len(data)}\0".encode("utf-8", "surrogateescape") + data)
            if problem == "symlink":
                links.append(path)
            elif problem == "vanished":
                self.skipped["vanished"] += 1  # such as deleted in the work tree, still in the index
            elif problem:
                self._unreadable(path, problem)
            elif not self._inside(path):
                self.skipped["symlink"] += 1
            else:
                total += self._keep(path, data, kept)
        total += self._follow(links, kept)
        files = tuple(sorted(kept, key=lambda file: file.path))
        repositories = tuple(sorted(self.repositories))
        for path in sorted(self.aside):
            with contextlib.suppress(OSError):
                about = os.lstat(path)
                digest.update(f"{path}\0{about.st_size}\0{about.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
        return Discovery(
            self.root,
            files,
            total,
            dict(sorted(self.skipped.items())),
            tuple(self.notes),
            repositories,
            self.named,
            digest.hexdigest(),
            tuple(sorted(path for path in self.aside if path.endswith(("/go.mod", "/go.work")))),
        )

    def _keep(self, path: str, data: bytes, kept: list[GoFile]) -> int:
        """Take the file if it holds what some transform needs; how many files this was (generated ones are none)."""
        # What is named itself is for all transforms, whatever its name.
        only_tests = path in self.only_tests and not self.paths[path]
        if any(holds(data, needles) for needles in (self.tests if only_tests else self.needles)):
            if not self.settings.include_generated and is_generated(data):
                self.skipped["generated"] += 1
                return 0
            kept.append(GoFile(path, data, only_tests))
        elif only_tests:
            self.skipped["tests"] += 1
            return 0
        return 1

    def _inside(self, path: str) -> bool:
        """Whether no folder on the way to the file is a symbolic link, as an index made by hand may have it."""
        folder = os.path.dirname(path)
        if folder not in self.real_folders:
            self.real_folders[folder] = os.path.realpath(folder) == folder
        return self.real_folders[folder]

    def _follow(self, links: Iterable[str], kept: list[GoFile]) -> int:
        """A link to a file of the tree stands for that file, unless that is found itself; others are skipped."""
        total = 0
        targets: dict[str, str] = {}
        for link in links:
            target = os.path.realpath(link)
            if os.path.commonpath([self.root, target]) != self.root or not target.endswith(".go"):
                self.skipped["symlink"] += 1
            elif target not in self.paths:
                targets.setdefault(target, link)
        for target in sorted(targets):
            data, problem = _read(target)
            if problem:
                self._unreadable(targets[target], problem)
            else:
                total += self._keep(targets[target], data, kept)
        return total

    def _unreadable(self, path: str, problem: str) -> None:
        self.skipped["unreadable"] += 1
        self.notes.append(f"{os.path.relpath(path, self.root)}: not read: {problem}")


def is_excluded(path: str, globs: Sequence[str], root: str) -> bool:
    """Whether the configuration says that nothing in the file is edited."""
    return _excluder(globs, root)(path)


def _excluder(globs: Sequence[str], root: str) -> Callable[[str], bool]:
    if not globs:
        return lambda _: False
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec.from_lines(globs)
    return lambda path: spec.match_file(os.path.relpath(path, root))


def _walk(top: str) -> Iterator[str]:
    """Go files under a folder that is in no repository, without what ``.gitignore`` files leave out."""
    from pathspec import GitIgnoreSpec

    # Each folder to look at, with the rules of the folders above it, nearest last.
    pending: list[tuple[str, tuple[tuple[str, GitIgnoreSpec], ...]]] = [(top, ())]
    while pending:
        folder, rules = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except OSError:
            continue
        if any(e.name == ".gitignore" for e in entries):
            with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="surrogateescape") as file:
                rules = (*rules, (folder, GitIgnoreSpec.from_lines(file.read().splitlines())))
        for entry in entries:
            directory = entry.is_dir(follow_symlinks=False)
            if (directory and entry.name != ".git") or (not directory and entry.path.endswith(_RELEVANT)):
                if _ignored(entry.path + ("/" if directory else ""), rules):
                    continue
                if directory:
                    pending.append((entry.path, rules))
                else:
                    yield entry.path


def _ignored(path: str, rules: Iterable[tuple[str, GitIgnoreSpec]]) -> bool:
    for folder, spec in reversed(tuple(rules)):
        include = spec.check_file(path[len(folder.rstrip(os.sep)) + 1 :]).include
        if include is not None:
            return include
    return False


def _read(path: str) -> tuple[bytes, str]:
    """The file's bytes, or in the second place why there are none (``symlink`` and ``vanished`` are not errors)."""
    try:
        # Not blocking: a named pipe called x.go would never open.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            return b"", "symlink"
        return b"", "vanished" if error.errno == errno.ENOENT else _why(error)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            return b"", "not a regular file"
        data = os.read(handle, about.st_size + 1)
        while more := os.read(handle, 1 << 20):
            data += more
        return data, ""
    except OSError as error:
        return b"", _why(error)
    finally:
        os.close(handle)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
