"""What a function returns when a loop in it is told to stop: the error's shape, or what it returns when it gives up."""

from __future__ import annotations

import re

from tree_sitter import Node

from gocodemod.analysis import effects, flow
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Result

_CONSTANT = frozenset(
    {"nil", "true", "false", "int_literal", "float_literal", "interpreted_string_literal", "unary_expression"}
)
_PLAIN = _CONSTANT | {"composite_literal"}
# A condition with one of these asks whether the time is up.
_TIME_IS_UP = re.compile(r"\btime\.(?:Now|Since|Until)\(|\.(?:After|Before|Sub)\(")


def told_as_success(view: View, loop: Node) -> str | None:
    """``if errors.Is(err, context.Canceled) { return nil }``: what this loop takes a stop for."""
    for node in flow.inside(loop):
        test = node.child_by_field_name("condition") if node.type == "if_statement" else None
        then = node.child_by_field_name("consequence") if test is not None else None
        if test is not None and then is not None and "context.Canceled" in view.text(test):
            inner = flow.statements(then)
            values = _values(inner[0]) if len(inner) == 1 else []
            if values and values[-1].type == "nil" and all(v.type in _CONSTANT for v in values):
                return view.text(inner[0])
    return None


def error_returns(loop: Node) -> list[Node]:
    """Returns in the loop whose last value is not nil: they skip what stands behind the loop already."""
    return [n for n in flow.inside(loop) if (values := _values(n)) and values[-1].type != "nil"]


def _values(node: Node) -> list[Node]:
    if node.type != "return_statement" or not node.named_children:
        return []
    return [c for c in node.named_children[0].named_children if c.type != "comment"]


def usual_values(view: View, returns: list[Node], results: tuple[Result, ...]) -> tuple[list[str] | None, bool]:
    """What to return before the error, None where it cannot be written; and whether nothing known speaks against it.

    What the error returns around the wait agree on (``return -1, err``, ``return n, err``), named results, zero values.
    """
    values: list[str] = []
    sure = True
    for position, result in enumerate(results):
        found = [v[position] for r in returns if len(v := _values(r)) == len(results) + 1]
        usual, named = _agreed(view, found), _named(view, result)
        if usual is not None and not _left_over(view, result, usual):
            values.append(view.text(usual))
        elif usual is None and named and not _left_over(view, result, None):
            values.append(result.name)
        elif result.zero is None:
            return None, False
        else:
            # Where the returns differ, or hold what has been done so far, a person should look.
            sure = sure and (usual is not None or all(v.type in _PLAIN for v in found))
            values.append(_zero_variable(view, position) or result.zero if "new(" in result.zero else result.zero)
    return values, sure


def _agreed(view: View, found: list[Node]) -> Node | None:
    return found[0] if len({view.text(v) for v in found}) == 1 and _same_there(view, found[0]) else None


def _named(view: View, result: Result) -> bool:
    here = view.facts.lookup(view.path, view.node.start_byte, result.name) if result.name not in ("", "_") else None
    return here is not None and here.kind == "result"


def _left_over(view: View, result: Result, value: Node | None) -> bool:
    """A pointer or interface from the round that failed: beside an error it would be nil, or belong to nobody.

    ``value`` None: the named result itself. One that a deferred literal may look at stays what it is.
    """
    if result.zero != "nil" or result.type.startswith(("[", "map[")):
        return False
    here = view.facts.lookup(view.path, view.node.start_byte, result.name if value is None else view.text(value))
    if here is None or here.kind not in ("var", "result") or (value is not None and value.type != "identifier"):
        return False
    return here.kind == "var" or all(r.literals == view.literals for r in view.refs_of(here.id))


def _same_there(view: View, value: Node) -> bool:
    """Whether a value means the same at the wait: a constant, or a name in scope there."""
    if value.type in _CONSTANT:
        return "<-" not in view.text(value)
    ref = view.ref_at(value) if value.type == "identifier" else None
    here = view.facts.lookup(view.path, view.node.start_byte, view.text(value)) if ref is not None else None
    return ref is not None and here is not None and here.id == ref.object


def _zero_variable(view: View, position: int) -> str | None:
    """The variable that the function's returns have in that place, if it is never given a value (``var zero T``)."""
    for node in flow.inside(view.function):
        values = _values(node)
        if position < len(values) and values[position].type == "identifier" and _same_there(view, values[position]):
            ref = view.ref_at(values[position])
            uses = view.refs_of(ref.object) if ref is not None else ()
            if all(u.role in ("return", "compare") or (u.role == "define" and u.value_start < 0) for u in uses):
                return view.text(values[position])
    return None


def give_up(view: View, loop: Node) -> str | None:
    """The return that says that the loop's tries or its time are used up: false, where success is true.

    It stands right behind a loop that counts or looks at the time, or under a test of the time in the loop.
    """
    found = {view.text(r) for r in (*_behind(view, loop), *_when_time_is_up(view, loop))}
    others = [_values(n) for n in flow.inside(loop) if n.type == "return_statement" and view.text(n) not in found]
    succeeds = bool(others) and all(values and values[-1].type == "true" for values in others)
    return found.pop() if len(found) == 1 and succeeds else None


def _behind(view: View, loop: Node) -> list[Node]:
    following = [s for s in flow.siblings(flow.labelled(loop))[1] if not effects.only_logs(view, s)]
    breaks = any(n.type == "break_statement" for n in flow.exits(loop))
    test = flow.condition(loop)
    tries = flow.counts(view.facts, view.path, loop)
    timed = test is not None and not re.search(r"&&|\|\|", text := view.text(test)) and _TIME_IS_UP.search(text)
    return [r for r in following[:1] if (tries or timed) and not breaks and _says_no(r)]


def _when_time_is_up(view: View, loop: Node) -> list[Node]:
    found = []
    for node in flow.inside(loop):
        test = node.child_by_field_name("condition") if node.type == "if_statement" else None
        then = node.child_by_field_name("consequence") if test is not None else None
        if test is not None and then is not None and _TIME_IS_UP.search(view.text(test)):
            inner = flow.statements(then)
            found += [inner[-1]] if inner and _says_no(inner[-1]) else []
    return found


def _says_no(statement: Node) -> bool:
    """``return false``, ``return nil, false``: constants, the last of them false."""
    values = _values(statement)
    return bool(values) and values[-1].type == "false" and all(v.type in _CONSTANT for v in values)


def failure_values(view: View) -> list[str] | None:
    """What the function returns before an error: the constant that its failing returns agree on, else zero values.

    None where one of them cannot be written at ``view.node``.
    """
    results = view.functions[0].results[:-1]
    established = [v for r in error_returns(view.function) if len(v := _values(r)) == len(results) + 1]
    values: list[str] = []
    for position, result in enumerate(results):
        found = [v[position] for v in established]
        texts = {view.text(v) for v in found}
        if len(texts) == 1 and found[0].type in _CONSTANT and "<-" not in view.text(found[0]):
            values.append(texts.pop())
        elif result.zero is None:
            return None
        else:
            values.append(result.zero)
    return values
