"""Count atomically what several goroutines count without a lock.

``n++`` reads, adds and writes. Two goroutines that do it at once lose counts, and the race detector reports them:
https://go.dev/doc/articles/race_detector. The types of sync/atomic do it in one step.

| the counter | the edit |
|---|---|
| an integer that several goroutines change by ``n++`` or ``n--`` without a lock | the atomic type that holds it, and Add, Load, Store in every use |
| ... a field or package variable that one function reads and changes | a ``sync.Mutex`` beside it, held by every function that uses it |

The second row is for what is checked and then changed (``if n < max { n++ }``): with Load and Add no race would be
reported any more, and the check would still be passed twice. ``int`` and ``uint`` become ``atomic.Int64`` and
``atomic.Uint64`` with a conversion where they are read, the others the type of the same width. An atomic value is aligned
for 64 bits by itself, also on 32-bit platforms and in the middle of a struct.

"Several goroutines" is what can be seen: goroutines that a loop starts and does not wait for in the same round, a function
for which there are several go statements, handlers of HTTP requests, and the functions of the package that these call.
Where each has a value of its own (``for _, w := range workers { go w.run() }``), nothing is shared and this is no site. Nor
is it where a lock may be held, or a channel is used as one. Files that neither start goroutines nor handle requests are not looked at.

The level is review: a count that was too low is now right, and somebody may have lived with it.

Not handled, and why: exported counters (``exported-api``); the address is taken, as for the functions of sync/atomic
(``address-taken``); a value where it is declared or in a composite literal, a narrow or defined type, an operator that has
no atomic counterpart (``counter-not-plain``); structs that are copied or compared (``struct-is-copied``) or printed and
compared by reflection (``read-by-reflection``); counters that a lock guards in other places (``lock-elsewhere``); checks
and changes that no lock could be put around (``checked-then-changed``); uses in files that are not loaded, tests among
them (``other-build-config``).

Sources: https://go.dev/ref/mem, https://pkg.go.dev/sync/atomic, https://pkg.go.dev/net/http#Serve,
https://pkg.go.dev/golang.org/x/tools/go/analysis/passes/copylock.
"""

from __future__ import annotations

import functools
import re

from tree_sitter import Node

from gocodemod.analysis import (
    atomics,
    concurrent,
    configurations,
    declared,
    fields,
    flow,
    goroutines,
    guarding,
    holding,
    layout,
    names,
    reflection,
)
from gocodemod.analysis.atomics import Use
from gocodemod.analysis.declared import Declaration
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Function, Object
from gocodemod.golang.source import Source
from gocodemod.model import Decision, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

QUERY = "[(inc_statement) (dec_statement)] @site"
NEEDLES = ((b"++", b"--"), (b"go ", b".Go(", b"http.Request"))
_SINCE = (1, 19)
_STARTS = re.compile(rb"(?m)^(?:(?!//).)*(\bgo (func\b|[\w.\[\]]+\()|\.Go\(|http\.Request\b)")
_GUARDED = re.compile(rb"(?i)//.*\b((guard|protect)(s|ed)\b|(under|hold\w*)\b.*\b(lock|mu|mutex)\b)")


def match(source: Source, node: Node) -> Node | None:
    """Keep steps that are statements, of something that the function itself does not declare."""
    function = flow.enclosing_function(node)
    operand = node.named_children[0] if node.named_children else None
    if operand is None or function is None or node.parent is None or node.parent.type != "statement_list":
        return None
    if not _is_concurrent(source.data):
        return None
    if operand.type == "selector_expression":
        return node
    return node if operand.type == "identifier" and not _declares(function, operand.text) else None


@functools.lru_cache(maxsize=16)
def _is_concurrent(data: bytes) -> bool:
    """Whether the file starts goroutines or handles requests; the needles are found in comments as well."""
    return _STARTS.search(data) is not None


def _declares(function: Node, name: bytes | None) -> bool:
    """Whether the function has a variable of this name: as far as the text tells, so that most steps are no candidates."""
    declared_by: list[Node] = []
    for node in flow.inside(function):
        if node.type in ("short_var_declaration", "range_clause"):
            left = node.child_by_field_name("left")
            declared_by += left.named_children if left is not None else []
        elif node.type in ("var_spec", "parameter_declaration"):
            declared_by += node.children_by_field_name("name")
    return any(n.text == name for n in declared_by)


def decide(candidate: Candidate, context: Context) -> Decision | None:
    node = candidate.node
    view = View.around(candidate.source, context.facts, node, context.language)
    ref = view.ref_at(node.named_children[0]) if view is not None else None
    known = context.facts.object(ref.object) if ref is not None and ref.object else None
    if view is None or known is None or known.kind not in ("var", "field"):
        return None
    why = _goroutines(context, view, node.named_children[0], known)
    if not why:
        return None
    if context.language.file < _SINCE:
        return Refusal("go-too-old", "the types of sync/atomic are there since Go 1.19")
    found = atomics.uses(context, view, known)
    if isinstance(found, Refusal):
        return found
    if refused := _not_ours(context, view, known) or _locked(context, view, known, found):
        return refused
    changes = atomics.rewrite(context, view, known, functools.partial(_counts, context, view))
    if isinstance(changes, Refusal) and changes.reason != "checked-then-changed":
        return changes
    steps = changes.message if isinstance(changes, Refusal) else atomics.stepwise(found)
    if steps or isinstance(changes, Refusal):
        return _guard(context, view, known, found, why, steps)
    evidence = {"goroutines": why, "uses": f"{len(found)} rewritten"}
    if (width := atomics.WIDTHS[known.type]).of:
        evidence["type"] = f"{known.type} becomes atomic.{width.name}, which holds it on every platform"
    return Fix(changes, Level.REVIEW, f"{known.name} is counted atomically: several goroutines change it", evidence)


def _goroutines(context: Context, view: View, operand: Node, known: Object) -> str:
    """Which goroutines make the step at once, with nothing that keeps them apart, a phrase; ``""`` where none can be seen."""
    root = concurrent.root(view, operand)
    if root is None or _held(context, view) or concurrent.one_at_a_time(view):
        return ""
    return concurrent.several(context, view, "" if known.scope == "package" else root.id)


def _name(view: View) -> tuple[str, int]:
    """Where the identifier of the counter stands that the site steps."""
    ref = view.ref_at(view.node.named_children[0])
    return view.path, ref.start if ref is not None else -1


def _counts(context: Context, view: View, other: Object, found: list[Use]) -> bool:
    """Whether a variable that is declared along with a counter is one itself: ``ok, failed int``."""
    if other.exported or atomics.stepwise(found) or _locked(context, view, other, found):
        return False
    if other.scope != "function" and configurations.uses_elsewhere(view, other):
        return False
    return _first_step(context, other, found) is not None


def _first_step(context: Context, known: Object, found: list[Use]) -> Use | None:
    """The first ``n++`` or ``n--`` that several goroutines make at once."""
    steps = [u for u in found if u.statement is not None and u.statement.type in ("inc_statement", "dec_statement")]
    for use in sorted(steps, key=lambda u: (u.ref.path, u.ref.start)):
        around = View.around(use.view.source, context.facts, use.node, context.language)
        if around is not None and _goroutines(context, around, use.node, known):
            return use
    return None


def _guard(context: Context, view: View, known: Object, found: list[Use], why: str, steps: str) -> Decision:
    made = guarding.guard(context, view, known, found)
    if isinstance(made, Refusal):
        return made
    first = _first_step(context, known, found)
    if first is not None and (first.ref.path, first.ref.start) != _name(view):
        return Refusal("fixed-together", f"the fix of {first.place} guards {known.name} here, too")
    evidence = {"goroutines": why, "steps": steps, "functions": ", ".join(made.functions)}
    message = f"{known.name} is checked and changed under a lock: several goroutines do it"
    return Fix(made.changes, Level.REVIEW, message, evidence)


def _held(context: Context, view: View, doubt: bool = True) -> bool:
    """Whether a lock may be held: taken here, by whoever runs the literal, or by callers.

    ``doubt``: whether a runner or caller that cannot be seen counts as one who holds a lock.
    """
    outer = view.functions[-1]
    if {"locked", "lock"} & set(names.words(outer.name)):
        return True
    if holding.at(context, view, view.node.start_byte):
        return True
    around, sure = list(holding.around(context, view)), not doubt or concurrent.apart(view)
    if outer.kind == "declaration" and not any(goroutines.starts_goroutine(f) for f in view.functions):
        around += holding.by_callers(context, view, outer.object)
        sure = sure or (len(view.functions) == 1 and _callers_are_seen(context, view, outer))
    return any(lock.object or not lock.where.endswith("cannot be seen") or not sure for lock in around)


def _callers_are_seen(context: Context, view: View, function: Function) -> bool:
    """Whether it is plain how each call of a function comes to be made: by no literal that others run, under a lock maybe."""
    for use in context.facts.uses(function.object):
        if use.role in ("declare", "go-call"):
            continue
        if use.role not in ("call", "defer-call"):
            return False
        source = view.source if use.path == view.path else context.source(use.path)
        there = View.around(source, context.facts, source.node_at(use.start, use.end), context.language)
        if there is None or (len(there.functions) > 1 and not concurrent.apart(there)):
            return False
    return True


def _not_ours(context: Context, view: View, known: Object) -> Refusal | None:
    """Names that others may use, and structs that cannot hold a value which must not be copied."""
    if known.exported:
        return Refusal("exported-api", f"{known.name} is exported")
    if known.kind != "field":
        return None
    operand = view.node.named_children[0].child_by_field_name("operand")
    base = view.ref_at(operand) if operand is not None else None
    struct = context.facts.structure(base.object) if base is not None else None
    if struct is None or all(f.id != known.id for f in struct.fields):
        return Refusal("counter-not-plain", f"the struct that holds {known.name} has no name, or is embedded")
    if struct.copied:
        return Refusal("struct-is-copied", f"a {struct.name} is copied, which an atomic value must not be")
    if refused := fields.refuses_field(view, struct):
        return refused
    if where := reflection.looks_at(context, view, struct):
        return Refusal("read-by-reflection", where)
    return None


def _locked(context: Context, view: View, known: Object, found: list[Use]) -> Refusal | None:
    """A lock in other places, or a comment that says which lock it should be."""
    spec = declared.of(context, view, known)
    if spec is not None and known.scope != "function" and _says_what_guards(spec):
        return Refusal("lock-elsewhere", f"a comment says what guards {known.name}")
    for use in found:
        around = View.around(use.view.source, context.facts, use.node, context.language)
        if around is not None and _held(context, around, doubt=False):
            return Refusal("lock-elsewhere", f"{use.place} may hold a lock")
    return None


def _says_what_guards(spec: Declaration) -> bool:
    """In the comment behind the declaration, or in the lines right above it."""
    data, start = spec.source.data, spec.spec.start_byte
    above = data[layout.above_comments(spec.source, spec.spec) : start]
    return _GUARDED.search(above + data[start : data.find(b"\n", spec.spec.end_byte)]) is not None


transform = Transform(
    __name__,
    __doc__,
    QUERY,
    NEEDLES,
    match,
    decide,
    subject="count atomically what goroutines share",
)
