"""Whether code ends by itself, and what it waits for where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gocodemod.analysis import endings, flow, locks, receives
from gocodemod.analysis.endings import Ending, Verdict
from gocodemod.analysis.receives import Until
from gocodemod.analysis.view import View
from gocodemod.golang.source import Source
from gocodemod.golang.types import TypeChecker
from gocodemod.golang.versions import Language
from gocodemod.transform import Context
from tests.repos import tree

CODE = """package app

import (
	"bytes"
	"container/list"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"

	"example.com/app/lib"
)

type closer interface{ Close() error }

type doer interface{ do() }

type blocked struct{ c chan int }

func (b blocked) do() { <-b.c }

type server struct {
	mu    sync.Mutex
	done  chan struct{}
	ctx   context.Context
	conn  net.Conn
	items chan int
	hook  func()
}

func (s *server) Done() <-chan struct{} { return s.done }

func (s *server) loop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case item := <-s.items:
			fmt.Println(item)
		}
	}
}

// Ends.

func sleeps()              { time.Sleep(time.Second); fmt.Println("x"); defer os.Remove("x") }
func counts(n int)         { for i := 0; i < n; i++ { fmt.Println(i) } }
func halves(n int)         { for n > 0 { n /= 2 } }
func shrinks(q []int)      { for len(q) > 0 { fmt.Println(q[0]); q = q[1:] } }
func walks(l *list.List)   { for e := l.Front(); e != nil; e = e.Next() { fmt.Println(e.Value) } }
func ranges(m map[int]int) { for range m { } }
func calls()               { sleeps(); lib.Ends() }
func timed()               { select { case <-time.After(time.Second): } }
func timer()               { t := time.NewTimer(time.Second); defer t.Stop(); <-t.C }
func tries(c chan int)     { select { case c <- 1: default: } }
func deadline(p context.Context) { ctx, cancel := context.WithTimeout(p, time.Second); defer cancel(); <-ctx.Done() }
func roomy()               { c := make(chan int, 1); go func() { c <- 1 }() }
func buffers()             { var b bytes.Buffer; fmt.Fprintf(&b, "x"); json.Marshal(1); fmt.Fprintln(os.Stderr, "x") }
func apart()               { go func() { for { } }() }
func lockUnlock(s *server) { s.mu.Lock(); defer s.mu.Unlock(); s.done = nil }

// Never.

func spins()             { for { } }
func spinsInside()       { for { time.Sleep(1) } }
func panics()            { for { if os.Getpid() == 0 { panic("x") } } }
func selects()           { select {} }
func ticks()             { for range time.Tick(time.Second) { } }
func serves()            { http.ListenAndServe(":0", nil) }
func servesDeep()        { defer fmt.Println("x"); serves() }
func listens(s *http.Server, l net.Listener) { s.Serve(l) }

// Unknown.

func polls()                     { for os.Getpid() == 0 { } }
func flag(s *server)             { for s.done == nil { time.Sleep(1) } }
func accepts(l net.Listener)     { l.Accept() }
func copies(s *server)           { io.Copy(io.Discard, s.conn) }
func runs(c *exec.Cmd)           { c.Run() }
func group(wg *sync.WaitGroup)   { wg.Wait() }
func cond(c *sync.Cond)          { c.Wait() }
func reads(s *server)            { var b [1]byte; s.conn.Read(b[:]) }
func untilFailure(s *server)     { for { if _, err := s.conn.Write(nil); err != nil { return } } }
func retries(f func() error)     { for err := f(); err != nil; err = f() { } }
func inSomeRounds(s *server, n int) { for { if n > 3 { select { case <-s.done: return; default: } } } }
func afterContinue(s *server, n int) { for { if n > 3 { continue }; select { case <-s.done: return; default: } } }
func changesSometimes(s *server) { run := true; for run { select { case <-s.done: run = false; case <-time.After(1): } } }
func recurses(n int)             { if n > 0 { recurses(n - 1) } }
func jumps() { again: time.Sleep(1); goto again }
func implemented(d doer) { d.do() }
func values(seq func(func(int) bool)) { for range seq { } }

// Waits.

func receivesDone(s *server)   { <-s.done }
func waitsForContext(ctx context.Context) { <-ctx.Done(); fmt.Println("x") }
func asks(ctx context.Context) { for ctx.Err() == nil { time.Sleep(1) } }
func looksFirst(s *server)     { for { select { case <-s.done: return; default: }; time.Sleep(1) } }
func checksErr(ctx context.Context) { for { if ctx.Err() != nil { return }; time.Sleep(1) } }
func drains(s *server)         { for item := range s.items { fmt.Println(item) } }
func sends(c chan int)         { c <- 1 }
func byMethod(s *server)       { <-s.Done() }
func byCall(s *server)         { s.loop(s.ctx) }
func derived(s *server)        { ctx, cancel := context.WithCancel(s.ctx); defer cancel(); <-ctx.Done() }
func limited(s *server)        { select { case <-time.After(time.Second): case <-s.done: } }
func alias(s *server)          { done := s.ctx.Done(); <-done }

// Unseen.

func unseen(s *server, c closer, f func()) { c.Close(); f(); s.hook(); s.conn.Close() }
"""
LIB = "package lib\n\nfunc Ends() {}\n"


class Code:
    def __init__(self, root: Path, types: TypeChecker) -> None:
        self.path = str(root / "app.go")
        self.source = Source.parse(self.path, CODE.encode())
        self.context = Context(types, Language((1, 24), (1, 24)), lambda p: Source.parse(p, Path(p).read_bytes()))

    def view(self, name: str) -> View:
        start = CODE.index(f"func {name}(") if f"func {name}(" in CODE else CODE.index(f") {name}(")
        node = self.source.node_at(start, start + 4)
        while node.type not in flow.FUNCTIONS:
            assert node.parent is not None
            node = node.parent
        body = flow.body(node)
        assert body is not None
        view = View.around(self.source, self.context.facts, body, self.context.language)
        assert view is not None
        return view

    def ending(self, name: str) -> Ending:
        view = self.view(name)
        return endings.of(self.context, view, view.node)

    def field(self, name: str) -> str:
        at = CODE.index(f"\t{name} ", CODE.index("type server")) + 1
        return self.context.facts.refs(self.path, at, at + len(name))[0].object


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Code]:
    root = tree(
        tmp_path_factory.mktemp("endings").resolve(),
        {"go.mod": "module example.com/app\n\ngo 1.24\n", "app.go": CODE, "lib/lib.go": LIB},
    )
    with TypeChecker(root) as types:
        types.load([str(root / "app.go")])
        yield Code(root, types)


def functions(heading: str) -> list[str]:
    """The names declared below a heading."""
    part = CODE.split(f"// {heading}.\n")[1].split("\n// ")[0]
    return [line.split("(")[0].removeprefix("func ") for line in part.splitlines() if line.startswith("func ")]


@pytest.mark.parametrize("name", functions("Ends"))
def test_ends(code: Code, name: str) -> None:
    found = code.ending(name)
    assert (found.verdict, found.why, found.unseen) == (Verdict.ENDS, "", ())


@pytest.mark.parametrize("name", functions("Never"))
def test_never_ends(code: Code, name: str) -> None:
    found = code.ending(name)
    assert found.verdict is Verdict.NEVER
    assert found.why.endswith(" is endless") or found.why.startswith(("select {}", "http.", "(*http."))


def test_a_call_on_the_way_is_named(code: Code) -> None:
    assert code.ending("servesDeep").why == "http.ListenAndServe serves in serves"


@pytest.mark.parametrize("name", functions("Unknown"))
def test_nobody_knows(code: Code, name: str) -> None:
    found = code.ending(name)
    assert found.verdict is Verdict.UNKNOWN, found
    assert found.why


@pytest.mark.parametrize("name", functions("Waits"))
def test_waits(code: Code, name: str) -> None:
    found = code.ending(name)
    assert found.verdict is Verdict.WAITS, found
    assert found.waits


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("receivesDone", "done"),
        ("byMethod", "done"),
        ("looksFirst", "done"),
        ("byCall", "ctx"),
        ("derived", "ctx"),
        ("alias", "ctx"),
        ("drains", "items"),
    ],
)
def test_what_ends_a_wait_is_traced_to_its_origin(code: Code, name: str, field: str) -> None:
    found = code.ending(name)

    def fires(wanted: str) -> bool:
        def fired(until: Until) -> bool:
            return until.object == wanted

        return all(
            any(receives.fires(code.context, found.reach, w.body, u, fired) for u in w.until) for w in found.waits
        )

    assert fires(code.field(field))
    assert not fires(code.field("conn"))


def test_calls_out_of_sight_are_named_function_values_apart(code: Code) -> None:
    found = code.ending("unseen")
    assert found.verdict is Verdict.ENDS
    assert found.unseen == ("(app.closer).Close", "f", "s.hook", "(net.Conn).Close")
    assert found.values == ("f", "s.hook")


def test_locks_that_are_taken(code: Code) -> None:
    [lock] = locks.taken(code.ending("lockUnlock").reach)
    assert (lock.text, lock.object, lock.alias) == ("s.mu", code.field("mu"), False)
