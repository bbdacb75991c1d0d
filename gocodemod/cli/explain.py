"""``gocodemod explain NAME``: a transform or a reason."""

from __future__ import annotations

import difflib

from gocodemod import registry
from gocodemod.cli.streams import Streams
from gocodemod.errors import UsageError
from gocodemod.reasons import REASONS
from gocodemod.report import pages


def run(streams: Streams, name: str, files: tuple[str, ...]) -> int:
    """Print a transform's page, or the sentence of a reason. Raises UsageError for other names."""
    transforms = {t.name: t for t in registry.load(files)}
    if name in transforms:
        text = pages.plain(transforms[name], pages.load().get(name))
    elif name in REASONS:
        text = f"{name}: {REASONS[name]}\n"
    else:
        near = difflib.get_close_matches(name, (*transforms, *REASONS), 1)
        hint = f"did you mean {near[0]}?" if near else "`gocodemod list` names the transforms"
        raise UsageError(f"{name!r} is neither a transform nor a reason: {hint}")
    streams.out(text.encode())
    return 0
