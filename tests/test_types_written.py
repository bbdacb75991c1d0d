"""How the type checker writes a value's type at a place, and whether such a value wants to be closed."""

from __future__ import annotations

import re
from pathlib import Path

from gocodemod.golang.types import TypeChecker
from tests.gocode import write

WAITS = b"""package waits

import (
	"io"
	"net/url"
	"os"
	"strings"
)

type result struct{ n int }
type holder struct{ file *os.File }
type loop []loop

func waits[T any](
	plain chan int, named chan result, files chan *os.File, holders chan holder, pointers chan *holder,
	many chan []io.ReadCloser, generic chan T, loops chan loop,
) {
	pairs := make(chan map[string]*url.URL)
	p := <-pairs
	var q = <-plain
	n, ok := <-named
	loops2, ok2 := <-loops
	f := <-files
	_, _ = holders, <-holders
	_ = <-pointers
	_ = <-many
	_ = <-generic
	{
		type result struct{ s string }
		hidden := named
		h := <-hidden
		_ = h
	}
	_, _, _, _, _, _, _, _ = p, q, n, ok, f, loops2, ok2, strings.ToUpper
}
"""


def test_types_are_written_as_the_place_can_name_them(tmp_path: Path) -> None:
    write(tmp_path, {"go.mod": b"module example.com/waits\n\ngo 1.25\n", "a.go": WAITS})
    path = str(tmp_path / "a.go")
    found = {}
    with TypeChecker(tmp_path) as types:
        types.load([path])
        for match in re.finditer(rb"<-\w+", WAITS):
            answer = types.expr(path, match.start(), match.end())
            assert answer is not None
            found[match[0]] = (answer.written, answer.closes)
    assert found == {
        b"<-pairs": ("map[string]*url.URL", False),
        b"<-plain": ("int", False),
        b"<-named": ("result", False),
        b"<-loops": ("loop", False),
        b"<-files": ("*os.File", True),
        b"<-holders": ("holder", True),
        b"<-pointers": ("*holder", True),
        b"<-many": ("[]io.ReadCloser", True),
        b"<-generic": ("T", False),
        b"<-hidden": (None, False),
    }
