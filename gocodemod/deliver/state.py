"""The database in the user's state folder: what was written to forges, and when, so that it outlives the process."""

from __future__ import annotations

import contextlib
import os
import sqlite3

from gocodemod.errors import UsageError

_SCHEMA = """
create table if not exists pulls (
    repository text not null, branch text not null, number integer, url text not null default '',
    pushed text not null default '', closed integer not null default 0,
    labels text not null default '[]', reviewers text not null default '[]',
    primary key (repository, branch)
) strict;
create table if not exists intents (
    id integer primary key, repository text not null, branch text not null, verb text not null,
    about text not null, began real not null, ended real, result text
) strict;
create table if not exists forks (repository text primary key, name text not null, url text not null) strict;
create table if not exists writes (account text not null, at real not null) strict;
create index if not exists writes_at on writes (account, at);
create table if not exists pauses (account text primary key, until real not null) strict;
pragma user_version = 1;
"""


def folder() -> str:
    """``$XDG_STATE_HOME/gocodemod`` (https://specifications.freedesktop.org/basedir-spec/latest/)."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser("~/.local/state"), "gocodemod")


def copy() -> sqlite3.Connection:
    """What the database holds, in memory: for runs that write nothing."""
    held = connect(":memory:")
    place = os.path.join(folder(), "pulls.sqlite3")
    if os.path.exists(place):
        with contextlib.closing(connect(place)) as real:
            real.backup(held)
    return held


def connect(path: str | None = None) -> sqlite3.Connection:
    """Open the database, ``:memory:`` for one that is gone with the process. Raises UsageError."""
    place = path or os.path.join(folder(), "pulls.sqlite3")
    try:
        if place != ":memory:":
            os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
            os.close(os.open(place, os.O_CREAT | os.O_RDWR, 0o600))
        # Every statement is its own transaction unless one is begun: an intent is on disk before its write goes out.
        connection = sqlite3.connect(place, timeout=60, isolation_level=None)
        # What a killed process wrote is kept without waiting for the disk each time; after a power failure the last rows
        # may be missing, and the forge says what happened.
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        if connection.execute("pragma user_version").fetchone()[0] > 1:
            raise UsageError(f"{place} was written by a newer gocodemod: use that one, or remove the file")
        connection.executescript(_SCHEMA)
    except (OSError, sqlite3.Error) as error:
        raise UsageError(f"{place}: cannot be used to remember pull requests: {error}") from error
    return connection
