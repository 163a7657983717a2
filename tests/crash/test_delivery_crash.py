"""A delivery is killed at each system call that matters, in turn; then, and after another try, all must be well."""

from __future__ import annotations

import os
import re
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


def test_a_disk_that_fails_to_sync_is_asked_once_told_and_written_anew_by_the_next_try(
    strace: str, tmp_path: Path
) -> None:
    stage(tmp_path / "staging")
    failures = 0
    for number in count(1):
        session, log = tmp_path / f"fsync {number}", tmp_path / f"log {number}"
        session.mkdir()
        options = ("-o", str(log), "-e", "trace=fsync,close", "-e", f"inject=fsync:error=EIO:when={number}")
        code = run([strace, "-qq", *options, *CHILD, str(session), str(tmp_path / "staging")])
        folder = session / "Returns" / NAME
        assert_only_whole_files(folder)
        if code == 0:
            assert_complete(folder)
            break
        assert code == 1, "it ends with a sentence"
        failed = log.read_text().splitlines()
        at = next(index for index, line in enumerate(failed) if "(INJECTED)" in line)
        handle = failed[at].partition("(")[2].partition(")")[0]
        assert failed[at + 1].startswith(f"close({handle})"), "what was not synced is not asked again"
        assert run([*CHILD, str(session), str(tmp_path / "staging")]) == 0
        assert_complete(folder)
        failures += 1
        shutil.rmtree(session)
    assert failures >= 14


def test_a_file_gets_its_name_from_its_own_folder_though_another_program_holds_it_for_a_while(
    strace: str, tmp_path: Path
) -> None:
    stage(tmp_path / "staging")
    session, log = tmp_path / "Song", tmp_path / "log"
    session.mkdir()
    calls = ("renameat2", "link", "linkat", "rename", "renameat")
    options = ("-o", str(log), "-e", f"trace={','.join(calls)}", "-e", "inject=renameat2:error=EACCES:when=1..5")
    assert run([strace, "-qq", *options, *CHILD, str(session), str(tmp_path / "staging")]) == 0
    assert_complete(session / "Returns" / NAME)
    assert log.read_text().count("(INJECTED)") == 5
    renames = re.findall(r'renameat2\((\S+), "([^"]+)", (\S+), "([^"]+)"', log.read_text())
    assert len(renames) == 5 + len(list((session / "Returns" / NAME).iterdir()))
    # The folder is held open, so that both names are in the very same one.
    assert all(left == right and Path(temp).parent == Path(final).parent for left, temp, right, final in renames)


def run(command: list[str]) -> int:
    return subprocess.run(command, check=False, timeout=60).returncode
