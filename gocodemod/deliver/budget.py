"""How fast a forge is written to: a budget that outlives the process, and pauses where the forge asks for them.

GitHub allows 80 content-creating requests a minute and 500 an hour, and asks for writes one after the other
(https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from gocodemod.deliver import state

# Seconds of a pause where the forge names none; doubled each time, up to the longest.
FIRST_PAUSE = 60.0
LONGEST_PAUSE = 960.0
# Seconds beyond which a pause is not waited for: limits are reset within an hour.
TOO_LONG = 7200.0
# Pauses for the same write before it is given up.
PATIENCE = 8


class Clock(Protocol):
    """Seconds since the epoch, and a way to wait."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The real one."""

    def now(self) -> float:
        """Seconds since the epoch: it is the same for the next process."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Limit:
    """At most ``count`` writes within ``seconds``."""

    count: int
    seconds: float


GITHUB = (Limit(80, 60.0), Limit(500, 3600.0))
# GitLab.com lets a user create and change far more; instances set their own. One write a second bothers nobody.
OTHERS = (Limit(60, 60.0),)


@dataclass
class Budget:
    """The writes of one account: a host and a token, by a digest that does not give the token away."""

    database: sqlite3.Connection
    account: str
    limits: Sequence[Limit]
    clock: Clock = field(default_factory=SystemClock)
    told: Callable[[str], None] = lambda _: None

    def spend(self, count: int = 1) -> None:
        """Wait until so many writes fit, and count them. Counted before they happen: a kill must not lose one."""
        while (delay := self._take(count)) > 0:
            if delay > 1:
                self.told(f"waiting {spoken(delay)} to stay within the forge's limits")
            self.clock.sleep(delay)

    def _take(self, count: int) -> float:
        """Seconds until the writes fit; 0 where they have been counted."""
        self.database.execute("begin immediate")
        try:
            now = self.clock.now()
            longest = max(limit.seconds for limit in self.limits)
            self.database.execute("delete from writes where account = ? and at <= ?", (self.account, now - longest - 1))
            # A clock that was set back must not lock anybody out.
            self.database.execute("update writes set at = ? where account = ? and at > ?", (now, self.account, now))
            past = self._past()
            delay = max(self._paused_until() - now, _delay(past, self.limits, count, now))
            if delay <= 0:
                self.database.executemany("insert into writes values (?, ?)", [(self.account, now)] * count)
            return delay
        finally:
            self.database.execute("commit")

    def pause(self, seconds: float) -> None:
        """Nothing is written for so long, by this process or the next."""
        until = self.clock.now() + seconds
        self.database.execute("insert or replace into pauses values (?, ?)", (self.account, until))

    def rest(self) -> None:
        """Wait until a pause is over."""
        if (delay := self._paused_until() - self.clock.now()) > 0:
            self.clock.sleep(delay)

    def expected(self, count: int) -> float:
        """Seconds that so many writes will wait for the budget, as far as is known."""
        at = max(self.clock.now(), self._paused_until())
        past = self._past()
        for _ in range(count):
            at += max(0.0, _delay(past, self.limits, 1, at))
            past.append(at)
        return at - self.clock.now()

    def _past(self) -> list[float]:
        rows = self.database.execute("select at from writes where account = ? order by 1", (self.account,))
        return [at for (at,) in rows]

    def _paused_until(self) -> float:
        row = self.database.execute("select until from pauses where account = ?", (self.account,)).fetchone()
        until = float(row[0]) if row else 0.0
        return until if until - self.clock.now() <= TOO_LONG else 0.0


def _delay(past: Sequence[float], limits: Sequence[Limit], count: int, now: float) -> float:
    """Seconds until ``count`` more writes fit. ``past``: sorted times of earlier ones."""
    delay = 0.0
    for limit in limits:
        free = max(1, limit.count - min(count, limit.count) + 1)
        if len(past) >= free:
            # The window is closed at its old end: a write that is just so old still counts.
            delay = max(delay, past[-free] + limit.seconds + 0.001 - now)
    return delay


@contextmanager
def serial(account: str, told: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """One process at a time writes as this account; the lock goes with the process."""
    os.makedirs(state.folder(), mode=0o700, exist_ok=True)
    with open(os.path.join(state.folder(), f"{account}.lock"), "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told("waiting for another run that writes with the same token")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def spoken(seconds: float) -> str:
    """``2 h 5 min``, ``3 min``, ``20 s``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
