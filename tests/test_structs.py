"""What the type checker says about structs, their values, and the variables whose methods are called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gocodemod.errors import TypesUnavailable
from gocodemod.golang.facts import Place, Struct
from gocodemod.golang.types import TypeChecker
from tests.repos import tree

CODE = """package app

import "sync"

type inner struct{ sync.Mutex; deep int }

type group struct{}

func (*group) Add(int) {}
func (*group) Done()   {}
func (*group) Wait()   {}

type service struct {
	inner
	name string
	mu   sync.RWMutex
	many [2]plain
}

func (s *service) Close() { s.Lock(); s.mu.RLock(); (&s.inner).Unlock(); get().Lock(); s.many[0].touch() }

func get() *service { return nil }

type plain struct {
	n int
}

func (p *plain) touch() {}

func uses(ps []plain, one plain) {
	a := plain{1}
	b := plain{n: 1}
	c := &plain{}
	*c = b
	c.touch()
	(&a).touch()
	_ = a.n
	if a == b {
	}
	for _, p := range ps {
		p.touch()
	}
	for i := range ps {
		ps[i].touch()
	}
	_ = map[plain]bool{}
	take(&a)
	pass(*c)
	var g group
	g.Done()
}

func take(*plain) {}
func pass(any)    {}

type named plain

type locker interface{ Close(); Lock() }
type other interface{ Close(n int) }
"""


class Code:
    def __init__(self, root: Path, types: TypeChecker) -> None:
        self.path, self.types = str(root / "app.go"), types

    def id(self, text: str, name: str) -> str:
        at = CODE.index(text) + text.index(name)
        [ref] = [r for r in self.types.refs(self.path, at, at + len(name)) if r.name == name][:1]
        return ref.object

    def holder(self, text: str) -> str:
        at = CODE.index(text)
        [call] = [
            c for c in self.types.calls(self.path, at, at + len(text)) if (c.start, c.end) == (at, at + len(text))
        ]
        found = self.types.object(call.holder) if call.holder else None
        return f"{found.kind} {found.name}" if found is not None else ""

    def structure(self, text: str, name: str) -> Struct:
        found = self.types.structure(self.id(text, name))
        assert found is not None
        return found

    def lines(self, places: tuple[Place, ...]) -> list[str]:
        starts = [CODE.rfind("\n", 0, p.start) + 1 for p in places]
        return [CODE[s : CODE.index("\n", s)].strip() for s in starts]


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Code]:
    root = tree(
        tmp_path_factory.mktemp("structs").resolve(), {"go.mod": "module example.com/app\n\ngo 1.24\n", "app.go": CODE}
    )
    with TypeChecker(root) as types:
        types.load([str(root / "app.go")])
        yield Code(root, types)


def test_the_variable_whose_method_is_called(code: Code) -> None:
    assert code.holder("s.mu.RLock()") == "field mu"
    assert code.holder("s.Lock()") == "field Mutex", "promoted from a field inside an embedded one"
    assert code.holder("(&s.inner).Unlock()") == "field Mutex"
    assert code.holder("get().Lock()") == "field Mutex"
    assert code.holder("s.many[0].touch()") == ""
    assert code.holder("g.Done()") == "var g"


def test_members_are_all_that_can_be_selected(code: Code) -> None:
    members = code.types.members(code.id("s *service) Close", "s"))
    assert members is not None
    assert members.methods == ("Close", "Lock", "TryLock", "Unlock")
    assert {"Mutex", "deep", "inner", "many", "mu", "name"} <= set(members.fields)
    group = code.types.members(code.id("g group", "g"))
    assert group is not None and group.methods == ("Add", "Done", "Wait")
    assert code.types.members("builtin:nil") is None


def test_a_struct_as_it_is_declared(code: Code) -> None:
    found = code.structure("s *service) Close", "s")
    assert CODE[found.start : found.end] == CODE[CODE.index("{\n\tinner") : CODE.index("\n}", CODE.index("many ")) + 2]
    assert (found.name, found.exported, found.generic, found.no_copy) == ("service", False, False, True)
    assert [f.name for f in found.fields] == ["inner", "name", "mu", "many"]
    assert [m.name for m in found.methods] == ["Close"]
    assert {"Close", "deep", "Lock", "mu"} <= set(found.taken)
    assert code.structure("type service", "service") == found


def test_what_becomes_of_values(code: Code) -> None:
    found = code.structure("one plain", "one")
    assert not found.no_copy
    assert code.lines(found.positional) == ["a := plain{1}"]
    assert code.lines(found.compared) == ["if a == b {", "if a == b {", "_ = map[plain]bool{}"]
    assert code.lines(found.copied) == [
        "func uses(ps []plain, one plain) {",
        "*c = b",
        "*c = b",
        "for _, p := range ps {",
        "pass(*c)",
    ]


def test_only_a_struct_written_as_one_counts(code: Code) -> None:
    assert code.types.structure(code.id("type named plain", "named")) is None
    assert code.types.structure(code.id("name string", "name")) is None


def test_interfaces_that_a_method_may_be_called_through(code: Code) -> None:
    found = code.types.implemented(code.id("s *service) Close", "Close"))
    assert [(m.name, CODE[: m.start].rsplit("type ", 1)[1].split()[0]) for m in found] == [("Close", "locker")]
    assert code.types.implemented(code.id("func get", "get")) == ()


def test_methods_that_a_call_of_an_interface_may_come_to(code: Code) -> None:
    found = code.types.implementations(code.id("locker interface{ Close()", "Close"))
    assert [CODE[: m.start].rsplit("func ", 1)[1] for m in found] == ["(s *service) "]


def test_what_all_packages_do_with_the_values(code: Code) -> None:
    found = code.types.instances(code.id("type plain", "plain"))
    assert [(m.keyed, m.outside, CODE[m.start : m.end]) for m in found.literals if not m.keyed] == [
        (False, False, "{1}")
    ]
    assert {z.how for z in found.zero} >= {"as an element"}
    assert code.lines(found.copied)[1:3] == ["*c = b", "*c = b"]
    assert (found.embedded, found.measured, found.unloaded) == ((), (), ())
    with pytest.raises(TypesUnavailable):
        code.types.instances("builtin:error")
