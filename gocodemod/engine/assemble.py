"""From fixes to files: edits, import intents and layout of every file a set of fixes touches.

The same fixes always give the same bytes, so any subset can be built again while verification looks for a culprit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gocodemod.engine import edits as algebra
from gocodemod.engine import format as layout
from gocodemod.engine import imports
from gocodemod.engine.blame import blame
from gocodemod.engine.edits import Proposal
from gocodemod.errors import GocodemodError
from gocodemod.golang.source import Source
from gocodemod.model import Edit, Kind, Site


@dataclass(frozen=True)
class Loss:
    """Why a proposal that was let in did not make it into the files. ``reason`` is empty for ``rolled-back``."""

    proposal: Proposal
    kind: Kind
    reason: str
    message: str


@dataclass(frozen=True)
class Assembled:
    """``files``: new contents by path, of files that differ. ``kept`` in their fixed order."""

    files: Mapping[str, bytes]
    kept: tuple[Proposal, ...]
    lost: tuple[Loss, ...]


class Assembler:
    """Builds files from their sources (by absolute path); ``gofmt`` lays out whole bytes and raises on bad syntax."""

    def __init__(self, sources: Mapping[str, Source], gofmt: layout.Gofmt) -> None:
        self._sources = sources
        self.gofmt = gofmt
        self._built: dict[tuple[str, tuple[Site, ...]], bytes] = {}

    def source(self, path: str) -> Source:
        return self._sources[path]

    def edits(self, path: str, proposals: Iterable[Proposal]) -> tuple[Edit, ...]:
        """All edits of one file, imports included, line endings as in the file. Raises as ``imports.plan`` does."""
        source = self._sources[path]
        changes = [change for p in proposals for change in p.fix.changes if change.path == path]
        body = layout.localise(source.data, algebra.combine(*(change.edits for change in changes)))
        add = {name for change in changes for name in change.add_imports}
        drop = {name for change in changes for name in change.drop_imports}
        return algebra.combine(imports.plan(source, body, add, drop), body)

    def file(self, path: str, proposals: Sequence[Proposal]) -> bytes:
        """The new contents of one file. Raises GocodemodError where these fixes do not go together."""
        here = tuple(p for p in proposals if any(change.path == path for change in p.fix.changes))
        key = (path, tuple(p.site for p in here))
        if key not in self._built:
            source = self._sources[path]
            self._built[key] = layout.formatted(path, source.data, self.edits(path, here), self.gofmt)
        return self._built[key]

    def files(self, proposals: Sequence[Proposal]) -> dict[str, bytes]:
        """The contents of all files that differ. Raises GocodemodError where the fixes do not go together."""
        built = {path: self.file(path, proposals) for path in algebra.paths_of(proposals)}
        return {path: data for path, data in built.items() if data != self._sources[path].data}

    def assemble(self, proposals: Sequence[Proposal]) -> Assembled:
        """Build what can be built; a fix that cannot is lost whole, in every file it touches."""
        problem = self._probe(proposals)
        if problem is None:
            return Assembled(self.files(proposals), tuple(proposals), ())
        blamed = blame(self._probe, proposals)
        kept = [p for p in proposals if p.site not in blamed]
        lost = tuple(_loss(p, blamed[p.site]) for p in proposals if p.site in blamed)
        return Assembled(self.files(kept), tuple(kept), lost)

    def _probe(self, proposals: Sequence[Proposal]) -> GocodemodError | None:
        try:
            self.files(proposals)
        except GocodemodError as error:
            return error
        return None


def _loss(proposal: Proposal, error: GocodemodError) -> Loss:
    match error:
        case layout.FormatUnsafe():
            return Loss(proposal, Kind.REFUSED, "format-unsafe", str(error))
        case imports.ImportNameTaken():
            return Loss(proposal, Kind.REFUSED, "import-name-taken", str(error))
        case _:
            # go/parser rejects the result: as much a failed check as a type error.
            return Loss(proposal, Kind.ROLLED_BACK, "", str(error))
