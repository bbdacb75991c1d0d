"""``gocodemod diff``: the verified changes as a unified diff."""

from __future__ import annotations

from gocodemod.cli import progress
from gocodemod.cli.options import Options
from gocodemod.cli.streams import Streams
from gocodemod.deliver.patch import patch
from gocodemod.engine.run import run as run_engine
from gocodemod.errors import ToolchainError
from gocodemod.model import Level
from gocodemod.report import json, style, text


def run(streams: Streams, options: Options) -> int:
    """1 where the diff is not empty. Only the diff goes to stdout, so that it can be piped to ``git apply``.

    Raises ToolchainError where Go can say nothing of any file that holds a site.
    """
    settings = options.settings(Level.REVIEW)
    bar = progress.choose(streams.stderr, not options.no_progress)
    result = run_engine(options.paths or ["."], settings, write=False, progress=bar)
    if result.blind:
        raise ToolchainError(f"nothing can be decided: {result.blind}")
    diff = patch(result)
    if options.format == "json":
        streams.deliver(json.render(result, diff), options.output)
    else:
        colour = streams.colour(options.color, streams.stdout) and options.output is None
        streams.deliver(style.paint_diff(diff) if colour else diff, options.output)
        if not options.quiet:
            colour = streams.colour(options.color, streams.stderr)
            verbose = options.verbose > 0
            if verbose:
                streams.err(text.sites(result, verbose=True, colour=colour) + "\n")
            streams.err(text.closing(result, verbose=verbose, colour=colour))
    return 1 if diff and not options.exit_zero else 0
