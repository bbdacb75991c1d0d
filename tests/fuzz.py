"""Go files that nobody would write through every transform: run by ``make fuzz``, by hand, for as long as one likes.

    python -m tests.fuzz [--seconds 600] [--seed 1]

Each round takes the golden cases' files, damages some of them (tokens dropped, doubled, swapped and taken from elsewhere,
bytes that are no UTF-8, other line endings, a byte order mark, the end cut off), leaves others as they are, and sweeps
(``tests/sweep.py``) all of them in one module. A round's files are made from its seed alone; what breaks is printed with it.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests import sweep
from tests.golden import GO_MOD, cases
from tests.sweep import Lot, Swept

_TOKEN = re.compile(rb"\w+|\s+|//[^\n]*|\"[^\"\n]*\"|`[^`]*`|.", re.DOTALL)
_PACKAGES = 60
_BOM = b"\xef\xbb\xbf"


def files() -> list[bytes]:
    """The Go files of the golden cases, without tests."""
    found = {
        data
        for case in cases()
        for name, data in case.inputs.items()
        if name.endswith(".go") and not name.endswith("_test.go")
    }
    return sorted(found)


# --- damage -----------------------------------------------------------------------------------------------------


def _dropped(tokens: list[bytes], chance: random.Random, _: Sequence[bytes]) -> None:
    del tokens[chance.randrange(len(tokens))]


def _doubled(tokens: list[bytes], chance: random.Random, _: Sequence[bytes]) -> None:
    at = chance.randrange(len(tokens))
    tokens.insert(at, tokens[at])


def _swapped(tokens: list[bytes], chance: random.Random, _: Sequence[bytes]) -> None:
    one, other = chance.randrange(len(tokens)), chance.randrange(len(tokens))
    tokens[one], tokens[other] = tokens[other], tokens[one]


def _renamed(tokens: list[bytes], chance: random.Random, _: Sequence[bytes]) -> None:
    """One name for another, in one place: such code often still parses."""
    words = [i for i, token in enumerate(tokens) if token.isalpha()]
    if words:
        tokens[chance.choice(words)] = tokens[chance.choice(words)]


def _moved(tokens: list[bytes], chance: random.Random, _: Sequence[bytes]) -> None:
    """A run of tokens to another place."""
    start = chance.randrange(len(tokens))
    run = tokens[start : start + chance.randrange(1, 30)]
    del tokens[start : start + len(run)]
    at = chance.randrange(len(tokens) + 1)
    tokens[at:at] = run


def _foreign(tokens: list[bytes], chance: random.Random, others: Sequence[bytes]) -> None:
    """A run of tokens of another file."""
    theirs = _TOKEN.findall(chance.choice(others))
    start = chance.randrange(len(theirs))
    at = chance.randrange(len(tokens) + 1)
    tokens[at:at] = theirs[start : start + chance.randrange(1, 40)]


def _line_doubled(tokens: list[bytes], chance: random.Random, _: Sequence[bytes]) -> None:
    lines = b"".join(tokens).splitlines(keepends=True)
    at = chance.randrange(len(lines))
    lines.insert(at, lines[at])
    tokens[:] = lines


def _commented(tokens: list[bytes], chance: random.Random, _: Sequence[bytes]) -> None:
    tokens.insert(chance.randrange(len(tokens) + 1), chance.choice((b" /* c */ ", b"// c\n", b"/* a\nb */", b"//")))


def _strange(tokens: list[bytes], chance: random.Random, _: Sequence[bytes]) -> None:
    strange = (
        b"\xff\xfe",
        b"\xc3",
        b"\x00",
        b"\r",
        b"\xe2\x80\xa8",
        b"\xf0\x9f\x98\x80",
        b"\x0c",
        _BOM,
        b"\\",
        b"`",
        b'"',
        b"'",
    )
    tokens.insert(chance.randrange(len(tokens) + 1), chance.choice(strange))


_DAMAGE: tuple[Callable[[list[bytes], random.Random, Sequence[bytes]], None], ...] = (
    _dropped, _doubled, _swapped, _renamed, _moved, _foreign, _line_doubled, _commented, _strange,
)  # fmt: skip


def damaged(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """The file with up to three damages, and perhaps other line endings, a byte order mark, or no end."""
    tokens: list[bytes] = _TOKEN.findall(data)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        if tokens:
            chance.choice(_DAMAGE)(tokens, chance, others)
    data = b"".join(tokens)
    match chance.randrange(12):
        case 0:
            data = data.replace(b"\n", b"\r\n")
        case 1:
            data = _BOM + data
        case 2:
            data = data[: chance.randrange(len(data) + 1)]
        case 3:
            data = data.rstrip(b"\n")
        case 4:
            lines = data.split(b"\n")
            data = b"".join(line + chance.choice((b"\n", b"\r\n")) for line in lines)
        case 5:
            data = re.sub(rb"\n\t+", lambda m: b"\n" + b"  " * m[0].count(b"\t"), data)
    return data


# --- rounds -----------------------------------------------------------------------------------------------------


def lay_out(root: Path, seed: int, packages: int = _PACKAGES) -> Lot:
    """A module of damaged files, each in a package of its own."""
    chance = random.Random(seed)
    originals = files()
    (root / "go.mod").write_text(GO_MOD)
    paths = []
    for number, data in enumerate(chance.choices(originals, k=packages)):
        path = root / f"p{number}" / "p.go"
        path.parent.mkdir()
        path.write_bytes(damaged(data, chance, originals))
        paths.append(str(path))
    return Lot(str(root), tuple(paths))


def one_round(root: Path, seed: int, packages: int = _PACKAGES) -> Swept:
    """What came of one round's files."""
    return sweep.guarded(lay_out(root, seed, packages), 300)


def main() -> int:
    parser = argparse.ArgumentParser(description="Damaged Go files through every transform.")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the files of rounds in which something broke")
    asked = parser.parse_args()
    end, seed, total = time.monotonic() + asked.seconds, asked.seed, Swept(Counter())
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory(prefix="gocodemod-fuzz-") as name:
            root = Path(name).resolve()
            swept = one_round(root, seed)
            for fault in swept.faults:
                print(f"FAULT (seed {seed}): {fault}", flush=True)
            for text in swept.rolled_back:
                print(f"rolled back (seed {seed}): {text}", flush=True)
            if swept.faults and asked.keep:
                _keep(root, asked.keep / str(seed))
        total.add(swept)
        seed += 1
    print(f"{(seed - asked.seed) * _PACKAGES} files, {sum(total.sites.values())} sites, {total.changed} would change")
    print(f"{len(total.faults)} faults, {len(total.rolled_back)} fixes rolled back; the next seed is {seed}")
    return int(bool(total.faults))


def _keep(root: Path, folder: Path) -> None:
    for path in root.rglob("*.go"):
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
