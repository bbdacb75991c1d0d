"""A transform's page: its docstring, an example of what it does, what it may offer, and why it may refuse.

The same content is ``docs/transforms/NAME.md`` (written by ``make docs``) and ``gocodemod explain NAME``. What comes from
the golden cases travels in ``examples.json`` beside this module, for an installed package has none.
"""

from __future__ import annotations

import importlib.resources
import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from gocodemod.reasons import REASONS
from gocodemod.transform import Transform

_WIDTH = 100


@dataclass(frozen=True)
class Example:
    """What a transform's golden cases show.

    ``about`` and ``diff`` are of the one case that is its example. ``levels`` of the fixes and ``reasons`` of the
    refusals are of all its cases.
    """

    about: str
    diff: str
    levels: tuple[str, ...]
    reasons: tuple[str, ...]


def load() -> Mapping[str, Example]:
    """The examples that came with the package, by the transform's name."""
    text = (importlib.resources.files("gocodemod.report") / "examples.json").read_text("utf-8")
    return {
        name: Example(found["about"], found["diff"], tuple(found["levels"]), tuple(found["reasons"]))
        for name, found in json.loads(text).items()
    }


def dump(examples: Mapping[str, Example]) -> str:
    """The text that :func:`load` reads."""
    return json.dumps({name: asdict(examples[name]) for name in sorted(examples)}, indent=1) + "\n"


# --- Markdown -----------------------------------------------------------------------------------------------------


def markdown(transform: Transform, example: Example) -> str:
    """The page in ``docs/transforms/``."""
    title, body = _parts(transform)
    facts = "".join(f"| {key} | {value} |\n" for key, value in _facts(transform, example).items())
    reasons = "".join(f"| `{r}` | {_cell(REASONS[r])} |\n" for r in example.reasons)
    return (
        f"<!-- Written by `make docs`, from the transform's docstring and its golden cases. -->\n\n"
        f"# {transform.name}\n\n{_code(title)}\n\n"
        f"| | |\n|---|---|\n{facts}\n"
        f"{_code(body)}\n\n"
        f"## Example\n\n{_code(example.about)}\n\n```diff\n{example.diff}```\n\n"
        f"## Reasons\n\nWhy a site may be refused or only reported, beside what holds for all transforms:\n\n"
        f"| reason | meaning |\n|---|---|\n{reasons}"
    )


def index(transforms: Iterable[Transform], examples: Mapping[str, Example]) -> str:
    """``docs/transforms/README.md``."""
    rows = "".join(
        f"| [{t.name}]({t.name}.md) | {_cell(_code(t.title))} | {_levels(examples[t.name])} |\n" for t in transforms
    )
    return (
        "<!-- Written by `make docs`. -->\n\n# Transforms\n\n"
        "Each page says what a transform looks for, what it makes of it, and when it leaves a place alone; `gocodemod explain NAME`"
        "\nprints the same. [Levels](../levels.md) say how far a fix may be trusted.\n\n"
        f"| transform | what it does | levels |\n|---|---|---|\n{rows}"
    )


def _parts(transform: Transform) -> tuple[str, str]:
    title, _, body = transform.doc.strip().partition("\n")
    return title, body.strip("\n")


def _facts(transform: Transform, example: Example | None) -> dict[str, str]:
    """What is said of a transform in a few words."""
    found: dict[str, str] = {}
    if example is not None:
        found["level"] = _levels(example)
    found["needs"] = (
        f"Go {transform.since[0]}.{transform.since[1]}" if transform.since > (1, 0) else "any version of Go"
    )
    if transform.options:
        found["options"] = ", ".join(f"`{o.name}` (default `{o.default}`)" for o in transform.options)
    return found


def _levels(example: Example) -> str:
    return " or ".join(example.levels) or "report"


def _code(text: str) -> str:
    """Docstrings write ``code`` as reStructuredText does."""
    return text.replace("``", "`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# --- a terminal ---------------------------------------------------------------------------------------------------


def plain(transform: Transform, example: Example | None) -> str:
    """What ``gocodemod explain`` prints. Without an example: what there is to say of a transform from elsewhere."""
    title, body = _parts(transform)
    parts = [f"{transform.name}: {_code(title)}"]
    parts.append("\n".join(f"{key:8}{value}" for key, value in _facts(transform, example).items()))
    if body:
        parts.append(_code(re.sub(r"(?m)(^\|.*\n?)+", lambda table: _rows(table[0]), body)))
    if example is not None:
        parts.append(f"Example: {_code(example.about)}")
        parts.append(textwrap.indent(example.diff, "    ", lambda _: True).rstrip())
        parts.append("Reasons why a site may be refused or only reported, beside what holds for all transforms:")
        parts.append("\n".join(_reason(r) for r in example.reasons))
    return "\n\n".join(parts) + "\n"


def _rows(table: str) -> str:
    """A Markdown table as a list: each row's first cell, the others below it. The heading and its rule are left out."""
    shown = []
    for row in table.strip("\n").split("\n")[2:]:
        first, *others = (cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|")))
        shown.append(_wrapped(first, "- ", "  "))
        shown += [_wrapped(cell, "    -> ", "       ") for cell in others]
    return "\n".join(shown) + "\n"


def _reason(name: str) -> str:
    return f"  {name}\n" + _wrapped(REASONS[name], "      ", "      ")


def _wrapped(text: str, first: str, further: str) -> str:
    return textwrap.fill(
        text, _WIDTH, initial_indent=first, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )
