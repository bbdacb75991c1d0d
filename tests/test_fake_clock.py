"""Where durations may meet by a clock that is exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gocodemod.analysis.fake_clock import meeting, spelled


@pytest.mark.parametrize(
    ("sleeps", "others", "found"),
    [
        ([50], [50], 50),
        ([50], [60], 0),
        ([20, 30], [50], 50),
        ([30, 30], [50], 0),
        ([100], [10], 100),
        ([105], [10], 0),
        ([17], [5, 7], 17),
        ([13], [5, 7], 0),
        ([], [5], 0),
        ([5], [], 0),
    ],
)
def test_sums_of_sleeps_that_others_also_make(sleeps: list[int], others: list[int], found: int) -> None:
    assert meeting(sleeps, others) == found


@given(st.lists(st.integers(1, 30), max_size=5), st.lists(st.integers(1, 30), max_size=3))
def test_a_multiple_of_any_other_duration_is_found(sleeps: list[int], others: list[int]) -> None:
    if sleeps and any(sum(sleeps) % other == 0 for other in others):
        assert meeting(sleeps, others) > 0


def test_durations_are_told_in_their_largest_unit() -> None:
    assert [spelled(n) for n in (2_000_000_000, 50_000_000, 7_000, 1)] == ["2s", "50ms", "7us", "1ns"]
