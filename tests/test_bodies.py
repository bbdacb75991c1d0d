"""What a pull request says: all that a reviewer needs, nothing that a hostile repository could make of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gocodemod.deliver import bodies
from gocodemod.deliver.bodies import BEGIN, END, Writer
from gocodemod.deliver.changesets import ChangeSet
from gocodemod.deliver.impact import impact
from gocodemod.errors import UsageError
from gocodemod.model import Kind, Level, Outcome, Site, Verification
from tests.fakes import swap

BEFORE = """package worker

type Worker struct{ n int }

const Limit = 3

var Rate, quiet float64 = 1, 2

func (w *Worker) Start() { old() }

func (w Worker) stop() { old() }

func Map[K comparable, V any](m map[K]V) { old() }

var hook = func() { old() }
"""


def change(
    after: str, *, level: Level = Level.SAFE, message: str = "old() becomes new()", count: int = 0, **evidence: str
) -> ChangeSet:
    starts = [at for at in range(len(BEFORE)) if BEFORE.startswith("old()", at)]
    sites = tuple(
        Outcome(
            Site("old", "/r/worker/w.go", at, at + 5, BEFORE.count("\n", 0, at) + 1, 1, 1, f"print-{number}"),
            Kind.FIXED, level, "", message, evidence, Verification.VETTED,
        )
        for number, at in enumerate(starts * max(1, count))
    )  # fmt: skip
    return ChangeSet("gocodemod/old/all", swap("old", "new"), {"worker/w.go": after.encode()}, sites, "/r")


def body(made: ChangeSet, writer: Writer | None = None) -> str:
    return (writer or Writer()).body(made, {"worker/w.go": BEFORE.encode()})


def test_functions_around_the_sites_are_named() -> None:
    found = impact(change(BEFORE.replace("old()", "new()")), {"worker/w.go": BEFORE.encode()})
    assert found.functions == (
        "worker.(*Worker).Start",
        "worker.Worker.stop",
        "worker.Map",
        "worker (outside of functions)",
    )
    assert found.exported == ()


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("Start() {", "Start(n int) {", ("(*Worker).Start",)),
        ("func Map[K comparable, V any](m map[K]V)", "func Map[K comparable, V any](m map[K]V, n int)", ("Map",)),
        ("n int", "n, m int", ("Worker",)),
        ("Limit = 3", "Limit = 4", ("Limit",)),
        ("func (w Worker) stop()", "func (w Worker) halt()", ()),
        ("float64 = 1, 2", "float64 = 2, 3", ()),
        ("Rate, quiet float64", "Rate, quiet float32", ("Rate",)),
        ("const Limit = 3\n", "", ("Limit",)),
    ],
)
def test_what_others_see_of_a_package_is_compared(old: str, new: str, names: tuple[str, ...]) -> None:
    assert old in BEFORE
    assert impact(change(BEFORE.replace(old, new)), {"worker/w.go": BEFORE.encode()}).exported == names


def test_all_parts_are_there() -> None:
    text = body(change(BEFORE.replace("Start() {", "Start(n int) {"), cadence="every second, as before", signal="ctx"))
    for told in (
        "Swap", "4 sites in 1 file of 1 package", "`worker/w.go:9`: old() becomes new()", "  - signal: ctx",
        "| functions touched | `worker.(*Worker).Start`, ", "| exported API | yes: `(*Worker).Start` |", "| level | safe |",
        "| cadence or timing | every second, as before |", "| verification run | gofmt, type check and go vet |",
        "gocodemod apply --select old --level safe\n", "`git revert`", "//gocodemod:ignore old -- why",
    ):  # fmt: skip
        assert told in text.replace("A fake.", "Swap") or told == "Swap"
    assert (text.startswith(BEGIN), text.endswith(END)) == (True, True)


@pytest.mark.parametrize(
    ("group", "level", "command"),
    [
        (None, Level.SAFE, "gocodemod apply --select old --level safe --tags x"),
        (None, Level.REVIEW, "gocodemod branch --select old --level review --tags x --group site worker/w.go"),
        ("package", Level.SAFE, "gocodemod apply --select old --level safe --tags x worker/w.go"),
    ],
)
def test_one_command_makes_it_again(group: str | None, level: Level, command: str) -> None:
    assert Writer(("--tags", "x"), group=group).reproduce(change(BEFORE, level=level)) == command


HOSTILE = "@all fixes #1, GH-2 <img src=x> [a](https://evil.example) | ``` \n/merge\n\x1b[31m `x` !7 ~label"


def test_text_of_the_repository_is_only_text() -> None:
    text = body(change(BEFORE, message=HOSTILE, evidence=HOSTILE))
    for bad in ("@all", "#1", "GH-2", "\x1b", "!7", "\n/merge", "https://evil"):
        assert bad not in text, bad
    assert re.findall(r"(?<!\\)[<\[]|(?<!\\)```(?!sh|\n)", text.replace(BEGIN, "").replace(END, "")) == []
    inside = text.split("### Sites")[1].split("### Impact")[0]
    assert all(line.lstrip().startswith("- ") for line in inside.strip().splitlines())


@pytest.mark.parametrize(
    ("text", "span"), [("a", "`a`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("a|b\n@c", "`a\u01c0b @c`")]
)
def test_code_is_in_a_span_that_it_cannot_leave(text: str, span: str) -> None:
    assert bodies.code(text) == span


def test_a_long_one_is_cut_and_says_so() -> None:
    text = body(change(BEFORE, count=1000, signal="x" * 200))
    assert len(text) < 65_000
    assert "more, each in the commit's message" in text
    assert "### Revert" in text


def test_our_part_is_renewed_and_the_rest_stays() -> None:
    ours = f"{BEGIN}\nnew\n{END}"
    assert bodies.merged("", ours) == ours
    assert bodies.merged("By hand.", ours) == f"{ours}\n\nBy hand."
    assert bodies.merged(f"before\r\n{BEGIN}\r\nold\r\n{END}\r\nafter", ours) == f"before\n{ours}\nafter"
    assert bodies.same(f"{BEGIN}\r\nnew\r\n{END}\r\n", ours)


def test_a_template_of_ones_own(tmp_path: Path) -> None:
    writer = Writer(
        template="{{ transform }}: {% for s in sites %}{{ s.path | code }}:{{ s.line }} {% endfor %}{{ level }}"
    )
    assert body(change(BEFORE), writer) == (
        f"{BEGIN}\nold: `worker/w.go`:9 `worker/w.go`:11 `worker/w.go`:13 `worker/w.go`:15 safe\n{END}"
    )


@pytest.mark.parametrize("template", ["{{ nothing }}", "{% for %}", "{{ ''.__class__.__mro__ }}"])
def test_a_template_that_cannot_be_used_is_said(template: str) -> None:
    with pytest.raises(UsageError, match="--template"):
        body(change(BEFORE), Writer(template=template))
