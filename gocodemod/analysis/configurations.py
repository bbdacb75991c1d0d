"""Files of a package that the build configuration at hand leaves out, tests that were not loaded among them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable


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


def _holding(view: View, pattern: bytes) -> Iterator[str]:
    folder = os.path.dirname(view.path)
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if entry.endswith(".go") and not _is_loaded(view, path) and os.path.isfile(path):
            with open(path, "rb") as file:
                if re.search(pattern, file.read()):
                    yield path


def _is_loaded(view: View, path: str) -> bool:
    try:
        view.facts.refs(path, 0, 0)
    except TypesUnavailable:
        return False
    return True
