"""Sites as the trees show them: found once, found the same by any number of processes, suppressed, named for good."""

from __future__ import annotations

import os
import random
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tree_sitter

from gocodemod import registry
from gocodemod.engine import match as module
from gocodemod.engine.discover import GoFile, discover
from gocodemod.engine.match import Match, Matched, match, match_file, search_file
from gocodemod.golang.source import Source
from gocodemod.model import Refusal
from gocodemod.settings import Settings
from gocodemod.transform import Transform


def keep(source: Source, node: tree_sitter.Node) -> tree_sitter.Node | None:
    return node


def moody(source: Source, node: tree_sitter.Node) -> tree_sitter.Node | None:
    """Dies on, or chokes on, what the file says it should."""
    if b"die" in source.data:
        os._exit(7)
    if b"raise" in source.data:
        raise RecursionError("too deep")
    return node


CALL = Transform(
    module="x.call_it",
    doc="Calls.",
    query='((call_expression function: (identifier) @f (#eq? @f "hit")) @site)',
    needles=(b"hit",),
    match=keep,
    decide=lambda candidate, context: Refusal("barrier"),
)


def sites(go: str | bytes, transform: Transform = CALL) -> list[Match]:
    data = go if isinstance(go, bytes) else textwrap.dedent(go).encode()
    return match_file(GoFile("/r/a.go", data), [transform], "/r")


def test_files_that_are_there_for_tests_alone_have_no_sites_of_others() -> None:
    file = GoFile("/r/a_test.go", b"package p\n\nfunc f() { hit() }\n", only_tests=True)
    about_tests = replace(CALL, module="x.call_it_in_tests", tests=True)
    found = match_file(file, [CALL, about_tests], "/r")
    assert [m.site.transform for m in found] == ["call-it-in-tests"]
    found = match_file(replace(file, only_tests=False), [CALL, about_tests], "/r")
    assert [m.site.transform for m in found] == ["call-it", "call-it-in-tests"]


def test_where_a_site_is() -> None:
    [found] = sites("package p\n\nfunc f() {\n\t_ = `é`; hit(\n\t\t1,\n\t)\n}\n")
    site = found.site
    assert (site.transform, site.path, site.line, site.column, site.end_line) == ("call-it", "/r/a.go", 4, 12, 6)
    assert not found.error


def test_needles_in_strings_and_comments_are_no_sites() -> None:
    go = 'package p\n// hit()\n/* hit() */\nfunc f() {\n\t_ = `\nhit()\n`\n\t_ = "hit()"\n\thit()\n}\n'
    assert [m.site.line for m in sites(go)] == [9]


def test_of_a_needle_with_alternatives_one_is_enough() -> None:
    either = replace(CALL, needles=((b"miss", b"hit"),))
    assert [m.site.line for m in sites("package p\nfunc f() {\n\thit()\n}\n", either)] == [3]
    assert sites("package p\nfunc f() {}\n", either) == []


def test_nested_sites_are_each_found_once() -> None:
    assert [(m.site.start, m.site.end) for m in sites("package p; func f() { hit(hit(), hit()) }")] == [
        (22, 39),
        (26, 31),
        (33, 38),
    ]


def test_a_byte_order_mark_and_windows_line_endings() -> None:
    [found] = sites(b"\xef\xbb\xbfpackage p\r\n\r\nfunc f() {\r\n\thit()\r\n}\r\n")
    assert (found.site.line, found.site.column, found.error) == (4, 2, False)


def test_a_broken_declaration_is_told_from_its_neighbours() -> None:
    found = sites(
        "package p\n\nfunc f() {\n\thit()\n}\n\nfunc g() {\n\tx := new(1 + 2)\n\thit(x)\n}\n\nfunc h() {\n\thit()\n}\n"
    )
    assert [m.error for m in found] == [False, True, False]


@pytest.mark.parametrize(
    "data",
    [
        b"package p\nfunc f() { hit(" + b"(" * 10_000,
        b"package p\nfunc f() {" + b"for{" * 20_000 + b"hit()" + b"}" * 20_000 + b"}",
        b"package p\nvar x = hit(`" + b"y" * 20_000_000 + b"`)\n",
        b"package p\nfunc f() { hit(\xff\xfe\x00) }\n",
        b"hit",
        b"\x00" * 1000 + b"hit()",
    ],
    ids=["open brackets", "deep blocks", "20 MB line", "invalid UTF-8", "no package", "zeros"],
)
def test_odd_files_do_no_harm(data: bytes) -> None:
    assert len(sites(data)) <= 1
    assert len(sites(data + b"\n//gocodemod:ignore\n")) <= 1


@pytest.mark.parametrize("before, after", [(b"{", b"}"), (b"go func() {", b"}()\n"), (b"_ = 0", b" + 1")])
def test_what_is_nested_deeper_than_people_write_is_left_out_and_told(before: bytes, after: bytes) -> None:
    deep = before + after * 5000 + b"\nhit()" if b"=" in before else before * 5000 + b"hit()\n" + after * 5000
    data = b"package p\nfunc f() {\n" + deep + b"\n}\n\nfunc g() { hit() }\n"
    matches, problem = search_file(GoFile("/x/p.go", data), [CALL], "/x")
    assert [m.site.start for m in matches] == [data.rindex(b"hit")]
    assert problem == "the code at line 2 is nested too deep"


def test_the_cut_around_needles_finds_what_the_whole_tree_holds() -> None:
    source = (
        "package p\nfunc f() {\n" + "".join(f"\tif x {{ hit({n}, func() {{ hit() }}) }}\n" for n in range(200)) + "}\n"
    )
    assert len(sites(source)) == 400
    assert sites(source) == sites(source, replace(CALL, needles=()))


def test_a_needle_may_have_alternatives() -> None:
    query = '((call_expression function: (identifier) @f (#match? @f "^(hit|miss)$")) @site)'
    either = replace(CALL, query=query, needles=((b"miss", b"hit"), b"package"))
    assert [m.site.line for m in sites("package p\nfunc f() {\n\thit()\n\tmiss()\n}\n", either)] == [3, 4]
    assert not sites("package p\nfunc f() { other() }\n", either)


# --- fingerprints -----------------------------------------------------------------------------------------------

BODY = "func (s *T) f() {\n\thit(1)\n\thit(1)\n\thit(2)\n}\n\nfunc g() {\n\thit(1)\n}\n"


def prints(go: str) -> list[str]:
    return [m.site.fingerprint for m in sites(go)]


def test_fingerprints_differ_and_do_not_move_with_lines_above() -> None:
    before = prints("package p\n" + BODY)
    assert len(set(before)) == 4
    assert prints("package p\n\n// More.\nfunc z() { other() }\n\n" + BODY) == before
    assert prints("package p\n" + BODY.replace("hit(1)", "hit( 1 )"))[0] != before[0]
    assert prints("package p\n" + BODY.replace("\thit(2)", "\t\t hit(2) // now commented")) == before


def test_fingerprints_name_the_path_below_the_root() -> None:
    file = GoFile("/r/sub/a.go", ("package p\n" + BODY).encode())
    moved = GoFile("/elsewhere/sub/a.go", file.data)
    one, two = match_file(file, [CALL], "/r"), match_file(moved, [CALL], "/elsewhere")
    assert [m.site.fingerprint for m in one] == [m.site.fingerprint for m in two]
    assert [m.site.fingerprint for m in match_file(file, [CALL], "/")] != [m.site.fingerprint for m in one]


# --- suppression ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("go", "why"),
    [
        ("func f() {\n\thit() //gocodemod:ignore call-it -- of this\n}", "of this"),
        ("func f() {\n\thit() // gocodemod:ignore\n}", "// gocodemod:ignore"),
        ("func f() {\n\thit() //nolint:gocodemod // of that\n}", "of that"),
        ("func f() {\n\thit() //nolint:errcheck,gocodemod\n}", "//nolint:errcheck,gocodemod"),
        ("func f() {\n\t//gocodemod:ignore other,call-it -- both\n\thit()\n}", "both"),
        ("func f() {\n\t//gocodemod:ignore -- all\n\t// more words\n\thit()\n}", "all"),
        ("func f() {\n\tfor { //gocodemod:ignore -- loop\n\t\thit()\n\t}\n}", "loop"),
        ("func f() {\n\t//gocodemod:ignore -- loop\n\tfor {\n\t\tif x {\n\t\t\thit()\n\t\t}\n\t}\n}", "loop"),
        ("// Doc.\n//\n//gocodemod:ignore -- function\nfunc f() {\n\thit()\n}", "function"),
        ("func f() {\n\thit(\n\t\t1, //gocodemod:ignore -- inside\n\t)\n}", "inside"),
    ],
)
def test_comments_that_suppress(go: str, why: str) -> None:
    [found] = sites("package p\n\n" + go + "\n")
    assert (found.suppressed, found.suppression) == (True, why)


def test_a_comment_before_the_package_clause_speaks_for_the_file() -> None:
    found = sites(
        "// Package p is.\n//\n//gocodemod:ignore call-it -- legacy\npackage p\n\nfunc f() { hit() }\nfunc g() { hit() }\n"
    )
    assert [m.suppression for m in found] == ["legacy", "legacy"]


@pytest.mark.parametrize(
    "go",
    [
        "func f() {\n\t//gocodemod:ignore other -- not this one\n\thit()\n}",
        "func f() {\n\t//gocodemod:ignored\n\thit()\n}",
        "func f() {\n\t//nolint:gocodemodx\n\thit()\n}",
        "func f() {\n\t//nolint\n\thit()\n}",
        "func f() {\n\tg() //gocodemod:ignore\n\thit()\n}",
        "func f() {\n\t//gocodemod:ignore\n\n\thit()\n}",
        "func f() {\n\thit()\n\t//gocodemod:ignore\n}",
        "func f() {\n\t_ = `\n//gocodemod:ignore\n`; hit()\n}",
        'func f() {\n\thit("//gocodemod:ignore")\n}',
    ],
)
def test_comments_that_do_not_suppress(go: str) -> None:
    [found] = sites("package p\n\n" + go + "\n")
    assert not found.suppressed


# --- many files -------------------------------------------------------------------------------------------------


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENOUGH_FOR_POOL", 0)
    monkeypatch.setattr(module, "_BATCH", 100)


@pytest.fixture
def from_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test runners have threads of their own; these do nothing that a fork would mind."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def files(count: int, **special: str) -> list[GoFile]:
    texts = {f"f{n}": "hit()" for n in range(count)} | special
    return [GoFile(f"/r/{name}.go", f"package p\n\nfunc f() {{ {text} }}\n".encode()) for name, text in texts.items()]


class Counting:
    """A progress that remembers how far it was told to be."""

    def __init__(self) -> None:
        self.done, self.total = 0, 0

    def stage(self, name: str, total: int | None) -> Counting:
        self.total = total or 0
        return self

    def advance(self, n: int = 1) -> None:
        self.done += n

    def __enter__(self) -> Counting:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def run(found: list[GoFile], jobs: int, transform: Transform = CALL) -> Matched:
    return match(found, [transform], root="/r", jobs=jobs)


@pytest.mark.usefixtures("small_batches", "from_one_thread")
def test_any_number_of_processes_finds_the_same() -> None:
    found = files(60)
    random.Random(1).shuffle(found)
    assert run(found, 1) == run(found, 3)
    assert len(run(found, 3).matches) == 60
    progress = Counting()
    match(found, [CALL], root="/r", jobs=2, progress=progress)
    assert (progress.done, progress.total) == (60, 60)


@pytest.mark.usefixtures("small_batches")
def test_transforms_that_cannot_travel_are_matched_here_where_forking_is_unsafe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert len(run(files(20), 2).matches) == 20


@pytest.mark.usefixtures("small_batches", "from_one_thread")
@pytest.mark.parametrize("jobs", [1, 3])
def test_a_transform_that_raises_costs_its_file_only(jobs: int) -> None:
    found = run(files(20, bad='hit("raise")'), jobs, replace(CALL, match=moody))
    assert len(found.matches) == 20
    assert found.failed == {"/r/bad.go": "RecursionError: too deep"}


@pytest.mark.usefixtures("small_batches", "from_one_thread")
def test_a_file_that_kills_its_process_costs_that_file_only() -> None:
    found = run(files(20, bad='hit("die")'), 3, replace(CALL, match=moody))
    assert len(found.matches) == 20
    assert found.failed == {"/r/bad.go": "the process that parsed it died"}


def test_the_example_holds_every_site_that_grep_would_expect() -> None:
    root = Path(__file__).parent.parent / "examples/legacy"
    transforms = [t for t in registry.load() if t.name == "sleep-loop"]
    found = discover([str(root)], Settings(), [t.needles for t in transforms])
    matched = match(found.files, transforms, root=found.root, jobs=1)
    # Two goroutines sleep once, in no loop: they are other transforms' sites.
    once = {"notify.go", "export.go"}
    assert all(_sleeps(path) == 1 for path in root.rglob("*.go") if path.name in once)
    # Tests are sleep-in-test's.
    expected = sum(_sleeps(p) for p in root.rglob("*.go") if p.name not in once and not p.name.endswith("_test.go"))
    assert len(matched.matches) == expected > 0
    assert sum(m.suppressed for m in matched.matches) == 1


def _sleeps(path: Path) -> int:
    return path.read_text().count("time.Sleep(")


@pytest.fixture(autouse=True)
def _no_worker_state() -> Iterator[None]:
    yield
    assert module._worker == ((), ""), "work meant for another process was done here"
