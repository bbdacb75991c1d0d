"""What tests share: one formatter process, the goldens' flag and the bench that runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gocodemod.engine.format import Gofmt
from gocodemod.golang.types import TypeChecker

pytest.register_assert_rewrite("tests.bench")

from tests.bench import Bench  # noqa: E402
from tests.forge.server import Forge, serve  # noqa: E402
from tests.gocode import FILES, Module, write  # noqa: E402
from tests.golden import Case  # noqa: E402
from tests.repos import ENVIRONMENT  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="rewrite the want/ part of the golden cases")


@pytest.fixture(scope="session")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TypeChecker]:
    """A process for what needs no module: layout, parsing, comments."""
    with TypeChecker(str(tmp_path_factory.mktemp("nothing"))) as found:
        yield found


@pytest.fixture(scope="session")
def gofmt(checker: TypeChecker) -> Gofmt:
    return checker.format


@pytest.fixture(scope="session")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, checker: TypeChecker) -> Bench:
    """Batches of the cases that this session has collected."""
    collected = (getattr(item, "callspec", None) for item in request.session.items)
    cases = [spec.params["case"] for spec in collected if spec and isinstance(spec.params.get("case"), Case)]
    return Bench(cases, tmp_path_factory.mktemp("goldens"), checker)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Module]:
    root = tmp_path_factory.mktemp("app").resolve()
    write(root, FILES)
    with TypeChecker(root, env={"CGO_ENABLED": "1", "GOOS": "linux", "GOARCH": "amd64"}) as types:
        types.load([str(root / name) for name in FILES if name.endswith(".go")])
        yield Module(root, types)


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    """A forge on this machine, and a state folder of its own; through a proxy where ``make contract`` put one before it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ENVIRONMENT[name])
    (tmp_path / "forge").mkdir()
    port, proxy = os.environ.get("FORGE_PORT", "0"), os.environ.get("FORGE_PROXY", "")
    with serve(tmp_path / "forge", int(port), proxy) as made:
        yield made
