"""What a round of a loop opens and defers the closing of: is it over when the round is, or is it there for more?

Only what is known to be read, written or waited for while it is open, and to be of no use to others afterwards, counts:
files, response bodies, rows, connections that were dialled, contexts, spans. A listener keeps its port, a lock keeps
others out, a server serves: those are often held over all rounds on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import captures, carried, deferring, effects, flow, names, reach, values
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Call, Object
from gocodemod.model import Refusal
from gocodemod.transform import Context

# Calls that end what they are called on, and nothing else that somebody could miss after the round.
_ENDS = frozenset(
    {
        "(*os.File).Close", "(io.Closer).Close", "(io.ReadCloser).Close", "(io/fs.File).Close",
        "(mime/multipart.File).Close", "(*database/sql.Rows).Close", "(*database/sql.Stmt).Close",
        "(*database/sql.Conn).Close", "(*archive/zip.ReadCloser).Close", "(*compress/gzip.Reader).Close",
        "(net.Conn).Close", "(*net.TCPConn).Close", "(*net.UnixConn).Close", "(*crypto/tls.Conn).Close",
        "(*time.Timer).Stop", "(*time.Ticker).Stop", "(go.opentelemetry.io/otel/trace.Span).End",
        "(github.com/opentracing/opentracing-go.Span).Finish",
    }
)  # fmt: skip
# These write what they still hold into something, which must be the round's own.
_WRITES_ON = frozenset(
    {
        "(*bufio.Writer).Flush", "(*compress/gzip.Writer).Close", "(*compress/zlib.Writer).Close",
        "(*compress/flate.Writer).Close", "(*archive/zip.Writer).Close", "(*archive/tar.Writer).Close",
    }
)  # fmt: skip
_CANCELS = ("context.CancelFunc", "context.CancelCauseFunc")
_LOCKS = ("Unlock", "RUnlock")
# Words in the names of what is held, not used.
_HELD = frozenset({"listener", "listen", "lock", "flock", "server", "serve", "lease", "port"})
# A function that is given it, and has such a first word, keeps it, wherever it is from.
_KEEPING = frozenset({"add", "append", "attach", "cache", "enqueue", "insert", "keep", "push", "put", "register",
                      "save", "set", "store", "subscribe", "watch"})  # fmt: skip


@dataclass(frozen=True)
class Resource:
    """``text``: the call that ends it. ``unseen``: calls that got it, or what was made of it, and cannot be looked into."""

    text: str
    unseen: tuple[str, ...]


def of(context: Context, view: View, deferred: Node, block: Node) -> Resource | Refusal:
    """What the defer statement closes, if it is over at the end of the block or case clause that it stands in."""
    ends = _ending_calls(view, deferred)
    if isinstance(ends, Refusal):
        return ends
    if why := _outside(view, deferred, block):
        return why
    unseen: dict[str, None] = {}
    for call in ends:
        why = _over(context, view, deferred, block, call, unseen)
        if why is not None:
            return why
    return Resource(", ".join(_written(view, c) for c in ends), tuple(unseen))


def _ending_calls(view: View, deferred: Node) -> list[Call] | Refusal:
    """The calls by which the deferred call, or the literal, ends something."""
    literal = deferring.literal(deferred)
    calls = view.calls_in(deferred if literal is None else literal)
    if literal is None:
        calls = tuple(c for c in calls if c.statement == "defer")
    if any(c.name == "recover" for c in calls):
        return Refusal("recovers-in-loop", "the deferred call recovers: a panic would no longer end the loop")
    found = []
    for call in calls:
        if call.kind == "literal":
            continue
        if call.name.rsplit(".", 1)[-1] in _LOCKS:
            return Refusal("lock-deferred-in-loop", f"{_written(view, call)} is deferred: locks are kept over the loop")
        if call.name in _ENDS or call.name in _WRITES_ON or _cancels(view, call):
            found.append(call)
        elif literal is None or not (effects.is_log(call.name) or deferring.at_once(call)):
            return Refusal("deferred-call-unknown", f"{_written(view, call)} may be meant for the end of the function")
    return found or Refusal("deferred-call-unknown", "what is deferred closes nothing")


def _cancels(view: View, call: Call) -> bool:
    held = view.facts.object(call.object) if call.object else None
    return held is not None and held.type in _CANCELS


def _outside(view: View, deferred: Node, block: Node) -> Refusal | None:
    """Why a deferred literal is about more than the block: variables of outside that it writes, or that change."""
    literal = deferring.literal(deferred)
    if literal is None:
        return None
    for variable, refs in captures.captured(view, literal).items():
        known = view.facts.object(variable)
        writes = ("assign", "update", "address")
        written = any(r.role in writes for r in (refs if view.declares(block, known) else view.refs_of(variable)))
        written = written or _shared_by_rounds(view, deferred, known)
        if known is not None and not view.declares(block, known) and (written or known.kind == "result"):
            return Refusal(
                "deferred-uses-outer", f"the deferred literal uses {known.name}, which changes outside of the round"
            )
    if any(n.type in ("go_statement", "send_statement", "return_statement") for n in flow.inside(literal)):
        return Refusal("deferred-call-unknown", "the deferred literal does more than to close something")
    return None


def _shared_by_rounds(view: View, deferred: Node, variable: Object | None) -> bool:
    """Whether it is a loop's own variable, of which there is but one for all rounds before Go 1.22."""
    clauses = (flow.clause(loop) for loop in flow.loops_around(deferred))
    own = any(clause is not None and view.declares(clause, variable) for clause in clauses)
    return own and view.language.file < (1, 22)


def _over(
    context: Context, view: View, deferred: Node, block: Node, call: Call, unseen: dict[str, None]
) -> Refusal | None:
    """Why what the call ends may be wanted after the block; what is not known goes to ``unseen``."""
    variable = _root(view, deferred, call)
    made = _made(view, variable, block) if variable is not None else None
    if variable is None or made is None:
        return Refusal("declared-outside-round", f"what {_written(view, call)} ends was not made in this block")
    statement, value = made
    if why := _held(view, block, deferred, variable, value) or _descriptor(context, view, block, variable):
        return why
    if call.name in _WRITES_ON and (outer := _given_from_outside(view, value, block)):
        return Refusal("writes-into-shared", f"{_written(view, call)} writes what is left into {outer}")
    around = View(view.source, view.facts, statement, view.function, view.outermost, view.language)
    beside = _beside(view, variable, statement) if _cancels(view, call) else [variable]
    for resource in beside:
        found = carried.follow(context, around, resource, block, within_round=False)
        if found.escapes:
            return Refusal("resource-outlives-round", f"{resource.name} is wanted after the round: {found.escapes}")
        for name in found.unknown:
            if names.first_word(name) in _KEEPING:
                return Refusal("resource-outlives-round", f"{name} may keep {resource.name}")
        unseen |= dict.fromkeys(found.unknown)
    return None


def _root(view: View, deferred: Node, call: Call) -> Object | None:
    """The local variable that the call's receiver, or the function value itself, begins with."""
    node = view.source.node_at(call.start, call.end).child_by_field_name("function")
    base = values.base(node) if node is not None else None
    ref = view.ref_at(base) if base is not None else None
    known = view.facts.object(ref.object) if ref is not None and ref.object else None
    literal = deferring.literal(deferred)
    if known is not None and known.kind == "param" and literal is not None and view.declares(literal, known):
        known = view.facts.object(captures.given(view, literal).get(known.id, ""))
    return known if known is not None and known.scope == "function" and known.kind == "var" else None


def _made(view: View, variable: Object, block: Node) -> tuple[Node, Node] | None:
    """The statement of the block, or of the header of its if, that makes the resource by a call, and the call.

    None unless the variable is declared there, and given its value once.
    """
    refs = view.refs_of(variable.id)
    writes = [r for r in refs if r.role in ("define", "assign", "update", "address") and r.value_start >= 0]
    if len(writes) != 1 or any(r.role == "address" for r in refs):
        return None
    value = view.source.node_at(writes[0].value_start, writes[0].value_end)
    statement = flow.statement(value)
    own = statement.parent is not None and statement.parent.parent == block
    header = _in_header(value, block)
    if value.type != "call_expression" or not (own or header):
        return None
    return (statement, value) if own and view.declares(block, variable) else _of_header(view, variable, value, block)


def _in_header(value: Node, block: Node) -> bool:
    parent = block.parent
    first = parent.child_by_field_name("initializer") if parent is not None and parent.type == "if_statement" else None
    return first is not None and flow.contains(first, value)


def _of_header(view: View, variable: Object, value: Node, block: Node) -> tuple[Node, Node] | None:
    """``if f, err := os.Open(name); err == nil { defer f.Close() ...``, where no else knows the variable."""
    parent = block.parent
    if parent is None or not _in_header(value, block):
        return None
    first, other = parent.child_by_field_name("initializer"), parent.child_by_field_name("alternative")
    if first is None or not view.declares(first, variable):
        return None
    if other is not None and any(r.object == variable.id for r in view.refs_in(other)):
        return None
    return first, value


def _held(view: View, block: Node, deferred: Node, variable: Object, value: Node) -> Refusal | None:
    """What is open for the sake of being open."""
    call = view.call_at(value)
    said = {
        *names.words(variable.name),
        *names.words(variable.type),
        *names.words(call.name if call is not None else ""),
    }
    if call is not None and call.name == "time.AfterFunc":
        return Refusal("held-on-purpose", f"{variable.name} acts by itself, when its time has come")
    if said & _HELD:
        return Refusal("held-on-purpose", f"{variable.name} ({variable.type}) is held, not read: it keeps others out")
    uses = [r for r in view.refs_of(variable.id) if r.start > value.end_byte and not _in(r.start, deferred)]
    beside = {o.id for o in _beside(view, variable, flow.statement(value))}
    used = uses or [r for r in view.refs_in(block) if r.object in beside and r.start > deferred.end_byte]
    if not used or not flow.siblings(deferred)[1]:
        return Refusal("held-on-purpose", f"nothing in the round uses {variable.name}: it is there for what follows")
    if any(r.selected in ("Fd", "SyscallConn") for r in uses):
        return Refusal("held-on-purpose", f"the descriptor of {variable.name} is used, and ends with it")
    return None


def _descriptor(context: Context, view: View, block: Node, variable: Object) -> Refusal | None:
    """What a callee does with a file's descriptor ends with the file: a lock, a mapping, a device's mode."""
    if variable.type != "*os.File":
        return None
    for body in reach.reach(context, view, block).bodies[1:]:
        for call in body.calls:
            if call.name in ("(*os.File).Fd", "(*os.File).SyscallConn"):
                return Refusal("held-on-purpose", f"{body.name} uses the descriptor of {variable.name}, perhaps")
    return None


def _beside(view: View, variable: Object, statement: Node) -> list[Object]:
    """The other variables that the same statement gives values, errors left out."""
    ids = {r.object for r in view.refs_in(statement) if r.role in ("define", "assign") and r.object != variable.id}
    found = (view.facts.object(i) for i in sorted(ids))
    return [o for o in found if o is not None and o.type != "error"]


def _given_from_outside(view: View, value: Node, block: Node) -> str:
    """An argument of the call that makes the writer that is not the block's own."""
    for ref in view.refs_in(value):
        known = view.facts.object(ref.object) if ref.object else None
        if known is None or known.kind not in ("var", "param", "receiver", "result", "field"):
            continue
        plain = known.type in ("int", "string", "bool")
        if not plain and ref.role in ("argument", "base") and not view.declares(block, known):
            return known.name
    return ""


def _in(offset: int, node: Node) -> bool:
    return node.start_byte <= offset < node.end_byte


def _written(view: View, call: Call) -> str:
    return " ".join(view.source.data[call.start : call.end].decode("utf-8", "replace").split())
