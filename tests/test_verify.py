"""Finding the culprit, and reading what go vet says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gocodemod.engine.blame import blame
from gocodemod.engine.edits import Proposal
from gocodemod.golang import toolchain as toolchains
from gocodemod.golang import vet
from gocodemod.model import Edit, FileChange, Fix, Level, Site


def proposals(count: int) -> list[Proposal]:
    made: list[Proposal] = []
    for at in range(count):
        change = FileChange("/a.go", (Edit(at, at, b"x"),))
        made.append(Proposal(Site("fake", "/a.go", at, at, 1, at, 1, str(at)), Fix((change,), Level.SAFE, "")))
    return made


@given(st.integers(0, 40), st.sets(st.integers(0, 39)), st.sets(st.integers(0, 39)))
def test_blame_names_exactly_the_culprits(count: int, culprits: set[int], suspects: set[int]) -> None:
    everything = proposals(count)
    asked = 0

    def probe(subset: Sequence[Proposal]) -> str | None:
        nonlocal asked
        asked += 1
        bad = [p.site.start for p in subset if p.site.start in culprits]
        return f"bad: {bad}" if bad else None

    blamed = blame(probe, everything, [p for p in everything if p.site.start in suspects])
    assert {site.start for site in blamed} == {c for c in culprits if c < count}
    assert all(text == f"bad: [{site.start}]" for site, text in blamed.items())
    assert asked <= 2 + 2 * len(blamed) * (count.bit_length() + 1)


@given(st.integers(2, 20))
def test_of_two_that_only_clash_together_one_stays(count: int) -> None:
    everything = proposals(count)

    def probe(subset: Sequence[Proposal]) -> str | None:
        starts = {p.site.start for p in subset}
        return "clash" if {0, count - 1} <= starts else None

    assert [site.start for site in blame(probe, everything)] == [count - 1]


class Canned:
    """A go command that knows which packages it cannot build, and what it finds in the others."""

    def __init__(self, findings: str = "", type_errors: Sequence[str] = (), unloadable: Sequence[str] = ()) -> None:
        self.findings, self.type_errors, self.unloadable = findings, type_errors, unloadable
        self.calls = 0

    def __call__(self, args: Sequence[str], timeout: float) -> tuple[int, str, str]:
        self.calls += 1
        asked = [a for a in args if a.startswith("./")]
        if any(a[2:] in self.unloadable for a in asked):
            return 1, "", "d/d.go:2:8: no required module provides package no.such/x; to add it:\n\tgo get no.such/x\n"
        wrong = [a[2:] for a in asked if a[2:] in self.type_errors]
        text = "".join(f"# m/{name} [m/{name}.test]\nvet: {name}/x.go:1:1: undefined: y\n" for name in wrong)
        return (1 if wrong else 0), self.findings, text


def run(go: vet.Go, *names: str) -> vet.Report:
    return vet.vet(go, {f"m/{name}": f"./{name}" for name in names}, {}, 60)


def test_what_cannot_be_built_is_set_aside_and_the_rest_is_vetted() -> None:
    go = Canned('{}\n{"m/a": {"printf": [{"posn": "/m/a/a.go:3:4", "message": "bad 12"}]}}\n', ["c"], ["e", "h"])
    report = run(go, *"abcdefgh")
    assert sorted(report.failed) == ["m/c", "m/e", "m/h"]
    assert "undefined: y" in report.failed["m/c"]
    assert "no required module" in report.failed["m/e"]
    assert {f.text for f in report.findings} == {"/m/a/a.go:3:4: printf: bad 12"}


def test_findings_in_packages_that_were_not_asked_about_are_left_out() -> None:
    found = '{"m/%s": {"printf": [{"posn": "/m/a.go:3:4", "message": "bad"}]}}\n'
    report = run(Canned("".join(found % name for name in ("a", "a_test", "imported"))), "a")
    assert [f.package for f in report.findings] == ["m/a", "m/a_test"]


def test_a_time_limit_fails_what_it_does_not_reach() -> None:
    report = vet.vet(Canned(), {"m/a": "./a"}, {}, 0)
    assert "time limit" in report.failed["m/a"]


def finding(message: str, package: str = "m/a") -> vet.Finding:
    return vet.Finding(package, "printf", message)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_new_findings_are_a_difference_of_multisets(before: list[str], after: list[str]) -> None:
    new = vet.new_findings(vet.Report(tuple(map(finding, before)), {}), vet.Report(tuple(map(finding, after)), {}))
    for letter in "abc":
        expected = max(after.count(letter) - before.count(letter), 0)
        assert [f.message for f in new].count(letter) == expected


def test_the_real_go_command_over_an_overlay(tmp_path: Path) -> None:
    tools = toolchains.find()
    (tmp_path / "go.mod").write_text("module m\n\ngo 1.22\n")
    path = tmp_path / "a" / "a.go"
    path.parent.mkdir()
    path.write_text("package a\n\nfunc f(x int) int { return x }\n")

    def go(args: Sequence[str], timeout: float) -> tuple[int, str, str]:
        done = toolchains.run([tools.path, *args], cwd=tmp_path, timeout=timeout)
        return done.returncode, done.stdout.decode(), done.stderr

    packages = {"m/a": "./a"}
    assert vet.vet(go, packages, {}, 600) == vet.Report((), {})
    bad = {str(path): b"package a\n\nfunc f(x int) int { x = x; return x }\n"}
    report = vet.vet(go, packages, bad, 600)
    assert [(f.package, f.analyzer, f.message) for f in report.findings] == [("m/a", "assign", "self-assignment of x")]
    assert report.findings[0].text.startswith(f"{path}:3:")
    broken = {str(path): b"package a\n\nfunc f(x int) int { return y }\n"}
    report = vet.vet(go, packages, broken, 600)
    assert list(report.failed) == ["m/a"] and "undefined: y" in report.failed["m/a"]
    assert "gocodemod-vet-" not in report.failed["m/a"]


@pytest.mark.parametrize("text", ["", "not json", '{"a": 1}', '{"m/a": {"printf": {"error": "it broke"}}}', "{" * 50])
def test_odd_output_is_no_finding(text: str) -> None:
    assert run(Canned(text), "a") == vet.Report((), {})
