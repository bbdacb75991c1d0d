"""What ties a goroutine to somebody other than its starter: pipes, and what the starter returns or stores."""

from __future__ import annotations

import re

from tree_sitter import Node

from gocodemod.analysis import captures, origins
from gocodemod.analysis.reach import Reach
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref
from gocodemod.model import Refusal

_PIPES = frozenset({"*io.PipeReader", "*io.PipeWriter"})
# Opening a named pipe waits for whoever opens its other end.
_NAMED_PIPES = frozenset(
    {"syscall.Mkfifo", "golang.org/x/sys/unix.Mkfifo", "golang.org/x/sys/unix.Mkfifoat", "syscall.Mknod"}
)
_OPENS = frozenset({"os.OpenFile", "os.Open", "os.Create", "os.ReadFile", "os.WriteFile"})
_PIPE_CALL = re.compile(r".*(Pipe|Pipes)$")
# Types through which nobody can talk to a goroutine.
_PLAIN = re.compile(
    r"(\[\]|\[\d+\]|map\[(string|u?int\d*|bool|byte)\])*"
    r"(string|bool|byte|rune|error|u?int(8|16|32|64)?|uintptr|float(32|64)|complex(64|128)|time\.(Time|Duration|Month)|any)"
)


def pipe(view: View, literal: Node, reached: Reach) -> str:
    """What the literal works with that is one end of a pipe, by its name; ``""`` if there is none."""
    for variable in captures.captured(view, literal):
        known = view.facts.object(variable)
        if known is not None and (known.type in _PIPES or _from_pipe(view, variable)):
            return known.name
    for parameter, given in captures.given(view, literal).items():
        known, source = view.facts.object(parameter), view.facts.object(given) if given else None
        if known is not None and (known.type in _PIPES or (source is not None and _from_pipe(view, given))):
            return known.name
    if any(c.name in _NAMED_PIPES for c in view.calls):
        opens = [c.name for body in reached.bodies for c in body.calls if c.name in _OPENS]
        if opens:
            return f"what {opens[0]} opens"
    for body in reached.bodies:
        for ref in body.view.refs_in(body.view.node):
            known = body.view.facts.object(ref.object) if ref.object else None
            if known is not None and known.kind in ("field", "var") and known.type in _PIPES:
                return known.name
    return ""


def _from_pipe(view: View, variable: str) -> bool:
    """A variable made by ``os.Pipe``, ``net.Pipe``, ``cmd.StdinPipe()`` and the like."""
    known = view.facts.object(variable)
    if known is None or known.scope != "function":
        return False
    return any(o.call is not None and _PIPE_CALL.match(o.call.name) for o in origins.of(view, variable))


def kept(view: View, literal: Node) -> Refusal | None:
    """Something that the goroutine works with and that its starter returns or stores: others go on with it afterwards."""
    held = [o for o in [*captures.captured(view, literal), *captures.given(view, literal).values()] if o]
    for variable in dict.fromkeys(held):
        known = view.facts.object(variable)
        if known is None or known.kind == "field" or _PLAIN.fullmatch(known.underlying) or known.type == "error":
            continue
        for ref in view.refs_of(variable):
            if literal.start_byte <= ref.start < literal.end_byte or ref.literals != view.literals:
                continue
            if _returned(view, ref):
                return Refusal("outlives-starter", f"{known.name}, which the goroutine works with, is returned")
            if _stored(view, ref, known):
                line = view.line(ref.start)
                return Refusal(
                    "outlives-starter", f"{known.name}, which the goroutine works with, is stored at line {line}"
                )
    return None


def _returned(view: View, ref: Ref) -> bool:
    """Whether a return statement hands the variable itself (or something made of it) to the caller."""
    node = view.source.node_at(ref.outer_start, ref.outer_end)
    current: Node | None = node
    while current is not None and current.type != "statement_list":
        if current.type == "return_statement":
            return True
        if current.type in ("call_expression", "selector_expression", "index_expression", "binary_expression"):
            return False  # what a call makes of it, or a part of it
        if current.type == "func_literal":
            return False
        current = current.parent
    return False


def _stored(view: View, ref: Ref, known: Object) -> bool:
    """Whether it becomes the value of a field, an element or a variable that outlives the function."""
    node = view.source.node_at(ref.outer_start, ref.outer_end)
    if known.kind == "receiver":
        return False
    current: Node | None = node
    while current is not None and current.parent is not None and current.type != "statement_list":
        parent = current.parent
        if parent.type in (
            "call_expression",
            "selector_expression",
            "index_expression",
            "binary_expression",
            "func_literal",
        ):
            return False
        if parent.type == "assignment_statement" and parent.child_by_field_name("right") == current:
            left = parent.child_by_field_name("left")
            return any(_outside(view, target) for target in (left.named_children if left is not None else []))
        if parent.type == "send_statement":
            return parent.child_by_field_name("value") == current
        current = parent
    return False


def _outside(view: View, target: Node) -> bool:
    if target.type != "identifier":
        return True
    ref = view.ref_at(target)
    known = view.facts.object(ref.object) if ref is not None and ref.object else None
    return known is not None and not view.declares(view.function, known)
