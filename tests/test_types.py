"""The type checker and its client, on small modules. One process serves most tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gocodemod.errors import ToolchainError, TypesUnavailable
from gocodemod.golang import toolchain as go
from gocodemod.golang.facts import Call, Function, Object, Ref, Visible
from gocodemod.golang.types import FormatError, TypeChecker

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


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Module]:
    root = tmp_path_factory.mktemp("app").resolve()
    write(root, FILES)
    with TypeChecker(root, env={"CGO_ENABLED": "1", "GOOS": "linux", "GOARCH": "amd64"}) as types:
        types.load([str(root / name) for name in FILES if name.endswith(".go")])
        yield Module(root, types)


class TestLoad:
    def test_a_file_is_described_by_its_package(self, module: Module) -> None:
        file = module.types.file(module.path("service.go"))
        assert (file.package, file.package_name, file.parse_error) == ("example.com/app", "app", "")
        assert (file.go_version, file.module_go, file.complete, file.generated) == ("go1.24", "1.24.2", True, False)

    def test_a_build_line_sets_the_language_version_of_its_file(self, module: Module) -> None:
        versions = {n: module.types.file(module.path(f"versions/{n}.go")).go_version for n in ("old", "new", "plain")}
        assert versions == {"old": "go1.21", "new": "go1.26", "plain": "go1.24"}

    def test_generated_files_are_told(self, module: Module) -> None:
        assert module.types.file(module.path("versions/plain.go")).generated

    def test_tests_belong_to_their_packages(self, module: Module) -> None:
        packages = [module.types.file(module.path(f"lib/{n}_test.go")).package for n in ("inside", "export", "lib")]
        assert packages == ["example.com/app/lib", "example.com/app/lib", "example.com/app/lib_test"]

    def test_a_syntax_error_is_reported_and_does_not_stop_its_package(self, module: Module) -> None:
        assert module.types.file(module.path("broken/syntax.go")).parse_error.startswith("3:")
        assert module.call("broken/types.go", b"time.Sleep(1)").name == "time.Sleep"

    def test_a_missing_dependency_makes_the_package_incomplete_and_its_values_unknown(self, module: Module) -> None:
        assert not module.types.file(module.path("missing/missing.go")).complete
        assert module.object("missing/missing.go", b"x :=", "x").type == ""
        assert [v.text for v in module.visible("missing/missing.go", b"_ = x")] == ["ctx"]
        assert module.call("missing/missing.go", b"nowhere.Get(ctx)").kind == "unknown"

    def test_an_excluded_file_is_no_error_but_cannot_be_asked_about(self, module: Module) -> None:
        path = module.path("systems/only_windows.go")
        assert module.types.load([path])[path].excluded
        with pytest.raises(TypesUnavailable, match="only_windows"):
            module.types.refs(path, 0, 10)

    def test_a_file_that_was_not_loaded_cannot_be_asked_about(self, module: Module) -> None:
        with pytest.raises(TypesUnavailable):
            module.types.calls("/nowhere/x.go", 0, 1)

    def test_a_file_that_is_gone_is_excluded(self, module: Module) -> None:
        path = module.path("nosuch.go")
        assert module.types.load([path])[path].excluded

    def test_cgo_files_are_checked_and_what_comes_from_c_is_unknown(self, module: Module) -> None:
        assert module.types.file(module.path("cgo/cgo.go")).complete
        assert module.call("cgo/cgo.go", b"time.Sleep(1)").name == "time.Sleep"
        assert module.object("cgo/cgo.go", b"x :=", "x").type == ""


class TestExpr:
    def test_type_and_constant_of_an_expression(self, module: Module) -> None:
        text = b"100 * sleep.Millisecond"
        start = module.at("service.go", text)
        found = module.types.expr(module.path("service.go"), start, start + len(text))
        assert found is not None
        assert (found.type, found.underlying, found.constant) == ("time.Duration", "int64", "100000000")

    def test_nothing_where_no_expression_has_that_range(self, module: Module) -> None:
        start = module.at("service.go", b"100 *")
        assert module.types.expr(module.path("service.go"), start, start + 5) is None

    def test_several_at_once(self, module: Module) -> None:
        a, b = module.at("service.go", b"s.ctx.Done()"), module.at("service.go", b"(s.done):")
        first, second = module.types.exprs(module.path("service.go"), [(a, a + 12), (b, b + 8)])
        assert first and second and (first.type, second.type) == ("<-chan struct{}", "chan struct{}")

    def test_offsets_are_bytes_of_the_raw_file(self, module: Module) -> None:
        path, start = module.path("bytes/bom.go"), module.at("bytes/bom.go", b"`a")
        raw = module.types.expr(path, start, start + 6)
        assert raw is not None and raw.constant == r'"a\nb"'
        assert module.ref("bytes/bom.go", b"raw =", "raw").value_end == start + 6
        assert module.call("bytes/bom.go", b"len(raw)").name == "len"

    def test_line_directives_are_ignored(self, module: Module) -> None:
        call = module.call("bytes/line.go", b"f()")
        declared = module.types.object(call.object)
        assert declared is not None and declared.path == module.path("bytes/bom.go")
        assert declared.start == module.at("bytes/bom.go", b"f()")
        (own,) = [u for u in module.types.uses(declared.id) if u.path == module.path("bytes/line.go")]
        assert own.start == call.start


class TestLookupAndVisible:
    def test_a_name_means_its_innermost_declaration(self, module: Module) -> None:
        path = module.path("shadow.go")
        inner = module.types.lookup(path, module.at("shadow.go", b"_ = ctx"), "ctx")
        outer = module.types.lookup(path, module.at("shadow.go", b"return nil"), "ctx")
        assert inner and outer and (inner.type, outer.type) == ("string", "context.Context")
        assert (inner.kind, outer.kind, outer.scope) == ("var", "param", "function")

    def test_a_shadowed_package_name_is_no_package(self, module: Module) -> None:
        found = module.types.lookup(module.path("shadow.go"), module.at("shadow.go", b"return nil"), "time")
        assert found is not None and found.kind == "param"

    def test_packages_are_found_by_the_name_the_file_gives_them(self, module: Module) -> None:
        path, offset = module.path("service.go"), module.at("service.go", b"sleep.Sleep")
        found = module.types.lookup(path, offset, "sleep")
        assert found is not None
        assert (found.kind, found.package, found.id, found.scope) == ("package", "time", "pkg:time", "file")
        assert module.types.lookup(path, offset, "time") is None

    def test_predeclared_names_are_found(self, module: Module) -> None:
        found = module.types.lookup(module.path("service.go"), module.at("service.go", b"sleep.Sleep"), "close")
        assert found is not None and (found.kind, found.id, found.scope) == ("builtin", "builtin:close", "universe")

    def test_a_name_declared_later_is_not_there_yet(self, module: Module) -> None:
        path = module.path("shadow.go")
        assert module.types.lookup(path, module.at("shadow.go", b"var late"), "late") is None
        assert "late" not in [v.text for v in module.visible("shadow.go", b"var late")]
        assert [v.text for v in module.visible("shadow.go", b"return nil")] == ["late", "ctx", "global"]

    def test_a_shadowed_context_is_not_offered(self, module: Module) -> None:
        assert [v.text for v in module.visible("shadow.go", b"_ = ctx")] == ["global"]

    def test_fields_of_the_receiver_are_offered_promoted_ones_too(self, module: Module) -> None:
        found = {v.text: (v.family, v.place) for v in module.visible("service.go", b"sleep.Sleep")}
        assert found == {
            "ctx": ("context", "param"),
            "s.ctx": ("context", "field"),
            "s.quit": ("channel", "field"),
            "s.done": ("channel", "field"),
            "global": ("channel", "package"),
        }

    def test_a_field_names_its_base(self, module: Module) -> None:
        field = next(v for v in module.visible("service.go", b"sleep.Sleep") if v.text == "s.done")
        assert field.base is not None and (field.base.kind, field.object.kind) == ("receiver", "field")

    def test_inside_a_literal_the_outer_variables_are_captured(self, module: Module) -> None:
        found = {v.text: v.place for v in module.visible("service.go", b"<-stop")}
        assert found["inside"] == "local"
        assert found["stop"] == found["parent"] == "captured"
        assert found["s.ctx"] == "field"
        assert "send" not in found, "a send-only channel cannot be received from"

    def test_testing_values_are_offered_in_tests(self, module: Module) -> None:
        (found,) = module.visible("lib/lib_test.go", b"t.Fatal")
        assert (found.text, found.family, found.place, found.object.type) == ("t", "testing", "param", "*testing.T")


class TestRefs:
    def test_every_identifier_in_the_range_in_order(self, module: Module) -> None:
        assert [r.name for r in module.refs("service.go", b"sleep.Sleep(100 * sleep.Millisecond)")] == [
            "sleep", "Sleep", "sleep", "Millisecond",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("text", "ident", "role"),
        [
            (b"a, b :=", "a", "define"),
            (b"a = 1", "a", "assign"),
            (b"a += b", "a", "update"),
            (b"a += b", "b", "read"),
            (b"a++", "a", "update"),
            (b"var c, d", "d", "define"),
            (b"in <- c", "in", "send"),
            (b"in <- c", "c", "read"),
            (b"<-in\n", "in", "receive"),
            (b"for range in", "in", "range"),
            (b"for i := range in", "i", "define"),
            (b"&d", "d", "address"),
            (b"state{ch: in", "ch", "key"),
            (b"state{ch: in", "in", "read"),
            (b"go use(in)", "use", "go-call"),
            (b"go use(in)", "in", "argument"),
            (b"defer s.Lock()", "Lock", "defer-call"),
            (b"defer s.Lock()", "s", "base"),
            (b"s.count, other.count =", "count", "assign"),
            (b"in == nil", "in", "compare"),
            (b"close(in)", "in", "close"),
            (b"close(in)", "close", "call"),
            (b"return in", "in", "return"),
            (b"func roles(", "roles", "declare"),
            (b"in chan int, other", "in", "declare"),
            (b"count int\n", "count", "declare"),
            (b"f := use", "use", "read"),
            (b"f(c)", "f", "call"),
        ],
    )
    def test_how_an_identifier_is_used(self, module: Module, text: bytes, ident: str, role: str) -> None:
        assert module.ref("roles.go", text, ident).role == role

    def test_the_value_of_an_assignment(self, module: Module) -> None:
        data = FILES["roles.go"]

        def value(text: bytes, ident: str) -> tuple[bytes, int]:
            ref = module.ref("roles.go", text, ident)
            return data[ref.value_start : ref.value_end], ref.value_index

        assert value(b"a, b := two()", "b") == (b"two()", 1)
        assert value(b"var c, d = 3, a", "d") == (b"a", 0)
        assert value(b"state{ch: in", "ch") == (b"in", 0)
        assert module.ref("roles.go", b"a += b", "a").value_start == -1

    def test_an_embedded_field_is_declared_and_its_type_is_read(self, module: Module) -> None:
        found = [(r.name, r.role) for r in module.refs("roles.go", b"sync.Mutex")]
        assert found == [("sync", "base"), ("Mutex", "declare"), ("Mutex", "read")]

    def test_the_outer_expression_is_the_longest_selector_with_parentheses(self, module: Module) -> None:
        ref = module.ref("service.go", b"<-(s.done)", "done")
        assert FILES["service.go"][ref.outer_start : ref.outer_end] == b"(s.done)"
        assert (ref.role, ref.leaves, ref.function, ref.literals) == ("select-receive", False, "Service.Run", ())

    def test_waiting_for_a_context_is_a_receive_of_the_context(self, module: Module) -> None:
        refs = {r.name: r for r in module.refs("service.go", b"<-s.ctx.Done()")}
        assert (refs["s"].role, refs["s"].selected) == ("base", "ctx")
        assert (refs["ctx"].role, refs["ctx"].selected, refs["ctx"].leaves) == ("select-receive", "Done", True)
        assert (refs["Done"].role, refs["Done"].leaves) == ("select-receive", True)
        assert module.ref("service.go", b"ctx.Done(), inner", "ctx").role == "base"

    @pytest.mark.parametrize(
        ("comment", "leaves"),
        [
            (b"// breaks the loop", True),
            (b"// breaks the select", False),
            (b"// panics", True),
            (b"// loop break", True),
            (b"// fatal", True),
            (b"// goes on", False),
            (b"// if both", True),
            (b"// labelled select", False),
            (b"// breaks again", False),
            (b"// ends literal", True),
        ],
    )
    def test_whether_a_receive_leaves(self, module: Module, comment: bytes, leaves: bool) -> None:
        end = module.at("roles.go", comment)
        start = FILES["roles.go"].rindex(b"<-", 0, end)
        receives = [r for r in module.types.refs(module.path("roles.go"), start, end) if "receive" in r.role]
        assert receives and all(r.leaves is leaves for r in receives)

    def test_a_receive_at_the_end_of_the_function_leaves(self, module: Module) -> None:
        assert module.ref("roles.go", b"\t<-ctx.Done()\n}", "ctx").leaves

    def test_the_literals_around(self, module: Module) -> None:
        ref = module.ref("service.go", b"<-stop", "stop")
        assert ref.literals == (module.at("service.go", b"func() {\n\t\tdefer"),)


class TestUsesAndObjects:
    def test_the_uses_of_a_field_in_its_package(self, module: Module) -> None:
        field = module.object("service.go", b"done   chan", "done")
        assert (field.kind, field.scope, field.type, field.exported) == ("field", "member", "chan struct{}", False)
        roles = [u.role for u in module.types.uses(field.id)]
        assert roles == ["declare", "key", "close", "select-receive"]

    def test_the_uses_of_a_local_variable(self, module: Module) -> None:
        stop = module.ref("service.go", b"stop := make", "stop").object
        assert [u.role for u in module.types.uses(stop)] == ["define", "receive", "close"]

    def test_uses_include_tests_once_a_test_was_loaded(self, module: Module) -> None:
        make = module.ref("lib/lib.go", b"func Make", "Make").object
        assert {os.path.basename(u.path) for u in module.types.uses(make)} == {"lib.go", "inside_test.go"}

    def test_objects_of_dependencies_have_no_uses(self, module: Module) -> None:
        called = module.call("service.go", b"sleep.Sleep(100 * sleep.Millisecond)").object
        assert module.types.uses(called) == ()
        described = module.types.object(called)
        assert described is not None and (described.kind, described.package, described.scope) == (
            "func",
            "time",
            "package",
        )

    def test_one_object_has_one_identity_across_packages(self, module: Module) -> None:
        there = module.ref("lib/lib.go", b"func Make", "Make").object
        assert module.ref("use/use.go", b"lib.Make", "Make").object == there
        assert module.ref("lib/lib_test.go", b"lib.Make", "Make").object == there
        assert module.ref("lib/inside_test.go", b"Make(1)", "Make").object == there

    def test_an_object_nobody_knows(self, module: Module) -> None:
        assert module.types.object("/nowhere.go:3:x") is None
        assert module.types.uses("/nowhere.go:3:x") == ()
        assert module.types.uses("builtin:close") == ()

    def test_a_method_knows_whether_an_interface_asks_for_it(self, module: Module) -> None:
        close, run = (module.object("service.go", b"Service) " + n.encode(), n) for n in ("Close", "Run"))
        assert (close.kind, close.in_interface, run.in_interface) == ("method", True, False)

    def test_aliases_are_resolved(self, module: Module) -> None:
        assert module.object("shadow.go", b"ctx Ctx", "ctx").type == "context.Context"


class TestCalls:
    @pytest.mark.parametrize(
        ("text", "name", "kind"),
        [
            (b"l.Lock()", "(*sync.Mutex).Lock", "method"),
            (b"ln.Accept()", "(net.Listener).Accept", "interface-method"),
            (b"p.Store(nil)", "(*sync/atomic.Pointer[T]).Store", "method"),
            (b'ToUpper("x")', "strings.ToUpper", "function"),
            (b"generic[int](1)", "example.com/app.generic", "function"),
            (b"generic(2)", "example.com/app.generic", "function"),
            (b"l.hook()", "", "value"),
            (b'func() { _ = os.Remove("x") }()', "", "literal"),
            (b"nosuch(1)", "", "unknown"),
            (b"close(1)", "", "value"),
            (b"(*locked).Lock(l)", "(*sync.Mutex).Lock", "method"),
        ],
    )
    def test_what_is_called(self, module: Module, text: bytes, name: str, kind: str) -> None:
        call = module.call("calls.go", text)
        assert (call.name, call.kind) == (name, kind)

    def test_conversions_are_no_calls(self, module: Module) -> None:
        start = module.at("calls.go", b"time.Duration(3)")
        assert module.types.calls(module.path("calls.go"), start, start + 16) == ()

    def test_the_receiver_is_what_stands_before_the_method(self, module: Module) -> None:
        call = module.call("calls.go", b"ln.Accept()")
        assert FILES["calls.go"][call.receiver_start : call.receiver_end] == b"ln"
        assert module.call("calls.go", b"(*locked).Lock(l)").receiver_start == -1

    def test_how_a_call_stands(self, module: Module) -> None:
        texts = (b"l.Lock()", b"l.Unlock()", b"func() { _ =", b"ln.Accept()", b"generic(2)")
        found = []
        for text in texts:
            start = module.at("calls.go", text)
            calls = module.types.calls(module.path("calls.go"), start, len(FILES["calls.go"]))
            found.append(next(c for c in calls if c.start == start).statement)
        assert found == ["expr", "defer", "go", "", "expr"]

    def test_whether_the_last_result_is_an_error(self, module: Module) -> None:
        texts = (b"l.Lock()", b"ln.Accept()", b"generic[int](1)", b"l.hook()")
        assert [module.call("calls.go", t).returns_error for t in texts] == [False, True, True, True]


class TestFunctions:
    def test_the_functions_around_an_offset_innermost_first(self, module: Module) -> None:
        inner, middle, outer = module.functions("service.go", b"recover()")
        assert (inner.kind, inner.started) == ("literal", "defer")
        assert (middle.kind, middle.started) == ("literal", "go")
        assert (outer.kind, outer.name, outer.started) == ("declaration", "Service.Start", "")
        assert outer.object == module.ref("service.go", b"Start(", "Start").object
        assert FILES["service.go"][outer.body_start : outer.body_end].startswith(b"{\n\tstop")
        assert FILES["service.go"][outer.end - 1 : outer.end] == b"}"

    def test_no_function_at_package_level(self, module: Module) -> None:
        assert module.functions("service.go", b"var global") == ()

    def test_a_literal_that_is_an_argument_names_the_callee(self, module: Module) -> None:
        literal = module.functions("service.go", b"func() {})\n")[0]
        assert (literal.started, literal.callee) == ("argument", "")
        literal = module.functions("service.go", b"yield() }")[0]
        assert (literal.started, literal.variable) == ("assigned", module.ref("service.go", b"work :=", "work").object)
        assert [p.name for p in literal.params] == ["yield"]

    def test_a_literal_assigned_to_a_field_names_the_field(self, module: Module) -> None:
        field = module.ref("calls.go", b"hook func", "hook").object
        plain = module.functions("calls.go", b"return nil }\n")[0]
        assert (plain.started, plain.variable) == ("assigned", field)
        keyed = module.functions("calls.go", b"return nil }}")[0]
        assert (keyed.started, keyed.variable) == ("assigned", field)

    def test_params_and_results(self, module: Module) -> None:
        (run,) = module.functions("service.go", b"sleep.Sleep")
        assert [(p.name, p.kind, p.type) for p in run.params] == [
            ("ctx", "param", "context.Context"),
            ("n", "param", "int"),
        ]
        assert [(r.name, r.type, r.zero, r.is_error) for r in run.results] == [
            ("count", "int", "0", False),
            ("err", "error", "nil", True),
        ]

    def test_zero_values_as_go_text(self, module: Module) -> None:
        (function,) = module.functions("results.go", b'panic("results")')
        assert [r.zero for r in function.results] == [
            "0", '""', "false", "nil", "0", "time.Time{}", "nil", "0", "nil", "pair[string, int]{}", "[2]int{}",
            "*new(T)", "struct{}{}", "nil", "up.URL{}", "nil",
        ]  # fmt: skip

    def test_local_types_are_spelled_where_they_are_visible(self, module: Module) -> None:
        literal = module.functions("results.go", b"panic(1)")[0]
        assert [r.zero for r in literal.results] == ["local{}", "http2{}"]

    def test_a_shadowed_package_cannot_spell_a_zero_value(self, module: Module) -> None:
        start = FILES["results.go"].rindex(b"return")
        (function,) = module.types.functions(module.path("results.go"), start)
        assert [r.zero for r in function.results] == [None]


class TestOverlay:
    def test_questions_see_the_overlay_and_identities_move_with_it(self, module: Module) -> None:
        path = module.path("lib/lib.go")
        changed = FILES["lib/lib.go"].replace(b"package lib", b'package lib\n\nimport _ "time"')
        try:
            module.types.overlay({path: changed})
            there = changed.index(b"Make")
            assert module.types.refs(path, there, there + 4)[0].object == f"{path}:{there}:Make"
            assert module.ref("use/use.go", b"lib.Make", "Make").object == f"{path}:{there}:Make"
        finally:
            module.types.overlay({})
        assert module.ref("use/use.go", b"lib.Make", "Make").object == f"{path}:{module.at('lib/lib.go', b'Make')}:Make"

    def test_a_changed_declaration_is_seen_by_importers(self, module: Module) -> None:
        changed = FILES["lib/lib.go"].replace(
            b"Make(n int) *Lib { return &Lib{n} }", b"Make(n int) error { return nil }"
        )
        try:
            module.types.overlay({module.path("lib/lib.go"): changed})
            assert module.call("use/use.go", b"lib.Make(3)").returns_error
        finally:
            module.types.overlay({})
        assert not module.call("use/use.go", b"lib.Make(3)").returns_error

    def test_an_overlay_may_import_what_nothing_imported_before(self, module: Module) -> None:
        path = module.path("use/use.go")
        changed = b'package use\n\nimport "archive/zip"\n\nvar Z zip.Reader\n'
        try:
            module.types.overlay({path: changed})
            at = changed.index(b"Z zip")
            found = module.types.object(module.types.refs(path, at, at + 1)[0].object)
            assert found is not None and found.type == "archive/zip.Reader"
        finally:
            module.types.overlay({})


class TestCheck:
    def check(self, module: Module, name: str, old: bytes, new: bytes) -> list[tuple[str, str]]:
        assert old in FILES[name]
        result = module.types.check({module.path(name): FILES[name].replace(old, new, 1)})
        return [(e.package, e.message) for e in result.new]

    def test_a_harmless_change_brings_nothing(self, module: Module) -> None:
        assert self.check(module, "service.go", b"count++", b"count += 1") == []

    def test_a_new_error_is_told_with_its_place(self, module: Module) -> None:
        changed = FILES["service.go"].replace(b"count++", b"count = nosuch")
        (error,) = module.types.check({module.path("service.go"): changed}).new
        assert (error.package, error.message) == ("example.com/app", "undefined: nosuch")
        assert (error.file, error.offset) == (module.path("service.go"), changed.index(b"nosuch"))
        assert changed.split(b"\n")[error.line - 1][error.column - 1 :] == b"nosuch"

    @pytest.mark.parametrize(
        ("new", "message"),
        [
            (b"count++; unused := 1", "declared and not used: unused"),
            (b"count++; label: count++", "label label declared and not used"),
            (b"count++ )", "expected statement, found ')'"),
            (b'count = "s"', "cannot use"),
        ],
    )
    def test_soft_and_syntax_errors_count(self, module: Module, new: bytes, message: str) -> None:
        found = self.check(module, "service.go", b"count++", new)
        assert any(message in text for _, text in found), found

    def test_an_unused_import_counts(self, module: Module) -> None:
        found = self.check(module, "service.go", b'\t"errors"\n', b'\t"errors"\n\t"os"\n')
        assert found == [("example.com/app", '"os" imported and not used')]

    def test_errors_that_were_there_before_do_not_count_though_they_move(self, module: Module) -> None:
        path = module.path("broken/types.go")
        result = module.types.check({path: b"// moved\n\n" + FILES["broken/types.go"]})
        assert result.new == () and result.baseline >= 2

    def test_errors_are_compared_as_multisets(self, module: Module) -> None:
        again = b'var wrong int = "s"\n\nvar too int = "s"'
        assert len(self.check(module, "broken/types.go", b'var wrong int = "s"', again)) == 1

    def test_a_changed_declaration_is_checked_against_all_importers(self, module: Module) -> None:
        changed = FILES["lib/lib.go"].replace(b"Make(n int)", b"Make(n string)").replace(b"&Lib{n}", b"&Lib{len(n)}")
        result = module.types.check({module.path("lib/lib.go"): changed})
        assert {os.path.basename(e.file) for e in result.new} == {"use.go", "lib_test.go", "inside_test.go"}
        assert "example.com/app/use" in result.packages

    def test_external_tests_are_checked_through_export_test(self, module: Module) -> None:
        found = self.check(module, "lib/export_test.go", b") N() int", b") M() int")
        assert [package for package, _ in found] == ["example.com/app/lib_test"]

    def test_a_change_that_importers_cannot_see_checks_only_its_package(self, module: Module) -> None:
        changed = FILES["lib/lib.go"] + b"\nfunc helper() {}\n"
        result = module.types.check({module.path("lib/lib.go"): changed})
        assert result.new == () and {p.partition(" ")[0] for p in result.packages} == {
            "example.com/app/lib",
            "example.com/app/lib_test",
        }

    def test_a_new_import_is_found(self, module: Module) -> None:
        changed = b'package use\n\nimport "text/scanner"\n\nvar S scanner.Scanner\n'
        assert module.types.check({module.path("use/use.go"): changed}).new == ()

    def test_packages_with_missing_imports_are_named(self, module: Module) -> None:
        result = module.types.check({module.path("missing/missing.go"): FILES["missing/missing.go"] + b"\n"})
        assert result.incomplete == ("example.com/app/missing",)

    def test_a_file_outside_of_every_package_is_not_checked_silently(self, module: Module) -> None:
        path = module.path("systems/only_windows.go")
        assert module.types.check({path: b"package systems\n"}).unchecked == (path,)

    def test_questions_still_see_the_disk(self, module: Module) -> None:
        self.check(module, "lib/lib.go", b"n int)", b"n string)")
        assert module.object("lib/lib.go", b"Make(n", "n").type == "int"


class TestConfigure:
    @pytest.mark.parametrize(
        ("name", "header", "goos", "goarch", "tags"),
        [
            ("a.go", b"", "linux", "amd64", ()),
            ("a.go", b"//go:build windows\n\n", "windows", "amd64", ()),
            ("a.go", b"//go:build !linux\n\n", "windows", "amd64", ()),
            ("a.go", b"//go:build !linux && !windows\n\n", "darwin", "amd64", ()),
            ("a.go", b"//go:build integration && linux\n\n", "linux", "amd64", ("integration",)),
            ("a.go", b"//go:build windows || integration\n\n", "windows", "amd64", ()),
            ("a.go", b"//go:build arm64\n\n", "linux", "arm64", ()),
            ("a.go", b"// +build solaris\n\n", "solaris", "amd64", ()),
            ("a.go", b"// +build darwin\n// +build arm64\n\n", "darwin", "arm64", ()),
            ("a.go", b"//go:build js\n\n", "js", "wasm", ()),
            ("a.go", b"//go:build plan9 || aix\n\n", "aix", "ppc64", ()),
            ("foo_windows_arm64.go", b"", "windows", "arm64", ()),
            ("foo_freebsd_test.go", b"", "freebsd", "amd64", ()),
            ("linux.go", b"//go:build unix && !linux\n\n", "darwin", "amd64", ()),
            ("a.go", b"// Copyright\n\n//go:build go1.18 && race\n\n", "linux", "amd64", ("race",)),
        ],
    )
    def test_the_smallest_change_that_includes_the_file(
        self, module: Module, name: str, header: bytes, goos: str, goarch: str, tags: tuple[str, ...]
    ) -> None:
        path = module.root / "configured" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(header + b"package configured\n")
        found = module.types.configure(str(path))
        assert found is not None
        assert (found.goos, found.goarch, found.tags, found.alone) == (goos, goarch, tags, False)

    @pytest.mark.parametrize(
        "header", [b"//go:build linux && windows\n\n", b"//go:build go1.999\n\n", b"//go:build gccgo\n\n"]
    )
    def test_some_files_no_configuration_includes(self, module: Module, header: bytes) -> None:
        path = module.root / "never.txt"
        path.write_bytes(header + b"package never\n")
        assert module.types.configure(str(path)) is None

    def test_a_cgo_file_wants_cgo(self, module: Module) -> None:
        path = module.root / "configured" / "c.go"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b'//go:build windows\n\npackage configured\n\nimport "C"\n')
        found = module.types.configure(str(path))
        assert found is not None and (found.goos, found.cgo) == ("windows", "1")

    def test_an_ignored_file_is_loaded_alone(self, module: Module) -> None:
        path = module.path("tools/gen.go")
        found = module.types.configure(path)
        assert found is not None and found.alone
        assert not module.types.load([path], alone=True)[path].excluded
        assert module.call("tools/gen.go", b"time.Sleep(1)").name == "time.Sleep"
        result = module.types.check({path: FILES["tools/gen.go"].replace(b"Sleep(1)", b"Sleep(x)")})
        assert [e.message for e in result.new] == ["undefined: x"]

    def test_an_excluded_file_is_asked_in_a_session_of_its_configuration(self, module: Module) -> None:
        path = module.path("systems/only_windows.go")
        found = module.types.configure(path)
        assert found is not None
        with TypeChecker(module.root, env=found.env, tags=found.tags) as types:
            assert types.load([path])[path].package == "example.com/app/systems"
            assert [r.role for r in types.refs(path, 0, 100)] == ["read", "declare"]


class TestText:
    def test_format_is_gofmt(self, module: Module) -> None:
        assert module.types.format(b"package  x\nfunc  f ( ) {\n}") == b"package x\n\nfunc f() {\n}\n"

    @pytest.mark.parametrize("data", [b"func f() {}", b"x := 1", b"package x\nfunc {"])
    def test_format_takes_whole_files_only(self, module: Module, data: bytes) -> None:
        with pytest.raises(FormatError, match=r"^\d+:\d+: "):
            module.types.format(data)

    def test_parse_says_what_go_parser_says(self, module: Module) -> None:
        assert module.types.parse(b"package x\n") == ""
        assert module.types.parse(b"package x\nfunc {\n").startswith("2:6: ")

    def test_comments_in_order(self, module: Module) -> None:
        assert module.types.comments(b"// a\npackage x /* b */\n\n//c\n") == ("// a", "/* b */", "//c")


class TestRoots:
    def test_a_vendored_module(self, tmp_path: Path) -> None:
        write(tmp_path, {
            "go.mod": b"module example.com/v\n\ngo 1.22\n\nrequire example.org/dep v1.0.0\n",
            "vendor/modules.txt": b"# example.org/dep v1.0.0\n## explicit; go 1.21\nexample.org/dep\n",
            "vendor/example.org/dep/dep.go": b"package dep\n\nfunc Do() error { return nil }\n",
            "v.go": b'package v\n\nimport "example.org/dep"\n\nfunc f() { dep.Do() }\n',
        })  # fmt: skip
        path = str(tmp_path / "v.go")
        with TypeChecker(tmp_path) as types:
            assert types.load([path])[path].complete
            (call,) = types.calls(path, 0, 1000)
            assert (call.name, call.returns_error) == ("example.org/dep.Do", True)
            assert types.uses(call.object) == ()

    def test_a_workspace(self, tmp_path: Path) -> None:
        write(tmp_path, {
            "go.work": b"go 1.22\n\nuse (\n\t./a\n\t./b\n)\n",
            "a/go.mod": b"module example.com/a\n\ngo 1.22\n",
            "a/a.go": b"package a\n\nfunc A(n int) {}\n",
            "b/go.mod": b"module example.com/b\n\ngo 1.21\n",
            "b/b.go": b'package b\n\nimport "example.com/a"\n\nfunc B() { a.A(1) }\n',
        })  # fmt: skip
        a, b = str(tmp_path / "a/a.go"), str(tmp_path / "b/b.go")
        with TypeChecker(tmp_path) as types:
            files = types.load([a, b])
            assert [f.go_version for f in files.values()] == ["go1.22", "go1.21"]
            result = types.check({a: b"package a\n\nfunc A(n string) {}\n"})
            assert [e.package for e in result.new] == ["example.com/b"]

    def test_a_module_for_a_newer_go_is_a_clear_error(self, tmp_path: Path) -> None:
        write(tmp_path, {"go.mod": b"module example.com/n\n\ngo 1.999\n", "n.go": b"package n\n"})
        with TypeChecker(tmp_path) as types, pytest.raises(ToolchainError, match=r"1\.999.*--go"):
            types.load([str(tmp_path / "n.go")])

    def test_a_broken_go_mod_makes_types_unavailable(self, tmp_path: Path) -> None:
        write(tmp_path, {"go.mod": b"modul x\n", "n.go": b"package n\n"})
        with TypeChecker(tmp_path) as types, pytest.raises(TypesUnavailable, match=r"go\.mod"):
            types.load([str(tmp_path / "n.go")])

    def test_paths_are_those_that_were_asked_though_a_link_leads_there(self, tmp_path: Path) -> None:
        write(tmp_path / "real", {"go.mod": b"module example.com/l\n\ngo 1.22\n", "l.go": b"package l\n\nvar V int\n"})
        (tmp_path / "link").symlink_to("real")
        path = str(tmp_path / "link" / "l.go")
        with TypeChecker(tmp_path / "link") as types:
            assert not types.load([path])[path].excluded
            assert [r.path for r in types.refs(path, 15, 16)] == [path]

    def test_a_path_that_is_no_text_is_excluded(self, tmp_path: Path) -> None:
        write(tmp_path, {"go.mod": b"module example.com/l\n\ngo 1.22\n"})
        path = os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff.go")
        Path(path).write_bytes(b"package l\n")
        with TypeChecker(tmp_path) as types:
            assert types.load([path])[path].excluded

    def test_tests_are_looked_through_on_request(self, tmp_path: Path) -> None:
        write(tmp_path, {
            "go.mod": b"module example.com/l\n\ngo 1.22\n",
            "l.go": b"package l\n\nvar V int\n",
            "l_test.go": b"package l\n\nfunc f() { V = 1 }\n",
        })  # fmt: skip
        path = str(tmp_path / "l.go")
        for tests in (False, True):
            with TypeChecker(tmp_path, tests=tests) as types:
                types.load([path])
                uses = types.uses(types.refs(path, 15, 16)[0].object)
                assert [u.role for u in uses] == (["define", "assign"] if tests else ["define"])

    def test_a_module_elsewhere_says_why_it_is_not_here(self, tmp_path: Path) -> None:
        write(tmp_path, {
            "go.mod": b"module example.com/l\n\ngo 1.22\n",
            "sub/go.mod": b"module example.com/l/sub\n\ngo 1.22\n",
            "sub/s.go": b"package sub\n",
        })  # fmt: skip
        path = str(tmp_path / "sub" / "s.go")
        with TypeChecker(tmp_path) as types:
            file = types.load([path])[path]
            assert file.excluded and "does not contain package" in file.fault

    def test_two_packages_in_one_folder(self, tmp_path: Path) -> None:
        write(tmp_path, {
            "go.mod": b"module example.com/t\n\ngo 1.22\n",
            "a.go": b"package a\n\nfunc f() { g() }\n\nfunc g() {}\n",
            "b.go": b"package b\n",
        })  # fmt: skip
        path = str(tmp_path / "a.go")
        with TypeChecker(tmp_path) as types:
            assert types.load([path])[path].package_name == "a"
            assert [c.name for c in types.calls(path, 0, 100)] == ["example.com/t.g"]


class TestProcess:
    def test_it_ends_with_its_client(self, tmp_path: Path) -> None:
        types = TypeChecker(tmp_path)
        child = types._process._child
        types.close()
        assert child.poll() is not None
        with pytest.raises(ToolchainError, match="closed"):
            types.parse(b"")

    def test_it_ends_when_python_is_killed(self, tmp_path: Path) -> None:
        script = (
            "import sys, time\nfrom gocodemod.golang.types import TypeChecker\n"
            f"t = TypeChecker({str(tmp_path)!r})\nprint(t._process._child.pid, flush=True)\ntime.sleep(60)\n"
        )
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as python:
            assert python.stdout is not None
            pid = int(python.stdout.readline())
            python.kill()
        for _ in range(100):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
                return
            time.sleep(0.05)
        pytest.fail("the type checker outlived its client")

    def test_a_go_command_that_hangs_is_stopped(self, tmp_path: Path) -> None:
        fake = tmp_path / "go"
        fake.write_text('#!/bin/sh\ncase "$1" in env) echo linux; echo amd64; echo 0;; *) sleep 60;; esac\n')
        fake.chmod(0o755)
        real = go.find()
        hanging = go.Toolchain(str(fake), real.version, real.version_text, real.goroot, real.goos, real.goarch)
        built = go.build_typechecker(real)
        assert os.path.exists(built)
        begin = time.monotonic()
        with (
            TypeChecker(tmp_path, hanging, timeout=0.5) as types,
            pytest.raises(ToolchainError, match="did not finish"),
        ):
            types.load([str(tmp_path / "x.go")])
        assert time.monotonic() - begin < 20
