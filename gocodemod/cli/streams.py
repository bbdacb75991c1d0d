"""Where a command writes: results to stdout as bytes, everything else to stderr as text."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import BinaryIO, TextIO

from gocodemod.errors import UsageError


@dataclass
class Streams:
    """The two streams of a command; who closes the reading end of one early is not told about it."""

    stdout: BinaryIO
    stderr: TextIO
    _hidden: list[str] = field(default_factory=list, repr=False)

    def hide(self, secret: str) -> None:
        """From now on this text is replaced wherever it would be written. Nothing should hold it; this is the last net."""
        self._hidden.append(secret)

    def _covered(self, data: bytes) -> bytes:
        for secret in self._hidden:
            data = data.replace(secret.encode(), b"***")
        return data

    def out(self, data: bytes) -> None:
        """Write results. Raises UsageError where that cannot be done, as on a full disk."""
        try:
            self.stdout.write(self._covered(data))
            self.stdout.flush()
        except BrokenPipeError:
            # Such as `| head`. What the interpreter flushes at its end must not fail again.
            self._silence(self.stdout)
        except OSError as error:
            self._silence(self.stdout)
            raise UsageError(f"standard output cannot be written: {error.strerror}") from error

    def err(self, text: str) -> None:
        """Write a message; characters that the stream cannot hold are escaped."""
        encoding = getattr(self.stderr, "encoding", None) or "utf-8"
        try:
            self.stderr.write(self._covered(text.encode(encoding, "backslashreplace")).decode(encoding))
            self.stderr.flush()
        except BrokenPipeError:
            self._silence(self.stderr)

    def deliver(self, data: bytes, output: str | None) -> None:
        """Write results to the file named, in one step, or to stdout. Raises UsageError where that cannot be written."""
        if output is None:
            self.out(data)
            return
        from gocodemod.deliver.write import atomic

        try:
            atomic(output, self._covered(data))
        except OSError as error:
            raise UsageError(f"{output}: cannot be written: {error.strerror}") from error

    def colour(self, choice: str, stream: BinaryIO | TextIO) -> bool:
        """Whether to colour what goes to the stream (https://no-color.org is followed)."""
        if choice != "auto":
            return choice == "always"
        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    @staticmethod
    def _silence(stream: BinaryIO | TextIO) -> None:
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())
        except OSError:
            pass
        finally:
            os.close(null)
