"""The command line: ``gocodemod COMMAND``. Exit codes:

| exit | meaning |
|---|---|
| 0 | nothing to do, or all that was asked for was done |
| 1 | scan: sites found; diff: the diff is not empty |
| 2 | usage, configuration, no such path, dirty tree refused, no Go that can say anything, no space, or a bug of ours |
| 3 | done in part: something was rolled back, conflicted, diverged or could not be pushed; what succeeded is kept |
| 130, 143 | interrupted by Ctrl-C, ended by SIGTERM; nothing half-written |
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from types import FrameType
from typing import BinaryIO, TextIO

import gocodemod
from gocodemod.cli.streams import Streams
from gocodemod.errors import GocodemodError, Interrupted

INTERRUPTED = 130
# What the machine refuses, and nobody's bug: no space, a read-only file system, too many files or processes, no memory.
_REFUSED = frozenset(
    {
        errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.EAGAIN,
        errno.ENOMEM, errno.EIO,
    }
)  # fmt: skip


# Seconds for putting things away, in which one more Ctrl-C changes nothing.
_PATIENCE = 5.0


def entry() -> None:
    """The console script."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A shell has its background jobs ignore Ctrl-C.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _STOP)
    raise SystemExit(main(sys.argv[1:], sys.stdout.buffer, sys.stderr))


class _Stop:
    """Handles signals that ask for an end."""

    def __init__(self) -> None:
        self.number = 0
        self._deaf_until = 0.0

    def __call__(self, number: int, _: FrameType | None) -> None:
        if time.monotonic() >= self._deaf_until:
            self.number, self._deaf_until = number, time.monotonic() + _PATIENCE
            raise Interrupted(number)


_STOP = _Stop()


def main(argv: Sequence[str], stdout: BinaryIO, stderr: TextIO) -> int:
    """Run one command line; the exit code. Prints to the streams given and to nothing else."""
    streams = Streams(stdout, stderr)
    try:
        if list(argv) == ["--version"]:
            # Before anything is loaded.
            streams.out(f"gocodemod {gocodemod.__version__}\n".encode())
            return 0
        return _run(list(argv), streams)
    except Interrupted as interrupt:
        return _stopped(streams, interrupt.number)
    except Exception as error:
        # What an interrupt broke on its way out is no failure of its own.
        return _stopped(streams, _STOP.number) if _STOP.number else _failed(streams, error)


def _stopped(streams: Streams, number: int) -> int:
    streams.err(f"gocodemod: {'interrupted' if number == signal.SIGINT else 'ended by a signal'}\n")
    return 128 + number


def _failed(streams: Streams, error: Exception) -> int:
    """Say what went wrong; the exit code."""
    if isinstance(error, GocodemodError):
        streams.err(f"gocodemod: {error}\n")
        return error.exit_code
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _REFUSED):
        streams.err(f"gocodemod: {_refused(error)}\n")
        return 2
    if os.environ.get("GOCODEMOD_DEBUG"):
        raise error
    about = f"{type(error).__name__}: {error}"
    streams.err(f"gocodemod: internal error: {about}\nThis is a bug; GOCODEMOD_DEBUG=1 shows where it is.\n")
    return 2


def _refused(error: Exception) -> str:
    if not isinstance(error, OSError):
        return "out of memory"
    return f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror}"


def _run(argv: list[str], streams: Streams) -> int:
    import click

    from gocodemod.cli.app import app

    printed = io.StringIO()
    try:
        # What typer prints itself, its help above all, goes to our streams too.
        with redirect_stdout(printed), redirect_stderr(streams.stderr):
            code = app(argv or ["--help"], standalone_mode=False, obj=streams, prog_name="gocodemod")
    except click.ClickException as error:
        streams.err(f"gocodemod: {error.format_message()}\nTry `gocodemod --help`.\n")
        return 2
    except click.Abort:
        return INTERRUPTED
    streams.out(printed.getvalue().encode("utf-8", "backslashreplace"))
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    entry()
