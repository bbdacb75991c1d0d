"""What one function needs to be handed a context: may its signature change, and what has each of its callers to give?"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from tree_sitter import Node

from gocodemod.analysis import endings, firing, flow, layout, names, origins, signals
from gocodemod.analysis.endings import Verdict
from gocodemod.analysis.later import runs_later
from gocodemod.analysis.signals import Signal
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Everywhere, Function, Object, Ref
from gocodemod.golang.versions import TESTING_CONTEXT
from gocodemod.model import Edit, Refusal
from gocodemod.thread import parameters
from gocodemod.thread.plan import World
from gocodemod.transform import Context

# First words of functions whose context lasts as long as what they run.
_RUNS = frozenset({"run", "serve", "main", "loop", "watch", "monitor"})
# Places of a context that a test works with.
_OF_TEST = frozenset({"local", "param", "captured"})
_BOUND = {
    "linkname": "go:linkname names it",
    "export": "it is exported to C",
    "assembly": "its body, or a call of it, is assembly",
}


@dataclass(frozen=True)
class Called:
    """One call of the function: the edit that hands over ``text``; None for ``text`` where ``caller`` needs a context first.

    ``arguments``: the list in ``path``. ``started``: by a go statement. ``apart``: the call may run when the caller has
    returned, and nothing says that the caller's context is meant for it. ``stays``: the caller lasts as long as what it starts. ``ends``:
    what it hands over may end while the function runs, unlike a test's own, or Background.
    """

    path: str
    arguments: Node
    caller: str
    name: str
    text: str | None
    imports: tuple[str, ...]
    started: bool
    apart: bool
    stays: Callable[[], bool]
    ends: bool = True

    def edit(self, text: str) -> Edit:
        return parameters.hand_over(self.arguments, text)


@dataclass(frozen=True)
class Step:
    """``object``: the function. ``shown``: as people write it, ``(*Poller).loop``. ``parameter``: the new one's name.

    ``main``: it is main itself, whose context has to be made; then nothing calls it.
    """

    object: str
    path: str
    shown: str
    parameter: str
    edits: tuple[Edit, ...]
    imports: tuple[str, ...]
    calls: tuple[Called, ...]
    main: bool = False


def step(world: World, function: Function, path: str) -> Step | Refusal:
    """How to give the function a context, or why that cannot be done."""
    named = world.facts.object(function.object)
    declaration = _declaration(world, function, path)
    if named is None or declaration is None:
        return Refusal("no-stop-signal", "the code is in no declared function, so nothing can hand it a context")
    shown = _shown(world, path, declaration)
    if _is_main(world, function, path):
        return _main(world, function, path, declaration, shown)
    if function.name == "init":
        return Refusal("runs-at-init", "init has no caller that could hand it a context")
    if declaration.has_error:
        return Refusal("grammar-gap", f"{shown} holds syntax that cannot be read here")
    problem = world.editable(path) or _signature(world, function, named, shown)
    if problem is not None:
        return problem
    found = world.facts.everywhere(function.object)
    problem = _tied(found, shown)
    if problem is not None:
        return problem
    calls: list[Called] = []
    for ref in found.refs:
        if ref.role == "declare":
            continue
        called = _called(world, ref, shown)
        if isinstance(called, Refusal):
            return called
        calls.append(called)
    if not calls:
        return Refusal("no-stop-signal", f"nothing calls {shown}, so nothing can hand it a context")
    return _step(world, function, path, declaration, shown, tuple(calls))


def _tied(found: Everywhere, shown: str) -> Refusal | None:
    """Whether something that cannot be seen, or changed, relies on the signature."""
    if found.iface:
        return Refusal("satisfies-interface", f"{shown} may be called as a method of {found.iface}")
    if found.bound:
        return Refusal("bound-signature", f"{shown}: {_BOUND[found.bound]}")
    if found.unloaded:
        name = os.path.basename(found.unloaded[0])
        return Refusal("other-build-config", f"{name} may call {shown}, and is not built here")
    return None


def _step(
    world: World, function: Function, path: str, declaration: Node, shown: str, calls: tuple[Called, ...]
) -> Step | Refusal:
    source = world.source(path)
    package = layout.import_name(source, "context")
    dotted = source.imports().get(".") == "context"
    known = world.facts.lookup(path, function.start, package)
    if not dotted and known is not None and (known.kind != "package" or known.package != "context"):
        return Refusal("import-name-taken", f"{package} means something else in {os.path.basename(path)}")
    name = names.fresh(world.facts, path, function.body_start + 1, declaration, "ctx")
    edits = tuple(parameters.declare(declaration, f"{name} Context" if dotted else f"{name} {package}.Context"))
    if dotted:
        return Step(function.object, path, shown, name, edits, (), calls)
    return Step(function.object, path, shown, name, edits, ("context",), calls)


def _main(world: World, function: Function, path: str, declaration: Node, shown: str) -> Step | Refusal:
    """The step of main, which makes the context: https://pkg.go.dev/os/signal#NotifyContext."""
    problem = world.editable(path)
    if problem is not None:
        return problem
    language = world.language(path)
    if language.file < (1, 16):
        return Refusal("go-too-old", "signal.NotifyContext needs Go 1.16")
    source = world.source(path)
    packages = {p: layout.import_name(source, p) for p in ("context", "os", "os/signal", "syscall")}
    for p, name in packages.items():
        known = world.facts.lookup(path, function.body_start + 1, name)
        if known is not None and (known.kind != "package" or known.package != p):
            return Refusal("import-name-taken", f"{name} means something else in {os.path.basename(path)}")
    ctx, stop = (names.fresh(world.facts, path, function.body_start + 1, declaration, n) for n in ("ctx", "stop"))
    context, system, signal, syscall = packages.values()
    made = (
        f"{{\n{ctx}, {stop} := {signal}.NotifyContext({context}.Background(), {system}.Interrupt, {syscall}.SIGTERM)\n"
        f"defer {stop}()\n"
    )
    if language.file >= (1, 21):
        made += f"// A second signal ends the program at once.\n{context}.AfterFunc({ctx}, {stop})\n"
    made += "\n"
    edit = Edit(function.body_start, function.body_start + 1, made.encode())
    return Step(function.object, path, shown, ctx, (edit,), tuple(packages), (), main=True)


def _is_main(world: World, function: Function, path: str) -> bool:
    return function.name == "main" and world.facts.file(path).package_name == "main"


def _declaration(world: World, function: Function, path: str) -> Node | None:
    if function.body_start < 0:
        return None
    node: Node | None = world.source(path).node_at(function.start, function.end)
    while node is not None and node.type not in ("function_declaration", "method_declaration"):
        node = node.parent
    return node


def _shown(world: World, path: str, declaration: Node) -> str:
    """``run``, ``(*Poller).loop``."""
    source = world.source(path)
    name = declaration.child_by_field_name("name")
    text = source.text(name).decode() if name is not None else "?"
    receiver = declaration.child_by_field_name("receiver")
    held = receiver.named_children[0].child_by_field_name("type") if receiver is not None else None
    if held is None:
        return text
    owner = source.text(held).decode()
    return f"({owner}).{text}" if owner.startswith("*") else f"{owner}.{text}"


def _signature(world: World, function: Function, named: Object, shown: str) -> Refusal | None:
    if any(p.type == "context.Context" for p in function.params):
        return Refusal("no-stop-signal", f"{shown} has a context already, and it is none that this code could rely on")
    if world.is_api(named) and not world.exported and not named.path.endswith("_test.go"):
        return Refusal("exported-api", f"{shown} is exported: other modules may call it (--thread-exported)")
    if firing.ends_things(function.name):
        return Refusal("signal-already-fired", f"{shown} runs when things end, and so would the wait")
    return None


def _called(world: World, ref: Ref, shown: str) -> Called | Refusal:
    """One use of the function, which must be a call that can be given one more argument."""
    where = f"{os.path.basename(ref.path)}:{_line(world, ref)}"
    if ref.role == "defer-call" and not ref.path.endswith("_test.go"):
        return Refusal("signal-already-fired", f"{where} defers {shown}, which then runs when things end")
    if ref.role not in ("call", "go-call", "defer-call"):
        return Refusal("used-as-value", f"{where} uses {shown} as a value")
    if _is_method_expression(world, ref):
        return Refusal(
            "used-as-value", f"{where} calls {shown} by a method expression, whose first argument is the receiver"
        )
    problem = world.editable(ref.path)
    if problem is not None:
        return problem
    source = world.source(ref.path)
    arguments = parameters.arguments(source, ref.outer_start, ref.outer_end)
    if arguments is None:
        return Refusal("used-as-value", f"{where} calls {shown} in a way that cannot be given one more argument")
    values = [c for c in arguments.named_children if c.type != "comment"]
    if len(values) == 1 and len(world.facts.holds(ref.path, values[0].start_byte, values[0].end_byte)) > 1:
        return Refusal("used-as-value", f"{where} hands {shown} all results of another call")
    around = world.facts.functions(ref.path, ref.start)
    view = View.around(source, world.facts, arguments, world.language(ref.path))
    if view is None or not around or around[-1].kind != "declaration":
        return Refusal("runs-at-init", f"{where} calls {shown} when the package is initialised")
    if view.outermost.has_error:
        return Refusal("grammar-gap", f"{where} calls {shown} in a function that holds syntax that cannot be read here")
    return _given(world, ref, view, arguments, where, shown)


def _is_method_expression(world: World, ref: Ref) -> bool:
    """``(*T).loop(t)``."""
    selector: Node | None = world.source(ref.path).node_at(ref.start, ref.end)
    while selector is not None and selector.type in ("identifier", "field_identifier"):
        selector = selector.parent
    operand = selector.child_by_field_name("operand") if selector is not None else None
    if operand is None or selector is None or selector.type != "selector_expression":
        return False
    inner = world.facts.refs(ref.path, operand.start_byte, operand.end_byte)
    named = world.facts.object(inner[-1].object) if inner else None
    return (
        named is not None
        and named.kind == "type"
        and not any(c.type == "call_expression" for c in flow.everything(operand))
    )


def _given(world: World, ref: Ref, view: View, arguments: Node, where: str, shown: str) -> Called | Refusal:
    caller = view.functions[-1]
    started = ref.role == "go-call"
    later = started or any(runs_later(view, f) for f in view.functions if f.kind == "literal")
    # Asked for where it matters: it looks through all that the caller calls.
    lasts = functools.partial(stays, world, view)
    apart = later and not lasts()

    def called(text: str | None, *imports: str) -> Called:
        return Called(ref.path, arguments, caller.object, caller.name, text, imports, started, apart, lasts)

    if ref.path.endswith("_test.go"):
        deferred = ref.role == "defer-call" or any(f.started == "defer" for f in view.functions)
        return _given_by_test(world, view, called, deferred)
    if caller.object == "" or any(f.started == "defer" for f in view.functions):
        return Refusal("signal-already-fired", f"{where} calls {shown} in a deferred function, when things end")
    contexts = [c for c in signals.candidates(view) if c.family == "context" and c.place not in ("testing", "package")]
    if not contexts:
        if firing.ends_things(caller.name):
            return Refusal("signal-already-fired", f"{caller.name} calls {shown} when things end")
        return called(None)
    found = signals.find(view, arguments)
    if isinstance(found, Refusal):
        return Refusal(found.reason, f"{where} calls {shown}: {found.message}")
    if found.family != "context" or found.place == "testing":
        return Refusal("no-stop-signal", f"{where} calls {shown} with {found.text} at hand, which is no context")
    detached = _detached(view)
    if detached not in ("", found.text):
        return Refusal("never-fires", f"{where} calls {shown}, and works with {detached}, which never ends")
    if found.place == "field" and _set_on_some_paths(view, found):
        return Refusal("no-stop-signal", f"{where} calls {shown}, and {found.text} may not be set there")
    if later and found.place == "request":
        return Refusal(
            "request-scoped-signal",
            f"{where} calls {shown} in a goroutine or later, and {found.text} ends with its request",
        )
    if apart and found.place != "field" and not _meant_for_goroutines(view, found.object):
        return Refusal(
            "outlives-signal",
            f"{where} calls {shown} in a goroutine or later, and {found.text} may end before that should",
        )
    return called(found.text)


def _detached(view: View) -> str:
    """The nearest context in scope, if it was made so as not to end with another: what the caller does must not, either."""
    nearest = signals.parent(view)
    made = origins.of(view, nearest.signal.object) if nearest is not None else ()
    calls = (c for o in made for c in view.facts.calls(o.define.path, o.define.value_start, o.define.value_end))
    return nearest.signal.text if nearest is not None and any(c.name in origins.ROOTS for c in calls) else ""


def _set_on_some_paths(view: View, field: Signal) -> bool:
    """Whether the caller itself sets the field, but not on every way to the call."""
    passed = flow.dominating(view.node, view.function)
    writes = [r for r in view.refs if r.object == field.object and r.role in ("assign", "address")]
    return any(
        not any(s.start_byte <= r.start < s.end_byte and s.type == "assignment_statement" for s in passed)
        for r in writes
    )


def stays(world: World, view: View) -> bool:
    """Whether the function that the view shows is there as long as what it starts: by its name, and by what it waits for.

    A constructor is not.
    """
    caller = view.functions[-1]
    block = flow.body(view.outermost)
    if names.first_word(caller.name) not in _RUNS or not all(r.is_error for r in caller.results) or block is None:
        return False
    return endings.of(Context(world.facts, view.language, world.source), view, block).verdict is not Verdict.ENDS


def _meant_for_goroutines(view: View, context: str) -> bool:
    """Whether the starter gives its context to a goroutine already, this one or another: then it lasts as long as those."""
    starts = [n for n in flow.everything(view.outermost) if n.type == "go_statement"]
    return any(n.start_byte <= r.start < n.end_byte for n in starts for r in view.refs_of(context))


def _given_by_test(world: World, view: View, called: Callable[..., Called], deferred: bool) -> Called | Refusal:
    """A test hands over the context that it works with, else its own, from Go 1.24 on: https://pkg.go.dev/testing#T.Context.

    Neither where the call is ``deferred``: it would find both at their ends.
    """
    found = signals.parent(view) if not deferred else None
    if found is not None and not found.detached and not found.timed and found.signal.place in _OF_TEST:
        ends = not isinstance(signals.find(view, view.node), Refusal)
        return replace(called(found.signal.text), ends=ends)
    own = [v for v in world.facts.visible(view.path, view.node.start_byte) if v.family == "testing" and v.base is None]
    nearest = [f for f in view.functions if f.kind == "literal" and not f.callee.endswith((".Run", ".Fuzz"))]
    if own and not nearest and not deferred and view.language.file >= TESTING_CONTEXT:
        return replace(called(f"{own[0].text}.Context()"), ends=False)
    package = layout.import_name(view.source, "context")
    known = world.facts.lookup(view.path, view.node.start_byte, package)
    if known is not None and (known.kind != "package" or known.package != "context"):
        return Refusal("import-name-taken", f"{package} means something else in {os.path.basename(view.path)}")
    return replace(called(f"{package}.Background()", "context"), ends=False)


def _line(world: World, ref: Ref) -> int:
    return world.source(ref.path).data.count(b"\n", 0, ref.start) + 1
