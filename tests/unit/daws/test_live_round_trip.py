"""From a key in Live through the living daemon and back onto its tracks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import soundfile
from live_clips import Clip
from live_returns import clips_of
from live_side import Live
from live_studio import KEYS, RATE, LiveStudio, put, show, warp
from living_daemon import LivingDaemon
from sendreturn.daws.contract import Press
from sendreturn.settings import ReturnsSettings


class Running:
    """Live and the daemon, both alive."""

    def __init__(self, living: LivingDaemon, studio: LiveStudio) -> None:
        self.living, self.studio, self.live = living, studio, studio.live
        self._before = clips_of(studio.song)

    async def until(self, is_so: Callable[[], Any]) -> Any:
        """Let Live's time pass until something is so."""
        async with asyncio.timeout(60):
            while not (found := is_so()):
                self.live.tick()
                await asyncio.sleep(0.01)
        return found

    async def placed(self) -> list[Clip]:
        """What was placed, once the daemon knows that it was."""
        await self.until(lambda: "is placed" in self.live.log[-1] if self.live.log else False)
        await self.until(lambda: not list((self.studio.mailbox / "out").glob("*.json")))
        return self.new

    @property
    def new(self) -> list[Clip]:
        return [clip for clip in clips_of(self.studio.song) if clip not in self._before]


@asynccontextmanager
async def running(studio: LiveStudio, folder: Path, **more: Any) -> AsyncIterator[Running]:
    """The daemon is of the same state folder as the installation, so that it opens the mailbox by itself."""
    async with LivingDaemon(folder, **more) as living:
        yield Running(living, studio)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudio:
    found = LiveStudio(tmp_path, monkeypatch)
    found.clip._loop_end = 2.0
    return found


async def test_an_extension_begins_at_the_beat_where_the_clip_ends(studio: LiveStudio, tmp_path: Path) -> None:
    async with running(studio, tmp_path) as both:
        press = Press("extend", {"extend_s": 1.0}, "hotkey-1")
        pressing = asyncio.create_task(both.living.daemon.daws.press("live", press))
        await both.until(pressing.done)
        assert pressing.result().kind == "accepted"
        (clip,) = await both.placed()
        assert clip.start_time == 10.0
        assert clip._parent.name == "Gtr extend tail"
        assert soundfile.info(clip.file_path).samplerate == RATE
        assert studio.song._loose == 0
        assert both.living.daemon.house.conductor.list()[0].params["bpm"] == 120


@pytest.mark.slow
async def test_stems_and_notes_come_back_on_tracks_of_their_own(studio: LiveStudio, tmp_path: Path) -> None:
    async with running(studio, tmp_path, returns=ReturnsSettings(stems=2, midi=True)) as both:
        both.live.note(KEYS["cover"])
        clips = await both.placed()
        assert len({id(clip._parent) for clip in clips}) == len(clips) >= 3
        assert {clip.start_time for clip in clips} == {6.0}
        (notes,) = [clip for clip in clips if clip.is_midi_clip]
        assert notes._rows
        assert len(studio.song._undo) == 1


@pytest.mark.slow
async def test_a_session_clip_gets_its_returns_in_its_scene(studio: LiveStudio, tmp_path: Path) -> None:
    show(studio.song, put(studio.song, "Gtr", studio.audio, 2))
    studio.live.view._focused_document_view = "Session"
    async with running(studio, tmp_path) as both:
        both.live.note(KEYS["cover"])
        clips = await both.placed()
        assert studio.song._track("Gtr cover mix").clip_slots[2].clip in clips
        assert all(clip._parent._track.clip_slots[2] is clip._parent for clip in clips)


@pytest.mark.slow
async def test_the_part_under_the_loop_is_made_anew_in_its_place(studio: LiveStudio, tmp_path: Path) -> None:
    studio.song._loop, studio.song._loop_start, studio.song._loop_length = True, 7.0, 2.0
    async with running(studio, tmp_path) as both:
        both.live.note(KEYS["inpaint"])
        (clip,) = await both.placed()
        assert (clip.start_time, clip.end_time) == (7.0, 9.0)
        assert (clip.loop_start, clip.loop_end) == (0.5, 1.5)


@pytest.mark.slow
@pytest.mark.parametrize(("operation", "kind"), [("stems", "vocals"), ("midi", "midi")])
async def test_the_other_operations_come_back_too(
    studio: LiveStudio, tmp_path: Path, operation: str, kind: str
) -> None:
    async with running(studio, tmp_path) as both:
        both.live.note(KEYS[operation])
        await both.placed()
        assert f"Gtr {operation} {kind}" in [track.name for track in studio.song.tracks]


@pytest.mark.slow
async def test_live_that_quits_meanwhile_places_it_once_when_it_is_back(studio: LiveStudio, tmp_path: Path) -> None:
    async with running(studio, tmp_path) as both:
        both.live.note(KEYS["cover"])
        both.live.close()
        await both.living.ended()
        again = studio.live = both.live = Live(studio.script, studio.song)
        placed = await both.placed()
        assert len({clip.name for clip in placed}) == len(placed) > 0
        again.close()
    async with running(studio, tmp_path) as both:
        both.live = Live(studio.script, studio.song)
        await both.until(lambda: not list((studio.mailbox / "out").glob("*.json")))
        both.live.tick(20)
        assert both.new == []


@pytest.mark.slow
async def test_what_is_refused_is_told_to_who_has_pressed(studio: LiveStudio, tmp_path: Path) -> None:
    show(studio.song, None)
    async with running(studio, tmp_path) as both:
        pressing = asyncio.create_task(both.living.daemon.daws.press("live", Press("cover", {}, "phone-1")))
        await both.until(pressing.done)
        assert pressing.result().kind == "error"
        assert "Nothing is selected" in pressing.result().text


@pytest.mark.slow
async def test_what_the_daemon_refuses_is_shown_in_live(studio: LiveStudio, tmp_path: Path) -> None:
    (studio.script / "keys.json").write_text('{"notes": {"60": "dance"}}', "utf-8")
    studio.live.open(studio.song)
    async with running(studio, tmp_path) as both:
        both.live.note(KEYS["extend"])
        await both.until(lambda: any("dance" in line for line in both.live.log[1:]))
        assert both.living.daemon.house.conductor.list() == []


@pytest.mark.slow
async def test_the_daemon_hears_live(studio: LiveStudio, tmp_path: Path) -> None:
    async with running(studio, tmp_path) as both:
        asking = asyncio.create_task(both.living.daemon.daws.ping("live", 30))
        await both.until(asking.done)
        assert asking.result() == "Live 12.4.5, script 1.2.3"


@pytest.mark.slow
async def test_a_project_that_was_moved_gets_its_returns(studio: LiveStudio, tmp_path: Path) -> None:
    async with running(studio, tmp_path) as both:
        both.live.note(KEYS["cover"])
        await both.until(lambda: not list((studio.mailbox / "out").glob("*.json")))
        both.live.close()
        await both.living.ended()
        moved = tmp_path / "Moved"
        both.living.session.rename(moved)
        studio.song._file_path = str(moved / "Song.als")
        both.live = Live(studio.script, studio.song)
        placed = await both.placed()
        assert len({clip.name for clip in placed}) == len(placed) > 0
        assert all(Path(clip.file_path).is_relative_to(moved) for clip in placed if clip.is_audio_clip)


@pytest.mark.slow
async def test_a_session_that_cannot_be_written_is_told_in_live(
    studio: LiveStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A looping clip is gathered into a new file, which a read-only disk does not take."""
    warp(studio.clip, loop=(0.0, 2.0))._edge = 4.0
    async with running(studio, tmp_path) as both:

        def refuse(*_: object) -> None:
            raise OSError(30, "Read-only file system")

        monkeypatch.setattr("sendreturn.daws.capture.files.place", refuse)
        both.live.note(KEYS["cover"])
        await both.until(lambda: any("cannot be written: Read-only file system" in line for line in both.live.log))
        assert both.living.daemon.house.conductor.list() == []
