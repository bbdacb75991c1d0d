"""Writes what is made from docstrings and golden cases: ``docs/transforms/`` and the package's ``examples.json``.

    python -m tests.docpages

Run by ``make docs``; tests/test_transform_docs.py tells where it has not been run. A golden case with ``example: yes`` in
its comment is its transform's example.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

from gocodemod import registry
from gocodemod.model import Kind, Level
from gocodemod.reasons import REASONS
from gocodemod.report import pages
from gocodemod.report.pages import Example
from gocodemod.transform import Transform
from tests.golden import Case, cases

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs/transforms"
DATA = ROOT / "gocodemod/report/examples.json"


def own() -> tuple[Transform, ...]:
    """The transforms that have golden cases here, sorted by name: plugins that happen to be installed have none."""
    return tuple(t for t in registry.load() if t.module.startswith("gocodemod.transforms."))


def example(of_transform: Iterable[Case]) -> Example:
    """What a transform's cases show. Raises ValueError unless exactly one of them is the example."""
    members = list(of_transform)
    marked = [c for c in members if c.example]
    if len(marked) != 1:
        names = ", ".join(c.name for c in marked) or "none"
        raise ValueError(f"one golden case must have the line `example: yes`, and not {names}")
    [shown] = marked
    ends = [line.split()[1:] for c in members for line in c.sites]
    levels = {level for kind, level, _ in ends if kind == Kind.FIXABLE}
    reasons = {reason for kind, _, reason in ends if kind in (Kind.REFUSED, Kind.REPORTED)}
    hunks = "".join(_hunks(shown.inputs[name], data) for name, data in shown.wanted.items())
    return Example(
        shown.about,
        hunks or _marked(shown),
        tuple(str(level) for level in Level if level in levels),
        tuple(reason for reason in REASONS if reason in reasons),
    )


def _hunks(before: bytes, after: bytes) -> str:
    """The changes as a diff shows them, without the lines that name files and places."""
    old, new = (data.decode().splitlines(keepends=True) for data in (before, after))
    hunks = list(difflib.unified_diff(old, new, n=3))[3:]
    return "".join("...\n" if line.startswith("@@") else line for line in hunks)


def _marked(case: Case) -> str:
    """What a case without a change is about: its files, with a ``!`` before each line that is a site."""
    found = {tuple(line.split()[0].rsplit(":", 1)) for line in case.sites}
    shown = []
    for name, data in case.inputs.items():
        lines = data.decode().splitlines(keepends=True) if name.endswith(".go") else []
        shown += [("!" if (name, str(i)) in found else " ") + line for i, line in enumerate(lines, 1)]
    return "".join(line.lstrip(" ") if not line.strip() else line for line in shown)


def examples() -> Mapping[str, Example]:
    """By the transform's name. Raises ValueError that names one which has not exactly one example."""
    members: dict[str, list[Case]] = {t.name: [] for t in own()}
    for case in cases():
        members[case.transform].append(case)
    found = {}
    for name, of_transform in members.items():
        try:
            found[name] = example(of_transform)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return found


def files() -> dict[Path, str]:
    """All that is written, by path."""
    shown = examples()
    made = {FOLDER / f"{t.name}.md": pages.markdown(t, shown[t.name]) for t in own()}
    return {**made, FOLDER / "README.md": pages.index(own(), shown), DATA: pages.dump(shown)}


def superfluous() -> list[Path]:
    """What lies among the pages and is none."""
    return sorted(set(FOLDER.glob("*")) - set(files()))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
    for path in superfluous():
        path.unlink()


if __name__ == "__main__":
    main()
