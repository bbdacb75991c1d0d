"""Is the work that is waited for bounded already: by a context with a deadline, or because nothing in it can wait?"""

from __future__ import annotations

from collections.abc import Sequence

from gocodemod.analysis import blocking, endings, outliving, receives, signals
from gocodemod.analysis.endings import Verdict
from gocodemod.analysis.view import View
from gocodemod.analysis.workers import Worker
from gocodemod.transform import Context


def of_the_work(view: View, workers: Sequence[Worker]) -> bool:
    """Whether each goroutine works with a context to which this function, or the goroutine itself, gave a deadline."""
    parent = signals.parent(view)
    timed = parent.signal.object if parent is not None and parent.timed else ""
    return bool(workers) and all(_of_its_own(w) or (timed and _uses(view, w, timed)) for w in workers)


def _of_its_own(worker: Worker) -> bool:
    return any(c.name in receives.DEADLINES for piece in worker.pieces for c in piece.calls_in(piece.node))


def _uses(view: View, worker: Worker, context: str) -> bool:
    return any(v.id == context for v in outliving.shared_with(view, worker))


def only_computes(context: Context, workers: Sequence[Worker]) -> bool:
    """Whether all that the goroutines do is seen to come to its end, and to wait for no file, peer or process."""
    return bool(workers) and all(_computes(context, w) for w in workers)


def _computes(context: Context, worker: Worker) -> bool:
    ending = endings.of(context, worker.view, worker.view.node)
    if ending.verdict is not Verdict.ENDS or ending.unseen or ending.sleeps:
        return False
    names = (call.name for body in ending.reach.bodies for call in body.calls if call.name)
    return not any(blocking.package_of(name) in blocking.FILES for name in names)
