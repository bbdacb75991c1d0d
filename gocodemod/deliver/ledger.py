"""What we mean to write to a forge, before it is written, and what came of it.

The forge and the remote say what is; the ledger says what of it is ours: the commit we pushed last, the pull request
we closed ourselves, labels and reviewers that were set once and, where somebody took them away, stay away.
No token is ever given to it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """What is known of a branch. ``number`` None: no pull request yet. ``closed``: by us, because its change vanished."""

    number: int | None = None
    url: str = ""
    pushed: str = ""
    closed: bool = False
    labels: frozenset[str] = frozenset()
    reviewers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ledger:
    """The part of the database that is about one repository, named by host, owner and name."""

    database: sqlite3.Connection
    repository: str
    now: Callable[[], float]

    def entry(self, branch: str) -> Entry | None:
        """What is known of a branch, None for nothing."""
        row = self.database.execute(
            "select number, url, pushed, closed, labels, reviewers from pulls where repository = ? and branch = ?",
            (self.repository, branch),
        ).fetchone()
        if row is None:
            return None
        number, url, pushed, closed, labels, reviewers = row
        return Entry(number, url, pushed, bool(closed), frozenset(json.loads(labels)), frozenset(json.loads(reviewers)))

    def open_intents(self, branch: str) -> list[str]:
        """Verbs of writes that were begun and of which no end is known."""
        rows = self.database.execute(
            "select verb from intents where repository = ? and branch = ? and result is null order by id",
            (self.repository, branch),
        )
        return [verb for (verb,) in rows]

    def intend(self, branch: str, verb: str, about: str = "") -> int:
        """Write down a write before it happens; the intent's id."""
        cursor = self.database.execute(
            "insert into intents (repository, branch, verb, about, began) values (?, ?, ?, ?, ?)",
            (self.repository, branch, verb, about, self.now()),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def done(self, intent: int, result: str) -> None:
        """Write down what came of it."""
        self.database.execute("update intents set ended = ?, result = ? where id = ?", (self.now(), result, intent))

    def settle(self, branch: str) -> None:
        """The branch was seen to be as it should be: nothing is left of writes that never heard their end."""
        self.database.execute(
            "update intents set ended = ?, result = 'seen' where repository = ? and branch = ? and result is null",
            (self.now(), self.repository, branch),
        )

    def pushed(self, branch: str, commit: str) -> None:
        """This commit is now the branch's tip, and ours."""
        self._set(branch, "pushed", commit)

    def opened(self, branch: str, number: int, url: str) -> None:
        """This is the branch's pull request. A new one has none of the labels and reviewers of the one before."""
        known = self.entry(branch)
        with self.database:
            self.database.execute("begin immediate")
            if known is not None and known.number != number:
                self._set(branch, "labels", "[]")
                self._set(branch, "reviewers", "[]")
            self._set(branch, "number", number)
            self._set(branch, "url", url)
            self._set(branch, "closed", 0)

    def closed(self, branch: str) -> None:
        """We have closed it, because its change vanished."""
        self._set(branch, "closed", 1)

    def labelled(self, branch: str, labels: Iterable[str]) -> None:
        """These labels have been set, in addition to those set before."""
        self._set(branch, "labels", json.dumps(sorted({*(self.entry(branch) or Entry()).labels, *labels})))

    def asked(self, branch: str, reviewers: Iterable[str]) -> None:
        """These reviewers have been asked, in addition to those asked before."""
        self._set(branch, "reviewers", json.dumps(sorted({*(self.entry(branch) or Entry()).reviewers, *reviewers})))

    def branches(self) -> list[str]:
        """All branches that are known."""
        rows = self.database.execute("select branch from pulls where repository = ? order by 1", (self.repository,))
        return [branch for (branch,) in rows]

    def fork(self) -> tuple[str, str] | None:
        """Name and URL of the fork that was made."""
        row = self.database.execute("select name, url from forks where repository = ?", (self.repository,)).fetchone()
        return None if row is None else (row[0], row[1])

    def forked(self, name: str, url: str) -> None:
        """The repository's fork is called this."""
        self.database.execute("insert or replace into forks values (?, ?, ?)", (self.repository, name, url))

    def _set(self, branch: str, column: str, value: str | int) -> None:
        self.database.execute(
            f"insert into pulls (repository, branch, {column}) values (?, ?, ?)"  # noqa: S608 - a column of ours
            f" on conflict do update set {column} = excluded.{column}",
            (self.repository, branch, value),
        )
