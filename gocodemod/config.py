"""The configuration file: ``.gocodemod.toml``, or ``[tool.gocodemod]`` in ``pyproject.toml``.

Looked for in the folder given and above it, up to the top of its git repository; the nearest one counts, and
``.gocodemod.toml`` before ``pyproject.toml``. Flags win over the file. Only data is read from it: no setting of the
repository being rewritten can name a program (so ``go``, ``go_env`` and ``transform_files`` are flags only).
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gocodemod.errors import UsageError
from gocodemod.model import Level
from gocodemod.settings import Settings

NAMES = (".gocodemod.toml", "pyproject.toml")
LEVELS = (Level.SAFE.value, Level.REVIEW.value)
CADENCES = ("tick", "gap")

# A setting's value as TOML gave it; raises ValueError that says what was expected.
_Reader = Callable[[Any], Any]


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of strings")
    return tuple(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("a number, 0 or more")
    return value


def _seconds(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1e9:
        raise ValueError("a number of seconds above 0")
    return float(value)


def _one_of(allowed: Iterable[str]) -> _Reader:
    choices = tuple(allowed)

    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(" or ".join(repr(choice) for choice in choices))
        return str(value)

    return read


def _level(value: Any) -> Level:
    return Level(_one_of(LEVELS)(value))


READERS: Mapping[str, _Reader] = {
    "select": _names,
    "ignore": _names,
    "level": _level,
    "cadence": _one_of(CADENCES),
    "include_tests": _flag,
    "include_generated": _flag,
    "exclude": _names,
    "tags": _names,
    "jobs": _count,
    "verify": _flag,
    "thread_depth": _count,
    "thread_exported": _flag,
    "vet_timeout": _seconds,
    "go_timeout": _seconds,
}


@dataclass(frozen=True)
class Found:
    """A table of settings and the file it stands in."""

    path: str
    table: Mapping[str, Any]


def load(defaults: Settings, start: str, explicit: str | None = None) -> Settings:
    """``defaults`` with what the configuration file sets. ``explicit``: a file named by ``--config``.

    Raises UsageError that names the file, the key, and the key that was probably meant.
    """
    found = _read(explicit, required=True) if explicit else _search(start)
    return merge(defaults, found) if found is not None else defaults


def merge(defaults: Settings, found: Found) -> Settings:
    """The settings of one table over ``defaults``."""
    values: dict[str, Any] = {}
    for key, value in found.table.items():
        name = key.replace("-", "_")
        if name == "transforms":
            values[name] = _transforms(found.path, value)
        elif name in READERS:
            try:
                values[name] = READERS[name](value)
            except ValueError as error:
                raise UsageError(f"{found.path}: {key} must be {error}, not {value!r}") from error
        else:
            raise UsageError(f"{found.path}: unknown key {key!r}: {_nearest(name, (*READERS, 'transforms'))}")
    return replace(defaults, **values)


def check_transforms(settings: Settings, options: Mapping[str, Mapping[str, _Reader]]) -> None:
    """Raise UsageError where a table ``[transforms.NAME]`` names no transform, an option it does not have, or a value
    that the option cannot have. ``options``: what reads each option's value, by name, by transform.
    """
    for name, table in settings.transforms.items():
        if name not in options:
            raise UsageError(f"[transforms.{name}]: there is no such transform: {_nearest(name, options)}")
        for key, value in table.items():
            if key not in options[name]:
                raise UsageError(f"[transforms.{name}]: unknown key {key!r}: {_nearest(key, options[name])}")
            try:
                options[name][key](value)
            except ValueError as error:
                raise UsageError(f"[transforms.{name}]: {key} must be {error}, not {value!r}") from error


def _transforms(path: str, value: Any) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise UsageError(f"{path}: transforms must hold one table for each transform: [transforms.NAME]")
    return value


def _nearest(name: str, known: Iterable[str]) -> str:
    every = sorted(known)
    near = difflib.get_close_matches(name, every, 1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are {', '.join(every)}" if every else "there are none"


def _search(start: str) -> Found | None:
    folder = os.path.realpath(start if os.path.isdir(start) else os.path.dirname(start) or ".")
    while True:
        for name in NAMES:
            found = _read(os.path.join(folder, name), required=False)
            if found is not None:
                return found
        above = os.path.dirname(folder)
        if os.path.lexists(os.path.join(folder, ".git")) or above == folder:
            return None
        folder = above


def _read(path: str, *, required: bool) -> Found | None:
    try:
        with open(path, "rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        if required:
            raise UsageError(f"{path}: {error.strerror}") from error
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error
    if os.path.basename(path) == "pyproject.toml":
        inner = table.get("tool", {}).get("gocodemod")
        if inner is None and not required:
            return None
        table = inner if inner is not None else {}
    return Found(path, table)
