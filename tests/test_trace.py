"""Bytes of a finished file are found again in the file it came from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gocodemod.engine import edits as algebra
from gocodemod.engine.trace import Trace
from gocodemod.model import Edit

WORDS = st.text("ab \n;", max_size=6).map(str.encode)


@given(st.lists(st.tuples(WORDS, st.booleans(), WORDS), max_size=6), st.randoms(use_true_random=False))
def test_an_untouched_byte_is_traced_through_edits_and_layout(
    parts: list[tuple[bytes, bool, bytes]], random: object
) -> None:
    before, edits = b"", []
    for old, replaced, new in parts:
        if replaced:
            edits.append(Edit(len(before), len(before) + len(old), new))
        before += old
    after = b"".join(
        bytes([byte]) + random.choice([b"", b" ", b"\n\t"])  # type: ignore[attr-defined]
        for byte in algebra.apply(before, edits)
        if byte not in b" \n;"
    )
    trace, mapping = Trace(before, edits, after), algebra.Mapping(tuple(edits))
    solid = [i for i, byte in enumerate(after) if byte not in b" \n\t"]
    kept = [i for i, byte in enumerate(algebra.apply(before, edits)) if byte not in b" \n;"]
    assert [trace.origin(i) for i in solid] == [mapping.to_old(i) for i in kept]
