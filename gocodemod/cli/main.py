"""The command line: ``gocodemod COMMAND``. Exit codes:

| exit | meaning |
|---|---|
| 0 | nothing to do, or all that was asked for was done |
| 1 | scan: sites found; diff: the diff is not empty |
| 2 | usage, configuration, no such path, dirty tree refused, or a bug of ours |
| 3 | done in part: something was rolled back, conflicted, diverged or could not be pushed; what succeeded is kept |
| 130 | interrupted; nothing half-written |
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import BinaryIO, TextIO

import gocodemod
from gocodemod.cli.streams import Streams
from gocodemod.errors import GocodemodError

INTERRUPTED = 130


def entry() -> None:
    """The console script."""
    raise SystemExit(main(sys.argv[1:], sys.stdout.buffer, sys.stderr))


def main(argv: Sequence[str], stdout: BinaryIO, stderr: TextIO) -> int:
    """Run one command line; the exit code. Prints to the streams given and to nothing else."""
    streams = Streams(stdout, stderr)
    if list(argv) == ["--version"]:
        # Before anything is loaded.
        streams.out(f"gocodemod {gocodemod.__version__}\n".encode())
        return 0
    try:
        return _run(list(argv), streams)
    except GocodemodError as error:
        streams.err(f"gocodemod: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        streams.err("gocodemod: interrupted\n")
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("GOCODEMOD_DEBUG"):
            raise
        about = f"{type(error).__name__}: {error}"
        streams.err(f"gocodemod: internal error: {about}\nThis is a bug; GOCODEMOD_DEBUG=1 shows where it is.\n")
        return 2


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
