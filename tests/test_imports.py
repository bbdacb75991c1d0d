"""Import intents: where a path goes, what stays, what is dropped; one situation per case."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import pytest

from gocodemod.engine import edits as algebra
from gocodemod.engine import imports
from gocodemod.engine.format import Gofmt
from gocodemod.golang.source import Source
from gocodemod.model import Edit


@dataclass(frozen=True)
class Case:
    name: str
    before: str
    after: str
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


CASES = [
    Case(
        "a lone import becomes a block",
        'package p\n\nimport "time" // why\n\nvar x = 1\n',
        'package p\n\nimport (\n\t"context"\n\t"time" // why\n)\n\nvar x = 1\n',
        add=("context",),
    ),
    Case(
        "a lone import that sorts first stays first",
        'package p\n\nimport "bytes"\n',
        'package p\n\nimport (\n\t"bytes"\n\t"context"\n)\n',
        add=("context",),
    ),
    Case(
        "a lone import from elsewhere gets a group above it",
        'package p\n\nimport y "example.com/y"\n',
        'package p\n\nimport (\n\t"context"\n\n\ty "example.com/y"\n)\n',
        add=("context",),
    ),
    Case(
        "several lone imports get one more line",
        'package p\n\nimport "bytes"\nimport "time"\n',
        'package p\n\nimport "bytes"\nimport "context"\nimport "time"\n',
        add=("context",),
    ),
    Case(
        "a path that sorts last among lone imports",
        'package p\n\nimport "bytes"\nimport "context" // keep\n\nvar x = 1\n',
        'package p\n\nimport "bytes"\nimport "context" // keep\nimport "time"\n\nvar x = 1\n',
        add=("time",),
    ),
    Case(
        "into the group of the standard library",
        'package p\n\nimport (\n\t"a.b/c"\n\n\t"bytes"\n\t"time"\n)\n',
        'package p\n\nimport (\n\t"a.b/c"\n\n\t"bytes"\n\t"context"\n\t"time"\n)\n',
        add=("context",),
    ),
    Case(
        "a block without standard packages gets a group on top",
        'package p\n\nimport ( // outside\n\t"a.b/c"\n)\n',
        'package p\n\nimport ( // outside\n\t"context"\n\n\t"a.b/c"\n)\n',
        add=("context",),
    ),
    Case(
        "comments stay with their specs",
        'package p\n\nimport (\n\t"bytes" // a\n\t// about sync\n\t// and more\n\t"sync" // b\n)\n',
        'package p\n\nimport (\n\t"bytes" // a\n\t"context"\n\t// about sync\n\t// and more\n\t"sync" // b\n)\n',
        add=("context",),
    ),
    Case(
        "a comment over two lines beside the last spec",
        'package p\n\nimport (\n\t"bytes" /* a\n\tb */\n)\n',
        'package p\n\nimport (\n\t"bytes" /* a\n\tb */\n\t"context"\n)\n',
        add=("context",),
    ),
    Case(
        "several paths at once",
        'package p\n\nimport (\n\t"bytes"\n\t"io"\n)\n',
        'package p\n\nimport (\n\t"bytes"\n\t"context"\n\t"io"\n\t"os/signal"\n\t"syscall"\n)\n',
        add=("syscall", "context", "os/signal"),
    ),
    Case(
        "no imports at all",
        "package p // why\n\nvar x = 1\n",
        'package p // why\n\nimport "context"\n\nvar x = 1\n',
        add=("context",),
    ),
    Case(
        "no imports, several paths, nothing else",
        "package p\n",
        'package p\n\nimport (\n\t"context"\n\t"time"\n)\n',
        add=("time", "context"),
    ),
    Case(
        "no imports and code on the line of the package clause",
        "package p; var x int\n",
        'package p; import "context"; var x int\n',
        add=("context",),
    ),
    Case(
        "cgo alone is not merged and keeps its preamble",
        'package p\n\n// #include <stdio.h>\nimport "C"\n\nvar x C.int\n',
        'package p\n\nimport "context"\n\n// #include <stdio.h>\nimport "C"\n\nvar x C.int\n',
        add=("context",),
    ),
    Case(
        "cgo beside a lone import",
        'package p\n\n// #include <stdio.h>\nimport "C"\nimport "time"\n',
        'package p\n\n// #include <stdio.h>\nimport "C"\nimport (\n\t"context"\n\t"time"\n)\n',
        add=("context",),
    ),
    Case(
        "an alias is a way to reach the package",
        'package p\n\nimport (\n\tstdctx "context"\n\t"time"\n)\n',
        'package p\n\nimport (\n\tstdctx "context"\n\t"time"\n)\n',
        add=("context",),
    ),
    Case(
        "blank and dot imports are not",
        'package p\n\nimport (\n\t. "bytes"\n\t_ "context"\n)\n',
        'package p\n\nimport (\n\t"bytes"\n\t. "bytes"\n\t"context"\n\t_ "context"\n)\n',
        add=("context", "bytes"),
    ),
    Case(
        "carriage returns are kept",
        'package p\r\n\r\nimport (\r\n\t"bytes"\r\n)\r\n',
        'package p\r\n\r\nimport (\r\n\t"bytes"\r\n\t"context"\r\n)\r\n',
        add=("context",),
    ),
    Case(
        "an empty block",
        "package p\n\nimport ()\n",
        'package p\n\nimport (\n\t"context"\n)\n',
        add=("context",),
    ),
    Case(
        "a block on one line",
        'package p\n\nimport ("bytes"; "time")\n',
        'package p\n\nimport ("bytes"; "context"; "time")\n',
        add=("context",),
    ),
    Case(
        "an unused spec goes with its line",
        'package p\n\nimport (\n\t"bytes"\n\t"time"\n)\n\nvar x bytes.Buffer\n',
        'package p\n\nimport (\n\t"bytes"\n)\n\nvar x bytes.Buffer\n',
        drop=("time",),
    ),
    Case(
        "one that is still used stays",
        'package p\n\nimport "time"\n\nvar x time.Time\n',
        'package p\n\nimport "time"\n\nvar x time.Time\n',
        drop=("time",),
    ),
    Case(
        "the comment of an unused spec stays",
        'package p\n\nimport (\n\t"bytes"\n\t"time" // for later\n)\n\nvar x bytes.Buffer\n',
        'package p\n\nimport (\n\t"bytes"\n\t// for later\n)\n\nvar x bytes.Buffer\n',
        drop=("time",),
    ),
    Case(
        "a group that becomes empty leaves no double blank line",
        'package p\n\nimport (\n\t"time"\n\n\t"a.b/c"\n)\n\nvar x c.T\n',
        'package p\n\nimport (\n\t"a.b/c"\n)\n\nvar x c.T\n',
        drop=("time",),
    ),
    Case(
        "a declaration that becomes empty goes",
        'package p\n\nimport "time"\n\nvar x = 1\n',
        "package p\n\nvar x = 1\n",
        drop=("time",),
    ),
    Case(
        "a comment beside a lone import that goes stays",
        'package p\n\nimport "time" // for later\n\nvar x = 1\n',
        "package p\n\n// for later\n\nvar x = 1\n",
        drop=("time",),
    ),
    Case(
        "one goes and another takes its place",
        'package p\n\nimport "time" // why\n\nvar x context.Context\n',
        'package p\n\nimport "context" // why\n\nvar x context.Context\n',
        add=("context",),
        drop=("time",),
    ),
    Case(
        "the last spec of a block gives way to another",
        'package p\n\nimport (\n\t"time"\n)\n\nvar x context.Context\n',
        'package p\n\nimport (\n\t"context"\n)\n\nvar x context.Context\n',
        add=("context",),
        drop=("time",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_imports(case: Case, gofmt: Gofmt) -> None:
    before, after = case.before.encode(), case.after.encode()
    source = Source.parse("/x.go", before)
    result = algebra.apply(before, imports.plan(source, (), case.add, case.drop))
    assert result.decode() == after.decode()
    view, wanted = before.replace(b"\r\n", b"\n"), after.replace(b"\r\n", b"\n")
    if gofmt(view) == view:
        assert gofmt(wanted) == wanted


def test_use_is_looked_for_after_the_edits() -> None:
    before = textwrap.dedent("""\
        package p

        import "time"

        func f() { time.Sleep(1) }
        """).encode()
    source = Source.parse("/x.go", before)
    start = before.index(b"time.Sleep(1)")
    edits = (Edit(start, start + len(b"time.Sleep(1)"), b"g()"),)
    after = algebra.apply(before, algebra.combine(imports.plan(source, edits, (), ("time",)), edits))
    assert after == b"package p\n\nfunc f() { g() }\n"


def test_a_name_taken_by_another_import_is_refused() -> None:
    source = Source.parse("/x.go", b'package p\n\nimport "golang.org/x/net/context"\n')
    with pytest.raises(imports.ImportNameTaken):
        imports.plan(source, (), ("context",), ())
    assert imports.qualifier(source, "context") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('import c "context"', "c"),
        ('import _ "context"', "context"),
        ('import "time"', "context"),
        ('import context "time"', None),
    ],
)
def test_qualifier(text: str, name: str | None) -> None:
    assert imports.qualifier(Source.parse("/x.go", b"package p\n\n" + text.encode()), "context") == name
