"""Walks over a function's tree: loops, jumps, what runs next.

Every walk stays inside one function: a literal inside is another function with loops and returns of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from gocodemod.golang.facts import Facts

FUNCTIONS = frozenset({"function_declaration", "method_declaration", "func_literal"})
CASES = frozenset({"communication_case", "default_case", "expression_case", "type_case"})
# What an unlabelled break leaves (https://go.dev/ref/spec#Break_statements).
BREAKABLE = frozenset({"for_statement", "select_statement", "expression_switch_statement", "type_switch_statement"})
JUMPS = frozenset(
    {"return_statement", "break_statement", "continue_statement", "goto_statement", "fallthrough_statement"}
)
# Calls after which nothing of the function runs; by text, because that is how Go code spells them.
NO_RETURN = frozenset({"panic", "os.Exit", "runtime.Goexit"})
# Whatever the package: a logger's or a test's method of this name ends the process, the goroutine or the test.
_LAST_CALLS = frozenset(
    {"Fatal", "Fatalf", "Fatalln", "FailNow", "Panic", "Panicf", "Panicln", "SkipNow", "Skip", "Skipf"}
)


def enclosing_function(node: Node) -> Node | None:
    """The innermost function declaration or literal around the node (not the node itself)."""
    parent = node.parent
    while parent is not None and parent.type not in FUNCTIONS:
        parent = parent.parent
    return parent


def outermost_function(node: Node) -> Node | None:
    function = enclosing_function(node)
    while function is not None and (outer := enclosing_function(function)) is not None:
        function = outer
    return function


def body(function: Node) -> Node | None:
    return function.child_by_field_name("body")


def loops_around(node: Node) -> list[Node]:
    """The for statements around the node in its own function, innermost first.

    A node in a loop's init clause or range operand is not inside that loop: it runs once.
    """
    found: list[Node] = []
    child, parent = node, node.parent
    while parent is not None and parent.type not in FUNCTIONS:
        if parent.type == "for_statement" and (child.type == "block" or _repeats(parent, node)):
            found.append(parent)
        child, parent = parent, parent.parent
    return found


def _repeats(loop: Node, node: Node) -> bool:
    """Whether the node stands in the condition or post statement of the loop."""
    return any(part is not None and contains(part, node) for part in (update(loop), condition(loop)))


def clause(loop: Node) -> Node | None:
    return next((c for c in loop.named_children if c.type in ("for_clause", "range_clause")), None)


def update(loop: Node) -> Node | None:
    """The post statement of a three-part for."""
    found = clause(loop)
    return found.child_by_field_name("update") if found is not None and found.type == "for_clause" else None


def condition(loop: Node) -> Node | None:
    found = clause(loop)
    if found is not None:
        return found.child_by_field_name("condition") if found.type == "for_clause" else None
    return next((c for c in loop.named_children if c.type not in ("block", "comment")), None)


def is_endless(loop: Node) -> bool:
    """``for {}`` and ``for ;; {}``: no condition, no range, no init or post statement."""
    found = clause(loop)
    if found is None:
        return condition(loop) is None
    return found.type == "for_clause" and not [c for c in found.named_children if c.type != "comment"]


def inside(node: Node) -> Iterator[Node]:
    """The node and everything below it that belongs to the same function, in source order."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if current.type != "func_literal" or current == node:
            stack.extend(reversed(current.named_children))


def runs_in(node: Node) -> Iterator[Node]:
    """The node and everything below it, the bodies of literals included that are not started by ``go``."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if current.type != "go_statement":
            stack.extend(reversed(current.named_children))


def everything(node: Node) -> Iterator[Node]:
    """The node and everything below it, literals included, in source order."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def statement(node: Node) -> Node:
    """The statement that holds the node: a direct child of a statement list (labels included)."""
    while node.parent is not None and node.parent.type != "statement_list":
        node = node.parent
    return node


def statements(block: Node) -> list[Node]:
    """The statements directly inside a block or case clause, comments left out."""
    lists = [c for c in block.named_children if c.type == "statement_list"]
    return [s for found in lists for s in found.named_children if s.type not in ("comment", "empty_statement")]


def siblings(node: Node) -> tuple[list[Node], list[Node]]:
    """The statements before and after the one that holds the node, in the same list."""
    own = statement(node)
    parent = own.parent
    if parent is None:
        return [], []
    every = [s for s in parent.named_children if s.type not in ("comment", "empty_statement")]
    before = [s for s in every if s.end_byte <= own.start_byte]
    after = [s for s in every if s.start_byte >= own.end_byte]
    return before, after


def label(node: Node) -> bytes | None:
    """The label that stands right before a statement."""
    parent = node.parent
    if parent is not None and parent.type == "labeled_statement":
        name = parent.child_by_field_name("label")
        return name.text if name is not None else None
    return None


def labelled(node: Node) -> Node:
    """The statement with its labels."""
    while node.parent is not None and node.parent.type == "labeled_statement":
        node = node.parent
    return node


def jump_label(jump: Node) -> bytes | None:
    name = next((c for c in jump.named_children if c.type == "label_name"), None)
    return name.text if name is not None else None


def jump_target(jump: Node) -> Node | None:
    """The statement that a break or continue binds to."""
    name = jump_label(jump)
    kinds = frozenset({"for_statement"}) if jump.type == "continue_statement" else BREAKABLE
    parent = jump.parent
    while parent is not None and parent.type not in FUNCTIONS:
        if name is not None:
            if label(parent) == name:
                return parent
        elif parent.type in kinds:
            return parent
        parent = parent.parent
    return None


def contains(outer: Node, inner: Node) -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte


def leaves(node: Node, loop: Node) -> bool:
    """Whether the jump statement ends the loop (return, goto, break of it or of something around it, continue of an outer loop)."""
    if node.type in ("return_statement", "goto_statement"):
        return True
    if node.type == "break_statement":
        target = jump_target(node)
        return target is not None and contains(target, loop)
    if node.type == "continue_statement":
        target = jump_target(node)
        return target is not None and target != loop and contains(target, loop)
    return never_returns(node)


def never_returns(node: Node) -> bool:
    """Whether the statement is a call that ends the goroutine or the process (panic, os.Exit, log.Fatal, t.Fatal, ...)."""
    if node.type != "expression_statement" or not node.named_children:
        return False
    call = node.named_children[0]
    callee = call.child_by_field_name("function") if call.type == "call_expression" else None
    if callee is None or callee.text is None:
        return False
    text = callee.text.decode("utf-8", "replace")
    return text in NO_RETURN or text.rsplit(".", 1)[-1] in _LAST_CALLS


def receives(node: Node) -> bool:
    """``<-ch``."""
    sign = node.child_by_field_name("operator") if node.type == "unary_expression" else None
    return sign is not None and sign.type == "<-"


def exits(loop: Node) -> list[Node]:
    """Every statement in the loop's body that leaves the loop."""
    own = body(loop)
    return [] if own is None else [n for n in inside(own) if leaves(n, loop)]


def continues(loop: Node) -> list[Node]:
    own = body(loop)
    if own is None:
        return []
    return [n for n in inside(own) if n.type == "continue_statement" and jump_target(n) == loop]


def always_leaves(block: Node, loop: Node) -> bool:
    """Whether a block or case clause leaves the loop at its end, and no jump inside leads back into the loop."""
    inner = statements(block)
    if not inner or not leaves(inner[-1], loop):
        return False
    jumps = [n for s in inner for n in inside(s) if n.type in ("break_statement", "continue_statement")]
    targets = ((jump, jump_target(jump)) for jump in jumps)
    return all(leaves(jump, loop) or (to is not None and contains(block, to)) for jump, to in targets)


def ends_function(block: Node) -> bool:
    """Whether the last statement of a block or case clause returns or never returns, with no other way out."""
    inner = statements(block)
    if not inner or not (inner[-1].type == "return_statement" or never_returns(inner[-1])):
        return False
    jumps = [n for s in inner for n in inside(s) if n.type.endswith(("break_statement", "continue_statement"))]
    return all((to := jump_target(n)) is not None and contains(block, to) for n in jumps)


def after(node: Node, loop: Node) -> Iterator[Node]:
    """The statements of this iteration that may run once the node has: nearest first, ending at a continue of the loop.

    Branches that were not taken are left out: after the end of an if's block comes what follows the if.
    """
    post = update(loop)
    if post is not None and contains(post, node):
        return
    current = statement(node)
    while True:
        for follower in siblings(current)[1]:
            if follower.type == "continue_statement" and jump_target(follower) == loop:
                return
            yield follower
            if leaves(follower, loop):
                return
        parent = current.parent.parent if current.parent is not None else None
        while (
            parent is not None and parent != loop and (parent.parent is None or parent.parent.type != "statement_list")
        ):
            parent = parent.parent
        if parent is None or parent == loop:
            return
        current = parent


def after_loop(loop: Node, function: Node) -> list[Node]:
    """The statements that run when the loop ends by itself: what follows it and the blocks around it."""
    found: list[Node] = []
    current: Node = labelled(loop)
    while current != function:
        if current.parent is None:
            break
        if current.parent.type == "statement_list":
            found.extend(siblings(current)[1])
        current = current.parent
    return found


def follows(node: Node, function: Node) -> Iterator[Node]:
    """The statements of the function that may run once the one that holds the node has, nearest first.

    A loop around it is yielded itself where it may begin another round, the function where a goto may lead anywhere.
    Branches that were not taken are left out; deferred calls are for the caller to think of.
    """
    current = statement(node)
    ended = current.type == "return_statement"
    while not ended and current.parent is not None and current.parent.type == "statement_list":
        target: Node | None = None
        for follower in siblings(current)[1]:
            yield follower
            if follower.type == "goto_statement":
                yield function
            if follower.type in ("return_statement", "goto_statement") or never_returns(follower):
                return
            if follower.type in ("break_statement", "continue_statement"):
                target = jump_target(follower)
                if target is not None and follower.type == "continue_statement":
                    yield target
                break
        if target is None:
            around = list(_blocks_around(current, function))
            yield from (n for n in around if n.type == "for_statement")
            target = around[-1] if around else None
        ended = target is None
        current = labelled(target) if target is not None else current


def _blocks_around(node: Node, function: Node) -> Iterator[Node]:
    """The nodes from a statement's list up to the statement that this list is part of."""
    parent = node.parent
    while parent is not None and parent != function:
        yield parent
        if parent.parent is not None and parent.parent.type == "statement_list":
            return
        parent = parent.parent


def root(node: Node) -> Node:
    """The identifier that ``a.b[i].c``, ``*p`` or ``&x`` begins with; the node itself where there is none."""
    while True:
        inner = node.child_by_field_name("operand")
        if inner is None and node.type == "parenthesized_expression" and node.named_children:
            inner = node.named_children[0]
        if inner is None or node.type == "call_expression":
            return node
        node = inner


def ends_by_itself(loop: Node) -> bool:
    """Whether what stands behind the loop can run: it has a condition or range, or some jump leads out of it."""
    if not is_endless(loop) and (condition(loop) is not None or is_range(loop)):
        return True
    jumps = ("break_statement", "continue_statement", "goto_statement")
    return any(n.type in jumps for n in exits(loop))


def ranges_over_channel(facts: Facts, path: str, loop: Node) -> bool:
    """Whether the loop takes its items from a channel or a function; True where the type is not known."""
    found = clause(loop)
    operand = found.child_by_field_name("right") if found is not None and found.type == "range_clause" else None
    if operand is None:
        return False
    known = facts.expr(path, operand.start_byte, operand.end_byte)
    return known is None or "chan " in known.underlying[:7] or known.underlying.startswith("func(")


def counts(facts: Facts, path: str, loop: Node) -> bool:
    """``for i := 0; i < tries; i++`` or ``for range tries``: when it ends by itself, its tries are used up."""
    header, test = clause(loop), condition(loop)
    if header is not None and header.type == "range_clause":
        operand = header.child_by_field_name("right")
        known = facts.expr(path, operand.start_byte, operand.end_byte) if operand is not None else None
        return known is not None and known.underlying.removeprefix("untyped ").startswith(("int", "uint"))
    sign = test.child_by_field_name("operator") if test is not None and test.type == "binary_expression" else None
    compares = test is not None and sign is not None and sign.type not in ("&&", "||") and update(loop) is not None
    return compares and not any(n.type == "call_expression" for n in inside(test or loop))


def is_range(loop: Node) -> bool:
    """``for ... range``."""
    found = clause(loop)
    return found is not None and found.type == "range_clause"


def dominating(node: Node, function: Node) -> list[Node]:
    """What ran before the node on every path through its ancestors, in source order: statements, and the headers of ifs and switches."""
    found: list[Node] = []
    current: Node | None = node
    while current is not None and current != function:
        parent = current.parent
        if parent is not None and parent.type == "statement_list":
            found.extend(reversed(siblings(current)[0]))
        elif parent is not None and parent.type in ("if_statement", "expression_switch_statement"):
            header = (parent.child_by_field_name(name) for name in ("condition", "value", "initializer"))
            found.extend(h for h in header if h is not None and h.end_byte <= current.start_byte)
        current = parent
    return found[::-1]


def goto_jumps_over(function: Node, place: Node) -> bool:
    """Whether a goto before the place leads to a label after it in the same block: Go forbids that over a declaration.

    https://go.dev/ref/spec#Goto_statements
    """
    block = place.parent
    while block is not None and block.type != "statement_list":
        block = block.parent
    if block is None:
        return False
    gotos = [n for n in inside(function) if n.type == "goto_statement" and n.start_byte < place.start_byte]
    wanted = {jump_label(n) for n in gotos}
    labels = [s for s in block.named_children if s.type == "labeled_statement" and s.start_byte >= place.start_byte]
    return any((name := s.child_by_field_name("label")) is not None and name.text in wanted for s in labels)
