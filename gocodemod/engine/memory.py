"""Remember what a scan found, so that scanning unchanged code again costs no more than reading it.

Type-checking is what a scan waits for (seconds where reading takes tenths), and its answers follow from the code, the
toolchain, the settings and ourselves. All of that goes into the key: the contents of every file read, size and time of
every other Go and module file below the named folders. Only ``scan`` uses this; what is shown as a diff or written is
always decided and verified anew.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gocodemod.engine.discover import Discovery
from gocodemod.engine.result import Result
from gocodemod.golang import toolchain as go
from gocodemod.model import Kind, Level, Outcome, Site
from gocodemod.settings import Settings
from gocodemod.transform import Transform

_KEPT = 64
_COMMENT = re.compile(rb"//.*")
# replace and use directives that name a folder: https://go.dev/ref/mod#go-mod-file-replace
_LOCAL = re.compile(rb"(?:=>|\buse|^)\s*\(?\s*\"?(\.{1,2}(?:/[^\s\"]*)?|/[^\s\"]+)", re.MULTILINE)


def key(
    found: Discovery, settings: Settings, transforms: Sequence[Transform], toolchain: go.Toolchain | None
) -> str | None:
    """Name of everything the result depends on; None where that lies partly outside of what was looked at."""
    if toolchain is None or settings.transform_files or not _self_contained(found):
        return None
    if any(not t.module.startswith("gocodemod.transforms.") for t in transforms):
        return None
    about = os.stat(toolchain.path)
    environment = sorted((k, v) for k, v in os.environ.items() if k.startswith(("GO", "CGO_")))
    parts: list[Any] = [
        _ourselves(),
        asdict(replace(settings, jobs=0)),
        [t.name for t in transforms],
        [toolchain.path, toolchain.version_text, about.st_size, about.st_mtime_ns],
        environment,
        found.root,
        found.named,
        found.digest,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode("utf-8", "surrogatepass")).hexdigest()


def _self_contained(found: Discovery) -> bool:
    """Whether each named folder is a module's or repository's top, and no go.mod or go.work names a folder outside."""
    tops = [os.path.join(folder, "") for folder in found.named]
    if not tops or not all(_is_top(folder) for folder in found.named):
        return False
    for path in found.module_files:
        try:
            text = _COMMENT.sub(b"", Path(path).read_bytes())
        except OSError:
            return False
        for match in _LOCAL.finditer(text):
            target = os.path.realpath(os.path.join(os.path.dirname(path), os.fsdecode(match[1])))
            if not any(os.path.join(target, "").startswith(top) for top in tops):
                return False
    return True


def _is_top(folder: str) -> bool:
    if not any(os.path.exists(os.path.join(folder, name)) for name in (".git", "go.mod", "go.work")):
        return False
    # A workspace or module further up would have its say, too.
    parent = os.path.dirname(folder)
    while parent != os.path.dirname(parent):
        if any(os.path.exists(os.path.join(parent, name)) for name in ("go.work", "go.mod")):
            return False
        parent = os.path.dirname(parent)
    return True


@functools.cache
def _ourselves() -> str:
    """Digest of this project's own code."""
    digest = hashlib.sha256()
    top = Path(__file__).parent.parent
    for path in sorted(p for p in _below(top) if p.suffix in (".py", ".go")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _below(folder: Path) -> Iterable[Path]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry)
        else:
            yield entry


def recall(name: str) -> Result | None:
    """What was remembered under a key."""
    try:
        stored = json.loads((_folder() / f"{name}.json").read_bytes())
        outcomes = tuple(_outcome(o) for o in stored["outcomes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # nothing there, or not from us: found again
    return Result(stored["root"], outcomes, (), stored["files"], stored["skipped"], tuple(stored["notes"]))


def remember(name: str, result: Result) -> None:
    """Keep a result; that it cannot be kept is no error."""
    stored = {
        "root": result.root,
        "outcomes": [asdict(replace(o, fix=None, evidence=dict(o.evidence))) for o in result.outcomes],
        "files": result.files,
        "skipped": dict(result.skipped),
        "notes": list(result.notes),
    }
    folder = _folder()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="ascii") as file:
            json.dump(stored, file)
        os.replace(file.name, folder / f"{name}.json")
        for old in sorted(folder.glob("*.json"), key=lambda p: p.stat().st_mtime)[:-_KEPT]:
            old.unlink()


def _folder() -> Path:
    return go.cache_directory() / "scans"


def _outcome(stored: dict[str, Any]) -> Outcome:
    return Outcome(
        site=Site(**stored["site"]),
        kind=Kind(stored["kind"]),
        level=Level(stored["level"]) if stored["level"] else None,
        reason=stored["reason"],
        message=stored["message"],
        evidence=stored["evidence"],
    )
