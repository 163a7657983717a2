"""What goes wrong while clips arrive: slow writers, lost events, limits, drives that come, go, hang or stay silent."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from engine_rig import Rig
from fake_service import FakeService, write_tone
from network_drive import network_drive
from oracles import harmed, manifest, paid_once, unwished
from sendreturn.doctor import examine
from sendreturn.engine import intake, prepare
from sendreturn.places import Places
from sendreturn.sends import shelf, station, watching
from sendreturn.sends.arrivals import MemoryArrivals
from sendreturn.sends.folder import FolderWays
from sendreturn.sends.layout import Folders, Rule, make_session
from sendreturn.sends.roots import Entry
from sendreturn.sends.station import MOST_AT_FIRST_SIGHT, Pace
from sendreturn.sends.wiring import why_not_whole
from sendreturn.sends.wish import Origin, Receipt, Wish
from sendreturn.settings import Budget, SessionSettings, Settings
from sendreturn.words import State
from ways_in_fakes import FakeDesk, wav_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="made with Linux's own means")
SETTLE_S = 0.1
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


class HashingDesk(FakeDesk):
    """Knows what each clip held when it was handed in."""

    def __init__(self) -> None:
        super().__init__()
        self.sha256: list[str] = []

    def accept(self, wish: Wish) -> Receipt:
        assert wish.clip is not None
        self.sha256.append(hashlib.sha256(wish.clip.read_bytes()).hexdigest())
        return super().accept(wish)


class Told(dict[str, str | None]):
    """What the user was told, by topic, and all of it ever."""

    def __init__(self) -> None:
        super().__init__()
        self.ever: list[str] = []

    def __call__(self, topic: str, sentence: str | None) -> None:
        self[topic] = sentence
        self.ever.append(sentence or "")

    def says(self, text: str) -> bool:
        return any(text in (sentence or "") for sentence in self.values())


@asynccontextmanager
async def watched(*entries: Entry, desk: FakeDesk, told: Told | None = None, **more: Any) -> AsyncIterator[FolderWays]:
    pace = more.pop("pace", Pace(roots_s=0.05))
    more.setdefault("settle_s", SETTLE_S)
    tell = Told() if told is None else told
    ways = FolderWays(lambda: entries, Folders(), desk, MemoryArrivals(), tell, why_not_whole, pace=pace, **more)
    await ways.start()
    try:
        yield ways
    finally:
        await ways.stop()


async def until(true_of: Callable[[], bool], timeout_s: float = 30.0) -> None:
    for _ in range(round(timeout_s / 0.02)):
        if true_of():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")


@pytest.fixture
def song(tmp_path: Path) -> Path:
    folder = tmp_path / "Song"
    folder.mkdir()
    make_session(folder, Folders())
    return folder


def drop(folder: Path, name: str = "riff.wav", value: int = 1000) -> Path:
    path = folder / name
    path.write_bytes(wav_bytes(value=value))
    return path


# Rows 1 to 6: how clips are written


def write_slowly(path: Path, content: bytes) -> None:
    with path.open("wb", buffering=0) as file:
        for at in range(0, len(content), len(content) // 8 + 1):
            file.write(content[at : at + len(content) // 8 + 1])
            time.sleep(SETTLE_S * 1.5)


def append_and_reopen(path: Path, content: bytes) -> None:
    for at in range(0, len(content), len(content) // 8 + 1):
        with path.open("ab") as file:
            file.write(content[at : at + len(content) // 8 + 1])
        time.sleep(SETTLE_S / 2)


def stall(path: Path, content: bytes) -> None:
    path.write_bytes(content[: len(content) * 2 // 5])
    time.sleep(SETTLE_S * 5)
    path.write_bytes(content)


def finish_header_late(path: Path, content: bytes) -> None:
    head = bytearray(content)
    head[4:8] = head[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(head))
    time.sleep(SETTLE_S * 5)
    path.write_bytes(content)


def allocate_then_fill(path: Path, content: bytes) -> None:
    with path.open("wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, len(content))
        time.sleep(SETTLE_S * 3)
        file.write(content)
        time.sleep(SETTLE_S * 3)


def rename_into_place(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".tmp")
    part.write_bytes(content)
    part.replace(path)


@pytest.mark.parametrize(
    "write",
    [write_slowly, append_and_reopen, stall, finish_header_late, allocate_then_fill, rename_into_place],
    ids=lambda write: write.__name__,
)
async def test_however_a_clip_is_written_its_last_state_is_sent_once(song: Path, write: Callable[..., None]):
    desk, content = HashingDesk(), wav_bytes(frames=20_000)
    async with watched(Entry(song), desk=desk) as ways:
        await ways.rescan()
        await asyncio.to_thread(write, song / "Sends" / "extend" / "riff.wav", content)
        await until(lambda: bool(desk.wishes))
        await until(lambda: (song / "Sends" / "sent" / "riff.wav").exists())
        await ways.rescan()
    assert desk.sha256 == [hashlib.sha256(content).hexdigest()]


# Rows 9 to 13: events that are lost, limits, and drives


@pytest.fixture
def short_queue() -> Iterator[None]:
    """Watches that are made while the test runs lose events after eight of them."""
    before = QUEUE.read_text()
    try:
        QUEUE.write_text("8")
    except OSError:
        pytest.skip("only root may shorten the queue")
    yield
    QUEUE.write_text(before)


async def test_a_queue_of_events_that_overflows_loses_no_clip_and_is_told(song: Path, short_queue: None):
    desk, told = FakeDesk(), Told()
    async with watched(Entry(song), desk=desk, told=told) as ways:
        await ways.rescan()
        (album := song.parent / "album").mkdir()
        for number in range(300):
            drop(album, f"{number}.wav")
        for clip in album.iterdir():
            clip.rename(song / "Sends" / "stems" / clip.name)
        await until(lambda: len(desk.wishes) == 300)
        await until(lambda: not told.says("could be heard"))
    assert any("could be heard" in sentence for sentence in told.ever)
    assert desk.handed_in == 300


WITH_FEW_WATCHES = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[1] / "helpers")!r})
Path("/proc/sys/user/max_inotify_watches").write_text("4")
from sendreturn.sends import station
from sendreturn.sends.arrivals import MemoryArrivals
from sendreturn.sends.folder import FolderWays
from sendreturn.sends.layout import Folders
from sendreturn.sends.roots import Entry
from sendreturn.sends.station import Pace
from sendreturn.sends.wiring import why_not_whole
from ways_in_fakes import FakeDesk, wav_bytes
station.POLL_S = 0.1
async def main(song):
    desk, told = FakeDesk(), []
    ways = FolderWays(lambda: [Entry(song)], Folders(), desk, MemoryArrivals(), lambda *said: told.append(said),
                      why_not_whole, settle_s=0.05, pace=Pace(probe_s=0.5))
    await ways.start()
    await ways.rescan()
    for folder in ("extend", "cover", "inpaint", "stems", "midi"):
        (song / "Sends" / folder / "riff.wav").write_bytes(wav_bytes())
    await desk.until(5)
    await ways.stop()
    print(told)
asyncio.run(main(Path(sys.argv[1])))
"""


def test_too_few_watches_are_told_and_the_folders_are_looked_through(song: Path):
    """Row 10: the limit is that of a user namespace of the test's own, so that no other program feels it."""
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", WITH_FEW_WATCHES, str(song)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "unshare" in run.stderr:
        pytest.skip("no user namespaces here")
    assert run.returncode == 0, run.stderr
    assert "instead of being watched" in run.stdout


async def test_a_drive_that_goes_and_comes_back_is_watched_again_and_nothing_is_made_in_its_place(tmp_path: Path):
    drive = tmp_path / "drive"
    drive.mkdir()
    if not mount("tmpfs", drive):
        pytest.skip("only root may mount a drive")
    try:
        song = drive / "Song"
        song.mkdir()
        desk, told = FakeDesk(), Told()
        async with watched(Entry(song), desk=desk, told=told) as ways:
            await ways.rescan()
            await asyncio.to_thread(unmount, drive)
            await until(lambda: told.says("is not there"))
            assert list(drive.iterdir()) == []
            assert mount("tmpfs", drive)
            song.mkdir()
            make_session(song, Folders())
            await until(lambda: not told.says("is not there"))
            drop(song / "Sends" / "extend")
            await until(lambda: len(desk.wishes) == 1)
    finally:
        await asyncio.to_thread(unmount, drive)


@pytest.fixture
def shared_drive(tmp_path: Path) -> Iterator[tuple[Path, Path, int]]:
    with network_drive(tmp_path) as parts:
        yield parts


async def test_what_another_computer_writes_on_a_network_drive_is_found_without_events(
    shared_drive: tuple[Path, Path, int], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(station, "POLL_S", 0.1)
    beneath, drive, _ = shared_drive
    (drive / "Song").mkdir()
    desk = FakeDesk()
    async with watched(Entry(drive / "Song"), desk=desk) as ways:
        await ways.rescan()
        drop(beneath / "Song" / "Sends" / "extend", "theirs.wav")
        await until(lambda: len(desk.wishes) == 1)
        drop(drive / "Song" / "Sends" / "extend", "ours.wav")
        await until(lambda: len(desk.wishes) == 2)


async def test_a_network_drive_that_hangs_holds_up_no_other_folder_and_is_told(
    shared_drive: tuple[Path, Path, int], song: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sendreturn.sends.folder.FOLLOW_S", 0.05)
    monkeypatch.setattr("sendreturn.sends.folder.HANGS_AFTER_S", 0.2)
    _, drive, server = shared_drive
    (drive / "Song").mkdir()
    desk, told = FakeDesk(), Told()
    async with watched(Entry(drive / "Song"), Entry(song), desk=desk, told=told) as ways:
        await ways.rescan()
        os.kill(server, signal.SIGSTOP)
        try:
            await asyncio.sleep(0.2)  # the drive's thread looks at it, and hangs
            drop(song / "Sends" / "extend")
            await until(lambda: len(desk.wishes) == 1)
            await until(lambda: told.says("does not answer, or takes very long"))
        finally:
            os.kill(server, signal.SIGCONT)
        await until(lambda: not told.says("does not answer"))


async def test_events_that_stop_coming_are_noticed_by_a_probe(song: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watching._Handler, "dispatch", lambda *_: None)
    monkeypatch.setattr(station, "POLL_S", 0.1)
    desk, told = FakeDesk(), Told()
    async with watched(Entry(song), desk=desk, told=told, pace=Pace(roots_s=0.05, probe_s=0.1)):
        await until(lambda: told.says("instead of being watched"))
        drop(song / "Sends" / "extend")
        await until(lambda: len(desk.wishes) == 1)


# Rows 16 and 17: too many at once


async def test_a_hot_folder_that_was_full_before_it_was_watched_is_asked_about(song: Path):
    for number in range(MOST_AT_FIRST_SIGHT + 1):
        drop(song / "Sends" / "cover", f"{number}.wav")
    desk, told = FakeDesk(), Told()
    async with watched(Entry(song), desk=desk, told=told) as ways:
        await ways.rescan()
        assert told.says(f"{MOST_AT_FIRST_SIGHT + 1} clips lay in the hot folders")
        drop(song / "Sends" / "cover", "new.wav")
        shutil.copy(song / "Sends" / "cover" / "0.wav", song / "Sends" / "cover" / "again.wav")
        await until(lambda: len(desk.wishes) == 2)
        await ways.rescan()
    assert {wish.clip.name for wish in desk.wishes if wish.clip} == {"new.wav", "again.wav"}


@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
async def test_a_rule_over_a_big_folder_sends_nothing_that_was_there(song: Path, count: int):
    (song / "Audio").mkdir()
    content = wav_bytes(frames=10)
    for number in range(count):
        (song / "Audio" / f"{number}.wav").write_bytes(content)
    desk = FakeDesk()
    async with watched(Entry(song, rules=(Rule("Audio/*.wav", "cover"),)), desk=desk) as ways:
        await ways.rescan()
        drop(song / "Audio", "new.wav")
        await until(lambda: bool(desk.wishes))
        await ways.rescan()
    assert [wish.clip.name for wish in desk.wishes if wish.clip] == ["new.wav"]


async def test_a_thousand_clips_that_were_dropped_by_mistake_stop_at_the_budget(tmp_path: Path):
    studio = FakeService()
    settings = Settings(service="studio", budget=Budget(per_day_credits=50.0), returns={"stems": 0, "midi": False})
    async with Rig(tmp_path, studio, settings=settings) as rig:
        clips = [write_tone(rig.session / f"{n}.wav", seconds=0.2, hz=200.0 + n) for n in range(40)]
        sends = [rig.send(clip) for clip in clips]
        await until(lambda: len(studio.ledger) == 5)
        await until(lambda: all(rig.desk.get(s.id).state in (State.FAILED, State.DONE) for s in sends))
    assert len(studio.ledger) == 5


# Rows 20 to 22: the file changes on the way


async def test_a_clip_that_is_replaced_during_the_upload_changes_nothing(tmp_path: Path):
    studio = FakeService()
    async with Rig(tmp_path, studio) as rig:
        clip = write_tone(rig.session / "riff.wav", seconds=0.2)
        sent = hashlib.sha256(clip.read_bytes()).hexdigest()
        studio.on_submit = lambda: write_tone(clip, seconds=0.4, hz=500.0).name and None
        done = await rig.ended(rig.send(clip).id)
        assert studio._clip is not None
        assert done.state is State.DONE
        (sidecar,) = rig.session.rglob("*_t1.json")
        assert f'"sha256": "{sent}"' in sidecar.read_text()
    assert paid_once(["task-1"] * len(studio.ledger), tmp_path / "journal.db") == []


@pytest.mark.parametrize("way_in", [Origin.FOLDER, Origin.OSC])
async def test_a_clip_that_is_swapped_for_a_link_out_of_the_session_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way_in: Origin
):
    diary, studio = write_tone(tmp_path / "diary.wav", seconds=0.2), FakeService()

    def resolve_and_swap(*asked: Any) -> Any:
        meant = resolve(*asked)
        clip.unlink()
        clip.symlink_to(diary)
        return meant

    async with Rig(tmp_path, studio) as rig:
        clip, resolve = write_tone(rig.session / "riff.wav", seconds=0.2), intake.resolve
        monkeypatch.setattr(intake, "resolve", resolve_and_swap)
        wish = Wish("cover", clip, rig.session, origin=way_in, confined=way_in is Origin.OSC)
        ended = await rig.ended(rig.desk.accept(wish).send.id)
    assert (ended.state, studio.ledger) == (State.FAILED, [])
    assert "leads out of the session" in ended.text


async def test_a_clip_that_is_put_away_just_when_it_is_opened_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lies_in, studio = prepare._lies_in, FakeService()

    def put_away_and_look(*asked: Any) -> bool:
        if clip.exists():
            clip.rename(put_away)
        return lies_in(*asked)

    async with Rig(tmp_path, studio) as rig:
        clip, put_away = write_tone(rig.session / "riff.wav", seconds=0.2), rig.session / "put away.wav"
        monkeypatch.setattr(prepare, "_lies_in", put_away_and_look)
        wish = Wish("cover", clip, rig.session, origin=Origin.FOLDER, clip_after=put_away)
        assert (await rig.ended(rig.desk.accept(wish).send.id)).state is State.DONE


@pytest.mark.parametrize("change", ["cut", "grow", "replace in place"])
async def test_a_clip_that_changes_while_it_is_read_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
):
    """Python's own fstat is where the test gets in between the reading and the second look."""
    studio, looks = FakeService(), []

    def fstat(handle: int) -> os.stat_result:
        looks.append(handle)
        if len(looks) == 2:
            with clip.open("r+b") as file:
                if change == "cut":
                    file.truncate(1000)
                else:
                    file.seek(0, os.SEEK_END if change == "grow" else os.SEEK_SET)
                    file.write(b"RIFF")
        return os.fstat(handle)

    async with Rig(tmp_path, studio) as rig:
        clip = write_tone(rig.session / "riff.wav", seconds=0.2)
        monkeypatch.setattr(prepare, "os", SimpleNamespace(fstat=fstat))
        ended = await rig.ended(rig.send(clip).id)
    assert ended.state is State.FAILED
    assert "changed while it was being read" in ended.text
    assert studio.ledger == []


async def test_a_clip_that_is_deleted_after_it_was_chosen_costs_nothing(tmp_path: Path):
    studio = FakeService()
    async with Rig(tmp_path, studio) as rig:
        clip = write_tone(rig.session / "riff.wav", seconds=0.2)
        send = rig.send(clip)
        clip.unlink()
        ended = await rig.ended(send.id)
    assert ended.state is State.FAILED
    assert "no longer there" in ended.text
    assert studio.ledger == []


# Rows 24 to 27: what is nobody's business, and names


async def test_own_outputs_and_by_products_are_never_sent_by_the_widest_rule(tmp_path: Path):
    studio = FakeService()
    async with Rig(tmp_path, studio) as rig:
        make_session(rig.session, Folders())
        desk = FakeDesk()
        async with watched(Entry(rig.session, rules=(Rule("**/*", "cover"),)), desk=desk) as ways:
            await ways.rescan()
            clip = drop(rig.session, "mine.wav")
            await until(lambda: len(desk.wishes) == 1)
            assert (await rig.ended(rig.send(clip).id)).state is State.DONE
            for name in ("mine.wav.reapeaks", "mine.wav.asd", "._mine.wav", ".DS_Store", ".syncthing.x.wav.tmp"):
                drop(rig.session, name)
            for name in ("x.sync-conflict-20260101-000000-ABCDEFG.wav", "x.wav.crdownload", ".sendreturn-01234567"):
                drop(rig.session, name)
            await ways.rescan()
            await asyncio.sleep(SETTLE_S * 3)
            await ways.rescan()
        assert [wish.clip for wish in desk.wishes] == [clip]
    assert unwished(tmp_path / "journal.db", [clip]) == []


@pytest.fixture
def windows_disk(tmp_path: Path) -> Iterator[Path]:
    """NTFS as Windows has it: the case of names does not matter, and some names cannot be."""
    image, disk = tmp_path / "ntfs.img", tmp_path / "ntfs"
    disk.mkdir()
    if shutil.which("lowntfs-3g") is None or os.geteuid() != 0:
        pytest.skip("needs ntfs-3g")
    with image.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkntfs", "-q", "-F", str(image)], check=True, capture_output=True)
    options = "ignore_case,windows_names,streams_interface=none"
    subprocess.run(["lowntfs-3g", "-o", options, str(image), str(disk)], check=True, capture_output=True)
    yield disk
    unmount(disk)


def test_on_a_disk_that_knows_no_case_the_second_clip_gets_another_name(windows_disk: Path):
    sent = windows_disk / "sent"
    sent.mkdir()
    first = drop(sent, "Kick.wav", value=1)
    before = manifest(sent)
    (windows_disk / "in").mkdir()
    second = drop(windows_disk / "in", "kick.WAV", value=2)
    content = second.read_bytes()
    with pytest.raises(FileExistsError):
        shelf.move(second, sent / "kick.WAV")
    target = shelf.choose_target(sent, "kick.WAV")
    shelf.move(second, target)
    assert target.name == "kick (2).WAV"
    assert target.read_bytes() == content
    assert [problem for problem in harmed(before) if first.name.casefold() in problem.casefold()] == []


async def test_a_session_on_a_windows_disk_gets_its_returns_under_names_that_it_can_have(
    windows_disk: Path, tmp_path: Path
):
    studio = FakeService()
    session = windows_disk / "Song"
    session.mkdir()
    clip = write_tone(tmp_path / "con: end. .wav", seconds=0.2)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "Song").symlink_to(session)
    async with Rig(tmp_path / "state", studio) as rig:
        done = await rig.ended(rig.send(clip).id)
    assert done.state is State.DONE, done.text
    assert all(path.is_file() for path in done.returns)


def mount(kind: str, folder: Path) -> bool:
    made = subprocess.run(["mount", "-t", kind, "-o", "size=16m", kind, str(folder)], check=False, capture_output=True)
    return made.returncode == 0


def unmount(folder: Path) -> None:
    with suppress(OSError):
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def test_the_doctor_tells_of_network_drives(shared_drive: tuple[Path, Path, int], tmp_path: Path):
    _, drive, _ = shared_drive
    (drive / "Song").mkdir()
    settings = Settings(sessions=(SessionSettings(path=drive / "Song"),))
    findings = {finding.topic: finding for finding in examine(settings, Places(drive / "state"), running=None)}
    assert "looked through every few seconds" in findings["session"].what
    assert not findings["state folder"].well
    assert "SENDRETURN_HOME" in findings["state folder"].remedy
