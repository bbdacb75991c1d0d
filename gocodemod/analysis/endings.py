"""Does a piece of code end by itself? Endless loops, servers, waits for signals, locks aside.

What it calls in the module is looked through (:mod:`gocodemod.analysis.reach`). A wait on a context or a channel is told
with everything that can end it, so that whoever asks can find out when that fires. Calls out of sight whose name says
that they wait make the answer ``unknown``; the others are listed, to be named to a reviewer.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from gocodemod.analysis import blocking, flow, loops, receives
from gocodemod.analysis.reach import Body, Edge, Reach, declared, literal_of, reach, text_of
from gocodemod.analysis.receives import Until
from gocodemod.analysis.view import View
from gocodemod.transform import Context

# Nanoseconds. Whoever joins a goroutine that pauses for longer would notice.
_LONG_PAUSE = 1_000_000_000


class Verdict(enum.StrEnum):
    """Ordered by what the others give way to: one endless loop is enough."""

    NEVER = "never"
    UNKNOWN = "unknown"
    WAITS = "waits"
    ENDS = "ends"


@dataclass(frozen=True)
class Wait:
    """A place where the code goes on only when one of ``until`` happens. ``text``: for people. ``body``: index into the reach."""

    text: str
    until: tuple[Until, ...]
    body: int


@dataclass(frozen=True)
class Ending:
    """``why`` says what never ends, or what is not known; ``""`` for code that ends. ``unseen``: names of calls that lead out
    of sight and seem to come back; ``values``: those of them that call function values. ``reach``: what was looked through.
    """

    verdict: Verdict
    why: str
    waits: tuple[Wait, ...]
    unseen: tuple[str, ...]
    values: tuple[str, ...]
    reach: Reach

    @property
    def open_calls(self) -> tuple[str, ...]:
        """Those of ``unseen`` behind which code of this very module may be: interface methods and function values."""
        return tuple(u for u in self.unseen if u in self.values or (u.startswith("(") and not u.startswith("(*")))

    @property
    def sleeps(self) -> tuple[str, ...]:
        """Its pauses as written: whoever waits for it may wait that long."""
        found = (_line(view.text(node)) for view, node in self.pauses())
        return tuple(dict.fromkeys(found))

    @property
    def long_pause(self) -> str:
        """A pause of more than a second that nothing cuts short, as written; ``""`` if none is known to be so long."""
        for view, node in self.pauses():
            arguments = node.child_by_field_name("arguments")
            value = arguments.named_children[0] if arguments is not None and arguments.named_children else None
            known = view.facts.expr(view.path, value.start_byte, value.end_byte) if value is not None else None
            constant = known.constant if known is not None else None
            if constant is not None and constant.isdigit() and int(constant) > _LONG_PAUSE:
                return _line(view.text(node))
        return ""

    def pauses(self) -> Iterator[tuple[View, Node]]:
        """The calls of ``time.Sleep``, and of ``time.After`` where that alone is waited for."""
        for body in self.reach.bodies:
            for call in body.calls:
                node = body.view.source.node_at(call.start, call.end)
                after = call.name == "time.After" and node.parent is not None and node.parent.type == "unary_expression"
                if call.name == "time.Sleep" or (after and node.parent and not receives.in_select(node.parent)):
                    yield body.view, node


@dataclass
class _Found:
    never: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)


def of(context: Context, view: View, node: Node, *, through: bool = True) -> Ending:
    """Whether ``node``, a piece of the function that ``view`` shows, comes to its end when it runs.

    ``through``: methods of the package's own interfaces are looked into where its own types implement them.
    """
    key = ("ending", id(view.source), view.node.start_byte, node.start_byte, node.end_byte, through, context.language)
    if key not in view.facts.derived:
        # With the view, so that no other source gets the same id.
        view.facts.derived[key] = view, _of(context, view, node, through)
    found: Ending = view.facts.derived[key][1]
    return found


def _of(context: Context, view: View, node: Node, through: bool) -> Ending:
    reached = reach(context, view, node)
    found = _Found()
    if not reached.complete:
        found.unknown.append("it calls more functions than were looked through")
    if reached.recursive:
        found.unknown.append(f"{reached.recursive} may call itself")
    for index, body in enumerate(reached.bodies):
        _look(context, body, index, found)
    unseen, values = _calls_out_of_sight(reached, found)
    if through:
        _implementations(context, reached, found)
    if found.never:
        verdict, why = Verdict.NEVER, found.never[0]
    elif found.unknown:
        verdict, why = Verdict.UNKNOWN, found.unknown[0]
    else:
        verdict, why = (Verdict.WAITS, found.waits[0].text) if found.waits else (Verdict.ENDS, "")
    return Ending(verdict, why, tuple(found.waits), unseen, values, reached)


def _look(context: Context, body: Body, index: int, found: _Found) -> None:
    view = body.view
    where = f" in {body.name}" if body.name else ""
    for node in flow.runs_in(view.node):
        match node.type:
            case "for_statement":
                _loop(context, view, node, index, where, found)
            case "select_statement":
                _select(context, view, node, index, where, found)
            case "unary_expression" if view.text(node).startswith("<-") and not receives.in_select(node):
                until = receives.until(context, view, node)
                if not receives.comes_by_itself(until) and not receives.gives_back_a_slot(view, node):
                    found.waits.append(Wait(f"{_line(view.text(node))}{where}", until, index))
            case "send_statement" if not receives.in_select(node) and not receives.has_room(view, node):
                channel = node.child_by_field_name("channel")
                text = _line(view.text(channel)) if channel is not None else "a channel"
                found.waits.append(Wait(f"a send to {text}{where}", (receives.receiver(view, channel),), index))
            case "goto_statement" if _goes_back(view, node):
                found.unknown.append(f"a goto leads back{where}")


def _loop(context: Context, view: View, loop: Node, index: int, where: str, found: _Found) -> None:
    line = f"the loop at line {view.line(loop.start_byte)}{where}"
    answer = loops.of(context, view, loop)
    if answer.never:
        found.never.append(f"{line} is endless")
    elif answer.unknown:
        found.unknown.append(f"{line} {answer.unknown}")
    elif answer.until:
        found.waits.append(Wait(f"{line} {answer.text}", answer.until, index))


def _select(context: Context, view: View, select: Node, index: int, where: str, found: _Found) -> None:
    cases = [c for c in select.named_children if c.type in ("communication_case", "default_case")]
    if not cases:
        found.never.append(f"select {{}}{where}")
    if any(c.type == "default_case" for c in cases) or not cases:
        return
    until: list[Until] = []
    for case in cases:
        until += receives.until_case(context, view, case)
    if not receives.comes_by_itself(tuple(until)):
        texts = " or ".join(dict.fromkeys(u.text for u in until))
        found.waits.append(Wait(f"a select on {texts}{where}", tuple(until), index))


def _goes_back(view: View, jump: Node) -> bool:
    name = flow.jump_label(jump)
    labels = [n for n in flow.inside(view.function) if n.type == "labeled_statement"]
    return any(
        (label := n.child_by_field_name("label")) is not None
        and label.text == name
        and n.start_byte < jump.start_byte
        and not (flow.contains(n, jump) and n.start_byte > jump.start_byte)
        for n in labels
    )


def _calls_out_of_sight(reached: Reach, found: _Found) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of calls that seem to come back, and of function values; those that wait go to ``found``."""
    unseen: dict[str, None] = {}
    values: dict[str, None] = {}
    for edge in reached.edges:
        body = reached.bodies[edge.caller]
        where = f" in {body.name}" if body.name else ""
        if edge.callee >= 0:
            continue
        name = edge.call.name
        if edge.call.kind == "value":
            if _cancels(body.view, edge):
                continue
            if _calls_itself(body.view, edge):
                found.unknown.append(f"{text_of(body.view, edge.call)} may call itself{where}")
            values.setdefault(text_of(body.view, edge.call))
            unseen.setdefault(text_of(body.view, edge.call))
        elif edge.call.kind == "unknown":
            found.unknown.append(f"what {text_of(body.view, edge.call)} calls is not known{where}")
        elif not name:
            unseen.setdefault(text_of(body.view, edge.call))
        elif blocking.never(name):
            found.never.append(f"{_short(name)} serves{where}")
        elif blocking.quiet(name) or _in_memory(body.view, edge):
            continue
        elif blocking.waits(name):
            found.unknown.append(f"{_short(name)} may wait for somebody else{where}")
        else:
            unseen.setdefault(_short(name))
    for body in reached.bodies:
        found.unknown += list(_recursive_literals(body))
    return tuple(unseen), tuple(values)


def _calls_itself(view: View, edge: Edge) -> bool:
    literal = literal_of(view, edge.call.object)
    return literal is not None and literal.start_byte <= edge.call.start < literal.end_byte


def _implementations(context: Context, reached: Reach, found: _Found) -> None:
    """What an interface method comes to may wait, or never end, where types of its own package implement it."""
    for edge in reached.unseen:
        body = reached.bodies[edge.caller]
        if edge.call.kind != "interface-method" or not edge.call.object or blocking.quiet(edge.call.name):
            continue
        for method in context.facts.implementations(edge.call.object):
            inner = declared(context, body.view, method.id)
            ending = of(context, inner.view, inner.view.node, through=False) if inner is not None else None
            if inner is not None and ending is not None and ending.verdict is not Verdict.ENDS:
                found.unknown.append(f"{_short(edge.call.name)} may be {inner.name}, which may not end: {ending.why}")


def _cancels(view: View, edge: Edge) -> bool:
    """A context's cancel function, which answers at once."""
    known = view.facts.object(edge.call.object) if edge.call.object else None
    return known is not None and known.type in ("context.CancelFunc", "context.CancelCauseFunc")


def _recursive_literals(body: Body) -> Iterator[str]:
    """A literal held by a variable and called within itself."""
    for call in body.calls:
        if call.kind == "value":
            literal = literal_of(body.view, call.object)
            if literal is not None and literal.start_byte <= call.start < literal.end_byte:
                yield f"{text_of(body.view, call)} may call itself"


_BUFFERS = frozenset(
    {"*bytes.Buffer", "*strings.Builder", "*os.File", "*strings.Reader", "*bytes.Reader", "bytes.Buffer"}
)


def _in_memory(view: View, edge: Edge) -> bool:
    """Whether a call that writes to, or copies between, whatever it is given is given buffers and files only."""
    if edge.call.name not in ("fmt.Fprint", "fmt.Fprintf", "fmt.Fprintln", "io.Copy", "io.WriteString", "io.ReadAll"):
        return False
    node = view.source.node_at(edge.call.start, edge.call.end)
    arguments = node.child_by_field_name("arguments")
    values = [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []
    count = 2 if edge.call.name == "io.Copy" else 1
    found = [view.facts.expr(view.path, v.start_byte, v.end_byte) for v in values[:count]]
    return len(found) == count and all(e is not None and e.type in _BUFFERS for e in found)


def _short(name: str) -> str:
    """A full name without the folders of its import path: ``(*net/http.Server).Close`` -> ``(*http.Server).Close``."""
    package = blocking.package_of(name)
    return name.replace(package, package.rsplit("/", 1)[-1], 1) if package else name


def _line(text: str) -> str:
    return " ".join(text.split())
