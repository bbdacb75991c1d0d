"""examples/legacy: it builds, and has a place for every transform."""

from __future__ import annotations

from pathlib import Path

import pytest

from gocodemod import registry
from gocodemod.engine.run import run
from gocodemod.golang import toolchain as go
from gocodemod.settings import Settings

EXAMPLE = Path(__file__).parent.parent / "examples" / "legacy"


@pytest.mark.parametrize("module", ["", "agent"])
def test_it_builds(module: str) -> None:
    done = go.run([go.find().path, "build", "./..."], cwd=str(EXAMPLE / module), timeout=600)
    assert done.returncode == 0, done.stderr


def test_every_transform_has_a_place_in_it_and_nothing_is_rolled_back() -> None:
    result = run([str(EXAMPLE)], Settings(jobs=1), write=False)
    assert {o.site.transform for o in result.outcomes} == {t.name for t in registry.load()}
    lost = ("types-unavailable", "internal-error")
    assert not [o for o in result.outcomes if o.kind == "rolled-back" or o.reason in lost]
