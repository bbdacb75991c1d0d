"""Golden cases: reading and writing them, and running many at once.

A case is a txtar archive ``golden/<transform>/<situation-in-words>.txtar`` (https://pkg.go.dev/golang.org/x/tools/txtar):

    what the case is about and why the answer is right
    flags: --cadence gap
    -- loop.go --
    ...
    -- want/loop.go --
    ...
    -- want/sites --
    loop.go:7 fixable safe -

``flags:``, ``broken:`` (why the input need not compile) and ``vet:`` (words of what ``go vet`` finds in the input, and
must find no more where it was fixed) are lines of the comment, and ``example: yes``, which makes the case its
transform's example in docs/transforms/. A file ``.gocodemod.toml`` holds settings that no flag
can give. Without ``-- go.mod --`` the
module is ``example.com/golden`` at Go 1.25. Cases that can share a module are laid out as its packages, so that one
type checker, one ``go vet`` and one ``go test`` serve all of them.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gocodemod import config
from gocodemod.model import Level, Outcome
from gocodemod.settings import Settings

GOLDEN = Path(__file__).parent.parent / "golden"
GO_MOD = "module example.com/golden\n\ngo 1.25\n"
_WANT = "want/"
_SITES = "want/sites"
_DIRECTIVE = re.compile(r"(flags|broken|vet|example):")
_MARKER = re.compile(rb"^-- (.+) --\n", re.MULTILINE)


@dataclass(frozen=True)
class Archive:
    """A txtar archive: a comment and named files."""

    comment: bytes
    files: Mapping[str, bytes]

    @classmethod
    def parse(cls, data: bytes) -> Archive:
        """Read an archive; as in Go, a file that does not end in a newline gets one."""
        if data and not data.endswith(b"\n"):
            data += b"\n"
        markers = list(_MARKER.finditer(data))
        ends = [m.start() for m in markers[1:]] + [len(data)]
        names = [m[1].strip().decode() for m in markers]
        bodies = (data[m.end() : end] for m, end in zip(markers, ends, strict=True))
        return cls(data[: markers[0].start()] if markers else data, dict(zip(names, bodies, strict=True)))

    def render(self) -> bytes:
        return self.comment + b"".join(b"-- %s --\n" % name.encode() + data for name, data in self.files.items())


@dataclass(frozen=True)
class Case:
    """One situation. ``inputs`` and ``wanted`` are contents by path inside the case."""

    path: Path
    archive: Archive

    @classmethod
    def read(cls, path: Path) -> Case:
        return cls(path, Archive.parse(path.read_bytes()))

    @property
    def transform(self) -> str:
        return self.path.parent.name

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def folder(self) -> str:
        """The case's name as a Go import path element."""
        return re.sub(r"[^a-z0-9]+", "_", self.name.lower())

    @property
    def inputs(self) -> dict[str, bytes]:
        return {name: data for name, data in self.archive.files.items() if not name.startswith(_WANT)}

    @property
    def wanted(self) -> dict[str, bytes]:
        files = self.archive.files.items()
        return {name.removeprefix(_WANT): data for name, data in files if name.startswith(_WANT) and name != _SITES}

    @property
    def sites(self) -> list[str]:
        return self.archive.files.get(_SITES, b"").decode().splitlines()

    @property
    def flags(self) -> tuple[str, ...]:
        return tuple(self._line("flags").split())

    @property
    def broken(self) -> str:
        """Why the input does not compile; empty if it does."""
        return self._line("broken")

    @property
    def vet(self) -> str:
        """Words of the findings of ``go vet`` that the input has by intention."""
        return self._line("vet")

    @property
    def example(self) -> bool:
        """Whether the case is its transform's example in the documentation."""
        return self._line("example") == "yes"

    @property
    def about(self) -> str:
        """The comment without the lines that are for the runner."""
        lines = self.archive.comment.decode().splitlines()
        return "\n".join(line for line in lines if not _DIRECTIVE.match(line)).strip()

    @property
    def go_mod(self) -> str:
        return self.archive.files.get("go.mod", GO_MOD.encode()).decode()

    @property
    def alone(self) -> bool:
        """Whether the case needs a module of its own: it does not compile, or says something about modules."""
        several = any(name.endswith(("/go.mod", "go.work")) for name in self.inputs)
        module = re.search(r"^module (\S+)", self.go_mod, re.MULTILINE)
        inner = f'"{module[1]}/'.encode() if module else b"\0"
        return (
            bool(self.broken)
            or several
            or config.NAMES[0] in self.inputs
            or any(inner in data for data in self.inputs.values())
        )

    @property
    def has_tests(self) -> bool:
        return any(name.endswith("_test.go") and b"\nfunc Test" in data for name, data in self.inputs.items())

    def settings(self) -> Settings:
        table = tomllib.loads(self.inputs.get(config.NAMES[0], b"").decode())
        return config.merge(parse_flags(self.transform, self.flags), config.Found(str(self.path), table))

    def updated(self, changed: Mapping[str, bytes], sites: Sequence[str]) -> bytes:
        """The archive with its ``want/`` part as things are."""
        files = dict(self.inputs)
        files |= {_WANT + name: data for name, data in sorted(changed.items())}
        files[_SITES] = "".join(f"{line}\n" for line in sites).encode()
        return Archive(self.archive.comment, files).render()

    def _line(self, key: str) -> str:
        match = re.search(rf"^{key}:(.*)$", self.archive.comment.decode(), re.MULTILINE)
        return match[1].strip() if match else ""


def parse_flags(transform: str, flags: Sequence[str]) -> Settings:
    """Settings of a case, from the flags of the command line that a case may use."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--level", type=Level, default=Level.REVIEW)
    parser.add_argument("--cadence", default="tick")
    parser.add_argument("--include-tests", action="store_true")
    parser.add_argument("--include-generated", action="store_true")
    parser.add_argument("--tags", type=lambda text: tuple(text.split(",")), default=())
    parser.add_argument("--thread-depth", type=int, default=Settings.thread_depth)
    parser.add_argument("--thread-exported", action="store_true")
    found = parser.parse_args(flags)
    return Settings(
        select=(transform,),
        level=found.level,
        cadence=found.cadence,
        include_tests=found.include_tests,
        include_generated=found.include_generated,
        tags=found.tags,
        jobs=1,
        thread_depth=found.thread_depth,
        thread_exported=found.thread_exported,
    )


def cases() -> Iterator[Case]:
    """All cases, sorted."""
    for path in sorted(GOLDEN.glob("*/*.txtar")):
        yield Case.read(path)


def site_line(outcome: Outcome, base: str) -> str:
    """``FILE:LINE outcome level reason``, the file relative to ``base``."""
    path = outcome.site.path.removeprefix(base.rstrip("/") + "/")
    return f"{path}:{outcome.site.line} {outcome.kind} {outcome.level or '-'} {outcome.reason or '-'}"


@dataclass(frozen=True)
class Batch:
    """Cases that share a module: same transform, same flags, same go.mod. ``cases`` of a lone one is itself."""

    transform: str
    flags: tuple[str, ...]
    go_mod: str
    alone: str

    @classmethod
    def of(cls, case: Case) -> Batch:
        return cls(case.transform, case.flags, case.go_mod, case.name if case.alone else "")

    @property
    def module(self) -> str:
        """The module's path, "" where it has none."""
        found = re.search(r"^module (\S+)", self.go_mod, re.MULTILINE)
        return found[1] if found else ""

    def lay_out(self, root: Path, members: Sequence[Case], crlf: bool = False) -> None:
        """Write the cases' inputs below ``root``, with ``crlf`` their twins."""
        root.mkdir(parents=True)
        if not self.alone:
            (root / "go.mod").write_text(self.go_mod)
        for case in members:
            base = self.base(root, case)
            files = (
                case.inputs if not self.alone or "go.mod" in case.inputs else {"go.mod": GO_MOD.encode()} | case.inputs
            )
            for name, data in files.items():
                if name == "go.mod" and not self.alone:
                    continue
                path = base / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data.replace(b"\n", b"\r\n") if crlf and name.endswith(".go") else data)

    def base(self, root: Path, case: Case) -> Path:
        """Where the case's files are."""
        return root if self.alone else root / case.folder
