"""Files of a package that the build configuration at hand leaves out, tests that were not loaded among them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from gocodemod.analysis import flow
from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Object
from gocodemod.golang.source import Source


def names_elsewhere(view: View, name: str) -> str:
    """The path of a file of the same folder that holds the word and is not loaded, "" if there is none.

    By bytes: build tags, comments and strings are not told apart.
    """
    return next(_holding(view, rb"\b%s\b" % re.escape(name.encode())), "")


def set_elsewhere(view: View, name: str) -> str:
    """The same for a file, no test, that assigns to the word or takes its address."""
    word = re.escape(name.encode())
    found = _holding(view, rb"\b%s\b(\s*,[^=\n;{]*)?\s*=[^=]|&[\w.]*\b%s\b" % (word, word))
    return next((path for path in found if not path.endswith("_test.go")), "")


def declares_elsewhere(view: View, name: str) -> str:
    """The path of a file of the same folder that is not loaded and may declare the name for the package, "" if there is
    none.

    By bytes: a line that begins like a declaration, or like one of a group, and holds the word.
    """
    word = re.escape(name.encode())
    line = rb"^(?:(?:func|var|const|type)\s[^\n({]*\b%s\b|\t(?:[\w\t ]+,)*[\t ]*%s\b[\t ]*(?:=|,|\w|\*|\[))" % (
        word,
        word,
    )
    return next(_holding(view, line), "")


def _holding(view: View, pattern: bytes) -> Iterator[str]:
    folder = os.path.dirname(view.path)
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if entry.endswith(".go") and not _is_loaded(view, path) and os.path.isfile(path):
            with open(path, "rb") as file:
                if re.search(pattern, file.read(), re.MULTILINE):
                    yield path


def _is_loaded(view: View, path: str) -> bool:
    try:
        view.facts.refs(path, 0, 0)
    except TypesUnavailable:
        return False
    return True


def uses_elsewhere(view: View, known: Object) -> str:
    """The path of a file beside a variable's or field's own that may use it and is not loaded, ``""`` if there is none.

    By syntax: the name of a variable where no selector is before it, that of a field behind one or as a key; in assembly,
    the name behind a middle dot.
    """
    folder, word = os.path.dirname(known.path), known.name.encode()
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        assembly = entry.endswith(".s")
        if not (entry.endswith(".go") or assembly) or not os.path.isfile(path) or _is_loaded(view, path):
            continue
        with open(path, "rb") as file:
            data = file.read()
        if assembly and re.search(rb"\xc2\xb7%s\b" % re.escape(word), data):
            return path
        if word in data and not assembly and _uses(Source.parse(path, data), word, known):
            return path
    return ""


def _uses(source: Source, word: bytes, known: Object) -> bool:
    if not known.exported and re.search(rb"(?m)^package \w+_test\b", source.data):
        return False  # a package of its own, from which the name cannot be reached
    for node in flow.everything(source.tree.root_node):
        if node.type not in ("identifier", "field_identifier") or source.text(node) != word:
            continue
        if known.kind != "field" or node.type == "field_identifier":
            return True
        element = node.parent
        if element is not None and element.parent is not None and element.parent.type == "keyed_element":
            return True
    return False
