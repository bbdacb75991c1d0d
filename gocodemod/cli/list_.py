"""``gocodemod list``: the transforms (the module's name has an underscore, for `list` is Python's)."""

from __future__ import annotations

from gocodemod import registry
from gocodemod.cli.streams import Streams


def run(streams: Streams, files: tuple[str, ...]) -> int:
    """Print a line for each transform."""
    transforms = registry.load(files)
    width = max((len(t.name) for t in transforms), default=0)
    streams.out("".join(f"{t.name:{width}}  {t.title}\n" for t in transforms).encode())
    return 0
