from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sendreturn.errors import UsageError
from sendreturn.sends import roots, station, watching
from sendreturn.sends.arrivals import MemoryArrivals, StoredArrivals
from sendreturn.sends.folder import ARRIVALS_NAME, FolderWays, open_arrivals
from sendreturn.sends.layout import Folders, Rule, Session, WatchedList, make_session
from sendreturn.sends.roots import Entry
from sendreturn.sends.station import Pace
from sendreturn.sends.wiring import folder_ways, folders_of, watched_entries, why_not_whole
from sendreturn.settings.models import HotFolderSettings, Preset, SessionSettings, Settings
from ways_in_fakes import FakeDesk, wav_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

FOLDERS = Folders(presets=("jazz-cover",))
SEEN_S = 10.0
"""The longest that anything here may take."""


class Told:
    """What the user was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.sentences: dict[str, str | None] = {}
        self._changed = asyncio.Event()

    def __call__(self, topic: str, sentence: str | None) -> None:
        self.sentences[topic] = sentence
        self._changed.set()

    async def until(self, holds: Callable[[dict[str, str | None]], bool]) -> None:
        async with asyncio.timeout(SEEN_S):
            while not holds(self.sentences):
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def watching_of(
    *entries: Entry, desk: FakeDesk, told: Told | None = None, **options: Any
) -> AsyncIterator[FolderWays]:
    options.setdefault("arrivals", MemoryArrivals())
    options.setdefault("settle_s", 0.02)
    pace = options.pop("pace", Pace(roots_s=0.05))
    arrivals = options.pop("arrivals")
    ways = FolderWays(lambda: entries, FOLDERS, desk, arrivals, told or Told(), why_not_whole, pace=pace, **options)
    await ways.start()
    await ways.rescan()
    try:
        yield ways
    finally:
        await ways.stop()


def drop(folder: Path, name: str = "riff.wav", value: int = 1000) -> Path:
    path = folder / name
    path.write_bytes(wav_bytes(value=value))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def song(tmp_path: Path) -> Path:
    folder = tmp_path / "My Song"
    folder.mkdir()
    return folder


async def test_a_session_gets_its_hot_folders_and_a_dropped_clip_is_handed_in_on_the_event_loop(song: Path) -> None:
    desk = FakeDesk()
    async with watching_of(Entry(song), desk=desk):
        drop(song / "Sends" / "jazz-cover")
        await desk.until(1)
    assert desk.wishes[0].operation == "jazz-cover"
    assert desk.threads == [threading.main_thread()]


async def test_clips_that_came_while_nobody_watched_are_sent_at_the_start(song: Path) -> None:
    make_session(song, FOLDERS)
    drop(song / "Sends" / "midi")
    desk = FakeDesk()
    async with watching_of(Entry(song), desk=desk):
        await desk.until(1)


async def test_a_file_renamed_into_place_is_sent_once(song: Path) -> None:
    desk = FakeDesk()
    async with watching_of(Entry(song), desk=desk) as ways:
        drop(song / "Sends" / "extend", "riff.wav.part").rename(song / "Sends" / "extend" / "riff.wav")
        await desk.until(1)
        await ways.rescan()
    assert desk.handed_in == 1


async def test_a_folder_with_a_hundred_clips_moved_in_gives_a_hundred_sends(song: Path, tmp_path: Path) -> None:
    album = tmp_path / "album" / "disc 1"
    album.mkdir(parents=True)
    for number in range(100):
        drop(album, f"{number}.wav")
    desk = FakeDesk()
    async with watching_of(Entry(song), desk=desk):
        album.parent.rename(song / "Sends" / "stems" / "album")
        await desk.until(100)
    assert len(names(song / "Sends" / "sent")) == 100


async def test_clips_in_folders_made_a_moment_before_are_all_seen(song: Path) -> None:
    desk = FakeDesk()
    async with watching_of(Entry(song), desk=desk):
        for number in range(50):
            deep = song / "Sends" / "cover" / f"{number}" / "b" / "c"
            deep.mkdir(parents=True)
            drop(deep, f"{number}.wav")
        await desk.until(50)
    assert len({wish.clip for wish in desk.wishes}) == 50


async def test_lost_events_lead_to_a_rescan(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching._Handler, "dispatch", lambda *_: None)
    desk = FakeDesk()
    async with watching_of(Entry(song), desk=desk):
        drop(song / "Sends" / "extend")
        logging.getLogger("watchdog.observers.inotify_c").warning(
            "Inotify queue overflowed; filesystem events were lost"
        )
        await desk.until(1)


async def test_a_drive_without_events_is_polled_and_told(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching._Handler, "dispatch", lambda *_: None)
    monkeypatch.setattr(station, "POLL_S", 0.05)
    desk, told = FakeDesk(), Told()
    async with watching_of(Entry(song), desk=desk, told=told, pace=Pace(roots_s=0.05, probe_s=0.05)):
        await told.until(lambda said: any("instead of being watched" in str(s) for s in said.values()))
        drop(song / "Sends" / "extend")
        await desk.until(1)


async def test_a_watch_that_cannot_be_had_is_told_and_made_up_for_by_polling(
    song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(watching.Watcher, "arm", refuse)
    monkeypatch.setattr(station, "POLL_S", 0.05)
    desk, told = FakeDesk(), Told()
    async with watching_of(Entry(song), desk=desk, told=told):
        await told.until(lambda said: any("limit reached" in str(s) for s in said.values()))
        drop(song / "Sends" / "extend")
        await desk.until(1)


@pytest.mark.parametrize("gone", ["session", "sends"])
async def test_a_folder_that_vanishes_is_told_and_watched_again_when_it_is_back(song: Path, gone: str) -> None:
    desk, told = FakeDesk(), Told()
    topic = f"root:{song / 'Sends'}"
    async with watching_of(Entry(song), desk=desk, told=told) as ways:
        shutil.rmtree(song if gone == "session" else song / "Sends")
        await told.until(lambda said: "is not there" in str(said.get(topic)))
        assert topic in ways.problems
        (song / "Sends" / "extend").mkdir(parents=True)
        await told.until(lambda said: topic in said and said[topic] is None)
        drop(song / "Sends" / "extend")
        await desk.until(1)
        assert ways.problems == {}


async def test_a_folder_that_is_swapped_for_another_of_its_name_is_watched_in_its_place(
    song: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make_session(other, FOLDERS)
    drop(other / "Sends" / "extend", "waiting.wav")
    desk = FakeDesk()
    async with watching_of(Entry(song), desk=desk):
        os.rename(song, tmp_path / "old")  # noqa: PTH104
        os.rename(other, song)  # noqa: PTH104
        await desk.until(1)
        drop(song / "Sends" / "extend")
        await desk.until(2)


async def test_the_session_that_is_missing_at_the_start_is_watched_when_it_appears(tmp_path: Path) -> None:
    desk, told = FakeDesk(), Told()
    late = tmp_path / "late"
    async with watching_of(Entry(late), desk=desk, told=told):
        assert not late.exists()
        late.mkdir()
        await told.until(lambda said: said.get(f"root:{late / 'Sends'}", "") is None)
        drop(late / "Sends" / "extend")
        await desk.until(1)


# each: true


async def test_new_session_folders_get_hot_folders_when_they_look_like_sessions(tmp_path: Path) -> None:
    parent = tmp_path / "Sessions"
    (parent / "Empty").mkdir(parents=True)
    (parent / "Old" / "Sends").mkdir(parents=True)
    desk = FakeDesk()
    async with watching_of(Entry(parent, each=True), desk=desk):
        assert (parent / "Old" / "Sends" / "extend").is_dir()
        drop(parent / "Old" / "Sends" / "extend", "old.wav")
        await desk.until(1)
        (parent / "New" / "Sends" / "cover").mkdir(parents=True)
        drop(parent / "New" / "Sends" / "cover", "new.wav")
        await desk.until(2)
    assert [wish.session for wish in desk.wishes] == [parent / "Old", parent / "New"]
    assert (parent / "New" / "Returns").is_dir()
    assert names(parent / "Empty") == []


async def test_a_folder_with_audio_among_sessions_becomes_one(tmp_path: Path) -> None:
    parent = tmp_path / "Sessions"
    (parent / "Song" / "Audio").mkdir(parents=True)
    drop(parent / "Song" / "Audio")
    async with watching_of(Entry(parent, each=True), desk=FakeDesk()) as ways:
        assert (parent / "Song" / "Sends" / "extend").is_dir()
        assert ways.problems == {}


# Rules


async def test_a_rule_sends_what_appears_and_not_what_was_there(song: Path, tmp_path: Path) -> None:
    (song / "Bounces").mkdir()
    drop(song / "Bounces", "old_cover.wav")
    entry = Entry(song, rules=(Rule("Bounces/*_cover.wav", "jazz-cover"),))
    memory = StoredArrivals(tmp_path / "arrivals.sqlite3")
    desk = FakeDesk()
    async with watching_of(entry, desk=desk, arrivals=memory):
        drop(song / "Bounces", "new_cover.wav")
        drop(song / "Bounces", "other.wav")
        await desk.until(1)
    drop(song / "Bounces", "while away_cover.wav")
    async with watching_of(entry, desk=desk, arrivals=memory):
        await desk.until(2)
    memory.close()
    assert [wish.clip.name for wish in desk.wishes if wish.clip] == ["new_cover.wav", "while away_cover.wav"]
    assert max(names(song / "Bounces")) == "while away_cover.wav"


# What the watch does not do


async def test_sessions_whose_returns_would_be_sent_again_are_refused(song: Path) -> None:
    make_session(song, FOLDERS)
    (song / "Returns").rmdir()
    (song / "Returns").symlink_to(song / "Sends" / "cover")
    told = Told()
    desk = FakeDesk()
    async with watching_of(Entry(song), desk=desk, told=told):
        drop(song / "Sends" / "cover")
        await told.until(lambda said: any("its own hot folders" in str(s) for s in said.values()))
    assert desk.handed_in == 0


async def test_nothing_is_left_running_after_stop(song: Path) -> None:
    before = {thread for thread in threading.enumerate() if thread.name.startswith("sends ")}
    async with watching_of(Entry(song), desk=FakeDesk()):
        pass
    after = {thread for thread in threading.enumerate() if thread.name.startswith("sends ")}
    assert after <= before


async def test_a_drive_that_hangs_holds_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, good = tmp_path / "stuck", tmp_path / "good"
    for folder in (stuck, good):
        folder.mkdir()
    release = threading.Event()
    find = roots.Root.find_sessions

    def hang(root: roots.Root) -> Any:
        if root.entry.path == stuck:
            release.wait(SEEN_S)
        return find(root)

    monkeypatch.setattr(roots.Root, "find_sessions", hang)
    desk = FakeDesk()
    entries = (Entry(stuck), Entry(good))
    ways = FolderWays(
        lambda: entries,
        FOLDERS,
        desk,
        MemoryArrivals(),
        Told(),
        why_not_whole,
        settle_s=0.02,
        pace=Pace(roots_s=0.05),
        drive_of=lambda path: path.name,
    )
    make_session(good, FOLDERS)
    drop(good / "Sends" / "extend")
    await ways.start()
    await desk.until(1)
    release.set()
    await ways.stop()


async def test_a_session_added_while_running_is_watched(song: Path, tmp_path: Path) -> None:
    listed: list[Entry] = []
    desk = FakeDesk()
    ways = FolderWays(lambda: listed, FOLDERS, desk, MemoryArrivals(), Told(), why_not_whole, settle_s=0.02)
    await ways.start()
    listed.append(Entry(song))
    await ways.rescan()
    drop(song / "Sends" / "extend")
    await desk.until(1)
    listed.clear()
    await ways.rescan()
    drop(song / "Sends" / "extend", "unwatched.wav")
    await ways.rescan()
    await ways.stop()
    assert desk.handed_in == 1


# The list of sessions and the memory


def test_making_a_session_twice_changes_nothing(song: Path) -> None:
    make_session(song, FOLDERS)
    drop(song / "Sends" / "extend")
    make_session(song, FOLDERS)
    assert names(song / "Sends") == ["cover", "extend", "inpaint", "jazz-cover", "midi", "stems"]
    assert names(song / "Sends" / "extend") == ["riff.wav"]
    assert names(song) == ["Returns", "Sends"]


def test_making_a_session_of_a_file_is_refused_in_a_sentence(song: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        make_session(drop(song), FOLDERS)


def test_watched_sessions_are_added_once_and_removed(tmp_path: Path) -> None:
    watched = WatchedList(tmp_path / "state")
    assert watched.all() == ()
    assert watched.add(Path("/a")) is True
    assert watched.add(Path("/b")) is True
    assert watched.add(Path("/a")) is False
    assert WatchedList(tmp_path / "state").all() == (Path("/a"), Path("/b"))
    assert watched.remove(Path("/a")) is True
    assert watched.remove(Path("/a")) is False
    assert watched.all() == (Path("/b"),)


def test_sessions_added_by_many_at_once_are_all_kept(tmp_path: Path) -> None:
    adders = [threading.Thread(target=WatchedList(tmp_path).add, args=(Path(f"/{number}"),)) for number in range(20)]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()
    assert len(WatchedList(tmp_path).all()) == 20


def test_a_list_that_cannot_be_read_is_reported_and_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "watched.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        WatchedList(tmp_path).add(Path("/a"))
    assert (tmp_path / "watched.json").read_text(encoding="utf-8") == "{"


def test_configured_and_added_sessions_are_watched_once(tmp_path: Path) -> None:
    settings = Settings(
        sessions=(
            SessionSettings(
                path=tmp_path / "a", rules=[{"match": "B/*.wav", "operation": "cover", "params": {"bpm": 90}}]
            ),
        ),
        presets={"jazz-cover": Preset(operation="cover")},
    )
    watched = WatchedList(tmp_path)
    watched.add(tmp_path / "a")
    watched.add(tmp_path / "b")
    entries = watched_entries(settings, watched, Told())
    assert [entry.path for entry in entries] == [tmp_path / "a", tmp_path / "b"]
    assert entries[0].rules == (Rule("B/*.wav", "cover", {"bpm": 90.0}),)
    assert folders_of(settings) == FOLDERS


async def test_the_watch_is_made_from_the_settings(song: Path, tmp_path: Path) -> None:
    added = tmp_path / "added"
    added.mkdir()
    WatchedList(tmp_path).add(added)
    settings = Settings(
        sessions=(SessionSettings(path=song),), hot_folder=HotFolderSettings(folder="Out", settle_s=0.02, after="leave")
    )
    desk = FakeDesk()
    ways = folder_ways(settings, tmp_path, desk, MemoryArrivals(), Told())
    await ways.start()
    await ways.rescan()
    for folder in (song, added):
        drop(folder / "Out" / "extend")
    await desk.until(2)
    await ways.stop()
    assert {wish.session for wish in desk.wishes} == {song, added}
    assert names(song / "Out" / "extend") == ["riff.wav"]


def test_a_damaged_memory_is_set_aside_and_told(tmp_path: Path) -> None:
    (tmp_path / ARRIVALS_NAME).write_bytes(b"this was a database once" * 100)
    told: list[str] = []
    memory = open_arrivals(tmp_path, lambda topic, _: told.append(topic))
    memory.close()
    assert told == ["arrivals"]
    assert any("damaged" in name for name in names(tmp_path))


def test_a_memory_that_cannot_be_made_raises(tmp_path: Path) -> None:
    (tmp_path / ARRIVALS_NAME).mkdir()
    with pytest.raises(sqlite3.OperationalError):
        open_arrivals(tmp_path, lambda *_: None)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("Bounces/*_cover.wav", "Bounces/a_cover.wav", True),
        ("Bounces/*_cover.wav", "bounces/A_COVER.WAV", True),
        ("Bounces/*_cover.wav", "Bounces/x/a_cover.wav", False),
        ("**/*.wav", "a.wav", True),
        ("**/*.wav", "x/y/a.wav", True),
        ("x/**/a.wav", "x/a.wav", True),
        ("*.wav", "x/a.wav", False),
        ("caf\u00e9/*", "cafe\u0301/a.wav", True),
    ],
)
def test_a_rule_matches_names_folder_by_folder(pattern: str, path: str, expected: bool) -> None:
    assert Rule(pattern, "cover").matches(Path(path)) is expected


def test_a_hot_folder_of_any_operation_works_and_others_mean_nothing() -> None:
    session = Session(Path("/s"), FOLDERS)
    assert session.place_of(Path("/s/Sends/remaster/a.wav")).operation == "remaster"  # type: ignore[union-attr]
    assert session.place_of(Path("/s/Sends/Jazz-Cover/a.wav")).operation == "jazz-cover"  # type: ignore[union-attr]
    assert session.place_of(Path("/s/Sends/my stuff/a.wav")) is None
    assert session.place_of(Path("/elsewhere/a.wav")) is None
