"""Go code that the tests of the type checker ask about, and one process that answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gocodemod.golang.facts import Call, Function, Object, Ref, Visible
from gocodemod.golang.types import TypeChecker

SERVICE = b"""package app

import (
	"context"
	"errors"
	sleep "time"
)

type inner struct {
	done   chan struct{}
	hidden int
}

type closer interface{ Close() error }

type Service struct {
	inner
	ctx  context.Context
	quit <-chan struct{}
	feed chan int
	name string
}

var global = make(chan struct{})

func New(ctx context.Context) *Service {
	return &Service{ctx: ctx, quit: ctx.Done(), inner: inner{done: make(chan struct{})}}
}

func (s *Service) Close() error { close(s.done); return nil }

func (s *Service) Run(ctx context.Context, n int) (count int, err error) {
	for {
		select {
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		case <-(s.done):
			count++
		}
		sleep.Sleep(100 * sleep.Millisecond)
		ctx := s.ctx
		_ = ctx
	}
}

func (s *Service) Start(parent context.Context) {
	stop := make(chan struct{})
	send := make(chan<- struct{})
	go func() {
		defer func() { recover() }()
		inside := parent
		_ = inside
		<-stop
	}()
	_, _ = send, errors.New
	work := func(yield func()) { yield() }
	work(func() {})
	close(stop)
}
"""

SHADOW = b"""package app

import "context"

type Ctx = context.Context

func shadowed(ctx Ctx, time int) (nil2 error) {
	{
		ctx := "text"
		_ = ctx + "a"
	}
	var late context.Context
	_, _ = late, time
	return nil
}
"""

RESULTS = b"""package app

import (
	"net/http"
	"time"
	up "net/url"
)

type pair[K comparable, V any] struct { key K; value V }
type level int
type list []int

func results[T any]() (
	int, string, bool, error, time.Duration, time.Time, *int, level, list,
	pair[string, int], [2]int, T, struct{}, http.Header, up.URL, func(),
) {
	panic("results")
}

func hiding(http int) (up.URL, *http2, error) {
	type local struct{}
	_ = func() (local, http2) { panic(1) }
	panic("hiding")
}

type http2 struct{}

func shadows() (r up.URL) {
	up := 1
	_ = up
	return
}
"""

CALLS = b"""package app

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	. "strings"
	"time"
)

type locked struct {
	sync.Mutex
	hook func() error
}

func generic[T any](v T) (T, error) { return v, nil }

func calls(l *locked, ln net.Listener, p *atomic.Pointer[int]) {
	l.Lock()
	defer l.Unlock()
	_, _ = ln.Accept()
	p.Store(nil)
	_ = ToUpper("x")
	generic[int](1)
	(generic(2))
	l.hook()
	go func() { _ = os.Remove("x") }()
	_ = time.Duration(3)
	nosuch(1)
	close := func(int) {}
	close(1)
	l.hook = func() error { return nil }
	_ = locked{hook: func() error { return nil }}
	(*locked).Lock(l)
}
"""

ROLES = b"""package app

import (
	"context"
	"log"
	"sync"
)

type state struct {
	sync.Mutex
	ch    chan int
	count int
}

func roles(ctx context.Context, in chan int, other *state) (out chan int) {
	a, b := two()
	a = 1
	a += b
	a++
	var c, d = 3, a
	in <- c
	v := <-in
	for range in {
	}
	for i := range in {
		_ = i
	}
	p := &d
	s := state{ch: in, count: v}
	go use(in)
	defer s.Lock()
	s.count, other.count = 1, 2
	if in == nil {
		log.Fatal(*p)
	}
	close(in)
	return in
}

func two() (int, int)  { return 1, 2 }
func use(c chan int)   { f := use; f(c) }

func leaving(ctx context.Context, ch chan int) {
loop:
	for {
		select {
		case <-ctx.Done(): // breaks the loop
			break loop
		case <-ch: // breaks the select
			break
		}
		switch {
		default:
			<-ch // panics
			panic("x")
		}
		for {
			<-ch // loop break
			break
		}
		select {
		case x := <-ch: // fatal
			log.Fatalf("%d", x)
		case _, ok := <-ch: // goes on
			_ = ok
		case <-ch: // if both
			if ch != nil {
				return
			} else {
				break loop
			}
		case <-ch: // labelled select
		}
	again:
		select {
		case <-ch: // breaks again
			break again
		}
	}
	go func() {
		<-ch // ends literal
	}()
	<-ctx.Done()
}
"""

HOLDS = b"""package app

import (
	"context"
	"math/big"
	"net/http"
	"time"
	"unsafe"
)

type record struct {
	name  string
	when  time.Time
	inner map[string][]*record
	fails []error
}

type holder[T any] struct{ value T }

func several() (int, *record, chan int, error) { panic(1) }
func handle() (unsafe.Pointer, func(), any)    { panic(1) }

func holding[T any](ctx context.Context, generic T, resp *http.Response, kept record, number *big.Int) {
	_, _, _, _ = several()
	_, _, _ = handle()
	_ = []any{ctx, resp, kept, number, resp.Header, resp.Body, holder[T]{generic}, holder[int]{1}, nowhere}
}
"""

SIGNALS = b"""package app

import (
	"context"
	"net/http"
)

type stream interface {
	Context() context.Context
	SendMsg(any) error
	RecvMsg(any) error
}

type Session struct{ over chan bool }

func (s *Session) Over() <-chan bool { return s.over }

func (s *Session) Context() context.Context { return nil }

func (s *Session) Serve(w http.ResponseWriter, r *http.Request, in stream, stop chan bool, n chan int) {
	made, _ := http.NewRequest("", "", nil)
	for {
		select {
		case <-s.Over(): // leaves
			return
		case <-r.Context().Done(): // goes on
		}
		_, _, _ = s.Context().Err(), made, n
	}
}
"""

CGO = b"""package cgo

// #include <stdlib.h>
import "C"

import "time"

func Use(n C.int) {
	x := C.malloc(4)
	time.Sleep(1)
	_ = x
}
"""

FILES: dict[str, bytes] = {
    "go.mod": b"module example.com/app\n\ngo 1.24.2\n",
    "service.go": SERVICE,
    "shadow.go": SHADOW,
    "results.go": RESULTS,
    "calls.go": CALLS,
    "roles.go": ROLES,
    "holds.go": HOLDS,
    "signals.go": SIGNALS,
    "cgo/cgo.go": CGO,
    "lib/lib.go": b"package lib\n\ntype Lib struct{ n int }\n\nfunc Make(n int) *Lib { return &Lib{n} }\n",
    "lib/export_test.go": b"package lib\n\nfunc (l *Lib) N() int { return l.n }\n",
    "lib/inside_test.go": b'package lib\n\nimport "testing"\n\nfunc TestIn(t *testing.T) { _ = Make(1).n }\n',
    "lib/lib_test.go": (
        b'package lib_test\n\nimport (\n\t"testing"\n\n\t"example.com/app/lib"\n)\n\n'
        b"func TestN(t *testing.T) {\n\tif lib.Make(2).N() != 2 {\n\t\tt.Fatal()\n\t}\n}\n"
    ),
    "use/use.go": b'package use\n\nimport "example.com/app/lib"\n\nfunc Use() { _ = lib.Make(3) }\n',
    "broken/syntax.go": b"package broken\n\nfunc f( {\n",
    "broken/types.go": b'package broken\n\nimport "time"\n\nvar wrong int = "s"\n\nfunc g() { time.Sleep(1) }\n',
    "missing/missing.go": (
        b'package missing\n\nimport (\n\t"context"\n\n\t"example.org/nowhere"\n)\n\n'
        b"func f(ctx context.Context) { x := nowhere.Get(ctx); _ = x }\n"
    ),
    "versions/old.go": b"//go:build go1.20\n\npackage versions\n",
    "versions/new.go": b"//go:build go1.26\n\npackage versions\n",
    "versions/plain.go": b"// Code generated by hand. DO NOT EDIT.\n\npackage versions\n",
    "bytes/bom.go": b"\xef\xbb\xbfpackage bytes\r\n\r\nvar raw = `a\r\nb`\r\n\r\nfunc f() int { return len(raw) }\r\n",
    "bytes/line.go": b"package bytes\n\n//line /nowhere/else.y:700\nfunc g() { f() }\n",
    "systems/only_windows.go": b"package systems\n\nfunc W() {}\n",
    "systems/any.go": b"package systems\n",
    "tools/gen.go": b'//go:build ignore\n\npackage main\n\nimport "time"\n\nfunc main() { time.Sleep(1) }\n',
}


@dataclass
class Module:
    root: Path
    types: TypeChecker

    def path(self, name: str) -> str:
        return str(self.root / name)

    def at(self, name: str, text: bytes, skip: int = 0) -> int:
        """Offset of the text after its first ``skip`` occurrences."""
        data, found = FILES[name], -1
        for _ in range(skip + 1):
            found = data.index(text, found + 1)
        return found

    def refs(self, name: str, text: bytes, skip: int = 0) -> tuple[Ref, ...]:
        start = self.at(name, text, skip)
        return self.types.refs(self.path(name), start, start + len(text))

    def ref(self, name: str, text: bytes, ident: str, skip: int = 0) -> Ref:
        return next(r for r in self.refs(name, text, skip) if r.name == ident)

    def call(self, name: str, text: bytes) -> Call:
        start = self.at(name, text)
        return next(c for c in self.types.calls(self.path(name), start, start + len(text)) if c.start == start)

    def functions(self, name: str, text: bytes, skip: int = 0) -> tuple[Function, ...]:
        return self.types.functions(self.path(name), self.at(name, text, skip))

    def visible(self, name: str, text: bytes) -> tuple[Visible, ...]:
        return self.types.visible(self.path(name), self.at(name, text))

    def object(self, name: str, text: bytes, ident: str, skip: int = 0) -> Object:
        found = self.types.object(self.ref(name, text, ident, skip).object)
        assert found is not None
        return found


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
