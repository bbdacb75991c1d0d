"""Find the cheapest way from a stop signal to one place: whose signature changes, and what every caller hands over."""

from __future__ import annotations

from dataclasses import dataclass, field

from gocodemod.analysis.later import runs_later
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Function
from gocodemod.model import Refusal
from gocodemod.thread import afterwards, functions, lifecycle
from gocodemod.thread.functions import Called, Step
from gocodemod.thread.plan import Draft, Plan, World


@dataclass
class Planner:
    """Plans for many places of one world. What is found out about a function is kept for all that need it."""

    world: World
    _steps: dict[str, Step | Refusal] = field(default_factory=dict)

    def plan(self, view: View) -> Plan | Refusal:
        """How a signal gets to the function that ``view`` shows, or why it cannot.

        The end of the type that started a goroutine is nearer to it than any caller's context.
        """
        try:
            own = lifecycle.plan(self.world, view)
        except TypesUnavailable as error:
            own = Refusal("types-unavailable", str(error))
        if isinstance(own, Plan):
            return own
        handed = self._handed(view)
        if own is None or isinstance(handed, Plan):
            return handed
        return Refusal(own.reason, f"{own.message}; {handed.message}")

    def _handed(self, view: View) -> Plan | Refusal:
        """How a context is handed to the function by its callers."""
        declared = view.functions[-1]
        if declared.kind != "declaration":
            return Refusal("no-stop-signal", "the code is in no declared function, so nothing can hand it a context")
        literals = [f for f in view.functions if f.kind == "literal"]
        apart = any(runs_later(view, f) for f in literals) and not functions.stays(self.world, view)
        try:
            steps = self._collect(declared, view.path, apart)
        except TypesUnavailable as error:
            return Refusal("types-unavailable", str(error))
        if isinstance(steps, Refusal):
            return steps
        if not _reached(steps, declared.object):
            return Refusal(
                "no-stop-signal",
                f"nothing but tests and itself calls {steps[declared.object].shown}, so nothing can hand it a context",
            )
        against = afterwards.problem(self.world, steps, view)
        return _plan(steps, declared.object, against)

    def _collect(self, first: Function, path: str, apart: bool) -> dict[str, Step] | Refusal:
        """Every function that gets a parameter, the site's own first, then its callers, and theirs."""
        found: dict[str, Step] = {}
        seen: set[tuple[str, bool]] = set()
        level = [(first, path, apart)]
        above = 0
        while level:
            further: list[tuple[Function, str, bool]] = []
            for function, where, outlives in level:
                if (function.object, outlives) in seen:
                    continue
                seen.add((function.object, outlives))
                step = self._step(function, where)
                if isinstance(step, Refusal):
                    return step
                if above >= self.world.depth and not step.main and function.object not in found:
                    return Refusal(
                        "thread-too-deep",
                        f"{step.shown} would get a parameter, too, {above + 1} functions up (--thread-depth {self.world.depth})",
                    )
                found[function.object] = step
                for call in step.calls:
                    caller = self.world.facts.functions(call.path, call.arguments.start_byte)[-1]
                    past = call.apart or (outlives and not call.stays())
                    if call.text is None:
                        further.append((caller, call.path, past))
                    elif outlives and past and not call.path.endswith("_test.go"):
                        return Refusal(
                            "outlives-signal",
                            f"{call.name} would hand {call.text} to {step.shown}, which starts or keeps what may run "
                            "when that has ended",
                        )
            level = further
            above += 1
        return found

    def _step(self, function: Function, path: str) -> Step | Refusal:
        if function.object not in self._steps:
            self._steps[function.object] = functions.step(self.world, function, path)
        return self._steps[function.object]


def _reached(steps: dict[str, Step], first: str) -> bool:
    """Whether some way leads from a context to the function: functions that only call each other have none, and those of
    tests end when all is over.
    """
    queue, seen = [first], {first}
    while queue:
        step = steps[queue.pop()]
        if step.main or any(_ends(step, c) for c in step.calls):
            return True
        further = {c.caller for c in step.calls if c.text is None} - seen
        seen |= further
        queue += further
    return False


def _ends(step: Step, call: Called) -> bool:
    """Whether the call hands over what may end while the function runs; a test's counts only for what is there for tests."""
    of_test = call.path.endswith("_test.go") and not step.path.endswith("_test.go")
    return call.text is not None and call.ends and not of_test


def _plan(steps: dict[str, Step], first: str, against: Refusal | None) -> Plan:
    draft = Draft()
    for step in steps.values():
        for edit in step.edits:
            draft.add(step.path, edit, *step.imports)
        for call in step.calls:
            text = call.text if call.text is not None else steps[call.caller].parameter
            draft.add(call.path, call.edit(text), *call.imports)
    mains = tuple(sorted(s.path for s in steps.values() if s.main))
    return Plan(draft.changes(), _way(steps, first), mains, against)


def _way(steps: dict[str, Step], first: str) -> tuple[str, ...]:
    """One way from the signal to the site: up the first caller of each function that was not met before."""
    way: list[str] = []
    met: set[str] = set()
    current: Step | None = steps[first]
    while current is not None:
        met.add(current.object)
        more = len(current.calls) - 1
        callers = f" and {more} more {'caller' if more == 1 else 'callers'}" if more > 0 else ""
        way.append(current.shown if current.main else f"{current.shown}({current.parameter})")
        following: Step | None = None
        call = next((c for c in current.calls if c.text is not None or c.caller not in met), None)
        if call is not None and call.text is not None:
            way.append(f"{call.name} ({call.text}){callers}")
        elif call is not None:
            following = steps[call.caller]
            if callers:
                way[-1] += f" [called by {following.shown}{callers}]"
        current = following
    return tuple(reversed(way))
