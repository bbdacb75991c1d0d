"""Does a function go on when what it waits for has failed? Then it should not fail because that came too late, either.

It logs the failure, collects it, takes a default or tries again, where an early return would give up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tree_sitter import Node

from gocodemod.analysis import flow, names, returns
from gocodemod.analysis.view import View
from gocodemod.model import Refusal

# Words of functions that call what they are given again when it fails.
_TRIES = frozenset({"retry", "retries", "retrying", "backoff", "attempt", "attempts", "eventually", "poll"})


def problem(view: View, received: Collection[str]) -> Refusal | None:
    """Why a failure at ``view.node`` is nothing to return for. ``received``: ids of the variables that take what comes."""
    function = view.functions[0]
    tries = set(names.words(function.callee.rsplit(".", 1)[-1])) & _TRIES if function.started == "argument" else ()
    if tries:
        return Refusal(
            "goes-on-after-failure",
            f"{function.callee} calls this again when it fails: the work would run beside what was left behind",
        )
    for test, holds in _tests(view, received):
        then = test.child_by_field_name("consequence")
        if then is None:
            continue
        line = view.line(test.start_byte)
        if holds and not _fails(then):
            return Refusal("goes-on-after-failure", f"line {line} finds a failure, and the function goes on")
        if not holds and flow.loops_around(test):
            return Refusal("goes-on-after-failure", f"the loop goes on when line {line} finds a failure")
    return None


def _tests(view: View, received: Collection[str]) -> Iterator[tuple[Node, bool]]:
    """The ifs behind the wait that ask for an error among what was received; True for ``!= nil``."""
    for node in flow.inside(view.function):
        test = node.child_by_field_name("condition") if node.type == "if_statement" else None
        if test is not None and test.start_byte < view.node.start_byte:
            continue
        for part in flow.everything(test) if test is not None else ():
            left, right = part.child_by_field_name("left"), part.child_by_field_name("right")
            if part.type != "binary_expression" or left is None or right is None or right.type != "nil":
                continue
            known = view.facts.expr(view.path, left.start_byte, left.end_byte)
            if known is None or known.type != "error" or left.type not in ("identifier", "selector_expression"):
                continue
            ref = view.ref_at(flow.root(left))
            sign = part.child_by_field_name("operator")
            if ref is not None and ref.object in received and sign is not None:
                yield node, view.text(sign) == "!="


def _fails(then: Node) -> bool:
    """Whether a block comes to a return of a failure, or ends the program or test."""
    inner = flow.statements(then)
    last = inner[-1] if inner else None
    if last is None or not flow.ends_function(then):
        return False
    return last.type != "return_statement" or not last.named_children or last in returns.error_returns(then)
