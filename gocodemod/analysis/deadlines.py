"""Is the work that is waited for bounded already, by a context with a deadline?"""

from __future__ import annotations

from collections.abc import Sequence

from gocodemod.analysis import outliving, receives, signals
from gocodemod.analysis.view import View
from gocodemod.analysis.workers import Worker


def of_the_work(view: View, workers: Sequence[Worker]) -> bool:
    """Whether each goroutine works with a context to which this function, or the goroutine itself, gave a deadline."""
    parent = signals.parent(view)
    timed = parent.signal.object if parent is not None and parent.timed else ""
    return bool(workers) and all(_of_its_own(w) or (timed and _uses(view, w, timed)) for w in workers)


def _of_its_own(worker: Worker) -> bool:
    return any(c.name in receives.DEADLINES for piece in worker.pieces for c in piece.calls_in(piece.node))


def _uses(view: View, worker: Worker, context: str) -> bool:
    return any(v.id == context for v in outliving.shared_with(view, worker))
