"""What a transform is: a name, a query, the bytes it needs, and a decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import tree_sitter

from gocodemod.golang.facts import Facts
from gocodemod.golang.source import Source
from gocodemod.golang.versions import Language
from gocodemod.model import Decision, Site
from gocodemod.needles import Needles


@dataclass(frozen=True)
class Candidate:
    """A site together with the tree it was found in; what ``decide`` is given."""

    site: Site
    source: Source
    node: tree_sitter.Node


@dataclass(frozen=True)
class Context:
    """What a decision may rest on beside the tree: type facts, versions, settings. ``cadence`` is ``tick`` or ``gap``.

    ``source``: any file that the facts name, parsed; raises OSError where it cannot be read.
    """

    facts: Facts
    language: Language
    source: Callable[[str], Source]
    cadence: str = "tick"
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Option:
    """A key of the table ``[transforms.NAME]``. ``default`` is written as TOML has it (``"30s"`` with its quotes).

    ``read``: what the value means; raises ValueError that says what was expected (``a duration such as "30s"``).
    """

    name: str
    default: str
    read: Callable[[Any], Any]


Match = Callable[[Source, tree_sitter.Node], tree_sitter.Node | None]
Decide = Callable[[Candidate, Context], Decision | None]


@dataclass(frozen=True)
class Transform:
    """One anti-pattern. ``name`` follows from the module's file name and is the only name it has.

    ``query``: tree-sitter query; the node captured as ``@site`` is what ``match`` is asked about.
    ``needles``: byte strings, all of which a file must contain to hold a site; a tuple of them stands for any one. The
    first lies inside every ``@site`` (the query runs only around it), the others anywhere in its file.
    ``match``: narrows the query in tree terms alone, returns the node that is the site, or None.
    ``decide``: a Fix, a Refusal, or None where the types show that this is no site at all.
    ``since``: lowest language version for which anything is offered.
    ``subject``: what its fixes do, in the imperative and in a few words, for commits and pull requests.
    ``threads``: reasons of refusals for which a stop signal may be brought to the site, and it is asked again.
    ``tests``: it is about tests, and is shown test files where others are not (without ``include_tests``).
    ``options``: what it understands in its table ``[transforms.NAME]`` of the configuration.
    """

    module: str
    doc: str
    query: str
    needles: Needles
    match: Match
    decide: Decide
    since: tuple[int, int] = (1, 0)
    options: tuple[Option, ...] = ()
    subject: str = ""
    threads: frozenset[str] = frozenset()
    tests: bool = False

    @property
    def name(self) -> str:
        return self.module.rsplit(".", 1)[-1].replace("_", "-")

    @property
    def title(self) -> str:
        """First line of the docstring."""
        return self.doc.strip().splitlines()[0]
