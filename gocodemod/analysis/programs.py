"""The code of a program as far as its own module has it: the main package's folder and what that imports, by bytes alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from gocodemod.golang.modules import Modules


def files(main: str) -> Iterator[tuple[str, bytes]]:
    """Path and contents of every file that may be built into the program whose main is in the file ``main``.

    Tests are left out, files of other systems are not. A string that looks like an import of the module counts as one.
    """
    module = Modules().module(main)
    folders, seen = [os.path.dirname(main)], {os.path.dirname(main)}
    imported = re.compile(rb'"' + re.escape(module.path.encode()) + rb'((?:/[^"\s]*)?)"') if module.path else None
    while folders:
        for path, data in _of_folder(folders.pop()):
            yield path, data
            for found in imported.finditer(data) if imported is not None else ():
                folder = os.path.normpath(os.path.join(module.folder, found[1].decode("utf-8", "replace").lstrip("/")))
                if folder not in seen:
                    seen.add(folder)
                    folders.append(folder)


def beyond(main: str) -> bool:
    """Whether the program may hold code of the same workspace that :func:`files` does not come to: other modules of it."""
    module = Modules().module(main)
    return module.group.root != module.folder


def _of_folder(folder: str) -> Iterator[tuple[str, bytes]]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if name.endswith(".go") and not name.endswith("_test.go"):
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    yield os.path.join(folder, name), file.read()
            except OSError:
                continue
