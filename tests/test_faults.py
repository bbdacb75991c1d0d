"""Runs that are disturbed, the deterministic part of ``make faults``: each fault once, and a few kills and interrupts."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import faults
from tests.faults import FAULTS, Fault, Ground

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked for in /proc")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    ground = Ground.made(tmp_path_factory.mktemp("ground").resolve() / "small", 4)
    ground.measure()
    return ground


@pytest.fixture
def ground(measured: Ground, tmp_path: Path) -> Ground:
    fresh = Ground(tmp_path.resolve() / "small", measured.old, measured.new, measured.seconds, measured.writing)
    shutil.copytree(measured.root, fresh.root)
    return fresh


@pytest.mark.parametrize("fault", FAULTS, ids=[f.what for f in FAULTS])
def test_fault(fault: Fault, ground: Ground, tmp_path: Path) -> None:
    assert faults.disturb(fault, ground, tmp_path.resolve() / "scratch").wrong == []


def test_killed_at_any_moment_each_file_is_old_or_new_and_a_rerun_finishes(ground: Ground) -> None:
    assert faults.kills(ground, 4, random.Random(7)).wrong == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_by_a_signal_nothing_is_left_behind(ground: Ground, number: int) -> None:
    assert faults.interrupts(ground, ground.apply(), 2, random.Random(7), number).wrong == []


def test_the_order_of_files_the_seed_of_hashes_and_the_number_of_workers_do_not_matter(ground: Ground) -> None:
    assert faults.sameness(ground, 2, random.Random(7)).wrong == []


# A pool is made for work that takes longer than it; here it is made for a few files, one of which never ends.
POOL = """
import os, signal, sys, time
from gocodemod.cli.main import _Stop
from gocodemod.engine import match
from gocodemod.engine.discover import GoFile
from tests.fakes import FAKE

match._ENOUGH_FOR_POOL = 0
match._BATCH = 1

def endless(file, transforms, root):
    time.sleep(97)

match._guarded = endless
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, _Stop())
print("ready", flush=True)
match.match([GoFile(f"/x/{n}.go", b"package p") for n in range(50)], [FAKE], root="/x", jobs=2)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_process_that_waits_for_them(number: int) -> None:
    command = [sys.executable, "-c", POOL]
    process = subprocess.Popen(command, env=faults._environment({}), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    while len(faults._marked()) < 3:
        time.sleep(0.01)
    started = time.monotonic()
    os.kill(process.pid, number)
    process.wait()
    process.stdout.close()
    assert time.monotonic() - started < 10
    assert faults.alive(10) == []
