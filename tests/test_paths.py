"""Which statements may run after which."""

from __future__ import annotations

import pytest

from gocodemod.analysis import flow
from gocodemod.analysis.paths import Paths, Reached
from gocodemod.golang.source import Source


def reached(body: str) -> tuple[list[str], bool, bool]:
    """What is reached from ``x()`` without passing a statement that names ``stop``: jumps, the end, ``x()`` itself."""
    source = Source.parse("/x.go", f"package p\nfunc f() {{ {body} }}\n".encode())
    function = source.tree.root_node.named_children[-1]
    block = flow.body(function)
    assert block is not None
    start = next(n for n in flow.everything(block) if n.type == "expression_statement" and n.text == b"x()")
    found: Reached = Paths(flow.statements(block)).after(start, lambda n: b"stop" in (n.text or b""))
    return [(j.text or b"").decode() for j in found.jumps], found.falls, found.again


@pytest.mark.parametrize(
    ("body", "jumps", "falls", "again"),
    [
        ("x(); if c { return }; y()", ["return"], True, False),
        ("x(); if c { stop(); return } else if d { return 1 } else { stop() }", ["return 1"], False, False),
        ("x(); stop()", [], False, False),
        ("x(); panic(1)", [], False, False),
        ("x(); for {}", [], False, False),
        ("x(); for i := 0; stop; i++ {}", [], False, False),
        ("for { x(); if c { continue }; if d { break }; stop() }", [], True, True),
        ("for range c { x(); select { case <-q: break; default: return } }", ["return"], True, True),
        ("L: for { for { x(); continue L } }", [], False, True),
        ("x(); switch { case a: stop(); default: return }", ["return"], False, False),
        ("x(); switch v { case 1: fallthrough; case 2: stop(); default: stop() }", [], False, False),
        ("x(); switch v { case 1: stop() }", [], True, False),
        ("x(); select { case <-a: stop(); case <-b: stop() }", [], False, False),
        ("x(); select { case <-stop: }", [], False, False),
        ("x(); goto end; y(); end: stop()", [], False, False),
        ("again: x(); if a { goto again }", [], True, True),
        ("x(); func() { return }()", [], True, False),
    ],
)
def test_what_is_reached(body: str, jumps: list[str], falls: bool, again: bool) -> None:
    assert reached(body) == (jumps, falls, again)


def test_jumps_out_of_a_list_are_told() -> None:
    source = Source.parse(
        "/x.go", b"package p\nfunc f() { for { x(); if a { continue }; if b { break }; goto out } }\n"
    )
    body = next(n for n in flow.everything(source.tree.root_node) if n.type == "for_statement").child_by_field_name(
        "body"
    )
    assert body is not None
    inner = flow.statements(body)
    found = Paths(inner).after(inner[0])
    assert [j.text for j in found.jumps] == [b"continue", b"break", b"goto out"]
    assert not found.falls
