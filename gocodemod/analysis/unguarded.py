"""Does code touch, without a lock, what others hold as well and what is no good for two goroutines at once?

A field or package variable that is written anywhere after it was made, and things that have a position or a dialogue of
their own: readers, writers, encoders, connections, transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tree_sitter import Node

from gocodemod.analysis import flow, locks, names, reach
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Call, Object, Ref
from gocodemod.transform import Context

_STATEFUL = frozenset(
    {
        "reader", "writer", "buffer", "builder", "encoder", "decoder", "scanner", "conn", "tx", "rand", "hash", "file", "stream",
        "session", "rows", "cursor", "iterator", "closer", "seeker",
    }
)  # fmt: skip
# What functions of these names write, they write before others get to see it.
_PREPARE = frozenset({"new", "make", "init", "unmarshal", "default", "parse", "validate", "normalize", "with"})
_MANY_MAY_USE = frozenset({"client", "logger", "log", "sync", "atomic"})


def touches(context: Context, view: View, lasts: Callable[[Object], bool]) -> Iterator[str]:
    """What the code of ``view.node`` uses so, as written. ``lasts``: whether others hold what a variable leads to."""
    for ref in view.refs_in(view.node):
        known = view.facts.object(ref.object) if ref.object else None
        if known is None or not (known.kind == "field" or _of_package(known)):
            continue
        node = view.source.node_at(ref.outer_start, ref.outer_end)
        base = _base(view, node)
        held = _of_package(known) or (base is not None and lasts(base))
        if held and (_stateful(known.type) or _changes(context, known)) and not locked(view, node):
            yield view.text(node)
    for call in view.calls_in(view.node):
        if (receiver := _promoted(context, view, call)) is not None and lasts(receiver):
            node = view.source.node_at(call.start, call.end)
            if not locked(view, node):
                yield view.text(node).split("(", 1)[0]


def locked(view: View, node: Node) -> bool:
    """Whether a lock is held at a place, as far as its function's own text tells."""
    function = flow.enclosing_function(node)
    if function is None:
        return False
    return bool(locks.held(View(view.source, view.facts, node, function, view.outermost, view.language)))


def _of_package(known: Object) -> bool:
    return known.kind == "var" and known.scope == "package"


def _base(view: View, node: Node) -> Object | None:
    """The variable that a selector begins with."""
    ref = view.ref_at(flow.root(node))
    return view.facts.object(ref.object) if ref is not None else None


def _stateful(kind: str) -> bool:
    """Whether values of a type, by its name, serve one goroutine at a time (``*bufio.Reader``, ``net.Conn``)."""
    last = kind.rsplit("/", 1)[-1]
    found = names.words(last.rsplit(".", 1)[-1])
    return "." in last and bool(found) and found[-1] in _STATEFUL and not set(names.words(last)) & _MANY_MAY_USE


def _changes(context: Context, known: Object) -> bool:
    """Whether the variable is written after its struct was made, itself or an element of it."""
    made = context.facts.constructions(known.id).assigned if known.kind == "field" else frozenset()
    for use in context.facts.uses(known.id):
        prepares = names.first_word(use.function) in _PREPARE
        if use.path.endswith("_test.go") or use.start in made or prepares:
            continue
        if use.role in ("assign", "update") or (use.role == "read" and _writes_element(context, use)):
            return True
    return False


def _writes_element(context: Context, use: Ref) -> bool:
    """``m[k] = v``, ``a[i]++``."""
    try:
        source = context.source(use.path)
    except (OSError, TypesUnavailable):
        return True
    node = source.node_at(use.outer_start, use.outer_end)
    while node.parent is not None and node.parent.type in ("index_expression", "selector_expression"):
        node = node.parent
    holder = node.parent
    if holder is None:
        return False
    listed = holder.parent if holder.type == "expression_list" else None
    left = listed.child_by_field_name("left") if listed is not None else None
    return holder.type in ("inc_statement", "dec_statement") or (
        listed is not None and listed.type == "assignment_statement" and left == holder
    )


def _promoted(context: Context, view: View, call: Call) -> Object | None:
    """The receiver variable of a method that it has from something embedded in it, out of sight."""
    if call.receiver_start < 0 or reach.declared(context, view, call.object) is not None:
        return None
    node = view.source.node_at(call.receiver_start, call.receiver_end)
    ref = view.ref_at(node) if node.type == "identifier" else None
    found = view.facts.object(ref.object) if ref is not None else None
    if found is None or found.kind != "receiver" or set(names.words(call.name.split(")")[0])) & _MANY_MAY_USE:
        return None
    return found
