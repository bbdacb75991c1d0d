"""Close what a round of a loop opened at the end of the round, not at the end of the function.

A deferred call runs when its function returns. In a loop the calls pile up until then: every file stays open, every
connection is kept, and a loop that does not end closes nothing at all.

| the loop's body | the edit |
|---|---|
| ``defer f.Close()`` and what follows in its block | moves into a literal, called in place: ``func() { defer f.Close() ... }()`` |
| ... in a block inside of the body, a case, or an if that opens ``f`` in its header | the same, to the end of that block |
| several defer statements | one literal, in which they run in the order they had within a round |

What stands before the defer statement stays where it is, with its ``continue`` and ``return err``. The level is review:
the calls run earlier than before, and those of one round before the next one begins. A defer statement that no second
round can reach, for its way leaves the function, is no site.

Moved are only calls that close what the round itself opened: files, response bodies, rows, connections, contexts, timers,
spans, and writers that write into one of those. It is followed through the block's variables and into the module's
functions that get it: nothing that lives on may have it. What cannot be seen is named in the evidence.

Not handled, and why: a return, goto, or a break or continue that leaves the part that would move (``leaves-the-round``);
what is returned, stored, appended or used by a goroutine (``resource-outlives-round``), made elsewhere
(``declared-outside-round``), or held on purpose: listeners, servers, lock files, or what the round does not use after the
defer (``held-on-purpose``); locks, which are kept over the loop, or lock themselves out (``lock-deferred-in-loop``); deferred
literals that recover (``recovers-in-loop``), that set a result or read what changes (``deferred-uses-outer``), and calls
that may be meant for the function's end: restoring, reporting, removing (``deferred-call-unknown``); a writer into
something that all rounds share (``writes-into-shared``); a loop in the part that would move which defers something itself
(``defer-in-inner-loop``); a part that calls recover (``recovers-in-loop``).

Sources: https://go.dev/ref/spec#Defer_statements, https://go-critic.com/overview#deferinloop,
https://staticcheck.dev/docs/checks#SA5003, https://staticcheck.dev/docs/checks#SA9001.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import flow, layout, round_resources
from gocodemod.analysis.paths import Paths
from gocodemod.analysis.round_resources import Resource
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = "(defer_statement) @site"
NEEDLES = (b"defer", b"for")


def match(_source: Source, node: Node) -> Node | None:
    """Keep defer statements that a loop of their own function may reach more than once."""
    function = flow.enclosing_function(node)
    body = flow.body(function) if function is not None else None
    if body is None or not flow.loops_around(node) or _block(node) is None:
        return None
    paths = Paths(flow.statements(body))
    return node if node in paths and paths.after(node).again else None


@dataclass(frozen=True)
class _Part:
    """What moves: the statements of ``block`` (a block or case clause) from ``first`` on."""

    block: Node
    statements: Sequence[Node]

    @property
    def first(self) -> Node:
        return self.statements[0]

    def defers(self) -> list[Node]:
        """The defer statements of the function in it, in source order."""
        return [n for s in self.statements for n in flow.inside(s) if n.type == "defer_statement"]


def decide(candidate: Candidate, context: Context) -> Decision | None:
    view = View.around(candidate.source, context.facts, candidate.node, context.language)
    block = _block(candidate.node)
    if view is None or block is None:
        return None
    call = next((c for c in view.calls_in(candidate.node) if c.statement == "defer"), None)
    if call is None or (not call.name and call.kind in ("unknown", "")):
        return Refusal("types-unavailable", f"{view.text(candidate.node)} did not resolve")
    before = [s for s in flow.siblings(candidate.node)[0] if s.type == "defer_statement"]
    for earlier in before:
        if isinstance(_resources(context, view, _part(earlier, block)), list):
            line = view.line(earlier.start_byte)
            return Refusal("fixed-together", f"the part that the defer of line {line} begins holds this one")
    if (around := _defer_around(candidate.node)) is not None:
        line = view.line(around.start_byte)
        return Refusal("defer-in-inner-loop", f"the loop around this one defers, too, in line {line}")
    part = _part(candidate.node, block)
    found = _resources(context, view, part)
    if isinstance(found, Refusal):
        return found
    unseen = tuple(dict.fromkeys(name for resource in found for name in resource.unseen))
    calls = ", ".join(resource.text for resource in found)
    evidence = {
        "deferred": calls,
        "until now": f"run when {_function(view)} returns",
        "not seen": ", ".join(unseen) or "nothing: every function that gets it was looked through",
    }
    change = FileChange(view.path, tuple(sorted(_edits(view, part))))
    return Fix((change,), Level.REVIEW, f"{calls} runs at the end of each round of the loop", evidence)


def _block(node: Node) -> Node | None:
    return node.parent.parent if node.parent is not None and node.parent.type == "statement_list" else None


def _part(first: Node, block: Node) -> _Part:
    return _Part(block, [first, *flow.siblings(first)[1]])


def _resources(context: Context, view: View, part: _Part) -> list[Resource] | Refusal:
    """What the defer statements of the part close, if all of it may happen at the part's end."""
    found = []
    if (jump := _leaving(part)) is not None:
        return Refusal("leaves-the-round", f"line {view.line(jump.start_byte)} leaves what would become a function")
    if any(c.name == "recover" and _own(view, c.literals) for s in part.statements for c in view.calls_in(s)):
        return Refusal("recovers-in-loop", "recover is called in the part that would become a function of its own")
    for deferred in part.defers():
        if flow.loops_around(deferred)[0] != flow.loops_around(part.first)[0]:
            line = view.line(deferred.start_byte)
            return Refusal("defer-in-inner-loop", f"line {line} defers in a loop inside of this one")
        if deferred.parent != part.first.parent:
            line = view.line(deferred.start_byte)
            return Refusal("deferred-call-unknown", f"line {line} defers on some rounds only")
        resource = round_resources.of(context, view, deferred, part.block)
        if isinstance(resource, Refusal):
            return resource
        found.append(resource)
    return found


def _defer_around(node: Node) -> Node | None:
    """A defer statement of a loop around the node's own loop, before it: the part that it begins holds this one."""
    inner = flow.loops_around(node)[0]
    while inner.parent is not None and inner.parent.type not in flow.FUNCTIONS:
        if inner.parent.type == "statement_list" and flow.loops_around(inner):
            found = [s for s in flow.siblings(inner)[0] if s.type == "defer_statement"]
            if found:
                return found[-1]
        inner = inner.parent
    return None


def _own(view: View, literals: tuple[int, ...]) -> bool:
    return literals == view.literals


def _leaving(part: _Part) -> Node | None:
    """The first jump that leads out of the part, or any goto."""
    for statement in part.statements:
        for node in flow.inside(statement):
            if node.type in ("return_statement", "goto_statement"):
                return node
            if node.type in ("break_statement", "continue_statement"):
                target = flow.jump_target(node)
                if target is None or not any(flow.contains(s, target) for s in part.statements):
                    return node
            if node.type == "fallthrough_statement" and node.parent == part.first.parent:
                return node
    return None


def _edits(view: View, part: _Part) -> list[Edit]:
    source = view.source
    start = layout.above_comments(source, part.first)
    edits = [layout.edit(start, start, "func() {\n")]
    last = part.statements[-1]
    if part.block.type == "block":
        edits += layout.deeper(source, start, part.block.end_byte - 1, part.block.named_children)
        edits.append(layout.append(source, part.block, "}()\n"))
    else:
        edits += layout.deeper(source, start, last.end_byte, part.statements)
        edits.append(layout.behind(source, last, "}()\n"))
    # One edit over all that moves into the literal: what another fix puts there, a return above all, would mean
    # something else inside of it.
    return [layout.whole(source, edits)]


def _function(view: View) -> str:
    innermost = view.functions[0] if view.functions else None
    return innermost.name if innermost is not None and innermost.name else "the function literal"


transform = Transform(
    __name__, __doc__, QUERY, NEEDLES, match, decide, subject="close what a loop's round opened at its end"
)
