"""The few colours that reports and diffs have (rich would cost every run its start-up time)."""

from __future__ import annotations

BOLD = "1"
DIM = "2"
RED = "31"
GREEN = "32"
YELLOW = "33"
CYAN = "36"


def paint(text: str, code: str, colour: bool) -> str:
    """The text in a colour, if colours are wanted."""
    return f"\x1b[{code}m{text}\x1b[m" if colour and text else text


def paint_diff(diff: bytes) -> bytes:
    """A unified diff in the colours that git gives it."""
    painted = []
    in_hunk = False
    for line in diff.split(b"\n"):
        if line.startswith(b"diff --git "):
            in_hunk = False
        if line.startswith(b"@@ "):
            in_hunk = True
            code = CYAN
        elif not in_hunk:
            code = BOLD
        else:
            code = {b"+": GREEN, b"-": RED}.get(line[:1], "")
        painted.append(b"\x1b[%sm%s\x1b[m" % (code.encode(), line) if code and line else line)
    return b"\n".join(painted)
