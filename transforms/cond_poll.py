"""Wait for a channel that is closed once, not for a bool that a loop polls.

A loop that sleeps until somebody sets a bool notices that late, by up to its Sleep, and cannot be told to give up. With a
plain ``bool`` it is a data race as well: nothing orders what was written before the flag with what is read behind the
loop. A channel that is closed where the flag was set wakes every waiter at once, and orders the memory.

| the code | the edit |
|---|---|
| ``for !ready { time.Sleep(d) }``, or an endless one that breaks ``if ready`` | ``<-ready``, in a ``select`` with a stop signal if that can be told |
| ``ready = true``, ``ready.Store(true)``, deferred or not | ``close(ready)``, in the same place |
| ``var ready bool``, ``ready := false``, ``var ready atomic.Bool`` | ``ready := make(chan struct{})`` |
| a field ``ready bool`` | ``ready chan struct{}``, made in every composite literal of its struct |

The flag is an unexported variable or field of type ``bool`` or ``sync/atomic.Bool`` that begins as false, is set to
true in one place, and is looked at by nothing but such loops. That place runs at most once for each flag, for a second ``close`` panics: no loop
is on the way to it, each literal around it is started in place (``go``, ``defer``, ``wg.Go``) or run by a ``sync.Once``
that lives as long as the flag, and a function around it is called in one place of the package, or is ``main``. All
loops that wait for one flag change together, as one fix. A function that started the work itself waits for it to the end
where that works with what its caller, or a deferred call, uses again afterwards.

The level is review: the wait ends sooner than it did, and a program in which everybody waits for a flag that is never
set ends with the runtime's "all goroutines are asleep", where it slept for ever.

No site, and left to sleep-loop: loops that do more than sleep, conditions that are more than a flag, counted tries, a
flag behind a lock or a getter. Refused: a flag that is set again (``flag-is-reset``), in several places or perhaps
twice (``set-more-than-once``), that others look at (``flag-used-otherwise``) or may set (``flag-out-of-sight``), a
struct that somebody makes or copies without the channel (``made-without-the-channel``). Reported: ``never-set``.

Sources: https://go.dev/ref/mem#chan, https://go.dev/ref/spec#Close, https://pkg.go.dev/sync#Once,
https://go.dev/doc/articles/race_detector.
"""

from __future__ import annotations

from tree_sitter import Node

from gocodemod.analysis import exits, flags, flow, layout, literals, outliving, signals, workers
from gocodemod.analysis.flags import Flag, Place
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Ref
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = "(for_statement) @site"
NEEDLES = (b"Sleep", b"time")
_CHANNEL = "chan struct{}"


def match(source: Source, node: Node) -> Node | None:
    """Loops that do nothing but sleep until a test of one name tells otherwise."""
    found = _shape(node)
    if found is None:
        return None
    sleep, test, negated = found
    callee = sleep.named_children[0].child_by_field_name("function")
    package, _, name = (source.text(callee) if callee is not None else b"").decode("utf-8", "replace").rpartition(".")
    if name != "Sleep" or source.imports().get(package or ".") != "time":
        return None
    return node if flags.named(test, negated) is not None else None


def _shape(loop: Node) -> tuple[Node, Node, bool] | None:
    """The Sleep of a loop, what it tests, and whether it goes on while that does not hold."""
    body, clause, test = flow.body(loop), flow.clause(loop), flow.condition(loop)
    if body is None or (clause is not None and any(c.type != "comment" for c in clause.named_children if c != test)):
        return None
    inner = flow.statements(body)
    if test is not None:
        return (inner[0], test, True) if len(inner) == 1 and _is_call(inner[0]) else None
    if len(inner) != 2 or inner[0].type != "if_statement" or not _is_call(inner[1]) or not flow.is_endless(loop):
        return None
    branch, then = inner[0], inner[0].child_by_field_name("consequence")
    left = flow.statements(then) if then is not None else []
    plain = branch.child_by_field_name("initializer") is None and branch.child_by_field_name("alternative") is None
    test = branch.child_by_field_name("condition")
    if not plain or test is None or len(left) != 1 or left[0].type != "break_statement" or left[0].named_children:
        return None
    return inner[1], test, False


def _is_call(statement: Node) -> bool:
    return statement.type == "expression_statement" and statement.named_children[0].type == "call_expression"


def decide(candidate: Candidate, context: Context) -> Decision | None:
    loop = candidate.node
    shape = _shape(loop)
    assert shape is not None, "match found one"
    sleep, test, negated = shape
    view = View.around(candidate.source, context.facts, sleep, context.language)
    if view is None:
        return None
    known = view.call_at(sleep.named_children[0])
    if known is None or known.kind == "unknown":
        return Refusal("types-unavailable", "time.Sleep did not resolve")
    named = flags.named(test, negated)
    assert named is not None, "match found one"
    if known.name != "time.Sleep":
        return None
    ref = view.ref_at(named)
    if ref is None or not (declared := view.facts.object(ref.object)) or not declared.type:
        return Refusal("types-unavailable", f"what {view.text(named)} is did not resolve")
    variable = flags.variable(view, named)
    if variable is None:
        return None
    flag = flags.find(context, view, variable, poll_at)
    if isinstance(flag, Refusal):
        return flag
    first = flag.polls[0]
    if (first.view.path, first.node.start_byte) != (view.path, loop.start_byte):
        line = first.view.line(first.node.start_byte)
        return Refusal("fixed-together", f"the loop in line {line} waits for {variable.name}, too, and stands for both")
    return _fix(context, flag)


def poll_at(view: View, ref: Ref) -> Node | None:
    """The loop that waits for the flag at a reference to it."""
    node: Node | None = view.source.node_at(ref.start, ref.end)
    while node is not None and node.type != "for_statement" and node.type not in flow.FUNCTIONS:
        node = node.parent
    shape = _shape(node) if node is not None and node.type == "for_statement" else None
    if node is None or shape is None or match(view.source, node) is None:
        return None
    named = flags.named(shape[1], shape[2])
    return node if named is not None and named.start_byte <= ref.start < named.end_byte else None


# --- the fix --------------------------------------------------------------------------------------------------------


def _fix(context: Context, flag: Flag) -> Decision:
    name, setting = flag.variable.name, flag.setting
    for place in (*flag.polls, setting):
        if problem := _in_the_way(place) or _left_behind(place, flag):
            return problem
    source = setting.view.source if flag.declared_in == setting.view.path else context.source(flag.declared_in)
    known = context.facts.lookup(flag.declared_in, flag.declaration.start_byte, "make")
    if known is not None and known.kind != "builtin":
        return Refusal("builtin-is-hidden", f"make means something else where {name} is declared")
    written = f"close({_text(setting)})"
    written = f"defer {written}" if setting.node.type == "defer_statement" else written
    edits = [
        (setting.view.path, layout.edit(setting.node.start_byte, setting.node.end_byte, written)),
        (flag.declared_in, _declared(source, flag.declaration, name)),
    ]
    if flag.variable.kind == "field":
        assert flag.base is not None, "else nobody knows that it is set once"
        made = literals.with_channel(context, setting.view, flag.base, flag.variable, f"make({_CHANNEL})")
        if isinstance(made, Refusal):
            return made
        edits += made
    waits = [_waited(context, flag, poll) for poll in flag.polls]
    edits += [
        (p.view.path, layout.replace_statement(p.view.source, p.node, w[0]))
        for p, w in zip(flag.polls, waits, strict=True)
    ]
    needing = {p.view.path for p, (_, _, needs_context) in zip(flag.polls, waits, strict=True) if needs_context}
    evidence = {
        "flag": f"{name}, {flag.variable.type.rsplit('/', 1)[-1]}, set in line {setting.view.line(setting.node.start_byte)} only",
        "signal": "; ".join(dict.fromkeys(why for _, why, _ in waits)),
    }
    if len(flag.polls) > 1:
        evidence["loops"] = ", ".join(str(p.view.line(p.node.start_byte)) for p in flag.polls)
    changes = tuple(
        FileChange(
            path,
            tuple(sorted(edit for at, edit in edits if at == path)),
            ("context",) if path in needing else (),
            _imports(flag, path),
        )
        for path in sorted({path for path, _ in edits})
    )
    return Fix(changes, Level.REVIEW, f"the wait ends when {name} is closed, and not up to a Sleep later", evidence)


def _imports(flag: Flag, path: str) -> tuple[str, ...]:
    """Paths of packages that loops in a file name, and the flag's own: they may be of no use any more."""
    refs = [r for p in flag.polls if p.view.path == path for r in p.view.refs_in(p.node)]
    named = (flag.polls[0].view.facts.object(r.object) for r in refs if r.object)
    return tuple(sorted({"sync/atomic", *(o.package for o in named if o is not None and o.kind == "package")}))


def _in_the_way(place: Place) -> Refusal | None:
    """What keeps the rewrite of a loop, or of the place that sets the flag, from being written."""
    view, node = place.view, place.node
    line = view.line(node.start_byte)
    known = view.facts.lookup(view.path, node.start_byte, "close")
    if known is not None and known.kind != "builtin":
        return Refusal("builtin-is-hidden", f"close means something else in line {line}")
    if any(n.type == "comment" for n in flow.everything(node)):
        return Refusal("comment-in-the-way", f"a comment stands in what line {line} begins")
    if node.type == "for_statement" and flow.label(node) is not None:
        return Refusal("flag-used-otherwise", "the loop has a label, by which something may jump to it")
    return None


def _left_behind(place: Place, flag: Flag) -> Refusal | None:
    """What a loop's duration leaves behind: a variable without a use, or a call that nobody makes any more."""
    view, node = place.view, place.node
    if node.type != "for_statement":
        return None
    loops = [p.node for p in flag.polls if p.view.path == view.path]
    for ref in view.refs_in(node):
        declared = view.facts.object(ref.object) if ref.object else None
        local = declared is not None and declared.kind == "var" and declared.scope == "function"
        if declared is None or not local or declared.id == flag.variable.id:
            continue
        uses = [r for r in view.refs_of(declared.id) if r.role not in ("define", "assign")]
        if all(any(loop.start_byte <= r.start < loop.end_byte for loop in loops) for r in uses):
            return Refusal("leaves-a-variable-unused", f"{declared.name} would be left without a use")
    if any(c.name not in ("time.Sleep", "(*sync/atomic.Bool).Load") for c in view.calls_in(node)):
        return Refusal("duration-is-a-call", "the duration comes from a call, which may do something")
    return None


def _text(place: Place) -> str:
    """The flag's name, as it is written at a place."""
    whole = place.view.source.node_at(place.ref.start, place.ref.end)
    if whole.parent is not None and whole.parent.type == "selector_expression" and whole.type == "field_identifier":
        whole = whole.parent
    return place.view.text(whole)


def _waited(context: Context, flag: Flag, poll: Place) -> tuple[str, str, bool]:
    """The wait: its text, what is said of the stop signal, and whether it names the package context."""
    shape = _shape(poll.node)
    assert shape is not None, "a poll has this shape"
    view, receive = poll.view.at(shape[0]), f"<-{_text(poll)}"
    signal = signals.find(view, poll.node)
    arm = exits.exit_arm(view, poll.node, signal) if not isinstance(signal, Refusal) else signal
    if isinstance(signal, Refusal) or isinstance(arm, Refusal):
        why = arm if isinstance(arm, Refusal) else signal
        assert isinstance(why, Refusal), "one of them is"
        return receive, f"none that could end the wait ({why.message or why.reason})", False
    if left := _leaves_work(context, flag, view):
        return receive, f"{signal.text} must not end the wait: {left}", False
    text = arm.text.replace(exits.CONTEXT, layout.import_name(view.source, "context"))
    if arm.needs_context:
        here = view.facts.lookup(view.path, poll.node.start_byte, layout.import_name(view.source, "context"))
        if here is not None and here.kind != "package":
            return receive, "none that could be reported: context means something else here", False
    stop = f"case <-{signal.receive}:\n{text}\n" if text else f"case <-{signal.receive}:\n"
    return f"select {{\n{stop}case {receive}:\n}}", f"{signal.described} ({arm.why})", arm.needs_context


def _leaves_work(context: Context, flag: Flag, view: View) -> str:
    """Why the function that starts the work must not leave before it is done; ``""`` if it may, or did not start it."""
    if flag.variable.scope != "function":
        own = flag.setting.view.path == view.path and flow.contains(view.function, flag.setting.node)
        return f"{flag.variable.name} is set by what the function itself starts" if own else ""
    if not view.declares(view.function, flag.variable):
        return ""
    found, unseen = workers.uses(context, view, flag.variable)
    if unseen:
        return f"who sets {flag.variable.name} is out of sight"
    problem = outliving.problem(context, view, workers.workers_of(found))
    return problem.message or problem.reason if problem is not None else ""


def _declared(source: Source, declaration: Node, name: str) -> Edit:
    if declaration.type == "field_declaration":
        kind = declaration.child_by_field_name("type")
        assert kind is not None, "a field has a type"
        return layout.edit(kind.start_byte, kind.end_byte, _CHANNEL)
    whole, made = declaration, f"make({_CHANNEL})"
    if declaration.type == "short_var_declaration":
        return layout.edit(whole.start_byte, whole.end_byte, f"{name} := {made}")
    parent = declaration.parent
    grouped = parent is not None and source.text(parent).lstrip(b"var \t").startswith(b"(")
    local = flow.enclosing_function(declaration) is not None
    if local and not grouped and parent is not None and parent.type == "var_declaration":
        return layout.edit(parent.start_byte, parent.end_byte, f"{name} := {made}")
    return layout.edit(whole.start_byte, whole.end_byte, f"{name} = {made}")


transform = Transform(
    __name__, __doc__, QUERY, NEEDLES, match, decide, subject="wait for a channel where a loop polled a flag"
)
