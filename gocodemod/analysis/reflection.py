"""Do values of a struct go where all their fields are read by reflection, those that have no exported name among them?

Printing by ``%v``, deep comparison and dumps see unexported fields; the encoders of the standard library do not.
"""

from __future__ import annotations

import os
import re

from gocodemod.analysis.view import View
from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Struct
from gocodemod.transform import Context

_PRINTS = ("fmt.", "log.", "(*log.Logger).", "(*testing.common).", "(testing.TB).", "log/slog.")
_LOOKS = frozenset(
    {"DeepEqual", "Equal", "Equalf", "NotEqual", "EqualValues", "Diff", "Dump", "Sdump", "Fdump", "Any", "WithField",
     "ValueOf", "Printf", "Println", "Print", "Infof", "Debugf", "Warnf", "Errorf", "Tracef", "Log", "Logf"}
)  # fmt: skip


def looks_at(context: Context, view: View, struct: Struct) -> str:
    """Where a value of the struct, or a pointer to one, is printed or compared by reflection, a phrase; ``""`` if nowhere."""
    prints_itself = any(m.name in ("String", "Format", "Error") for m in struct.methods)
    folder = os.path.dirname(struct.path)
    package = view.facts.file(view.path).package
    holders = "|".join(re.escape(name) for name in [struct.name, *_holders(context, view, struct, folder)])
    word = re.compile(rf"(?<![\w.])(?:{re.escape(package)}\.)?(?:{holders})\b")
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if not entry.endswith(".go"):
            continue
        try:
            source = view.source if path == view.path else context.source(path)
            calls = context.facts.calls(path, 0, len(source.data))
        except (TypesUnavailable, OSError):
            continue
        for call in calls:
            last = call.name.rsplit(".", 1)[-1]
            prints = call.name.startswith(_PRINTS)
            if not (prints or last in _LOOKS) or (prints and prints_itself):
                continue
            node = source.node_at(call.start, call.end).child_by_field_name("arguments")
            for value in node.named_children if node is not None else ():
                known = context.facts.expr(path, value.start_byte, value.end_byte)
                if known is not None and word.search(known.type.split("func(")[0]):
                    line = source.data.count(b"\n", 0, call.start) + 1
                    return f"line {line} of {entry} hands a {struct.name} to {call.name or last}"
    return ""


_TYPES = "(type_spec name: (type_identifier) type: (struct_type)) @t"


def _holders(context: Context, view: View, struct: Struct, folder: str) -> list[str]:
    """Names of the package's structs that have one of these inside, and so print it with themselves; also further out."""
    bodies: dict[str, str] = {}
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if not entry.endswith(".go"):
            continue
        try:
            source = view.source if path == view.path else context.source(path)
        except (TypesUnavailable, OSError):
            continue
        for node in source.captures(_TYPES, "t"):
            named, body = node.child_by_field_name("name"), node.child_by_field_name("type")
            if named is not None and body is not None:
                bodies[source.text(named).decode()] = source.text(body).decode("utf-8", "replace")
    found = [struct.name]
    for name in found:
        inside = re.compile(rf"\b{re.escape(name)}\b")
        found += [n for n, text in bodies.items() if n not in found and inside.search(text)]
    return found[1:]
