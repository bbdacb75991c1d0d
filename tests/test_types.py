"""What the type checker says about code: files, expressions, names, uses, calls, functions."""

from __future__ import annotations

import os

import pytest

from gocodemod.errors import TypesUnavailable
from tests.gocode import FILES, Module


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
