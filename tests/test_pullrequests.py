"""Pull requests on the forge for tests: GitHub's, GitLab's and Gitea's clients against real git over HTTP."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.forge.bench import AFTER, Bench, bench
from tests.forge.canned import WISHES
from tests.forge.server import DROP, Answer, Fault, Forge, Request, answer, to
from tests.repos import ENVIRONMENT, git

ALL = "gocodemod/old/all"


def wait(event: threading.Event) -> None:
    assert event.wait(60)


def creates(request: Request) -> bool:
    return request.method == "POST" and re.search(r"/(pulls|merge_requests)$", request.path) is not None


def labels(request: Request) -> bool:
    return request.writes and (request.path.endswith("/labels") or "add_labels" in (request.body or ()))


def asks(request: Request) -> bool:
    return request.writes and (request.path.endswith("/requested_reviewers") or "reviewer_ids" in (request.body or ()))


@pytest.fixture(params=["github", "gitlab", "gitea"])
def there(forge: Forge, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return bench(tmp_path, forge, request.param)


def test_one_is_opened_with_all_that_was_asked_for(there: Bench) -> None:
    ran = there.run([there.change("all")], labels=("codemod", "go"), reviewers=("bob",), draft=True)
    assert ran.statuses == {ALL: "created"}
    [pull] = there.project.pulls.values()
    assert (pull.branch, pull.into, pull.draft, pull.labels, pull.reviewers) == (
        ALL,
        "main",
        True,
        ["codemod", "go"],
        ["bob"],
    )
    assert "p.go:4" in pull.body
    assert there.project.git("show", f"{ALL}:p.go") == AFTER.strip()
    assert there.project.git("rev-parse", f"{ALL}^") == there.project.head("main")


def test_an_unchanged_rerun_writes_nothing(there: Bench) -> None:
    there.run([there.change("all")], labels=("codemod",), reviewers=("bob",))
    there.forge.forget()
    assert there.run([there.change("all")], labels=("codemod",), reviewers=("bob",)).statuses == {ALL: "unchanged"}
    assert there.forge.writes == []


# --- what is there is brought to where it should be ---------------------------------------------------------------


def test_a_change_that_is_made_differently_keeps_its_number(there: Bench) -> None:
    there.run([there.change("all")])
    was = there.project.head(ALL)
    other = AFTER.replace("new()", "newer()")
    assert there.run([there.change("all", {"p.go": other})]).statuses == {ALL: "updated"}
    assert list(there.project.pulls) == [1]
    assert there.project.head(ALL) != was
    assert there.project.git("show", f"{ALL}:p.go") == other.strip()


def test_a_moved_base_renews_the_branch(there: Bench) -> None:
    there.run([there.change("all")])
    there.move_base()
    assert there.run([there.change("all")]).statuses == {ALL: "updated"}
    assert there.project.git("rev-parse", f"{ALL}^") == there.project.head("main")
    assert list(there.project.pulls) == [1]


def test_other_evidence_changes_only_the_body(there: Bench) -> None:
    there.run([there.change("all")])
    there.forge.forget()
    ran = there.run([there.change("all", cadence="every second")])
    assert ran.statuses == {ALL: "updated"}
    assert "every second" in there.project.pulls[1].body
    assert [w for w in there.forge.writes if "receive-pack" in w] == []
    assert len(there.forge.writes) == 1


def test_what_people_write_around_our_part_of_the_body_stays(there: Bench) -> None:
    there.run([there.change("all")])
    pull = there.project.pulls[1]
    pull.body = f"Read this first.\r\n\r\n{pull.body}\r\n\r\nSee also the wiki.\r\n"
    there.forge.forget()
    assert there.run([there.change("all")]).statuses == {ALL: "unchanged"}
    there.run([there.change("all", cadence="every second")])
    assert pull.body.startswith("Read this first.")
    assert "See also the wiki." in pull.body
    assert pull.body.count("every second") == 2


def test_what_somebody_else_committed_is_never_overwritten(there: Bench) -> None:
    there.run([there.change("all")])
    there.commit(ALL, "mine.go", "package p\n")
    was = there.project.head(ALL)
    there.move_base()
    there.forge.forget()
    ran = there.run([there.change("all")])
    assert ran.statuses == {ALL: "diverged"}
    assert "did not make" in ran.pulls[0].why
    assert (there.forge.writes, there.project.head(ALL)) == ([], was)


def test_a_push_between_our_look_and_our_push_is_not_overwritten(there: Bench) -> None:
    there.run([there.change("all")])
    there.move_base()
    meanwhile = Fault(to("GET", "/info/refs"), answer=None, times=0)

    def somebody_pushes() -> None:
        there.forge.faults.clear()
        there.commit(ALL, "mine.go", "package p\n")

    meanwhile.on = lambda r: r.path.endswith("/info/refs") and r.query.get("service") == "git-receive-pack"
    meanwhile.times, meanwhile.then = 1, somebody_pushes
    there.forge.faults.append(meanwhile)
    assert there.run([there.change("all")]).statuses == {ALL: "diverged"}
    assert "mine.go" in there.project.git("ls-tree", "--name-only", ALL)


def test_one_closed_by_a_person_stays_closed(there: Bench) -> None:
    there.run([there.change("all")])
    there.forge.world.close(there.project.pulls[1])
    there.move_base()
    there.forge.forget()
    ran = there.run([there.change("all")])
    assert (ran.statuses, there.forge.writes) == ({ALL: "closed"}, [])
    assert "--reopen" in ran.pulls[0].why
    assert there.run([there.change("all")], reopen=True).statuses == {ALL: "updated"}
    assert there.project.pulls[1].state == "open"
    assert there.project.git("rev-parse", f"{ALL}^") == there.project.head("main")


def test_where_it_cannot_be_reopened_a_new_one_is_opened(there: Bench) -> None:
    there.run([there.change("all")])
    there.forge.world.close(there.project.pulls[1])
    there.project.git("update-ref", "-d", f"refs/heads/{ALL}")
    assert there.run([there.change("all")]).statuses == {ALL: "closed"}
    assert there.run([there.change("all")], reopen=True).statuses == {ALL: "created"}
    assert [pull.state for pull in there.project.pulls.values()] == ["closed", "open"]


def test_a_change_that_has_vanished_is_closed_with_a_comment(there: Bench) -> None:
    there.run([there.change("all"), there.change("more", {"q.go": AFTER})])
    there.forge.forget()
    ran = there.run([there.change("all")])
    assert ran.statuses == {"gocodemod/old/more": "closed", ALL: "unchanged"}
    gone = there.project.pulls[2]
    assert (gone.state, len(gone.comments)) == ("closed", 1)
    there.forge.forget()
    assert there.run([there.change("all")]).statuses == {ALL: "unchanged"}
    assert there.forge.writes == []


@pytest.mark.parametrize("ledger", ["kept", "lost"])
def test_a_change_that_comes_back_opens_its_own_again(
    there: Bench, tmp_path: Path, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.run([there.change("all")])
    there.run([])
    if ledger == "lost":
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    assert there.run([there.change("all")]).statuses == {ALL: "updated"}
    assert there.project.pulls[1].state == "open"


def test_one_that_vanished_but_holds_work_of_somebody_else_is_left_open(there: Bench) -> None:
    there.run([there.change("all")])
    there.commit(ALL, "mine.go", "package p\n")
    there.forge.forget()
    ran = there.run([])
    assert (ran.statuses, there.forge.writes, there.project.pulls[1].state) == ({ALL: "diverged"}, [], "open")


def test_what_was_not_looked_for_has_not_vanished(there: Bench) -> None:
    there.run([there.change("all")])
    assert there.run([], vanished=lambda branch: False).statuses == {}
    assert there.project.pulls[1].state == "open"


def test_after_a_merge_a_new_change_gets_a_new_pull_request(there: Bench) -> None:
    there.run([there.change("all")])
    there.forge.world.merge(there.project.pulls[1])
    again = AFTER.replace("new()", "new(); old()")
    assert there.run([there.change("all", {"p.go": again})]).statuses == {ALL: "created"}
    assert [pull.state for pull in there.project.pulls.values()] == ["closed", "open"]


def test_one_that_was_opened_by_hand_from_our_branch_is_adopted(there: Bench) -> None:
    there.run([there.change("all")])
    there.project.pulls[1].body = "By hand."
    there.project.pulls[1].title = "By hand"
    assert there.run([there.change("all")]).statuses == {ALL: "updated"}
    assert there.project.pulls[1].body.endswith("By hand.")
    there.forge.forget()
    assert there.run([there.change("all")]).statuses == {ALL: "unchanged"}


def test_labels_and_reviewers_that_people_take_away_stay_away(there: Bench) -> None:
    wishes: dict[str, Any] = {"labels": ("codemod", "go"), "reviewers": ("bob",)}
    there.run([there.change("all")], **wishes)
    pull = there.project.pulls[1]
    pull.labels.remove("go")
    pull.reviewers.clear()
    there.forge.forget()
    assert there.run([there.change("all")], **wishes).statuses == {ALL: "unchanged"}
    assert there.run([there.change("all")], labels=("codemod", "go", "new")).statuses == {ALL: "updated"}
    assert pull.labels == ["codemod", "new"]


def test_a_lost_ledger_changes_nothing(there: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wishes: dict[str, Any] = {"labels": ("codemod",), "reviewers": ("bob",)}
    there.run([there.change("all")], **wishes)
    pull = there.project.pulls[1]
    pull.reviewed, pull.reviewers = ["bob"], []
    there.forge.forget()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    assert there.run([there.change("all")], **wishes).statuses == {ALL: "unchanged"}
    assert there.forge.writes == []
    there.move_base()
    assert there.run([there.change("all")], **wishes).statuses == {ALL: "updated"}


def test_a_reviewer_who_cannot_be_asked_is_said_and_the_rest_stands(there: Bench) -> None:
    ran = there.run([there.change("all")], reviewers=("nobody",), labels=("codemod",))
    assert ran.statuses == {ALL: "failed"}
    assert "nobody could not be asked" in ran.pulls[0].why
    assert there.project.pulls[1].labels == ["codemod"]


def test_no_more_than_asked_for_are_open(there: Bench) -> None:
    changes = [there.change(name) for name in ("a", "b", "c")]
    ran = there.run(changes, max_open=2)
    assert list(ran.statuses) == ["gocodemod/old/a", "gocodemod/old/b"]
    assert ran.plan.held == ("gocodemod/old/c",)
    assert set(there.project.heads("gocodemod/")) == {"gocodemod/old/a", "gocodemod/old/b"}
    there.forge.world.merge(there.project.pulls[1])
    assert there.run(changes[1:], max_open=2).statuses == {"gocodemod/old/b": "updated", "gocodemod/old/c": "created"}


def test_a_dry_run_writes_nothing_and_says_what_it_would(there: Bench, tmp_path: Path) -> None:
    ran = there.run([there.change("all")], dry_run=True, labels=("codemod",))
    assert ran.statuses == {ALL: "created"}
    assert [verb.value for verb in ran.pulls[0].verbs] == ["push", "create", "label"]
    assert (there.forge.writes, there.project.pulls) == ([], {})
    assert not (tmp_path / "state").exists()
    there.run([there.change("all")])
    there.forge.forget()
    there.move_base()
    dry = there.run([there.change("all")], dry_run=True)
    assert (dry.statuses, there.forge.writes) == ({ALL: "updated"}, [])
    assert dry.pulls[0].commit == there.run([there.change("all")]).pulls[0].commit


def test_the_same_name_in_two_organisations_is_two_repositories(there: Bench, tmp_path: Path) -> None:
    other = bench(tmp_path / "clone", there.forge, there.kind, name="p/r")
    assert there.run([there.change("all")]).statuses == {ALL: "created"}
    assert other.run([other.change("all")]).statuses == {ALL: "created"}
    there.forge.forget()
    assert there.run([there.change("all")]).statuses == {ALL: "unchanged"}
    assert other.run([other.change("all")]).statuses == {ALL: "unchanged"}
    assert there.forge.writes == []


def test_a_fork_is_made_once_and_pushed_to(there: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert there.run([there.change("all")], fork=True).statuses == {ALL: "created"}
    [pull] = there.project.pulls.values()
    assert (pull.head.name, pull.branch) == ("ann/r", ALL)
    assert there.project.head(ALL) is None
    for ledger in ("kept", "lost"):
        if ledger == "lost":
            monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
        there.forge.forget()
        assert there.run([there.change("all")], fork=True).statuses == {ALL: "unchanged"}
        assert there.forge.writes == []


# --- what goes wrong on the way ----------------------------------------------------------------------------------


def bodies_of(there: Bench) -> list[str]:
    return [pull.branch for pull in there.project.pulls.values() if pull.state == "open"]


# Answers that GitHub's description does not have: `make contract` leaves these out.
UNDESCRIBED = pytest.mark.undescribed


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(DROP, id="dropped"),
        pytest.param(answer(502, {"message": "Bad gateway"}), id="502", marks=UNDESCRIBED),
    ],
)
@pytest.mark.parametrize("after", [True, False], ids=["after-the-row-was-written", "before"])
def test_a_creation_without_an_answer_makes_one(there: Bench, broken: Answer, after: bool) -> None:
    there.forge.faults.append(Fault(creates, broken, after=after))
    assert there.run([there.change("all")]).statuses == {ALL: "created"}
    assert bodies_of(there) == [ALL]
    there.forge.forget()
    assert there.run([there.change("all")]).statuses == {ALL: "unchanged"}
    assert there.forge.writes == []


def test_one_that_somebody_opened_meanwhile_is_adopted(there: Bench) -> None:
    def somebody_opens() -> None:
        there.forge.world.open(there.project, there.project, ALL, "main", "Mine", "By hand.", False)

    there.forge.faults.append(Fault(creates, answer=None, then=somebody_opens))
    assert there.run([there.change("all")], labels=("codemod",)).statuses == {ALL: "updated"}
    [pull] = there.project.pulls.values()
    assert pull.title != "Mine"
    assert pull.body.endswith("By hand.")
    assert pull.labels == ["codemod"]


def test_a_connection_that_breaks_after_the_push(there: Bench) -> None:
    there.forge.faults.append(Fault(to("POST", "/git-receive-pack"), DROP, after=True))
    assert there.run([there.change("all")]).statuses == {ALL: "created"}
    assert there.project.head(ALL) == there.project.pulls[1].tip()


def test_a_push_that_fails_is_said_and_the_next_run_goes_on(there: Bench) -> None:
    there.forge.faults.append(Fault(to("POST", "/git-receive-pack"), answer(502, {}), times=2))
    changes = [there.change("a"), there.change("b"), there.change("c", {"q.go": AFTER})]
    assert list(there.run(changes).statuses.values()) == ["failed", "failed", "created"]
    assert list(there.run(changes).statuses.values()) == ["created", "created", "unchanged"]
    assert len(bodies_of(there)) == 3


@UNDESCRIBED
def test_a_token_that_is_refused_in_the_middle_stops_the_run(there: Bench) -> None:
    seen = []

    def second(request: Request) -> bool:
        seen.append(creates(request))
        return creates(request) and sum(seen) == 2

    there.forge.faults.append(Fault(second, answer(401, {"message": "Bad credentials"})))
    changes = [there.change(name) for name in ("a", "b", "c")]
    ran = there.run(changes)
    assert list(ran.statuses.values()) == ["created", "failed", "failed"]
    assert ran.pulls[2].why.startswith("not tried:")
    assert list(there.run(changes).statuses.values()) == ["unchanged", "created", "created"]


def test_a_slow_answer_is_not_waited_for_and_makes_one(there: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"gocodemod.deliver.forges.{there.kind}._TIMEOUT", 1)
    given = threading.Event()
    there.forge.faults.append(Fault(creates, answer=None, after=True, then=lambda: wait(given)))
    try:
        assert there.run([there.change("all")]).statuses == {ALL: "created"}
    finally:
        given.set()
    assert bodies_of(there) == [ALL]


LIMITED = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


@pytest.mark.parametrize(
    ("limit", "pauses"),
    [
        pytest.param(answer(429, LIMITED, retry_after="17"), [17, 17], id="429-with-retry-after", marks=UNDESCRIBED),
        pytest.param(answer(429, LIMITED), [60, 120], id="429", marks=UNDESCRIBED),
        pytest.param(answer(403, LIMITED, retry_after="17"), [17, 17], id="403-with-retry-after"),
        pytest.param(answer(403, LIMITED), [60, 120], id="403"),
        pytest.param(
            answer(
                403, {"message": "API rate limit exceeded"}, x_ratelimit_remaining="0",
                x_ratelimit_reset="1000000041", date="Sun, 09 Sep 2001 01:46:40 GMT",
            ),
            [42, 42], id="until-the-reset",
        ),
    ],
)  # fmt: skip
def test_limits_are_waited_out(there: Bench, limit: Answer, pauses: list[float]) -> None:
    if there.kind != "github" and limit[0] == 403:
        pytest.skip("only GitHub says 403")
    there.forge.faults.append(Fault(creates, limit, times=2))
    ran = there.run([there.change("all")])
    assert ran.statuses == {ALL: "created"}
    assert [round(seconds) for seconds in there.clock.slept] == pauses
    assert [line for line in ran.told if "pause" in line]
    assert bodies_of(there) == [ALL]


@UNDESCRIBED
@pytest.mark.parametrize(("asked", "pauses"), [("100000", 0), ("100", 8)])
def test_a_limit_that_does_not_end_stops_the_run(there: Bench, asked: str, pauses: int) -> None:
    there.forge.faults.append(Fault(creates, answer(429, LIMITED, retry_after=asked), times=99))
    changes = [there.change("a"), there.change("b")]
    ran = there.run(changes)
    assert list(ran.statuses.values()) == ["failed", "failed"]
    assert ran.pulls[1].why.startswith("not tried:")
    assert len(there.clock.slept) == pauses
    there.forge.forget()
    assert list(there.run(changes).statuses.values()) == ["created", "created"]


@pytest.mark.parametrize("there", ["github"], indirect=True)
def test_two_hundred_through_a_secondary_limit(there: Bench) -> None:
    # Pushed to the folder: what is tried here is the API.
    git(there.clone, "remote", "set-url", "origin", str(there.project.folder))
    count = 200
    changes = [there.change(f"n{number:03}", {"p.go": f"{AFTER}\n// {number}\n"}) for number in range(count)]
    times: list[float] = []

    def counted(request: Request) -> bool:
        if request.writes:
            times.append(there.clock.now())
        return False

    def from_write(number: int) -> Callable[[Request], bool]:
        return lambda request: creates(request) and len(times) >= number

    there.forge.faults += [
        Fault(counted),
        Fault(from_write(70), answer(403, LIMITED, retry_after="90")),
        Fault(from_write(190), answer(403, LIMITED), times=2),
        Fault(from_write(300), DROP, after=True),
        Fault(from_write(400), DROP, after=True),
    ]
    ran = there.run(changes, labels=("codemod",), reviewers=("bob",))
    assert set(ran.statuses.values()) == {"created"}
    opened = [pull.branch for pull in there.project.pulls.values()]
    assert sorted(opened) == [change.branch for change in changes]
    assert all((pull.labels, pull.reviewers) == (["codemod"], ["bob"]) for pull in there.project.pulls.values())
    for most, seconds in ((80, 60), (500, 3600)):
        assert max(sum(t <= s < t + seconds for s in times) for t in times) <= most
    assert all(fault.times == 0 for fault in there.forge.faults[1:])
    [told] = [line for line in ran.told if "pull requests to write" in line]
    assert told.startswith("200 pull requests to write, 200 pushes and 600 requests: about ")
    there.forge.forget()
    assert set(there.run(changes, labels=("codemod",), reviewers=("bob",)).statuses.values()) == {"unchanged"}
    assert there.forge.writes == []


# --- kill -9 -----------------------------------------------------------------------------------------------------


def canned(there: Bench, *names: str) -> subprocess.Popen[bytes]:
    """A run as a process, and a process group, of its own."""
    arguments = (there.forge.url, there.forge.public, str(there.clone), there.kind, *names)
    environment = ENVIRONMENT | {"XDG_STATE_HOME": os.environ["XDG_STATE_HOME"]}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.forge.canned", *arguments], start_new_session=True, env=environment
    )


def closes(request: Request) -> bool:
    return request.writes and bool({"state", "state_event"} & set(request.body or ()))


def fetches_to_push(request: Request) -> bool:
    return request.path.endswith("/info/refs") and request.query.get("service") == "git-receive-pack"


@pytest.mark.parametrize(
    ("moment", "after"),
    [
        (fetches_to_push, False),
        (to("POST", "/git-receive-pack"), True),
        (creates, True),
        (labels, True),
        (asks, True),
    ],
    ids=["before-the-push", "after-the-push", "after-the-post-before-the-answer", "after-labels", "after-reviewers"],
)  # fmt: skip
def test_after_a_kill_a_rerun_ends_with_exactly_one(
    there: Bench, moment: Callable[[Request], bool], after: bool
) -> None:
    process: list[subprocess.Popen[bytes]] = []
    there.forge.faults.append(Fault(moment, DROP, after=after, then=lambda: os.killpg(process[0].pid, signal.SIGKILL)))
    process.append(canned(there, "all"))
    assert process[0].wait(120) == -signal.SIGKILL
    there.run([there.change("all")], **WISHES)
    [pull] = there.project.pulls.values()
    assert (pull.state, pull.labels, pull.reviewers) == ("open", ["codemod"], ["bob"])
    assert there.project.head(ALL) == pull.tip()
    there.forge.forget()
    assert there.run([there.change("all")], **WISHES).statuses == {ALL: "unchanged"}
    assert there.forge.writes == []


@pytest.mark.parametrize(
    "moment", [to("POST", "/comments"), to("POST", "/notes"), closes], ids=["comment", "note", "close"]
)
def test_after_a_kill_while_closing_a_rerun_says_it_once(there: Bench, moment: Callable[[Request], bool]) -> None:
    there.run([there.change("all")])
    process: list[subprocess.Popen[bytes]] = []
    fault = Fault(moment, DROP, after=True, then=lambda: os.killpg(process[0].pid, signal.SIGKILL))
    there.forge.faults.append(fault)
    process.append(canned(there))
    if process[0].wait(120) != -signal.SIGKILL:
        assert fault.times == 1, "killed, or a request that this forge does not have"
        pytest.skip("another forge's word for it")
    there.run([])
    [pull] = there.project.pulls.values()
    assert (pull.state, len(pull.comments)) == ("closed", 1)
    assert there.run([there.change("all")]).statuses == {ALL: "updated"}
