"""An integer variable or field as one of the types of sync/atomic: its declaration and every use of it, rewritten.

https://pkg.go.dev/sync/atomic#Int64: such a value is aligned for 64 bits wherever it stands, and must not be copied.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from gocodemod.analysis import configurations, declared, flow, layout
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Object, Ref
from gocodemod.model import Edit, FileChange, Refusal
from gocodemod.transform import Context


@dataclass(frozen=True)
class Width:
    """``name`` of the atomic type; ``of``: what its methods take and give where that is another type than the variable's."""

    name: str
    plain: str
    of: str = ""

    @property
    def taken(self) -> str:
        return self.of or self.plain

    @property
    def unsigned(self) -> bool:
        return self.taken.startswith("u")


# int and uint have no atomic type of their own: the wider one holds what they hold on any platform.
WIDTHS = {
    w.plain: w
    for w in (
        Width("Int64", "int", "int64"),
        Width("Int32", "int32"),
        Width("Int64", "int64"),
        Width("Uint64", "uint", "uint64"),
        Width("Uint32", "uint32"),
        Width("Uint64", "uint64"),
        Width("Uintptr", "uintptr"),
    )
}
_UNARY = ("inc_statement", "dec_statement")


@dataclass(frozen=True)
class Use:
    """One use of the variable: the identifier, and the function around it.

    ``node`` is the expression without parentheses, ``text`` its text; ``writes``: the variable is changed.
    """

    ref: Ref
    view: View
    node: Node
    text: str

    @property
    def writes(self) -> bool:
        return self.ref.role in ("assign", "update")

    @property
    def statement(self) -> Node | None:
        """The statement that changes it."""
        around = self.node.parent
        while around is not None and around.type in ("parenthesized_expression", "expression_list"):
            around = around.parent
        return around if around is not None and around.type in (*_UNARY, "assignment_statement") else None

    @property
    def place(self) -> str:
        return f"line {self.view.line(self.ref.start)} of {os.path.basename(self.ref.path)}"


def uses(context: Context, view: View, known: Object) -> list[Use] | Refusal:
    """Every use but the declaration."""
    found = []
    for ref in context.facts.uses(known.id):
        if ref.role == "declare" or (ref.path, ref.start) == (known.path, known.start):
            continue
        try:
            source = view.source if ref.path == view.path else context.source(ref.path)
        except (OSError, TypesUnavailable):
            return Refusal("types-unavailable", f"{ref.path} cannot be read")
        node = source.node_at(ref.outer_start, ref.outer_end)
        around = View.around(source, context.facts, node, context.language)
        if around is None:
            return Refusal("counter-not-plain", f"{known.name} is used outside of any function")
        while node.type == "parenthesized_expression":
            node = node.named_children[0]
        found.append(Use(ref, around, node, around.text(node)))
    return found


@dataclass
class _Plan:
    context: Context
    view: View
    known: Object
    width: Width
    counts: Callable[[Object, list[Use]], bool]
    edits: dict[str, dict[Edit, None]] = field(default_factory=dict)

    def edit(self, path: str, start: int, end: int, text: str) -> None:
        self.edits.setdefault(path, {})[layout.edit(start, end, text)] = None


def rewrite(
    context: Context, view: View, known: Object, counts: Callable[[Object, list[Use]], bool]
) -> tuple[FileChange, ...] | Refusal:
    """The changes that make the variable atomic. They replace and never insert, so that several sites may make the same.

    ``counts``: whether another variable, declared along with this one, is to become atomic, too.
    """
    width = WIDTHS.get(known.type)
    if width is None:
        return Refusal("counter-not-plain", f"sync/atomic has no type for {known.type}")
    plan = _Plan(context, view, known, width, counts)
    found = uses(context, view, known)
    if isinstance(found, Refusal):
        return found
    problem = _declaration(plan) or next((p for u in found if (p := _use(plan, u, found)) is not None), None)
    if problem is not None:
        return problem
    return tuple(
        FileChange(path, tuple(sorted(edits)), ("sync/atomic",) if path == known.path else ())
        for path, edits in sorted(plan.edits.items())
    )


def _not_plain(use: Use, what: str) -> Refusal:
    return Refusal("counter-not-plain", f"{use.place} {what}")


# --- the declaration -------------------------------------------------------------------------------------------------


def _declaration(plan: _Plan) -> Refusal | None:
    context, known = plan.context, plan.known
    found = declared.of(context, plan.view, known)
    source = plan.view.source if known.path == plan.view.path else context.source(known.path)
    package = layout.import_name(source, "sync/atomic")
    name = context.facts.lookup(known.path, known.start, package)
    if name is not None and not (name.kind == "package" and name.package == "sync/atomic"):
        return Refusal("import-name-taken", f"{package} means something else where {known.name} is declared")
    if path := configurations.uses_elsewhere(plan.view, known) if known.scope != "function" else "":
        return Refusal("other-build-config", f"{os.path.basename(path)} names {known.name} and is not loaded")
    written = f"{package}.{plan.width.name}"
    if found is None:
        return _short(plan, source.node_at(known.start, known.start + len(known.name.encode())), written)
    if found.spec.child_by_field_name("tag") is not None:
        return Refusal("read-by-reflection", f"{known.name} has a tag")
    if found.value is not None and (not found.alone or not _is_zero(plan, found.value)):
        return Refusal("counter-not-plain", f"{known.name} has a value where it is declared")
    last = found.value or found.type
    if last is None or (other := _other_names(plan, found)) is not None:
        return other if last is not None else Refusal("counter-not-plain", f"{known.name} has no type of its own")
    plan.edit(found.path, found.names[-1].end_byte, last.end_byte, f" {written}")
    return None


def _is_zero(plan: _Plan, value: Node) -> bool:
    inner = [c for c in value.named_children if c.type != "comment"] if value.type == "expression_list" else [value]
    expr = plan.context.facts.expr(plan.known.path, inner[0].start_byte, inner[0].end_byte) if len(inner) == 1 else None
    return expr is not None and expr.constant == "0"


def _other_names(plan: _Plan, found: declared.Declaration) -> Refusal | None:
    """``ok, failed int``: all of them, or none."""
    for name in found.names:
        if name.start_byte == plan.known.start:
            continue
        refs = plan.context.facts.refs(found.path, name.start_byte, name.end_byte)
        other = plan.context.facts.object(refs[0].object) if refs else None
        if other is None:
            return Refusal("counter-not-plain", f"{plan.known.name} is declared with others")
        more = _Plan(plan.context, plan.view, other, plan.width, plan.counts)
        listed = uses(plan.context, plan.view, other)
        if isinstance(listed, Refusal) or not plan.counts(other, listed) or any(_use(more, u, listed) for u in listed):
            return Refusal("counter-not-plain", f"{plan.known.name} is declared with {other.name}, which is no counter")
        for path, edits in more.edits.items():
            plan.edits.setdefault(path, {}).update(edits)
    return None


def _short(plan: _Plan, name: Node, written: str) -> Refusal | None:
    """``n := 0``."""
    statement = name.parent.parent if name.parent is not None else None
    right = statement.child_by_field_name("right") if statement is not None else None
    left = statement.child_by_field_name("left") if statement is not None else None
    plain = statement is not None and statement.type == "short_var_declaration" and statement.parent is not None
    if not plain or statement is None or right is None or left is None or statement.parent is None:
        return Refusal("counter-not-plain", f"{plan.known.name} is a parameter, or declared with others")
    if statement.parent.type != "statement_list" or left.named_child_count != 1 or not _is_zero(plan, right):
        return Refusal(
            "counter-not-plain", f"{plan.known.name} has a value, or stands in a header, where it is declared"
        )
    plan.edit(plan.known.path, statement.start_byte, statement.end_byte, f"var {plan.known.name} {written}")
    return None


# --- the uses --------------------------------------------------------------------------------------------------------


def _use(plan: _Plan, use: Use, every: list[Use]) -> Refusal | None:
    role = use.ref.role
    if role == "address":
        return Refusal("address-taken", f"{use.place} takes its address")
    if role == "key" and use.ref.outer_start == use.ref.start:  # else the key of a map
        return _not_plain(use, "gives it a value in a composite literal")
    if role == "define":
        return _not_plain(use, "declares it anew")
    if role not in ("assign", "update"):
        inside = next((u for u in every if u.writes and u.ref.path == use.ref.path and _is_operand(u, use)), None)
        if inside is None:
            loaded = f"{use.text}.Load()"
            text = f"{plan.known.type}({loaded})" if plan.width.of and not _is_converted(use) else loaded
            plan.edit(use.ref.path, use.ref.outer_start, use.ref.outer_end, text)
        return None
    statement = use.statement
    if statement is None or statement.parent is None or statement.parent.type != "statement_list":
        return _not_plain(use, "changes it in a header, or along with others")
    changed = _step(plan, statement) if statement.type in _UNARY else _assigned(plan, use, statement, every)
    if isinstance(changed, Refusal):
        return changed
    plan.edit(use.ref.path, statement.start_byte, statement.end_byte, f"{use.text}.{changed}")
    return None


def _is_converted(use: Use) -> bool:
    """``int64(n)``: what is read is converted anyway."""
    listed = use.view.source.node_at(use.ref.outer_start, use.ref.outer_end).parent
    if listed is None or listed.type != "argument_list" or listed.named_child_count != 1 or listed.parent is None:
        return False
    callee = listed.parent.child_by_field_name("function")
    return callee is not None and use.view.text(callee) in WIDTHS


def _is_operand(write: Use, read: Use) -> bool:
    """Whether a read stands in the statement of a write (``n = n + 1``), which is rewritten whole."""
    return write.statement is not None and flow.contains(write.statement, read.node)


def _step(plan: _Plan, statement: Node) -> str:
    down = statement.type == "dec_statement"
    if down and plan.width.unsigned:
        return f"Add(^{plan.width.taken}(0))"  # https://pkg.go.dev/sync/atomic#AddUint64
    return "Add(-1)" if down else "Add(1)"


def _assigned(plan: _Plan, use: Use, statement: Node, every: list[Use]) -> str | Refusal:
    left, sign, right = (statement.child_by_field_name(n) for n in ("left", "operator", "right"))
    values = [c for c in right.named_children if c.type != "comment"] if right is not None else []
    if left is None or sign is None or len(values) != 1 or left.named_child_count != 1:
        return _not_plain(use, "changes it along with others")
    value, operator = values[0], use.view.text(sign)
    if any(n.type == "comment" for n in flow.everything(statement)):
        return Refusal("comment-in-the-way", f"{use.place} has a comment inside")
    read = [u for u in every if not u.writes and u.ref.path == use.ref.path and flow.contains(value, u.node)]
    if read and operator == "=":
        first, plus, second = (value.child_by_field_name(n) for n in ("left", "operator", "right"))
        if len(read) != 1 or first is None or plus is None or second is None or use.view.text(first) != use.text:
            return Refusal("checked-then-changed", f"{use.place} sets it to what it makes of it")
        value, operator = second, f"{use.view.text(plus)}="
    elif read:
        return Refusal("checked-then-changed", f"{use.place} adds to it what it makes of it")
    if operator == "=":
        return f"Store({_converted(plan, use, value)})"
    if operator == "+=":
        return f"Add({_converted(plan, use, value)})"
    if operator != "-=":
        return _not_plain(use, f"changes it by {operator}, which no atomic type has")
    return _subtracted(plan, use, value)


def _converted(plan: _Plan, use: Use, value: Node) -> str:
    text = use.view.text(value)
    return f"{plan.width.of}({text})" if plan.width.of and value.type != "int_literal" else text


def _subtracted(plan: _Plan, use: Use, value: Node) -> str | Refusal:
    known = plan.context.facts.expr(use.ref.path, value.start_byte, value.end_byte)
    if plan.width.unsigned and (known is None or known.constant is not None):
        return _not_plain(use, "takes a constant from it, which is unsigned")
    text = _converted(plan, use, value)
    plain = value.type in ("int_literal", "identifier", "selector_expression", "call_expression") or plan.width.of
    return f"Add(-{text})" if plain else f"Add(-({text}))"


# --- in one step, or in several --------------------------------------------------------------------------------------


def stepwise(found: list[Use]) -> str:
    """Where one function reads the variable and changes it, a phrase: the two together are not atomic. ``""`` if nowhere."""
    for use in found:
        if not use.writes:
            continue
        for other in _beside(use, found):
            if not other.writes and not _is_operand(use, other):
                return f"{other.place} reads it, line {use.view.line(use.ref.start)} changes it"
    return ""


def _beside(use: Use, found: list[Use]) -> Iterator[Use]:
    """The other uses in the same run of a function: literals that it calls or defers belong to it."""
    own = _run(use.view)
    for other in found:
        if other is not use and other.ref.path == use.ref.path and _run(other.view) == own:
            yield other


def _run(view: View) -> int:
    """Start of the function that runs the code."""
    for function in view.functions:
        if function.kind != "literal" or function.started not in ("call", "defer"):
            return function.start
    return -1
