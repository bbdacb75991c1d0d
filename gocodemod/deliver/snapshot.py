"""A commit's files in a folder of our own, read from git's object store: what goes onto a base is decided about that base.

The work tree, the index and HEAD are not looked at. Contents are the blobs' bytes: no filter, no conversion of line ends.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gocodemod import git
from gocodemod.git import Repository

_LINK, _MODULE, _TREE = "120000", "160000", "040000"
# Blobs asked for at once: what they hold is in memory together.
_BATCH = 500


@dataclass(frozen=True)
class Entry:
    """``mode`` as git writes it (``100644``); ``object`` the id of a blob, or of a submodule's commit."""

    mode: str
    object: str


@dataclass(frozen=True)
class Snapshot:
    """``base`` is a commit's id, ``entries`` all its files by path relative to the top (surrogate escapes for odd bytes)."""

    repository: Repository
    base: str
    entries: Mapping[str, Entry]

    def lay_out(self, folder: str) -> None:
        """Write the files below an empty folder. Links that would lead out of it, and submodules, are left out."""
        files = {path: e for path, e in self.entries.items() if e.mode not in (_LINK, _MODULE) and _is_plain(path)}
        for path, data in self._contents(files):
            target = os.path.join(folder, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            # A tree that holds a name twice, or a file below a file, is nothing that git makes.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(target, flags, 0o755 if files[path].mode == "100755" else 0o644), "wb") as file:
                file.write(data)
        links = {path: e for path, e in self.entries.items() if e.mode == _LINK and _is_plain(path)}
        for path, data in self._contents(links):
            target = os.path.join(folder, path)
            pointed = os.path.normpath(os.path.join(os.path.dirname(path), os.fsdecode(data)))
            if not os.path.isabs(pointed) and pointed.split(os.sep)[0] != os.pardir:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.symlink(os.fsdecode(data), target)

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Contents of files by path; what is no file of the base, or cannot be read, is left out."""
        return dict(self._contents({path: self.entries[path] for path in paths if path in self.entries}))

    def _contents(self, entries: Mapping[str, Entry]) -> Iterator[tuple[str, bytes]]:
        paths = sorted(entries)
        for start in range(0, len(paths), _BATCH):
            batch = paths[start : start + _BATCH]
            asked = "".join(f"{entries[path].object}\n" for path in batch).encode()
            answer = self.repository.run("cat-file", "--batch", data=asked)
            at = 0
            for path in batch:
                line_end = answer.index(b"\n", at)
                header = answer[at:line_end].split(b" ")
                if len(header) != 3:
                    # Absent from a partial or damaged clone: Go will say what it misses.
                    at = line_end + 1
                    continue
                size = int(header[2])
                yield path, answer[line_end + 1 : line_end + 1 + size]
                at = line_end + 1 + size + 1

    def tree_with(self, changed: Mapping[str, bytes]) -> str:
        """The id of the base's tree with these files' contents, computed without writing anything."""
        entries = dict(self.entries)
        for path, data in changed.items():
            entries[path] = Entry(entries[path].mode, git.blob_id(data, like=self.base))
        return _tree_id(entries, self.base)


def take(repository: Repository, revision: str) -> Snapshot:
    """The commit that a revision names. Raises GitError where there is none."""
    base = repository.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    commit = base.decode().strip()
    entries: dict[str, Entry] = {}
    for line in os.fsdecode(repository.run("ls-tree", "-r", "-z", "--full-tree", commit)).split("\0")[:-1]:
        about, path = line.split("\t", 1)
        mode, _, name = about.split(" ")
        entries[path] = Entry(mode, name)
    return Snapshot(repository, commit, entries)


def _is_plain(path: str) -> bool:
    """Whether a path of a tree is one that git itself would check out."""
    return not os.path.isabs(path) and not any(p in ("", ".", "..") or p.lower() == ".git" for p in path.split("/"))


def _tree_id(entries: Mapping[str, Entry], like: str) -> str:
    """https://git-scm.com/book/en/v2/Git-Internals-Git-Objects: names sorted as if folders ended in a slash."""
    inside: dict[str, dict[str, Entry]] = {}
    rows: list[tuple[bytes, str, bytes, str]] = []
    for path, entry in entries.items():
        first, slash, rest = path.partition("/")
        if slash:
            inside.setdefault(first, {})[rest] = entry
        else:
            rows.append((os.fsencode(first), entry.mode, os.fsencode(first), entry.object))
    for name, below in inside.items():
        rows.append((os.fsencode(name) + b"/", _TREE, os.fsencode(name), _tree_id(below, like)))
    body = b"".join(
        mode.lstrip("0").encode() + b" " + name + b"\0" + bytes.fromhex(obj) for _, mode, name, obj in sorted(rows)
    )
    return object_id("tree", body, like)


def object_id(kind: str, body: bytes, like: str) -> str:
    """The id that git gives to an object; SHA-256 where ``like`` has the length of one."""
    digest = hashlib.new("sha256" if len(like) == 64 else "sha1", usedforsecurity=False)
    digest.update(b"%s %d\0" % (kind.encode(), len(body)))
    digest.update(body)
    return digest.hexdigest()
