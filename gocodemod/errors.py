"""One family of exceptions: each message says what, where, and what to do."""

from __future__ import annotations


class GocodemodError(Exception):
    """Base of everything this project raises on purpose. ``exit_code`` is the process's (README)."""

    exit_code = 2


class Interrupted(BaseException):
    """Ctrl-C or a request to end. Not KeyboardInterrupt, of which typer makes an exit code without a word."""

    def __init__(self, number: int) -> None:
        """``number``: of the signal."""
        super().__init__(number)
        self.number = number


class UsageError(GocodemodError):
    """A flag, a path or a setting is wrong."""


class ToolchainError(GocodemodError):
    """Go is missing, too old, or did not answer in time."""


class TypesUnavailable(GocodemodError):
    """The type checker cannot speak about this file: guards turn it into ``types-unavailable``."""


class EditError(GocodemodError):
    """An edit is out of range, unsorted or overlaps another one: a bug in a transform."""


class NotIdempotent(GocodemodError):
    """A second pass over the result wanted to edit again: a bug in the named transforms."""


class PartlyDone(GocodemodError):
    """Some of the work could not be done; what succeeded is kept."""

    exit_code = 3
