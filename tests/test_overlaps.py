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


# Both compile, and a return inside the literal would end the round instead of the goroutine.
OPENS = """package p

import (
	"context"
	"os"
	"time"
)

func watch(ctx context.Context, names []string) {
	go func() {
		for _, name := range names {
			f, err := os.Open(name)
			if err != nil {
				continue
			}
			defer f.Close()
			f.Stat()
			time.Sleep(time.Second)
		}
	}()
}
"""


def test_a_return_is_not_put_into_the_literal_that_another_fix_makes(tmp_path: Path) -> None:
    root = tree(tmp_path.resolve(), {"go.mod": "module example.com/p\n\ngo 1.24\n", "p.go": OPENS})
    assert outcomes(root, "sleep-loop") == {"sleep-loop": "fixable"}
    assert outcomes(root, "defer-in-loop", "sleep-loop") == {"defer-in-loop": "fixable", "sleep-loop": "conflicted"}
