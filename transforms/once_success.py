"""Let callers of a lazy getter see whether its load succeeded, or try it again.

``sync.Once`` never runs again, whatever the first call did: a load that failed once has failed for good, and nothing but
the value itself, or an error that somebody kept, tells later callers so.

| the getter, ``once.Do(func() { x, err = load() })`` and then ``return x, err`` | the edit |
|---|---|
| as it is | an ``atomic.Bool`` beside the Once, stored inside of Do where the load has succeeded, and read first |
| with the option ``retry = true`` | a ``sync.Mutex`` in the Once's place, and the ``atomic.Bool``, read before and inside of the lock |

The first form changes nothing for those who call the getter: a failure is remembered as it was. It puts the answer to
"did it succeed" into one place that can be asked at any time without waiting for a load that is under way. It is not
faster: a Once that is done is one atomic read, too. The second form is the one that helps callers: a failure is tried
again by the next one, under the lock, so that one load runs at a time as before; after a success nobody takes the lock. A
panic in the load, which a Once takes for done, is a failure like any other then.

A load has succeeded at the end of the function that Do is given, where every error on the way there was looked at by
``if err != nil`` with a branch that leaves, or is nil by then. The level is review: with ``retry`` a load may run more
than once, and one that has effects of its own repeats them.

Not handled, and why: a Once that is assigned anew somewhere (``once-is-reset``), has two functions to run
(``once-is-shared``) or cannot be told (``once-not-plain``); loads that use arguments of the first caller
(``first-caller-wins``); what ends things instead of loading them (``not-a-lazy-value``); failures that are an answer,
with a default in place of the value (``failure-is-answer``), dropped (``failure-not-seen``) or not plain to see
(``success-unclear``). An error in a variable of the getter itself reaches its first caller only: the others get no
value and no error. That is reported as ``lost-on-second-call``, and put right with ``retry``. With ``retry``, a value
that others use directly is left alone (``value-used-elsewhere``), and so is one that a load adds to (``load-adds-up``).
Functions that are handed over by name (``once.Do(load)``), and ``sync.OnceValue``, are no sites.

Sources: https://pkg.go.dev/sync#Once, https://pkg.go.dev/sync/atomic#Bool, https://go.dev/ref/mem#once.
"""

from __future__ import annotations

import os
from typing import Any

from tree_sitter import Node

from gocodemod.analysis import configurations, fields, flow, lazy, loading, names
from gocodemod.analysis.lazy import Getter
from gocodemod.analysis.loading import Success
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object, Ref
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Option, Transform

QUERY = """
((expression_statement (call_expression
  function: (selector_expression field: (field_identifier) @name)
  arguments: (argument_list . (func_literal) .))) @site
  (#eq? @name "Do"))
"""
NEEDLES = (b"Do", b"sync")
_QUIET = ("errors.", "fmt.Errorf", "fmt.Sprint")


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


OPTIONS = (Option("retry", "false", _flag),)


def match(source: Source, node: Node) -> Node | None:
    """Keep calls of Do right in a function's body that ends with a return of something, if no flag is read before."""
    function = flow.enclosing_function(node)
    body = flow.body(function) if function is not None else None
    if body is None or "sync" not in source.imports().values():
        return None
    inner = flow.statements(body)
    returns = bool(inner) and inner[-1].type == "return_statement" and inner[-1].named_child_count > 0
    return node if node in inner and returns and not _is_told_apart(source, node) else None


def _is_told_apart(source: Source, node: Node) -> bool:
    """``if loaded.Load() { return x }`` right before."""
    before = flow.siblings(node)[0]
    condition = before[-1].child_by_field_name("condition") if before and before[-1].type == "if_statement" else None
    return condition is not None and source.text(condition).endswith(b".Load()")


def decide(candidate: Candidate, context: Context) -> Decision | None:
    view = View.around(candidate.source, context.facts, candidate.node, context.language)
    if view is None:
        return None
    call = candidate.node.named_children[0]
    known = view.call_at(call)
    if known is None or known.kind == "unknown":
        return Refusal("types-unavailable", f"{view.text(candidate.node).split('(')[0]} did not resolve")
    if known.name != "(*sync.Once).Do":
        return None
    arguments = call.child_by_field_name("arguments")
    literal = arguments.named_children[0] if arguments is not None else None
    block = flow.body(literal) if literal is not None else None
    inner = View.around(view.source, view.facts, block, view.language) if block is not None else None
    if literal is None or inner is None:
        return None
    found = loading.success(inner, literal)
    if found is None:
        return None
    once = view.facts.object(known.holder) if known.holder else None
    if refused := _ends_something(view, once, found):
        return refused
    if isinstance(found, Refusal):
        return found
    site = _site(view, context, call, literal, once, found)
    if isinstance(site, Refusal):
        return site
    refused = (
        _reset(site)
        or _captures(site)
        or _set_later(site)
        or _answers(site)
        or _lost(site)
        or _hidden(site)
        or _unfit_for_retry(site)
    )
    return refused or _fix(site)


# --- what it is ------------------------------------------------------------------------------------------------------


def _ends_something(view: View, once: Object | None, found: Success | Refusal) -> Refusal | None:
    function = view.functions[0]
    words = {names.first_word(function.name), *(names.words(once.name) if once is not None else ())}
    if words & names.STOPPING_FUNCTIONS:
        return Refusal("not-a-lazy-value", "it ends something, which must happen once")
    if isinstance(found, Success) and not found.values:
        return Refusal("not-a-lazy-value", "it sets nothing but an error")
    return None


def _site(
    view: View, context: Context, call: Node, literal: Node, once: Object | None, success: Success
) -> Getter | Refusal:
    callee = call.child_by_field_name("function")
    operand = callee.child_by_field_name("operand") if callee is not None else None
    ref = view.ref_at(operand) if operand is not None else None
    steps = view.text(operand).split(".") if operand is not None else []
    if once is None or ref is None or ref.object != once.id or once.type != "sync.Once" or len(steps) > 2:
        return Refusal("once-not-plain", f"{'.'.join(steps)} is not plainly one variable or field")
    if once.exported and view.facts.file(view.path).package_name != "main":
        return Refusal("once-not-plain", f"{once.name} is exported")
    base = view.ref_at(operand.named_children[0]) if operand is not None and len(steps) == 2 else None
    after = flow.siblings(call)[1]
    if not after or not all(_looks_at(s, view, success) for s in after[:-1]):
        return Refusal("more-than-a-getter", "more follows Do than a look at the error and a return")
    if any(n.type == "func_literal" for n in flow.everything(after[-1])) or "\n" in view.text(after[-1]):
        return Refusal(
            "more-than-a-getter", "what is returned is made anew for each caller, and too long to be repeated"
        )
    path = f"{steps[0]}." if len(steps) == 2 else ""
    retry = bool(context.settings.get("retry", False))
    owner = base.object if base is not None else ""
    return Getter(view, context, literal, once, path, owner, after[-1], tuple(after[:-1]), success, retry)


def _looks_at(statement: Node, view: View, success: Success) -> bool:
    """``if err != nil { ... }`` of an error that the load sets, and that leaves."""
    condition = statement.child_by_field_name("condition") if statement.type == "if_statement" else None
    then = statement.child_by_field_name("consequence")
    left, right, sign = (condition.child_by_field_name(n) if condition else None for n in ("left", "right", "operator"))
    ref = view.ref_at(left) if left is not None else None
    if ref is None or right is None or sign is None or then is None or statement.child_by_field_name("initializer"):
        return False
    plain = view.text(right) == "nil" and view.text(sign) == "!="
    return plain and ref.object in {e.id for e in success.errors} and flow.ends_function(then)


# --- guards ----------------------------------------------------------------------------------------------------------


def _reset(site: Getter) -> Refusal | None:
    """Whether anything but this Do, in the package or beside it, has to do with the Once."""
    view, once = site.view, site.once
    others = [u for u in view.facts.uses(once.id) if u.role != "declare" and not _is_declaration(u, once)]
    for use in others:
        if use.role != "base" or use.selected != "Do":
            return Refusal("once-is-reset", f"{_place(view, use)} does more with {once.name} than Do")
    if len(others) > 1:
        lines = ", ".join(_place(view, u) for u in others)
        return Refusal("once-is-shared", f"{once.name}.Do is called in {lines}")
    if path := configurations.uses_elsewhere(view, once):
        return Refusal("other-build-config", f"{os.path.basename(path)} names {once.name} and is not loaded")
    if once.kind != "field":
        return None
    struct = view.facts.structure(site.base)
    if struct is None or all(f.id != once.id for f in struct.fields):
        return Refusal("once-not-plain", "the struct that holds it has no name")
    if struct.copied:
        where = struct.copied[0]
        return Refusal(
            "once-is-reset", f"a {struct.name} is copied or assigned whole in {os.path.basename(where.path)}"
        )
    return fields.refuses_field(view, struct)


def _is_declaration(use: Ref, once: Object) -> bool:
    return use.path == once.path and use.start == once.start and use.value_start < 0


def _place(view: View, use: Ref) -> str:
    return f"line {view.line(use.start)}" if use.path == view.path else os.path.basename(use.path)


def _captures(site: Getter) -> Refusal | None:
    """Arguments and variables of the first call that the load uses, other than what the Once is reached by."""
    view = site.view
    set_here = {o.id for o in (*site.success.values, *site.success.errors)}
    for ref in view.refs_in(site.literal):
        known = view.facts.object(ref.object) if ref.object else None
        if known is None or known.scope != "function" or view.declares(site.literal, known):
            continue
        if known.id != site.base and known.id not in set_here and view.declares(view.function, known):
            return Refusal("first-caller-wins", f"line {view.line(ref.start)} uses {known.name} of the first call")
    return None


def _answers(site: Getter) -> Refusal | None:
    """A failure that leaves something good in place of the value."""
    view, found = site.view, site.success
    if found.assigned:
        return Refusal("failure-is-answer", f"a failure sets {found.assigned[0].name}")
    if not found.errors and all(v.underlying == "bool" for v in found.values):
        return Refusal("failure-is-answer", f"a failure means that {found.values[0].name} is false")
    for value in found.values:
        first = next((u for u in view.facts.uses(value.id) if _sets_at_start(u, value)), None)
        if first is not None:
            return Refusal("failure-is-answer", f"{value.name} has a value before the load: {_place(view, first)}")
    return None


def _set_later(site: Getter) -> Refusal | None:
    """An error that is looked at between Do and the return, where the new path does not come by, and set elsewhere."""
    view = site.view
    for error in site.success.errors if site.before and not site.retry else ():
        for use in view.facts.uses(error.id):
            inside = use.path == view.path and site.literal.start_byte <= use.start < site.literal.end_byte
            if use.role in ("assign", "update", "address") and not inside:
                return Refusal("value-used-elsewhere", f"{_place(view, use)} sets {error.name}, too")
        if path := configurations.uses_elsewhere(view, error):
            return Refusal("other-build-config", f"{os.path.basename(path)} names {error.name} and is not loaded")
    return None


def _sets_at_start(use: Ref, value: Object) -> bool:
    return use.role == "key" or (use.role == "define" and use.start == value.start and use.value_start >= 0)


def _lost(site: Getter) -> Refusal | None:
    """What the getter's own variables get is the first caller's alone."""
    own = [o for o in (*site.success.values, *site.success.errors) if site.view.declares(site.view.function, o)]
    values = [o for o in own if o in site.success.values]
    if own and (values or not site.retry):
        what = ", ".join(o.name for o in own)
        return Refusal(
            "lost-on-second-call", f"only the first caller gets {what}; retry = true tries again", level=Level.REPORT
        )
    return None


def _unfit_for_retry(site: Getter) -> Refusal | None:
    """What a second load, and a lock that is held until the getter returns, would break."""
    view = site.view
    if not site.retry:
        return None
    if (first := next((v for v in site.success.values if _adds_up(site, v)), None)) is not None:
        return Refusal("load-adds-up", f"what is loaded is added to {first.name}: a second try would add it twice")
    for node in (*site.before, site.result):
        call = next((c for c in view.calls_in(node) if c.kind != "builtin" and not c.name.startswith(_QUIET)), None)
        if call is not None:
            return Refusal("more-than-a-getter", f"line {view.line(call.start)} would be called under the lock")
    for kept in (*site.success.values, *site.success.errors):
        if view.declares(view.function, kept):
            continue
        for use in view.facts.uses(kept.id):
            inside = (
                use.path == view.path and view.function.start_byte <= use.outer_start < view.function.end_byte
            ) or use.role in ("declare", "define", "key")
            if not inside:
                return Refusal("value-used-elsewhere", f"{_place(view, use)} uses {kept.name}, too")
        if kept.exported and view.facts.file(view.path).package_name != "main":
            return Refusal("value-used-elsewhere", f"{kept.name} is exported")
        if path := configurations.uses_elsewhere(view, kept):
            return Refusal("other-build-config", f"{os.path.basename(path)} names {kept.name} and is not loaded")
    return None


def _adds_up(site: Getter, value: Object) -> bool:
    """Whether the load reads its value before it has set it: ``x = append(x, ...)``, ``n += 2``."""
    refs = [r for r in site.view.refs_in(site.literal) if r.object == value.id]
    first = next((r for r in refs if r.role == "assign"), None)
    if first is None:
        return True
    return any(
        r.start < first.start or (r.role != "assign" and first.value_start <= r.start < first.value_end) for r in refs
    )


# --- the edit --------------------------------------------------------------------------------------------------------


def _hidden(site: Getter) -> Refusal | None:
    """Whether a name that the literal gets means something else at the end of its block."""
    view, end = site.view, site.success.block.end_byte - 1
    for text in (site.path, *(site.success.stale if site.retry else ())):
        name = text.split(".")[0]
        before = view.facts.lookup(view.path, view.node.start_byte, name) if name else None
        there = view.facts.lookup(view.path, end, name) if name else None
        if name and (before is None or there is None or before.id != there.id):
            return Refusal("success-unclear", f"{name} means something else in the function that Do is given")
    return None


def _fix(site: Getter) -> Decision:
    made = lazy.edits(site)
    if isinstance(made, Refusal):
        return made
    return Fix(made.changes, Level.REVIEW, _message(site, made.flag), _evidence(site, made.flag))


def _message(site: Getter, loaded: str) -> str:
    if site.retry:
        return f"a failed load is tried again by the next caller; {loaded} tells that it has succeeded"
    return f"{loaded} tells whether the load has succeeded"


def _evidence(site: Getter, loaded: str) -> dict[str, str]:
    found, view = site.success, site.view
    condition = f"where {found.condition} at the end" if found.condition else "at its end"
    evidence = {
        "success": f"{condition} of line {view.line(found.block.start_byte)} to {view.line(found.block.end_byte)}"
    }
    if found.failures:
        evidence["failures"] = "line " + ", ".join(map(str, found.failures))
    kept = ", ".join(o.name for o in found.errors)
    evidence["error"] = f"kept in {kept}" if kept else "not kept: callers see a missing value only"
    if site.retry:
        evidence["retry"] = "one load at a time, until one succeeds: each may repeat its effects"
    else:
        evidence["callers"] = f"get what they got; {loaded}.Load() answers without waiting"
    return evidence


transform = Transform(
    __name__,
    __doc__,
    QUERY,
    NEEDLES,
    match,
    decide,
    since=(1, 19),
    options=OPTIONS,
    subject="tell whether a lazy load has succeeded",
)
