"""The diff is what git takes, and gives exactly the bytes that `apply` would write."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unidiff.patch import PatchSet

from gocodemod.deliver import lines, patch
from gocodemod.engine.result import Changed, Result
from tests.repos import git, repository

OLD = b"".join(b"line %d\n" % n for n in range(40))
NEW = OLD.replace(b"line 3\n", b"").replace(b"line 30\n", b"line thirty\nand one\n")


def applied(folder: Path, files: dict[str, tuple[bytes, bytes]]) -> dict[str, bytes]:
    """What git makes of the old files with our diff."""
    repository(folder, {name: old for name, (old, _) in files.items()})
    changed = [Changed(str(folder / name), old, new) for name, (old, new) in sorted(files.items())]
    git(folder, "apply", "--check", "-", data=patch.render(changed, str(folder)))
    git(folder, "apply", "-", data=patch.render(changed, str(folder)))
    return {name: (folder / name).read_bytes() for name in files}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD, NEW),
        (NEW, OLD),
        (OLD.replace(b"\n", b"\r\n"), NEW.replace(b"\n", b"\r\n")),
        (OLD.replace(b"\n", b"\r\n"), NEW),
        (OLD.removesuffix(b"\n"), NEW.removesuffix(b"\n")),
        (OLD.removesuffix(b"\n"), NEW),
        (OLD, NEW.removesuffix(b"\n")),
        (b"a\nb", b"a\nc"),
        (b"a\nb", b"b"),
        (b"x", b"y\n"),
        (b"\xff\xfe\n\x80\nold\n\xe9", b"\xff\xfe\n\x80\nnew\n\xe9"),
        (b"a\x0cb\x0b\x1c\x85\nold\n\xe2\x80\xa8\n", b"a\x0cb\x0b\x1c\x85\nnew\n\xe2\x80\xa8\n"),
        (b"a\rb\rc\nold\n", b"a\rb\rc\nnew\n"),
        (b"-- x\n++ y\n@@ -1 +1 @@\n\\ No newline\n", b"-- x\n@@ -1 +1 @@\ndiff --git a/x b/x\n"),
        (b"\n\n\nold\n\n\n", b"\n\nnew\n\n\n\n"),
        (b"\xef\xbb\xbfpackage p\n", b"\xef\xbb\xbfpackage q\n"),
        (b"", b"a\n"),
    ],
)
def test_git_makes_the_same_bytes_of_it(tmp_path: Path, old: bytes, new: bytes) -> None:
    # An empty file with an edit needs git's own flag, so it is only rendered (which checks it).
    if old:
        assert applied(tmp_path, {"a.go": (old, new)}) == {"a.go": new}
    else:
        assert patch.render([Changed(str(tmp_path / "a.go"), old, new)], str(tmp_path))


NAMES = [
    "plain.go",
    "with space.go",
    'quote".go',
    "back\\slash.go",
    "tab\tnewline\n.go",
    "ünïcode.go",
    os.fsdecode(b"latin-\xe9.go"),
    "d b/x b/y.go",
    'a b/"both" b/ü.go',
    " lead and trail /x.go",
    "a/b/c.go",
]


def test_every_file_name_comes_through_git(tmp_path: Path) -> None:
    assert applied(tmp_path, dict.fromkeys(NAMES, (OLD, NEW))) == dict.fromkeys(NAMES, NEW)


@pytest.mark.parametrize("name", [n for n in NAMES if " b/" not in n])
def test_names_are_quoted_as_git_quotes_them(tmp_path: Path, name: str) -> None:
    repository(tmp_path, {name: OLD})
    (tmp_path / name).write_bytes(NEW)
    theirs = git(tmp_path, "diff", "--no-ext-diff").splitlines()
    ours = patch.render([Changed(str(tmp_path / name), OLD, NEW)], str(tmp_path)).splitlines()
    assert ours[:3] == [theirs[0], *theirs[2:4]]


def test_the_diff_is_the_one_that_git_would_show(tmp_path: Path) -> None:
    repository(tmp_path, {"a.go": OLD})
    (tmp_path / "a.go").write_bytes(NEW)
    theirs = git(tmp_path, "diff", "--no-ext-diff").decode().splitlines()
    ours = patch.render([Changed(str(tmp_path / "a.go"), OLD, NEW)], str(tmp_path)).decode().splitlines()
    assert [line for line in ours if not line.startswith("@@")] == [
        line for line in theirs if not line.startswith(("@@", "index"))
    ]


def test_several_files_make_one_patch_set(tmp_path: Path) -> None:
    changed = [Changed(str(tmp_path / name), OLD, NEW) for name in ("a.go", "b/c.go", "same.go")]
    changed[2] = Changed(changed[2].path, OLD, OLD)
    result = Result(str(tmp_path), (), tuple(changed), 3, {})
    parsed = PatchSet(patch.patch(result).decode())
    assert [(file.path, file.added, file.removed) for file in parsed] == [("a.go", 2, 2), ("b/c.go", 2, 2)]
    assert str(parsed).encode() == patch.patch(result)


def test_a_diff_that_does_not_fit_is_an_error() -> None:
    [parsed] = PatchSet(patch.render([Changed("/r/a.go", OLD, NEW)], "/r").decode())
    with pytest.raises(patch.PatchError, match="does not fit"):
        patch.apply(parsed, OLD.replace(b"line 2\n", b"other\n"))


LINE = st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"}\n", b"\r\n", b"\xff\n", b"x\x0c\n"])
TEXT = st.tuples(st.lists(LINE, max_size=40), st.sampled_from([b"", b"end", b"\r"])).map(
    lambda t: b"".join(t[0]) + t[1]
)


@given(TEXT, TEXT)
def test_any_two_texts_round_trip(old: bytes, new: bytes) -> None:
    # Rendering reads the diff again and applies it, and raises where that does not give the new text.
    assert bool(patch.render([Changed("/r/a.go", old, new)], "/r")) == (old != new)


@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.lists(st.sampled_from("abcdef"), max_size=30))
def test_steps_tell_equal_and_different_lines_apart(old: list[str], new: list[str]) -> None:
    steps = list(lines.steps(old, new))
    assert [n for s in steps for n in range(s.old_start, s.old_end)] == list(range(len(old)))
    assert [n for s in steps for n in range(s.new_start, s.new_end)] == list(range(len(new)))
    assert all((old[s.old_start : s.old_end] == new[s.new_start : s.new_end]) is s.equal for s in steps)
    assert all(a.equal is not b.equal for a, b in pairwise(steps))


def test_a_long_file_with_two_changes_takes_no_time() -> None:
    old = [f"{n % 7}\n" if n % 3 else f"unique {n}\n" for n in range(200_000)]
    new = list(old)
    new[5], new[199_990] = "first\n", "last\n"
    assert sum(not step.equal for step in lines.steps(old, new)) == 2
