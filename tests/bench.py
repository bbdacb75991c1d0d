"""Runs golden cases in batches, once for all checks, and keeps what came out of each step."""

from __future__ import annotations

import functools
import io
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from gocodemod.cli.main import main
from gocodemod.engine import edits as algebra
from gocodemod.engine.assemble import Assembler
from gocodemod.engine.edits import Proposal
from gocodemod.engine.result import Result
from gocodemod.engine.run import run
from gocodemod.golang import toolchain as go
from gocodemod.golang.source import Source
from gocodemod.golang.types import TypeChecker
from gocodemod.model import Kind, Outcome
from tests.golden import Batch, Case, site_line


class Lab:
    """One batch. Each step is done when it is first asked for, for all cases of the batch."""

    def __init__(self, batch: Batch, members: Sequence[Case], folder: Path, tools: go.Toolchain) -> None:
        self.batch, self.members, self.folder, self.tools = batch, members, folder, tools
        self.settings = members[0].settings()

    def base(self, root: Path, case: Case) -> str:
        return str(self.batch.base(root, case))

    @functools.cached_property
    def before(self) -> Path:
        root = self.folder / "before"
        self.batch.lay_out(root, self.members)
        return root

    @functools.cached_property
    def result(self) -> Result:
        return run([str(self.before)], self.settings, write=False)

    @functools.cached_property
    def scanned(self) -> list[tuple[Path, str]]:
        """Each site that ``scan --format json`` lists: its file, and what a case says of it behind the file's name."""
        found = json.loads(self._command("scan", self.before, "--format", "json", "--no-cache"))
        return [
            (self.before / s["path"], f"{s['line']} {s['outcome']} {s['level'] or '-'} {s['reason'] or '-'}")
            for s in found["sites"]
        ]

    @functools.cached_property
    def patched(self) -> Path:
        """What ``diff`` and ``git apply`` make of it."""
        root = self.folder / "patched"
        shutil.copytree(self.before, root)
        diff = self._command("diff", self.before)
        if diff:
            subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=root, input=diff, check=True)
        return root

    @functools.cached_property
    def after(self) -> Path:
        """What ``apply`` makes of it."""
        root = self.folder / "after"
        shutil.copytree(self.before, root)
        self._command("apply", root)
        return root

    def _command(self, command: str, root: Path, *flags: str) -> bytes:
        out, err = io.BytesIO(), io.StringIO()
        shared = ["--select", self.batch.transform, "--level", self.settings.level, *self.batch.flags]
        # The last of two equal flags counts, so that a case's own level does.
        code = main([command, *shared, "--no-progress", "-j", "1", *flags, str(root)], out, err)
        assert code != 2, err.getvalue()
        return out.getvalue()

    @functools.cached_property
    def again(self) -> Result:
        return run([str(self.after)], self.settings, write=True)

    @functools.cached_property
    def twin_root(self) -> Path:
        root = self.folder / "twin"
        self.batch.lay_out(root, self.members, crlf=True)
        return root

    @functools.cached_property
    def twin(self) -> Result:
        # What the compiler says of a file and of its twin is the same; only a roll-back needs it asked again.
        verify = any(o.kind is Kind.ROLLED_BACK for o in self.result.outcomes)
        return run([str(self.twin_root)], replace(self.settings, verify=verify), write=False)

    @functools.cached_property
    def vetted(self) -> dict[Path, dict[str, str]]:
        return {root: self._go(root, ["vet", "./..."]) for root in (self.before, self.after)}

    @functools.cached_property
    def tested(self) -> dict[str, str]:
        folders = ["./" + os.path.relpath(self.base(self.after, c), self.after) for c in self.members if c.has_tests]
        race = ["-race"] if _has_cgo(self.tools) else []
        return self._go(self.after, ["test", *race, "-vet=off", "-timeout=60s", *folders])

    def _go(self, root: Path, args: Sequence[str]) -> dict[str, str]:
        """What the go command has to complain about, by package; under ``""`` what it says of none in particular."""
        done = go.run([self.tools.path, *args], cwd=root, timeout=600)
        text = done.stdout.decode() + done.stderr
        if done.returncode == 0:
            return {}
        sections: dict[str, str] = {}
        pending = found = ""
        for line in text.splitlines(keepends=True):
            # ``go test`` names the package below its output, ``go vet`` above it.
            below = re.match(r"(FAIL|ok)\s+(\S+)\s", line)
            above = re.match(r"# (?:\[?)([^\s\]]+)", line)
            # What ``go vet`` finds stands under no package's name, or under that of another one.
            inside = re.match(r"(?:vet: )?(?:\./)?([^\s:]+)/[^\s:/]+\.go:\d+:", line)
            if below:
                if below[1] == "FAIL":
                    sections[below[2]] = sections.get(below[2], "") + pending + line
                pending = ""
            elif above and args[0] == "vet":
                pending, found = above[1].removesuffix("_test"), ""
                sections.setdefault(pending, "")
            elif args[0] == "vet":
                if inside:
                    found = f"{self._module()}/{inside[1]}"
                    sections[found] = sections.get(found, "") + line
                elif found:
                    # A finding that quotes code goes on over several lines.
                    sections[found] = sections[found].removesuffix("\n") + " " + line.lstrip()
                else:
                    sections[pending] = sections.get(pending, "") + line
            else:
                pending += line
        return sections or {"": text}

    def _module(self) -> str:
        module = re.search(r"^module (\S+)", self.batch.go_mod, re.MULTILINE)
        return module[1] if module else ""

    def complaint(self, complaints: dict[str, str], case: Case) -> str:
        """The part that is about a case."""
        package = f"{self._module()}/{case.folder}".lstrip("/")
        if self.batch.alone:
            return "".join(complaints.values())
        mine = (t for name, t in complaints.items() if name == package or name.startswith(package + "/") or not name)
        return "".join(mine)


def _has_cgo(tools: go.Toolchain) -> bool:
    done = go.run([tools.path, "env", "CGO_ENABLED"], cwd="/", timeout=60)
    return done.stdout.strip() == b"1"


class Bench:
    """All golden cases of a test session. Each ``check_`` raises AssertionError with what is wrong with one case."""

    def __init__(self, cases: Iterable[Case], folder: Path, checker: TypeChecker) -> None:
        self.checker = checker
        self._tools = go.find()
        self._folder = folder
        self._members: dict[Batch, list[Case]] = {}
        for case in cases:
            self._members.setdefault(Batch.of(case), []).append(case)
        self._labs: dict[Batch, Lab] = {}

    def lab(self, case: Case) -> Lab:
        batch = Batch.of(case)
        if batch not in self._labs:
            folder = self._folder / str(len(self._labs))
            self._labs[batch] = Lab(batch, self._members[batch], folder, self._tools)
        return self._labs[batch]

    def update(self, case: Case) -> Case:
        """Rewrite the ``want/`` part of the case's archive as things are now."""
        lab = self.lab(case)
        sites = self._sites(lab, lab.before, lab.result, case)
        case.path.write_bytes(case.updated(self._changed(lab, lab.before, lab.result, case), sites))
        return Case.read(case.path)

    # --- checks -----------------------------------------------------------------------------------------------

    def check_sites_and_files(self, case: Case) -> None:
        lab = self.lab(case)
        assert self._sites(lab, lab.before, lab.result, case) == case.sites
        changed = {name: data.decode() for name, data in self._changed(lab, lab.before, lab.result, case).items()}
        assert changed == {name: data.decode() for name, data in case.wanted.items()}

    def check_only_what_was_edited_changed(self, case: Case) -> None:
        """Nothing but white space differs from the edits applied as they are."""
        lab = self.lab(case)
        done = [Proposal(o.site, o.fix) for o in self._made(lab, case) if o.fix]
        for change in lab.result.changed:
            if change.path.startswith(lab.base(lab.before, case) + os.sep):
                assembler = Assembler({change.path: Source.parse(change.path, change.before)}, self.checker.format)
                expected = algebra.apply(change.before, assembler.edits(change.path, done))
                assert _squeezed(change.after) == _squeezed(expected)

    def check_comments_are_all_there(self, case: Case) -> None:
        for before, after in self._pairs(case):
            missing = Counter(self._comments(before)) - Counter(self._comments(after))
            _none("\n".join(missing.elements()), "comments are lost")

    def check_layout(self, case: Case) -> None:
        for before, after in self._pairs(case):
            if self.checker.format(before) == before:
                assert self.checker.format(after) == after, "not as gofmt lays it out"

    def check_second_run_changes_nothing(self, case: Case) -> None:
        lab = self.lab(case)
        assert not self._changed(lab, lab.after, lab.again, case)
        done = [o for o in lab.again.outcomes if o.kind is Kind.FIXED]
        assert not [o for o in done if o.site.path.startswith(lab.base(lab.after, case) + os.sep)]

    def check_crlf_twin(self, case: Case) -> None:
        lab = self.lab(case)
        assert self._sites(lab, lab.twin_root, lab.twin, case) == case.sites
        twins = {name: data.replace(b"\n", b"\r\n") for name, data in case.wanted.items()}
        assert self._changed(lab, lab.twin_root, lab.twin, case) == twins

    def check_modes_agree(self, case: Case) -> None:
        lab = self.lab(case)
        if not any(line.split()[1] == Kind.ROLLED_BACK for line in case.sites):
            base = Path(lab.base(lab.before, case))
            assert [f"{p.relative_to(base)}:{t}" for p, t in lab.scanned if p.is_relative_to(base)] == case.sites
        for root in (lab.patched, lab.after):
            found = {
                name: (lab.batch.base(root, case) / name).read_bytes() for name in case.inputs if name.endswith(".go")
            }
            assert found == {name: data for name, data in (case.inputs | case.wanted).items() if name.endswith(".go")}

    def check_vet(self, case: Case) -> None:
        lab = self.lab(case)
        if case.broken:
            return
        before, others = _told_apart(lab.complaint(lab.vetted[lab.before], case), case.vet)
        after, new = _told_apart(lab.complaint(lab.vetted[lab.after], case), case.vet)
        _none(others, "the input is not vet-clean")
        _none(new, "the output is not vet-clean")
        assert bool(before) == bool(case.vet), "go vet does not find what the case says"
        fixed = [line.split()[1] == Kind.FIXABLE for line in case.sites]
        left = 0 if fixed and all(fixed) else max(len(before) - sum(fixed), 0)
        assert len(after) <= left, "what go vet finds is still there:\n" + "".join(after)

    def check_go_tests(self, case: Case) -> None:
        if case.has_tests:
            lab = self.lab(case)
            _none(lab.complaint(lab.tested, case), "the case's own Go tests fail after the rewrite")

    # --- views ------------------------------------------------------------------------------------------------

    def _sites(self, lab: Lab, root: Path, result: Result, case: Case) -> list[str]:
        base = lab.base(root, case)
        return [site_line(o, base) for o in result.outcomes if o.site.path.startswith(base + os.sep)]

    def _made(self, lab: Lab, case: Case) -> list[Outcome]:
        base = lab.base(lab.before, case)
        return [o for o in lab.result.outcomes if o.kind is Kind.FIXABLE and o.site.path.startswith(base + os.sep)]

    def _changed(self, lab: Lab, root: Path, result: Result, case: Case) -> dict[str, bytes]:
        base = lab.base(root, case) + os.sep
        return {c.path.removeprefix(base): c.after for c in result.changed if c.path.startswith(base)}

    def _pairs(self, case: Case) -> Iterator[tuple[bytes, bytes]]:
        lab = self.lab(case)
        for name, after in self._changed(lab, lab.before, lab.result, case).items():
            yield case.inputs[name], after

    def _comments(self, data: bytes) -> list[str]:
        # The lines of a comment move together with the code around it.
        return [" ".join(comment.split()) for comment in self.checker.comments(data)]


def _told_apart(complaint: str, words: str) -> tuple[list[str], str]:
    """The lines that hold the words, and the rest."""
    lines = complaint.splitlines(keepends=True)
    meant = [line for line in lines if words and words in line]
    return meant, "".join(line for line in lines if line not in meant and not line.startswith("# "))


def _none(text: str, what: str) -> None:
    assert not text.strip(), f"{what}:\n{text}"


def _squeezed(data: bytes) -> bytes:
    # gofmt also drops needless semicolons.
    return data.translate(None, b" \t\r\n;")
