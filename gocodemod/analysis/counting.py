"""The edits that put a goroutine into a group."""

from __future__ import annotations

from collections.abc import Iterable

from tree_sitter import Node

from gocodemod.analysis import flow, layout
from gocodemod.analysis.waits import Plan
from gocodemod.golang.source import Source
from gocodemod.golang.versions import GROUP_GO, Language
from gocodemod.model import Edit


def count(source: Source, language: Language, start: Node, group: str, inside: str = "") -> list[Edit]:
    """Count the goroutine of ``go func(...) {...}(...)`` in the group: by ``group.Go`` where the language has it and the
    literal takes and gives nothing, else by Add before it and a deferred Done first in it.

    ``inside``: what the group is called in the literal, where that differs.
    """
    call = start.named_children[-1]
    literal, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    body = flow.body(literal) if literal is not None else None
    assert literal is not None and arguments is not None and body is not None, "the query matched a call of a literal"
    if language.file >= GROUP_GO and _takes_and_gives_nothing(literal) and source.text(arguments) == b"()":
        between = source.data[start.start_byte : literal.start_byte]
        if between.strip() == b"go":
            return [
                layout.edit(start.start_byte, literal.start_byte, f"{group}.Go("),
                layout.edit(arguments.start_byte, arguments.end_byte, ")"),
            ]
    return [
        layout.edit(start.start_byte, start.start_byte, f"{group}.Add(1)\n"),
        layout.prepend(source, body, f"defer {inside or group}.Done()\n"),
    ]


def _takes_and_gives_nothing(literal: Node) -> bool:
    parameters = literal.child_by_field_name("parameters")
    return parameters is not None and not parameters.named_children and literal.child_by_field_name("result") is None


def declare(source: Source, plan: Plan, group: str, sync: str) -> list[Edit]:
    """Declare the group and wait for it where the plan says."""
    top = layout.above_comments(source, plan.declare)
    text = f"var {group} {sync}.WaitGroup\n"
    match plan.form:
        case "deferred":
            return [layout.edit(top, top, f"{text}defer {group}.Wait()\n")]
        case "inside":
            return [layout.edit(top, top, text), *_inside(source, plan, group)]
        case "after":
            wait = layout.behind(source, plan.at, f"{group}.Wait()\n")
        case _ if plan.at.type == "block":
            wait = layout.append(source, plan.at, f"{group}.Wait()\n")
        case _:
            at = layout.above_comments(source, plan.at)
            wait = layout.edit(at, at, f"{group}.Wait()\n")
    return [layout.edit(top, top, text), wait]


def _inside(source: Source, plan: Plan, group: str) -> list[Edit]:
    """Behind the cancel in a deferred literal; a deferred call becomes such a literal, a comment on its line stays there."""
    if plan.at != plan.outer:
        return [layout.behind(source, plan.at, f"{group}.Wait()\n")]
    call = plan.at.named_children[0]
    return [
        layout.edit(plan.at.start_byte, call.start_byte, "defer func() {\n"),
        layout.behind(source, plan.at, f"{group}.Wait()\n}}()\n"),
    ]


def merged(edits: Iterable[Edit]) -> list[Edit]:
    """Sorted, insertions at one place made one, in the order given."""
    found: list[Edit] = []
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        last = found[-1] if found else None
        if last is not None and last.start == edit.start and (last.end == last.start):
            found[-1] = Edit(edit.start, edit.end, last.new + edit.new)
        else:
            found.append(edit)
    return found
