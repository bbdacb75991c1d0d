"""What a run hands to those who deliver and report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gocodemod.model import Outcome


@dataclass(frozen=True)
class Changed:
    """One file before and after; both are whole contents. ``path`` is absolute."""

    path: str
    before: bytes
    after: bytes


@dataclass(frozen=True)
class Result:
    """``outcomes`` sorted by (path, start, transform); ``changed`` sorted by path.

    ``root`` is the folder that paths are shown relative to. ``skipped`` counts files left out by cause
    (``generated``, ``vendor``, ``testdata``, ``tests``, ``ignored``, ``symlink``). ``notes`` are sentences for the
    reader (imports missing, no Go toolchain, ...). ``blind``: why no question about any file could be asked, where that
    is so: then nothing was decided, and that no fix was found says nothing.
    """

    root: str
    outcomes: tuple[Outcome, ...]
    changed: tuple[Changed, ...]
    files: int
    skipped: Mapping[str, int]
    notes: tuple[str, ...] = ()
    blind: str = ""
