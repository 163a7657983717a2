"""A delivery is killed at each system call that matters, in turn; then, and after another try, all must be well."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import delivery_samples
import pytest
from delivery_samples import NAME, assert_complete, assert_only_whole_files, stage

pytestmark = pytest.mark.crash

CHILD = [sys.executable, "-B", str(Path(delivery_samples.__file__))]
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not on this machine")
    probe = subprocess.run([found, "-o", os.devnull, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("this machine does not let strace look at processes")
    return found


@pytest.mark.parametrize(
    ("syscall", "fewest_kills", "injected"),
    [
        ("write", 7, ()),
        ("fsync", 14, ()),
        ("mkdir", 2, ()),
        ("renameat2", 6, ()),
        ("link", 6, ("renameat2:error=EINVAL",)),
        ("unlink", 6, ("renameat2:error=EINVAL",)),
        ("rename", 6, ("renameat2:error=EINVAL", "link:error=EPERM", "linkat:error=EPERM")),
    ],
)
def test_a_delivery_that_is_killed_anywhere_is_completed_by_the_next_try(
    syscall: str, fewest_kills: int, injected: tuple[str, ...], strace: str, tmp_path: Path
) -> None:
    stage(tmp_path / "staging")
    kills = 0
    for number in count(1):
        session = tmp_path / f"{syscall} {number}"
        session.mkdir()
        calls = f"/^{syscall}(at)?$"  # which of the two a C library uses is its own affair
        injections = [*injected, f"{calls}:signal=KILL:when={number}"]
        options = [part for injection in injections for part in ("-e", f"inject={injection}")]
        names = f"trace={calls},renameat2,linkat,link"
        command = [strace, "-f", "-qq", "-o", os.devnull, "-e", names, *options]
        code = run([*command, *CHILD, str(session), str(tmp_path / "staging")])
        folder = session / "Returns" / NAME
        assert_only_whole_files(folder)
        assert run([*CHILD, str(session), str(tmp_path / "staging")]) == 0
        assert_complete(folder)
        if code == 0:
            break
        assert code in KILLED
        kills += 1
        shutil.rmtree(session)
    assert kills >= fewest_kills


def run(command: list[str]) -> int:
    return subprocess.run(command, check=False, timeout=60).returncode
