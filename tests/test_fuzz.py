"""Damaged and monstrous Go files; ``make fuzz`` tries more of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from gocodemod import registry
from gocodemod.engine.discover import GoFile
from gocodemod.engine.match import search_file
from gocodemod.settings import Settings
from tests import fuzz, sweep
from tests.repos import tree

ORIGINALS = fuzz.files()
TRANSFORMS = registry.selected(Settings())
HEAD = b'package p\n\nimport (\n\t"context"\n\t"time"\n)\n\nfunc work() {}\n\nfunc f(ctx context.Context) {\n'
LOOP = b"for {\nwork()\ntime.Sleep(time.Second)\n}\n"
MANY = 10_000
MONSTERS = {
    "blocks": HEAD + b"{" * MANY + LOOP + b"}" * MANY + b"}\n",
    "goroutines": HEAD + b"go func() {\n" * MANY + LOOP + b"}()\n" * MANY + b"}\n",
    "else if": HEAD + b"if ctx != nil {\n}" + b" else if ctx == nil {\n}" * MANY + b"\n" + LOOP + b"}\n",
    "parentheses": HEAD + b"_ = " + b"(" * MANY + b"1" + b")" * MANY + b"\n" + LOOP + b"}\n",
    "open brackets": HEAD + LOOP + b"_ = (" * MANY,
    "statements": HEAD + b"work()\n" * 3000 + LOOP + b"}\n",
    # One of 20 MB is looked at in test_match.py, and by hand.
    "long line": HEAD + b"_ = `" + b"y" * 2_000_000 + b"`\n" + LOOP + b"}\n",
    "invalid UTF-8": HEAD + LOOP + b"_ = \xff\xfe\n}\n",
    "zeros": HEAD + LOOP + b"}\n" + b"\x00" * 1000,
}


@seed(1)
@settings(max_examples=150, deadline=None, database=None)
@given(st.integers(min_value=0, max_value=2**32))
def test_no_damage_makes_the_search_raise(number: int) -> None:
    chance = random.Random(number)
    data = fuzz.damaged(chance.choice(ORIGINALS), chance, ORIGINALS)
    search_file(GoFile("/x/p.go", data), TRANSFORMS, "/x")


def test_damaged_files_are_never_edited_where_go_rejects_them_and_well_where_it_does_not(tmp_path: Path) -> None:
    swept = fuzz.one_round(tmp_path.resolve(), 1, 40)
    assert swept.faults == []
    assert swept.sites and swept.changed


@pytest.mark.parametrize("name", MONSTERS)
def test_monsters_do_no_harm(name: str, tmp_path: Path) -> None:
    root = tree(tmp_path.resolve(), {"go.mod": "module m\n\ngo 1.24\n", "p.go": MONSTERS[name]})
    assert sweep.guarded(sweep.Lot(str(root), (str(root / "p.go"),)), 300).faults == []
