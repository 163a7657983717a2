"""A full disk, a journal that another program holds, no free file handles: work waits for it, and goes on by itself."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from engine_rig import Rig
from fake_service import FakeService, write_tone
from living_daemon import LivingDaemon
from oracles import Dawspy, harmed, left_over, manifest, paid_once, results_there, unended, untrue
from sendreturn.engine import run as engine_run
from sendreturn.engine.journal import Journal
from sendreturn.engine.stalls import stall_in
from sendreturn.errors import SendReturnError, Stalled
from sendreturn.words import State

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="made with Linux's own means")
MB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], check=False).returncode != 0:
        pytest.skip("only root may mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_run, "LOOK_AGAIN_S", 0.05)


def fill(folder: Path, leave_bytes: int = 0) -> Path:
    """Fill a disk up to its last bytes."""
    filler = folder / "filler"
    with filler.open("wb") as file, suppress(OSError):
        while (room := shutil.disk_usage(folder).free - leave_bytes) > 0:
            os.write(file.fileno(), b"\0" * min(room, MB))
    return filler


@asynccontextmanager
async def held_up(rig: Rig) -> AsyncIterator[None]:
    """Wait until the rig tells that something holds a send up; at the end it must not any more."""
    await until(lambda: bool(rig.desk.problems))
    yield
    await until(lambda: not rig.desk.problems)


async def until(true_of: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true_of():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about in 20 s")


def rig_on(folder: Path, session: Path, service: FakeService) -> Rig:
    """An engine whose session lies elsewhere than its journal and staging folder."""
    folder.mkdir(exist_ok=True)
    (folder / "Song").symlink_to(session)
    return Rig(folder, service)


async def test_a_session_on_a_full_disk_gets_its_returns_as_soon_as_there_is_room(small_disk: Path, tmp_path: Path):
    session = small_disk / "Song"
    session.mkdir()
    clip = write_tone(session / "riff.wav", seconds=1.0)
    before = manifest(session)
    studio = FakeService()
    with Dawspy(session) as spy:
        async with rig_on(tmp_path / "state", session, studio) as rig:
            filler = fill(small_disk, leave_bytes=300_000)
            send = rig.send(clip)
            async with held_up(rig):
                (problem,) = rig.desk.problems.values()
                assert "is full" in problem
                assert rig.desk.get(send.id).state is State.DELIVERING
                assert left_over(session) == []
                filler.unlink()
            assert (await rig.ended(send.id)).state is State.DONE
    journal = tmp_path / "state" / "journal.db"
    assert paid_once(["task-1"] * len(studio.ledger), journal) == []
    assert results_there(journal) == untrue(journal, session) == unended(journal) == spy.problems == []
    assert harmed(before) == left_over(session) == []
    assert spy.sights


async def test_what_is_paid_for_is_written_down_and_kept_while_the_state_folder_is_full(
    small_disk: Path, tmp_path: Path
):
    session = tmp_path / "Song"
    session.mkdir()
    clip = write_tone(session / "riff.wav", seconds=0.2)
    fillers: list[Path] = []
    studio = FakeService(after_billing=lambda: fillers.append(fill(small_disk)))
    state = small_disk / "state"
    async with rig_on(state, session, studio) as rig:
        send = rig.send(clip)
        async with held_up(rig):
            assert len(studio.ledger) == 1
            fillers[0].unlink()
        assert (await rig.ended(send.id)).state is State.DONE
        assert paid_once(["task-1"] * len(studio.ledger), state / "journal.db") == []
    assert results_there(state / "journal.db") == []


async def test_a_daemon_that_dies_on_a_full_disk_after_paying_still_knows_the_task(small_disk: Path, tmp_path: Path):
    session = tmp_path / "Song"
    session.mkdir()
    clip = write_tone(session / "riff.wav", seconds=0.2)
    fillers: list[Path] = []
    studio = FakeService(after_billing=lambda: fillers.append(fill(small_disk)))
    studio.hold = asyncio.Event()
    state = small_disk / "state"
    async with rig_on(state, session, studio) as rig:
        send = rig.send(clip)
        async with asyncio.timeout(20):
            await studio.looked.wait()
    fillers[0].unlink()
    studio.hold.set()
    async with Rig(state, studio) as rig:
        assert (await rig.ended(send.id)).state is State.DONE
    assert len(studio.ledger) == 1


async def test_nothing_is_asked_for_that_cannot_be_written_down_first(small_disk: Path, tmp_path: Path):
    session = tmp_path / "Song"
    session.mkdir()
    clip = write_tone(session / "riff.wav", seconds=0.2)
    studio = FakeService()
    state = small_disk / "state"
    async with rig_on(state, session, studio) as rig:
        with closing(sqlite3.connect(state / "journal.db", isolation_level=None)) as other:
            send = rig.send(clip)
            other.execute("BEGIN IMMEDIATE")
            async with held_up(rig):
                assert studio.ledger == []
                assert rig.desk.list()[0].id == send.id, "the list is shown meanwhile"
                with pytest.raises(Stalled, match="another program holds it"):
                    rig.send(clip)
                other.execute("ROLLBACK")
        assert (await rig.ended(send.id)).state is State.DONE
    assert len(studio.ledger) == 1


def test_a_state_folder_on_a_read_only_disk_is_told_at_the_start(small_disk: Path):
    Journal.open(small_disk / "journal.db").close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(SendReturnError, match="cannot be"):
        Journal.open(small_disk / "journal.db")


async def test_a_daemon_without_free_file_handles_waits_and_goes_on(tmp_path: Path):
    session = tmp_path / "Song"
    session.mkdir()
    clip = write_tone(session / "riff.wav", seconds=0.2)
    handles: list[int] = []
    studio = FakeService(after_billing=lambda: take_all_handles(handles))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with rig_on(tmp_path / "state", session, studio) as rig:
        await asyncio.to_thread(int)  # the loop's own threads are there already in a daemon
        send = rig.send(clip)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 60, hard))
        try:
            async with held_up(rig):
                assert "short of something" in " ".join(rig.desk.problems.values())
                for handle in handles:
                    os.close(handle)
            assert (await rig.ended(send.id)).state is State.DONE
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    journal = tmp_path / "state" / "journal.db"
    assert paid_once(["task-1"] * len(studio.ledger), journal) == results_there(journal) == []


def take_all_handles(handles: list[int]) -> None:
    with suppress(OSError):
        while True:
            handles.append(os.open(os.devnull, os.O_RDONLY))


def test_only_what_passes_by_itself_is_waited_for():
    full = OSError(errno.ENOSPC, "No space left on device", "/song/Returns/riff.wav")
    wrapped = RuntimeError("broken")
    wrapped.__cause__ = full
    assert (found := stall_in(wrapped)) is not None
    assert found.folder == "/song/Returns"
    assert stall_in(PermissionError(errno.EACCES, "Permission denied")) is None
    assert stall_in(OSError(errno.EIO, "Input/output error")) is None


async def test_health_tells_what_holds_sends_up(tmp_path: Path):
    async with LivingDaemon(tmp_path) as life, life.http() as http:
        assert (await http.get("/health")).json()["status"] == "ok"
        with closing(sqlite3.connect(tmp_path / "state" / "journal.db", isolation_level=None)) as other:
            clip = write_tone(life.session / "riff.wav", seconds=0.3)
            other.execute("BEGIN IMMEDIATE")
            answer = await http.post("/api/sends", json={"path": str(clip), "operation": "midi"})
            assert answer.status_code == 503
            assert "another program holds it" in answer.json()["error"]["what"]
            other.execute("ROLLBACK")
        life.daemon.house.conductor._means.stalls["0badcafe"] = Stalled("The disk of /song is full.", "Make room.")
        health = (await http.get("/health")).json()
        assert health["status"] == "degraded"
        assert "The disk of /song is full. Make room." in health["problems"][0]["what"]
