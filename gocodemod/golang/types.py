"""The client of the type checker: what go/types knows about one module, as a small typed API.

The Go program in ``typechecker/`` does the work; this module starts it, speaks its JSON lines and
turns the answers into the dataclasses of :mod:`gocodemod.golang.facts`. A caller never sees JSON.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Self, TypeVar

from gocodemod.errors import GocodemodError, ToolchainError, TypesUnavailable
from gocodemod.golang import toolchain as go
from gocodemod.golang.facts import (
    Call,
    Construction,
    Constructions,
    Everywhere,
    Expr,
    File,
    Function,
    Instances,
    Literal,
    Members,
    Object,
    Place,
    Ref,
    Result,
    Struct,
    Visible,
    Zero,
)

T = TypeVar("T")


class FormatError(GocodemodError):
    """gofmt rejects the source; the message starts with ``line:column:``."""


@dataclass(frozen=True)
class CheckError:
    """What go/types or go/parser rejects. ``package`` has no test-variant suffix; ``offset`` is in what was checked."""

    package: str
    message: str
    file: str
    line: int
    column: int
    offset: int


@dataclass(frozen=True)
class CheckResult:
    """``new``: errors that the code on disk does not have. ``baseline``: how many it has. ``packages``: what was
    checked, test variants as ``p [p.test]``. ``incomplete``: those of them with imports that cannot be found, about
    which the check proves little. ``unchecked``: changed files that are in no package of this configuration.
    """

    new: tuple[CheckError, ...]
    baseline: int
    packages: tuple[str, ...]
    incomplete: tuple[str, ...]
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Configuration:
    """A build configuration that includes a file. ``alone``: load it as a file named on the command line
    (``//go:build ignore``), in the session's own configuration.
    """

    goos: str
    goarch: str
    cgo: str
    tags: tuple[str, ...]
    alone: bool

    @property
    def env(self) -> dict[str, str]:
        return {"GOOS": self.goos, "GOARCH": self.goarch, "CGO_ENABLED": self.cgo}


class TypeChecker:
    """Facts about one root directory (a module or a go.work) in one build configuration.

    One process, one request at a time; not for use by several threads at once. Raises ToolchainError if the
    process or the go command fails or does not answer within ``timeout`` seconds, TypesUnavailable for files
    that were not loaded, that build constraints exclude, or whose module cannot be loaded at all.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        toolchain: go.Toolchain | None = None,
        *,
        tags: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        tests: bool = False,
        timeout: float = 300.0,
    ) -> None:
        """``tests``: the uses of an object include those in its package's tests even if no test file was loaded."""
        self.root = os.path.abspath(root)
        self._files: dict[str, File] = {}
        self._cache: dict[tuple[Any, ...], Any] = {}
        self.derived: dict[Hashable, Any] = {}
        self._overlaid: Mapping[str, bytes] = {}
        self._timeout = timeout
        tools = toolchain or go.find()
        self._process = _Process([go.build_typechecker(tools)], self.root, go.environment(env))
        try:
            settings = {"go": tools.path, "tags": list(tags), "env": dict(env or {}), "tests": tests}
            host = self._ask("start", dir=self.root, timeout=timeout, **settings)
        except BaseException:
            self.close()
            raise
        self.host = Configuration(host["goos"], host["goarch"], host["cgo"], tuple(tags), alone=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; what it started ends with it."""
        self._process.close()

    # Loading and overlays

    def load(self, files: Iterable[str], *, alone: bool = False) -> dict[str, File]:
        """Make the packages of the files known, all with one run of ``go list``, and describe each file.

        Give all files of a run at once. A file that build constraints exclude comes back with ``excluded``
        set: ask :meth:`configure`. With ``alone`` each file is a package of its own.
        """
        paths = list(dict.fromkeys(os.path.abspath(f) for f in files))
        answers = self._ask("load", files=paths, alone=alone) if paths else []
        loaded = {path: File(**answer) for path, answer in zip(paths, answers, strict=True)}
        self._files.update(loaded)
        self._forget()
        return loaded

    def overlay(self, files: Mapping[str, bytes]) -> None:
        """Replace the session's overlays: later questions see these bytes, not the disk's. Empty: the disk again."""
        if files == self._overlaid:
            return
        self._forget()
        self._ask("overlay", overlay=_encoded(files))
        self._overlaid = dict(files)

    def _forget(self) -> None:
        self._cache.clear()
        self.derived.clear()

    def check(self, overlay: Mapping[str, bytes]) -> CheckResult:
        """Type-check the packages of the changed files with their tests, and all importers where an API changed.

        The overlay is laid over the disk, independent of :meth:`overlay`. New errors are those that the code on disk
        does not have, compared as multisets of (package, text without positions).
        """
        answer = self._ask("check", overlay=_encoded(overlay))
        return CheckResult(
            new=tuple(CheckError(**error) for error in answer["new"]),
            baseline=answer["baseline"],
            packages=tuple(answer["packages"]),
            incomplete=tuple(answer["incomplete"]),
            unchecked=tuple(answer["unchecked"]),
        )

    def configure(self, path: str) -> Configuration | None:
        """The smallest change from the host's configuration that includes the file, None if there is none."""
        answer = self._ask("configure", file=os.path.abspath(path))
        if answer["impossible"]:
            return None
        return Configuration(answer["goos"], answer["goarch"], answer["cgo"], tuple(answer["tags"]), answer["alone"])

    # Source text

    def format(self, data: bytes) -> bytes:
        """What gofmt makes of a whole file. Raises FormatError."""
        answer = self._ask("format", content=_base64(data))
        if answer["error"]:
            raise FormatError(answer["error"])
        return base64.b64decode(answer["content"] or "")

    def parse(self, data: bytes) -> str:
        """What go/parser says about a file: ``line:column: message``, "" if it accepts it."""
        return str(self._ask("parse", content=_base64(data)))

    def comments(self, data: bytes) -> tuple[str, ...]:
        """The text of every comment, in order."""
        return tuple(self._ask("comments", content=_base64(data)))

    # Facts

    def file(self, path: str) -> File:
        found = self._files.get(path)
        if found is None:
            raise TypesUnavailable(f"{path} was not loaded into the type checker")
        if found.excluded:
            raise TypesUnavailable(f"{path} is in no package of this build configuration{_because(found.fault)}")
        return found

    def expr(self, path: str, start: int, end: int) -> Expr | None:
        return self._cached(lambda answer: Expr(**answer) if answer else None, "expr", path, start=start, end=end)

    def exprs(self, path: str, spans: Sequence[tuple[int, int]]) -> tuple[Expr | None, ...]:
        """Several expressions of one file with one question."""
        self.file(path)
        return tuple(Expr(**a) if a else None for a in self._ask("exprs", file=path, spans=[list(s) for s in spans]))

    def holds(self, path: str, start: int, end: int) -> tuple[str, ...]:
        return self._cached(tuple, "holds", path, start=start, end=end)

    def refs(self, path: str, start: int, end: int) -> tuple[Ref, ...]:
        return self._cached(_refs, "refs", path, start=start, end=end)

    def uses(self, object_id: str) -> tuple[Ref, ...]:
        return self._cached(_refs, "uses", object=object_id)

    def object(self, object_id: str) -> Object | None:
        return self._cached(_object_or_none, "object", object=object_id)

    def calls(self, path: str, start: int, end: int) -> tuple[Call, ...]:
        return self._cached(_calls, "calls", path, start=start, end=end)

    def functions(self, path: str, offset: int) -> tuple[Function, ...]:
        return self._cached(lambda answer: tuple(map(_function, answer)), "functions", path, offset=offset)

    def visible(self, path: str, offset: int) -> tuple[Visible, ...]:
        return self._cached(lambda answer: tuple(map(_visible, answer)), "visible", path, offset=offset)

    def lookup(self, path: str, offset: int, name: str) -> Object | None:
        return self._cached(_object_or_none, "lookup", path, offset=offset, name=name)

    def constructions(self, field_id: str) -> Constructions:
        return self._cached(_constructions, "constructions", object=field_id)

    def members(self, object_id: str) -> Members | None:
        return self._cached(_members, "members", object=object_id)

    def structure(self, object_id: str) -> Struct | None:
        return self._cached(_struct, "structure", object=object_id)

    def implemented(self, method_id: str) -> tuple[Object, ...]:
        return self._cached(_objects, "implemented", object=method_id)

    def implementations(self, method_id: str) -> tuple[Object, ...]:
        return self._cached(_objects, "implementations", object=method_id)

    def everywhere(self, function_id: str) -> Everywhere:
        return self._cached(_everywhere, "everywhere", object=function_id)

    def instances(self, type_id: str) -> Instances:
        return self._cached(_instances, "instances", object=type_id)

    # The wire

    def _cached(self, read: Callable[[Any], T], op: str, path: str | None = None, **arguments: Any) -> T:
        if path is not None:
            # A file of a loaded package may be asked about without having been named itself.
            if path in self._files:
                self.file(path)
            arguments["file"] = path
        key = (op, *sorted(arguments.items()))
        if key not in self._cache:
            self._cache[key] = read(self._ask(op, **arguments))
        found: T = self._cache[key]
        return found

    def _ask(self, op: str, **arguments: Any) -> Any:
        answer = self._process.ask({"op": op, **arguments}, self._timeout + 30)
        if answer.get("ok"):
            return answer.get("result")
        message = f"{answer.get('error')}"
        match answer.get("code"):
            case "not-loaded":
                raise TypesUnavailable(message)
            case "load":
                raise TypesUnavailable(f"{message} (module at {self.root})")
            case "toolchain":
                raise ToolchainError(_explained(message))
        raise ToolchainError(f"the type checker failed on {op} in {self.root}: {message}")


class _Process:
    """A child that answers JSON lines. Its group dies with this object, on close, or when the interpreter ends."""

    def __init__(self, args: list[str], cwd: str, env: Mapping[str, str]) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        try:
            self._child = subprocess.Popen(
                args,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                start_new_session=True,
            )
        except OSError as error:
            self._log.close()
            raise ToolchainError(f"cannot start the type checker in {cwd}: {error}") from error
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._next = 0
        self._end = weakref.finalize(self, _end, self._child)
        threading.Thread(target=_read, args=(self._child.stdout, self._lines), daemon=True).start()

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Send a request and wait for its answer, at most ``timeout`` seconds; late answers to others are skipped."""
        if not self._end.alive:
            raise ToolchainError("the type checker was closed")
        self._next += 1
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps({"id": self._next, **request}).encode() + b"\n")
            self._child.stdin.flush()
        except OSError:
            raise self._died(request) from None
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                self.close()
                raise ToolchainError(f"the type checker did not answer {request['op']} in {timeout:g} s") from None
            if not line:
                raise self._died(request)
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == self._next:
                return answer

    def _died(self, request: dict[str, Any]) -> ToolchainError:
        self._log.seek(0)
        log = self._log.read().decode("utf-8", "replace").strip()
        self.close()
        return ToolchainError(f"the type checker died on {request['op']}: {log[:2000] or 'it left no message'}")

    def close(self) -> None:
        self._end()
        self._log.close()


def _end(child: subprocess.Popen[bytes]) -> None:
    # The end of its input makes the checker stop the go command that it may be running.
    with contextlib.suppress(OSError):
        if child.stdin is not None:
            child.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=1)
    go.kill_group(child)


def _read(stream: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    """Hand over line by line; an empty one at the end."""
    with contextlib.suppress(OSError, ValueError):
        for line in stream:
            lines.put(line)
    lines.put(b"")


def _because(fault: str) -> str:
    return f": {fault}" if fault else ""


def _explained(message: str) -> str:
    if "GOTOOLCHAIN=local" in message:
        return f"{message}; the toolchain is older than the module wants: name a newer one with --go or GOCODEMOD_GO"
    return message


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _encoded(files: Mapping[str, bytes]) -> dict[str, str]:
    return {os.path.abspath(path): _base64(data) for path, data in files.items()}


def _refs(answer: Any) -> tuple[Ref, ...]:
    return tuple(Ref(**{**ref, "literals": tuple(ref["literals"])}) for ref in answer)


def _calls(answer: Any) -> tuple[Call, ...]:
    return tuple(Call(**{**call, "literals": tuple(call["literals"])}) for call in answer)


def _everywhere(answer: Any) -> Everywhere:
    return Everywhere(_refs(answer["refs"]), answer["bound"], tuple(answer["unloaded"]), answer["iface"])


def _instances(answer: Any) -> Instances:
    places = {name: _places(answer[name]) for name in ("copied", "compared", "embedded", "measured")}
    literals = tuple(Literal(**made) for made in answer["literals"])
    return Instances(literals, tuple(Zero(**z) for z in answer["zero"]), unloaded=tuple(answer["unloaded"]), **places)


def _places(answer: Any) -> tuple[Place, ...]:
    return tuple(Place(**p) for p in answer)


def _object_or_none(answer: Any) -> Object | None:
    return Object(**answer) if answer else None


def _function(answer: Any) -> Function:
    params = tuple(Object(**p) for p in answer["params"])
    results = tuple(Result(**r) for r in answer["results"])
    return Function(**{**answer, "params": params, "results": results})


def _visible(answer: Any) -> Visible:
    return Visible(**{**answer, "object": Object(**answer["object"]), "base": _object_or_none(answer["base"])})


def _constructions(answer: Any) -> Constructions:
    return Constructions(tuple(Construction(**made) for made in answer["made"]), frozenset(answer["assigned"]))


def _objects(answer: Any) -> tuple[Object, ...]:
    return tuple(Object(**o) for o in answer)


def _members(answer: Any) -> Members | None:
    return Members(tuple(answer["fields"]), tuple(answer["methods"])) if answer else None


def _struct(answer: Any) -> Struct | None:
    if not answer:
        return None
    lists = {name: _objects(answer[name]) for name in ("fields", "methods")}
    places = {name: _places(answer[name]) for name in ("positional", "compared", "copied")}
    return Struct(**{**answer, **lists, **places, "taken": tuple(answer["taken"])})
