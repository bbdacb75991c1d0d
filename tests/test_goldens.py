"""Every golden case, and what must hold for every one of them (docs/testing.md; ``--update-goldens`` rewrites)."""

from __future__ import annotations

import pytest

from tests.bench import Bench
from tests.golden import Case, cases


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.transform}/{case.name}") for case in cases()])
def test_golden(case: Case, bench: Bench, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-goldens"):
        case = bench.update(case)
    bench.check_sites_and_files(case)
    bench.check_only_what_was_edited_changed(case)
    bench.check_comments_are_all_there(case)
    bench.check_layout(case)
    bench.check_second_run_changes_nothing(case)
    bench.check_crlf_twin(case)
    bench.check_modes_agree(case)
    bench.check_vet(case)
    bench.check_go_tests(case)
