"""Properties of the edit algebra."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gocodemod.engine import edits as algebra
from gocodemod.errors import EditError
from gocodemod.model import Edit, FileChange, Fix, Level, Site


@st.composite
def edited(draw: st.DrawFn) -> tuple[bytes, tuple[Edit, ...]]:
    """Some bytes and a valid list of edits to them."""
    data = draw(st.binary(max_size=60))
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return data, tuple(Edit(start, end, draw(st.binary(max_size=6))) for start, end in pairs)


def proposal(name: str, *changes: tuple[str, list[tuple[int, int]]], text: bytes = b"x") -> algebra.Proposal:
    site = Site(name, changes[0][0], 0, 0, 1, 1, 1, name)
    files = tuple(FileChange(path, tuple(Edit(s, e, text) for s, e in spans)) for path, spans in changes)
    return algebra.Proposal(site, Fix(files, Level.SAFE, ""))


@st.composite
def proposals(draw: st.DrawFn) -> list[algebra.Proposal]:
    spans = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=3)
    made: list[algebra.Proposal] = []
    for index in range(draw(st.integers(0, 6))):
        changes: list[tuple[str, list[tuple[int, int]]]] = []
        for path in draw(st.sets(st.sampled_from(["a", "b"]), min_size=1)):
            disjoint: list[tuple[int, int]] = []
            for start, end in sorted((min(s), max(s)) for s in draw(spans)):
                if not disjoint or (start >= disjoint[-1][1] and (start, end) != disjoint[-1]):
                    disjoint.append((start, end))
            changes.append((path, disjoint))
        made.append(proposal(f"t{index}", *changes))
    return made


@given(edited())
def test_apply_is_replacement_from_the_right(case: tuple[bytes, tuple[Edit, ...]]) -> None:
    data, edits = case
    expected = data
    for edit in reversed(edits):
        expected = expected[: edit.start] + edit.new + expected[edit.end :]
    assert algebra.apply(data, edits) == expected


@given(edited())
def test_bytes_outside_the_edits_stay_and_are_found_again(case: tuple[bytes, tuple[Edit, ...]]) -> None:
    data, edits = case
    after, mapping = algebra.apply(data, edits), algebra.Mapping(edits)
    for offset in range(len(data)):
        if not any(e.start <= offset < e.end for e in edits):
            there = mapping.to_new(offset)
            assert after[there] == data[offset]
            assert mapping.to_old(there) == offset


@given(edited())
def test_mapping_is_monotone_both_ways(case: tuple[bytes, tuple[Edit, ...]]) -> None:
    data, edits = case
    after, mapping = algebra.apply(data, edits), algebra.Mapping(edits)
    forth = [mapping.to_new(offset) for offset in range(len(data) + 1)]
    back = [mapping.to_old(offset) for offset in range(len(after) + 1)]
    assert forth == sorted(forth) and back == sorted(back)
    assert [after[s:e] for s, e in mapping.new_ranges()] == [e.new for e in edits]


@given(edited())
def test_touched_up_edits_raise(case: tuple[bytes, tuple[Edit, ...]]) -> None:
    data, edits = case
    for wrong in (Edit(-1, 0, b""), Edit(0, len(data) + 1, b""), Edit(2, 1, b"")):
        with pytest.raises(EditError):
            algebra.apply(data, (wrong,))
    for edit in edits:
        if edit.end > edit.start:
            with pytest.raises(EditError):
                algebra.validate((*edits, edit), len(data))


@given(proposals(), st.randoms(use_true_random=False))
def test_a_lost_fix_leaves_no_trace_and_order_of_asking_does_not_matter(
    made: list[algebra.Proposal], random: object
) -> None:
    merged = algebra.merge(made)
    assert len(merged.kept) + len(merged.lost) == len(made)
    data = bytes(range(32))
    for path in ("a", "b"):
        edits = algebra.edits_of(merged.kept, path)
        algebra.validate(edits, len(data))
        assert set(edits) == {e for p in merged.kept for c in p.fix.changes if c.path == path for e in c.edits}
    random.shuffle(made)  # type: ignore[attr-defined]
    assert algebra.merge(made) == merged
    for loser, winner in merged.lost:
        assert winner in merged.kept and loser not in merged.kept


def test_a_fix_over_two_files_is_let_in_whole_or_not_at_all() -> None:
    first = proposal("one", ("a", [(5, 9)]))
    second = proposal("two", ("a", [(7, 8)]), ("b", [(0, 3)]))
    third = proposal("three", ("b", [(2, 4)]))
    merged = algebra.merge([third, second, first])
    assert merged.kept == (first, third)
    assert merged.lost == ((second, first),)


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        pytest.param(((3, 3), (3, 3)), 1, id="two insertions at one place"),
        pytest.param(((3, 3), (3, 6)), 1, id="an insertion at the edge of a replacement"),
        pytest.param(((1, 3), (3, 6)), 2, id="replacements side by side"),
        pytest.param(((1, 4), (3, 6)), 1, id="replacements that overlap"),
        pytest.param(((1, 9), (3, 3)), 1, id="an insertion inside a replacement"),
        pytest.param(((1, 4), (1, 4)), 2, id="the same replacement twice"),
    ],
)
def test_what_counts_as_overlap(spans: tuple[tuple[int, int], tuple[int, int]], kept: int) -> None:
    merged = algebra.merge([proposal(f"t{i}", ("a", [span])) for i, span in enumerate(spans)])
    assert len(merged.kept) == kept


def test_a_replacement_that_two_fixes_share_is_made_once() -> None:
    one, other = proposal("one", ("a", [(1, 4), (6, 7)])), proposal("two", ("a", [(1, 4)]))
    merged = algebra.merge([one, other])
    assert merged.kept == (one, other)
    assert algebra.apply(b"01234567", algebra.edits_of(merged.kept, "a")) == b"0x45x7"
    assert algebra.merge([one, proposal("two", ("a", [(1, 4)]), text=b"y")]).kept == (one,)
