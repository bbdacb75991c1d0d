"""What is handed over by value, and should not be, handed over by pointer: its declaration, its uses, every call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from gocodemod.analysis import configurations, flow, groups, layout, reach
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Function, Object, Ref
from gocodemod.golang.source import Source
from gocodemod.model import Edit, FileChange, Refusal
from gocodemod.transform import Context

_CALLS = frozenset({"call", "go-call", "defer-call"})


@dataclass(frozen=True)
class Parameter:
    """A parameter that is passed by value. ``declaration``: its declaration, which may name others of the same type;
    ``position`` among all of the function's; ``object`` is its id, "" for one without a name.
    """

    view: View
    declaration: Node
    position: int
    object: str
    name: str

    @property
    def key(self) -> tuple[str, int, int]:
        return self.view.path, self.view.function.start_byte, self.position


@dataclass(frozen=True)
class Called:
    """A call that hands over the parameter. ``given``: the argument."""

    view: View
    call: Node
    given: Node
    started: bool


@dataclass
class Plan:
    """All that changes together: parameters that pass the value on to each other.

    ``methods``: what is called on them, names of the methods. ``calls``: every call that hands one over.
    """

    of_type: str
    context: Context
    parameters: dict[tuple[str, int, int], Parameter] = field(default_factory=dict)
    edits: dict[str, set[Edit]] = field(default_factory=dict)
    calls: list[Called] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)
    starting: set[tuple[str, int, int]] = field(default_factory=set)

    @property
    def changes(self) -> tuple[FileChange, ...]:
        return tuple(FileChange(path, tuple(sorted(edits))) for path, edits in sorted(self.edits.items()))

    def edit(self, view: View, start: int, end: int, text: str) -> None:
        self.edits.setdefault(view.path, set()).add(layout.edit(start, end, text))


def plan(context: Context, parameters: Sequence[Parameter], of_type: str) -> Plan | Refusal:
    """How these parameters, and those that the value comes from or goes on to, become pointers."""
    made = Plan(of_type, context)
    queue = list(parameters)
    while queue:
        parameter = queue.pop(0)
        if parameter.key in made.parameters:
            continue
        made.parameters[parameter.key] = parameter
        typed = parameter.declaration.child_by_field_name("type")
        assert typed is not None, "a parameter that was matched has a type"
        made.edit(parameter.view, typed.start_byte, typed.start_byte, "*")
        for step in (_declared_together, _inside, _callers):
            more = step(made, parameter)
            if isinstance(more, Refusal):
                return more
            queue += more
    return made


# --- the function ----------------------------------------------------------------------------------------------------


def parameters(view: View, declaration: Node) -> list[Parameter]:
    """The parameters of the view's function that one declaration declares."""
    listed = declaration.parent
    assert listed is not None, "a parameter stands in a list"
    found, position = [], 0
    for other in listed.named_children:
        if other.type not in ("parameter_declaration", "variadic_parameter_declaration"):
            continue
        named = other.children_by_field_name("name")
        for number in range(max(1, len(named))):
            if other == declaration:
                name = view.text(named[number]) if named else ""
                ref = view.ref_at(named[number]) if named else None
                found.append(Parameter(view, declaration, position + number, ref.object if ref else "", name))
        position += max(1, len(named))
    return found


def _declared_together(_: Plan, parameter: Parameter) -> list[Parameter]:
    return parameters(parameter.view, parameter.declaration)


def _inside(made: Plan, parameter: Parameter) -> list[Parameter] | Refusal:
    """What the function does with its parameter: calls methods, takes its address, hands it on."""
    more: list[Parameter] = []
    view = parameter.view
    for ref in view.refs_of(parameter.object) if parameter.object else ():
        if ref.role == "base":
            made.methods.add(ref.selected)
        elif ref.role == "address":
            made.edit(view, *ampersand(view, ref), "")
        elif ref.role == "argument":
            passed = _parameter_at(made, view, ref)
            if passed is None:
                return Refusal("copied-further", f"line {view.line(ref.start)} hands {ref.name} on, by value")
            more.append(passed)
        elif ref.role != "declare":
            return Refusal("copied-further", f"line {view.line(ref.start)} copies {ref.name}")
    return more


def ampersand(view: View, ref: Ref) -> tuple[int, int]:
    """The range of the ``&`` before a name, and what stands between."""
    node = view.source.node_at(ref.start, ref.end)
    while node.parent is not None and node.type != "unary_expression":
        node = node.parent
    return node.start_byte, node.named_children[-1].start_byte


def _parameter_at(made: Plan, view: View, ref: Ref) -> Parameter | None:
    """The parameter that an argument is handed to by value, where its function can be seen."""
    given = view.source.node_at(ref.outer_start, ref.outer_end)
    listed = given.parent
    call = listed.parent if listed is not None and listed.type == "argument_list" else None
    if listed is None or call is None or call.type != "call_expression":
        return None
    position = [c for c in listed.named_children if c.type != "comment"].index(given)
    around = View.around(view.source, view.facts, call, view.language)
    return _parameter_of(made, around, call, position) if around is not None else None


def _parameter_of(made: Plan, view: View, call: Node, position: int) -> Parameter | None:
    callee = call.child_by_field_name("function")
    known = view.call_at(call)
    if callee is None or known is None:
        return None
    literal: Node | None = callee
    source = view.source
    if callee.type != "func_literal" and known.kind == "value":
        literal = reach.literal_of(view, known.object)
    elif callee.type != "func_literal":
        body = reach.declared(made.context, view, known.object) if known.kind in ("function", "method") else None
        literal, source = (body.view.function, body.view.source) if body is not None else (None, source)
    listed = literal.child_by_field_name("parameters") if literal is not None else None
    body_node = flow.body(literal) if literal is not None else None
    inner = View.around(source, view.facts, body_node, view.language) if body_node is not None else None
    if listed is None or inner is None:
        return None
    for declaration in listed.named_children:
        typed = declaration.child_by_field_name("type")
        if declaration.type == "parameter_declaration" and typed is not None:
            for parameter in parameters(inner, declaration):
                if parameter.position == position and is_of_type(inner, typed, made.of_type):
                    return parameter
    return None


def is_of_type(view: View, typed: Node, name: str) -> bool:
    known = view.facts.expr(view.path, typed.start_byte, typed.end_byte)
    return known is not None and known.type == name


# --- its callers -----------------------------------------------------------------------------------------------------


def _callers(made: Plan, parameter: Parameter) -> list[Parameter] | Refusal:
    function = parameter.view.functions[0]
    found = (
        _calls_of_literal(parameter) if function.kind == "literal" else _calls_of_declared(made, parameter, function)
    )
    if isinstance(found, Refusal):
        return found
    more: list[Parameter] = []
    for view, call in found:
        arguments = call.child_by_field_name("arguments")
        values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
        if call.type != "call_expression" or len(values) != len(function.params):
            return Refusal("used-as-value", f"the call in line {view.line(call.start_byte)} is no plain one")
        started = call.parent is not None and call.parent.type == "go_statement"
        if started:
            made.starting.add(parameter.key)
        given = values[parameter.position]
        made.calls.append(Called(view, call, given, started))
        source = _pass_address(made, view, given)
        if isinstance(source, Refusal):
            return source
        more += source
    return more


def _calls_of_literal(parameter: Parameter) -> list[tuple[View, Node]] | Refusal:
    view, function = parameter.view, parameter.view.functions[0]
    if function.started in ("go", "call", "defer"):
        call = view.function.parent
        return [(_outside(view, call), call)] if call is not None else []
    literal = reach.literal_of(view, function.variable) if function.started == "assigned" else None
    refs = view.refs_of(function.variable) if literal is not None else ()
    if literal != view.function or not _is_declared_by(view, function.variable, literal):
        return Refusal("used-as-value", "the literal is handed on, so its type is not ours to change")
    return _plain_calls([(view, r) for r in refs if r.role != "define"])


def _is_declared_by(view: View, variable: str, literal: Node | None) -> bool:
    """``f := func(...) {...}`` or ``var f = func...``: the variable has its type from the literal."""
    known = view.facts.object(variable)
    if known is None or literal is None:
        return False
    node: Node | None = view.source.node_at(known.start, known.start + len(known.name.encode()))
    while node is not None and node.type not in ("short_var_declaration", "var_spec", "statement_list"):
        node = node.parent
    typed = node.child_by_field_name("type") if node is not None else None
    return node is not None and node.type != "statement_list" and typed is None and flow.contains(node, literal)


def _calls_of_declared(made: Plan, parameter: Parameter, function: Function) -> list[tuple[View, Node]] | Refusal:
    view = parameter.view
    if problem := not_ours(view, function):
        return problem
    pairs = []
    for use in view.facts.uses(function.object):
        if use.role == "declare":
            continue
        try:
            source = view.source if use.path == view.path else made.context.source(use.path)
        except (OSError, TypesUnavailable):
            return Refusal("types-unavailable", f"{use.path} cannot be read")
        around = View.around(source, view.facts, source.node_at(use.start, use.end), view.language)
        if around is None:
            return Refusal("used-as-value", f"{use.name} is used outside of any function")
        pairs.append((around, use))
    return _plain_calls(pairs)


def not_ours(view: View, function: Function) -> Refusal | None:
    """Why the signature of a declared function is not to be changed."""
    declared = view.facts.object(function.object)
    name = function.name.rsplit(".", 1)[-1]
    if declared is None:
        return Refusal("types-unavailable", f"{name} did not resolve")
    if declared.in_interface:
        return Refusal("satisfies-interface", f"some interface in sight has a method {name}")
    # Nothing can import main.
    if (declared.exported and view.facts.file(view.path).package_name != "main") or _is_linked(view, name):
        return Refusal("exported-api", f"{name} may be called from where we cannot see")
    if path := configurations.names_elsewhere(view, name):
        return Refusal("other-build-config", f"{path.rsplit('/', 1)[-1]} names {name} and is not loaded")
    return None


def _is_linked(view: View, name: str) -> bool:
    """``//export name`` of cgo, ``//go:linkname name``, or a body in assembly."""
    return re.search(rb"(?m)^//(export|go:linkname) %s\b" % re.escape(name.encode()), view.source.data) is not None


def _plain_calls(uses: Sequence[tuple[View, Ref]]) -> list[tuple[View, Node]] | Refusal:
    found = []
    for around, use in uses:
        node: Node | None = around.source.node_at(use.outer_start, use.outer_end)
        call = node.parent if node is not None else None
        known = around.call_at(call) if call is not None and call.type == "call_expression" else None
        method = known is not None and known.kind == "method"
        if use.role not in _CALLS or call is None or known is None or (method and known.receiver_start < 0):
            return Refusal("used-as-value", f"line {around.line(use.start)} uses {use.name} as a value")
        found.append((around, call))
    return found


def _outside(view: View, node: Node) -> View:
    around = View.around(view.source, view.facts, node, view.language)
    return around if around is not None else view


def _pass_address(made: Plan, view: View, given: Node) -> list[Parameter] | Refusal:
    """The edit of an argument; what it comes from where that is a parameter by value, too."""
    if given.type == "composite_literal":
        made.edit(view, given.start_byte, given.start_byte, "&")
        return []
    inner = given
    while inner.type == "parenthesized_expression":
        inner = inner.named_children[-1]
    if inner.type == "unary_expression" and view.text(inner).startswith("*"):
        made.edit(view, given.start_byte, given.end_byte, view.text(inner.named_children[-1]))
        return []
    refs = groups.path(view, given)
    known = view.facts.object(refs[-1].object) if refs else None
    if refs is None or known is None:
        return Refusal("copied-further", f"line {view.line(given.start_byte)} hands over {view.text(given)}, a copy")
    if known.kind in ("param", "receiver") and known.type == made.of_type and len(refs) == 1:
        own = _own_parameter(view, known)
        return [own] if own is not None else Refusal("copied-further", f"{known.name} is a copy itself")
    if len(refs) == 1 and not is_original(view, known):
        return Refusal("copied-further", f"{known.name} is a copy itself")
    made.edit(view, given.start_byte, given.start_byte, "&")
    return []


def _own_parameter(view: View, known: Object) -> Parameter | None:
    """The parameter by value that an argument is, of whichever function around declares it."""
    if known.path != view.path:
        return None
    node: Node | None = view.source.node_at(known.start, known.start + len(known.name.encode()))
    while node is not None and node.type != "parameter_declaration":
        node = node.parent
    inner = View.around(view.source, view.facts, node, view.language) if node is not None else None
    if node is None or inner is None:
        return None
    return next((p for p in parameters(inner, node) if p.object == known.id), None)


def is_original(view: View, known: Object) -> bool:
    """A variable that is declared without a value, or with a new one: no copy of another."""
    if known.kind == "field" or known.scope == "package":
        return True
    defines = [r for r in view.refs_of(known.id) if r.role in ("define", "assign")]
    values = (view.source.node_at(r.value_start, r.value_end) for r in defines if r.value_start >= 0)
    ranged = any(r.value_start < 0 and _in_range_clause(view, r) for r in defines)
    return not ranged and all(v.type == "composite_literal" for v in values)


def _in_range_clause(view: View, ref: Ref) -> bool:
    node: Node | None = view.source.node_at(ref.start, ref.end)
    while node is not None and node.type not in ("range_clause", "statement_list"):
        node = node.parent
    return node is not None and node.type == "range_clause"


def range_values(source: Source, node: Node) -> Iterator[tuple[Node, Node]]:
    """The loops around a node, in its function, that have a value variable: the loop and that name."""
    for loop in flow.loops_around(node):
        clause = flow.clause(loop)
        left = clause.child_by_field_name("left") if clause is not None and clause.type == "range_clause" else None
        names = [c for c in left.named_children if c.type == "identifier"] if left is not None else []
        if clause is not None and len(names) == 2 and b":=" in source.text(clause):
            yield loop, names[1]
