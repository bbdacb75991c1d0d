"""``gocodemod apply``: the verified changes, written."""

from __future__ import annotations

import os

from gocodemod.cli import progress
from gocodemod.cli.options import ApplyOptions
from gocodemod.cli.streams import Streams
from gocodemod.deliver import write
from gocodemod.engine.run import run as run_engine
from gocodemod.errors import PartlyDone, ToolchainError
from gocodemod.model import Kind, Level
from gocodemod.report import json, text


def run(streams: Streams, options: ApplyOptions) -> int:
    """0 where all that was asked for was done, 3 where a fix was lost on the way. Raises DirtyTree before writing.

    Raises ToolchainError where Go can say nothing of any file that holds a site.
    """
    settings = options.settings(Level.SAFE)
    bar = progress.choose(streams.stderr, not options.no_progress)
    result = run_engine(options.paths or ["."], settings, write=True, progress=bar)
    if result.blind:
        raise ToolchainError(f"nothing can be decided: {result.blind}")
    written = write.write(result, allow_dirty=options.allow_dirty)
    result = write.outcomes_after(result, written.refused)
    if options.format == "json":
        streams.deliver(json.render(result), options.output)
    else:
        colour = streams.colour(options.color, streams.stdout) and options.output is None
        verbose = options.verbose > 0
        names = [f"wrote {text.plain(os.path.relpath(path, result.root))}\n" for path in written.written]
        sites = text.sites(result, verbose=verbose, colour=colour) + "\n" if result.outcomes else ""
        report = "" if options.quiet else sites + "".join(names)
        report += text.closing(result, verbose=verbose, colour=colour)
        streams.deliver(report.encode("utf-8", "surrogateescape"), options.output)
    for path, why in written.refused.items():
        streams.err(f"gocodemod: {text.plain(os.path.relpath(path, result.root))}: {why}\n")
    lost = any(o.kind in (Kind.CONFLICTED, Kind.ROLLED_BACK) or o.reason == "changed-on-disk" for o in result.outcomes)
    return PartlyDone.exit_code if lost or written.refused else 0
