"""Where transforms come from, and what is said of those that do not load."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from gocodemod import registry
from gocodemod.errors import UsageError
from gocodemod.reasons import REASONS
from tests.repos import tree

PLUGIN = '''"""Does {name}."""
from gocodemod.transform import Transform
transform = Transform("{name}", __doc__, "(call_expression) @site", (b"x",), lambda s, n: n, lambda s, c: None)
'''


def test_our_own_are_loaded_in_order_of_their_names() -> None:
    names = [t.name for t in registry.load()]
    assert names == sorted(names)
    assert "sleep-loop" in names
    assert all(t.title.endswith(".") for t in registry.load())


def test_a_file_named_on_the_command_line(tmp_path: Path) -> None:
    tree(tmp_path, {"my_own.py": PLUGIN.format(name="my_own")})
    file = str(tmp_path / "my_own.py")
    [mine] = [t for t in registry.load([file, file]) if t.name == "my-own"]
    assert mine.title == "Does my_own."


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import nothing_of_that_name", "cannot be loaded: ModuleNotFoundError"),
        ("x = (", "cannot be loaded: SyntaxError"),
        ("transform = 1", "holds no transform"),
        (PLUGIN.format(name="sleep_loop"), "two transforms are named sleep-loop"),
    ],
)
def test_a_plugin_that_is_no_good_is_named(tmp_path: Path, text: str, says: str) -> None:
    tree(tmp_path, {"bad.py": text})
    with pytest.raises(UsageError, match=says) as caught:
        registry.load([str(tmp_path / "bad.py")])
    assert "bad.py" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Python file"):
        registry.load([str(tmp_path / "none.py")])


def test_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(
        tmp_path,
        {
            "their_transform.py": PLUGIN.format(name="theirs"),
            "theirs-1.dist-info/METADATA": "Name: theirs\nVersion: 1\n",
            "theirs-1.dist-info/entry_points.txt": "[gocodemod.transforms]\ntheirs = their_transform:transform\n",
        },
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert "theirs" in [t.name for t in registry.load()]


def test_an_entry_point_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    point = metadata.EntryPoint("broken", "no.such.module", registry.GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    with pytest.raises(UsageError, match=r"the plugin broken \(no.such.module\) cannot be loaded"):
        registry.load()


def test_nothing_is_loaded_from_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, {"transforms/evil.py": "raise SystemExit", "gocodemod_transforms.py": "raise SystemExit"})
    monkeypatch.chdir(tmp_path)
    assert "evil" not in [t.name for t in registry.load()]


def test_reasons_are_named_like_transforms_and_say_a_sentence() -> None:
    assert all(name == name.lower() and " " not in name for name in REASONS)
    assert all(text.endswith(".") for text in REASONS.values())
    assert not {t.name for t in registry.load()} & set(REASONS)


def test_every_transform_says_in_a_few_words_what_its_fixes_do() -> None:
    for transform in registry.load():
        assert 0 < len(transform.subject) <= 50, transform.name
        assert transform.subject[0].islower() and not transform.subject.endswith("."), transform.name
