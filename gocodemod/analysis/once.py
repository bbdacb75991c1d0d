"""Does a statement run at most once: for each call of a function, for each value, in the program's life?

Only what can be proved counts. The way leads outwards from the statement: loops and gotos on it make it run again, a
literal counts where it is started in place, a function where one place in its package calls it.
"""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import flow, groups
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Function, Object, Ref
from gocodemod.transform import Context

# Each runs the function it is handed at most once.
_RUNS_ONCE = frozenset(
    {
        "(*sync.WaitGroup).Go",
        "(*golang.org/x/sync/errgroup.Group).Go",
        "(*golang.org/x/sync/errgroup.Group).TryGo",
        "context.AfterFunc",
    }
)
_IN_PLACE = frozenset({"go", "defer", "call"})
_DO = "(*sync.Once).Do"
# A chain of callers longer than this is not followed.
_MOST_CALLERS = 4


def why_not(context: Context, view: View, variable: Object, base: Object | None) -> str:
    """Why ``view.node`` may run more than once while a variable is the same one; ``""`` if it cannot.

    A local variable is the same one from its declaration on, a package variable all the time, a field for as long as
    its value is: ``base`` is then the variable before the dot.
    """
    for _ in range(_MOST_CALLERS):
        found = _within(view, variable, base)
        if isinstance(found, str):
            return found
        function = view.functions[-1]
        if variable.scope == "package" and _runs_first(view, function):
            return ""
        caller = _only_caller(context, view, function)
        if isinstance(caller, str):
            return caller
        if variable.kind == "field":
            base = _named_by(caller, base)
            if base is None:
                return f"line {caller.line(caller.node.start_byte)} may call {function.name} for the same value again"
        view = caller
    return "it is called through many functions"


def _within(view: View, variable: Object, base: Object | None) -> str | None:
    """As far as the declared function around tells: ``""`` for once, why not, None where the callers decide."""
    born = variable if variable.scope == "function" else base
    made_here = born is not None and born.scope == "function" and born.kind == "var"
    current = view.node
    for function in (f for f in view.functions if not _holds(f, born if made_here else None, view)):
        node = view.source.node_at(function.start, function.end)
        if function.callee == _DO and function.started == "argument" and _keeps(view, node, variable, base):
            return ""
        if again := _again(view, current, node):
            return again
        if function.kind == "literal" and not _starts_once(function):
            return f"the function literal in line {view.line(function.start)} may be called more than once"
        current = node
    if not made_here or born is None:
        return None
    holder = flow.enclosing_function(current)
    assert holder is not None, "a local variable stands in a function"
    return _again(view, current, holder, born) or (
        "" if variable.scope == "function" or _is_new(view, born) else f"{born.name} may be an older value"
    )


def _holds(function: Function, born: Object | None, view: View) -> bool:
    """Whether the variable is declared in the function: from there on outwards nothing matters."""
    return born is not None and born.path == view.path and function.start <= born.start < function.end


def _starts_once(function: Function) -> bool:
    return function.started in _IN_PLACE or (function.started == "argument" and function.callee in _RUNS_ONCE | {_DO})


def _again(view: View, node: Node, function: Node, born: Object | None = None) -> str:
    """Why a node may run more than once in one run of its function (or while ``born`` is the same)."""
    if any(n.type == "goto_statement" for n in flow.inside(function)):
        return "a goto in the function may lead there again"
    for loop in flow.loops_around(node):
        body = flow.body(loop)
        if born is None or body is None or not body.start_byte <= born.start < body.end_byte:
            return f"it stands in the loop of line {view.line(loop.start_byte)}"
    return ""


def _keeps(view: View, literal: Node, variable: Object, base: Object | None) -> bool:
    """Whether the ``sync.Once`` that runs the literal lives as long as the variable, and stays what it is."""
    listed = literal.parent
    call = view.call_at(listed.parent) if listed is not None and listed.parent is not None else None
    if call is None or call.receiver_start < 0:
        return False
    path = groups.path(view, view.source.node_at(call.receiver_start, call.receiver_end))
    held = view.facts.object(path[-1].object) if path else None
    if path is None or held is None or held.type != "sync.Once" or held.exported:
        return False
    if any(u.role in ("assign", "update", "address", "key") for u in view.facts.uses(held.id)):
        return False
    if variable.kind == "field":
        return held.kind == "field" and len(path) == 2 and base is not None and path[0].object == base.id
    if held.scope != variable.scope or held.scope == "package":
        return held.scope == variable.scope
    # Both can be seen from the literal, so what is declared first, or beside the other, lives as long.
    blocks = [_block(view, declared) for declared in (held, variable)]
    return held.start < variable.start or blocks[0] == blocks[1]


def _block(view: View, declared: Object) -> Node | None:
    return flow.statement(view.source.node_at(declared.start, declared.start)).parent


def _is_new(view: View, born: Object) -> bool:
    """Whether the local variable holds one value, made where it is declared: ``T{...}``, ``&T{...}``."""
    writes = [r for r in view.refs_of(born.id) if r.role in ("define", "assign", "update", "address")]
    if len(writes) != 1 or writes[0].role != "define" or writes[0].value_start < 0:
        return False
    value = view.source.node_at(writes[0].value_start, writes[0].value_end)
    if value.type == "unary_expression" and view.text(value).startswith("&"):
        value = value.named_children[0]
    return value.type == "composite_literal"


def _runs_first(view: View, function: Function) -> bool:
    """``main`` and ``init``, which only the runtime calls."""
    if function.name == "init":
        return True
    return (
        function.name == "main"
        and view.source.package() == "main"
        and all(u.role == "declare" for u in view.facts.uses(function.object))
    )


def _only_caller(context: Context, view: View, function: Function) -> View | str:
    """The one call of a declared function, or why it may be called more than once."""
    declared = view.facts.object(function.object)
    several = f"{function.name} may be called more than once"
    if declared is None or declared.in_interface:
        return several
    if declared.exported and view.source.package() != "main":
        return f"{function.name} is exported, and may be called more than once"
    uses = [u for u in view.facts.uses(function.object) if u.role != "declare"]
    if len(uses) != 1 or uses[0].role not in ("call", "go-call", "defer-call"):
        return several
    return _at(context, view, uses[0]) or several


def _at(context: Context, view: View, use: Ref) -> View | None:
    try:
        source = view.source if use.path == view.path else context.source(use.path)
    except (OSError, TypesUnavailable):
        return None
    node: Node | None = source.node_at(use.outer_start, use.outer_end)
    while node is not None and node.type != "call_expression":
        node = node.parent
    return View.around(source, view.facts, node, view.language) if node is not None else None


def _named_by(caller: View, base: Object | None) -> Object | None:
    """The variable that a call gives to a method as its receiver, which is what the method calls ``base``."""
    callee = caller.node.child_by_field_name("function")
    operand = callee.child_by_field_name("operand") if callee is not None else None
    ref = caller.ref_at(operand) if operand is not None and operand.type == "identifier" else None
    known = caller.facts.object(ref.object) if ref is not None else None
    return known if base is not None and base.kind == "receiver" and base.type.startswith("*") else None
