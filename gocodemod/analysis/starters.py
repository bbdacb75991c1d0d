"""The function that starts a goroutine: may it wait for it? Its name, its callers, comments and what it does then tell.

Whoever starts a goroutine and has nothing to do afterwards, waits for nothing on purpose: joined at once, the goroutine
would be a plain call. So would a constructor or a Start that returns only when what it started is over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from gocodemod.analysis import effects, flow, loops, names
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Function
from gocodemod.model import Refusal
from gocodemod.transform import Context

# First words of functions that return while what they started goes on.
_STARTING = frozenset(
    {
        "start", "run", "launch", "spawn", "begin", "restart", "go", "kick",
    }
)  # fmt: skip
_OUTLIVED = _STARTING | frozenset(
    {
        "new", "serve", "listen", "setup", "open", "dial", "connect", "reconnect", "watch", "subscribe", "register",
        "schedule", "trigger", "enqueue", "dispatch", "notify", "publish", "broadcast", "emit", "fire", "enable", "make",
        "create", "install", "attach", "monitor", "keep", "trap", "warm", "prefetch", "preload", "init", "must",
        "initialize", "bootstrap", "defer", "delay", "arm",
    }
)  # fmt: skip
# Any word of a name.
_APART = frozenset({"async", "background", "detached", "nonblocking", "eventually", "later", "watcher", "daemon"})
STOPPING = names.STOPPING_FUNCTIONS | {
    "teardown",
    "tear",
    "cleanup",
    "release",
    "leave",
    "drain",
    "force",
    "abort",
    "reap",
}
# Not leaky: that is a kind of bucket.
_LEAKS = frozenset({"leak", "leaks", "leaked", "leaking", "leakcheck", "leaktest", "goleak"})
_HANDLING = frozenset({"handle", "handler", "on", "callback", "hook", "receive", "accept"})
_COMMENT = re.compile(
    r"\b(back\s?ground|async(hronous(ly)?)?|fire[- ]and[- ]forget|detach(ed)?|best[- ]effort|non-?blocking|outlives?"
    r"|(do|does|did|should|must|can|could|need|will|would|to|and)\s?(n\Wt|not)( want| need| have)?( to)? (wait|block|hold)\w*"
    r"|(without|avoid|instead of|rather than|never|no need for|no) (waiting|blocking|wait|block)\w*"
    r"|no need to wait|returns? (immediately|at once|right away)|keeps? running|forever|in its own time|lazily)\b",
    re.IGNORECASE,
)
_MESSAGE = re.compile(r"\b(in (the )?background|background \w+|asynchronously)\b", re.IGNORECASE)
_REQUESTS = re.compile(
    r"net/http\.ResponseWriter|\*net/http\.Request|\*?github\.com/gin-gonic/gin\.Context|.*/echo(/v\d+)?\.Context"
    r"|\*?.*/fiber(/v\d+)?\.Ctx|\*?.*/fasthttp\.RequestCtx|\*?.*/iris(/v\d+)?/context\.Context|.*ServerStream(\[.*\])?"
    r"|.*_\w+Server|.*StreamingServer\[.*\]|\*?.*/dns\.Msg|\*?.*/restful(/v\d+)?\.(Request|Response)"
)
_TESTS = ("(*testing.T).Run", "(*testing.B).Run", "(*testing.common).Run")


def why_not(context: Context, view: View, start: Node, provable: bool, alongside: bool) -> Refusal | None:
    """Why the function around a go statement should not wait for its goroutine; None if nothing says so.

    ``provable``: the goroutine is known to end, and has cleaned up only when it has: whoever calls a plain ``startX``
    then waits for little. ``alongside``: the function starts others like it, which run at the same time.
    """
    return (
        why_never(view)
        or _by_name(view, view.functions[-1], provable)
        or _by_comment(view, start)
        or _by_message(view)
        or _again_and_again(context, view, start)
        or _later(view, start)
        or _told_to_end(view, start)
        or _nothing_left(view, start, provable or alongside)
    )


def why_never(view: View) -> Refusal | None:
    """What holds even where the starter itself ends its goroutine: what kind of function it is, and who calls it."""
    function = view.functions[0]
    for around in view.functions:
        if any(_REQUESTS.fullmatch(p.type) for p in around.params) or _is_rpc(around):
            what = around.name or "the literal"
            return Refusal("request-handler", f"{what} answers a request, which waits until it returns")
    if function.kind == "literal":
        if function.started == "defer":
            return Refusal("runs-apart", "it is started by a deferred call, when the function around is over")
        if function.started == "argument" and function.callee not in _TESTS:
            name = function.callee or "another function"
            return Refusal(
                "runs-apart", f"it is started by a literal that is handed to {name}, which waits for its return"
            )
        if function.started not in ("go", "call", "argument"):
            return Refusal("runs-apart", "it is started by a function value, and who calls that cannot be seen")
    declared = view.functions[-1]
    if declared.kind == "declaration" and declared.name == "init":
        return Refusal("outlives-starter", "init starts it, and no other code runs before init returns")
    return _measured(view) or _leaks_on_purpose(view)


def is_constructor(function: Function) -> bool:
    return names.first_word(function.name) in ("new", "make", "create", "open", "must")


def _is_rpc(function: Function) -> bool:
    """Unary gRPC's ``(context, *Request) (*Response, error)`` and net/rpc's ``(*Args, *Reply) error``, exported methods both."""
    if "." not in function.name or not function.name.rsplit(".", 1)[-1][:1].isupper():
        return False
    takes, gives = [p.type for p in function.params], [r.type for r in function.results]
    if len(takes) == 2 and takes[0] == "context.Context" and len(gives) == 2 and gives[1] == "error":
        return takes[1].startswith("*") and takes[1].endswith("Request")
    reply = function.params[1].name if len(takes) == 2 else ""
    return (
        gives == ["error"] and len(takes) == 2 and takes[1].startswith("*") and reply in ("reply", "resp", "response")
    )


def _by_name(view: View, declared: Function, provable: bool) -> Refusal | None:
    name = declared.name.rsplit(".", 1)[-1]
    found = names.words(name)
    if declared.kind != "declaration" or not found or name == "main":
        return None
    first = found[0]
    if set(found) & _APART:
        return Refusal("runs-apart", f"the name {name} says that it returns while the goroutine goes on")
    if first in STOPPING:
        return Refusal("runs-apart", f"{name} ends things, and does this apart so that it need not wait")
    if first in _HANDLING:
        return Refusal("request-handler", f"{name} is called for each event, and whoever calls it waits for its return")
    if first == "run" and len(view.functions) == 1 and "." not in declared.name:
        return None  # run() of a program does its work; whether it is left with nothing to do is looked at below
    if first in _OUTLIVED:
        plain = "." not in declared.name and (not name[:1].isupper() or _in_main(view)) and len(view.functions) == 1
        if first in _STARTING and provable and plain:
            return None
        return Refusal("outlives-starter", f"the name {name} says that what it starts goes on when it has returned")
    return None


def _in_main(view: View) -> bool:
    return view.facts.file(view.path).package_name == "main"


def _by_comment(view: View, start: Node) -> Refusal | None:
    for comment in _comments(view, start):
        text = " ".join(view.text(comment).strip("/* \t").split())
        found = _COMMENT.search(text)
        if found is not None and not view.text(comment).startswith("//go:"):
            return Refusal("runs-apart", f"a comment says so: {_around(text, found)}")
    return None


def _by_message(view: View) -> Refusal | None:
    """What the function tells its log: "deleting in the background"."""
    for node in flow.everything(view.function):
        if node.type in ("interpreted_string_literal", "raw_string_literal"):
            found = _MESSAGE.search(view.text(node))
            if found is not None:
                told = _around(view.text(node)[1:-1], found)
                return Refusal("runs-apart", f"a message of the function says so: {told}")
    return None


def _measured(view: View) -> Refusal | None:
    """A start in a loop of a benchmark."""
    loops_around = flow.loops_around(view.node)
    if loops_around and any(p.type == "*testing.B" for f in view.functions for p in f.params):
        line = view.line(loops_around[0].start_byte)
        return Refusal("runs-apart", f"a benchmark measures the loop at line {line}, and would measure the wait in it")
    return None


def _leaks_on_purpose(view: View) -> Refusal | None:
    """Code that counts leaked goroutines, by the names of its package, its functions and its own variables."""
    declared = sorted({r.name for r in view.refs if r.role == "define"})
    package = view.facts.file(view.path).package_name
    for name in (package, *(f.name.rsplit(".", 1)[-1] for f in view.functions), *declared):
        if set(names.words(name)) & _LEAKS:
            return Refusal("runs-apart", f"it may be left running on purpose: {name} says that this is about leaks")
    return None


def _around(text: str, found: re.Match[str]) -> str:
    start, end = max(0, found.start() - 30), min(len(text), found.end() + 30)
    return f"{'...' if start else ''}{text[start:end].strip()}{'...' if end < len(text) else ''}"


def _comments(view: View, start: Node) -> Iterator[Node]:
    """Comments right above the go statement, above the function around, and at the literal's beginning."""
    yield from _above(start)
    yield from _above(view.outermost)
    literal = next((n for n in flow.everything(start) if n.type == "func_literal"), None)
    body = flow.body(literal) if literal is not None else None
    if body is not None:
        first = flow.statements(body)[:1]
        limit = first[0].start_byte if first else body.end_byte
        for node in flow.everything(body):
            if node.type == "comment" and node.start_byte < limit:
                yield node
    following = start.next_sibling
    while following is not None and following.type in ("comment", "\n", ";"):
        if following.type == "comment" and following.start_point.row == start.end_point.row:
            yield following
        following = following.next_sibling


def _above(node: Node) -> list[Node]:
    """The comments on the lines right above a statement or declaration."""
    found: list[Node] = []
    row, before = node.start_point.row, flow.preceding(node)
    while before is not None and before.type in ("comment", "\n"):
        if before.type == "comment":
            previous = before.prev_named_sibling
            behind = previous is not None and previous.end_point.row == before.start_point.row
            if before.end_point.row < row - 1 or behind:
                break
            found.append(before)
            row = before.start_point.row
        before = before.prev_sibling
    return found


def _again_and_again(context: Context, view: View, start: Node) -> Refusal | None:
    """A loop that goes on with the program: what it starts is answered to somebody, or done when it is done."""
    for loop in flow.loops_around(start):
        answer = loops.of(context, view, loop)
        if answer.never or answer.unknown or any(u.kind != "close" for u in answer.until):
            line = view.line(loop.start_byte)
            return Refusal("runs-apart", f"the loop at line {line} starts one in each round and has no end of its own")
    return None


def _later(view: View, start: Node) -> Refusal | None:
    """``go func() { time.Sleep(d); f() }()``: a timer written by hand."""
    literal = next((n for n in flow.everything(start) if n.type == "func_literal"), None)
    body = flow.body(literal) if literal is not None else None
    inner = flow.statements(body) if body is not None else []
    while inner and _prepares(view, inner[0]):
        inner = inner[1:]
    if len(inner) < 2 or flow.loops_around(start):
        return None
    text = view.text(inner[0])
    waits = any(c.name in ("time.Sleep", "time.After") for c in view.calls_in(inner[0]))
    plain = inner[0].type == "expression_statement" and (text.startswith("<-") or "Sleep(" in text.split("\n")[0])
    if waits and plain:
        return Refusal("runs-apart", "it waits before it does anything: something is to be done later")
    return None


def _told_to_end(view: View, start: Node) -> Refusal | None:
    """The starter then waits for a signal or for its context to end: what it started must not hold it up when it is told to."""
    for statement in following(start, view.function):
        for node in flow.inside(statement):
            operand = node.child_by_field_name("operand") if node.type == "unary_expression" else None
            if operand is None or not view.text(node).startswith("<-"):
                continue
            known = view.facts.expr(view.path, operand.start_byte, operand.end_byte)
            call = view.call_at(operand) if operand.type == "call_expression" else None
            done = call is not None and call.name == "(context.Context).Done"
            if done or (known is not None and known.type.endswith("chan os.Signal")):
                line, what = view.line(node.start_byte), view.text(operand)
                return Refusal("runs-apart", f"the function ends when {what} tells it to in line {line}, and soon")
    return None


def _prepares(view: View, statement: Node) -> bool:
    """A variable of the literal's own, a log line."""
    if statement.type in ("short_var_declaration", "var_declaration", "const_declaration"):
        return not any(c.name == "time.Sleep" for c in view.calls_in(statement))
    made = view.calls_in(statement)
    return statement.type == "expression_statement" and bool(made) and all(effects.is_log(c.name) for c in made)


def _nothing_left(view: View, start: Node, fine: bool) -> Refusal | None:
    """Nothing of the starter's own is done between the start and its return."""
    if fine or flow.loops_around(start) or view.functions[0].name == "main":
        return None
    if all(_idle(view, s) for s in following(start, view.function)):
        return Refusal(
            "runs-apart", "the function has nothing left to do then: joined, the goroutine would be a plain call"
        )
    return None


def following(start: Node, function: Node) -> list[Node]:
    """The statements that may run in a function after one of its statements, those of loops around it left out."""
    found: list[Node] = []
    current: Node = flow.labelled(start)
    while current != function and current.parent is not None:
        if current.parent.type == "statement_list":
            found += flow.siblings(current)[1]
        current = current.parent
    return found


def _idle(view: View, statement: Node) -> bool:
    """A return of what is known already, a log line, another go statement, a wait for what that started."""
    if statement.type in ("go_statement", "comment", "empty_statement", "break_statement", "continue_statement"):
        return True
    if statement.type not in ("return_statement", "expression_statement"):
        return False
    made = [c for c in view.calls_in(statement) if c.kind != "builtin"]
    if any(view.text(n).startswith("<-") for n in flow.inside(statement) if n.type == "unary_expression"):
        return False
    if made and made[0].name.startswith("(*sync.WaitGroup)."):
        return True
    return all(effects.is_log(c.name) for c in made)
