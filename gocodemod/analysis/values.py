"""Small questions about expressions: where one stands, what it hangs on, where its value was made."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref


def literals_between(node: Node, function: Node) -> Iterator[Node]:
    """The literals around a node inside of a function, innermost first."""
    inner = flow.enclosing_function(node)
    while inner is not None and inner != function:
        yield inner
        inner = flow.enclosing_function(inner)


def base(target: Node) -> Node | None:
    """The variable at the root of ``x.a.b`` and ``x[i]``; None for anything that passes a call or pointer."""
    node: Node | None = target
    while node is not None and node.type in ("selector_expression", "index_expression", "parenthesized_expression"):
        node = node.child_by_field_name("operand") or (node.named_children[0] if node.named_children else None)
    return node if node is not None and node.type == "identifier" else None


# What these give is new: nobody else has it.
_CONSTRUCTORS = ("make", "new", "os/exec.Command", "os/exec.CommandContext", "net/http.NewRequestWithContext")


def made_here(view: View, ref: Ref) -> bool:
    """Whether an assignment's value is a composite literal, or comes from make, new and their likes."""
    value = view.source.node_at(ref.value_start, ref.value_end)
    if value.type == "unary_expression" and view.text(value).startswith("&"):
        value = value.named_children[0]
    call = view.call_at(value)
    return value.type == "composite_literal" or (call is not None and call.name in _CONSTRUCTORS)
