"""The flags that commands share, and how they become settings together with the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from gocodemod import config
from gocodemod.errors import UsageError
from gocodemod.model import Level
from gocodemod.settings import Settings

FORMATS = ("text", "json")
GROUPS = ("site", "file", "package", "transform")
FORGES = ("github", "gitlab", "gitea")
COLOURS = ("auto", "always", "never")

_NAMES = "NAME,..."


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a command line said; None and empty where it said nothing."""

    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH]...", help="Files, folders or Go patterns (./...).")
    ] = None
    select: Annotated[list[str] | None, typer.Option(metavar=_NAMES, help="Use only these transforms.")] = None
    ignore: Annotated[list[str] | None, typer.Option(metavar=_NAMES, help="Leave these transforms out.")] = None
    level: Annotated[str | None, typer.Option(metavar="safe|review", help="The highest level of fixes offered.")] = None
    cadence: Annotated[
        str | None, typer.Option(metavar="tick|gap", help="Pace periodic loops by a ticker, or keep the gap.")
    ] = None
    thread_depth: Annotated[
        int | None,
        typer.Option(metavar="N", help="Hand a context through at most N functions to a loop without one (0: never)."),
    ] = None
    thread_exported: Annotated[
        bool | None, typer.Option("--thread-exported", help="Through functions that other modules may call, too.")
    ] = None
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="Settings; else .gocodemod.toml is looked for.")
    ] = None
    format: Annotated[str, typer.Option(metavar="text|json", help="How results are written.")] = "text"
    output: Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Write results there.")] = None
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", metavar="N", help="Processes (0: one per CPU).")] = None
    include_tests: Annotated[
        bool | None, typer.Option("--include-tests", help="Look at _test.go files too, for all transforms.")
    ] = None
    include_generated: Annotated[
        bool | None, typer.Option("--include-generated", help="Look at generated files too.")
    ] = None
    tags: Annotated[list[str] | None, typer.Option(metavar="TAG,...", help="Go build tags.")] = None
    no_verify: Annotated[bool | None, typer.Option("--no-verify", help="Do not check the result.")] = None
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="scan: decide anew what an earlier scan of the same code found.")
    ] = False
    go: Annotated[str | None, typer.Option(metavar="FILE", help="The go command (else GOCODEMOD_GO, PATH).")] = None
    go_env: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Environment for the go command, such as GOFLAGS.")
    ] = None
    transform_file: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Load one more transform from this Python file.")
    ] = None
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 where findings would give 1.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the summary; diff: only the diff.")] = False
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Show the evidence.")] = 0
    color: Annotated[str, typer.Option(metavar="auto|always|never", help="Colour; auto: on a terminal.")] = "auto"
    no_progress: Annotated[bool, typer.Option("--no-progress", help="No progress bar.")] = False

    def settings(self, level: Level) -> Settings:
        """Defaults, then the configuration file, then flags. ``level``: the command's own default.

        Raises UsageError for values that do not exist.
        """
        _choose("--format", self.format, FORMATS)
        _choose("--color", self.color, COLOURS)
        start = (self.paths or ["."])[0].removesuffix("...").rstrip("/") or "."
        found = config.load(Settings(level=level), start, self.config)
        flags: dict[str, Any] = {
            "select": _split(self.select),
            "ignore": _split(self.ignore),
            "level": Level(_choose("--level", self.level, config.LEVELS)) if self.level is not None else None,
            "cadence": _choose("--cadence", self.cadence, config.CADENCES) if self.cadence is not None else None,
            "thread_depth": _at_least_zero(self.thread_depth, "--thread-depth"),
            "thread_exported": self.thread_exported,
            "jobs": _at_least_zero(self.jobs, "--jobs"),
            "include_tests": self.include_tests,
            "include_generated": self.include_generated,
            "tags": _split(self.tags),
            "verify": False if self.no_verify else None,
            "go": self.go,
            "go_env": _environment(self.go_env),
            "transform_files": tuple(self.transform_file) if self.transform_file else None,
        }
        return replace(found, **{key: value for key, value in flags.items() if value is not None})


@dataclass(frozen=True, kw_only=True)
class ApplyOptions(Options):
    """Of the commands that write."""

    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Write files though they hold changes that git does not have.")
    ] = False


@dataclass(frozen=True)
class Asked:
    """What a command that makes branches was asked for."""

    group: str | None
    base: str
    prefix: str
    author: str | None
    sign: bool
    dry_run: bool
    trust_git_config: bool


@dataclass(frozen=True, kw_only=True)
class BranchOptions(Options):
    """Of the commands that make branches."""

    group: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(GROUPS),
            help="What goes onto one branch; else safe fixes by transform, those to be reviewed one by one.",
        ),
    ] = None
    base: Annotated[str, typer.Option(metavar="COMMIT", help="What the branches start from.")] = "HEAD"
    prefix: Annotated[str, typer.Option(metavar="NAME", help="First part of the branches' names.")] = "gocodemod"
    author: Annotated[
        str | None, typer.Option(metavar="'NAME <MAIL>'", help="Of the commits; else git's user.name and user.email.")
    ] = None
    sign: Annotated[bool, typer.Option("--sign", help="Sign the commits, as git commit -S does.")] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False
    trust_git_config: Annotated[
        bool, typer.Option("--trust-git-config", help="Allow programs that the repository's own git config names.")
    ] = False

    def asked(self) -> Asked:
        """The flags, checked. Raises UsageError."""
        group = _choose("--group", self.group, GROUPS) if self.group is not None else None
        return Asked(group, self.base, self.prefix, self.author, self.sign, self.dry_run, self.trust_git_config)


@dataclass(frozen=True)
class PullAsked:
    """What a command that opens pull requests was asked for, beside what all that make branches are."""

    remote: str
    forge: str | None
    api_url: str | None
    repository: str | None
    into: str | None
    labels: tuple[str, ...]
    reviewers: tuple[str, ...]
    draft: bool
    max_open: int | None
    fork: bool
    reopen: bool
    template: str | None


@dataclass(frozen=True, kw_only=True)
class PrOptions(BranchOptions):
    """Of the command that opens pull requests."""

    base: Annotated[
        str,
        typer.Option(metavar="COMMIT", help="What the branches start from; else the tip of the branch they go into."),
    ] = ""
    into: Annotated[
        str | None, typer.Option(metavar="BRANCH", help="Where pull requests go; else the forge's default branch.")
    ] = None
    remote: Annotated[str, typer.Option(metavar="NAME", help="The remote that tells the forge and is pushed to.")] = (
        "origin"
    )
    forge: Annotated[
        str | None, typer.Option(metavar="|".join(FORGES), help="The kind of forge, where its host does not tell.")
    ] = None
    api_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The forge's API; also says that tokens may be sent to that host.")
    ] = None
    repository: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="Its name on the forge, where the remote does not tell.")
    ] = None
    label: Annotated[list[str] | None, typer.Option(metavar=_NAMES, help="Labels for the pull requests.")] = None
    reviewer: Annotated[
        list[str] | None, typer.Option(metavar=_NAMES, help="Whom to ask for review; GitHub: also ORG/TEAM.")
    ] = None
    draft: Annotated[bool, typer.Option("--draft", help="Open them as drafts.")] = False
    max_open: Annotated[int | None, typer.Option(metavar="N", help="Open no more while so many of ours are open.")] = (
        None
    )
    fork: Annotated[bool, typer.Option("--fork", help="Push to a fork of your own, made where there is none.")] = False
    reopen: Annotated[bool, typer.Option("--reopen", help="Open again what somebody has closed.")] = False
    template: Annotated[
        str | None, typer.Option(metavar="FILE", help="A jinja2 template for the body (docs/pull-requests.md).")
    ] = None

    def about(self) -> PullAsked:
        """The flags, checked. Raises UsageError."""
        if self.max_open is not None and self.max_open < 0:
            raise UsageError(f"--max-open must be 0 or more, not {self.max_open}")
        forge = _choose("--forge", self.forge, FORGES) if self.forge is not None else None
        return PullAsked(
            self.remote, forge, self.api_url, self.repository, self.into, _split(self.label) or (),
            _split(self.reviewer) or (), self.draft, self.max_open, self.fork, self.reopen, self.template,
        )  # fmt: skip


def _split(values: list[str] | None) -> tuple[str, ...] | None:
    """``--select a,b --select c``; None where the flag was not given."""
    if values is None:
        return None
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip()) or None


def _choose(flag: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise UsageError(f"{flag} must be {' or '.join(allowed)}, not {value!r}")
    return value


def _at_least_zero(value: int | None, flag: str) -> int | None:
    if value is not None and value < 0:
        raise UsageError(f"{flag} must be 0 or more, not {value}")
    return value


def _environment(values: list[str] | None) -> Mapping[str, str] | None:
    if values is None:
        return None
    for value in values:
        if "=" not in value or value.startswith("="):
            raise UsageError(f"--go-env must be NAME=VALUE, not {value!r}")
    return {value.split("=", 1)[0]: value.split("=", 1)[1] for value in values} or None
