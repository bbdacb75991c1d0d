"""Plans and the rewrites over them: carried back to the bytes on disk, and what becomes of those that meet."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gocodemod.engine import edits as algebra
from gocodemod.engine.run import run
from gocodemod.engine.threading import _carried
from gocodemod.model import Edit, Kind
from gocodemod.settings import Settings
from tests.repos import tree


@st.composite
def replacements(draw: st.DrawFn) -> tuple[bytes, tuple[Edit, ...]]:
    """Some bytes, and replacements of them as plans are made of: each of one byte or more by something."""
    data = draw(st.binary(max_size=60))
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=10)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return data, tuple(Edit(start, end, draw(st.binary(min_size=1, max_size=6))) for start, end in pairs)


def over(draw: st.DrawFn, data: bytes) -> tuple[Edit, ...]:
    """A valid list of edits: no two touch, for what stands first is then nobody's to guess."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=10)))
    found: list[Edit] = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        if not found or found[-1].end < start:
            found.append(Edit(start, end, draw(st.binary(max_size=6))))
    return tuple(found)


@given(st.data(), replacements())
def test_a_plan_and_then_a_rewrite_are_one_list_of_edits(
    data: st.DataObject, case: tuple[bytes, tuple[Edit, ...]]
) -> None:
    before, plan = case
    after = algebra.apply(before, plan)
    rewrite = data.draw(st.composite(lambda draw: over(draw, after))())
    carried = _carried(plan, plan, plan, rewrite, before)
    assert carried is not None
    assert algebra.apply(before, carried) == algebra.apply(after, rewrite)


@given(st.data(), replacements())
def test_what_meets_another_plan_is_left_alone(data: st.DataObject, case: tuple[bytes, tuple[Edit, ...]]) -> None:
    before, laid = case
    own = data.draw(st.sets(st.sampled_from(laid))) if laid else set()
    plan = tuple(e for e in laid if e in own)
    after = algebra.apply(before, laid)
    rewrite = data.draw(st.composite(lambda draw: over(draw, after))())
    carried = _carried(laid, plan, plan, rewrite, before)
    ranges = zip(algebra.Mapping(laid).new_ranges(), laid, strict=True)
    meets = any(r[0] < e.end and e.start < r[1] and one not in own for r, one in ranges for e in rewrite)
    assert (carried is None) == meets
    if carried is not None:
        others = tuple(e for e in laid if e not in own)
        assert algebra.apply(before, algebra.combine(carried, others)) == algebra.apply(after, rewrite)


OVERLAP = """package x

import (
	"context"
	"time"
)

func serve(ctx context.Context) error { return outer() }

func outer() error {
	for range 3 {
		if err := work(); err == nil {
			return nil
		}
		time.Sleep(pick(ready()))
	}
	return nil
}

func pick(ok bool) time.Duration {
	if ok {
		return time.Second
	}
	return time.Minute
}

func ready() bool {
	for range 3 {
		if work() == nil {
			return true
		}
		time.Sleep(time.Second)
	}
	return false
}

func work() error { return nil }
"""


def test_a_plan_that_meets_another_sites_rewrite_waits_for_the_next_run(tmp_path: Path) -> None:
    root = tree(tmp_path.resolve(), {"go.mod": "module m\n\ngo 1.25\n", "x.go": OVERLAP})
    settings = Settings(select=("sleep-loop",), jobs=1)
    first = run([str(root)], settings, write=True)
    assert [o.kind for o in first.outcomes] == [Kind.FIXED, Kind.CONFLICTED]
    for change in first.changed:
        Path(change.path).write_bytes(change.after)
    second = run([str(root)], settings, write=True)
    assert [o.kind for o in second.outcomes] == [Kind.FIXED]
    assert b"time.After(pick(ready(ctx)))" in second.changed[0].after


def test_no_depth_is_no_threading(tmp_path: Path) -> None:
    root = tree(tmp_path.resolve(), {"go.mod": "module m\n\ngo 1.25\n", "x.go": OVERLAP})
    found = run([str(root)], Settings(select=("sleep-loop",), jobs=1, thread_depth=0), write=True)
    assert {(o.kind, o.reason) for o in found.outcomes} == {(Kind.REFUSED, "no-stop-signal")}
