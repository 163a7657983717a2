"""A daemon that is killed at any moment: every send ends once, in the right state, with all that it should give."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import killed_lives
import pytest
import soundfile
from daemon_process import DaemonProcess, assert_whole
from sendreturn.demo.song import render_demo

pytestmark = [pytest.mark.crash, pytest.mark.timeout(3600)]  # lives have limits of their own; a loaded machine is slow

DaemonIn = Callable[[Path], DaemonProcess]
RATE_HZ = 48_000
PARAMS = {
    "extend": "extend_s: 1\nseed: 3\n",
    "cover": "style: synthwave\nseed: 3\n",
    "inpaint": "section_s: [0.8, 1.2]\nseed: 3\n",
}
STAGES = ("queued", "preparing", "submitting", "generating", "fetching", "finishing", "delivering")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bar of the demo's song."""
    path = tmp_path_factory.mktemp("clip") / "riff.wav"
    song = render_demo(RATE_HZ).cut(9.6, 12.0)
    soundfile.write(path, song.samples, song.rate_hz, subtype="PCM_24")
    return path


@pytest.fixture
def daemon_in() -> Iterator[DaemonIn]:
    """Makes daemons; what a test that failed has left of them is ended."""
    made: list[DaemonProcess] = []

    def make(folder: Path) -> DaemonProcess:
        made.append(DaemonProcess(folder))
        return made[-1]

    yield make
    for daemon in made:
        daemon.kill_all()


def drop(daemon: DaemonProcess, operation: str, clip: Path, more: str = "") -> str:
    """Put the clip and its parameters into the hot folder; returns the clip's sha256."""
    folder = daemon.sends / operation
    (folder / "riff.wav.yaml").write_text(PARAMS[operation] + more)
    shutil.copyfile(clip, folder / "riff.wav")
    return hashlib.sha256(clip.read_bytes()).hexdigest()


@pytest.mark.parametrize("operation", PARAMS)
def test_a_send_that_is_killed_in_every_stage_in_turn_is_done_once(
    operation: str, tmp_path: Path, clip: Path, daemon_in: DaemonIn
):
    daemon = daemon_in(tmp_path)
    sha256 = drop(daemon, operation, clip)
    killed_in = []
    for stage in STAGES:
        daemon.start()
        daemon.until_gone_or(lambda states, stage=stage: stage in states or "done" in states)
        daemon.kill()
        killed_in.append(daemon.states()[-1])
    daemon.start()
    daemon.until_gone_or(lambda states: states[-1] == "done")
    assert daemon.stop() == 0
    assert_whole(daemon, operation, sha256)
    assert {"preparing", "generating", "finishing"} <= set(killed_in)


def test_a_job_whose_daemon_dies_again_and_again_is_still_done(tmp_path: Path, clip: Path, daemon_in: DaemonIn):
    daemon = daemon_in(tmp_path)
    sha256 = drop(daemon, "extend", clip, "bpm: 100\n")
    for life in range(5):
        daemon.start()
        daemon.until_working()
        if life % 2:
            daemon.kill()
        else:
            assert daemon.stop() == 0
        assert daemon.states()[-1] == "generating"
    daemon.start()
    daemon.until_gone_or(lambda states: states[-1] == "done")
    assert daemon.stop() == 0
    assert_whole(daemon, "extend", sha256)


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not on this machine")
    probe = subprocess.run(
        [found, "--seccomp-bpf", "-f", "--detach-on=execve", "-o", os.devnull, "true"], capture_output=True, check=False
    )
    if probe.returncode != 0:
        pytest.skip("this machine does not let strace look at processes")
    return found


@pytest.mark.parametrize(
    ("syscalls", "numbers"),
    [
        ("/^(fsync|fdatasync)$", (1, 3, 6, 10, 15, 20, 26)),
        ("/^(rename|renameat|renameat2|link|linkat)$", (1, 2, 3)),
        ("/^(unlink|unlinkat)$", (1, 3, 6)),
        ("/^pwrite64$", (4, 40, 90)),
    ],
)
def test_a_send_that_is_killed_at_a_system_call_is_done_once(
    syscalls: str, numbers: tuple[int, ...], strace: str, tmp_path: Path, clip: Path, daemon_in: DaemonIn
):
    killed = 0
    for number in numbers:
        daemon = daemon_in(tmp_path / str(number))
        sha256 = drop(daemon, "extend", clip, "bpm: 100\n")
        # Workers are left alone: one that dies again and again is given up, and that is another test.
        under = [
            strace,
            "--seccomp-bpf",
            "-f",
            "--detach-on=execve",
            "-qq",
            "-o",
            os.devnull,
            "-e",
            f"trace={syscalls}",
        ]
        daemon.start([*under, "-e", f"inject={syscalls}:signal=KILL:when={number}"])
        if daemon.until_gone_or(lambda states: states[-1:] == ["done"]):
            daemon.kill_all()
        else:
            killed += 1
        daemon.start()
        daemon.until_gone_or(lambda states: states[-1:] == ["done"])
        assert daemon.stop() == 0
        assert_whole(daemon, "extend", sha256)
    assert killed >= len(numbers) // 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="lives are copies of a process")
@pytest.mark.parametrize(
    "names",
    [[f"step-{n}" for n in range(1, 76)], [f"seed-{n}" for n in range(1, 101)], [f"seed-{n}" for n in range(101, 201)]],
    ids=["every step", "seeds 1-100", "seeds 101-200"],
)
def test_what_was_paid_for_is_never_paid_again_whenever_the_engine_is_killed(names: list[str], tmp_path: Path):
    command = [sys.executable, str(Path(killed_lives.__file__)), str(tmp_path)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # a process that is copied should have one thread
    more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment}
    runs = [subprocess.Popen([*command, *names[half::2]], **more) for half in range(2)]
    ends = [run.communicate() for run in runs]
    stories = [json.loads(line) for out, _ in ends for line in out.splitlines() if line.startswith("{")]
    assert [run.returncode for run in runs] == [0, 0], [err[-3000:] for _, err in ends]
    assert len(stories) == len(names)
    assert [story for story in stories if story["broken"]] == []
    assert sum(story["kills"] for story in stories) >= len(names) * 0.6
    assert sum(story["uncertain"] for story in stories) >= 4
