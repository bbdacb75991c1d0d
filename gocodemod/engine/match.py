"""Find the sites of files by their syntax trees, in worker processes: a parse holds the interpreter's lock.

A query over a whole tree costs more than the parse, so it runs only around the first needle, which lies inside
every site. Trees cannot leave their process; what comes back says where the nodes are.
"""

from __future__ import annotations

import bisect
import hashlib
import multiprocessing
import os
import pickle
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import tree_sitter

from gocodemod.engine.discover import GoFile
from gocodemod.engine.suppress import Directives
from gocodemod.golang.source import Source, deeper
from gocodemod.model import Site
from gocodemod.needles import holds, occurrences
from gocodemod.progress import NullProgress, Progress, Stage
from gocodemod.transform import Transform

if TYPE_CHECKING:
    # Loaded when there is work for several processes.
    from concurrent.futures import ProcessPoolExecutor

# A pool takes about 0.1 s to start, in which one process parses this much.
_ENOUGH_FOR_POOL = 1_000_000
_BATCH = 200_000
# Levels of the tree of one declaration. Of sixty thousand functions the deepest has 408, to test a compiler with, and the
# deepest that is there to be used 65. What looks around in a function asks nodes for their parents again and again, which
# takes the square of the depth and more.
_DEEPEST = 500


@dataclass(frozen=True)
class Match:
    """A site as its tree shows it. ``error``: the top-level declaration around it holds a syntax error.

    Whether that is the file's own (``parse-error``) or our grammar's (``grammar-gap``) is for go/parser to say.
    ``suppressed``: a comment says to leave it alone; ``suppression`` is the reason given there.
    """

    site: Site
    error: bool
    suppressed: bool = False
    suppression: str = ""


# A file's path, and its matches or what went wrong.
_Found = tuple[str, list[Match], str]


@dataclass
class Matched:
    """``matches`` sorted by (path, start, transform). ``failed``: what went wrong, by path."""

    matches: list[Match] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def match(
    files: Sequence[GoFile],
    transforms: Sequence[Transform],
    *,
    root: str,
    jobs: int = 0,
    progress: Progress | None = None,
) -> Matched:
    """Sites of all transforms. ``root``: paths in fingerprints are relative to it. ``jobs`` 0: one worker per CPU.

    The result is the same for any ``jobs``. A file that cannot be searched (a worker died on it, a transform's
    ``match`` raised) is reported in ``failed``.
    """
    found = Matched()
    size = sum(len(file.data) for file in files)
    workers = min(jobs or _processors(), -(-size // _BATCH))
    pools = _Pools.available(transforms, root, workers) if workers > 1 and size >= _ENOUGH_FOR_POOL else None
    if pools is None:
        with (progress or NullProgress()).stage("match", len(files)) as stage:
            for file in files:
                _merge(found, [_guarded(file, transforms, root)], stage)
    else:
        _in_pool(pools, files, found, progress or NullProgress())
    found.matches.sort(key=lambda m: (m.site.path, m.site.start, m.site.transform))
    found.failed = dict(sorted(found.failed.items()))
    return found


def _merge(found: Matched, results: Sequence[_Found], stage: Stage) -> None:
    for path, matches, problem in results:
        found.matches += matches
        if problem:
            found.failed[path] = problem
    stage.advance(len(results))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# --- one file ---------------------------------------------------------------------------------------------------


def _guarded(file: GoFile, transforms: Sequence[Transform], root: str) -> _Found:
    try:
        return file.path, *search_file(file, transforms, root)
    except Exception as error:  # a transform's own code runs here: its bug must not end the run
        return file.path, [], f"{type(error).__name__}: {error}"


def match_file(file: GoFile, transforms: Sequence[Transform], root: str) -> list[Match]:
    """The sites of one file, sorted by (start, transform)."""
    return search_file(file, transforms, root)[0]


def search_file(file: GoFile, transforms: Sequence[Transform], root: str) -> tuple[list[Match], str]:
    """The sites of one file, sorted by (start, transform), and what of it was not searched, and why."""
    wanted = [t for t in transforms if (t.tests or not file.only_tests) and holds(file.data, t.needles)]
    if not wanted:
        return [], ""
    source = Source.parse(file.path, file.data)
    declarations = _Declarations(source)
    directives = Directives(source)
    relative = os.fsencode(os.path.relpath(file.path, root)).replace(os.sep.encode(), b"/")
    seen: Counter[tuple[bytes, ...]] = Counter()
    matches: list[Match] = []
    for transform in wanted:
        for node in sorted(_sites(source, transform, declarations), key=lambda n: (n.start_byte, n.end_byte)):
            text = b" ".join(source.text(node).split())
            # Lines do not count, so that a site keeps its name when something above it moves.
            key = (transform.name.encode(), relative, declarations.name(node), text)
            seen[key] += 1
            digest = hashlib.sha256(b"\0".join((*key, str(seen[key]).encode()))).hexdigest()[:16]
            why = directives.covering(node, transform.name)
            matches.append(
                Match(
                    _site(transform.name, file.path, node, digest),
                    declarations.broken(node),
                    why is not None,
                    why or "",
                )
            )
    return sorted(matches, key=lambda m: (m.site.start, m.site.transform)), declarations.problem()


def _site(transform: str, path: str, node: tree_sitter.Node, fingerprint: str) -> Site:
    return Site(
        transform=transform,
        path=path,
        start=node.start_byte,
        end=node.end_byte,
        line=node.start_point.row + 1,
        column=node.start_point.column + 1,
        end_line=node.end_point.row + 1,
        fingerprint=fingerprint,
    )


def _sites(source: Source, transform: Transform, declarations: _Declarations) -> Iterator[tree_sitter.Node]:
    ranges = tuple(occurrences(source.data, transform.needles[0])) if transform.needles else ()
    if ranges:
        # Before any query: in such code one around each needle gives all that is around it, again and again.
        ranges = tuple(r for r in ranges if not declarations.deep(r[0]))
        if not ranges:
            return
    taken: set[int] = set()
    for node in source.captures(transform.query, "site", ranges):
        if declarations.deep(node.start_byte):
            continue
        site = transform.match(source, node)
        if site is not None and site.id not in taken:
            taken.add(site.id)
            yield site


class _Declarations:
    """The top-level declarations of a file, by position."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._nodes = source.tree.root_node.children
        self._starts = [node.start_byte for node in self._nodes]
        self._deep: dict[int, bool] = {}

    def around(self, node: tree_sitter.Node) -> tree_sitter.Node | None:
        found = self._at(node.start_byte)
        return found if found is not None and found.end_byte >= node.end_byte else None

    def _at(self, offset: int) -> tree_sitter.Node | None:
        """The last one that starts there or before."""
        index = bisect.bisect_right(self._starts, offset) - 1
        return self._nodes[index] if index >= 0 else None

    def broken(self, node: tree_sitter.Node) -> bool:
        around = self.around(node)
        return around is None or around.has_error

    def deep(self, offset: int) -> bool:
        """Whether the declaration at the offset is nested too deep to be looked at."""
        found = self._at(offset)
        if found is None:
            return False
        if found.start_byte not in self._deep:
            self._deep[found.start_byte] = deeper(found, _DEEPEST)
        return self._deep[found.start_byte]

    def problem(self) -> str:
        """What was not looked at."""
        lines = [node.start_point.row + 1 for node in self._nodes if self._deep.get(node.start_byte)]
        return f"the code at line {lines[0]} is nested too deep" if lines else ""

    def name(self, node: tree_sitter.Node) -> bytes:
        """``(*Server) run``, ``run``, or what else the declaration declares first."""
        around = self.around(node)
        if around is None:
            return b""
        receiver = around.child_by_field_name("receiver")
        types = [p.child_by_field_name("type") for p in receiver.named_children] if receiver is not None else []
        named = around.child_by_field_name("name")
        if named is None:
            inner = next((c for c in around.named_children if c.type != "comment"), None)
            named = inner.child_by_field_name("name") if inner is not None else None
        return b" ".join(b"".join(self._source.text(n).split()) for n in (*types, named) if n is not None)


# --- many files -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pools:
    """How to start worker processes."""

    transforms: tuple[Transform, ...]
    root: str
    workers: int
    method: str

    @classmethod
    def available(cls, transforms: Sequence[Transform], root: str, workers: int) -> _Pools | None:
        """None where transforms cannot be handed to another process."""
        methods = multiprocessing.get_all_start_methods()
        # A fork copies one thread only, so what others hold locked stays locked in the child.
        if "fork" in methods and threading.active_count() == 1:
            return cls(tuple(transforms), root, workers, "fork")
        try:
            pickle.dumps(tuple(transforms))
        except (pickle.PicklingError, AttributeError, TypeError):
            return None
        return cls(tuple(transforms), root, workers, "forkserver" if "forkserver" in methods else "spawn")

    @contextmanager
    def start(self, workers: int) -> Iterator[ProcessPoolExecutor]:
        """A pool; nothing of it is left where the work in it is interrupted."""
        from concurrent.futures import ProcessPoolExecutor

        context = multiprocessing.get_context(self.method)
        pool = ProcessPoolExecutor(workers, context, _initialise, (self.transforms, self.root))
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.kill()
            raise
        finally:
            pool.shutdown()


_worker: tuple[tuple[Transform, ...], str] = ((), "")


def _initialise(transforms: tuple[Transform, ...], root: str) -> None:
    global _worker
    _worker = transforms, root
    # Ctrl-C is for who started this, who ends it; it was blocked while the process was made.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    from multiprocessing.connection import wait

    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let a signal wait: what Python runs around a fork would swallow the exception that it raises."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(batch: Sequence[GoFile]) -> list[_Found]:
    transforms, root = _worker
    return [_guarded(file, transforms, root) for file in batch]


def _in_pool(pools: _Pools, files: Sequence[GoFile], found: Matched, progress: Progress) -> None:
    from concurrent.futures import as_completed
    from concurrent.futures.process import BrokenProcessPool

    lost: list[list[GoFile]] = []
    with pools.start(pools.workers) as pool:
        futures = {}
        for batch in _batches(files):
            try:
                with _undisturbed():
                    futures[pool.submit(_work, batch)] = batch
            except BrokenProcessPool:
                lost.append(batch)
        # Only now, for showing progress may take a thread, and threads and forks do not go together.
        with progress.stage("match", len(files)) as stage:
            for future in as_completed(futures):
                try:
                    _merge(found, future.result(), stage)
                except BrokenProcessPool:
                    lost.append(futures[future])
    while lost:
        # Somewhere in here is the file that kills its worker: each try is alone, so that only the guilty one goes.
        batch = lost.pop()
        try:
            with pools.start(1) as pool, NullProgress().stage("match", None) as stage:
                with _undisturbed():
                    future = pool.submit(_work, batch)
                _merge(found, future.result(), stage)
        except BrokenProcessPool:
            if len(batch) > 1:
                lost += [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
            else:
                found.failed[batch[0].path] = "the process that parsed it died"


def _batches(files: Sequence[GoFile]) -> Iterator[list[GoFile]]:
    """Files in lots of about the same size, biggest first, so that no worker ends long after the others."""
    batch: list[GoFile] = []
    size = 0
    for file in sorted(files, key=lambda f: (-len(f.data), f.path)):
        batch.append(file)
        size += len(file.data)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
