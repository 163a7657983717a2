"""From Bitwig through the living daemon and back into its launcher: the real script, the real link, the real desk."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import soundfile
from bitwig_side import Bitwig, Song
from bitwig_studio import BUTTON, RATE, installed, project_in, script_of
from clips import music
from living_daemon import LivingDaemon
from sendreturn.daws.contract import Press
from sendreturn.settings import Preset, ReturnsSettings
from sendreturn_bridges.daws.bitwig import script

pytestmark = pytest.mark.slow

SHORT = {"short": Preset(operation="extend", extend_s=1.0)}
"""A preset whose sends are quick, and come back as one file."""


class Running:
    """Bitwig and the daemon, both alive."""

    def __init__(self, living: LivingDaemon, bitwig: Bitwig) -> None:
        self.living, self.bitwig = living, bitwig

    async def until(self, is_so: Callable[[], Any]) -> Any:
        async with asyncio.timeout(300):
            while not (found := is_so()):
                self.bitwig.tick()
                await asyncio.sleep(0.005)
        return found

    async def placed(self, count: int) -> list[str]:
        """The names of the tracks, once so many clips lie there and the daemon knows it."""
        await self.until(lambda: len(self.names) >= count and not self.waiting)
        return self.names

    @property
    def names(self) -> list[str]:
        return [track.name for track in self.bitwig.song.tracks if track.clip and "Returns" in track.clip]

    @property
    def waiting(self) -> list[Any]:
        return self.living.daemon.daws._asked.unplaced()

    async def opened(self) -> None:
        """Once the daemon knows what is open: what is sent from then on is placed."""
        seen = self.living.daemon.places.state / "daws" / "bitwig" / "projects.json"
        await self.until(seen.is_file)

    def drop(self, operation: str, name: str = "riff.wav") -> None:
        """Export a clip into a hot folder."""
        soundfile.write(self.living.sends / operation / f".{name}", music(1.0), RATE, "PCM_24", format="WAV")
        (self.living.sends / operation / f".{name}").rename(self.living.sends / operation / name)

    def bounce(self) -> Path:
        path = self.living.session / "bounce" / "Gtr-bounce-1.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, music(1.0), RATE, "PCM_24")
        return path


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "REPEAT_S", 0.2)
    monkeypatch.setattr("sendreturn_bridges.daws.bitwig.bounces.QUIET_S", 0.0)


@asynccontextmanager
async def running(folder: Path, song: Song, **more: Any) -> AsyncIterator[Running]:
    project_in(folder / "Song")
    found = installed(folder)
    async with LivingDaemon(folder, **{"presets": SHORT, **more}) as living:
        bitwig = Bitwig(script_of(found), song)
        both = Running(living, bitwig)
        try:
            yield both
        finally:
            both.bitwig.quit()
    assert both.bitwig.wrong == []


async def test_what_was_exported_into_a_hot_folder_comes_back_into_the_launcher(tmp_path: Path) -> None:
    song = Song("Song")
    async with running(tmp_path, song, returns=ReturnsSettings(stems=2, midi=True)) as both:
        await both.opened()
        both.drop("short")
        names = await both.placed(4)
        assert names == ["riff extend tail", "riff extend vocals", "riff extend instrumental", "riff extend midi"]
        (view,) = await both.living.ended()
        clips = [Path(track.clip) for track in song.tracks[2:] if track.clip]
        assert {clip.parent for clip in clips} == {view.folder}
        assert [track.type for track in song.tracks[2:]] == ["Audio", "Audio", "Audio", "Instrument"]
        await both.until(lambda: any("For the arranger" in text for text in both.bitwig.popups))


async def test_the_button_sends_the_bounce_and_its_returns_come_back(tmp_path: Path) -> None:
    async with running(tmp_path, Song("Song", settings={"Preset in its place": "short"}, bpm=90.0)) as both:
        await both.opened()
        both.bounce()
        both.bitwig.press(BUTTON)
        assert await both.placed(1) == ["Gtr extend tail"]
        (view,) = await both.living.ended()
        assert view.clip == both.living.session / "bounce" / "Gtr-bounce-1.wav"
        assert view.params["bpm"] == 90


async def test_a_press_from_outside_sends_the_bounce(tmp_path: Path) -> None:
    async with running(tmp_path, Song("Song")) as both:
        await both.opened()
        both.bounce()
        pressing = asyncio.create_task(both.living.daemon.daws.press("bitwig", Press("short", {}, "osc-1")))
        await both.until(pressing.done)
        assert pressing.result().kind == "accepted"
        assert await both.placed(1) == ["Gtr extend tail"]


async def test_bitwig_that_quits_meanwhile_gets_it_once_when_it_is_back(tmp_path: Path) -> None:
    song = Song("Song")
    async with running(tmp_path, song) as both:
        await both.opened()
        both.drop("short")
        await both.living.until(lambda sends: bool(sends))
        both.bitwig.quit()
        await both.living.ended()
        both.bitwig = Bitwig(script_of(installed(tmp_path)), song)
        assert await both.placed(1) == ["riff extend tail"]
    async with running(tmp_path, song) as both:
        await both.until(lambda: both.living.daemon.daws._links["bitwig"]._folder)
        for _ in range(50):
            both.bitwig.tick()
            await asyncio.sleep(0.002)
        assert both.names == ["riff extend tail"]


async def test_what_was_finished_while_the_daemon_was_away_from_bitwig_is_placed(tmp_path: Path) -> None:
    song = Song("Song")
    async with running(tmp_path, song) as both:
        await both.opened()
    async with LivingDaemon(tmp_path, presets=SHORT) as living:  # Bitwig is not running
        both.living = living
        both.drop("short")
        await living.ended()
    async with running(tmp_path, song) as both:
        assert await both.placed(1) == ["riff extend tail"]


async def test_what_was_sent_before_bitwig_was_ever_open_is_left_alone(tmp_path: Path) -> None:
    async with LivingDaemon(tmp_path, presets=SHORT) as living:
        Running(living, None).drop("short")  # type: ignore[arg-type]
        await living.ended()
    async with running(tmp_path, Song("Song")) as both:
        await both.opened()
        both.drop("short", "later.wav")
        await both.until(lambda: both.names)
        assert all(name.startswith("later") for name in both.names)


async def test_returns_that_were_deleted_are_told_in_bitwig(tmp_path: Path) -> None:
    song = Song("Song")
    async with running(tmp_path, song) as both:
        await both.opened()
        song.name = "Elsewhere"  # the project is not in front while the send runs
        await both.until(lambda: both.living.daemon.daws._links["bitwig"]._folder is None)
        both.drop("short")
        (view,) = await both.living.ended()
        assert view.folder is not None
        for path in view.folder.glob("*.wav"):
            path.unlink()
        song.name = "Song"
        await both.until(lambda: any("is not there any more" in text for text in both.bitwig.popups))
        assert both.names == []


async def test_a_project_that_was_moved_gets_its_returns_from_the_new_place(tmp_path: Path) -> None:
    song = Song("Song")
    async with running(tmp_path, song) as both:
        await both.opened()
        song.name = "Elsewhere"
        await both.until(lambda: both.living.daemon.daws._links["bitwig"]._folder is None)
        both.drop("short")
        await both.living.ended()
        shutil.move(both.living.session, tmp_path / "Moved")
        song.name, song.settings["Project folder"] = "Song", str(tmp_path / "Moved")
        assert await both.placed(1) == ["riff extend tail"]
        assert str(song.tracks[-1].clip).startswith(str(tmp_path / "Moved"))
