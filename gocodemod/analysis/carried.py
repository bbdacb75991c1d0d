"""Where a context goes: does anything that outlives a function, or one round of a loop, get hold of it?

A value carries the context if it may refer to it: derived contexts, requests, responses, rows, streams, commands,
literals that capture one of those. What a type cannot hold (:meth:`Facts.holds`) carries nothing. Values are followed
through local variables, in any order of the statements, and into the functions of the module that are called with them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from tree_sitter import Node

from gocodemod.analysis import callees, flow, joins, keepers, values
from gocodemod.analysis.joins import Place
from gocodemod.analysis.reach import Body
from gocodemod.analysis.reach import declared as declaration
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Object, Ref
from gocodemod.transform import Context

# More functions than this are not followed; what remains counts as unknown.
_LIMIT = 200
_CONTEXT_METHODS = ("(context.Context).Err", "(context.Context).Deadline", "(context.Context).Value")
_DERIVES = ("context.WithCancel", "context.WithTimeout", "context.WithDeadline")
# An expression around the value that may refer to it, too, if its type can.
_PASSES_ON = frozenset(
    {
        "parenthesized_expression", "type_assertion_expression", "slice_expression", "unary_expression",
        "literal_element", "literal_value", "composite_literal", "variadic_argument", "type_instantiation_expression",
    }
)  # fmt: skip
_EXPRESSIONS = frozenset(
    {
        "selector_expression", "type_assertion_expression", "slice_expression", "unary_expression", "index_expression",
        "composite_literal", "call_expression", "type_conversion_expression", "binary_expression",
    }
)  # fmt: skip
_ENDS = frozenset(
    {
        "expression_statement", "if_statement", "for_statement", "for_clause", "expression_switch_statement",
        "inc_statement", "dec_statement", "binary_expression", "expression_case", "statement_list",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Carried:
    """``escapes``: what outlives the place, a phrase, ``""`` for nothing. ``unknown``: calls that get the context or
    something made of it, and whose bodies cannot be seen. ``followed``: names of the module's functions looked through.
    ``carriers``: ids of the variables of the place that carry it.
    """

    escapes: str
    unknown: tuple[str, ...]
    followed: tuple[str, ...]
    carriers: frozenset[str]


class _Escaped(Exception):
    """The context outlives the place; the message is the phrase."""


@dataclass
class _Frame:
    """A function that is looked through. ``since``: uses that stand before it do not count, -1: all do.

    ``region``: variables declared inside of it end with the place. ``variable``: the one that came with the context.
    ``name``: of a function that was called, ``""`` for the place itself. ``within_round``: it is one round of a loop.
    ``returns``: a called function gives a carrier back. ``shared``: a value that was there before got hold of the
    context, so that what was done with such values before counts, too.
    """

    view: View
    region: Node
    since: int
    variable: str
    name: str
    within_round: bool = False
    returns: bool = False
    shared: bool = False
    queue: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    literals: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.add(self.variable)

    @property
    def place(self) -> Place:
        return Place(self.region, self.since, self.variable)

    def add(self, variable: str) -> None:
        if variable not in self.seen:
            self.seen.add(variable)
            self.queue.append(variable)


def follow(context: Context, view: View, variable: Object, region: Node, within_round: bool) -> Carried:
    """What becomes of the context that the variable holds once ``view.node``, a statement, has run.

    ``region``: the function, or the block inside of a loop, whose end is the end of the context.
    """
    tracker = _Tracker(context)
    frame = _Frame(view, region, view.node.start_byte, variable.id, "", within_round)
    escapes = ""
    try:
        tracker.run(frame)
    except _Escaped as phrase:
        escapes = str(phrase)
    return Carried(escapes, tuple(tracker.unknown), tuple(tracker.followed), frozenset(frame.seen))


class _Tracker:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.unknown: dict[str, None] = {}
        self.followed: dict[str, None] = {}
        # Whether a function that was given a carrier as this parameter returns one; True while it is looked through.
        self.returned: dict[str, bool] = {}

    def run(self, frame: _Frame) -> None:
        while frame.queue:
            variable = frame.queue.pop(0)
            for ref in frame.view.refs_of(variable):
                if ref.role not in ("define", "declare"):
                    self._ref(frame, ref)

    def _ref(self, frame: _Frame, ref: Ref) -> None:
        node = frame.view.source.node_at(ref.start, ref.end)
        if ref.role == "assign" and (ref.outer_start, ref.outer_end) == (ref.start, ref.end):
            return  # it is written to
        around = list(values.literals_between(node, frame.view.function))
        if not around and ref.start < frame.since and not frame.shared:
            return
        for literal in around:
            if literal.id not in frame.literals:
                frame.literals.add(literal.id)
                if literal.start_byte < frame.since:
                    raise self._escape(frame, literal, "{} was made before and refers to the variable")
                self._follow(frame, literal)
        self._follow(frame, node)

    def _escape(self, frame: _Frame, node: Node, what: str) -> _Escaped:
        """``what``: a phrase with ``{}`` where the value stands."""
        view = frame.view
        where = f"{frame.name}, " if frame.name else ""
        file = f"{os.path.basename(view.path)}:" if frame.name else "line "
        return _Escaped(f"{what.replace('{}', _short(view, node))} ({where}{file}{view.line(node.start_byte)})")

    # Up the tree: what holds the value that this expression gives.

    def _follow(self, frame: _Frame, node: Node) -> None:
        view = frame.view
        while True:
            if node.type in _EXPRESSIONS and not any(view.facts.holds(view.path, node.start_byte, node.end_byte)):
                return
            parent = node.parent
            if parent is None or parent.type in _ENDS:
                return
            if parent.type in _PASSES_ON or (parent.type == "index_expression" and _is(parent, "operand", node)):
                if parent.type == "unary_expression" and view.text(parent).startswith("<-"):
                    self._received(frame, parent)
                    return
                node = parent
                continue
            if parent.type == "keyed_element" and _is(parent, "value", node):
                node = parent
                continue
            if parent.type == "selector_expression" and _is(parent, "operand", node):
                if callees.is_called(parent):
                    self._call(frame, parent.parent, node, "receiver")
                    return
                self._method_value(frame, parent)
                node = parent
                continue
            self._used(frame, node, parent)
            return

    def _used(self, frame: _Frame, node: Node, parent: Node) -> None:
        """The value reaches a statement or a call."""
        match parent.type:
            case "argument_list":
                self._call(frame, parent.parent, node, "argument")
            case "type_conversion_expression":
                self._call(frame, parent, node, "argument")
            case "call_expression":
                self._call(frame, parent, node, "function")
            case "expression_list":
                self._listed(frame, node, parent)
            case "receive_statement":
                pass  # its value was followed where it was received
            case "return_statement":
                self._return(frame, node)
            case "send_statement":
                if not _is(parent, "channel", node):
                    raise self._escape(frame, node, "{} is sent to a channel")
            case "range_clause":
                self._targets(frame, parent.child_by_field_name("left"), node, parent)
            case "type_switch_statement":
                self._targets(frame, parent.child_by_field_name("alias"), node, parent)
            case _:
                raise self._escape(frame, node, "{} is used in a way that was not followed")

    def _received(self, frame: _Frame, receive: Node) -> None:
        """``<-carrier``: what comes out of it may be one, by its type."""
        view = frame.view
        held = view.facts.holds(view.path, receive.start_byte, receive.end_byte)
        parent = receive.parent
        if not any(held) or parent is None:
            return
        if parent.type == "receive_statement":
            self._targets(frame, parent.child_by_field_name("left"), receive, parent)
        else:
            self._follow(frame, receive)

    def _listed(self, frame: _Frame, node: Node, values: Node) -> None:
        statement = values.parent
        if statement is None or _is(statement, "left", values) or statement.type in _ENDS:
            return
        if statement.type == "return_statement":
            self._return(frame, node)
        elif statement.type == "var_spec":
            self._assigned(frame, node, values, statement.children_by_field_name("name"))
        elif statement.type in ("short_var_declaration", "assignment_statement"):
            left = statement.child_by_field_name("left")
            self._assigned(frame, node, values, left.named_children if left is not None else [])
        elif statement.type not in ("expression_switch_statement", "type_switch_statement"):
            raise self._escape(frame, node, "{} is used in a way that was not followed")

    def _return(self, frame: _Frame, node: Node) -> None:
        if flow.enclosing_function(node) != frame.view.function:
            return  # of a literal: its calls are followed
        if not frame.name:
            raise self._escape(frame, node, "{} is returned")
        frame.returns = True

    # Variables and places that are assigned to.

    def _assigned(self, frame: _Frame, node: Node, values: Node, targets: list[Node]) -> None:
        given = [c for c in values.named_children if c.type != "comment"]
        targets = [t for t in targets if t.type != "comment"]
        if len(given) == len(targets):
            self._target(frame, targets[given.index(node)], node)
            return
        held = frame.view.facts.holds(frame.view.path, node.start_byte, node.end_byte)
        call = frame.view.call_at(node)
        for index, target in enumerate(targets):
            derived = call is not None and call.name.startswith(_DERIVES)
            if (index < len(held) and held[index] and not (derived and index)) or (not index and len(held) == 1):
                self._target(frame, target, node)

    def _targets(self, frame: _Frame, left: Node | None, node: Node, statement: Node) -> None:
        """Variables that get parts of the value: of a range, a receive, a type switch."""
        for target in left.named_children if left is not None else []:
            held = frame.view.facts.holds(frame.view.path, target.start_byte, target.end_byte)
            if any(held) or statement.type == "type_switch_statement":
                self._target(frame, target, node)

    def _target(self, frame: _Frame, target: Node, node: Node) -> None:
        view, text = frame.view, _short(frame.view, target)
        while target.type == "parenthesized_expression":
            target = target.named_children[0]
        if target.type == "identifier":
            if text == "_":
                return
            ref = view.ref_at(target)
            known = view.facts.object(ref.object) if ref is not None and ref.object else None
            if ref is not None and (known is None or known.kind in ("var", "param")) and self._ends(frame, target, ref):
                frame.add(ref.object)
                return
            if frame.name and known is not None and known.kind == "result":
                frame.returns = True
                frame.add(known.id)
                return
            raise self._escape(frame, node, "{} is assigned to " + f"{text}, which outlives it")
        base = values.base(target)
        ref = view.ref_at(base) if base is not None else None
        if ref is None or not self._own_value(frame, ref):
            raise self._escape(frame, node, "{} is stored in " + text)
        frame.add(ref.object)
        if not frame.shared:
            frame.shared, frame.queue = True, list(frame.seen)

    def _ends(self, frame: _Frame, target: Node, ref: Ref) -> bool:
        """Whether the variable is one of the region's own."""
        known = frame.view.facts.object(ref.object)
        if known is None:  # the variable of a type switch has no declaration but its alias
            return flow.contains(frame.region, target)
        return known.scope == "function" and frame.view.declares(frame.region, known)

    def _own_value(self, frame: _Frame, ref: Ref) -> bool:
        """Whether a variable of the region holds a struct, map or slice that was made here, so that nobody else has it."""
        view, known = frame.view, frame.view.facts.object(ref.object)
        if known is None or known.kind != "var" or known.scope != "function" or not view.declares(frame.region, known):
            return False
        writes = [r for r in view.refs_of(ref.object) if r.role in ("define", "assign") and r.outer_end == r.end]
        writes = [r for r in writes if r.outer_start == r.start]
        return all(r.value_start < 0 or values.made_here(view, r) for r in writes)

    # Calls.

    def _call(self, frame: _Frame, node: Node | None, value: Node, how: str) -> None:
        """``how`` the call gets the value: as ``argument``, as ``receiver``, or it is the ``function`` that is called."""
        assert node is not None, "an argument list stands in a call"
        view, statement = frame.view, node.parent
        call = view.call_at(node)
        kind = statement.type if statement is not None else ""
        if statement is not None and kind == "go_statement" and not joins.joined(view, statement, frame.place):
            raise self._escape(frame, value, "a goroutine gets {}")
        if (
            kind == "defer_statement"
            and frame.within_round
            and not (how == "receiver" and callees.closes(view, value, call))
        ):
            raise self._escape(frame, value, "a deferred call gets {}, and runs after the round")
        if how == "function":
            self._results(frame, node)
        elif call is None:
            self._follow(frame, node)  # a conversion
        elif call.kind == "builtin":
            self._builtin(frame, node, value, call)
        elif call.name in _CONTEXT_METHODS and how == "receiver":
            return
        elif self._keeps_nothing(frame, node, value, call, how):
            self._results(frame, node)

    def _results(self, frame: _Frame, node: Node) -> None:
        held = frame.view.facts.holds(frame.view.path, node.start_byte, node.end_byte)
        if any(held) and node.parent is not None and node.parent.type not in ("go_statement", "defer_statement"):
            self._follow(frame, node)

    def _builtin(self, frame: _Frame, node: Node, value: Node, call: Call) -> None:
        if call.name == "append":
            self._follow(frame, node)
        elif call.name in ("copy", "panic"):
            raise self._escape(frame, value, "{} is given to " + call.name)

    def _keeps_nothing(self, frame: _Frame, node: Node, value: Node, call: Call, how: str) -> bool:
        """Look at who is called. Raises if it keeps the value; False where its results carry nothing."""
        view = frame.view
        literal = callees.literal(view, node, call)
        if literal is not None and how == "argument":
            for parameter in callees.parameters(view, literal, node, value):
                frame.add(parameter)
            return True
        body = declaration(self.context, view, call.object) if callees.is_declared(call) else None
        if body is not None:
            return self._into(frame, node, value, call, how, body)
        found = keepers.outside(self.context, view, node, call, value, how, frame.place)
        if found.keeps:
            raise self._escape(frame, value, found.keeps)
        if not found.known:
            self.unknown.setdefault(callees.name(view, call))
        return found.results

    def _method_value(self, frame: _Frame, selector: Node) -> None:
        """A method that is called later, by whoever has it, with the value as its receiver."""
        ref = callees.method_value(frame.view, selector)
        if ref is None:
            return
        body = declaration(self.context, frame.view, ref.object)
        if body is None:
            self.unknown.setdefault(frame.view.text(selector))
        else:
            self._through(frame, ref.name, body, callees.receiver(body.view, body.view.function))

    def _into(self, frame: _Frame, node: Node, value: Node, call: Call, how: str, body: Body) -> bool:
        """Look through a function of the module; whether its results may carry the value."""
        found = callees.handed(body.view, node, value, how, frame.view)
        return self._through(frame, callees.name(frame.view, call), body, found)

    def _through(self, frame: _Frame, name: str, body: Body, parameters: list[str]) -> bool:
        callee, returns = body.view, False
        if not callees.same_build(frame.view.source, callee.source):
            # Another configuration has another body.
            self.unknown.setdefault(name)
        for parameter in parameters:
            if parameter not in self.returned and len(self.returned) >= _LIMIT:
                self.unknown.setdefault(name)
                return True
            if parameter not in self.returned:
                self.returned[parameter] = True
                self.followed.setdefault(body.name)
                inner = _Frame(callee, callee.function, -1, parameter, body.name)
                self.run(inner)
                self.returned[parameter] = inner.returns
            returns = returns or self.returned[parameter]
        return returns or not callees.same_build(frame.view.source, callee.source)


def _is(parent: Node, name: str, node: Node) -> bool:
    return parent.child_by_field_name(name) == node


def _short(view: View, node: Node) -> str:
    text = " ".join(view.text(node).split())
    return text if len(text) <= 40 else f"{text[:37]}..."
