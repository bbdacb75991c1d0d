"""How a run tells what it is busy with; what is shown of it is the command line's business."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Stage(Protocol):
    """One stage under way."""

    def advance(self, n: int = 1) -> None:
        """Say that ``n`` more of the stage's total are done."""
        ...


class Progress(Protocol):
    """Told of each stage in turn; stages do not overlap."""

    def stage(self, name: str, total: int | None) -> AbstractContextManager[Stage]:
        """Enter a stage; ``total`` is None where the amount of work is not known beforehand."""
        ...


class _NullStage:
    def advance(self, n: int = 1) -> None:
        pass


class NullProgress:
    """Shows nothing."""

    def stage(self, name: str, total: int | None) -> AbstractContextManager[Stage]:  # noqa: ARG002
        return nullcontext(_NullStage())
