"""The type checker processes of a run: one per module or workspace, one more per build configuration needed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gocodemod.errors import ToolchainError, TypesUnavailable
from gocodemod.golang import toolchain as go
from gocodemod.golang import vet
from gocodemod.golang.facts import File
from gocodemod.golang.modules import Group, Modules
from gocodemod.golang.types import Configuration, TypeChecker
from gocodemod.settings import Settings


@dataclass(frozen=True)
class Place:
    """Where a file is answered for: its module's group, and what differs from the host's build configuration."""

    group: Group
    env: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Absence:
    """Why there are no facts about a file: a registered reason, and what was said."""

    reason: str
    message: str


class Checkers:
    """Starts processes as files are loaded. Without a toolchain every file is absent. Close it when done."""

    def __init__(self, settings: Settings, toolchain: go.Toolchain | None, missing: str = "", root: str = "") -> None:
        """``missing``: why there is no toolchain. ``root``: folder of the run, for files that are in no module."""
        self.modules = Modules(root)
        self.notes: list[str] = []
        self._settings, self._toolchain, self._missing = settings, toolchain, missing
        self._running: dict[Place, TypeChecker] = {}
        self._places: dict[str, Place] = {}
        self._absent: dict[str, Absence] = {}
        self._alone: set[str] = set()

    def __enter__(self) -> Checkers:
        return self

    def __exit__(self, *_: object) -> None:
        for checker in self._running.values():
            with contextlib.suppress(OSError):
                checker.close()
        self._running.clear()

    def load(self, paths: Iterable[str]) -> None:
        """Load files, all of a group at once; afterwards each has a place or an absence."""
        new = [path for path in paths if path not in self._places and path not in self._absent]
        for group, files in self.modules.group(new).items():
            try:
                self._load_group(group, files)
            except (TypesUnavailable, ToolchainError) as error:
                if self._toolchain is not None:
                    self.notes.append(f"no type facts in {group.root}: {error}")
                self._absent |= {path: Absence("types-unavailable", str(error)) for path in files}

    def place(self, path: str) -> Place | None:
        """Where a loaded file is answered for, None if nowhere."""
        return self._places.get(path)

    def absence(self, path: str) -> Absence | None:
        """Why a loaded file must not be edited, None if it may be."""
        return self._absent.get(path)

    @property
    def blind(self) -> str:
        """Why there are facts about no file at all; empty where there are some, or no file was asked about."""
        unloaded = (a.message for _, a in sorted(self._absent.items()) if a.reason == "types-unavailable")
        return "" if self._places else next(unloaded, "")

    def alone(self, path: str) -> bool:
        """Whether the file is a package of its own, as when named on the command line."""
        return path in self._alone

    def at(self, place: Place) -> TypeChecker:
        """The process for a place; started if there is none. Raises ToolchainError."""
        if place not in self._running:
            if self._toolchain is None:
                raise ToolchainError(self._missing)
            env = {**self._settings.go_env, **dict(place.group.env), **dict(place.env)}
            tags = (*self._settings.tags, *place.tags)
            self._running[place] = TypeChecker(
                place.group.root, self._toolchain, tags=tags, env=env, timeout=self._settings.go_timeout
            )
        return self._running[place]

    def gofmt(self, data: bytes) -> bytes:
        """Layout by any running process. Raises FormatError."""
        return next(iter(self._running.values())).format(data)

    def overlay(self, files: Mapping[str, bytes]) -> None:
        """Let every process see these contents instead of the disk's, from now on."""
        for place, checker in self._running.items():
            checker.overlay(self.of_group(files, place.group))

    def of_group(self, files: Mapping[str, bytes], group: Group) -> dict[str, bytes]:
        """Those files that belong to a group."""
        return {path: data for path, data in files.items() if self.modules.module(path).group == group}

    def go(self, place: Place) -> vet.Go:
        """The go command in a place's folder and configuration; its time limit counts as a failure."""
        tools = self._toolchain
        assert tools is not None, "files without a toolchain have no place"
        env = {**self._settings.go_env, **dict(place.group.env), **dict(place.env)}
        tags = ",".join((*self._settings.tags, *place.tags))

        def run(args: Sequence[str], timeout: float) -> tuple[int, str, str]:
            command = [tools.path, args[0], *([f"-tags={tags}"] if tags else []), *args[1:]]
            try:
                done = go.run(command, cwd=place.group.root, timeout=timeout, env=env)
            except ToolchainError as error:
                return 1, "", str(error)
            return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr

        return run

    # --- loading ----------------------------------------------------------------------------------------------

    def _load_group(self, group: Group, files: Sequence[str]) -> None:
        host = Place(group)
        checker = self.at(host)
        excluded: dict[Place, list[str]] = {}
        for path, file in checker.load(files).items():
            if file.parse_error:
                self._absent[path] = Absence("parse-error", file.parse_error)
            elif not file.excluded:
                self._settle(path, file, host)
            else:
                self._exclude(path, file, checker.configure(path), host, excluded)
        for place, paths in sorted(excluded.items(), key=lambda item: (item[0].env, item[0].tags)):
            try:
                for path, file in self.at(place).load(paths).items():
                    self._settle(path, file, place)
            except (TypesUnavailable, ToolchainError) as error:
                self._absent |= {path: Absence("excluded-by-build", str(error)) for path in paths}

    def _exclude(
        self, path: str, file: File, found: Configuration | None, host: Place, excluded: dict[Place, list[str]]
    ) -> None:
        """Find a place for a file that the host's configuration leaves out."""
        if found is None:
            self._absent[path] = Absence("excluded-by-build", file.fault or "no build configuration includes it")
        elif found.alone:
            self._alone.add(path)
            self._settle(path, self.at(host).load([path], alone=True)[path], host)
        elif (found.env, found.tags) == (self.at(host).host.env, ()):
            # No constraint keeps it out: what is wrong is wrong in any configuration.
            why = file.fault or "the go command finds no package in its folder"
            self._absent[path] = Absence("types-unavailable", why)
        else:
            place = Place(host.group, tuple(sorted(found.env.items())), found.tags)
            excluded.setdefault(place, []).append(path)

    def _settle(self, path: str, file: File, place: Place) -> None:
        if file.excluded:
            self._absent[path] = Absence("excluded-by-build", file.fault)
        else:
            self._places[path] = place
            note = (
                f"{place.group.root}: some imports cannot be found, so what is decided where they are used stays "
                "unverified; `go mod download` brings them"
            )
            if not file.complete and note not in self.notes:
                self.notes.append(note)
