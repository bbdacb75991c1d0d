"""Reports: numbers that add up, JSON that its schema describes, nothing of the repository's that a terminal obeys."""

from __future__ import annotations

import json
import os
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gocodemod.engine.result import Changed, Result
from gocodemod.model import Kind, Level, Outcome, Site, Verification
from gocodemod.report import json as json_report
from gocodemod.report import style, text
from gocodemod.report import summary as counting


def outcome(kind: Kind, level: Level | None = None, reason: str = "", path: str = "a.go", line: int = 1) -> Outcome:
    site = Site("sleep-loop", f"/r/{path}", line, line + 9, line, 3, line + 1, f"f{line}")
    checked = Verification.VETTED if kind is Kind.FIXABLE else Verification.UNVERIFIED
    return Outcome(site, kind, level, reason, f"says {kind}", {"signal": "ctx"}, checked)


OUTCOMES = (
    outcome(Kind.FIXABLE, Level.SAFE, line=1),
    outcome(Kind.FIXABLE, Level.SAFE, line=2),
    outcome(Kind.FIXABLE, Level.REVIEW, line=3),
    outcome(Kind.WITHHELD, Level.REVIEW, line=4),
    outcome(Kind.REFUSED, None, "barrier", line=5),
    outcome(Kind.REFUSED, None, "no-stop-signal", path="b.go", line=6),
    outcome(Kind.REFUSED, None, "no-stop-signal", path="b.go", line=7),
    outcome(Kind.REPORTED, Level.REPORT, "sleeps-under-lock", path="b.go", line=8),
    outcome(Kind.SUPPRESSED, path="b.go", line=9),
    outcome(Kind.CONFLICTED, Level.SAFE, path="b.go", line=10),
    outcome(Kind.ROLLED_BACK, Level.SAFE, path="b.go", line=11),
)
RESULT = Result("/r", OUTCOMES, (Changed("/r/a.go", b"x", b"y"),), 5, {"vendor": 2, "tests": 1}, ("no Go toolchain",))


def test_the_last_line_tells_every_site_once() -> None:
    assert counting.line(counting.summarize(RESULT)) == (
        "11 sites: 3 fixable (2 safe, 1 review), 1 withheld, 3 refused, 1 reported, 1 suppressed, 1 conflicted, "
        "1 rolled-back; 5 files, 3 skipped"
    )
    assert counting.line(counting.summarize(Result("/r", (), (), 1, {}))) == "0 sites; 1 file"


def test_reasons_are_counted_most_frequent_first() -> None:
    assert counting.reason_lines(counting.summarize(RESULT)) == [
        "refused: 2 no-stop-signal, 1 barrier",
        "reported: 1 sleeps-under-lock",
    ]


KINDS = st.sampled_from(list(Kind))
LEVELS = st.sampled_from([None, Level.SAFE, Level.REVIEW])


@given(st.lists(st.tuples(KINDS, LEVELS, st.sampled_from(["", "barrier", "x"])), max_size=30))
def test_numbers_add_up(drawn: list[tuple[Kind, Level | None, str]]) -> None:
    outcomes = tuple(outcome(kind, level, reason, line=n + 1) for n, (kind, level, reason) in enumerate(drawn))
    counted = counting.summarize(Result("/r", outcomes, (), 0, {}))
    assert sum(counted.outcomes.values()) == counted.sites == len(drawn)
    without_levels = re.sub(r"\([^)]*\)", "", counting.line(counted).split(";")[0])
    numbers = [int(n) for n in re.findall(r"\d+", without_levels)]
    assert numbers[0] == sum(numbers[1:])


def test_text_has_a_line_for_each_site_and_a_gap_between_files() -> None:
    lines = text.sites(RESULT).splitlines()
    assert lines[0] == "a.go:1:3: sleep-loop fixable (safe) says fixable [vetted]"
    assert lines[4] == "a.go:5:3: sleep-loop refused (barrier) says refused"
    assert lines[5] == ""
    assert len(lines) == len(OUTCOMES) + 1
    assert "    signal: ctx" in text.sites(RESULT, verbose=True).splitlines()


def test_text_closes_with_notes_reasons_and_the_summary() -> None:
    lines = text.closing(RESULT, verbose=True).splitlines()
    assert lines[0] == "note: no Go toolchain"
    assert lines[-2] == "skipped: 1 tests, 2 vendor"
    assert lines[-1].startswith("11 sites: ")


def test_no_escape_sequence_of_a_file_name_or_message_reaches_the_terminal() -> None:
    site = Site("t", "/r/a\x1b]0;x\x07.go", 0, 1, 1, 1, 1, "f")
    bad = Outcome(site, Kind.ROLLED_BACK, Level.SAFE, message="one\x1b[2J\ntwo\x08", evidence={"k": "v\x1b"})
    shown = text.sites(Result("/r", (bad,), (), 1, {}), verbose=True)
    assert not set(shown) & {"\x1b", "\x07", "\r"}
    assert r"a\x1b]0;x\x07.go" in shown
    assert "    two\\x08" in shown


def test_colour_only_adds_colour() -> None:
    plain = re.sub(r"\x1b\[\d*m", "", text.sites(RESULT, verbose=True, colour=True))
    assert plain == text.sites(RESULT, verbose=True)
    diff = (
        b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1,2 @@\n--- x\n+++ y\n context\n\\ No newline at end of file\n"
    )
    assert re.sub(rb"\x1b\[\d*m", b"", style.paint_diff(diff)) == diff
    assert b"\x1b[31m--- x\x1b[m" in style.paint_diff(diff)
    assert b"\x1b[1m--- a/a\x1b[m" in style.paint_diff(diff)


# --- JSON -------------------------------------------------------------------------------------------------------


def test_json_is_what_the_schema_says() -> None:
    jsonschema.Draft202012Validator.check_schema(json_report.schema())
    document = json.loads(json_report.render(RESULT, b"diff --git ..."))
    jsonschema.validate(document, json_report.schema())
    assert document["summary"]["outcomes"]["fixable"] == 3
    assert document["summary"]["reasons"] == {
        "refused": {"no-stop-signal": 2, "barrier": 1},
        "reported": {"sleeps-under-lock": 1},
    }
    assert document["sites"][0] == {
        "transform": "sleep-loop",
        "path": "a.go",
        "line": 1,
        "column": 3,
        "end_line": 2,
        "outcome": "fixable",
        "level": "safe",
        "reason": None,
        "message": "says fixable",
        "evidence": {"signal": "ctx", "verification": "vetted"},
        "fingerprint": "f1",
    }
    assert document["sites"][4]["reason"] == "barrier"
    assert document["diff"] == "diff --git ..."


def test_json_without_sites_and_without_a_diff() -> None:
    document = json.loads(json_report.render(Result("/r", (), (), 0, {})))
    jsonschema.validate(document, json_report.schema())
    assert "diff" not in document


def test_the_schema_knows_every_kind_and_level() -> None:
    definitions = json_report.schema()["$defs"]
    assert definitions["outcome"]["enum"] == [str(kind) for kind in counting.ORDER]
    assert set(definitions["outcome"]["enum"]) == {str(kind) for kind in Kind}
    assert definitions["level"]["enum"] == [str(level) for level in Level]


@pytest.mark.parametrize("data", [b"\xff", "é".encode(), b"\x00"])
def test_bytes_of_a_diff_come_back_from_json(data: bytes) -> None:
    document = json.loads(json_report.render(RESULT, data))
    assert document["diff"].encode("utf-8", "surrogateescape") == data


def test_names_that_are_not_utf8_come_back_from_json() -> None:
    name = os.fsdecode(b"a\xe9.go")
    result = Result("/r", (outcome(Kind.SUPPRESSED, path=name),), (), 1, {})
    [site] = json.loads(json_report.render(result))["sites"]
    assert os.fsencode(site["path"]) == b"a\xe9.go"
