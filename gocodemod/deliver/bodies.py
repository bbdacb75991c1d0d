"""What a pull request says: title and body, from the change set's evidence.

Names and texts come from code that nobody vouches for: in a body they mention nobody, close no issue and are no markup.
Our part of a body stands between two marks; what people write around it stays.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gocodemod.deliver import changesets
from gocodemod.deliver.changesets import ChangeSet
from gocodemod.deliver.impact import impact
from gocodemod.errors import UsageError
from gocodemod.model import Level

BEGIN, END = "<!-- gocodemod: from here -->", "<!-- gocodemod: to here -->"
# Ends the comment that a pull request is closed with, so that another machine knows who closed it.
CLOSED = "<!-- gocodemod: closed -->"
CLOSING = f"Nothing is left of this change on the target branch, so this is closed.\n\n{CLOSED}"

# GitHub takes 65,536 characters: https://github.com/orgs/community/discussions/27190.
_LONGEST = 60_000
_FUNCTIONS = 20
_TEXT = 600
_WORDS = {"gofmt": "gofmt", "vet": "type check and go vet", "types": "type check"}


@dataclass(frozen=True)
class Writer:
    """``flags``: those of the run that decide what is changed, for the command that makes the change again.

    ``group``: as asked for; None: safe fixes by transform, those to be reviewed one by one.
    ``template``: contents of a file given instead of our own.
    """

    flags: Sequence[str] = ()
    folders: Sequence[str] = (".",)
    group: str | None = None
    template: str | None = None

    def body(self, change: ChangeSet, before: Mapping[str, bytes]) -> str:
        """Our part of the body, marks included. ``before``: the base's contents of the files. Raises UsageError."""
        found = impact(change, before)
        sites = [_site(change, number) for number in range(len(change.sites))]
        values: dict[str, Any] = {
            "summary": _summary(change),
            "why": f"{change.transform.title.rstrip('.')}.",
            "transform": change.transform.name,
            "branch": change.branch,
            "functions": found.functions[:_FUNCTIONS],
            "more_functions": max(0, len(found.functions) - _FUNCTIONS),
            "exported": found.exported,
            "level": change.level.value,
            "timing": found.timing,
            "verified": ", ".join(_WORDS[word] for word in change.verified.split(",")),
            "reproduce": self.reproduce(change),
            "revert": _revert(change),
        }
        shown = len(sites)
        while True:
            text = _render({**values, "sites": sites[:shown], "more": len(sites) - shown}, self.template)
            if len(text) <= _LONGEST or not shown:
                return f"{BEGIN}\n{text.strip()}\n{END}"
            shown = shown * _LONGEST // len(text) if shown > 1 else 0

    def reproduce(self, change: ChangeSet) -> str:
        """One command that makes the change again, at the top of the repository and the commit that the branch starts from."""
        files = sorted({os.path.relpath(o.site.path, change.root) for o in change.sites})
        asked = ["--select", change.transform.name, "--level", change.level.value, *self.flags]
        match self.group or ("transform" if change.level is Level.SAFE else "site"):
            case "transform":
                command = ["gocodemod", "apply", *asked, *(folder for folder in self.folders if folder != ".")]
            case "site":
                # Other sites of the file are on branches of their own.
                command = ["gocodemod", "branch", *asked, "--group", "site", *files]
            case _:
                command = ["gocodemod", "apply", *asked, *files]
        return " ".join(shlex.quote(part) for part in command)


def title(change: ChangeSet) -> str:
    """One line: the commit's subject."""
    return changesets.subject(change)


def merged(there: str, ours: str) -> str:
    """The body as it should be: our part renewed, what others have written around it left alone."""
    there = there.replace("\r\n", "\n")
    start, end = there.find(BEGIN), there.rfind(END)
    if 0 <= start < end:
        return there[:start] + ours + there[end + len(END) :]
    return f"{ours}\n\n{there.strip()}" if there.strip() else ours


def same(there: str, wanted: str) -> bool:
    """Whether two bodies differ in nothing but line ends and white space around them."""
    return there.replace("\r\n", "\n").strip() == wanted.strip()


def _summary(change: ChangeSet) -> str:
    folders = {os.path.dirname(os.path.relpath(o.site.path, change.root)) for o in change.sites}
    what = change.transform.subject or change.transform.title.rstrip(".")
    sites = _plural(len(change.sites), "site")
    return f"{what[:1].upper()}{what[1:]}: {sites} in {_plural(len(change.files), 'file')} of {_plural(len(folders), 'package')}."


def _revert(change: ChangeSet) -> str:
    many = "The sites do not depend on each other. " if len(change.sites) > 1 else ""
    return (
        f"`git revert` the commit that this becomes (`-m 1` for a merge). {many}To have a site left alone from then on, write"
        f" `//gocodemod:ignore {change.transform.name} -- why` above it."
    )


def _site(change: ChangeSet, number: int) -> dict[str, Any]:
    outcome = change.sites[number]
    return {
        "path": os.path.relpath(outcome.site.path, change.root).replace(os.sep, "/"),
        "line": outcome.site.line,
        "message": outcome.message,
        "evidence": list(outcome.evidence.items()),
        "level": outcome.level,
        "fingerprint": outcome.site.fingerprint,
    }


def _render(values: Mapping[str, Any], template: str | None) -> str:
    # Loaded here: only pull requests need it.
    import jinja2
    import jinja2.sandbox

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        loader=jinja2.PackageLoader("gocodemod.deliver"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        lstrip_blocks=False,
    )
    environment.filters |= {"plain": plain, "code": code}
    try:
        found = environment.get_template("body.md.j2") if template is None else environment.from_string(template)
        return found.render(values)
    except jinja2.TemplateError as error:
        raise UsageError(f"--template: {error}") from error


def plain(text: object) -> str:
    """Text as text: one line, no markup, no mention, no reference. Code in it is easier read than its escapes allow."""
    line = _line(text)
    line = re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", line)
    # A character of no width keeps @name from telling somebody, and #1, !1, GH-1 from being linked or closed.
    return re.sub(r"([@#!$%&]|GH-)(?=\w)", "\\1\u200b", line).replace("://", ":\u200b//")


def code(text: object) -> str:
    """Text in a code span."""
    line = _line(text).replace("|", "\u01c0")
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line[:1] == "`" or line[-1:] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _line(text: object) -> str:
    flat = " ".join(str(text).split())
    shown = flat if len(flat) <= _TEXT else flat[: _TEXT - 3] + "..."
    return "".join(c if c.isprintable() else "?" for c in shown)


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
