"""``gocodemod pr``: push a branch for each change set, and open, update or close its pull request."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable

from gocodemod import git, registry
from gocodemod.cli import progress
from gocodemod.cli.options import PrOptions
from gocodemod.cli.streams import Streams
from gocodemod.deliver import branches, propose, pullrequests, session, target
from gocodemod.deliver.bodies import Writer
from gocodemod.deliver.forges.protocol import ForgeError
from gocodemod.deliver.planning import Plan, Wishes
from gocodemod.deliver.propose import Location, Proposed
from gocodemod.deliver.pullrequests import Pull
from gocodemod.errors import PartlyDone, UsageError
from gocodemod.model import Kind, Level
from gocodemod.report import json, text
from gocodemod.report import pulls as told
from gocodemod.settings import Settings


def run(streams: Streams, options: PrOptions) -> int:
    """0 where every pull request is as it should be, 3 where one diverged or failed, or a fix was lost on the way."""
    settings = options.settings(Level.SAFE)
    place = propose.locate(options.paths)
    asked, about = options.asked(), options.about()
    if not asked.trust_git_config:
        git.check_config(place.repository, "branches are pushed")
    where = target.locate(place.repository, about.remote, about.forge, about.api_url, about.repository)
    target.check_plain(where)
    token = target.take_token(where, os.environ)
    streams.hide(token)
    prefix = branches.check_prefix(place.repository, asked.prefix)
    signature = branches.Signature(branches.author(place.repository, asked.author), asked.sign)
    every = {t.name: t for t in registry.load(settings.transform_files)}
    writer = Writer(_flags(options), place.folders, asked.group, _template(about.template))
    bar = progress.choose(streams.stderr, not options.no_progress)

    def tell(line: str) -> None:
        if not options.quiet:
            streams.err(f"gocodemod: {line}\n")

    with (
        tempfile.TemporaryDirectory(prefix="gocodemod-") as folder,
        session.opened(place.repository, where, token, fork=about.fork, dry_run=asked.dry_run, told=tell) as opened,
    ):
        into = about.into or _default_branch(opened, where)
        base = asked.base or opened.base(into)
        proposed = propose.propose(place, base, folder, settings, asked.group, prefix, every, bar)
        wishes = Wishes(
            into, prefix, about.labels, about.reviewers, about.draft, about.max_open, about.reopen,
            _vanished(place, proposed, settings, prefix),
        )  # fmt: skip
        plan, pulls = opened.run(proposed.snapshot, proposed.changes, wishes, writer, signature, bar)
    streams.deliver(_report(streams, options, proposed, plan, pulls), options.output)
    lost = any(o.kind in (Kind.CONFLICTED, Kind.ROLLED_BACK) for o in proposed.result.outcomes)
    return PartlyDone.exit_code if lost or pullrequests.failures(pulls) else 0


def _report(streams: Streams, options: PrOptions, proposed: Proposed, plan: Plan, pulls: tuple[Pull, ...]) -> bytes:
    dry_run = options.dry_run
    if options.format == "json":
        documents = told.documents(pulls, proposed.snapshot.base)
        return json.render(proposed.result, pull_requests=documents, held_back=list(plan.held))
    colour = streams.colour(options.color, streams.stdout) and options.output is None
    verbose = options.verbose > 0
    sites = text.sites(proposed.result, verbose=True, colour=colour) + "\n" if verbose else ""
    report = "" if options.quiet else sites + told.lines(pulls, colour=colour)
    report += told.calls(plan) if dry_run else ""
    report += text.closing(proposed.result, verbose=verbose, colour=colour)
    report += told.closing(pulls, plan.held, dry_run=dry_run)
    return report.encode("utf-8", "surrogateescape")


def _default_branch(opened: session.Session, where: target.Target) -> str:
    """The first thing that is asked: what is wrong with address or token is found out here."""
    try:
        return opened.caller.read(opened.forge.default_branch)
    except ForgeError as error:
        raise UsageError(
            f"{where.api}: {error}\nIs {where.project} right, and may the token see it? (docs/pull-requests.md)"
        ) from error


def _vanished(place: Location, proposed: Proposed, settings: Settings, prefix: str) -> Callable[[str], bool]:
    """Whether a branch that no change set has now is one that this run would have found something for.

    Not so where only a part was looked at, another transform was chosen, or a fix is only withheld or undecided.
    """
    chosen = {t.name for t in registry.selected(settings)}
    undecided = {o.site.transform for o in proposed.result.outcomes if o.reason in ("types-unavailable", "parse-error")}
    searched = not any("not searched" in note for note in proposed.result.notes)
    whole = place.folders == (".",) and searched

    def vanished(branch: str) -> bool:
        key = branch.removeprefix(f"{prefix}/")
        transform = key.partition("/")[0]
        return whole and transform in chosen - undecided and key not in proposed.withheld

    return vanished


def _flags(options: PrOptions) -> tuple[str, ...]:
    """Flags of this run that decide what is changed: they belong to the command that makes it again."""
    flags: list[str] = []
    if options.cadence is not None:
        flags += ["--cadence", options.cadence]
    if options.thread_depth is not None:
        flags += ["--thread-depth", str(options.thread_depth)]
    if options.thread_exported:
        flags.append("--thread-exported")
    if options.include_tests:
        flags.append("--include-tests")
    if options.include_generated:
        flags.append("--include-generated")
    for tag in options.tags or ():
        flags += ["--tags", tag]
    return tuple(flags)


def _template(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--template {shlex.quote(path)}: cannot be read: {error}") from error
