"""What this build configuration does not load: uses of a type in files that it leaves out, and in other packages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Facts, Struct


def unloaded_use(facts: Facts, struct: Struct) -> str:
    """Name of a file beside a struct's own that mentions the type and that the type checker has not read; ``""`` if none.

    Tests are left out: where they break, verification finds it.
    """
    word = re.compile(rb"\b%s\b" % re.escape(struct.name.encode()))
    folder = os.path.dirname(struct.path)
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not name.endswith(".go") or name.endswith("_test.go") or not os.path.isfile(path) or _read(facts, path):
            continue
        with open(path, "rb") as file:
            if word.search(file.read()):
                return name
    return ""


def _read(facts: Facts, path: str) -> bool:
    try:
        facts.functions(path, 0)
    except TypesUnavailable:
        return False
    return True


def used_by_value(root: str, package: str, struct: Struct) -> str:
    """Name of a file of the module, in another folder, that may handle values of an exported type (not pointers to them).

    By bytes, so that build constraints do not matter: ``pkg.T`` with no ``*`` or ``&`` before it.
    """
    pattern = re.compile(
        rb"(?<![\w.*&])%s\.%s\b(?!\.)" % (re.escape(package.encode()), re.escape(struct.name.encode()))
    )
    for path in _go_files(root):
        if os.path.dirname(path) != os.path.dirname(struct.path):
            with open(path, "rb") as file:
                if pattern.search(file.read()):
                    return os.path.relpath(path, root)
    return ""


def made_outside(root: str, package: str, struct: Struct) -> str:
    """Name of a file of the module, in another folder, that may make a value of an exported type.

    ``package``: its import path. By bytes: wherever the type is named other than behind a ``*``, whatever the import is called.
    """
    pattern = re.compile(rb"(?<![\w.*])\w+\.%s\b" % re.escape(struct.name.encode()))
    imported = b'"%s"' % package.encode()
    for path in _go_files(root):
        if os.path.dirname(path) != os.path.dirname(struct.path):
            with open(path, "rb") as file:
                data = file.read()
            if imported in data and (pattern.search(data) or re.search(rb"\.\s+" + re.escape(imported), data)):
                return os.path.relpath(path, root)
    return ""


def _go_files(root: str) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in ("vendor", "testdata", "node_modules") and f[0] not in "._")
        yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".go"))


def module_root(path: str) -> str:
    """The folder of the nearest go.mod above a file, else the file's own."""
    folder = os.path.dirname(path)
    while not os.path.exists(os.path.join(folder, "go.mod")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return os.path.dirname(path)
        folder = parent
    return folder
