"""Which Go a file is written in, and which one builds it."""

from __future__ import annotations

from dataclasses import dataclass

Version = tuple[int, int]

# From this language version of the main module on, unstopped timers and tickers are collectable
# (https://go.dev/doc/go1.23#timer-changes). Newer toolchains no longer ask the module, but the toolchain of
# this machine says nothing about the one that builds the program: the go line is what both share.
TIMERS_COLLECTABLE = (1, 23)
TESTING_CONTEXT = (1, 24)
# sync.WaitGroup.Go (https://go.dev/doc/go1.25#sync).
GROUP_GO = (1, 25)


@dataclass(frozen=True)
class Language:
    """Versions that gate a decision, as (major, minor).

    ``file``: the file's language version (its module's ``go`` line, or ``//go:build go1.N``); ``module``: the
    main module's ``go`` line.
    """

    file: Version
    module: Version

    @property
    def timers_collectable(self) -> bool:
        return self.module >= TIMERS_COLLECTABLE
