"""What a run found, for people: a line for each site, grouped by file, and a summary that adds up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import groupby

from gocodemod.engine.result import Result
from gocodemod.model import Kind, Outcome
from gocodemod.report import style
from gocodemod.report import summary as counting

# File names and messages come from code that nobody vouches for: no escape sequence of theirs reaches a terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_COLOURS = {
    Kind.FIXED: style.GREEN,
    Kind.FIXABLE: style.GREEN,
    Kind.WITHHELD: style.CYAN,
    Kind.REFUSED: style.YELLOW,
    Kind.REPORTED: style.YELLOW,
    Kind.SUPPRESSED: style.DIM,
    Kind.CONFLICTED: style.RED,
    Kind.ROLLED_BACK: style.RED,
}


def sites(result: Result, *, verbose: bool = False, colour: bool = False) -> str:
    """A line for each site, files apart by an empty line; with ``verbose`` its evidence below it."""
    blocks = []
    for path, outcomes in groupby(result.outcomes, key=lambda o: o.site.path):
        shown = plain(os.path.relpath(path, result.root))
        blocks.append("\n".join(text for o in outcomes for text in _site(o, shown, verbose, colour)) + "\n")
    return "\n".join(blocks)


def closing(result: Result, *, verbose: bool = False, colour: bool = False) -> str:
    """Notes, counts by reason, and last the one line whose numbers add up."""
    counted = counting.summarize(result)
    lines = [f"note: {plain(note)}" for note in result.notes]
    lines += counting.reason_lines(counted)
    if verbose and counted.skipped:
        lines.append(counting.skipped_line(counted))
    return "\n".join((*lines, style.paint(counting.line(counted), style.BOLD, colour))) + "\n"


def plain(text: str) -> str:
    r"""The text with control characters written as ``\x1b``."""
    return _CONTROL.sub(lambda m: f"\\x{ord(m[0]):02x}", text)


def _site(outcome: Outcome, shown: str, verbose: bool, colour: bool) -> Iterator[str]:
    site = outcome.site
    place = style.paint(f"{shown}:{site.line}:{site.column}:", style.BOLD, colour)
    label = outcome.reason or (outcome.level or "")
    kind = style.paint(outcome.kind.value, _COLOURS[outcome.kind], colour)
    checked = counting.verification(outcome)
    first, *rest = (plain(line) for line in (outcome.message.splitlines() or [""]))
    parts = (place, site.transform, kind, f"({label})" if label else "", first, f"[{checked}]" if checked else "")
    yield " ".join(part for part in parts if part)
    for line in rest:
        yield f"    {line}"
    if verbose:
        for key, value in outcome.evidence.items():
            yield style.paint(f"    {key}: {plain(value)}", style.DIM, colour)
