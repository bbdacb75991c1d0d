"""Durations are read as Go reads them, and written as a Go programmer would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gocodemod.golang import durations


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("30s", "30*time.Second"),
        ("1s", "time.Second"),
        ("1m30s", "90*time.Second"),
        ("1.5h", "90*time.Minute"),
        ("2h", "2*time.Hour"),
        ("1500ms", "1500*time.Millisecond"),
        (".5us", "500*time.Nanosecond"),
        ("3µs", "3*time.Microsecond"),
        ("1ns", "time.Nanosecond"),
    ],
)
def test_written_in_the_largest_unit_that_fits(text: str, written: str) -> None:
    assert durations.code(durations.parse(text)) == written


@pytest.mark.parametrize("text", ["", "30", "s", "0s", "-1s", "1 s", "1d", "1s ", "9999999h", "1e3s", ".s1", "0.1ns"])
def test_what_is_no_positive_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        durations.parse(text)


@given(st.integers(1, 2**63 - 1))
def test_what_is_written_means_what_was_read(nanoseconds: int) -> None:
    count, _, unit = durations.code(nanoseconds, "").rpartition("*")
    sizes = {"Hour": "h", "Minute": "m", "Second": "s", "Millisecond": "ms", "Microsecond": "us", "Nanosecond": "ns"}
    assert durations.parse(f"{count or 1}{sizes[unit]}") == nanoseconds == durations.parse(f"{nanoseconds}ns")
