"""Calls that end the process without running deferred calls: ``os.Exit``, and loggers that call it.

A call is one by its type, not by its name: ``t.Fatal`` of a test ends a goroutine, and runs what it deferred.
"""

from __future__ import annotations

import enum

from tree_sitter import Node

from gocodemod.analysis import flow, reach
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call
from gocodemod.transform import Context


class End(enum.Enum):
    """How a call ends the process. ``LOGS``: the standard library's logger prints, and then exits with 1."""

    EXITS = "exits"
    LOGS = "logs"
    # Another package's logger or helper, which may do more, and other things.
    OTHER = "other"


_EXITS = frozenset({"os.Exit", "syscall.Exit"})
_LOGS = ("log.Fatal", "(*log.Logger).Fatal")
# Packages whose Fatal and Exit functions end the process by their documentation.
_LOGGERS = (
    "github.com/sirupsen/logrus.", "go.uber.org/zap.", "github.com/golang/glog.", "k8s.io/klog",
    "github.com/rs/zerolog", "github.com/charmbracelet/log.", "github.com/apex/log.", "github.com/inconshreveable/log15",
    "github.com/alecthomas/kingpin", "gopkg.in/alecthomas/kingpin", "google.golang.org/grpc/grpclog.",
    "github.com/containerd/log.", "cloud.google.com/go/logging.",
)  # fmt: skip
_NAMES = ("Exit", "Fatal")


def call_of(statement: Node) -> Node | None:
    """The call of a statement that is nothing but a call."""
    inner = [c for c in statement.named_children if c.type != "comment"]
    plain = statement.type == "expression_statement" and len(inner) == 1 and inner[0].type == "call_expression"
    return inner[0] if plain else None


def end_of(context: Context, view: View, call: Call) -> End | None:
    """How the call ends the process; None where it does not, or nothing says so."""
    if call.name in _EXITS:
        return End.EXITS
    if call.name.startswith(_LOGS):
        return End.LOGS if _standard(view, call) else End.OTHER
    last = call.name.rsplit(".", 1)[-1]
    if not last.startswith(_NAMES):
        return None
    if call.name.lstrip("(*").startswith(_LOGGERS):
        return End.OTHER
    body = reach.declared(context, view, call.object) if call.object else None
    exits = body is not None and any(c.name in _EXITS or c.name.startswith(_LOGS) for c in body.calls)
    return End.OTHER if exits else None


def _standard(view: View, call: Call) -> bool:
    """Whether the method is called on a log.Logger itself, not on something that has one embedded."""
    if call.receiver_start < 0 or not call.name.startswith("("):
        return True
    known = view.facts.expr(view.path, call.receiver_start, call.receiver_end)
    return known is not None and known.type in ("*log.Logger", "log.Logger")


def may_end(context: Context, view: View, node: Node) -> Call | None:
    """The first call that ends the process of those that run when the node runs, as far as calls can be seen.

    Those that run only after a panic was recovered are left out.
    """
    for body in reach.reach(context, view, node).bodies:
        for call in body.calls:
            if end_of(context, body.view, call) is not None and not _recovering(body.view, call):
                return call
    return None


def _recovering(view: View, call: Call) -> bool:
    """Whether the call stands in an ``if`` about what recover gave."""
    node: Node | None = view.source.node_at(call.start, call.end)
    while node is not None and node.type not in flow.FUNCTIONS:
        parent = node.parent
        if parent is not None and parent.type == "if_statement":
            header = (parent.child_by_field_name(name) for name in ("initializer", "condition"))
            if any(_of_recover(view, part, parent) for part in header if part is not None):
                return True
        node = parent
    return False


def _of_recover(view: View, part: Node, around: Node) -> bool:
    if any(c.name == "recover" for c in view.calls_in(part)):
        return True
    names = {r.object for r in view.refs_in(part)}
    before = flow.siblings(around)[0]
    defined = (r for s in before for r in view.refs_in(s) if r.role in ("define", "assign") and r.object in names)
    return any(view.source.data[r.value_start : r.value_end] == b"recover()" for r in defined if r.value_start >= 0)
