"""Two transforms that find the same place: one of them rewrites it, the other says so."""

from __future__ import annotations

from pathlib import Path

from gocodemod import registry
from gocodemod.engine.run import run
from gocodemod.settings import Settings
from tests.repos import tree

POLL = """package p

import (
	"context"
	"time"
)

func await(ctx context.Context, work func()) error {
	ready := false
	go func() {
		work()
		ready = true
	}()
	for !ready {
		time.Sleep(time.Second)
	}
	return nil
}
"""


def outcomes(root: Path, *names: str) -> dict[str, str]:
    transforms = [t for t in registry.load() if t.name in names]
    result = run([str(root)], Settings(jobs=1), write=False, transforms=transforms)
    return {o.site.transform: f"{o.kind} {o.reason}".strip() for o in result.outcomes}


def test_a_poll_of_a_flag_is_not_made_a_timer_as_well(tmp_path: Path) -> None:
    root = tree(tmp_path.resolve(), {"go.mod": "module example.com/p\n\ngo 1.24\n", "p.go": POLL})
    assert outcomes(root, "cond-poll", "sleep-loop") == {"cond-poll": "fixable", "sleep-loop": "conflicted"}
    assert outcomes(root, "sleep-loop") == {"sleep-loop": "fixable"}
