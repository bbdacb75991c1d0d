"""Prove that what was built still compiles and that ``go vet`` finds nothing new; take back the fixes that fail.

First the type checker: changed packages, their test variants and their importers, errors compared with those that
were there before. A fix that brings a new error is found by halving, rolled back with the compiler's message, and
the rest is kept. Then one ``go vet`` over what survived, where the go command can build it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gocodemod.engine import edits as algebra
from gocodemod.engine.assemble import Assembler, Loss
from gocodemod.engine.blame import blame
from gocodemod.engine.checkers import Checkers, Place
from gocodemod.engine.edits import Proposal
from gocodemod.errors import GocodemodError, ToolchainError, TypesUnavailable
from gocodemod.golang import vet
from gocodemod.model import Kind, Site, Verification

# What is wrong with a set of fixes taken together: messages by the files they are about; None if nothing.
Problems = Mapping[str, Sequence[str]]
Probe = Callable[[Sequence[Proposal]], Problems | None]


@dataclass(frozen=True)
class Verified:
    """``files``: contents to deliver by path. ``verification`` by site of each kept fix. ``notes``: for the reader."""

    kept: tuple[Proposal, ...]
    files: Mapping[str, bytes]
    lost: tuple[Loss, ...]
    verification: Mapping[Site, Verification]
    notes: tuple[str, ...]


def verify(assembler: Assembler, checkers: Checkers, proposals: Sequence[Proposal], vet_timeout: float) -> Verified:
    """Check fixes that were let in and assembled. ``vet_timeout`` in seconds, for the whole run."""
    return _Verifier(assembler, checkers, time.monotonic() + vet_timeout).run(list(proposals))


@dataclass
class _Verifier:
    assembler: Assembler
    checkers: Checkers
    deadline: float
    lost: list[Loss] = field(default_factory=list)
    incomplete: set[str] = field(default_factory=set)
    vetted: set[str] = field(default_factory=set)
    unbuilt: dict[str, str] = field(default_factory=dict)

    def run(self, proposals: list[Proposal]) -> Verified:
        kept, probes = self._placed(proposals), [self._check, self._vet]
        while kept and probes:
            problems = probes[0](kept)
            if problems is not None:
                # What is left is a new set: it must pass every check again.
                kept, probes = self._take_back(probes[0], kept, problems), [self._check, self._vet]
            else:
                probes.pop(0)
        files = self.assembler.files(kept)
        levels = {p.site: self._level(p) for p in kept}
        return Verified(tuple(kept), files, tuple(self.lost), levels, tuple(self._notes(levels)))

    def _notes(self, levels: Mapping[Site, Verification]) -> Iterator[str]:
        unverified = sum(level is Verification.UNVERIFIED for level in levels.values())
        if unverified:
            yield (
                f"{unverified} of {len(levels)} fixes are unverified: their packages import what cannot be found"
                " (download the modules, or vendor them)"
            )
        for package, text in sorted(self.unbuilt.items()):
            yield f"{package} is type-checked but not vetted: {text.splitlines()[0] if text else 'go vet failed'}"

    def _placed(self, proposals: Sequence[Proposal]) -> list[Proposal]:
        """Those whose every file there are facts about (a fix may reach into files that hold no site)."""
        self.checkers.load(path for p in proposals for path in algebra.paths_of([p]))
        kept: list[Proposal] = []
        for proposal in proposals:
            absences = [self.checkers.absence(path) for path in algebra.paths_of([proposal])]
            absence = next((a for a in absences if a is not None), None)
            if absence is None:
                kept.append(proposal)
            else:
                self.lost.append(Loss(proposal, Kind.REFUSED, absence.reason, absence.message))
        return kept

    def _take_back(self, probe: Probe, kept: list[Proposal], problems: Problems) -> list[Proposal]:
        folders = {os.path.dirname(path) for path in problems}
        suspects = [p for p in kept if any(os.path.dirname(c.path) in folders for c in p.fix.changes)]
        blamed = blame(probe, kept, suspects)
        if not blamed:
            # The whole fails and no part of it does: a check that contradicts itself proves nothing.
            blamed = {p.site: problems for p in kept}
        self.lost += [Loss(p, Kind.ROLLED_BACK, "", _joined(blamed[p.site])) for p in kept if p.site in blamed]
        return [p for p in kept if p.site not in blamed]

    def _level(self, proposal: Proposal) -> Verification:
        paths = [change.path for change in proposal.fix.changes]
        if any(path in self.incomplete for path in paths):
            return Verification.UNVERIFIED
        return Verification.VETTED if all(path in self.vetted for path in paths) else Verification.TYPECHECKED

    def _by_place(self, files: Mapping[str, bytes]) -> dict[Place, dict[str, bytes]]:
        placed: dict[Place, dict[str, bytes]] = {}
        for path in sorted(files):
            place = self.checkers.place(path)
            assert place is not None, "a file without type facts is never edited"
            placed.setdefault(place, {})[path] = files[path]
        return placed

    # --- the type checker -------------------------------------------------------------------------------------

    def _check(self, proposals: Sequence[Proposal]) -> Problems | None:
        problems: dict[str, list[str]] = {}
        try:
            files = self.assembler.files(proposals)
        except GocodemodError as error:
            # These fixes do not even make a file together.
            return {path: [str(error)] for path in algebra.paths_of(proposals)}
        for place, changed in self._by_place(files).items():
            checker = self.checkers.at(place)
            try:
                result = checker.check(self.checkers.of_group(files, place.group))
            except (ToolchainError, TypesUnavailable) as error:
                # What was to be verified and cannot be is not delivered.
                problems |= {path: [str(error)] for path in changed}
                continue
            for new in result.new:
                problems.setdefault(new.file, []).append(_text(new.file, new.line, new.column, new.message))
            unknown = {package.split(" ", 1)[0] for package in result.incomplete}
            for path in changed:
                if checker.file(path).package in unknown or not checker.file(path).complete:
                    self.incomplete.add(path)
        return problems or None

    # --- go vet -----------------------------------------------------------------------------------------------

    def _vet(self, proposals: Sequence[Proposal]) -> Problems | None:
        problems: dict[str, list[str]] = {}
        self.vetted.clear()
        self.unbuilt.clear()
        for place, changed in self._by_place(self.assembler.files(proposals)).items():
            self._vet_place(place, changed, problems)
        return problems or None

    def _vet_place(self, place: Place, changed: Mapping[str, bytes], problems: dict[str, list[str]]) -> None:
        files_of: dict[str, list[str]] = {}
        for path in changed:
            if path not in self.incomplete and not self.checkers.alone(path):
                files_of.setdefault(_package(self.checkers, place, path), []).append(path)
        arguments = {package: _argument(place, files[0]) for package, files in files_of.items()}
        if not arguments:
            return
        go = self.checkers.go(place)
        after = vet.vet(go, arguments, changed, self._time_left())
        asked = {package for package in arguments if package in after.failed or _found_in(package, after)}
        # Only what says something now is worth a second run without our changes.
        before = vet.Report((), {})
        if asked:
            before = vet.vet(go, {p: arguments[p] for p in asked}, {}, self._time_left())
        for finding in vet.new_findings(before, after):
            package = finding.package.removesuffix("_test")
            if package not in before.failed:
                problems.setdefault(files_of.get(package, sorted(changed))[0], []).append(finding.text)
        for package, text in after.failed.items():
            if package not in before.failed:
                problems.setdefault(files_of[package][0], []).append(text)
        self.unbuilt |= before.failed
        unsure = {*after.failed, *before.failed}
        self.vetted |= {f for package, files in files_of.items() if package not in unsure for f in files}

    def _time_left(self) -> float:
        return max(self.deadline - time.monotonic(), 0.0)


def _joined(problems: Problems) -> str:
    return "\n".join(message for path in sorted(problems) for message in problems[path])


def _found_in(package: str, report: vet.Report) -> bool:
    return any(f.package in (package, package + "_test") for f in report.findings)


def _text(path: str, line: int, column: int, message: str) -> str:
    return f"{os.path.basename(path)}:{line}:{column}: {message}"


def _package(checkers: Checkers, place: Place, path: str) -> str:
    """The import path that ``go vet`` names the file's package by; its tests are vetted with it."""
    facts = checkers.at(place).file(path)
    package = facts.package.split(" ", 1)[0]
    return package.removesuffix("_test") if facts.package_name.endswith("_test") else package


def _argument(place: Place, path: str) -> str:
    relative = os.path.relpath(os.path.dirname(path), place.group.root)
    return "./" + relative.replace(os.sep, "/") if relative != "." else "."
