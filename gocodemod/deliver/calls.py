"""One write at a time: within the budget, written down before and after, and tried again only where that is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gocodemod.deliver import budget as pacing
from gocodemod.deliver.budget import Budget
from gocodemod.deliver.forges.protocol import Limited, Unanswered
from gocodemod.deliver.ledger import Ledger
from gocodemod.errors import GocodemodError

_T = TypeVar("_T")
# Tries where no answer comes, seconds before the second one; doubled each time.
_TRIES = 4
_FIRST_WAIT = 2.0


@dataclass
class Caller:
    """Every request to a forge passes here. ``told`` gets a line for each longer wait."""

    budget: Budget
    ledger: Ledger
    told: Callable[[str], None] = lambda _: None

    def read(self, call: Callable[[], _T]) -> _T:
        """A request that changes nothing: asked again for as long as that may help."""
        pauses = lost = 0
        while True:
            try:
                return call()
            except Limited as error:
                pauses = self._pause(error, pauses)
                self.budget.rest()
            except Unanswered:
                lost = self._wait(lost)
                if lost == _TRIES:
                    raise

    def write(
        self,
        branch: str,
        verb: str,
        call: Callable[[], _T],
        *,
        about: str = "",
        cost: int = 1,
        seen: Callable[[], _T | None] = lambda: None,
    ) -> _T:
        """A request that changes something; ``cost``: as how many writes it counts.

        ``seen`` looks whether it has happened, where an answer did not say: what it finds is the result, and on None
        the write is tried again.
        """
        pauses = lost = 0
        while True:
            if cost:
                self.budget.spend(cost)
            intent = self.ledger.intend(branch, verb, about)
            try:
                result = call()
            except Limited as error:
                self.ledger.done(intent, "limited")
                pauses = self._pause(error, pauses)
            except Unanswered as error:
                self.ledger.done(intent, "unanswered")
                if (found := self.read(seen)) is not None:
                    self.ledger.done(intent, "seen")
                    return found
                lost = self._wait(lost)
                if lost == _TRIES:
                    raise error
            except GocodemodError:
                self.ledger.done(intent, "refused")
                raise
            else:
                self.ledger.done(intent, "done")
                return result

    def _pause(self, error: Limited, before: int) -> int:
        """Note the pause that the forge asks for, else a minute, doubled each time; how many there have been."""
        doubled = min(pacing.FIRST_PAUSE * 2**before, pacing.LONGEST_PAUSE)
        seconds = doubled if error.retry_after is None else error.retry_after
        if before == pacing.PATIENCE or seconds > pacing.TOO_LONG:
            raise error
        self.told(f"the forge asks for a pause of {pacing.spoken(seconds)}")
        self.budget.pause(seconds)
        return before + 1

    def _wait(self, before: int) -> int:
        if before + 1 < _TRIES:
            self.budget.clock.sleep(_FIRST_WAIT * 2**before)
        return before + 1
