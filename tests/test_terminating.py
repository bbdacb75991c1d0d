"""Terminating statements are those of https://go.dev/ref/spec#Terminating_statements."""

from __future__ import annotations

import pytest

from gocodemod.analysis import flow, terminating
from gocodemod.golang.source import Source


def ends(body: str) -> bool:
    """Whether the body of a function ends in one; ``exit()`` counts as a return."""
    source = Source.parse("x.go", f"package x\n\nfunc f() {{\n{body}\n}}\n".encode())
    function = source.tree.root_node.named_children[-1]
    block = flow.body(function)
    assert block is not None and not block.has_error, body
    return terminating.ends_list(flow.statements(block), lambda n: source.text(n) == b"exit()")


@pytest.mark.parametrize(
    "body",
    [
        "return",
        "goto a",
        "panic(1)",
        "exit()",
        "{ return }",
        "if x { return } else { exit() }",
        "if x { return } else if y { return } else { panic(1) }",
        "for {}",
        "for i := 0; ; i++ { if x { continue } }",
        "for { switch { case x: break } }",
        "select {}",
        "select { case <-c: return; default: exit() }",
        "switch x { case 1: return; default: exit() }",
        "switch x { case 1: f(); fallthrough; default: exit() }",
        "switch x := y.(type) { case int: return; default: exit() }",
        "a: exit()",
        "a: for { for { break } }",
    ],
)
def test_terminating(body: str) -> None:
    assert ends(body)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "f()",
        "os.Exit(1)",
        "func() { panic(1) }()",
        "defer exit()",
        "if x { return }",
        "if x { return } else if y { return }",
        "for x {}",
        "for range x {}",
        "for { break }",
        "a: for { for { break a } }",
        "for { select { case <-c: return }; break }",
        "select { case <-c: return; case <-d: }",
        "select { case <-c: break }",
        "switch x { case 1: return }",
        "switch x { case 1: break; default: return }",
        "switch x { case 1: if y { break }; return; default: return }",
    ],
)
def test_not_terminating(body: str) -> None:
    assert not ends(body)
