"""A run from prepared change sets as a process of its own, to be killed: ``python -m tests.forge.canned URL CLONE KIND``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.forge.bench import AFTER, Bench
from tests.forge.server import Forge
from tests.forge.world import Project, World

WISHES: dict[str, Any] = {"labels": ("codemod",), "reviewers": ("bob",)}


def main(url: str, public: str, clone: str, kind: str, names: list[str]) -> None:
    forge = Forge(World(Path()), url, public)
    there = Bench(forge, Project("o/r", Path()), Path(clone), kind)
    there.run([there.change(name, {"p.go": AFTER}) for name in names], **WISHES)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
