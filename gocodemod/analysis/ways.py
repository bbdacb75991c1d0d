"""The ways out of a block, and on which of them something that was opened is still open.

One abstract run over the tree: a state says what may have happened on some path to a place. Conditions are not looked
into, a loop may run any number of times, and a panic that no statement spells out is not seen.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from tree_sitter import Node

from gocodemod.analysis import flow
from gocodemod.analysis.view import View


class State(enum.Flag):
    """What some path to a place has seen; a union of several where paths meet, empty where none leads there."""

    BEFORE = enum.auto()
    OPEN = enum.auto()
    SETTLED = enum.auto()


NOWHERE = State(0)


class Exit(enum.Enum):
    END = "end"
    RETURN = "return"
    JUMP = "jump"
    # Deferred calls run (panic, runtime.Goexit, a test's FailNow) or do not (os.Exit, log.Fatal).
    PANIC = "panic"
    PROCESS = "process"


@dataclass(frozen=True)
class Way:
    """One way out of the block: ``node`` is the jump or call that takes it, None where the block's end is reached."""

    exit: Exit
    node: Node | None
    state: State

    @property
    def defers_run(self) -> bool:
        """Whether deferred calls run on it, for the block of a function's body."""
        return self.exit in (Exit.END, Exit.RETURN, Exit.PANIC)


# What running a statement, or the header of one, makes of the state: OPEN, SETTLED, or None for no change.
Marks = Callable[[Node], State | None]


def ways_out(
    view: View,
    block: Node,
    marks: Marks,
    begin: State = State.BEFORE,
    endless: Callable[[Node], bool] = flow.is_endless,
) -> tuple[Way, ...]:
    """The ways out of a block or case clause that some path reaches, in source order, its end last.

    ``marks`` is asked about statements and headers (conditions, communications, range operands), outermost nodes
    without their blocks. ``endless``: loops that only a jump leaves.
    """
    walk = _Walk(view, block, marks, endless)
    end = walk.sequence(flow.statements(block), begin)
    found = [Way(kind, node, state) for kind, node, state in walk.found.values()]
    found.sort(key=lambda w: w.node.start_byte if w.node is not None else block.end_byte)
    return (*found, Way(Exit.END, None, end)) if end else tuple(found)


# Calls of flow.never_returns that end the process instead of unwinding the goroutine.
_PROCESS = frozenset({"os.Exit", "syscall.Exit"})


def exit_of(view: View, statement: Node) -> Exit | None:
    """How a call statement that never returns ends its function; None for any other statement."""
    if not flow.never_returns(statement):
        return None
    call = statement.named_children[0]
    known, callee = view.call_at(call), call.child_by_field_name("function")
    text = view.text(callee) if callee is not None else ""
    if known is not None and "testing." in known.name.rsplit(".", 1)[0] + ".":
        return Exit.PANIC
    fatal = text.rsplit(".", 1)[-1].startswith("Fatal")
    return Exit.PROCESS if text in _PROCESS or fatal else Exit.PANIC


@dataclass
class _Walk:
    view: View
    block: Node
    marks: Marks
    endless: Callable[[Node], bool]
    found: dict[int, tuple[Exit, Node, State]] = field(default_factory=dict)
    # What breaks and continues bring to the statements inside the block that they bind to.
    breaks: dict[int, State] = field(default_factory=dict)
    continues: dict[int, State] = field(default_factory=dict)

    def sequence(self, statements: list[Node], state: State) -> State:
        for statement in statements:
            state = self.statement(statement, state)
        return state

    def statement(self, node: Node, state: State) -> State:
        if node.type == "labeled_statement":
            # A goto may lead here from anywhere.
            return self._labelled(node, state)
        if not state:
            return NOWHERE
        handler = _HANDLERS.get(node.type)
        if handler is not None:
            return handler(self, node, state)
        state = self.header(node, state)
        ends = exit_of(self.view, node)
        return state if ends is None else self._out(ends, node, state)

    def header(self, node: Node | None, state: State) -> State:
        if node is None or not state:
            return state
        change = self.marks(node)
        if change is None or (change is State.SETTLED and state is State.BEFORE):
            return state
        return change

    def _labelled(self, node: Node, state: State) -> State:
        name = node.child_by_field_name("label")
        jumps = (n for n in flow.inside(self.block) if n.type == "goto_statement")
        if name is not None and any(flow.jump_label(j) == name.text for j in jumps):
            state |= State.BEFORE | State.OPEN
        inner = [c for c in node.named_children if c.type not in ("label_name", "comment")]
        return self.statement(inner[-1], state) if inner else state

    def _out(self, kind: Exit, node: Node, state: State) -> State:
        before = self.found.get(node.start_byte, (kind, node, NOWHERE))[2]
        self.found[node.start_byte] = (kind, node, before | state)
        return NOWHERE

    def block_of(self, node: Node, state: State) -> State:
        return self.sequence(flow.statements(node), state)

    def leave(self, node: Node, state: State) -> State:
        """return, break, continue, goto."""
        state = self.header(node, state)
        if node.type == "return_statement":
            return self._out(Exit.RETURN, node, state)
        if node.type == "goto_statement":
            return NOWHERE if self._leads_inside(node) else self._out(Exit.JUMP, node, state)
        target = flow.jump_target(node)
        if target is None or target.start_byte < self.block.start_byte or not flow.contains(self.block, target):
            return self._out(Exit.JUMP, node, state)
        to = self.breaks if node.type == "break_statement" else self.continues
        to[target.start_byte] = to.get(target.start_byte, NOWHERE) | state
        return NOWHERE

    def _leads_inside(self, goto: Node) -> bool:
        name = flow.jump_label(goto)
        labels = (n.child_by_field_name("label") for n in flow.inside(self.block) if n.type == "labeled_statement")
        return any(found is not None and found.text == name for found in labels)

    def branch(self, node: Node, state: State) -> State:
        state = self.header(node.child_by_field_name("initializer"), state)
        state = self.header(node.child_by_field_name("condition"), state)
        then, other = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        end = self.block_of(then, state) if then is not None else state
        return end | (self.statement(other, state) if other is not None else state)

    def loop(self, node: Node, state: State) -> State:
        clause = flow.clause(node)
        if clause is not None and clause.type == "for_clause":
            state = self.header(clause.child_by_field_name("initializer"), state)
        elif clause is not None:
            state = self.header(clause.child_by_field_name("right"), state)
        before = NOWHERE
        at_head = state
        while at_head != before:
            before = at_head
            at_head |= self._round(node, at_head)
        left = self.breaks.pop(node.start_byte, NOWHERE)
        ends = not self.endless(node) and (flow.condition(node) is not None or flow.is_range(node))
        return left | (self.header(flow.condition(node), at_head) if ends else NOWHERE)

    def _round(self, node: Node, state: State) -> State:
        """What one round of a loop brings back to its head."""
        own = flow.body(node)
        state = self.header(flow.condition(node), state)
        end = self.block_of(own, state) if own is not None else state
        end |= self.continues.pop(node.start_byte, NOWHERE)
        return self.header(flow.update(node), end)

    def switch(self, node: Node, state: State) -> State:
        state = self.header(node.child_by_field_name("initializer"), state)
        state = self.header(node.child_by_field_name("value"), state)
        cases = [c for c in node.named_children if c.type in flow.CASES]
        end, fallen = NOWHERE, NOWHERE
        for case in cases:
            inner = flow.statements(case)
            after = self.sequence(inner, state | fallen)
            falls = bool(inner) and inner[-1].type == "fallthrough_statement"
            fallen, end = (after, end) if falls else (NOWHERE, end | after)
        if not any(c.type == "default_case" for c in cases):
            end |= state
        return end | self.breaks.pop(node.start_byte, NOWHERE)

    def select(self, node: Node, state: State) -> State:
        end = NOWHERE
        for case in (c for c in node.named_children if c.type in flow.CASES):
            chosen = self.header(case.child_by_field_name("communication"), state)
            end |= self.sequence(flow.statements(case), chosen)
        return end | self.breaks.pop(node.start_byte, NOWHERE)


_HANDLERS: dict[str, Callable[[_Walk, Node, State], State]] = {
    "block": _Walk.block_of,
    "return_statement": _Walk.leave,
    "break_statement": _Walk.leave,
    "continue_statement": _Walk.leave,
    "goto_statement": _Walk.leave,
    "if_statement": _Walk.branch,
    "for_statement": _Walk.loop,
    "expression_switch_statement": _Walk.switch,
    "type_switch_statement": _Walk.switch,
    "select_statement": _Walk.select,
}
