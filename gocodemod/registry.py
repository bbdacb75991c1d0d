"""Which transforms there are: our own, installed plugins, and files named on the command line.

Nothing is ever loaded from the repository being rewritten on its own: it is untrusted input.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from types import ModuleType

from gocodemod.config import check_transforms
from gocodemod.errors import UsageError
from gocodemod.settings import Settings
from gocodemod.transform import Transform

GROUP = "gocodemod.transforms"


def load(files: Sequence[str] = ()) -> tuple[Transform, ...]:
    """Every transform, sorted by name. ``files``: Python files that hold one each.

    Raises UsageError that names the plugin which fails to import, holds no transform, or takes a name twice.
    """
    found: dict[str, tuple[Transform, str]] = {}
    for transform, origin in (*_own(), *_plugins(), *_from_files(files)):
        if transform.name in found:
            first = found[transform.name][1]
            raise UsageError(f"two transforms are named {transform.name}: one of {first}, one of {origin}")
        found[transform.name] = transform, origin
    return tuple(found[name][0] for name in sorted(found))


def selected(settings: Settings) -> tuple[Transform, ...]:
    """The transforms that a run uses, sorted by name. Raises UsageError for names that do not exist."""
    every = {transform.name: transform for transform in _few(settings) or load(settings.transform_files)}
    for asked in (*settings.select, *settings.ignore):
        find(every, asked)
    check_transforms(settings, {name: {o.name: o.read for o in t.options} for name, t in every.items()})
    names = settings.select or tuple(every)
    return tuple(every[name] for name in sorted(set(names) - set(settings.ignore)))


def _few(settings: Settings) -> tuple[Transform, ...]:
    """Only those that the settings name, where all are our own: importing the others takes longer than a small run. Else none."""
    named = {*settings.select, *settings.ignore, *settings.transforms}
    own = {module.replace("_", "-"): module for module in _modules()}
    if not settings.select or not named <= own.keys() or settings.transform_files or metadata.entry_points(group=GROUP):
        return ()
    return tuple(_import(own[name]) for name in sorted(named))


def find(every: dict[str, Transform], name: str) -> Transform:
    """The transform of that name, or a UsageError that suggests the nearest one."""
    if name in every:
        return every[name]
    near = difflib.get_close_matches(name, every, 1)
    hint = f"did you mean {near[0]}?" if near else "`gocodemod list` names them all"
    raise UsageError(f"there is no transform named {name!r}: {hint}")


def _own() -> Iterator[tuple[Transform, str]]:
    for module in _modules():
        yield _import(module), f"gocodemod.transforms.{module}"


def _modules() -> list[str]:
    package = importlib.import_module("gocodemod.transforms")
    return [info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_")]


def _import(module: str) -> Transform:
    origin = f"gocodemod.transforms.{module}"
    return _of(importlib.import_module(origin), origin)


def _plugins() -> Iterator[tuple[Transform, str]]:
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda p: (p.name, p.value)):
        origin = f"the plugin {point.name} ({point.value})"
        try:
            loaded = point.load()
        except Exception as error:
            raise UsageError(f"{origin} cannot be loaded: {type(error).__name__}: {error}") from error
        yield _of(loaded, origin), origin


def _from_files(files: Sequence[str]) -> Iterator[tuple[Transform, str]]:
    for file in dict.fromkeys(os.path.realpath(file) for file in files):
        origin = f"the file {file}"
        name = os.path.splitext(os.path.basename(file))[0]
        # Under a name of its own, so that it can neither hide a module nor be taken for an installed one.
        spec = importlib.util.spec_from_file_location(f"gocodemod_transform_files.{name}", file)
        if spec is None or spec.loader is None or not os.path.isfile(file):
            raise UsageError(f"{file} is no Python file to load a transform from")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise UsageError(f"{origin} cannot be loaded: {type(error).__name__}: {error}") from error
        yield _of(module, origin), origin


def _of(loaded: ModuleType | object, origin: str) -> Transform:
    transform = loaded if isinstance(loaded, Transform) else getattr(loaded, "transform", None)
    if not isinstance(transform, Transform):
        raise UsageError(f"{origin} holds no transform: it must define `transform = Transform(...)`")
    return transform
