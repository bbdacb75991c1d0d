"""``gocodemod branch``: one branch and one commit for each change set, without touching the work tree."""

from __future__ import annotations

import tempfile

from gocodemod import git, registry
from gocodemod.cli import progress
from gocodemod.cli.options import BranchOptions
from gocodemod.cli.streams import Streams
from gocodemod.deliver import branches, propose
from gocodemod.errors import PartlyDone
from gocodemod.model import Kind, Level
from gocodemod.report import branches as told
from gocodemod.report import json, text


def run(streams: Streams, options: BranchOptions) -> int:
    """0 where every branch is as it should be, 3 where one diverged or a fix was lost on the way."""
    settings = options.settings(Level.SAFE)
    place = propose.locate(options.paths)
    asked = options.asked()
    if asked.sign and not asked.trust_git_config:
        git.check_config(place.repository, "commits are signed")
    prefix = branches.check_prefix(place.repository, asked.prefix)
    author = branches.author(place.repository, asked.author)
    every = {t.name: t for t in registry.load(settings.transform_files)}
    bar = progress.choose(streams.stderr, not options.no_progress)
    with tempfile.TemporaryDirectory(prefix="gocodemod-") as folder:
        proposed = propose.propose(place, asked.base, folder, settings, asked.group, prefix, every, bar)
        signature = branches.Signature(author, asked.sign)
        made = branches.deliver(proposed.snapshot, proposed.changes, signature, dry_run=asked.dry_run)
    if options.format == "json":
        streams.deliver(
            json.render(proposed.result, branches=told.documents(made, proposed.snapshot.base)), options.output
        )
    else:
        colour = streams.colour(options.color, streams.stdout) and options.output is None
        verbose = options.verbose > 0
        sites = text.sites(proposed.result, verbose=True, colour=colour) + "\n" if verbose else ""
        report = "" if options.quiet else sites + told.lines(made, colour=colour)
        report += text.closing(proposed.result, verbose=verbose, colour=colour)
        report += told.closing(made, dry_run=asked.dry_run)
        streams.deliver(report.encode("utf-8", "surrogateescape"), options.output)
    lost = any(o.kind in (Kind.CONFLICTED, Kind.ROLLED_BACK) for o in proposed.result.outcomes)
    diverged = any(b.status is branches.Status.DIVERGED for b in made)
    return PartlyDone.exit_code if lost or diverged else 0
