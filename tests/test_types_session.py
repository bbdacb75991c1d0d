"""The type checker as a session: overlays, checks, build configurations, modules, and its process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gocodemod.errors import ToolchainError, TypesUnavailable
from gocodemod.golang import toolchain as go
from gocodemod.golang.types import FormatError, TypeChecker
from tests.gocode import FILES, Module, write


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
