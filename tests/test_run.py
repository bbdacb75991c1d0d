"""The pipeline from paths to outcomes, with a transform that does what the Go code asks for."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gocodemod.engine.result import Result
from gocodemod.engine.run import run
from gocodemod.errors import NotIdempotent, ToolchainError
from gocodemod.golang import toolchain
from gocodemod.model import Decision, Fix, Kind, Level, Outcome, Verification
from gocodemod.reasons import REASONS
from gocodemod.settings import Settings
from gocodemod.transform import Candidate, Context
from tests.fakes import DECLARATIONS, FAKE

Tree = Callable[..., Path]
SETTINGS = Settings(jobs=1)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Lay out files below a new folder; ``__`` in a name is a slash, ``_go`` a suffix."""

    def lay_out(files: dict[str, str | bytes], mod: str = "module example.com/m\n\ngo 1.22\n") -> Path:
        for name, text in {"go.mod": mod, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return lay_out


def go(body: str, package: str = "p", imports: str = "", declarations: str = DECLARATIONS) -> str:
    body = textwrap.indent(textwrap.dedent(body).strip(), "\t")
    return f"package {package}\n{imports}\nfunc f() {{\n{body}\n}}\n{declarations}"


def look(root: Path, settings: Settings = SETTINGS, write: bool = False) -> Result:
    return run([str(root)], settings, write=write, transforms=[FAKE])


def after(result: Result, name: str) -> str:
    return next(c.after for c in result.changed if c.path.endswith("/" + name)).decode()


def kinds(result: Result) -> list[str]:
    return [f"{o.kind} {o.reason}".strip() for o in result.outcomes]


def only(result: Result) -> Outcome:
    assert len(result.outcomes) == 1
    return result.outcomes[0]


def test_a_fix_is_made_laid_out_imported_for_and_vetted(tree: Tree) -> None:
    before = go("todo(`if true {\n_ = context.Canceled }`)", imports='\nimport "time"\n\nvar _ time.Time\n')
    root = tree({"a.go": before})
    result = look(root)
    outcome = only(result)
    assert (outcome.kind, outcome.level, outcome.verification) == (Kind.FIXABLE, Level.SAFE, Verification.VETTED)
    text = after(result, "a.go")
    assert 'import (\n\t"context"\n\t"time"\n)\n' in text
    assert "\tif true {\n\t\t_ = context.Canceled\n\t}\n" in text
    assert (root / "a.go").read_text() == before, "a run writes nothing"
    assert only(look(root, write=True)).kind is Kind.FIXED
    assert only(look(root, replace(SETTINGS, verify=False))).verification is Verification.UNVERIFIED


def test_a_test_file_is_looked_at_again_for_transforms_about_tests_alone(tree: Tree) -> None:
    root = tree({"a.go": go("todo(`_ = 1`)"), "a_test.go": go("todo(`_ = 2`)", "p_test")})
    about_tests = replace(FAKE, module="x.about_tests", tests=True)
    result = run([str(root)], SETTINGS, write=False, transforms=[FAKE, about_tests])
    places = [(o.site.transform, o.site.path.rsplit("/", 1)[-1]) for o in result.outcomes]
    assert places == [("about-tests", "a.go"), (FAKE.name, "a.go"), ("about-tests", "a_test.go")]
    assert (result.files, result.skipped) == (2, {})


def test_a_fix_that_does_not_compile_is_rolled_back_alone(tree: Tree) -> None:
    root = tree({"a.go": go("todo(`_ = 1`)\ntodo(`_ = nowhere`)\ntodo(`_ = 2`)"), "b/b.go": go("todo(`_ = 3`)")})
    result = look(root)
    assert kinds(result) == ["fixable", "rolled-back", "fixable", "fixable"]
    assert "undefined: nowhere" in result.outcomes[1].message
    text = after(result, "a.go")
    assert "_ = 1" in text and "_ = 2" in text and "todo(`_ = nowhere`)" in text
    assert result.outcomes[0].verification is Verification.VETTED


def test_a_fix_is_not_made_without_those_that_it_needs(tree: Tree) -> None:
    root = tree({"a.go": go("todo(`_ = 1`)\ntodo(`_ = nowhere`)\ntodo(`_ = 2`)"), "b/b.go": go("todo(`_ = 3`)")})
    first, second, third, other = (o.site for o in look(root).outcomes)
    needs = {first.fingerprint: (third,), third.fingerprint: (second,)}

    def tied(candidate: Candidate, context: Context) -> Decision | None:
        fix = FAKE.decide(candidate, context)
        assert isinstance(fix, Fix)
        return replace(fix, needs=needs.get(candidate.site.fingerprint, ()))

    result = run([str(root)], SETTINGS, write=False, transforms=[replace(FAKE, decide=tied)])
    assert kinds(result) == ["refused needs-another-fix", "rolled-back", "refused needs-another-fix", "fixable"]
    assert [c.path for c in result.changed] == [other.path]


def test_a_fix_that_is_no_go_is_rolled_back(tree: Tree) -> None:
    result = look(tree({"a.go": go("todo(`if {`)\ntodo(`_ = 2`)")}))
    assert kinds(result) == ["rolled-back", "fixable"]
    assert "missing condition" in result.outcomes[0].message


def test_a_new_vet_finding_rolls_its_fix_back(tree: Tree) -> None:
    imports = '\nimport "fmt"\n\nvar _ = fmt.Sprint()\n'
    body = 'fmt.Printf(`%d`, `old`)\ntodo(`fmt.Printf("%d", "new")`)\ntodo(`fmt.Println()`)'
    result = look(tree({"a.go": go(body, imports=imports)}))
    assert kinds(result) == ["rolled-back", "fixable"]
    assert "printf" in result.outcomes[0].message
    assert result.outcomes[1].verification is Verification.VETTED


def test_errors_that_were_there_before_are_told_apart(tree: Tree) -> None:
    body = "_ = nowhere\ntodo(`_ = 1`)\ntodo(`_ = nowhere`)"
    result = look(tree({"a.go": go(body)}))
    assert kinds(result) == ["fixable", "rolled-back"]
    assert result.outcomes[0].verification is Verification.TYPECHECKED


def test_a_package_with_missing_imports_is_unverified_and_says_so(tree: Tree) -> None:
    imports = '\nimport _ "example.com/missing"\n'
    result = look(tree({"a.go": go("todo(`_ = 1`)", imports=imports), "b/b.go": go("todo(`_ = 1`)")}))
    assert [o.verification for o in result.outcomes] == [Verification.UNVERIFIED, Verification.VETTED]
    assert any("1 of 2 fixes are unverified" in note for note in result.notes)


def test_every_kind_of_outcome_and_the_totals_add_up(tree: Tree) -> None:
    body = """\
        todo(`_ = 1`, inner())
        review(`_ = 2`)
        refuse("no-stop-signal")
        report("sleeps-under-lock")
        crash("")
        none("")
        todo(`_ = 3`) //gocodemod:ignore fake -- because
        """
    declarations = DECLARATIONS + "\nfunc inner() string {\n\ttodo(`_ = 4`)\n\treturn ``\n}\n"
    result = look(tree({"a.go": go(body, declarations=declarations)}), replace(SETTINGS, level=Level.SAFE))
    assert kinds(result) == [
        "fixable",
        "withheld",
        "refused no-stop-signal",
        "reported sleeps-under-lock",
        "refused internal-error",
        "suppressed",
        "fixable",
    ]
    crash = result.outcomes[4]
    assert "ZeroDivisionError: as asked" in crash.message and "Traceback" in crash.evidence["exception"]


def test_of_two_fixes_that_overlap_the_first_wins_whole(tree: Tree) -> None:
    body = "todo(`_ = 1`, func() string { todo(`_ = 2`); return `` }())"
    result = look(tree({"a.go": go(body)}))
    assert kinds(result) == ["fixable", "conflicted"]
    assert "_ = 1" in after(result, "a.go")


def test_a_fix_in_two_files_is_whole_or_not_at_all(tree: Tree) -> None:
    other = "package p\n\nfunc g() {\n\tsecond()\n}\n\nfunc second() {}\n"
    good = tree({"a.go": go("pair(`_ = 1`, `second`, `_ = 2`)"), "pair.go": other})
    result = look(good)
    assert kinds(result) == ["fixable"] and len(result.changed) == 2
    bad = tree({"a.go": go("pair(`_ = 1`, `second`, `_ = nowhere`)\ntodo(`_ = 3`)"), "pair.go": other})
    result = look(bad)
    assert kinds(result) == ["rolled-back", "fixable"]
    assert [c.path.rsplit("/")[-1] for c in result.changed] == ["a.go"]


def test_a_file_that_go_rejects_is_listed_and_never_edited(tree: Tree) -> None:
    result = look(tree({"a.go": go("todo(`_ = 1`)") + "\nfunc {\n", "b.go": "package p\n"}))
    assert kinds(result) == ["refused parse-error"]


def test_beside_a_gap_of_the_grammar_fixes_are_made_across_it_they_are_not(tree: Tree) -> None:
    text = go("todo(`_ = 1`)") + "\nfunc g() {\n\t_ = new(1)\n\ttodo(`_ = 2`)\n}\n"
    result = look(tree({"a.go": text}, mod="module example.com/m\n\ngo 1.26\n"))
    assert kinds(result) in (["fixable", "refused grammar-gap"], ["fixable", "fixable"])


def test_without_a_toolchain_every_site_is_listed_unverified(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(explicit: str | None = None) -> toolchain.Toolchain:
        raise ToolchainError("no Go toolchain found")

    monkeypatch.setattr(toolchain, "find", none)
    root = tree({"a.go": go("todo(`_ = 1`)\nrefuse('x')")})
    result = look(root)
    assert kinds(result) == ["refused types-unavailable"] * 2
    assert any("no Go toolchain found" in note for note in result.notes)
    with pytest.raises(ToolchainError):
        look(root, replace(SETTINGS, go="/nowhere/go"))


def test_a_module_that_cannot_be_loaded_does_not_stop_the_others(tree: Tree) -> None:
    files = {"a.go": go("todo(`_ = 1`)"), "bad/go.mod": "module x\n\ngo 9.99\n", "bad/b.go": go("todo(`_ = 1`)")}
    result = look(tree(files))
    assert kinds(result) == ["fixable", "refused types-unavailable"]
    assert any("/bad" in note for note in result.notes)


def test_files_that_the_build_leaves_out_are_decided_in_their_own_configuration(tree: Tree) -> None:
    files = {
        "a.go": "package p\n" + DECLARATIONS,
        "a_windows.go": go("todo(`_ = 1`)\ntodo(`_ = nowhere`)", declarations=""),
        "tagged.go": "//go:build integration\n\n" + go("todo(`_ = 1`)", declarations="").replace("f()", "g()"),
        "never.go": "//go:build !windows && windows\n\n" + go("todo(`_ = 1`)"),
        "alone.go": "//go:build ignore\n\n" + go("todo(`_ = 1`)", package="main") + "\nfunc main() {}\n",
    }
    result = look(tree(files))
    assert {f"{o.site.path.rsplit('/')[-1]} {o.kind} {o.reason}".strip() for o in result.outcomes} == {
        "a_windows.go fixable",
        "a_windows.go rolled-back",
        "tagged.go fixable",
        "never.go refused excluded-by-build",
        "alone.go fixable",
    }
    found = {o.site.path.rsplit("/")[-1]: o.verification for o in result.outcomes if o.kind is Kind.FIXABLE}
    assert found["a_windows.go"] is Verification.VETTED
    assert found["tagged.go"] is Verification.VETTED
    assert found["alone.go"] is Verification.TYPECHECKED


def test_of_a_folder_with_two_packages_the_file_that_the_go_command_passes_over_is_left_alone(tree: Tree) -> None:
    root = tree({"a.go": "package a\n", "b.go": go("todo(`_ = 1`)", package="b")})
    outcome = only(look(root))
    assert (outcome.kind, outcome.reason) == (Kind.REFUSED, "types-unavailable")
    assert "found packages a (a.go) and b (b.go)" in outcome.message
    assert look(root, replace(SETTINGS, tags=("extra",))).outcomes[0].reason == "types-unavailable"


def test_modules_and_workspaces_are_each_asked_in_their_own_folder(tree: Tree) -> None:
    module = "module example.com/{}\n\ngo 1.22\n"
    files = {
        "go.work": "go 1.22\n\nuse (\n\t.\n\t./one\n)\n",
        "a.go": go("todo(`_ = 1`)"),
        "one/go.mod": module.format("one"),
        "one/a.go": go("todo(`_ = 1`)", package="one", imports='\nimport _ "example.com/m"\n'),
        "two/go.mod": module.format("two"),
        "two/a.go": go("todo(`_ = 1`)", package="two"),
    }
    result = look(tree(files))
    assert [(o.kind, o.verification) for o in result.outcomes] == [(Kind.FIXABLE, Verification.VETTED)] * 3


def test_files_outside_of_any_module_are_asked_by_one_process(tree: Tree) -> None:
    root = tree({"a/a.go": go("todo(`_ = 1`)"), "b/b.go": go("todo(`_ = nowhere`)")})
    (root / "go.mod").unlink()
    result = look(root)
    assert [(o.kind, o.verification) for o in result.outcomes] == [
        (Kind.FIXABLE, Verification.VETTED),
        (Kind.ROLLED_BACK, Verification.UNVERIFIED),
    ]


def test_a_transform_that_undoes_itself_is_an_error_that_names_it(tree: Tree) -> None:
    root = tree({"a.go": go('todo(`todo("_ = 1")`)')})
    with pytest.raises(NotIdempotent, match="fake"):
        look(root)


def test_a_site_whose_fix_was_not_used_may_still_be_offered(tree: Tree) -> None:
    """Sites below an edit move; the second pass knows them again."""
    body = "todo(`if true {\n_ = 1\n}`)\nreview(`_ = 2`)\nif true { todo(`_ = nowhere`) }"
    result = look(tree({"a.go": go(body)}), replace(SETTINGS, level=Level.SAFE))
    assert kinds(result) == ["fixable", "withheld", "rolled-back"]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda d: d.replace(b"\n", b"\r\n"), id="crlf"),
        pytest.param(lambda d: b"\xef\xbb\xbf" + d, id="bom"),
        pytest.param(lambda d: d.rstrip(b"\n"), id="no final newline"),
        pytest.param(lambda d: d.replace(b"\n", b"\r\n", 2), id="mixed"),
        pytest.param(lambda d: d.replace(b"\t", b"    "), id="spaces"),
    ],
)
def test_bytes_outside_the_edit_stay(tree: Tree, spoil: Callable[[bytes], bytes]) -> None:
    before = spoil((go("todo(`_ = 1`)") + "\nvar last = `x`\n").encode())
    result = look(tree({"a.go": before}))
    assert kinds(result) == ["fixable"]
    text = next(iter(result.changed)).after
    at = before.index(b"todo(`_ = 1`)")
    start, stop = before.rfind(b"\n", 0, at), before.index(b"\n", at)
    assert text.startswith(before[:start]) and text.endswith(before[stop:])
    assert b"_ = 1" in text and b"todo(`" not in text


def test_invalid_utf8_is_go_s_to_judge(tree: Tree) -> None:
    before = go("todo(`_ = 1`)").encode() + b"\n// caf\xe9\n"
    assert kinds(look(tree({"a.go": before}))) == ["refused parse-error"]


def test_the_result_does_not_depend_on_the_number_of_workers(tree: Tree) -> None:
    padding = "// " + "x" * 4000 + "\n"
    files = {f"p{i}/a.go": go("todo(`_ = 1`)\nrefuse(`a`)") + padding * 30 for i in range(12)}
    root = tree(files)
    quick = replace(SETTINGS, verify=False)
    assert look(root, replace(quick, jobs=1)) == look(root, replace(quick, jobs=2))


def test_every_reason_of_the_engine_is_registered() -> None:
    engine = Path(run.__code__.co_filename).parent
    text = "".join(path.read_text() for path in engine.glob("*.py"))
    named = set(re.findall(r'(?:Refusal|Absence)\("([a-z-]+)"|Kind\.REFUSED, "([a-z-]+)"', text))
    assert {"parse-error", "excluded-by-build"} <= {one or other for one, other in named} <= set(REASONS)
