"""The passes after the first: what one transform makes possible for another, and transforms that never come to an end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from gocodemod.engine.result import Result
from gocodemod.engine.run import run
from gocodemod.errors import NotIdempotent
from gocodemod.settings import Settings
from gocodemod.transform import Transform
from tests.fakes import swap
from tests.repos import tree

DECLARED = "".join(f"func {name}() {{}}\n" for name in ("ping", "pong", "over"))


def look(root: Path, body: str, transforms: Sequence[Transform]) -> Result:
    tree(
        root,
        {
            "go.mod": "module example.com/m\n\ngo 1.22\n",
            "a.go": f"package p\n\nfunc f() {{\n\t{body}\n}}\n\n{DECLARED}",
        },
    )
    return run([str(root)], Settings(jobs=1), write=False, transforms=transforms)


def test_what_becomes_possible_is_said_and_left_for_the_next_run(tmp_path: Path) -> None:
    result = look(tmp_path, "ping()", [swap("ping", "pong"), swap("pong", "over")])
    assert [(o.site.transform, str(o.kind)) for o in result.outcomes] == [("ping", "fixable")]
    assert b"\tpong()" in result.changed[0].after
    assert result.notes == ("pong: one more fix once these are applied; run again then",)


def test_two_fixes_that_become_possible_are_counted(tmp_path: Path) -> None:
    result = look(tmp_path, "ping()\n\tping()", [swap("ping", "pong"), swap("pong", "over")])
    assert result.notes == ("pong: 2 more fixes once these are applied; run again then",)


def test_a_fix_of_its_own_beside_it_is_no_second_wish(tmp_path: Path) -> None:
    result = look(tmp_path, "ping()\n\tpong()", [swap("ping", "over"), swap("pong", "over")])
    assert [str(o.kind) for o in result.outcomes] == ["fixable", "fixable"]
    assert result.notes == ()


def test_two_transforms_that_undo_each_other_are_an_error_that_names_both(tmp_path: Path) -> None:
    with pytest.raises(NotIdempotent, match=r"bug in ping or pong"):
        look(tmp_path, "ping()", [swap("ping", "pong"), swap("pong", "ping")])


def test_a_transform_that_edits_its_own_result_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(NotIdempotent, match=r"bug in ping:"):
        look(tmp_path, "ping()", [swap("ping", "pong(); ping")])
