"""Go's durations as text: read as time.ParseDuration reads them, written as Go code writes them.

https://pkg.go.dev/time#ParseDuration
"""

from __future__ import annotations

import re
from fractions import Fraction

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_CONSTANTS = (
    (3_600_000_000_000, "Hour"),
    (60_000_000_000, "Minute"),
    (1_000_000_000, "Second"),
    (1_000_000, "Millisecond"),
    (1_000, "Microsecond"),
    (1, "Nanosecond"),
)
_LONGEST = 2**63 - 1


def parse(text: str) -> int:
    """Nanoseconds of a positive duration such as ``30s`` or ``1h30m``. Raises ValueError for anything else."""
    total, reached = Fraction(0), 0
    for part in _PART.finditer(text):
        if part.start() != reached:
            break
        total += Fraction(part[1].rstrip(".") or "0") * _UNITS[part[2]]
        reached = part.end()
    if not text or reached != len(text):
        raise ValueError(f"{text!r} is no duration")
    if not 1 <= total <= _LONGEST:
        raise ValueError(f"{text!r} is no duration between 1ns and {_LONGEST}ns")
    return int(total)


def code(nanoseconds: int, package: str = "time.") -> str:
    """A Go expression, laid out as gofmt has it in an argument list. ``package``: what stands before its constants."""
    size, unit = next((size, unit) for size, unit in _CONSTANTS if nanoseconds % size == 0)
    count = nanoseconds // size
    return f"{package}{unit}" if count == 1 else f"{count}*{package}{unit}"
