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
    folder = os.path.dirname(view.path)
    word = re.compile(rb"\b%s\b" % re.escape(name.encode()))
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if entry.endswith(".go") and not _is_loaded(view, path) and os.path.isfile(path):
            with open(path, "rb") as file:
                if word.search(file.read()):
                    return path
    return ""


def _is_loaded(view: View, path: str) -> bool:
    try:
        view.facts.refs(path, 0, 0)
    except TypesUnavailable:
        return False
    return True
