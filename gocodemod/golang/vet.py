"""``go vet`` over an overlay: what it finds, and which packages it could not look at.

What its output looks like, with Go 1.22 to 1.27: with ``-json`` findings are JSON objects, one per package, on
stdout or stderr, and do not fail the command. A type error is text on stderr under a ``# package`` line, only the
first one of a package. A package that cannot be loaded (a missing import) hides all others. Paths name the
replacement files.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Runs one go command with these arguments and a time limit in seconds: (exit code, stdout, stderr).
Go = Callable[[Sequence[str], float], tuple[int, str, str]]

_NUMBER = re.compile(r"\d+")
_HEADER = re.compile(r"^# (\S+)")


@dataclass(frozen=True, order=True)
class Finding:
    """``message`` holds no positions; ``text`` is the message as printed, with the file it is about."""

    package: str
    analyzer: str
    message: str
    text: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.package, self.analyzer, self.message


@dataclass(frozen=True)
class Report:
    """``failed``: what the go command said, by the package (as asked for) that it could not vet."""

    findings: tuple[Finding, ...]
    failed: Mapping[str, str]


def new_findings(before: Report, after: Report) -> tuple[Finding, ...]:
    """Findings of ``after`` that are not in ``before``, compared as multisets without positions."""
    known = Counter(finding.key for finding in before.findings)
    new: list[Finding] = []
    for finding in after.findings:
        known[finding.key] -= 1
        if known[finding.key] < 0:
            new.append(finding)
    return tuple(new)


def vet(go: Go, packages: Mapping[str, str], overlay: Mapping[str, bytes], timeout: float) -> Report:
    """Vet packages, given as import path -> what to call it on the command line.

    ``overlay``: contents by absolute path. ``timeout`` in seconds over all runs; packages it does not reach are failed.
    """
    with tempfile.TemporaryDirectory(prefix="gocodemod-vet-") as folder:
        originals = _write_overlay(folder, overlay)
        flags = ["-json", *(["-overlay", os.path.join(folder, "overlay.json")] if overlay else [])]
        report = _Runner(go, flags, _Originals(folder, originals), time.monotonic() + timeout).run(dict(packages))
    # With -json it tells of packages that these import, too (Go 1.26, where they are in the same module).
    asked = tuple(f for f in report.findings if f.package.removesuffix("_test") in packages or f.package in packages)
    return Report(asked, report.failed)


def _write_overlay(folder: str, overlay: Mapping[str, bytes]) -> list[str]:
    """Write replacement files, each in a numbered folder; the paths they stand for, by number."""
    replace: dict[str, str] = {}
    for index, (path, data) in enumerate(sorted(overlay.items())):
        place = os.path.join(folder, str(index))
        os.mkdir(place)
        replace[path] = os.path.join(place, os.path.basename(path))
        with open(replace[path], "wb") as file:
            file.write(data)
    with open(os.path.join(folder, "overlay.json"), "w", encoding="utf-8") as file:
        json.dump({"Replace": replace}, file)
    return list(replace)


class _Originals:
    """Maps replacement files back in what the go command prints, which may shorten them to relative paths."""

    def __init__(self, folder: str, paths: Sequence[str]) -> None:
        name = re.escape(os.path.basename(folder))
        self._paths = paths
        self._replaced = re.compile(rf"[^\s:\"]*{name}[/\\](\d+)[/\\][^\s:\"]+")

    def restore(self, text: str) -> str:
        return self._replaced.sub(lambda match: self._paths[int(match[1])], text)


class _Runner:
    """Vets what can be vetted: packages that fail are set aside and the others are asked again."""

    def __init__(self, go: Go, flags: Sequence[str], originals: _Originals, deadline: float) -> None:
        self._go, self._flags, self._originals, self._deadline = go, flags, originals, deadline
        self._findings: list[Finding] = []
        self._failed: dict[str, str] = {}

    def run(self, packages: dict[str, str]) -> Report:
        pending = packages
        while pending:
            code, out, err = self._vet(pending.values())
            if code == 0:
                self._findings += self._parse(out + err)
                break
            text = self._originals.restore(err)
            named = {name: message for name, message in _errors(text).items() if name in pending}
            if not named and len(pending) == 1:
                named = dict.fromkeys(pending, text.strip())
            if not named:
                # One that cannot be loaded hides the others and need not be named: halve until it stands alone.
                names = sorted(pending)
                half = names[: len(names) // 2]
                self.run({name: pending[name] for name in half})
                pending = {name: pending[name] for name in names[len(half) :]}
                continue
            self._failed.update(named)
            pending = {name: argument for name, argument in pending.items() if name not in named}
        return Report(tuple(sorted(self._findings)), self._failed)

    def _vet(self, arguments: Iterable[str]) -> tuple[int, str, str]:
        left = self._deadline - time.monotonic()
        if left <= 0:
            return 1, "", "the time limit for go vet is used up"
        return self._go(["vet", *self._flags, *sorted(arguments)], left)

    def _parse(self, text: str) -> Iterable[Finding]:
        for package, by_analyzer in _objects(text):
            for analyzer, found in by_analyzer.items():
                # An analyzer that fails reports an object instead of a list.
                for item in found if isinstance(found, list) else ():
                    message = str(item.get("message", ""))
                    place = self._originals.restore(str(item.get("posn", "")))
                    yield Finding(package, analyzer, _NUMBER.sub("#", message), f"{place}: {analyzer}: {message}")


def _objects(text: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Every package of every JSON object that starts a line of the output."""
    decoder = json.JSONDecoder()
    at = 0
    while True:
        start = text.find("{", at)
        if start < 0:
            return
        try:
            value, at = decoder.raw_decode(text, start)
        except ValueError:
            at = start + 1
            continue
        for package, findings in value.items():
            if isinstance(findings, dict):
                yield package.split(" ", 1)[0], findings


def _errors(text: str) -> dict[str, str]:
    """What is said under each ``# package`` line; the package's test variants count as the package."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        header = _HEADER.match(line)
        if header:
            current = found.setdefault(header[1].removesuffix("_test"), [])
        elif line.strip():
            current.append(line.strip())
    return {name: "\n".join(lines) for name, lines in found.items() if lines}
