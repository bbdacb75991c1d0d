"""Wait for goroutines that nobody waits for.

A goroutine that its starter does not wait for may be cut off when the program ends: its deferred calls do not run, its
error is not seen, a test finds it still running. The rewrite counts it in a ``sync.WaitGroup`` and waits for it, where it
is known that the wait comes to an end.

| the goroutine | the edit |
|---|---|
| local: it ends, and so does the function that starts it | ``var wg sync.WaitGroup`` before, ``wg.Wait()`` where the function ends |
| ... and it waits for what a ``defer`` cancels or closes | ``wg.Wait()`` inside that defer, after the cancel |
| owner: it ends when Close, Stop or Shutdown of the starter's type is called | a field ``wg sync.WaitGroup``, ``wg.Wait()`` there |

From Go 1.25 a literal without parameters becomes ``wg.Go(func() {...})``; below, and with parameters, it gets ``wg.Add(1)``
before the go statement and ``defer wg.Done()`` first in its body. A sync.WaitGroup that the function has already, and waits
for, is used instead of another one.

The group is declared before the go statement, or before the loop it stands in. It waits before the one return at the end,
or at the end of the body; deferred right after the declaration where the function returns in several places, where the
last return calls something, where the ``defer cancel()`` that ends the goroutine stands behind its start, and where it
returns an error (a plain Wait in such a function would be a site of ``wait-timeout``). Before the first statement that
reads what the goroutine writes, and after the plain statement that cancels what it waits for, the Wait is plain whatever
the function returns. Deferred calls run last in, first out: what is deferred before the Wait (an Unlock, say) is still to
come when it runs, what is deferred after it is over. So a lock that is given back by an earlier defer is held at the
Wait. A panic in the function waits, too.

The level is review everywhere: a function that waits returns later. The evidence lists the goroutine's deferred calls, which
are what the join is for, and the calls that could not be looked into.

Not handled, and why: goroutines that do not end (``never-ends``), may not (``end-unknown``: methods of interfaces and of
other modules and function values may be anything) or take their time (``ends-late``); deadlocks (``lock-held-at-wait``,
``joins-itself``, ``unbuffered-send``, ``pipe-in-use``, ``waits-for-the-group``); starters that do not wait on purpose
(``outlives-starter``, ``runs-apart``, ``waits-its-own-way``) or must not (``request-handler``). ``gocodemod explain
REASON`` has the rest.

Sources: https://pkg.go.dev/sync#WaitGroup, https://go.dev/ref/spec#Defer_statements,
https://go.dev/ref/spec#Program_execution.
"""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from gocodemod.analysis import stopping, unjoined
from gocodemod.analysis.unjoined import Goroutine
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Fix
from gocodemod.transform import Candidate, Context, Transform

QUERY = "(go_statement (call_expression function: (func_literal))) @site"
NEEDLES = (b"go func",)


def match(source: Source, node: Node) -> Node | None:  # noqa: ARG001
    return node


def decide(candidate: Candidate, context: Context) -> Decision | None:
    found = Goroutine.of(context, candidate.source, candidate.node)
    if found is None or found.joined:
        return None
    decided = stopping.decide(context, found) or unjoined.decide(context, found)
    if not isinstance(decided, Fix):
        return decided
    timing = "what waits returns only when the goroutine has ended"
    return replace(decided, evidence={**decided.evidence, "timing": timing})


transform = Transform(
    __name__, __doc__, QUERY, NEEDLES, match, decide, subject="wait for goroutines that nobody waits for"
)
