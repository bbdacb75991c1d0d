"""docs/transforms/ and ``gocodemod explain`` say what docstrings and golden cases say (``make docs`` writes them)."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from gocodemod.reasons import REASONS
from gocodemod.report import pages
from gocodemod.transform import Transform
from tests import docpages
from tests.golden import cases
from tests.test_docs import ROOT, run

OWN = docpages.own()


def each() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("transform", [pytest.param(t, id=t.name) for t in OWN])


@pytest.mark.parametrize("path", sorted(docpages.files()), ids=lambda path: path.name)
def test_pages_are_as_make_docs_writes_them(path: Path) -> None:
    assert path.is_file(), "run `make docs`"
    assert path.read_text(encoding="utf-8") == docpages.files()[path], "run `make docs`"


def test_no_page_is_left_of_a_transform_that_went() -> None:
    assert docpages.superfluous() == [], "run `make docs`"


def test_each_transform_has_one_example() -> None:
    marked = [case.transform for case in cases() if case.example]
    assert sorted(marked) == [t.name for t in OWN]


def test_none_or_two_examples_are_an_error_that_names_the_transform() -> None:
    own = [case for case in cases() if case.transform == OWN[0].name]
    [shown] = [case for case in own if case.example]
    for members in ([case for case in own if not case.example], [*own, shown]):
        with pytest.raises(ValueError, match="example: yes"):
            docpages.example(members)


@each()
def test_a_page_shows_the_docstring_the_example_and_the_reasons(transform: Transform) -> None:
    found = pages.load()[transform.name]
    text = pages.markdown(transform, found)
    assert text.startswith("<!--") and f"\n# {transform.name}\n" in text
    assert "``" not in text.replace("```", "")
    assert f"```diff\n{found.diff}```" in text
    # What is only reported changes nothing: the lines that are sites are marked.
    assert re.search(r"^[+-]" if found.levels else r"^!", found.diff, re.MULTILINE)
    assert set(found.reasons) <= set(REASONS)
    for reason in found.reasons:
        assert f"| `{reason}` |" in text


@each()
def test_reasons_that_a_docstring_names_are_among_those_of_its_cases(transform: Transform) -> None:
    named = set(re.findall(r"``([a-z]+(?:-[a-z]+)+)``", transform.doc)) & set(REASONS)
    assert named <= set(pages.load()[transform.name].reasons)


@each()
def test_explain_prints_the_same_content(transform: Transform) -> None:
    found = pages.load()[transform.name]
    shown = run("explain", transform.name)
    squeezed = " ".join(shown.split())
    assert shown.startswith(f"{transform.name}: ")
    for line in found.diff.splitlines():
        assert f"    {line}".rstrip() in shown
    for text in (found.about, " or ".join(found.levels), *(REASONS[r] for r in found.reasons)):
        assert " ".join(text.replace("``", "`").split()) in squeezed
    for paragraph in re.sub(r"(?m)^\|.*\n", "", transform.doc.strip()).replace("``", "`").split("\n\n"):
        assert " ".join(paragraph.split()) in squeezed


@each()
def test_tables_are_lists_on_a_terminal(transform: Transform) -> None:
    shown = run("explain", transform.name)
    assert not re.search(r"^\|", shown, re.MULTILINE)
    squeezed = " ".join(shown.split())
    for row in re.findall(r"^\|([^-].*)\|$", transform.doc, re.MULTILINE)[1:]:
        for cell in re.split(r"(?<!\\)\|", row.replace("``", "`")):
            assert " ".join(cell.split()) in squeezed


def test_the_index_names_every_transform() -> None:
    text = (docpages.FOLDER / "README.md").read_text()
    assert re.findall(r"^\| \[([a-z-]+)\]\(\1\.md\)", text, re.MULTILINE) == [t.name for t in OWN]


def test_links_of_the_pages_lead_somewhere() -> None:
    for path in docpages.FOLDER.glob("*.md"):
        for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_examples_are_part_of_the_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    shipped = settings["tool"]["setuptools"]["package-data"]["gocodemod"]
    inside = docpages.DATA.relative_to(ROOT / "gocodemod").as_posix()
    assert any(fnmatch(inside, pattern) for pattern in shipped)


def test_a_transform_from_elsewhere_is_explained_by_its_docstring(tmp_path: Path) -> None:
    file = tmp_path / "my_own.py"
    file.write_text(
        '"""Do a thing.\n\nIt does ``x``.\n"""\n'
        "from gocodemod.transform import Transform\n"
        "transform = Transform(__name__, __doc__, '', (), lambda s, n: n, lambda c, x: None, since=(1, 21))\n"
    )
    shown = run("explain", "--transform-file", str(file), "my-own")
    assert shown == "my-own: Do a thing.\n\nneeds   Go 1.21\n\nIt does `x`.\n"
