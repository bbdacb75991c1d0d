"""What a run was asked to do: flags and configuration file, merged and validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gocodemod.model import Level


@dataclass(frozen=True)
class Settings:
    """``select`` empty means every transform. ``jobs`` 0 means one worker per CPU. ``go`` is a path or None (discover).

    ``level`` is the highest level that is offered (``safe`` or ``review``). ``transforms`` holds the tables
    ``[transforms.NAME]`` of the configuration. ``vet_timeout`` (over the whole run) and ``go_timeout`` (for any other run of
    the go command) in seconds. ``transform_files`` are Python files named on the command line that hold one more transform
    each. ``thread_depth``: through how many functions a context may be threaded to a site that has none (0: not at all);
    ``thread_exported``: through those that other modules may call, too.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    level: Level = Level.REVIEW
    cadence: str = "tick"
    include_tests: bool = False
    include_generated: bool = False
    exclude: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    jobs: int = 0
    verify: bool = True
    go: str | None = None
    go_env: Mapping[str, str] = field(default_factory=dict)
    vet_timeout: float = 1800.0
    go_timeout: float = 300.0
    transforms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    transform_files: tuple[str, ...] = ()
    thread_depth: int = 3
    thread_exported: bool = False
