"""Which module, workspace and language version a Go file belongs to, read from go.mod and go.work.

Only what decides where the go command must run is read here; everything else is asked of the go command.
Reference: https://go.dev/ref/mod (go.mod and go.work files, workspaces).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

# https://go.dev/ref/mod#go-mod-file-go: without a go line, 1.16 is assumed. Without a go.mod, we assume the oldest.
_WITHOUT_GO_LINE = (1, 16)
_WITHOUT_MODULE = (1, 0)

_DIRECTIVE = re.compile(r"^\s*(module|go)\s+(\"[^\"]*\"|`[^`]*`|[^\s/]\S*)", re.MULTILINE)
_USE = re.compile(r"^\s*use\s*(?:\(([^)]*)\)|(\S.*))$", re.MULTILINE)
_COMMENT = re.compile(r"//.*$", re.MULTILINE)
_VERSION = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True)
class Group:
    """Files that one type checker process answers for: the folder the go command runs in, and its extra environment."""

    root: str
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Module:
    """``folder`` holds the go.mod (``""`` if there is none), ``path`` its module path, ``go`` its language version."""

    folder: str
    path: str
    go: tuple[int, int]
    group: Group


def parse_version(text: str) -> tuple[int, int] | None:
    """``1.22``, ``go1.22.3``, ``1.21rc2`` -> (major, minor)."""
    match = _VERSION.search(text)
    return (int(match[1]), int(match[2])) if match else None


def read_mod(text: str) -> tuple[str, tuple[int, int]]:
    """Module path and language version of a go.mod."""
    found = {m[1]: m[2].strip('"`') for m in _DIRECTIVE.finditer(_COMMENT.sub("", text))}
    return found.get("module", ""), parse_version(found.get("go", "")) or _WITHOUT_GO_LINE


def read_work(text: str) -> tuple[str, ...]:
    """The folders that a go.work uses, as written."""
    used: list[str] = []
    for match in _USE.finditer(_COMMENT.sub("", text)):
        lines = (match[1] if match[1] is not None else match[2]).splitlines()
        used += [line.strip().strip('"`') for line in lines if line.strip()]
    return tuple(used)


class Modules:
    """Looks up the module of files, reading each go.mod and go.work once. Paths are absolute."""

    def __init__(self, root: str = "") -> None:
        """``root``: where the go command is run for files below it that are in no module (else in their folder)."""
        self._root = root
        self._by_folder: dict[str, Module | None] = {}
        self._workspaces: dict[str, tuple[str, frozenset[str]] | None] = {}

    def module(self, path: str) -> Module:
        """The module of a file."""
        folder = os.path.dirname(path)
        found = self._module_above(folder)
        if found is not None:
            return found
        # GOPATH mode is the only one in which the go command lists a folder that has no go.mod above it.
        inside = self._root and os.path.commonpath([self._root, folder]) == self._root
        return Module("", "", _WITHOUT_MODULE, Group(self._root if inside else folder, (("GO111MODULE", "off"),)))

    def group(self, paths: Iterable[str]) -> dict[Group, tuple[str, ...]]:
        """The files by the process that answers for them, both sorted."""
        groups: dict[Group, list[str]] = {}
        for path in paths:
            groups.setdefault(self.module(path).group, []).append(path)
        return {group: tuple(sorted(groups[group])) for group in sorted(groups, key=lambda g: (g.root, g.env))}

    def _module_above(self, folder: str) -> Module | None:
        if folder not in self._by_folder:
            text = _read(os.path.join(folder, "go.mod"))
            above = os.path.dirname(folder)
            if text is not None:
                self._by_folder[folder] = self._make(folder, text)
            else:
                self._by_folder[folder] = self._module_above(above) if above != folder else None
        return self._by_folder[folder]

    def _make(self, folder: str, text: str) -> Module:
        path, version = read_mod(text)
        workspace = self._workspace_above(folder)
        if workspace is None:
            group = Group(folder)
        elif folder in workspace[1]:
            group = Group(workspace[0])
        else:
            group = Group(folder, (("GOWORK", "off"),))
        return Module(folder, path, version, group)

    def _workspace_above(self, folder: str) -> tuple[str, frozenset[str]] | None:
        """The nearest go.work, as the go command finds it, with the folders it uses."""
        if folder not in self._workspaces:
            text = _read(os.path.join(folder, "go.work"))
            above = os.path.dirname(folder)
            if text is not None:
                used = (os.path.normpath(os.path.join(folder, use)) for use in read_work(text))
                self._workspaces[folder] = (folder, frozenset(used))
            else:
                self._workspaces[folder] = self._workspace_above(above) if above != folder else None
        return self._workspaces[folder]


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None
