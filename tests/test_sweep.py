"""The sweep finds what it is there to find."""

from __future__ import annotations

import os
from pathlib import Path

from gocodemod.engine.result import Changed
from gocodemod.golang.types import TypeChecker
from tests import sweep
from tests.repos import tree

CLEAN = b"package p\n\n// f does nothing.\nfunc f() {\n\t_ = 1 // one\n}\n"
LOOP = 'package p\n\nimport "time"\n\nfunc f() {\n\tfor {\n\t\ttime.Sleep(time.Second)\n\t}\n}\n'


def test_files_are_taken_whatever_their_names_and_told_apart_by_module(tmp_path: Path) -> None:
    root = tree(tmp_path.resolve(), dict.fromkeys(("a.go", "vendor/v/v.go", "m/_x/t_test.go", "m/b.go"), "package p\n"))
    tree(root, {"m/go.mod": "module m\n", "notes.txt": ""})
    os.symlink(root / "a.go", root / "link.go")
    found = [
        (lot.module, [os.path.relpath(f, root) for f in lot.files])
        for lot in sweep.lots([*sweep.go_files([str(root)])])
    ]
    assert found == [(str(root), ["a.go", "vendor/v/v.go"]), (str(root / "m"), ["m/b.go", "m/_x/t_test.go"])]


def test_what_is_wrong_with_a_finished_file_is_told(checker: TypeChecker) -> None:
    def told(after: bytes, before: bytes = CLEAN) -> list[str]:
        return list(sweep.faults(Changed("/p.go", before, after), checker))

    assert told(CLEAN.replace(b"_ = 1", b"_ = 22")) == []
    assert told(CLEAN.replace(b" // one", b"")) == ["comment lost: // one"]
    assert told(CLEAN.replace(b"\t_", b"    _")) == ["no longer as gofmt has it"]
    broken = told(CLEAN.replace(b"_ = 1", b"_ = {"))
    assert broken[0] == "the result holds more that our grammar cannot read" and "gofmt rejects" in broken[1]
    assert told(CLEAN, before=CLEAN + b"func {") == ["a file with syntax errors was edited"]


def test_a_lot_is_swept_in_a_process_of_its_own_and_counted(tmp_path: Path) -> None:
    root = tree(tmp_path.resolve(), {"go.mod": "module m\n\ngo 1.24\n", "a.go": LOOP})
    (lot,) = sweep.lots([*sweep.go_files([str(root)])])
    swept = sweep.guarded(lot, 300)
    assert (swept.faults, dict(swept.sites)) == ([], {"sleep-loop: refused no-stop-signal": 1})


def test_what_ends_the_process_is_told_of_the_file_it_is_about(tmp_path: Path) -> None:
    root = tree(tmp_path.resolve(), {"go.mod": "module m\n\ngo 1.24\n", "a.go": LOOP})
    swept = sweep.guarded(sweep.Lot(str(root), (str(root / "a.go"), str(root / "gone.go"))), 300)
    assert len(swept.faults) == 1
    assert swept.faults[0].startswith(f"{root / 'gone.go'}: ")
    assert "no such file" in swept.faults[0]
