"""Which statements may run after which: the paths through a list of statements, gotos included.

What cannot be known is taken as possible: any condition may hold, any case may be taken. A call that never returns
(:func:`flow.never_returns`) ends its path, and so does what waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from gocodemod.analysis import flow


@dataclass(eq=False)
class _Step:
    """What runs at once: ``nodes`` is a simple statement, or the parts of a header. ``end``: nothing comes after."""

    nodes: tuple[Node, ...] = ()
    next: list[_Step] = field(default_factory=list)
    end: bool = False


@dataclass(frozen=True)
class Reached:
    """``jumps``: the returns, and the jumps that lead out of the list, in source order; ``falls``: its end is reached.

    ``again``: the statement asked about is reached, too.
    """

    jumps: tuple[Node, ...]
    falls: bool
    again: bool

    @property
    def returns(self) -> bool:
        """For the list that is a function's body: whether the function may end."""
        return self.falls or any(j.type == "return_statement" for j in self.jumps)


class Paths:
    """The paths through a list of statements, such as a function's body."""

    def __init__(self, statements: Sequence[Node]) -> None:
        self._end = _Step(end=True)
        self._jumps: dict[int, _Step] = {}
        self._by_node: dict[int, _Step] = {}
        self._labels: dict[bytes, _Step] = {}
        self._breaks: dict[int, _Step] = {}
        self._continues: dict[int, _Step] = {}
        self.start = self._list(statements, self._end, None)

    def __contains__(self, statement: Node) -> bool:
        """Whether it is a statement that :meth:`after` can be asked about."""
        return statement.id in self._by_node

    def after(self, statement: Node, stops: Callable[[Node], bool] = lambda _: False) -> Reached:
        """What may be reached once a simple statement of the list has run, without passing what ``stops``."""
        first = self._by_node[statement.id]
        jumps: dict[int, Node] = {}
        seen: set[int] = set()
        falls = again = False
        queue = list(first.next)
        while queue:
            step = queue.pop()
            if id(step) in seen:
                continue
            seen.add(id(step))
            falls = falls or step.end
            again = again or step is first
            if any(stops(node) for node in step.nodes):
                continue
            jumps |= {n.id: n for n in step.nodes if self._leaves(n, step)}
            queue += step.next
        return Reached(tuple(sorted(jumps.values(), key=lambda n: n.start_byte)), falls, again)

    def _leaves(self, node: Node, step: _Step) -> bool:
        """Whether a jump leads out of the list; a goto does if its label was not met there."""
        return self._jumps.get(node.id) is step and not any(label.next for label in step.next)

    # Building: each method is given what runs next, and gives what runs first.

    def _list(self, statements: Sequence[Node], then: _Step, fallthrough: _Step | None) -> _Step:
        for statement in reversed(statements):
            then = self._statement(statement, then, fallthrough)
        return then

    def _block(self, block: Node | None, then: _Step, fallthrough: _Step | None = None) -> _Step:
        return self._list(flow.statements(block), then, fallthrough) if block is not None else then

    def _step(self, nodes: Sequence[Node | None], *then: _Step) -> _Step:
        step = _Step(tuple(n for n in nodes if n is not None), list(then))
        for node in step.nodes:
            self._by_node[node.id] = step
        return step

    def _statement(self, node: Node, then: _Step, fallthrough: _Step | None) -> _Step:
        match node.type:
            case "block":
                return self._block(node, then)
            case "labeled_statement":
                return self._labelled(node, then, fallthrough)
            case "if_statement":
                return self._if(node, then)
            case "for_statement":
                return self._for(node, then)
            case "expression_switch_statement" | "type_switch_statement":
                return self._switch(node, then)
            case "select_statement":
                return self._select(node, then)
            case "return_statement" | "break_statement" | "continue_statement" | "goto_statement":
                return self._jump(node)
            case "fallthrough_statement" if fallthrough is not None:
                return self._step([node], fallthrough)
            case "fallthrough_statement":
                return self._leaving(node)
        return self._step([node]) if flow.never_returns(node) else self._step([node], then)

    def _leaving(self, node: Node) -> _Step:
        step = self._jumps[node.id] = self._step([node])
        return step

    def _jump(self, node: Node) -> _Step:
        if node.type == "return_statement":
            return self._leaving(node)
        if node.type == "goto_statement":
            return self._goto(node)
        target = flow.jump_target(node)
        targets = self._breaks if node.type == "break_statement" else self._continues
        if target is None or target.id not in targets:
            return self._leaving(node)
        return self._step([node], targets[target.id])

    def _goto(self, node: Node) -> _Step:
        """To a label that may come later: the label's step is made when it is first named, and linked when it is met."""
        step = self._jumps[node.id] = self._step([node])
        step.next.append(self._labels.setdefault(flow.jump_label(node) or b"", _Step()))
        return step

    def _labelled(self, node: Node, then: _Step, fallthrough: _Step | None) -> _Step:
        name = node.child_by_field_name("label")
        inner = next((c for c in node.named_children if c.type not in ("label_name", "comment")), None)
        own = self._labels.setdefault(name.text or b"" if name is not None else b"", _Step())
        own.next.append(self._statement(inner, then, fallthrough) if inner is not None else then)
        return own

    def _if(self, node: Node, then: _Step) -> _Step:
        yes = self._block(node.child_by_field_name("consequence"), then)
        other = node.child_by_field_name("alternative")
        no = self._statement(other, then, None) if other is not None else then
        header = self._step([node.child_by_field_name("condition")], yes, no)
        return self._initialised(node, header)

    def _initialised(self, node: Node, header: _Step) -> _Step:
        first = node.child_by_field_name("initializer")
        return self._step([first], header) if first is not None else header

    def _for(self, node: Node, then: _Step) -> _Step:
        clause, condition = flow.clause(node), flow.condition(node)
        if clause is not None and clause.type == "range_clause":
            header = self._step([clause.child_by_field_name("left")], then)
            entry, back = self._step([clause.child_by_field_name("right")], header), header
        else:
            header = self._step([condition], *([then] if condition is not None else []))
            post = flow.update(node)
            back = self._step([post], header) if post is not None else header
            entry = self._initialised(clause, header) if clause is not None else header
        self._breaks[node.id], self._continues[node.id] = then, back
        header.next.append(self._block(flow.body(node), back))
        return entry

    def _switch(self, node: Node, then: _Step) -> _Step:
        self._breaks[node.id] = then
        cases = [c for c in node.named_children if c.type in ("expression_case", "type_case", "default_case")]
        values = [v for c in cases for v in c.children_by_field_name("value")]
        header = self._step([node.child_by_field_name("alias"), node.child_by_field_name("value"), *values])
        following: _Step | None = None
        for case in reversed(cases):
            following = self._block(case, then, following)
            header.next.append(following)
        if not any(c.type == "default_case" for c in cases):
            header.next.append(then)
        return self._initialised(node, header)

    def _select(self, node: Node, then: _Step) -> _Step:
        self._breaks[node.id] = then
        header = self._step([])
        for case in node.named_children:
            if case.type in ("communication_case", "default_case"):
                header.next.append(self._step([case.child_by_field_name("communication")], self._block(case, then)))
        return header


def leads_back(function: Node, place: Node) -> bool:
    """Whether a goto behind the place leads to a label before it: what stands before may run after."""
    labels = [n for n in flow.inside(function) if n.type == "labeled_statement" and n.start_byte < place.start_byte]
    names = {name.text for n in labels if (name := n.child_by_field_name("label")) is not None}
    gotos = (n for n in flow.inside(function) if n.type == "goto_statement" and n.start_byte > place.start_byte)
    return any(flow.jump_label(n) in names for n in gotos)
