"""May code run in a bubble of ``testing/synctest``: is all that it starts and waits for its own, and can it be seen?

In a bubble time passes only while every goroutine of it waits for another one of it, and each must end with the test. So
nothing there may wait for the outside (network, processes, files), use channels or groups that others have, or wait while
it holds a mutex that somebody else wants. What is not known is refused: https://pkg.go.dev/testing/synctest.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import blocking, flow, locks, receives
from gocodemod.analysis.reach import Body, declared
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Ref
from gocodemod.model import Refusal
from gocodemod.transform import Context

# More functions than this are not looked through.
_LIMIT = 200
# Packages of the standard library that stay in the process, and wait for nothing but what they are given.
_INSIDE = frozenset(
    {
        "bufio", "bytes", "cmp", "container/heap", "container/list", "container/ring", "context", "crypto/md5",
        "crypto/sha1", "crypto/sha256", "encoding/base64", "encoding/binary", "encoding/hex", "encoding/json", "errors",
        "fmt", "hash", "hash/crc32", "hash/fnv", "hash/maphash", "html", "io", "iter", "log", "log/slog", "maps", "math",
        "math/bits", "math/rand", "math/rand/v2", "path", "reflect", "regexp", "slices", "sort", "strconv", "strings",
        "sync", "sync/atomic", "testing", "time", "unicode", "unicode/utf16", "unicode/utf8", "unique",
    }
)  # fmt: skip
# What asks or changes something and comes back, of packages that otherwise do not stay inside. Of files only what does not
# tell of times, which are those of the real clock.
_AT_ONCE = re.compile(
    r"os\.(Getenv|LookupEnv|Environ|Getpid|Getppid|Getuid|Getpagesize|Hostname|Getwd|Is\w+|WriteFile|ReadFile|Mkdir\w*|Create"
    r"|CreateTemp|Remove\w*|Rename)|\(\*os\.File\)\.(Write|WriteString|Close|Name|Sync)"
    r"|path/filepath\.(Abs|Base|Clean|Dir|Ext|FromSlash|IsAbs|Join|Match|Rel|Split|ToSlash)"
    r"|runtime\.(Caller|Callers|CallersFrames|FuncForPC|GC|GOMAXPROCS|KeepAlive|NumCPU)|runtime/debug\.Stack"
    r"|net/url\..*|\(\*?net/url\.\w+\)\..*|net/netip\..*|\(net/netip\..*"
    r"|net\.(JoinHostPort|SplitHostPort|Parse\w+|IPv4\w*|CIDRMask)|\(\*?net\.(IP|IPNet|IPMask|HardwareAddr)\)\.\w+"
)
# Packages of others that check, print and end the test, as tests do.
_CHECKS = (
    "github.com/stretchr/testify/assert", "github.com/stretchr/testify/require", "github.com/google/go-cmp/cmp",
    "github.com/shoenig/test", "gotest.tools/v3/assert", "golang.org/x/sync/errgroup", "github.com/pkg/errors",
)  # fmt: skip
# Calls of other modules that come back at once, and start nothing that stays.
_OTHERS_AT_ONCE = re.compile(
    r"\(?\*?go\.uber\.org/atomic\..*|github\.com/prometheus/common/promslog\.New\w*"
    r"|github\.com/prometheus/client_golang/prometheus\.New(Gauge|Counter|Histogram|Registry|PedanticRegistry|Desc)\w*"
    r"|\(\*?github\.com/prometheus/client_golang/prometheus\.(Gauge|Counter|Histogram|Observer|Registry|Registerer)\w*\)"
    r"\.(Set|Inc|Dec|Add|Sub|Observe|With\w*|GetMetricWith\w*|Register|MustRegister|Unregister|Delete\w*)"
)
_NOT_CHECKS = re.compile(r"\.(Eventually|Never|HTTP|File|Dir|NoFile|NoDir|Wait|Within)\w*$")
_OUTSIDE = re.compile(
    r"fmt\.F?[Ss]can\w*|time\.(Date|Parse|ParseInLocation|Unix\w*|LoadLocation)|\(\*testing\.B\)\.\w+|testing\.(Benchmark|AllocsPerRun)"
    r"|reflect\.Select|\(reflect\.Value\)\.(Call|CallSlice|Recv|Send|TryRecv|TrySend)|log\.Fatal\w*"
    # Its writers wait for a reader with a mutex held.
    r"|io\.Pipe|\(\*io\.Pipe\w+\)\.\w+"
)
# What must not be called in a bubble, or does not do there what it does outside: a skip would count as a success.
_OF_THE_TEST = frozenset({"Run", "Parallel", "Deadline", "Skip", "Skipf", "SkipNow", "Setenv", "Chdir",
                          "ArtifactDir", "Attr"})  # fmt: skip
_PLAIN = re.compile(
    r"(\[\]|\[\d+\]|map\[string\])*(untyped )?(bool|string|u?int\d*|float\d+|byte|rune|complex\d+|error)"
)
_WAITS = ("time.Sleep", "(*sync.WaitGroup).Wait", "(*sync.Cond).Wait", "testing/synctest.Wait",
          "(*golang.org/x/sync/errgroup.Group).Wait")  # fmt: skip


@dataclass(frozen=True)
class Bubble:
    """``bodies``: the code that runs, the piece itself first, with what its goroutines and function values run."""

    bodies: tuple[Body, ...]

    def calls(self) -> Iterator[tuple[Body, Call]]:
        for body in self.bodies:
            for call in body.view.calls_in(body.view.node):
                yield body, call

    def refs(self) -> Iterator[tuple[Body, Ref]]:
        for body in self.bodies:
            for ref in body.view.facts.refs(body.view.path, body.view.node.start_byte, body.view.node.end_byte):
                yield body, ref

    def nodes(self) -> Iterator[tuple[Body, Node]]:
        for body in self.bodies:
            for node in flow.everything(body.view.node):
                if node.is_named:
                    yield body, node


def of(context: Context, view: View, node: Node, outside: Sequence[Node] = ()) -> Bubble | Refusal:
    """All that runs when the node (a block) runs, or why it may not run in a bubble.

    ``outside``: statements at the block's begin that are left out of it.
    """
    first = Body(View(view.source, view.facts, node, view.function, view.outermost, view.language), "", ())
    bodies, seen = [first], {(view.path, node.start_byte)}
    current = 0
    while current < len(bodies):
        body = bodies[current]
        since = max((s.end_byte for s in outside), default=0) if body is first else 0
        found = list(_called(context, body, since))
        for item in found:
            if isinstance(item, Refusal):
                return item
            key = (item.view.path, item.view.node.start_byte)
            inside = item.view.path == body.view.path and flow.contains(body.view.node, item.view.node)
            if key not in seen and not inside:
                seen.add(key)
                bodies.append(item)
        if len(bodies) > _LIMIT:
            return Refusal("call-out-of-sight", "it calls more functions than were looked through")
        current += 1
    bubble = Bubble(tuple(bodies))
    waiting = _waiting(bubble)
    return _state(bubble) or _under_lock(bubble, waiting) or _spins(bubble, waiting) or _restless(bubble) or bubble


def _called(context: Context, body: Body, since: int) -> Iterator[Body | Refusal]:
    """The bodies of what is called, or named as a function value, behind an offset; or what may not be."""
    view = body.view
    for call in view.calls_in(view.node):
        # Function values are looked into where they are named.
        if call.start >= since and call.kind not in ("builtin", "literal", "value"):
            yield from _callee(context, body, call)
    for ref in view.facts.refs(view.path, view.node.start_byte, view.node.end_byte):
        if ref.start < since or ref.role in ("call", "go-call", "defer-call", "declare", "define"):
            continue
        known = view.facts.object(ref.object) if ref.object else None
        if known is None or known.kind not in ("func", "method"):
            continue
        inner = declared(context, view, known.id)
        if inner is not None:
            yield inner
        elif known.package not in _INSIDE:
            yield Refusal("call-out-of-sight", f"{known.name} is used as a value{_where(body)}")


def _callee(context: Context, body: Body, call: Call) -> Iterator[Body | Refusal]:
    view = body.view
    if not call.name:
        yield Refusal("call-out-of-sight", f"{_written(view, call)} did not resolve{_where(body)}")
        return
    inner = declared(context, view, call.object) if call.object and call.kind != "interface-method" else None
    if inner is not None:
        yield inner
    elif call.kind == "interface-method":
        if not _known_interface(call.name) and _leaves(call.name):
            yield from _implementations(context, body, call)
    elif why := _leaves(call.name):
        yield Refusal(why, f"{_short(call.name)}, line {view.line(call.start)}{_where(body)}")


def _implementations(context: Context, body: Body, call: Call) -> Iterator[Body | Refusal]:
    found = context.facts.implementations(call.object) if call.object else ()
    if not found:
        yield Refusal("call-out-of-sight", f"{_short(call.name)} may be anything, line {body.view.line(call.start)}")
    for method in found:
        inner = declared(context, body.view, method.id)
        yield inner if inner is not None else Refusal("call-out-of-sight", f"{_short(call.name)} may be anything")


def _known_interface(name: str) -> bool:
    """Interfaces of the packages that stay inside: what implements them was made by code that is looked into."""
    return blocking.package_of(name) in _INSIDE or name == "(error).Error"


# What these read may hold dates of the real calendar.
_DECODES = re.compile(
    r"\(\*time\.Time\)\.(Unmarshal\w*|GobDecode|Scan)|.*encoding/(json|xml|gob)\b.*\.(Unmarshal|Decode\w*)"
)


def _leaves(name: str) -> str:
    """The reason that a call of another module, or of the standard library, may not be made in a bubble; "" if it may."""
    package, last = blocking.package_of(name), blocking.last_of(name)
    if package == "testing/synctest":
        return "in-a-bubble-already"
    if package == "testing" and last in _OF_THE_TEST:
        return "not-in-a-bubble"
    if _DECODES.fullmatch(name):
        return "absolute-time"
    if _OUTSIDE.fullmatch(name):
        return "absolute-time" if name.startswith("time.") else "leaves-the-bubble"
    if package in _INSIDE or _AT_ONCE.fullmatch(name) or (package.startswith(_CHECKS) and not _NOT_CHECKS.search(name)):
        return ""
    standard = "." not in package.split("/")[0]
    if not standard and (blocking.quiet(name) or _OTHERS_AT_ONCE.fullmatch(name)):
        return ""  # loggers among them
    return "leaves-the-bubble" if standard else "call-out-of-sight"


def _state(bubble: Bubble) -> Refusal | None:
    """Package-level variables that may hold what belongs to no bubble, or to another one."""
    for body, ref in bubble.refs():
        known = body.view.facts.object(ref.object) if ref.object else None
        if known is None or known.kind != "var" or known.scope != "package":
            continue
        if known.package in _INSIDE:
            continue  # such as io.EOF and io.Discard
        if known.type != "error" and not _PLAIN.fullmatch(known.underlying):
            line = body.view.line(ref.start)
            return Refusal(
                "package-state", f"{known.name} ({known.type}) is shared by all tests, line {line}{_where(body)}"
            )
    return None


def _under_lock(bubble: Bubble, waiting: set[str]) -> Refusal | None:
    """A wait with a mutex held: who waits for that mutex waits for no goroutine of the bubble, and time stands still.

    A ``sync.Once`` is a mutex for as long as its function runs. ``waiting``: ids of the functions that wait.
    """
    for body in bubble.bodies:
        view = body.view
        places = [n for n in flow.everything(view.node) if n.is_named and _waits_here(view, n)]
        calls = (c for c in view.calls_in(view.node) if c.object in waiting)
        places += [view.source.node_at(c.start, c.end) for c in calls]
        for place in places:
            around = View.around(view.source, view.facts, place, view.language)
            held = locks.held(around) if around is not None else []
            if held and not _of_cond(around, place, held):
                line = view.line(place.start_byte)
                return Refusal("waits-under-lock", f"{held[0]} is held while line {line} waits{_where(body)}")
        for call in view.calls_in(view.node):
            if call.name in _ONCE and _may_wait(view, view.source.node_at(call.start, call.end), waiting):
                line = view.line(call.start)
                return Refusal("waits-under-lock", f"what a sync.Once runs waits, line {line}{_where(body)}")
    return None


_ONCE = ("(*sync.Once).Do", "sync.OnceFunc", "sync.OnceValue", "sync.OnceValues")


def _may_wait(view: View, node: Node, waiting: set[str]) -> bool:
    """Whether something in the node waits, or names a function that does."""
    if any(n.is_named and _waits_here(view, n) for n in flow.everything(node)):
        return True
    return any(r.object in waiting for r in view.refs_in(node))


def _waiting(bubble: Bubble) -> set[str]:
    """Ids of the functions that wait, or call one that does."""
    direct: dict[str, bool] = {}
    calls: dict[str, set[str]] = {}
    for body in bubble.bodies:
        around = body.view.functions
        name = around[-1].object if around else ""
        waits = any(n.is_named and _waits_here(body.view, n) for n in flow.everything(body.view.node))
        direct[name] = direct.get(name, False) or waits
        calls.setdefault(name, set()).update(c.object for c in body.view.calls_in(body.view.node) if c.object)
    found = {name for name, waits in direct.items() if waits and name}
    while more := {n for n, called in calls.items() if n and n not in found and called & found}:
        found |= more
    return found


def _waits_here(view: View, node: Node) -> bool:
    if node.type == "select_statement":
        return not any(c.type == "default_case" for c in node.named_children)
    if node.type == "send_statement" or flow.receives(node):
        return not receives.in_select(node)
    if node.type == "range_clause":
        operand = node.child_by_field_name("right")
        known = view.facts.expr(view.path, operand.start_byte, operand.end_byte) if operand is not None else None
        return known is None or "chan " in known.underlying[:7]
    call = view.call_at(node) if node.type == "call_expression" else None
    return call is not None and call.name in _WAITS


def _of_cond(view: View | None, place: Node, held: Sequence[str]) -> bool:
    """``c.Wait()`` with nothing but ``c.L`` held, which it gives back meanwhile."""
    call = view.call_at(place) if view is not None and place.type == "call_expression" else None
    return call is not None and call.name == "(*sync.Cond).Wait" and len(held) == 1


def _spins(bubble: Bubble, waiting: set[str]) -> Refusal | None:
    """A loop that asks again and again, without a wait: in a bubble the time that it waits for does not come."""
    for body, node in bubble.nodes():
        inner = flow.body(node) if node.type == "for_statement" else None
        if inner is None or flow.is_range(node) or flow.update(node) is not None:
            continue
        condition = flow.condition(node)
        if condition is not None and not any(_asks(c) for c in body.view.calls_in(condition)):
            continue
        if not _may_wait(body.view, inner, waiting):
            return Refusal(
                "busy-wait", f"the loop in line {body.view.line(node.start_byte)}{_where(body)} does not wait"
            )
    return None


def _asks(call: Call) -> bool:
    """Whether others may change what the call gives: not of builtins, nor of what the function itself reads from."""
    package = blocking.package_of(call.name)
    shared = package in ("sync", "sync/atomic", "time", "context") or package not in _INSIDE
    return call.kind not in ("builtin", "literal") and shared


def _restless(bubble: Bubble) -> Refusal | None:
    """Loops that keep each other going: goroutines that send as long as somebody receives never come to rest, and no time
    passes. One loop that sends what it was asked for is fine: who asks comes to an end.
    """
    answering = 0
    for body, node in bubble.nodes():
        inner = flow.body(node) if node.type == "for_statement" else None
        if inner is None or flow.update(node) is not None or not _goes_on(body.view, node):
            continue
        sends = [n for n in flow.runs_in(inner) if _sends(body.view, n)]
        asked = flow.is_range(node)
        if any(not asked and not _answers(n, node) for n in sends):
            line = body.view.line(node.start_byte)
            return Refusal("busy-wait", f"the loop in line {line}{_where(body)} sends for as long as somebody receives")
        answering += bool(sends)
    if answering > 1:
        return Refusal("busy-wait", "several loops send when they have received: they may keep each other going")
    return None


def _goes_on(view: View, loop: Node) -> bool:
    """Whether the loop has no end of its own: endless, while something holds, over a channel."""
    clause = flow.clause(loop)
    operand = clause.child_by_field_name("right") if clause is not None and clause.type == "range_clause" else None
    if operand is None:
        return True
    known = view.facts.expr(view.path, operand.start_byte, operand.end_byte)
    return known is None or "chan " in known.underlying[:7]


def _sends(view: View, node: Node) -> bool:
    call = view.call_at(node) if node.type == "call_expression" else None
    return node.type == "send_statement" or (
        call is not None and call.name in ("(*sync.Cond).Signal", "(*sync.Cond).Broadcast")
    )


def _answers(send: Node, loop: Node) -> bool:
    """Whether a round of the loop has received something when it sends."""
    node = send
    while node.parent is not None and node != loop:
        waited = node.child_by_field_name("communication") if node.type == "communication_case" else None
        if waited is not None and not flow.contains(waited, send) and waited.type == "receive_statement":
            return True
        if node.parent.type == "statement_list":
            before = flow.siblings(node)[0]
            if any(flow.receives(n) for s in before for n in flow.inside(s) if s.type != "select_statement"):
                return True
        node = node.parent
    return False


def _where(body: Body) -> str:
    return f" of {body.name} ({os.path.basename(body.view.path)})" if body.name else ""


def _short(name: str) -> str:
    package = blocking.package_of(name)
    return name.replace(package, package.rsplit("/", 1)[-1], 1) if package else name


def _written(view: View, call: Call) -> str:
    return " ".join(view.source.data[call.start : call.end].decode("utf-8", "replace").split("(", 1)[0].split())
