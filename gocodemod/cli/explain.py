"""``gocodemod explain NAME``: a transform or a reason."""

from __future__ import annotations

import difflib

from gocodemod import registry
from gocodemod.cli.streams import Streams
from gocodemod.errors import UsageError
from gocodemod.reasons import REASONS


def run(streams: Streams, name: str, files: tuple[str, ...]) -> int:
    """Print a transform's documentation, or the sentence of a reason. Raises UsageError for other names."""
    transforms = {t.name: t for t in registry.load(files)}
    if name in transforms:
        text = transforms[name].doc.strip()
    elif name in REASONS:
        text = REASONS[name]
    else:
        near = difflib.get_close_matches(name, (*transforms, *REASONS), 1)
        hint = f"did you mean {near[0]}?" if near else "`gocodemod list` names the transforms"
        raise UsageError(f"{name!r} is neither a transform nor a reason: {hint}")
    streams.out(f"{name}: {text}\n".encode())
    return 0
