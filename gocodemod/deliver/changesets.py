"""Which fixes go together onto one branch, what the branch is called, and what its commit says."""

from __future__ import annotations

import hashlib
import os
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gocodemod.engine.edits import Proposal
from gocodemod.engine.result import Result
from gocodemod.model import Kind, Level, Outcome, Verification
from gocodemod.transform import Transform

_WIDTH = 72
_SUBJECT = 68


@dataclass(frozen=True)
class ChangeSet:
    """``branch``: its name, prefix included. ``files``: new contents by path relative to the top. ``sites``: what was fixed."""

    branch: str
    transform: Transform
    files: Mapping[str, bytes]
    sites: tuple[Outcome, ...]
    root: str

    @property
    def level(self) -> Level:
        """The highest level of its fixes."""
        return Level.REVIEW if any(o.level is Level.REVIEW for o in self.sites) else Level.SAFE

    @property
    def verified(self) -> str:
        """What every fix in it has passed: ``gofmt,vet``, ``gofmt,types``, or ``gofmt``."""
        found = {o.verification for o in self.sites}
        if found == {Verification.VETTED}:
            return "gofmt,vet"
        return "gofmt" if Verification.UNVERIFIED in found else "gofmt,types"


@dataclass(frozen=True)
class Grouping:
    """How proposals are told apart. ``group`` None: safe fixes by transform, those to be reviewed one by one."""

    group: str | None
    root: str

    def key(self, proposal: Proposal) -> str:
        """The set a proposal belongs to: the part of a branch's name behind the prefix."""
        site, level = proposal.site, proposal.fix.level
        group = self.group or ("transform" if level is Level.SAFE else "site")
        path = os.path.relpath(site.path, self.root)
        match group:
            case "transform":
                slug = "all"
            case "package":
                slug = _slug(os.path.dirname(path) or "root")
            case "file":
                slug = _slug(path.removesuffix(".go"))
            case _:
                digest = hashlib.sha256(site.fingerprint.encode("utf-8", "surrogateescape")).hexdigest()
                slug = f"{_slug(path.removesuffix('.go'))}-{digest[:7]}"
        return f"{site.transform}/{slug}"


def _slug(path: str) -> str:
    """Letters that any branch name may hold; a path that had others, or is long, gets a digest of itself."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", path).strip("-")
    if plain != path.replace("/", "-") or len(plain) > 80:
        digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
        return f"{plain[:80].strip('-') or 'x'}-{digest[:7]}"
    return plain


def change_sets(results: Mapping[str, Result], transforms: Mapping[str, Transform], prefix: str) -> Iterator[ChangeSet]:
    """The sets in which something is left to change, in the order of their names."""
    for key, result in sorted(results.items()):
        sites = tuple(o for o in result.outcomes if o.kind is Kind.FIXED)
        files = {os.path.relpath(c.path, result.root): c.after for c in result.changed}
        if files:
            yield ChangeSet(f"{prefix}/{key}", transforms[key.split("/", 1)[0]], files, sites, result.root)


def subject(change: ChangeSet) -> str:
    """One line in the imperative, with the package before it where there is one: ``net: let a stop signal end the wait``."""
    folders = sorted({os.path.dirname(os.path.relpath(o.site.path, change.root)) for o in change.sites})
    what = change.transform.subject
    if len(folders) > 1:
        return _cut(f"{what} ({len(change.sites)} sites in {len(folders)} packages)")
    place = os.path.basename(folders[0]) or "root"
    count = f" ({len(change.sites)} sites)" if len(change.sites) > 1 else ""
    return _cut(f"{_printable(place)}: {what}{count}")


def _cut(line: str) -> str:
    return line if len(line) <= _SUBJECT else line[: _SUBJECT - 3].rstrip() + "..."


def message(change: ChangeSet) -> bytes:
    """The commit's message: subject, why, each site with its evidence, trailers."""
    lines = [subject(change), "", *textwrap.wrap(_printable(change.transform.title), _WIDTH), ""]
    for outcome in change.sites:
        path = _printable(os.path.relpath(outcome.site.path, change.root))
        lines.append(f"{path}:{outcome.site.line}: {_printable(outcome.message)}")
        lines += [f"  {name}: {_printable(' '.join(text.split()))}" for name, text in outcome.evidence.items()]
    lines += ["", f"Gocodemod-Transform: {change.transform.name}"]
    lines += [f"Gocodemod-Site: {_printable(o.site.fingerprint)}" for o in change.sites]
    lines += [f"Gocodemod-Level: {change.level}", f"Gocodemod-Verified: {change.verified}"]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _printable(text: str) -> str:
    """Names and code come from the repository: no control characters, no bytes that are no text."""
    return "".join(c if c.isprintable() else "?" for c in text)
