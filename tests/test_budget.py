"""The budget and what a forge's headers say: by a clock that moves only where somebody waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gocodemod.deliver import budget, state
from gocodemod.deliver.budget import Budget, Limit, spoken
from gocodemod.deliver.forges.limits import retry_after
from tests.forge.bench import FakeClock


@given(st.lists(st.tuples(st.floats(0, 90), st.integers(1, 3)), max_size=60))
@settings(deadline=None, max_examples=60)
def test_no_window_ever_holds_more_than_it_may(writes: list[tuple[float, int]]) -> None:
    clock, limits = FakeClock(), (Limit(5, 60), Limit(12, 300))
    spent: list[float] = []
    held = Budget(state.connect(":memory:"), "a", limits, clock)
    for wait, count in writes:
        clock.time += wait
        held.spend(count)
        spent += [clock.now()] * count
    for limit in limits:
        assert all(sum(t <= s < t + limit.seconds for s in spent) <= limit.count for t in spent)


def test_what_was_spent_outlives_the_process(tmp_path: Path) -> None:
    clock, place = FakeClock(), str(tmp_path / "x/state.sqlite3")
    for _ in range(3):
        database = state.connect(place)
        Budget(database, "a", (Limit(2, 60),), clock).spend()
        database.close()
    assert [round(seconds) for seconds in clock.slept] == [60]
    assert (tmp_path / "x/state.sqlite3").stat().st_mode & 0o777 == 0o600


def test_accounts_do_not_wait_for_each_other() -> None:
    clock, database = FakeClock(), state.connect(":memory:")
    for account in "abc":
        Budget(database, account, (Limit(1, 60),), clock).spend()
    assert clock.slept == []


def test_a_pause_holds_for_all_that_follows() -> None:
    clock, database = FakeClock(), state.connect(":memory:")
    Budget(database, "a", (Limit(9, 60),), clock).pause(100)
    again = Budget(database, "a", (Limit(9, 60),), clock)
    assert again.expected(1) == 100
    again.spend()
    again.rest()
    assert clock.slept == [100]


def test_what_is_expected_is_what_it_takes() -> None:
    clock = FakeClock()
    held = Budget(state.connect(":memory:"), "a", budget.GITHUB, clock)
    started, expected = clock.now(), held.expected(600)
    for _ in range(600):
        held.spend()
    assert clock.now() - started == pytest.approx(expected, abs=1)
    assert 3600 < expected < 3800


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    clock = FakeClock()
    held = Budget(state.connect(":memory:"), "a", (Limit(1, 60),), clock)
    held.spend()
    clock.time -= 10**6
    held.spend()
    assert sum(clock.slept) < 61


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Sun, 09 Sep 2001 01:47:00 GMT", "date": "Sun, 09 Sep 2001 01:46:40 GMT"}, 20),
        ({"retry-after": "soon"}, None),
        (
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000000010", "date": "Sun, 09 Sep 2001 01:46:40 GMT"},
            11,
        ),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "1000000010", "date": "Sun, 09 Sep 2001 01:46:40 GMT"}, 11),
        ({"x-ratelimit-remaining": "9", "x-ratelimit-reset": "1000000010"}, None),
        ({"retry-after": "7", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000000010"}, 7),
    ],
)
def test_what_a_forge_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (59, "59 s"), (100, "2 min"), (3700, "1 h 2 min")])
def test_durations_are_spoken(seconds: float, text: str) -> None:
    assert spoken(seconds) == text
