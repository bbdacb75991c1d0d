"""The progress bar on a terminal, for runs that last."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from gocodemod.progress import NullProgress, Progress, Stage

# Seconds of a run before anything is shown.
_PATIENCE = 1.0


def choose(stderr: TextIO, wanted: bool) -> Progress:
    """A bar where somebody can see it, else nothing."""
    return TerminalProgress(stderr) if wanted and stderr.isatty() else NullProgress()


@dataclass
class _Counter:
    done: int = 0

    def advance(self, n: int = 1) -> None:
        self.done += n


class TerminalProgress:
    """Shows the stage under way once the run has lasted for more than a second, and takes it away at its end."""

    def __init__(self, stderr: TextIO, patience: float = _PATIENCE) -> None:
        self._stderr = stderr
        self._shown_from = time.monotonic() + patience

    @contextmanager
    def stage(self, name: str, total: int | None) -> Iterator[Stage]:
        counter, over = _Counter(), threading.Event()
        shower = threading.Thread(target=self._show, args=(name, total, counter, over), daemon=True)
        shower.start()
        try:
            yield counter
        finally:
            over.set()
            shower.join()

    def _show(self, name: str, total: int | None, counter: _Counter, over: threading.Event) -> None:
        if over.wait(max(0.0, self._shown_from - time.monotonic())):
            return
        # Loaded here, for it takes as long as a small run.
        from rich.console import Console
        from rich.progress import Progress as Bar

        with Bar(console=Console(file=self._stderr), transient=True) as bar:
            task = bar.add_task(name, total=total)
            while not over.wait(0.1):
                bar.update(task, completed=counter.done)
