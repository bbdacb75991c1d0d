"""What the type checker says about what a value can refer to."""

from __future__ import annotations

import re

import pytest

from tests.gocode import FILES, Module


def holds(module: Module, text: bytes) -> tuple[str, ...]:
    data = FILES["holds.go"]
    start = next(
        m.start() for m in re.finditer(rb"(?<!\w)" + re.escape(text) + rb"(?![\w.])", data[data.index(b"{\n\t_, _") :])
    )
    start += data.index(b"{\n\t_, _")
    return module.types.holds(module.path("holds.go"), start, start + len(text))


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (b"several()", ("", "", "chan int", "")),
        (b"handle()", ("unsafe.Pointer", "func()", "any")),
        (b"ctx", ("context.Context",)),
        (b"generic", ("T",)),
        (b"kept", ("",)),
        (b"number", ("",)),
        (b"resp", ("io.ReadCloser",)),
        (b"resp.Header", ("",)),
        (b"resp.Body", ("io.ReadCloser",)),
        (b"holder[T]{generic}", ("T",)),
        (b"holder[int]{1}", ("",)),
        (b"nowhere", ("?",)),
        (b"_ = several", ()),
    ],
)
def test_what_a_value_can_refer_to(module: Module, text: bytes, held: tuple[str, ...]) -> None:
    assert holds(module, text) == held
