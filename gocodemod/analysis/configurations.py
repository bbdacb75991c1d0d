"""Files of a package that the build configuration at hand leaves out, tests that were not loaded among them."""

from __future__ import annotations

import os
import re

from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable


def names_elsewhere(view: View, name: str) -> str:
    """The path of a file of the same folder that holds the word and is not loaded, "" if there is none.

    By bytes: build tags, comments and strings are not told apart.
    """
    return _unloaded_with(view, re.compile(rb"\b%s\b" % re.escape(name.encode())))


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
    return _unloaded_with(view, re.compile(line, re.MULTILINE))


def _unloaded_with(view: View, pattern: re.Pattern[bytes]) -> str:
    folder = os.path.dirname(view.path)
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if entry.endswith(".go") and not _is_loaded(view, path) and os.path.isfile(path):
            with open(path, "rb") as file:
                if pattern.search(file.read()):
                    return path
    return ""


def _is_loaded(view: View, path: str) -> bool:
    try:
        view.facts.refs(path, 0, 0)
    except TypesUnavailable:
        return False
    return True
