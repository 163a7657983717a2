"""The whole daemon is killed, at every system call that matters and at random; then all nine oracles are asked.

A sample of the calls and 300 random kills are tried here; with SENDRETURN_CRASH_FULL=1 in the environment it is every
call, for hours, and 1,000 kills.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import crash_sweeps
import pytest
from crash_sweeps import CALLS, PARAMS, can_trace

FULL = os.environ.get("SENDRETURN_CRASH_FULL") == "1"
A_DAY_S = 86_400
"""The daemons have time limits of their own; a test that waits for them has this."""
pytestmark = [
    pytest.mark.crash,
    pytest.mark.timeout(A_DAY_S),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="lives are copies of a process, seen by inotify"),
]
KILLS = 1000 if FULL else 300
CALLS_OF_A_KIND = 0 if FULL else 1
SEED = "sendreturn"
STORIES = 2
"""Run beside each other."""


def begin(folder: Path, *task: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(Path(crash_sweeps.__file__)), str(folder), *map(str, task)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # a process that is copied should have one thread
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def told(runs: Sequence[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """What became of each daemon, once all are through."""
    ends = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0] * len(runs), [err[-3000:] for _, err in ends]
    lines = [json.loads(line) for out, _ in ends for line in out.splitlines()]
    return [line for line in lines if "name" in line]


def test_daemons_that_are_killed_at_random_lose_nothing_and_pay_once(tmp_path: Path):
    share = KILLS // STORIES
    runs = [begin(tmp_path / str(number), "soak", share, f"{SEED} {number}") for number in range(STORIES)]
    stories = told(runs)
    assert [story for story in stories if story["broken"]] == []
    assert sum(story["kills"] for story in stories) == KILLS
    assert sum(story["sends"] for story in stories) >= KILLS / 10
    assert sum(story["bills"] for story in stories) >= KILLS / 2


@pytest.mark.skipif(not can_trace(), reason="there is no strace, or it may not look at processes")
@pytest.mark.parametrize("sends", [tuple(PARAMS)[at : at + 2] for at in range(0, len(PARAMS), 2)], ids=str)
def test_a_send_is_done_once_wherever_the_daemon_is_killed(sends: tuple[tuple[str, str], ...], tmp_path: Path):
    runs = [begin(tmp_path / "-".join(send), "sweep", *send, CALLS_OF_A_KIND, SEED) for send in sends]
    stories = told(runs)
    assert [story for story in stories if story["broken"]] == []
    # Until the connection is there, nothing of a request has left: it is made after the restart.
    assert [story for story in stories if " connect " in story["name"] and story["uncertain"]] == []
    # How often a call is made differs a little between two runs, so a few lives end before they come to theirs.
    assert sum(story["kills"] for story in stories) >= (len(CALLS) - 1) // 2 * len(sends)
