"""What a run found, as one JSON object for programs. ``schema.json`` beside this file describes it (docs/json.md)."""

from __future__ import annotations

import importlib.resources
import json
import os
from typing import Any

from gocodemod.engine.result import Result
from gocodemod.model import Outcome
from gocodemod.report import summary as counting

VERSION = 1


def render(result: Result, diff: bytes | None = None, **more: list[Any]) -> bytes:
    """The object in ASCII, with ``diff`` where it was asked for, and ``more`` of what the schema knows (``branches``).

    Bytes of names and diffs that are not UTF-8 become lone surrogates (U+DC80 to U+DCFF), as Python writes them.
    """
    found = {**document(result, diff), **more}
    return (json.dumps(found, indent=2, ensure_ascii=True) + "\n").encode("ascii")


def document(result: Result, diff: bytes | None = None) -> dict[str, Any]:
    """The object."""
    found = {
        "version": VERSION,
        "summary": _summary(result),
        "sites": [_site(outcome, result.root) for outcome in result.outcomes],
    }
    return found if diff is None else {**found, "diff": diff.decode("utf-8", "surrogateescape")}


def schema() -> dict[str, Any]:
    """The JSON Schema of the object."""
    text = (importlib.resources.files("gocodemod.report") / "schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _summary(result: Result) -> dict[str, Any]:
    counted = counting.summarize(result)
    reasons: dict[str, dict[str, int]] = {}
    for (kind, reason), count in counted.reasons.items():
        reasons.setdefault(kind.value, {})[reason] = count
    return {
        "sites": counted.sites,
        "outcomes": {kind.value: count for kind, count in counted.outcomes.items()},
        "levels": {level.value: count for level, count in counted.levels.items()},
        "reasons": reasons,
        "files": counted.files,
        "changed_files": counted.changed,
        "skipped": counted.skipped,
        "notes": list(result.notes),
    }


def _site(outcome: Outcome, root: str) -> dict[str, Any]:
    site = outcome.site
    checked = counting.verification(outcome)
    evidence = dict(outcome.evidence)
    return {
        "transform": site.transform,
        "path": os.path.relpath(site.path, root).replace(os.sep, "/"),
        "line": site.line,
        "column": site.column,
        "end_line": site.end_line,
        "outcome": outcome.kind.value,
        "level": outcome.level.value if outcome.level is not None else None,
        "reason": outcome.reason or None,
        "message": outcome.message,
        "evidence": {**evidence, "verification": checked} if checked else evidence,
        "fingerprint": site.fingerprint,
    }
