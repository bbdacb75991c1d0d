"""Deferred calls that an exit of the process skips: what they are for, and why they may not be fit to run after a failure.

They were written for the way on which all went well. On the others they have never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tree_sitter import Node

from gocodemod.analysis import deferred_reach, deferring, effects, flow, locks, names, process_ends
from gocodemod.analysis.paths import Paths
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Object
from gocodemod.model import Refusal
from gocodemod.transform import Context

# What these free is the process's own, and goes with it.
_OF_THE_PROCESS = frozenset(
    {
        "(*sync.Mutex).Unlock", "(*sync.RWMutex).Unlock", "(*sync.RWMutex).RUnlock",
        "(*sync.WaitGroup).Done", "(*time.Timer).Stop", "(*time.Ticker).Stop", "os/signal.Stop", "close", "recover",
    }
)  # fmt: skip
_CANCELS = ("context.CancelFunc", "context.CancelCauseFunc")
# Words of calls that make what was done so far count.
_SUCCEEDS = frozenset(
    {"commit", "save", "publish", "submit", "succeed", "complete", "promote", "rename", "accept", "ack"}
)
# Messages of the end of something that has come to it.
_ALL_WENT_WELL = re.compile(
    rb"(?<!not )\b(complet|succe|finish|done\b|elapsed|took\b|ready\b)|\.Since\(", re.IGNORECASE
)
_ON_PURPOSE = re.compile(
    rb"forc(e|ing)|immediate|without (wait|clean|run)|skip\w* (the )?(defer|clean)|hard (exit|stop)|(do|does)(n't| not) run",
    re.IGNORECASE,
)


def before(function: Node, ending: Node) -> list[Node]:
    """The function's own defer statements from which some path leads to an exit, in source order."""
    body = flow.body(function)
    if body is None:
        return []
    paths = Paths(flow.statements(body))
    found = []
    for statement in deferring.statements(function):
        passed: set[int] = set()

        def note(node: Node, passed: set[int] = passed) -> bool:
            passed.add(node.id)
            return False

        if statement in paths:
            paths.after(statement, note)
            if ending.id in passed:
                found.append(statement)
    return found


def frees_only_memory(view: View, deferred: Node) -> bool:
    """Whether all that the deferred call does ends with the process anyway, or is there for a panic only."""
    literal = deferring.literal(deferred)
    body = flow.body(literal) if literal is not None else None
    if body is None:
        calls = [c for c in view.calls_in(deferred) if c.statement == "defer"]
        return all(_of_the_process(view, c) for c in calls)
    own = flow.statements(body)
    if own and all(_recovers(view, s) for s in own):
        return True
    plain = all(process_ends.call_of(s) is not None for s in own)
    return plain and all(_of_the_process(view, c) for c in view.calls_in(body))


def _of_the_process(view: View, call: Call) -> bool:
    if call.name in _OF_THE_PROCESS:
        return True
    held = view.facts.object(call.object) if call.object else None
    return held is not None and held.type in _CANCELS


def _recovers(view: View, statement: Node) -> bool:
    """``if r := recover(); r != nil { ... }``"""
    first = statement.child_by_field_name("initializer") if statement.type == "if_statement" else None
    test = statement.child_by_field_name("condition") if statement.type == "if_statement" else None
    return any(part is not None and "recover()" in view.text(part) for part in (first, test))


def text(view: View, deferred: Node) -> str:
    """What is deferred, for people: on one line, a literal by the calls it makes."""
    literal = deferring.literal(deferred)
    if literal is None:
        return " ".join(view.text(deferred).removeprefix("defer").split())
    return "func() { " + "; ".join(_written(view, c) for c in _made(view, literal)) + " }()"


def _made(view: View, node: Node) -> list[Call]:
    """The calls that a deferred call or literal makes, without those inside of others."""
    calls = [c for c in view.calls_in(node) if c.kind not in ("builtin", "literal")]
    return [c for c in calls if not any(o.start <= c.start and c.end <= o.end and o is not c for o in calls)]


def meant(view: View, ending: Node) -> str:
    """A comment or message at an exit that says that it is to be at once; "" for none."""
    data = view.source.data
    line_end = data.find(b"\n", ending.end_byte)
    start = data.rfind(b"\n", 0, ending.start_byte) + 1
    earlier = flow.siblings(ending)[0]
    if earlier and effects.only_logs(view, earlier[-1]):
        start = earlier[-1].start_byte
    while start > 0 and (line := data[data.rfind(b"\n", 0, start - 1) + 1 : start]).strip().startswith(b"//"):
        start -= len(line)
    said = _ON_PURPOSE.search(data, start, line_end if line_end >= 0 else len(data))
    return said[0].decode("utf-8", "replace") if said is not None else ""


def problem(context: Context, view: View, deferred: Sequence[Node], exits: Iterable[Node]) -> Refusal | None:
    """Why the deferred calls should not run where the function used to exit."""
    exits = list(exits)
    for statement in deferred:
        line = view.line(statement.start_byte)
        if (call := process_ends.may_end(context, view, statement)) is not None:
            name = call.name.rsplit(".", 1)[-1]
            return Refusal("deferred-call-exits", f"what is deferred in line {line} ends the process itself ({name})")
        if what := _waits(view, statement, deferred) or deferred_reach.waits(context, view, statement):
            return Refusal("deferred-call-waits", f"what is deferred in line {line} waits: {what}")
        if what := deferred_reach.wants_a_lock(context, view, statement):
            return Refusal(
                "lock-held-at-exit", f"what is deferred in line {line} takes a lock, and {what} may hold one"
            )
        if what := _succeeds(view, statement):
            return Refusal("defers-assume-success", f"{what} in line {line} would run after a failure, too")
        if what := _closes(view, statement):
            return Refusal("closes-channel-in-use", f"{what}, deferred in line {line}, while goroutines may still send")
        if variable := _unchecked(view, statement):
            return Refusal(
                "deferred-before-check", f"line {line} is before the error is checked that came with {variable}"
            )
        if variable := _later(view, statement):
            return Refusal("deferred-reads-later", f"what is deferred in line {line} reads {variable}, assigned later")
        if what := _done_already(view, statement, exits):
            return Refusal("cleans-up-itself", f"{what} is called before the exit, and deferred in line {line}")
    return _held(context, view, exits)


def _held(context: Context, view: View, exits: Iterable[Node]) -> Refusal | None:
    for ending in exits:
        around = View.around(view.source, context.facts, ending, view.language)
        # What is given back by defer is held on every way out: the others deferred were written for that.
        held = set(locks.held(around)) - _given_back(view) if around is not None else set()
        if held:
            return Refusal("lock-held-at-exit", f"{min(held)} is held in line {view.line(ending.start_byte)}")
    return None


def _given_back(view: View) -> set[str]:
    calls = (c for d in deferring.statements(view.function) for c in view.calls_in(d))
    given = (c for c in calls if c.receiver_start >= 0 and c.name.rsplit(".", 1)[-1] in locks.GIVES)
    return {
        " ".join(view.source.data[c.receiver_start : c.receiver_end].decode("utf-8", "replace").split()) for c in given
    }


def _waits(view: View, statement: Node, deferred: Sequence[Node]) -> str:
    """What the deferred call waits for by itself, unless it, or one that runs before it, tells that to end."""
    literal = deferring.literal(statement)
    found: list[tuple[int, str]] = [
        (c.start, _written(view, c)) for c in view.calls_in(statement) if c.name.rsplit(".", 1)[-1] == "Wait"
    ]
    for node in flow.inside(literal) if literal is not None else ():
        endless = node.type == "for_statement" and flow.is_endless(node)
        selects = node.type == "select_statement" and not any(c.type == "default_case" for c in node.named_children)
        if flow.receives(node) or endless or selects:
            found.append((node.start_byte, f"line {view.line(node.start_byte)}"))
    if not found:
        return ""
    start, what = min(found)
    earlier = [c for c in view.calls_in(statement) if c.start < start]
    later = [c for s in deferred if s.start_byte > statement.start_byte for c in view.calls_in(s)]
    return "" if any(_tells(view, c) for c in (*earlier, *later)) else what


def _tells(view: View, call: Call) -> bool:
    held = view.facts.object(call.object) if call.object else None
    cancels = held is not None and held.type in _CANCELS
    return cancels or names.first_word(_callee(view, call)) in names.STOPPING_FUNCTIONS


def _succeeds(view: View, statement: Node) -> str:
    for call in view.calls_in(statement):
        tells = effects.is_log(call.name) or call.name.startswith("fmt.Print")
        if tells and _ALL_WENT_WELL.search(view.source.data[call.start : call.end]):
            return _written(view, call)
        if call.kind != "literal" and set(names.words(_callee(view, call).rsplit(".", 1)[-1])) & _SUCCEEDS:
            return _written(view, call)
    return ""


def _closes(view: View, statement: Node) -> str:
    """A close of a channel, where goroutines are started that have the channel."""
    for call in view.calls_in(statement):
        if call.name != "close" or call.kind != "builtin":
            continue
        node = view.source.node_at(call.start, call.end)
        channels = {r.object for r in view.refs_in(node) if r.role == "close"}
        starts = [n for n in flow.everything(view.outermost) if n.type == "go_statement"]
        handed = (r for r in view.refs if r.object in channels and r.role in ("argument", "key", "return"))
        if any(not _in(r.start, node) for r in handed):
            return _written(view, call)
        if any(r.object in channels for n in starts for r in view.refs_in(n)):
            return _written(view, call)
    return ""


def _unchecked(view: View, statement: Node) -> str:
    """A variable of the deferred call whose error is looked at only later: it may be nil."""
    for variable in _variables(view, statement):
        for written in view.refs_of(variable.id):
            if written.value_start < 0 or written.start > statement.start_byte:
                continue
            span = (written.value_start, written.value_end)
            beside = [r.object for r in view.refs if (r.value_start, r.value_end) == span and r.object != variable.id]
            errors = {i for i in beside if (known := view.facts.object(i)) is not None and known.type == "error"}
            if errors and not _checked(view, written.start, statement, errors):
                return variable.name
    return ""


def _checked(view: View, start: int, statement: Node, errors: set[str]) -> bool:
    for node in flow.dominating(statement, view.function):
        if node.start_byte <= start and node.end_byte <= statement.start_byte and node.type != "if_statement":
            continue
        parts = (node.child_by_field_name(name) for name in ("initializer", "condition", "value"))
        inner = [p for p in parts if p is not None] or [node]
        if any(r.object in errors and r.role == "compare" for p in inner for r in view.refs_in(p)):
            return True
        if any(r.object in errors and r.role == "argument" for p in inner for r in view.refs_in(p)):
            return True  # checkErr(err)
    return False


def _later(view: View, statement: Node) -> str:
    """A variable that a deferred literal reads, and that is assigned after the defer statement."""
    literal = deferring.literal(statement)
    for variable in _variables(view, statement):
        if field := _field_later(view, variable, statement):
            return field
    if literal is None:
        return ""
    for variable in _variables(view, literal):
        refs = view.refs_of(variable.id)
        reads = (r for r in refs if _in(r.start, literal) and r.role not in ("assign", "define"))
        writes = (r for r in refs if r.role in ("assign", "update", "address") and not _in(r.start, literal))
        if any(r.start > statement.start_byte or r.in_loop for r in writes) and any(reads):
            return variable.name
    return ""


def _field_later(view: View, variable: Object, statement: Node) -> str:
    """A field of the variable that is assigned behind the defer statement, for its methods to read."""
    for ref in view.refs_of(variable.id):
        if ref.start < statement.end_byte or ref.role != "base":
            continue
        target = flow.statement(view.source.node_at(ref.start, ref.end))
        left = target.child_by_field_name("left") if target.type == "assignment_statement" else None
        if left is not None and left.start_byte <= ref.start < left.end_byte:
            return f"{variable.name}.{ref.selected}"
    return ""


def _variables(view: View, node: Node) -> list[Object]:
    """Variables of the function that the node names and does not declare."""
    found: dict[str, Object] = {}
    for ref in view.refs_in(node):
        known = view.facts.object(ref.object) if ref.object else None
        if known is not None and known.kind == "var" and known.scope == "function" and not view.declares(node, known):
            found.setdefault(known.id, known)
    return list(found.values())


def _in(offset: int, node: Node) -> bool:
    return node.start_byte <= offset < node.end_byte


def _done_already(view: View, statement: Node, exits: Iterable[Node]) -> str:
    """A deferred call that an exit's way makes itself, because the exit would skip it."""
    calls = _made(view, statement)
    wanted = {_written(view, c) for c in calls if not effects.is_log(c.name) and not c.name.startswith("fmt.")}
    for ending in exits:
        for passed in flow.dominating(ending, view.function):
            if passed.start_byte < statement.end_byte or passed.type == "defer_statement":
                continue
            for call in view.calls_in(passed):
                if _written(view, call) in wanted:
                    return _written(view, call)
    return ""


def _written(view: View, call: Call) -> str:
    return " ".join(view.source.data[call.start : call.end].decode("utf-8", "replace").split())


def _callee(view: View, call: Call) -> str:
    return _written(view, call).split("(", 1)[0]
