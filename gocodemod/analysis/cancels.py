"""Statements that make a context which can be cancelled, and what becomes of the cancel function."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow, layout
from gocodemod.analysis.paths import Paths
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref
from gocodemod.golang.source import Source
from gocodemod.model import Edit, Refusal

STATEMENTS = ("short_var_declaration", "assignment_statement", "var_spec")
_MAKES = re.compile(rb"With(Cancel|Timeout|Deadline)(Cause)?")
# Comments that say something about the cancel function, as linters want it or as people write it.
_MEANT = re.compile(r"nolint|govet|lostcancel|cancel|leak", re.IGNORECASE)


@dataclass(frozen=True)
class Made:
    """``ctx, cancel := context.WithTimeout(parent, d)`` and its likes, taken apart.

    ``node`` is the assignment, ``statement`` what stands in a statement list (a whole ``var`` declaration),
    ``context`` and ``cancel`` the two targets, ``call`` the call, ``package`` what stands before its name, ``""`` for
    nothing, ``operator`` the ``=`` of a plain assignment.
    """

    node: Node
    statement: Node
    context: Node
    cancel: Node
    call: Node
    package: str
    function: str
    operator: Node | None

    @classmethod
    def of(cls, source: Source, node: Node) -> Made | None:
        """None for any other statement."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if node.type == "var_spec":
            right = node.child_by_field_name("value")
        targets = (
            node.children_by_field_name("name") if node.type == "var_spec" else left.named_children if left else []
        )
        targets = [t for t in targets if t.type != "comment"]
        values = [v for v in right.named_children if v.type != "comment"] if right is not None else []
        if len(targets) != 2 or len(values) != 1 or values[0].type != "call_expression":
            return None
        callee = values[0].child_by_field_name("function")
        name = (
            callee.child_by_field_name("field")
            if callee is not None and callee.type == "selector_expression"
            else callee
        )
        if callee is None or name is None or not _MAKES.fullmatch(source.text(name)):
            return None
        operand = callee.child_by_field_name("operand")
        operator = (
            next((c for c in node.children if c.type == "="), None) if node.type == "assignment_statement" else None
        )
        if node.type == "assignment_statement" and operator is None:
            return None
        package = source.text(operand).decode("utf-8", "replace") if operand is not None else ""
        function = source.text(name).decode()
        return cls(node, _whole(node), targets[0], targets[1], values[0], package, function, operator)

    @property
    def blank(self) -> bool:
        return self.cancel.text == b"_"

    @property
    def step(self) -> Node:
        """The statement as :class:`Paths` knows it."""
        return self.statement

    @property
    def in_header(self) -> bool:
        parent = flow.labelled(self.statement).parent
        return parent is None or parent.type != "statement_list"

    @property
    def block(self) -> Node:
        """The block, or the case of a switch or select, that the statement stands in."""
        inner = flow.statement(self.statement)
        block = inner.parent.parent if inner.parent is not None else None
        return block if block is not None else inner

    @property
    def declares_cancel(self) -> bool:
        """Whether naming the cancel function declares a variable where none is declared now."""
        return self.blank and self.operator is not None

    @functools.cached_property
    def looped(self) -> bool:
        """Whether the statement may run again before its function ends."""
        function = flow.enclosing_function(self.statement)
        block = flow.body(function) if function is not None else None
        paths = Paths(flow.statements(block)) if block is not None else None
        return paths is not None and self.step in paths and paths.after(self.step).again

    @property
    def parent(self) -> Node | None:
        """The context that it is made from."""
        arguments = self.call.child_by_field_name("arguments")
        return (
            next((a for a in arguments.named_children if a.type != "comment"), None) if arguments is not None else None
        )


def _whole(node: Node) -> Node:
    while node.type in ("var_spec", "var_spec_list") and node.parent is not None:
        node = node.parent
    return node


def mentions(source: Source, node: Node, name: bytes) -> bool:
    """Whether the name stands in the node, ``_ = name`` left out; a bare return stands for the named results."""
    if node.type == "return_statement" and not node.named_children:
        function = flow.enclosing_function(node)
        node = function.child_by_field_name("result") or node if function is not None else node
    if _discarded(source, node) == name:
        return False
    return any(n.type == "identifier" and source.text(n) == name for n in flow.everything(node))


def _discarded(source: Source, node: Node) -> bytes:
    """``x`` of ``_ = x``."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if node.type != "assignment_statement" or left is None or right is None or source.text(left) != b"_":
        return b""
    return source.text(right)


def _refs(view: View, made: Made) -> list[Ref]:
    """What is done with the cancel function: not its declaration, not what is assigned to the variable, no ``_ = x``."""
    own = view.ref_at(made.cancel)
    found = []
    for ref in view.refs_of(own.object) if own is not None and own.object else ():
        plain = (ref.outer_start, ref.outer_end) == (ref.start, ref.end)
        if ref.role in ("define", "declare") or (ref.role == "assign" and plain):
            continue
        statement = view.source.node_at(ref.start, ref.end)
        while (
            statement.parent is not None
            and statement.type != "assignment_statement"
            and "statement" not in statement.type
        ):
            statement = statement.parent
        if _discarded(view.source, statement) != ref.name.encode():
            found.append(ref)
    return found


def uses(view: View, made: Made, node: Node) -> bool:
    """Whether the node does something with the cancel function; a bare return does, where it is a result."""
    if node.type == "return_statement" and not node.named_children:
        own = view.ref_at(made.cancel)
        declared = view.facts.object(own.object) if own is not None else None
        return declared is not None and declared.kind == "result"
    return any(node.start_byte <= r.start and r.end <= node.end_byte for r in _refs(view, made))


def lost(view: View, made: Made) -> str | Refusal | None:
    """How the cancel function is lost, a phrase; None if it is used on every path, or not this function's to call."""
    if made.blank:
        return "its cancel function is discarded"
    own = view.ref_at(made.cancel)
    declared = view.facts.object(own.object) if own is not None and own.object else None
    if declared is None:
        return Refusal("types-unavailable", f"{view.text(made.cancel)} did not resolve")
    if declared.scope != "function" or not view.declares(view.function, declared):
        return None
    refs = _refs(view, made)
    writes = [r for r in view.refs_of(declared.id) if r.role in ("define", "assign") and r.value_start >= 0]
    several = Refusal("cancel-handed-on", f"{declared.name} is the cancel function of several contexts")
    if not refs:
        return several if len(writes) > 1 and made.looped else f"{declared.name} is never called"
    block = flow.body(view.function)
    paths = Paths(flow.statements(block)) if block is not None else None
    if paths is None or made.step not in paths or _is_main(view):
        return None
    reached = paths.after(made.step, lambda n: uses(view, made, n))
    before = (r for r in refs if r.start < made.node.start_byte)
    if not reached.returns or any(_in_deferred_literal(view, r) for r in before):
        return None
    if handed := next((r for r in refs if not _is_called_here(view, r)), None):
        line = view.line(handed.start)
        return Refusal("cancel-handed-on", f"{declared.name} is not only called here: see line {line}")
    if len(writes) > 1:
        return several
    if declared.kind == "result":
        return Refusal("cancel-handed-on", f"{declared.name} is a result")
    missed = [f"the return at line {view.line(j.start_byte)}" for j in reached.jumps] or ["the end"]
    return f"{declared.name} is not called on the way to {missed[0]}"


def only_on_failure(view: View, made: Made) -> bool:
    """Whether cancel ends what failed, and only that: each call stands in a branch that ends the function.

    A context without a deadline that is not cancelled elsewhere is meant to go on then.
    """
    refs = _refs(view, made) if not made.blank and made.function.startswith("WithCancel") else []
    return bool(refs) and all(_in_last_branch(view, view.source.node_at(r.start, r.end)) for r in refs)


def _in_last_branch(view: View, node: Node) -> bool:
    around: Node | None = node
    while around is not None and around != view.function:
        parent = around.parent
        branch = parent is not None and parent.type == "if_statement" and around.type == "block"
        if branch and flow.ends_function(around):
            return True
        around = parent
    return False


def _is_main(view: View) -> bool:
    """The end of ``main`` ends the program: no path out of it loses anything."""
    return (
        bool(view.functions) and view.functions[0].name == "main" and view.facts.file(view.path).package_name == "main"
    )


def _is_called_here(view: View, ref: Ref) -> bool:
    """A plain or deferred call, in the function itself or in a literal that it defers or calls in place."""
    if ref.role not in ("call", "defer-call"):
        return False
    inner = flow.enclosing_function(view.source.node_at(ref.start, ref.end))
    while inner is not None and inner != view.function:
        call = inner.parent
        if call is None or call.type != "call_expression" or call.child_by_field_name("function") != inner:
            return False
        if call.parent is None or call.parent.type not in ("defer_statement", "expression_statement"):
            return False
        inner = flow.enclosing_function(inner)
    return True


def discards(view: View, made: Made) -> list[Edit]:
    """Take out ``_ = cancel``, which is there to please the compiler."""
    if made.blank:
        return []
    name = view.text(made.cancel).encode()
    following = flow.siblings(made.statement)[1]
    found = [s for s in following if _discarded(view.source, s) == name]
    return [layout.remove(view.source, s) for s in found]


def context_variable(view: View, made: Made) -> Object | Refusal:
    """The local variable that gets the context, or why there is none."""
    text = view.text(made.context)
    if text == "_":
        return Refusal("context-unused", "neither the context nor its cancel function is used")
    ref = view.ref_at(made.context) if made.context.type == "identifier" else None
    if ref is None:
        return Refusal("context-escapes", f"the context is stored in {text}")
    known = view.facts.object(ref.object) if ref.object else None
    if known is None:
        return Refusal("types-unavailable", f"{text} did not resolve")
    if known.scope != "function":
        return Refusal("context-escapes", f"the context is stored in the package variable {text}")
    if known.kind == "result":
        return Refusal("context-escapes", f"{text} is a result: the context is returned")
    return known


def same_scope(view: View, made: Made, variable: Object) -> bool:
    """Whether ``:=`` would assign to the variable instead of declaring another one.

    https://go.dev/ref/spec#Short_variable_declarations
    """
    if variable.path != view.path:
        return False
    if variable.kind == "param":
        return made.block == flow.body(view.function) and view.declares(view.function, variable)
    name = view.source.node_at(variable.start, variable.start + len(variable.name.encode()))
    declaration = name.parent
    while declaration is not None and declaration.type in ("expression_list", "var_spec", "var_spec_list"):
        declaration = declaration.parent
    if declaration is None or declaration.type not in ("short_var_declaration", "var_declaration"):
        return False
    return flow.labelled(declaration).parent == flow.labelled(made.statement).parent


def cancelled_parent(view: View, made: Made) -> str:
    """How this function cancels the context's parent, and with it the context; ``""`` if it does not.

    In a loop only if the parent belongs to the same round.
    """
    parent = made.parent
    ref = view.ref_at(parent) if parent is not None and parent.type == "identifier" else None
    if ref is None or not ref.object:
        return ""
    for other in _makers(view, ref.object):
        if other.node.start_byte >= made.node.start_byte or other.cancel.type != "identifier" or other.blank:
            continue
        if made.looped and not flow.contains(made.block, other.node):
            continue
        refs = _refs(view, other)
        deferred = any(r.role == "defer-call" or _in_deferred_literal(view, r) for r in refs)
        if deferred or _on_every_path(view, made, other):
            line = view.line(other.node.start_byte)
            return f"{ref.name}, its parent, is cancelled by {view.text(other.cancel)} (line {line}) in this function"
    return ""


def _makers(view: View, variable: str) -> Iterator[Made]:
    for ref in view.refs_of(variable):
        if ref.role in ("define", "assign") and ref.value_start >= 0 and ref.value_index == 0:
            node: Node | None = view.source.node_at(ref.start, ref.end)
            while node is not None and node.type not in STATEMENTS:
                node = node.parent
            found = Made.of(view.source, node) if node is not None else None
            if found is not None and flow.enclosing_function(found.node) == view.function:
                yield found


def _in_deferred_literal(view: View, ref: Ref) -> bool:
    inner = flow.enclosing_function(view.source.node_at(ref.start, ref.end))
    call = inner.parent if inner is not None and inner != view.function else None
    return call is not None and call.parent is not None and call.parent.type == "defer_statement"


def _on_every_path(view: View, made: Made, other: Made) -> bool:
    block = flow.body(view.function)
    paths = Paths(flow.statements(block)) if block is not None else None
    if paths is None or made.step not in paths:
        return False
    return not paths.after(made.step, lambda n: uses(view, other, n)).returns


def comment(view: View, made: Made) -> str:
    """A comment on the statement's line, or right above it, that speaks of the cancel function; ``""`` for none."""
    data, start = view.source.data, made.statement.start_byte
    end = data.find(b"\n", made.statement.end_byte)
    lines = [data[made.statement.end_byte : end if end >= 0 else len(data)].decode("utf-8", "replace")]
    above = data[: data.rfind(b"\n", 0, start) + 1].decode("utf-8", "replace").splitlines()
    while above and above[-1].strip().startswith("//"):
        lines.insert(0, above.pop())
    text = " ".join(line.strip() for line in lines if "//" in line or "/*" in line)
    return text if _MEANT.search(text) else ""


def until(view: View, made: Made) -> str:
    """What kept the context so far, for the evidence."""
    root = view.call_at(made.parent) if made.parent is not None else None
    alone = root is not None and root.name in ("context.Background", "context.TODO")
    if made.function.startswith("WithCancel"):
        if alone:
            return "nothing ever cancelled it: what waits for it waits for ever"
        return "it was cancelled with its parent, which refers to it as long"
    return "its timer ran to the deadline" + ("" if alone else ", unless its parent was cancelled before")
