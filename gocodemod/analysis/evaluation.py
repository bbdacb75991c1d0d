"""May an expression be evaluated at another time than now? What could make its value, or the act, a different one."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from gocodemod.analysis import blocking, flow, reach
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref
from gocodemod.transform import Context

# Before this language version all iterations of a loop share one variable (https://go.dev/blog/loopvar-preview).
_OWN_LOOP_VARIABLES = (1, 22)


def differs(view: View, expression: Node, until: Node, bound: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Why the expression may give something else once ``until`` has run, a phrase each; empty if it cannot.

    ``until``: the statement (of the function that ``view`` shows, or one around it) at which it would be evaluated
    instead; the code of the expression stands inside of it and runs later. ``bound``: ids of variables that get their
    values at ``until`` itself. Constants and variables that nothing assigns later are the same at any time.
    """
    known = view.facts.expr(view.path, expression.start_byte, expression.end_byte)
    if known is not None and known.constant is not None:
        return ()
    found = dict.fromkeys(_in_calls(view, expression))
    found |= dict.fromkeys(_in_nodes(view, expression))
    for ref in view.refs_in(expression):
        declared = view.facts.object(ref.object) if ref.object else None
        found |= dict.fromkeys(_in_ref(view, ref, declared, until, bound))
    return tuple(found)


# What takes a lock, or waits for somebody, by a method's last word.
_WAITING = (".Lock", ".RLock", ".Wait")


def waits(context: Context, view: View, expression: Node) -> str:
    """Why evaluating the expression may keep whoever does it waiting, a phrase; ``""`` if nothing that is seen does.

    Calls that lead out of sight count by their names only.
    """
    for body in reach.reach(context, view, expression).bodies:
        where = f" in {body.name}" if body.name else ""
        for node in flow.runs_in(body.view.node):
            if flow.receives(node) or node.type in ("send_statement", "select_statement"):
                return f"{' '.join(body.view.text(node).split())[:40]} may wait{where}"
        for call in body.calls:
            if call.name.endswith(_WAITING) or call.name == "time.Sleep" or blocking.waits(call.name):
                return f"{reach.text_of(body.view, call)} may wait{where}"
    return ""


def _in_calls(view: View, expression: Node) -> Iterator[str]:
    for call in view.calls_in(expression):
        if call.kind != "builtin" or call.name not in ("min", "max"):
            text = view.source.data[call.start : call.end].decode("utf-8", "replace")
            yield f"calls {' '.join(text.split())}"


def _in_nodes(view: View, expression: Node) -> Iterator[str]:
    """What reads memory that others may write, or may panic."""
    for node in flow.everything(expression):
        text = " ".join(view.text(node).split())
        if node.type in ("index_expression", "slice_expression", "type_assertion_expression"):
            yield f"reads {text}"
        elif node.type == "unary_expression" and text[:1] in ("*", "<", "&"):
            yield f"evaluates {text}"
        elif node.type == "binary_expression" and any(c.type in ("/", "%") for c in node.children):
            divisor = node.child_by_field_name("right")
            value = view.facts.expr(view.path, divisor.start_byte, divisor.end_byte) if divisor is not None else None
            if value is None or value.constant is None:
                yield f"divides by {view.text(divisor) if divisor is not None else '?'}"


def _in_ref(view: View, ref: Ref, declared: Object | None, until: Node, bound: frozenset[str]) -> Iterator[str]:
    if ref.object in bound:
        return
    if declared is None:
        yield f"reads {ref.name}, which is not known"
    elif declared.kind == "field":
        text = view.source.data[ref.outer_start : ref.outer_end].decode("utf-8", "replace")
        yield f"reads the field {text}"
    elif declared.kind in ("var", "param", "result", "receiver"):
        if declared.scope != "function":
            yield f"reads the package variable {ref.name}"
        elif not settled(view, declared, until):
            yield f"reads {ref.name}, which is assigned elsewhere too"


def settled(view: View, declared: Object, place: Node) -> bool:
    """Whether a variable of the outermost function keeps, from ``place`` on, the value that it has there.

    It does if nothing writes to it, or to a part of it, but code that ran before, in the same function, and not in a
    loop that comes round; and if its address is never taken.
    """
    if declared.kind == "result":
        return False
    header = _header(view, declared)
    if header is not None and view.language.file < _OWN_LOOP_VARIABLES:
        return False
    owner = flow.enclosing_function(place)
    for ref in view.refs_of(declared.id):
        how = written(view, declared, ref)
        if how == "address":
            return False
        if not how:
            continue
        node = view.source.node_at(ref.start, ref.end)
        if header is not None and flow.contains(header, node):
            continue  # the post statement works on the next iteration's own variable
        if ref.start >= place.start_byte or flow.enclosing_function(node) != owner:
            return False
        if _comes_round(node, place, declared):
            return False
    return True


def written(view: View, declared: Object, ref: Ref) -> str:
    """``assign`` where the reference changes the variable or a part of it, ``address`` where code gets hold of it."""
    if ref.role in ("assign", "update"):
        return "assign"
    if ref.role == "address":
        return "address"
    if ref.role == "define" or not declared.underlying.startswith(("struct{", "[")) or declared.underlying[:2] == "[]":
        return ""
    return _part_written(view, view.source.node_at(ref.start, ref.end))


def _part_written(view: View, node: Node) -> str:
    """The same for the fields and elements of a struct or array that is held by value."""
    while (parent := node.parent) is not None:
        operand = parent.child_by_field_name("operand")
        if parent.type == "unary_expression" and view.text(parent).startswith("&"):
            return "address"
        if parent.type == "slice_expression" and operand == node:
            return "address"
        if parent.type == "call_expression" and parent.child_by_field_name("function") == node:
            call = view.call_at(parent)
            return "address" if call is None or not call.name or call.name.startswith("(*") else ""
        if parent.type == "parenthesized_expression" or operand == node:
            node = parent
            continue
        if parent.type in ("inc_statement", "dec_statement"):
            return "assign"
        left = parent.parent.child_by_field_name("left") if parent.parent is not None else None
        return "assign" if parent.type == "expression_list" and left == parent else ""
    return ""


def _header(view: View, declared: Object) -> Node | None:
    """The clause of the loop whose variable this is."""
    if declared.path != view.path or declared.start < 0:
        return None
    node: Node | None = view.source.node_at(declared.start, declared.start + len(declared.name.encode()))
    while node is not None and node.type not in ("for_clause", "range_clause", "block"):
        node = node.parent
    return node if node is not None and node.type != "block" else None


def _comes_round(node: Node, place: Node, declared: Object) -> bool:
    """Whether an assignment that stands before the place may run after it, for a variable that is still the same."""
    function = flow.enclosing_function(node)
    if function is not None and any(n.type == "goto_statement" for n in flow.inside(function)):
        return True
    loops = (loop for loop in flow.loops_around(node) if flow.contains(loop, place))
    return any(not loop.start_byte <= declared.start < loop.end_byte for loop in loops)
