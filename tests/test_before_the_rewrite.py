"""What the Go tests of golden cases pin is not so before the rewrite: they fail there, and for the reason that is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gocodemod.golang import toolchain as go
from tests.golden import GOLDEN, Case
from tests.repos import tree

RACE = "WARNING: DATA RACE"


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("counter-race/goroutines-of-a-loop", RACE),
        ("counter-race/ids-that-are-given-out", RACE),
        ("once-success/error-is-kept", "FAIL: TestASuccessCanBeSeen"),
        ("once-success/retry", "FAIL: TestAFailureIsTriedAgainUntilOneSucceeds"),
        ("once-success/retry-gives-each-caller-its-error", "FAIL: TestEachCallerGetsItsError"),
        ("recover-misplaced/defer-recover", "panic: bad"),
    ],
)
def test_fails_before(tmp_path: Path, case: str, says: str) -> None:
    tools = go.find()
    race = go.run([tools.path, "env", "CGO_ENABLED"], cwd="/", timeout=60).stdout.strip() == b"1"
    if says == RACE and not race:
        pytest.skip("the race detector needs a C compiler")
    read = Case.read(GOLDEN / f"{case}.txtar")
    files = {name: data.decode() for name, data in read.inputs.items() if name.endswith(".go")}
    root = tree(tmp_path, {"go.mod": read.go_mod, **files})
    done = go.run([tools.path, "test", *(["-race"] if race else []), "-vet=off", "./..."], cwd=root, timeout=600)
    text = done.stdout.decode() + done.stderr
    assert done.returncode != 0
    assert re.search(re.escape(says), text), text
