"""What the README and docs/ claim is what the code does."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

import gocodemod
from gocodemod import config, registry
from gocodemod.cli.main import main
from gocodemod.cli.options import ApplyOptions, PrOptions
from gocodemod.deliver import planning
from gocodemod.deliver import target as targets
from gocodemod.deliver.branches import Status
from gocodemod.model import Kind, Level, Verification
from gocodemod.reasons import REASONS
from gocodemod.report import json as json_report
from gocodemod.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = sorted((ROOT / "docs").glob("*.md"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def first_column(text: str, heading: str) -> list[str]:
    """The names in backquotes that begin the rows of the table with that heading."""
    table = text[text.index(f"| {heading} |") :].split("\n\n")[0]
    return [m[1] for m in re.finditer(r"^\| `([^`]+)`", table, re.MULTILINE)]


def run(*argv: str) -> str:
    out, err = io.BytesIO(), io.StringIO()
    main(argv, out, err)
    return out.getvalue().decode()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_diff_in_the_readme_is_what_the_example_gives() -> None:
    [sample] = blocks(README, "diff")
    names, hunk = sample.split("@@", 1)
    shown = run("diff", str(ROOT / "examples/legacy"))
    assert hunk in shown
    # Without a repository around it, paths are relative to the example.
    assert names in shown or names.replace("examples/legacy/", "") in shown


def test_commands_of_the_readme_exist() -> None:
    commands = [name.split()[1] for name in first_column(README, "command")]
    listed = re.findall(r"^  (\w+) ", run("--help").partition("Commands:")[2], re.MULTILINE)
    assert commands == listed


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for text in (README, *(p.read_text() for p in PAGES)):
        assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text)) <= targets
    assert "make test" in (ROOT / ".ci/run").read_text()


def test_outcomes_levels_and_labels_are_all_there() -> None:
    assert set(first_column(README, "outcome")) == {str(kind) for kind in Kind}
    assert first_column(page("levels.md"), "level") == [str(level) for level in Level]
    assert first_column(page("branches.md"), "status") == [str(status) for status in Status]
    assert set(first_column(page("levels.md"), "label")) == {str(v) for v in Verification}


def test_statuses_of_pull_requests_are_all_there() -> None:
    assert first_column(page("pull-requests.md"), "status") == [str(status) for status in planning.Status]


def test_tokens_that_are_named_are_looked_for() -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*_TOKEN)`", page("pull-requests.md")))
    assert named == targets._every()


def test_reasons_that_are_named_exist() -> None:
    table = README[README.index("## Bad input") : README.index("## Adding")]
    assert set(re.findall(r"`([a-z]+-[a-z]+)`", table)) <= set(REASONS)


def test_every_key_of_the_configuration_is_described_with_its_default() -> None:
    text = page("configuration.md")
    assert first_column(text, "key") == list(config.READERS)
    defaults = Settings()
    for key, default in re.findall(r"^\| `(\w+)` \|[^|]*\| `([^`]+)` \|", text, re.MULTILINE):
        if key != "level":
            value = getattr(defaults, key)
            assert default == json.dumps(list(value) if isinstance(value, tuple) else value).removesuffix(".0"), key


def test_every_option_of_a_transform_is_described_with_its_default() -> None:
    text = page("configuration.md")
    described = re.findall(r"^\| `([\w-]+)` \| `(\w+)` \| `([^`]+)` \|", text, re.MULTILINE)
    assert described == [(t.name, o.name, o.default) for t in registry.load() for o in t.options]
    for _, option, default in described:
        tomllib.loads(f"{option} = {default}")


def test_flags_that_are_named_exist() -> None:
    fields = (*dataclasses.fields(ApplyOptions), *dataclasses.fields(PrOptions))
    flags = {f"--{field.name.replace('_', '-')}" for field in fields} | {"--help", "--version"}
    for text in (README, *(p.read_text() for p in PAGES)):
        assert set(re.findall(r"`(--[a-z-]+)", text)) <= flags


@pytest.mark.parametrize("text", blocks(README, "toml"))
def test_configuration_in_the_readme_is_valid(text: str) -> None:
    config.merge(Settings(), config.Found("README.md", tomllib.loads(text)))


def test_json_in_the_docs_follows_the_schema() -> None:
    [sample] = blocks(page("json.md"), "json")
    jsonschema.validate(json.loads(sample), json_report.schema())


def test_every_dependency_is_accounted_for() -> None:
    optional = PROJECT["project"]["optional-dependencies"]
    asked = [*PROJECT["project"]["dependencies"], *optional["go"], *optional["pr"], *optional["dev"]]
    names = sorted(re.split(r"[<>=]", requirement)[0] for requirement in asked)
    described = re.findall(r"^\| `([^`]+)`", page("dependencies.md"), re.MULTILINE)
    assert sorted(described) == names


def test_every_dependency_is_imported() -> None:
    code = "".join(p.read_text() for p in (ROOT / "gocodemod").rglob("*.py"))
    names = {"GitPython": "git", "PyGithub": "github", "python-gitlab": "gitlab"}
    for requirement in (*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["pr"]):
        package = re.split(r"[<>=]", requirement)[0]
        name = names.get(package, package.replace("-", "_"))
        assert re.search(rf"^\s*(import|from) {name}\b", code, re.MULTILINE), name


def test_links_between_pages_lead_somewhere() -> None:
    for path in (ROOT / "README.md", *PAGES):
        for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_modules_that_are_named_exist() -> None:
    text = page("architecture.md")
    for name in re.findall(r"`((?:engine|deliver|report|golang|cli|transforms|golden)?/?[a-z_]+\.py)`", text):
        assert (ROOT / "gocodemod" / name).exists() or (ROOT / "tests" / name).exists() or (ROOT / name).exists(), name


def test_the_version_is_in_the_changelog_or_to_be_released() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in changelog or f"## [{gocodemod.__version__}]" in changelog
