"""A getter that loads once, by ``sync.Once``, and the edits that keep in a flag whether that has succeeded."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gocodemod.analysis import declared, flow, layout
from gocodemod.analysis.declared import Declaration
from gocodemod.analysis.loading import Success
from gocodemod.analysis.view import View
from gocodemod.golang.facts import Object
from gocodemod.model import Edit, FileChange, Refusal
from gocodemod.transform import Context


@dataclass(frozen=True)
class Getter:
    """``once``: the variable or field, ``path`` what it is called at the site up to its own name (``c.``), ``base`` the id of
    the variable before it. ``result``: the return at the end, ``before``: the looks at the error between Do and it.
    """

    view: View
    context: Context
    literal: Node
    once: Object
    path: str
    base: str
    result: Node
    before: tuple[Node, ...]
    success: Success
    retry: bool


@dataclass(frozen=True)
class Made:
    """``flag``: the name of the ``atomic.Bool``."""

    changes: tuple[FileChange, ...]
    flag: str


def edits(site: Getter) -> Made | Refusal:
    """The flag declared, stored and read; with ``retry`` the lock in place of the Once."""
    view, declaration = site.view, declared.of(site.context, site.view, site.once)
    if declaration is None or (site.retry and not (declaration.alone and declaration.value is None)):
        return Refusal("once-not-plain", f"{site.once.name} is not declared by itself")
    for package in ("sync/atomic", *(["sync"] if site.retry else ())):
        name = layout.import_name(declaration.source, package)
        known = view.facts.lookup(declaration.path, declaration.spec.start_byte, name)
        if known is not None and not (known.kind == "package" and known.package == package):
            return Refusal("import-name-taken", f"{name} means something else where {site.once.name} is declared")
    loaded = _fresh(site, "loaded")
    atomic = layout.import_name(declaration.source, "sync/atomic")
    found: dict[str, list[Edit]] = {view.path: []}
    found.setdefault(declaration.path, []).append(declaration.beside(loaded, f"{atomic}.Bool"))
    stale = "".join(f"{error} = nil\n" for error in site.success.stale) if site.retry else ""
    stored = f"{stale}{site.path}{loaded}.Store(true)\n"
    found[view.path].append(_store(site, stored))
    if site.retry:
        lock = _fresh(site, "mu")
        sync = layout.import_name(declaration.source, "sync")
        found[declaration.path].append(_renamed(declaration, lock, f"{sync}.Mutex"))
        found[view.path] += _tried_again(site, loaded, lock)
    found[view.path].append(layout.above(view.source, view.node, _fast_path(site, loaded)))
    changes = tuple(
        FileChange(path, tuple(sorted(made)), ("sync/atomic",) if path == declaration.path else ())
        for path, made in sorted(found.items())
    )
    return Made(changes, loaded)


def _store(site: Getter, stored: str) -> Edit:
    """The statements that tell of success, in the place where it is certain."""
    block, condition = site.success.block, site.success.condition
    if block.type == "if_statement":
        return layout.edit(block.end_byte, block.end_byte, f" else {{\n{stored}}}")
    text = f"if {condition} {{\n{stored}}}\n" if condition else stored
    return layout.append(site.view.source, block, text)


def _fresh(site: Getter, word: str) -> str:
    """``confOnce`` gives ``confLoaded``; ``once`` gives ``loaded``."""
    name = site.once.name
    stem = next((name.removesuffix(w).removeprefix(w) for w in ("Once", "once") if w in name), name)
    stem = stem[:1].lower() + stem[1:].strip("_")
    wanted = f"{stem}{word[0].upper()}{word[1:]}" if stem else word
    return declared.fresh(site.view, site.once, site.base, wanted)


def _fast_path(site: Getter, loaded: str) -> str:
    return f"if {site.path}{loaded}.Load() {{\n{site.view.text(site.result)}\n}}\n"


def _renamed(declaration: Declaration, name: str, typed: str) -> Edit:
    written = declaration.type
    assert written is not None, "a Once without a value has its type written"
    return layout.edit(declaration.names[0].start_byte, written.end_byte, f"{name} {typed}")


def _tried_again(site: Getter, loaded: str, lock: str) -> list[Edit]:
    """``once.Do(func() { ... })`` becomes ``if !loaded.Load() { ... }`` under a lock; a body that returns stays a function."""
    view, source = site.view, site.view.source
    block = flow.body(site.literal)
    assert block is not None, "a literal has a body"
    mutex = f"{site.path}{lock}"
    head = f"{mutex}.Lock()\ndefer {mutex}.Unlock()\nif !{site.path}{loaded}.Load() "
    leaves = any(n.type in ("return_statement", "defer_statement") for n in flow.inside(block))
    start, end = view.node.start_byte, view.node.end_byte
    if not leaves:
        return [layout.edit(start, block.start_byte, head), Edit(block.end_byte, end, b"")]
    inside = layout.indent(source, block.start_byte, block)
    return [
        layout.edit(start, block.start_byte, f"{head}{{\nfunc() "),
        *inside,
        layout.edit(block.end_byte, end, "()\n}"),
    ]
