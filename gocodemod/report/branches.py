"""What became of branches: a line each for people, an object each for programs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from gocodemod.deliver.branches import Branch, Status
from gocodemod.report import style
from gocodemod.report.text import plain

_COLOURS = {
    Status.CREATED: style.GREEN,
    Status.UPDATED: style.GREEN,
    Status.UNCHANGED: style.DIM,
    Status.DIVERGED: style.RED,
}


def lines(branches: Sequence[Branch], *, colour: bool = False) -> str:
    """``created gocodemod/sleep-loop/all 1a2b3c4d: 5 sites in 3 files (safe) [gofmt,vet]``, a line each."""
    return "".join(f"{_line(branch, colour)}\n" for branch in branches)


def _line(branch: Branch, colour: bool) -> str:
    change = branch.change
    status = style.paint(f"{branch.status:9}", _COLOURS[branch.status], colour)
    sites = f"{_plural(len(change.sites), 'site')} in {_plural(len(change.files), 'file')}"
    why = f": {plain(branch.why)}" if branch.why else ""
    return f"{status} {change.branch} {branch.commit[:12]} {sites} ({change.level}) [{change.verified}]{why}"


def closing(branches: Sequence[Branch], *, dry_run: bool) -> str:
    """``3 branches: 2 created, 1 unchanged``."""
    counts = Counter(branch.status for branch in branches)
    told = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
    nothing = " (nothing was written: --dry-run)" if dry_run else ""
    return f"{_plural(len(branches), 'branch', 'branches')}{f': {told}' if told else ''}{nothing}\n"


def documents(branches: Sequence[Branch], base: str) -> list[dict[str, Any]]:
    """What the schema calls ``branches``."""
    return [
        {
            "name": branch.change.branch,
            "status": branch.status.value,
            "commit": branch.commit,
            "previous": branch.was or None,
            "base": base,
            "transform": branch.change.transform.name,
            "level": branch.change.level.value,
            "verified": branch.change.verified,
            "sites": [outcome.site.fingerprint for outcome in branch.change.sites],
            "files": [path.replace(os.sep, "/") for path in sorted(branch.change.files)],
            "why": branch.why,
        }
        for branch in branches
    ]


def _plural(count: int, what: str, many: str = "") -> str:
    return f"{count} {what}" if count == 1 else f"{count} {many or what + 's'}"
