"""Is the work that is waited for bounded already: by a context with a deadline, or the caller's, or because nothing in it can
wait?
"""

from __future__ import annotations

from collections.abc import Sequence

from gocodemod.analysis import blocking, endings, outliving, reach, receives, signals
from gocodemod.analysis.endings import Verdict
from gocodemod.analysis.view import View
from gocodemod.analysis.workers import Worker
from gocodemod.model import Refusal
from gocodemod.transform import Context

_WALKS = frozenset({"path/filepath.Walk", "path/filepath.WalkDir", "io/fs.WalkDir", "os.RemoveAll", "os.CopyFS"})


def of_the_work(view: View, workers: Sequence[Worker]) -> bool:
    """Whether each goroutine works with a context to which this function, or the goroutine itself, gave a deadline."""
    parent = signals.parent(view)
    timed = parent.signal.object if parent is not None and parent.timed else ""
    return bool(workers) and all(_of_its_own(w) or (timed and _uses(view, w, timed)) for w in workers)


def _of_its_own(worker: Worker) -> bool:
    return any(c.name in receives.DEADLINES for piece in worker.pieces for c in piece.calls_in(piece.node))


def _uses(view: View, worker: Worker, context: str) -> bool:
    return any(v.id == context for v in outliving.shared_with(view, worker))


def none_wanted(context: Context, view: View, workers: Sequence[Worker], group: str) -> Refusal | None:
    """Why a number should not bound the wait for this work. ``group``: name of the WaitGroup that is waited for, or ``""``."""
    parent = signals.lasting_parent(view)
    if parent is not None and not parent.detached and (name := _of_the_caller(view, workers)):
        return Refusal("caller-sets-the-limit", f"the goroutine works with {name}, which the caller handed over")
    if (worker := _own_thread(workers)) is not None:
        return Refusal(
            "ends-by-itself", f"the goroutine started in line {worker.line} is a call on a thread of its own"
        )
    if call := _walks(context, workers):
        return Refusal("ends-by-itself", f"the goroutines end with {call}, which takes as long as there are files")
    if group and _only_computes(context, workers):
        return Refusal("ends-by-itself", f"the goroutines of {group} only compute: nothing in them can wait")
    return None


def _of_the_caller(view: View, workers: Sequence[Worker]) -> str:
    """The context parameter that each goroutine works with, by its name: then the caller says how long that may take."""
    found = [_of_a_parameter(view, w) for w in workers]
    return found[0] if found and all(found) else ""


def _of_a_parameter(view: View, worker: Worker) -> str:
    parameters = {p.id: p.name for p in view.functions[0].params}
    for variable in outliving.shared_with(view, worker):
        if variable.type != "context.Context" or not _works_with(worker, variable.id):
            continue
        chain = [variable.id]
        for context in chain:
            if context in parameters:
                return parameters[context]
            chain += (p for p in receives.parents(view, context) if p not in chain)
    return ""


def _works_with(worker: Worker, context: str) -> bool:
    """Whether the goroutine hands the context to something other than a log, or waits for its end."""
    view, start = worker.starter, worker.start
    for ref in view.refs_in(start):
        if ref.object != context:
            continue
        if "receive" in ref.role:
            return True
        around = [c for c in view.calls_in(start) if c.start <= ref.start < c.end]
        inner = max(around, key=lambda c: c.start, default=None)
        if ref.role != "argument" or inner is None:
            continue
        if not blocking.quiet(inner.name) or blocking.package_of(inner.name) == "context":
            return True
    return False


def _own_thread(workers: Sequence[Worker]) -> Worker | None:
    """A goroutine that was only started to have a thread that it may spoil: what it does is a call in all but name."""
    for worker in workers:
        if any(c.name == "runtime.LockOSThread" for piece in worker.pieces for c in piece.calls_in(piece.node)):
            return worker
    return None


def _walks(context: Context, workers: Sequence[Worker]) -> str:
    """A call of the goroutines that goes through a whole tree of files, by its name: it takes as long as there are files."""
    for worker in workers:
        for body in reach.reach(context, worker.view, worker.view.node).bodies:
            for call in body.calls:
                if call.name in _WALKS:
                    return call.name
    return ""


def _only_computes(context: Context, workers: Sequence[Worker]) -> bool:
    """Whether all that the goroutines do is seen to come to its end, and to wait for no file, peer or process."""
    return bool(workers) and all(_computes(context, w) for w in workers)


def _computes(context: Context, worker: Worker) -> bool:
    ending = endings.of(context, worker.view, worker.view.node)
    if ending.verdict is not Verdict.ENDS or ending.unseen or ending.sleeps:
        return False
    names = (call.name for body in ending.reach.bodies for call in body.calls if call.name)
    return not any(blocking.package_of(name) in blocking.FILES for name in names)
