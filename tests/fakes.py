"""A transform for the engine's tests: the Go code under test says itself what is to become of it.

``todo(`text`)`` is replaced by the text (level safe), ``review(`text`)`` too (level review); ``refuse("reason")``
is refused, ``report("reason")`` reported, ``crash("")`` raises, ``none("")`` is no site. ``pair(`here`, `name`,
`there`)`` also replaces the call ``name()`` in the file ``pair.go`` beside it by the third text.
"""

from __future__ import annotations

import os

import tree_sitter

from gocodemod.golang.source import Source
from gocodemod.model import Decision, Edit, FileChange, Fix, Level, Refusal
from gocodemod.transform import Candidate, Context, Transform

NAMES = (b"todo", b"review", b"refuse", b"report", b"crash", b"none", b"pair")
DECLARATIONS = "".join(f"\nfunc {name.decode()}(...string) {{}}\n" for name in NAMES)

QUERY = "(call_expression function: (identifier)) @site"


def match(source: Source, node: tree_sitter.Node) -> tree_sitter.Node | None:
    function = node.child_by_field_name("function")
    return node if function is not None and source.text(function) in NAMES else None


def decide(candidate: Candidate, context: Context) -> Decision | None:
    source, node = candidate.source, candidate.node
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    assert function is not None and arguments is not None
    texts = [source.text(a)[1:-1].replace(b"\r\n", b"\n") for a in arguments.named_children if "string" in a.type]
    text = texts[0] if texts else b""
    context.facts.file(source.path)
    match source.text(function):
        case b"refuse":
            return Refusal(text.decode())
        case b"report":
            return Refusal(text.decode(), level=Level.REPORT)
        case b"crash":
            raise ZeroDivisionError("as asked")
        case b"none":
            return None
    add = tuple(name for name in ("context", "fmt", "time") if name.encode() + b"." in b"".join(texts))
    here = FileChange(source.path, (Edit(node.start_byte, node.end_byte, text),), add, ("time",))
    level = Level.REVIEW if source.text(function) == b"review" else Level.SAFE
    if len(texts) < 3:
        return Fix((here,), level, "as asked")
    other = os.path.join(os.path.dirname(source.path), "pair.go")
    with open(other, "rb") as file:
        at = file.read().index(texts[1] + b"()")
    there = FileChange(other, (Edit(at, at + len(texts[1]) + 2, texts[2]),))
    return Fix((here, there), level, "as asked")


FAKE = Transform("gocodemod.transforms.fake", "A fake.", QUERY, (b"(",), match, decide)


def swap(name: str, other: str) -> Transform:
    """A transform of its own: the call ``name()`` becomes ``other()``."""

    def named(source: Source, node: tree_sitter.Node) -> tree_sitter.Node | None:
        function = node.child_by_field_name("function")
        return node if function is not None and source.text(function) == name.encode() else None

    def swapped(candidate: Candidate, context: Context) -> Decision | None:
        node = candidate.node
        change = FileChange(candidate.source.path, (Edit(node.start_byte, node.end_byte, f"{other}()".encode()),))
        return Fix((change,), Level.SAFE, "as asked")

    return Transform(f"gocodemod.transforms.{name}", "A fake.", QUERY, (b"(",), named, swapped)
