"""Files are written whole or not at all, and only where git can give the old ones back."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gocodemod import git
from gocodemod.deliver import write
from gocodemod.engine.result import Changed, Result
from gocodemod.model import FileChange, Fix, Kind, Level, Outcome, Site
from tests.repos import git as plain_git
from tests.repos import repository, tree

OLD, NEW = b"package old\n", b"package new\n"


@pytest.fixture(autouse=True)
def fresh() -> None:
    git._find.cache_clear()


def fixed(folder: Path, *names: str) -> Outcome:
    paths = [str(folder / name) for name in names]
    site = Site("t", paths[0], 0, 1, 1, 1, 1, "f")
    return Outcome(site, Kind.FIXED, Level.SAFE, fix=Fix(tuple(FileChange(p, ()) for p in paths), Level.SAFE, ""))


def result(folder: Path, *names: str, outcomes: tuple[Outcome, ...] = ()) -> Result:
    changed = tuple(Changed(str(folder / name), OLD, NEW) for name in sorted(names))
    return Result(str(folder), outcomes or tuple(fixed(folder, n) for n in sorted(names)), changed, len(names), {})


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.suffix == ".tmp"]


def test_contents_are_replaced_and_modes_kept(tmp_path: Path) -> None:
    tree(tmp_path, {"a.go": OLD, "d/b.go": OLD})
    (tmp_path / "a.go").chmod(0o640)
    (tmp_path / "d/b.go").chmod(0o755)
    done = write.write(result(tmp_path, "a.go", "d/b.go"))
    assert done.written == [str(tmp_path / "a.go"), str(tmp_path / "d/b.go")]
    assert [(tmp_path / n).read_bytes() for n in ("a.go", "d/b.go")] == [NEW, NEW]
    assert [stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("a.go", "d/b.go")] == [0o640, 0o755]
    assert not leftovers(tmp_path)


def test_a_file_that_nobody_may_write_is_left_alone_and_the_others_are_written(tmp_path: Path) -> None:
    tree(tmp_path, {"a.go": OLD, "b.go": OLD})
    (tmp_path / "a.go").chmod(0o444)
    done = write.write(result(tmp_path, "a.go", "b.go"))
    assert done.refused == {str(tmp_path / "a.go"): "it is read-only"}
    assert [(tmp_path / n).read_bytes() for n in ("a.go", "b.go")] == [OLD, NEW]


def test_the_target_of_a_link_is_written_and_the_link_stays(tmp_path: Path) -> None:
    tree(tmp_path, {"real/a.go": OLD})
    (tmp_path / "a.go").symlink_to("real/a.go")
    assert write.write(result(tmp_path, "a.go")).written
    assert (tmp_path / "a.go").is_symlink()
    assert (tmp_path / "real/a.go").read_bytes() == NEW


def test_a_link_that_has_come_to_leave_the_tree_is_left_alone(tmp_path: Path) -> None:
    tree(tmp_path, {"outside.go": OLD, "in/x.go": OLD})
    (tmp_path / "in/a.go").symlink_to(tmp_path / "outside.go")
    done = write.write(result(tmp_path / "in", "a.go"))
    assert "leaves the tree" in done.refused[str(tmp_path / "in/a.go")]
    assert (tmp_path / "outside.go").read_bytes() == OLD


def test_a_file_that_changed_meanwhile_is_left_alone_and_the_others_are_written(tmp_path: Path) -> None:
    tree(tmp_path, {"a.go": b"package edited\n", "b.go": OLD})
    found = result(tmp_path, "a.go", "b.go", "gone.go")
    done = write.write(found)
    assert done.written == [str(tmp_path / "b.go")]
    assert "changed on disk" in done.refused[str(tmp_path / "a.go")]
    assert "cannot be read" in done.refused[str(tmp_path / "gone.go")]
    assert (tmp_path / "a.go").read_bytes() == b"package edited\n"
    after = write.outcomes_after(found, done.refused)
    assert [o.kind for o in after.outcomes] == [Kind.CONFLICTED, Kind.FIXED, Kind.CONFLICTED]
    assert after.outcomes[0].message.startswith("not written: a.go: it changed on disk")
    assert [c.path for c in after.changed] == [str(tmp_path / "b.go")]


def test_files_that_one_fix_changes_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    tree(tmp_path, {"a.go": OLD, "b.go": b"package edited\n", "c.go": OLD, "d.go": OLD})
    bound = (fixed(tmp_path, "a.go", "b.go"), fixed(tmp_path, "c.go", "a.go"), fixed(tmp_path, "d.go"))
    done = write.write(result(tmp_path, "a.go", "b.go", "c.go", "d.go", outcomes=bound))
    assert done.written == [str(tmp_path / "d.go")]
    assert sorted(done.refused) == [str(tmp_path / n) for n in ("a.go", "b.go", "c.go")]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, {"a.go": OLD, "b.go": OLD})

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = write.write(result(tmp_path, "a.go", "b.go"))
    assert done.refused[str(tmp_path / "a.go")] == "cannot be written: No space left on device"
    assert not done.written
    assert (tmp_path / "a.go").read_bytes() == OLD
    assert not leftovers(tmp_path)


def test_an_interrupt_between_files_leaves_each_old_or_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, {"a.go": OLD, "b.go": OLD})
    replace = os.replace

    def interrupted(source: str, target: str) -> None:
        if target.endswith("b.go"):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write.write(result(tmp_path, "a.go", "b.go"))
    assert [(tmp_path / n).read_bytes() for n in ("a.go", "b.go")] == [NEW, OLD]
    assert not leftovers(tmp_path)


# --- dirty trees ------------------------------------------------------------------------------------------------


def test_a_dirty_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    repository(tmp_path, {"a.go": OLD, "b.go": b"package committed\n"})
    tree(tmp_path, {"b.go": OLD, "c.go": OLD})
    with pytest.raises(write.DirtyTree, match=r"(?s)b\.go.*c\.go.*--allow-dirty") as caught:
        write.write(result(tmp_path, "a.go", "b.go", "c.go"))
    assert caught.value.exit_code == 2
    assert (tmp_path / "a.go").read_bytes() == OLD
    assert len(write.write(result(tmp_path, "a.go", "b.go", "c.go"), allow_dirty=True).written) == 3


def test_dirty_files_that_are_not_touched_do_not_matter(tmp_path: Path) -> None:
    repository(tmp_path, {"a.go": OLD, "b.go": OLD})
    tree(tmp_path, {"b.go": "package dirty\n", "new.go": "package dirty\n"})
    assert write.write(result(tmp_path, "a.go")).written


def test_a_clean_tree_stays_listable_by_git(tmp_path: Path) -> None:
    repository(tmp_path, {"a.go": OLD})
    write.write(result(tmp_path, "a.go"))
    assert plain_git(tmp_path, "status", "--porcelain") == b" M a.go\n"


def test_a_long_list_of_dirty_files_is_cut(tmp_path: Path) -> None:
    names = [f"{n:02}.go" for n in range(15)]
    repository(tmp_path, {"x.go": OLD})
    tree(tmp_path, dict.fromkeys(names, OLD))
    with pytest.raises(write.DirtyTree, match=r"09\.go\n  and 5 more"):
        write.write(result(tmp_path, *names))


def test_a_pipe_or_device_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write.atomic(str(pipe), b"result")
        assert os.read(reader, 100) == b"result"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
