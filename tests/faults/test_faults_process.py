"""What happens to the process: sleep, clocks that jump, being told to stop, and a send that it dies over."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import soundfile
from daemon_process import DaemonProcess, assert_whole
from engine_rig import PLAIN_RETURNS, Rig
from fake_service import FakeService, write_tone
from oracles import Dawspy, paid_once, results_there, rows, untrue
from sendreturn.contract import Accepted, Call, Made, Way
from sendreturn.demo.song import render_demo
from sendreturn.engine import conductor
from sendreturn.engine import run as engine_run
from sendreturn.engine.journal import Journal
from sendreturn.settings import Settings, StagingSettings
from sendreturn.wake import watch_for_wake
from sendreturn.words import State

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="made with Linux's own means")
HELPERS = Path(__file__).parents[1] / "helpers"


# Row 107: sleep


@pytest.mark.parametrize("clock", ["wall", "steady"])
async def test_after_a_sleep_the_folders_are_looked_through(clock: str):
    """A laptop's sleep stops the steady clock, SIGSTOP does not; both are made up here, and SIGSTOP is real below."""
    now = {"wall": 1000.0, "steady": 1000.0}
    woken = asyncio.Event()

    async def wake() -> None:
        woken.set()

    task = asyncio.create_task(
        watch_for_wake(wake, tick_s=0.001, late_s=5.0, wall=lambda: now["wall"], steady=lambda: now["steady"])
    )
    await asyncio.sleep(0.02)
    now["wall"] -= 7200.0
    await asyncio.sleep(0.02)
    assert not woken.is_set(), "a clock that is set back is no sleep"
    now[clock] += 8 * 3600.0
    async with asyncio.timeout(5):
        await woken.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    made = DaemonProcess(tmp_path)
    yield made
    made.kill_all()


def drop_clip(daemon: DaemonProcess) -> str:
    song = render_demo(48_000).cut(9.6, 12.0)
    clip = daemon.folder / "riff.wav"
    soundfile.write(clip, song.samples, song.rate_hz, subtype="PCM_24")
    (daemon.sends / "extend" / "riff.wav.yaml").write_text("extend_s: 2\nbpm: 100\n")
    aside = Path(shutil.copyfile(clip, daemon.folder / "riff.new"))
    aside.rename(daemon.sends / "extend" / "riff.wav")  # whole at once, for whoever looks on
    return hashlib.sha256(clip.read_bytes()).hexdigest()


def until(true_of: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 60
    while not true_of():
        assert time.monotonic() < until_s
        time.sleep(0.02)


@pytest.mark.crash
def test_a_process_that_is_stopped_and_goes_on_has_everything_done_once(daemon: DaemonProcess):
    daemon.start()
    until(lambda: (daemon.state / "daemon.json").exists())
    with Dawspy(daemon.session) as spy:  # which takes longer to start than the work may last
        sha256 = drop_clip(daemon)
        daemon.until_working()
        assert daemon._process is not None
        os.killpg(daemon._process.pid, signal.SIGSTOP)
        time.sleep(3)
        os.killpg(daemon._process.pid, signal.SIGCONT)
        daemon.until_gone_or(lambda states: states[-1:] == ["done"])
    assert daemon.stop() == 0
    assert spy.problems == []
    assert_whole(daemon, "extend", sha256)


# Row 108: clocks

JUMP = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, at);
    const char *name = getenv("JUMP_FILE");
    if (code == 0 && id == CLOCK_REALTIME && name) {
        long jump = 0;
        FILE *file = fopen(name, "r");
        if (file) { if (fscanf(file, "%ld", &jump) != 1) jump = 0; fclose(file); }
        at->tv_sec += jump;
    }
    return code;
}
"""


@pytest.mark.crash
@pytest.mark.parametrize("jump_s", [30 * 86_400, -7200], ids=["a month on", "two hours back"])
def test_a_clock_that_jumps_while_a_send_is_made_changes_nothing(
    daemon: DaemonProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump_s: int
):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no compiler for the library that moves the clock")
    (tmp_path / "jump.c").write_text(JUMP)
    library = tmp_path / "jump.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, tmp_path / "jump.c", "-ldl"], check=True)
    jump = tmp_path / "jump"
    jump.write_text("0")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("JUMP_FILE", str(jump))
    daemon.start()
    until(lambda: (daemon.state / "daemon.json").exists())
    sha256 = drop_clip(daemon)
    daemon.until_working()
    jump.write_text(str(jump_s))
    daemon.until_gone_or(lambda states: states[-1:] == ["done"])
    daemon.kill()
    daemon.start()
    assert daemon.stop() == 0
    assert_whole(daemon, "extend", sha256)


# Row 109: told to stop


class SlowService(FakeService):
    """Takes the money, and never answers."""

    async def submit(self, call: Call, way: Way) -> Accepted:
        await super().submit(call, way)
        self.looked.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


async def test_a_stop_waits_for_no_answer_and_what_was_cut_is_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(conductor, "STOP_S", 0.1)
    studio = SlowService()
    async with Rig(tmp_path, studio) as rig:
        send = rig.send(write_tone(rig.session / "riff.wav", seconds=0.2))
        async with asyncio.timeout(20):
            await studio.looked.wait()
    journal = tmp_path / "journal.db"
    assert rows(journal, "SELECT fate FROM intents")[0]["fate"] == "intended"
    async with Rig(tmp_path, studio) as rig:
        assert (await rig.ended(send.id)).state is State.UNCERTAIN
    assert len(studio.ledger) == 1
    assert paid_once(["lost"], journal) == untrue(journal, rig.session) == []


@pytest.mark.crash
@pytest.mark.parametrize(("number", "times"), [(signal.SIGTERM, 1), (signal.SIGINT, 2), (signal.SIGHUP, 1)])
def test_a_daemon_at_work_stops_within_ten_seconds_and_goes_on_later(
    daemon: DaemonProcess, number: signal.Signals, times: int
):
    sha256 = drop_clip(daemon)
    daemon.start()
    daemon.until_working()
    assert daemon._process is not None
    for _ in range(times):
        daemon._process.send_signal(number)
    assert daemon._process.wait(timeout=10) == 0
    daemon.start()
    daemon.until_gone_or(lambda states: states[-1:] == ["done"])
    assert daemon.stop() == 0
    assert_whole(daemon, "extend", sha256)


# Row 110: a send that the process dies over


async def test_a_send_that_the_process_died_over_too_often_is_left_alone_and_tells_it(tmp_path: Path):
    studio = FakeService()
    studio.hold = asyncio.Event()
    async with Rig(tmp_path, studio) as rig:
        send = rig.send(write_tone(rig.session / "riff.wav", seconds=0.2))
        async with asyncio.timeout(20):
            await studio.looked.wait()
        for _ in range(engine_run.MOST_TRIES):
            rig.journal.begin_try(send.id, "fetch")
    studio.hold.set()
    async with Rig(tmp_path, studio) as rig:
        ended = await rig.ended(send.id)
        assert ended.state is State.FAILED
        assert f"died {engine_run.MOST_TRIES} times" in ended.text
        rig.desk.retry(send.id)
        assert (await rig.ended(send.id)).state is State.DONE
    assert len(studio.ledger) == 1
    assert results_there(tmp_path / "journal.db") == []


async def test_sends_that_were_under_way_at_a_death_are_tried_one_by_one(tmp_path: Path):
    class Studio(FakeService):
        under_way, most = 0, 0

        async def fetch(self, made: Made, target: Path, folder: Path) -> None:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            for _ in range(20):  # others may come in
                await asyncio.to_thread(lambda: None)
            await super().fetch(made, target, folder)
            self.under_way -= 1

    studio = Studio()
    studio.hold = asyncio.Event()
    async with Rig(tmp_path, studio) as rig:
        clips = [write_tone(rig.session / f"{number}.wav", seconds=0.2) for number in range(4)]
        sends = [rig.send(clip, params={"style": clip.stem}) for clip in clips]
        async with asyncio.timeout(20):
            await studio.looked.wait()
        for send in sends:
            rig.journal.begin_try(send.id, "fetch")
    studio.hold.set()
    async with Rig(tmp_path, studio) as rig:
        assert [(await rig.ended(send.id)).state for send in sends] == [State.DONE] * 4
    assert studio.most == 1


async def test_a_send_that_takes_long_after_a_death_holds_up_no_other_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine_run, "ONE_BY_ONE_S", 0.01)
    go_on = asyncio.Event()

    class Studio(FakeService):
        under_way = 0

        async def fetch(self, made: Made, target: Path, folder: Path) -> None:
            self.under_way += 1
            if self.under_way == 2:
                go_on.set()  # the first is still at it, as one is whose service is offline
            await go_on.wait()
            await super().fetch(made, target, folder)

    studio = Studio()
    studio.hold = asyncio.Event()
    async with Rig(tmp_path, studio) as rig:
        clips = [write_tone(rig.session / f"{number}.wav", seconds=0.2) for number in range(2)]
        sends = [rig.send(clip, params={"style": clip.stem}) for clip in clips]
        async with asyncio.timeout(20):
            await studio.looked.wait()
        for send in sends:
            rig.journal.begin_try(send.id, "fetch")
    studio.hold.set()
    async with Rig(tmp_path, studio) as rig:
        assert [(await rig.ended(send.id)).state for send in sends] == [State.DONE] * 2
        told = [event.send.text for event in rig.events]
    assert any("are tried one by one" in text for text in told)


DEADLY_LIFE = f"""
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(HELPERS)!r})
from engine_rig import PLAIN_RETURNS, Rig
from fake_service import FakeService, write_tone
bills = Path(sys.argv[1]) / "bills"
class Studio(FakeService):
    async def fetch(self, made, target, folder):
        if (Path(sys.argv[1]) / "poison").read_text() in target.parts:
            os.kill(os.getpid(), signal.SIGKILL)
        await super().fetch(made, target, folder)
def bill():
    with bills.open("a") as file:
        file.write("one\\n")
async def live(folder):
    async with Rig(folder, Studio(after_billing=bill)) as rig:
        sends = rig.desk.list()
        if not sends:
            sends = [rig.send(write_tone(rig.session / f"{{n}}.wav", seconds=0.2), params={{"style": n}}, key=n)
                     for n in ("poison", "good")]
            (folder / "poison").write_text(sends[0].id)
        for send in sends:
            await rig.ended(send.id)
asyncio.run(live(Path(sys.argv[1])))
"""


@pytest.mark.crash
def test_a_poisonous_send_ends_after_five_deaths_and_takes_no_other_with_it(tmp_path: Path):
    codes = []
    for _ in range(12):
        run = subprocess.run([sys.executable, "-c", DEADLY_LIFE, str(tmp_path)], check=False, capture_output=True)
        codes.append(run.returncode)
        if run.returncode == 0:
            break
    assert codes[-1] == 0, run.stderr
    assert codes.count(-signal.SIGKILL) == engine_run.MOST_TRIES
    states = {
        row["wish_key"]: row["state"] for row in rows(tmp_path / "journal.db", "SELECT wish_key, state FROM sends")
    }
    assert states["poison"] == "failed"
    assert states["good"] in ("done", "uncertain"), "a death in the midst of its request leaves it in doubt"
    assert len((tmp_path / "bills").read_text().split()) == 2


# What is left in the staging folder


async def test_what_came_to_nothing_and_cost_nothing_goes_after_a_month_and_what_was_paid_for_stays(tmp_path: Path):
    studio = FakeService()
    async with Rig(tmp_path, studio) as rig:
        clip = write_tone(rig.session / "riff.wav", seconds=0.2)
        paid, unpaid, new = (rig.send(clip, params={"style": style}) for style in ("a", "b", "c"))
        for send in (paid, unpaid, new):
            await rig.ended(send.id)
    journal = Journal.open(tmp_path / "journal.db")
    for send in (paid, unpaid, new):
        (tmp_path / "staging" / send.id).mkdir(parents=True, exist_ok=True)
        journal.move(send.id, State.FAILED)
    journal.close()
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db, db:
        db.execute("UPDATE history SET at = '2020-01-01' WHERE send_id != ?", (new.id,))
        db.execute("DELETE FROM intents WHERE send_id != ?", (paid.id,))
    (tmp_path / "staging" / "notes.txt").write_text("the user's")
    (tmp_path / "staging" / ".sendreturn-gone-0badcafe").mkdir()  # of a tidying that a crash has cut off
    for_ever = Settings(service="studio", returns=PLAIN_RETURNS, staging=StagingSettings(keep_days=None))
    async with Rig(tmp_path, studio, settings=for_ever):
        assert len(list((tmp_path / "staging").iterdir())) == 4
    async with Rig(tmp_path, studio) as rig:
        assert {path.name for path in (tmp_path / "staging").iterdir()} == {paid.id, new.id, "notes.txt"}
        rig.desk.retry(unpaid.id)
        assert (await rig.reach(unpaid.id, State.DONE)).cost_credits == 10.0, "it begins with the clip itself"
    assert studio.ledger == ["cover"] * 4
