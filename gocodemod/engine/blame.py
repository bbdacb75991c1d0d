"""Find the fixes that a check does not pass with, asking it as rarely as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from gocodemod.engine.edits import Proposal
from gocodemod.model import Site

Problem = TypeVar("Problem")


def blame(
    probe: Callable[[Sequence[Proposal]], Problem | None],
    proposals: Sequence[Proposal],
    suspects: Iterable[Proposal] = (),
) -> dict[Site, Problem]:
    """The fixes to take back so that ``probe`` finds nothing, with what it says of each.

    ``probe``: what is wrong with these fixes taken together, None if nothing. ``suspects`` are tried last, so that
    the others are cleared with one probe. Costs about k log n probes for k culprits among n.
    """
    last = {p.site for p in suspects}
    good: list[Proposal] = []
    blamed: dict[Site, Problem] = {}

    def admit(candidates: Sequence[Proposal]) -> None:
        if not candidates:
            return
        problem = probe(sorted([*good, *candidates], key=lambda p: p.order))
        if problem is None:
            good.extend(candidates)
        elif len(candidates) == 1:
            blamed[candidates[0].site] = problem
        else:
            half = len(candidates) // 2
            admit(candidates[:half])
            admit(candidates[half:])

    admit([p for p in proposals if p.site not in last])
    admit([p for p in proposals if p.site in last])
    return blamed
