"""``gocodemod scan``: every site with what would become of it."""

from __future__ import annotations

from dataclasses import replace

from gocodemod.cli import progress
from gocodemod.cli.options import Options
from gocodemod.cli.streams import Streams
from gocodemod.engine.run import run as run_engine
from gocodemod.model import Kind, Level
from gocodemod.report import json, text


def run(streams: Streams, options: Options) -> int:
    """1 where there are sites, other than those that a comment says to leave alone."""
    # What a scan lists was decided with types but not verified: that is what diff and apply are for.
    settings = replace(options.settings(Level.REVIEW), verify=False)
    bar = progress.choose(streams.stderr, not options.no_progress)
    result = run_engine(options.paths or ["."], settings, write=False, progress=bar, remembered=not options.no_cache)
    if options.format == "json":
        streams.deliver(json.render(result), options.output)
    else:
        colour = streams.colour(options.color, streams.stdout) and options.output is None
        verbose = options.verbose > 0
        sites = (
            "" if options.quiet or not result.outcomes else text.sites(result, verbose=verbose, colour=colour) + "\n"
        )
        report = sites + text.closing(result, verbose=verbose, colour=colour)
        streams.deliver(report.encode("utf-8", "surrogateescape"), options.output)
    found = any(outcome.kind is not Kind.SUPPRESSED for outcome in result.outcomes)
    return 1 if found and not options.exit_zero else 0
