"""The plain data that travels through the stages: frozen dataclasses, no behaviour to speak of.

All offsets are byte offsets into a file's bytes as they are on disk (a byte order mark included);
lines and columns are 1-based, columns count bytes, as Go's own tools do.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Level(enum.StrEnum):
    """How far a fix may be trusted without reading it (docs/levels.md)."""

    SAFE = "safe"
    REVIEW = "review"
    REPORT = "report"


class Kind(enum.StrEnum):
    """How one site ended. A run's sites are partitioned by these: the totals add up."""

    FIXED = "fixed"
    FIXABLE = "fixable"
    WITHHELD = "withheld"
    REFUSED = "refused"
    REPORTED = "reported"
    SUPPRESSED = "suppressed"
    CONFLICTED = "conflicted"
    ROLLED_BACK = "rolled-back"


class Verification(enum.StrEnum):
    """How much was checked about a fix after it was made."""

    UNVERIFIED = "unverified"
    TYPECHECKED = "typechecked"
    VETTED = "vetted"


@dataclass(frozen=True, order=True)
class Edit:
    """Replace the bytes ``[start, end)`` of a file by ``new``; ``start == end`` inserts."""

    start: int
    end: int
    new: bytes


@dataclass(frozen=True)
class FileChange:
    """The part of a fix that falls into one file.

    ``path`` is absolute. ``add_imports`` are import paths the new text needs; ``drop_imports`` are
    paths that the edits may have left unused (they go only if nothing in the file uses them any more).
    """

    path: str
    edits: tuple[Edit, ...]
    add_imports: tuple[str, ...] = ()
    drop_imports: tuple[str, ...] = ()


Evidence = Mapping[str, str]


@dataclass(frozen=True)
class Site:
    """One place that a transform found.

    ``path`` is absolute, ``start``/``end`` are byte offsets of the node found, ``fingerprint`` names
    the site independently of the lines above it.
    """

    transform: str
    path: str
    start: int
    end: int
    line: int
    column: int
    end_line: int
    fingerprint: str


@dataclass(frozen=True)
class Fix:
    """A rewrite of one site: whole or not at all. ``needs``: sites without whose fixes it would be wrong."""

    changes: tuple[FileChange, ...]
    level: Level
    message: str
    evidence: Evidence = field(default_factory=dict)
    needs: tuple[Site, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """No rewrite, and why: ``reason`` is a name registered in :mod:`gocodemod.reasons`.

    ``level`` is ``REPORT`` for a place that is worth a person's attention but never edited
    (outcome ``reported``), else the outcome is ``refused``.
    """

    reason: str
    message: str = ""
    evidence: Evidence = field(default_factory=dict)
    level: Level | None = None


Decision = Fix | Refusal


@dataclass(frozen=True)
class Outcome:
    """The one end of one site."""

    site: Site
    kind: Kind
    level: Level | None = None
    reason: str = ""
    message: str = ""
    evidence: Evidence = field(default_factory=dict)
    verification: Verification = Verification.UNVERIFIED
    fix: Fix | None = None
