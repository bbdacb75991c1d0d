"""Layout: what gofmt may touch, and that nothing else moves."""

from __future__ import annotations

import difflib
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gocodemod.engine import edits as algebra
from gocodemod.engine import format as layout
from gocodemod.engine.format import Gofmt
from gocodemod.model import Edit

CLEAN = b"""package p

import "time"

// first waits.
func first() {
	for {
		time.Sleep(1) // a
		work()        // b
	}
}

type pair struct {
	a   int // one
	bcd int // two
}

func work() {
	x := map[string]int{
		"a":   1,
		"bcd": 2,
	}
	if len(x) > 1 {
		return
	}
}
"""
WAIT = b"time.Sleep(1)"
SELECT = b"select {\n\t\tcase <-done:\n\t\t\treturn\n\t\tcase <-time.After(1):\n\t\t}"


def edit(before: bytes, old: bytes = WAIT, new: bytes = SELECT) -> tuple[Edit, ...]:
    at = before.index(old)
    return layout.localise(before, [Edit(at, at + len(old), new)])


def run(before: bytes, gofmt: Gofmt) -> bytes:
    return layout.formatted("/x.go", before, edit(before), gofmt)


def unclean(seed: int) -> bytes:
    """CLEAN with its layout, and only that, disturbed."""
    chance = random.Random(seed)
    lines: list[bytes] = []
    for line in CLEAN.split(b"\n"):
        body = line.lstrip(b"\t")
        match chance.randrange(8):
            case 0:
                line = b"    " * (len(line) - len(body)) + body
            case 1:
                line += b" "
            case 2:
                line = line.replace(b"   ", b" ")
            case 3 if not body:
                line = b"\n"
        lines.append(line)
    return b"\n".join(lines)


def test_a_clean_file_comes_out_clean(gofmt: Gofmt) -> None:
    after = run(CLEAN, gofmt)
    assert gofmt(after) == after
    assert after.count(b"\n\t\tselect {\n\t\tcase <-done:\n\t\t\treturn\n") == 1


@given(st.integers(0, 2**32), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_lines_that_the_edit_touched_are_laid_out(gofmt: Gofmt, seed: int, crlf: bool, final: bool) -> None:
    before = unclean(seed)
    if crlf:
        before = before.replace(b"\n", b"\r\n")
    if not final:
        before = before.rstrip(b"\r\n")
    edits = edit(before)
    after = layout.formatted("/x.go", before, edits, gofmt)
    applied = algebra.apply(before, edits)
    assert gofmt(after.replace(b"\r\n", b"\n")) == gofmt(applied.replace(b"\r\n", b"\n"))
    if gofmt(before.replace(b"\r\n", b"\n")) == before.replace(b"\r\n", b"\n"):
        return
    # Everything before and behind is there byte for byte; the comment one line below may have to move.
    start = before.rfind(b"\n", 0, edits[0].start) + 1
    stop = before.index(b"\n", before.index(b"\n", edits[0].end) + 1) + 1
    assert after.startswith(before[:start])
    assert after.endswith(before[stop:])


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_crlf_twin_gets_the_crlf_twin(gofmt: Gofmt, seed: int, clean: bool) -> None:
    before = CLEAN if clean else unclean(seed)
    twin = run(before.replace(b"\n", b"\r\n"), gofmt)
    assert twin == run(before, gofmt).replace(b"\n", b"\r\n")


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_mixed_endings_stay_as_they_are(gofmt: Gofmt, ending: bytes) -> None:
    before = CLEAN.replace(b"\n", b"\r\n", 3).replace(b"time.Sleep(1) // a\n", b"time.Sleep(1) // a" + ending)
    after = run(before, gofmt)
    outside = [line for line in difflib.ndiff(_lines(before), _lines(after)) if line.startswith("- ")]
    assert len(outside) <= 2
    assert (b"case <-done:" + ending) in after


def _lines(data: bytes) -> list[str]:
    return [line.decode("latin-1") for line in data.split(b"\n")]


def test_a_byte_order_mark_is_kept(gofmt: Gofmt) -> None:
    assert run(b"\xef\xbb\xbf" + CLEAN, gofmt) == b"\xef\xbb\xbf" + run(CLEAN, gofmt)


def test_a_missing_final_newline_stays_missing(gofmt: Gofmt) -> None:
    assert run(CLEAN.rstrip(), gofmt) == run(CLEAN, gofmt).rstrip()


def test_a_raw_string_keeps_its_carriage_returns(gofmt: Gofmt) -> None:
    before = CLEAN + b"\nvar s = `a\r\nb`\n"
    assert run(before, gofmt).endswith(b"\nvar s = `a\r\nb`\n")


def test_lines_that_fall_apart_are_laid_out_together(gofmt: Gofmt) -> None:
    """A loop on one line becomes many; which closing brace is which is for the whole to show."""
    before = b"package p\n\nfunc f() {\n\tgo func() { for { time.Sleep(1); work() } }()\n}\n\nvar  y int\n"
    edits = [
        Edit(before.index(b"for"), before.index(b"for"), b"t := n()\ndefer t.Stop()\n"),
        Edit(before.index(WAIT), before.index(b"work"), SELECT.replace(b"}", b"") + b"\n"),
        Edit(before.index(b" } }()"), before.index(b" } }()"), b"\n}"),
    ]
    after = layout.formatted("/x.go", before, edits, gofmt)
    assert after.startswith(b"package p\n\nfunc f() {\n\tgo func() {\n\t\tt := n()\n\t\tdefer t.Stop()\n\t\tfor {\n")
    assert after.endswith(b"\t\t\t}\n\t\t}\n\t}()\n}\n\nvar  y int\n")


def test_what_only_the_whole_declaration_can_hold_takes_the_whole_declaration(gofmt: Gofmt) -> None:
    """Layout that hangs together over lines that no edit touched."""
    before = CLEAN.replace(b"\twork()        // b", b"\twork() ; work() // b") + b"\nvar  y int\n"
    after = layout.formatted("/x.go", before, edit(before), gofmt)
    assert gofmt(after) == gofmt(algebra.apply(before, edit(before)))
    assert after.endswith(b"\nvar  y int\n")


def test_refused_where_gofmt_makes_something_else_of_it(gofmt: Gofmt) -> None:
    """A formatter that does not agree with itself is never trusted."""
    calls = iter(range(1000))

    def moody(data: bytes) -> bytes:
        return gofmt(data) + b"// %d\n" % next(calls)

    with pytest.raises(layout.FormatUnsafe):
        layout.formatted("/x.go", CLEAN + b"\n\n\n", edit(CLEAN), moody)
