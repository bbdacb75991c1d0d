"""Let main return its exit code, so that its deferred calls run before the process ends.

``os.Exit`` ends the process at once, and so do ``log.Fatal`` and its likes: no deferred call runs. Temporary files stay,
buffers are not flushed, profiles are cut short, whoever is told about the end by a deferred call is not.

| in ``main`` | the edit |
|---|---|
| the function | ``func main() { os.Exit(run()) }``, and what it did becomes ``func run() int`` |
| ``os.Exit(code)`` | ``return code`` |
| ``log.Fatal(v)``, Fatalf and Fatalln, also of a ``*log.Logger`` | ``log.Print(v)`` (Printf, Println), then ``return 1`` |
| ``return``, and the end of the function | ``return 0`` |

The exit code is what it was on every way, and so are the messages: ``log.Fatal`` is ``log.Print`` and an exit. What
changes is that the deferred calls run where they did not: the evidence names them. A person should look whether they are
fit to run after a failure, so the level is review. Exits inside of function literals and goroutines stay as they are:
they are no returns of ``main``. The site is the first exit of a function that skips a deferred call; the fix takes all of
that function's exits.

Reported, never edited: a function other than ``main`` (``not-main``: that it returns is news to its callers; it should
return an error).

Not handled, and why: loggers of other packages, whose Fatal does more (``logger-exits``); deferred calls that free only
what ends with the process, such as a ``cancel`` or an ``Unlock`` (``nothing-to-clean-up``), that exit themselves, so that
the exit code would be theirs (``deferred-call-exits``), that wait for something nobody may have told to end
(``deferred-call-waits``), that make a success of it (``defers-assume-success``), that close a channel goroutines still
send to (``closes-channel-in-use``), that use what may be nil at the exit, for its error was not yet looked at
(``deferred-before-check``) or it is assigned only later (``deferred-reads-later``); exits that have made the deferred call
themselves (``cleans-up-itself``), with a lock held (``lock-held-at-exit``), or that are to be at once by what is said there
(``meant-to-skip``); a ``main`` that something calls, such as a test (``main-is-called``); statements behind an exit, which
``go vet`` would find when it is a return (``code-behind-exit``).

Sources: https://pkg.go.dev/os#Exit, https://pkg.go.dev/log#Fatal, https://go.dev/ref/spec#Terminating_statements,
https://go-critic.com/overview#exitafterdefer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import configurations, flow, layout, names, process_ends, skipped_defers, terminating
from gocodemod.analysis.process_ends import End
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = """
((expression_statement (call_expression function: [
    (selector_expression field: (field_identifier) @name)
    (identifier) @name
  ])) @site
  (#match? @name "^(Exit|Fatal)"))
"""
NEEDLES = ((b"Exit", b"Fatal"), b"defer")

# What main's body is called from now on: the first name that is free.
_NAMES = ("run", "realMain", "mainWithCode")


def match(_source: Source, node: Node) -> Node | None:
    """Keep calls that some path reaches from a defer statement of the same function."""
    function = flow.enclosing_function(node)
    inner = process_ends.call_of(node)
    known = (
        inner is not None and node.parent is not None and node.parent.type in ("statement_list", "labeled_statement")
    )
    return node if function is not None and known and skipped_defers.before(function, node) else None


@dataclass(frozen=True)
class _Exit:
    """``statement`` ends the process; ``defers``: what it skips."""

    statement: Node
    call: Node
    end: End
    defers: tuple[Node, ...]


def decide(candidate: Candidate, context: Context) -> Decision | None:
    view = View.around(candidate.source, context.facts, candidate.node, context.language)
    call = process_ends.call_of(candidate.node)
    if view is None or call is None:
        return None
    known = view.call_at(call)
    if known is None or not known.name:
        return None if known is not None else Refusal("types-unavailable", f"{view.text(call)} did not resolve")
    if process_ends.end_of(context, view, known) is None:
        return None
    exits = _exits(context, view)
    skipping = [e for e in exits if e.defers]
    if not skipping or skipping[0].statement != candidate.node:
        return None  # the function's first exit stands for all of them
    defers = sorted({d.start_byte: d for e in skipping for d in e.defers}.values(), key=lambda d: d.start_byte)
    skipped = [d for d in defers if not skipped_defers.frees_only_memory(view, d)]
    if not skipped:
        named = ", ".join(skipped_defers.text(view, d) for d in defers)
        return Refusal("nothing-to-clean-up", f"deferred is only what ends with the process: {named}")
    evidence = _evidence(view, skipping, skipped)
    if not _is_main(view):
        return Refusal("not-main", f"{_called(view)} exits past its deferred calls", evidence, Level.REPORT)
    if why := _problem(context, view, skipping, defers):
        return Refusal(why.reason, why.message, evidence)
    # Another package's logger that skips nothing may go on to exit.
    return _fix(view, [e for e in exits if e.end is not End.OTHER], skipped, evidence)


def _exits(context: Context, view: View) -> list[_Exit]:
    """Every statement of the function itself that ends the process, in source order."""
    body = flow.body(view.function)
    found = []
    for node in flow.inside(body) if body is not None else ():
        call = process_ends.call_of(node)
        known = view.call_at(call) if call is not None else None
        end = process_ends.end_of(context, view, known) if known is not None else None
        if call is not None and end is not None:
            found.append(_Exit(node, call, end, tuple(skipped_defers.before(view.function, node))))
    return found


def _is_main(view: View) -> bool:
    package = view.facts.file(view.path).package_name
    return package == "main" and view.functions[0].kind == "declaration" and view.functions[0].name == "main"


def _called(view: View) -> str:
    return view.functions[0].name or "a function literal"


def _problem(context: Context, view: View, skipping: Sequence[_Exit], defers: Sequence[Node]) -> Refusal | None:
    for ending in skipping:
        if ending.end is End.OTHER:
            name = " ".join(view.text(ending.call).split("(", 1)[0].split())
            return Refusal("logger-exits", f"{name} is not of the package log")
    for ending in skipping:
        if said := skipped_defers.meant(view, ending.statement):
            return Refusal("meant-to-skip", f"line {view.line(ending.statement.start_byte)} says {said!r}")
    if where := _caller(view):
        return Refusal("main-is-called", f"{where} calls main")
    return skipped_defers.problem(context, view, defers, [e.statement for e in skipping])


# A call, or main as an argument, as a map's value, as what a variable gets.
_USE = re.compile(rb"(?<!func )\bmain\s*\(\s*\)|[:,(=]\s*main\s*[,)}\n]")


def _caller(view: View) -> str:
    """The file that calls main, or uses it as a value, "" if none does; by bytes where it is not loaded."""
    for use in view.facts.uses(view.functions[0].object):
        if use.role != "declare":
            return os.path.basename(use.path)
    folder = os.path.dirname(view.path)
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith("_test.go") and os.path.isfile(path):
            with open(path, "rb") as file:
                if _USE.search(file.read()):
                    return name
    return ""


def _fix(view: View, exits: Sequence[_Exit], skipped: Sequence[Node], evidence: dict[str, str]) -> Decision:
    body = flow.body(view.function)
    assert body is not None, "a function with statements has a body"
    ended = {e.statement.id for e in exits}
    dead = _dead_code(body, ended)
    if isinstance(dead, Refusal):
        return dead
    name = _fresh(view)
    edits: list[Edit] = [layout.remove(view.source, d) for d in dead]
    opening = body.start_byte + 1
    package = layout.import_name(view.source, "os")
    edits.append(layout.edit(opening, opening, f"\n\t{package}.Exit({name}())\n}}\n\nfunc {name}() int {{"))
    for ending in exits:
        edits += _returned(view, ending)
    for node in flow.inside(body):
        if node.type == "return_statement" and node not in dead:
            edits.append(layout.edit(node.end_byte, node.end_byte, " 0"))
    statements = [s for s in flow.statements(body) if s not in dead]
    if not terminating.ends_list(statements, lambda n: n.id in ended):
        edits.append(layout.append(view.source, body, "return 0\n"))
    change = FileChange(view.path, tuple(sorted(edits)), add_imports=("os",))
    count = "its deferred call runs" if len(skipped) == 1 else f"its {len(skipped)} deferred calls run"
    return Fix((change,), Level.REVIEW, f"main returns its exit code from {name}, so that {count}", evidence)


def _returned(view: View, ending: _Exit) -> list[Edit]:
    """The exit as a return; what a logger prints it prints before."""
    if ending.end is End.EXITS:
        arguments = ending.call.child_by_field_name("arguments")
        assert arguments is not None, "a call has arguments"
        values = [c for c in arguments.named_children if c.type != "comment"]
        # Comments between the parentheses stay where they are.
        start, end = ending.call.start_byte, ending.call.end_byte
        if len(values) == 1 and view.text(arguments) == f"({view.text(values[0])})":
            return [
                layout.edit(start, values[0].start_byte, "return "),
                layout.edit(values[0].end_byte, end, ""),
            ]
        return [layout.edit(start, arguments.start_byte, "return ")]
    callee = ending.call.child_by_field_name("function")
    assert callee is not None, "a call has a callee"
    last = callee.child_by_field_name("field") or callee
    prints = view.text(last).replace("Fatal", "Print")
    edits = [layout.edit(last.start_byte, last.end_byte, prints)]
    edits.append(layout.behind(view.source, ending.statement, "return 1\n"))
    return edits


def _dead_code(body: Node, ended: set[int]) -> list[Node] | Refusal:
    """Bare returns behind an exit, which go; or a refusal where anything else stands there."""
    found: list[Node] = []
    lists = [n for n in flow.inside(body) if n.type == "statement_list"]
    for node in lists:
        statements = [s for s in node.named_children if s.type not in ("comment", "empty_statement")]
        for index, statement in enumerate(statements[:-1]):
            following = statements[index + 1]
            ends = terminating.terminates(statement, lambda n: n.id in ended)
            if not ends or terminating.terminates(statement) or following.type == "labeled_statement":
                continue
            if following.type == "return_statement" and statement.id in ended and following == statements[-1]:
                found.append(following)
            else:
                line = following.start_point.row + 1
                return Refusal("code-behind-exit", f"line {line} would not be reached any more, and vet says so")
    return found


def _fresh(view: View) -> str:
    """A name that nothing has in the package, in no build configuration, and that the function does not use."""
    for name in _NAMES:
        found = names.fresh(view.facts, view.path, view.function.start_byte, view.function, name)
        if found == name and not configurations.declares_elsewhere(view, name):
            return name
    return names.fresh(view.facts, view.path, view.function.start_byte, view.function, _NAMES[0], 2)


def _evidence(view: View, skipping: Sequence[_Exit], skipped: Sequence[Node]) -> dict[str, str]:
    exits = (f"{' '.join(view.text(e.call).split())} (line {view.line(e.call.start_byte)})" for e in skipping)
    defers = (f"{skipped_defers.text(view, d)} (line {view.line(d.start_byte)})" for d in skipped)
    return {"exits": ", ".join(exits), "skipped": ", ".join(defers)}


transform = Transform(
    __name__, __doc__, QUERY, NEEDLES, match, decide, subject="run main's deferred calls before it exits"
)
