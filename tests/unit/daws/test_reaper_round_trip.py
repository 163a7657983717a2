"""From a key in REAPER through the living daemon and back onto its tracks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import rpp
import soundfile
from living_daemon import LivingDaemon
from reaper_rpp import project_text
from reaper_session import MediaItem, PCM_source
from reaper_side import Reaper
from reaper_studio import RATE, ReaperStudio, resources
from sendreturn.project_files.reaper import read_reaper
from sendreturn.settings import ReturnsSettings

pytestmark = pytest.mark.slow

MARK = "P_EXT:sendreturn"


class Running:
    """REAPER and the daemon, both alive."""

    def __init__(self, living: LivingDaemon, studio: ReaperStudio) -> None:
        self.living, self.studio, self.reaper = living, studio, studio.reaper

    async def until(self, is_so: Callable[[], Any]) -> Any:
        """Let REAPER's time pass until something is so."""
        async with asyncio.timeout(60):
            while not (found := is_so()):
                self.reaper.tick()
                await asyncio.sleep(0.01)
        return found

    async def placed(self) -> list[MediaItem]:
        """What was placed, once the daemon knows that it was."""
        await self.until(lambda: self.items and not list((self.studio.mailbox / "out").glob("*.json")))
        return self.items

    @property
    def items(self) -> list[MediaItem]:
        return [item for item in self.studio.project.items if MARK in item.strings]


@asynccontextmanager
async def running(studio: ReaperStudio, folder: Path, **more: Any) -> AsyncIterator[Running]:
    """The daemon is of the same state folder as the installation, so that it opens the mailbox by itself."""
    async with LivingDaemon(folder, **more) as living:
        yield Running(living, studio)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReaperStudio]:
    found = ReaperStudio(tmp_path, monkeypatch, seconds=2.0)
    (found.mailbox / "panel.json").write_text('{"word": "extend", "seconds": "1"}', "utf-8")
    yield found
    assert found.reaper.wrong == []


def sample(item: MediaItem) -> int:
    return round(item.values["D_POSITION"] * RATE)


async def test_an_extension_goes_on_at_the_sample_where_the_clip_ends(studio: ReaperStudio, tmp_path: Path) -> None:
    async with running(studio, tmp_path) as both:
        both.reaper.press("sendreturn_again.lua")
        (item,) = await both.placed()
        assert sample(item) == 144_001 + 2 * RATE
        assert item.track.name == "Gtr extend tail"
        assert item.active is not None
        assert item.active.source is not None
        assert soundfile.info(item.active.source.path).samplerate == RATE
        assert both.reaper.unblocked == []
        assert both.living.daemon.house.conductor.list()[0].params["bpm"] == 120


async def test_stems_and_notes_come_back_on_tracks_of_their_own(studio: ReaperStudio, tmp_path: Path) -> None:
    async with running(studio, tmp_path, returns=ReturnsSettings(stems=2, midi=True)) as both:
        both.reaper.press("sendreturn_cover.lua")
        items = await both.placed()
        assert len({id(item.track) for item in items}) == len(items) >= 3
        assert {sample(item) for item in items} == {144_001}
        assert any(item.active.is_midi for item in items if item.active)
    studio.project.tempo = [(0.0, 120.0, 4, 4, False), (6.0, 90.0, 3, 4, True)]
    path = tmp_path / "written.rpp"
    path.write_text(project_text(studio.project), "utf-8")
    found = read_reaper(path)
    assert found.sample_rate_hz == RATE
    assert found.tempo_map is not None
    assert found.tempo_map.tempo.bpm == 120
    assert [signature.numerator for signature in found.tempo_map.signatures] == [4, 3]
    tracks = rpp.loads(path.read_text("utf-8")).findall("TRACK")
    assert [track.find("NAME")[1] for track in tracks] == [track.name for track in studio.project.tracks]
    placed = [item for track in tracks for item in track.findall("ITEM") if item.find("EXT") is not None]
    assert {round(float(item.find("POSITION")[1]) * RATE) for item in placed} == {144_001}
    assert len(placed) == len(items)


@pytest.mark.parametrize(("operation", "kind"), [("stems", "vocals"), ("midi", "midi")])
async def test_the_other_operations_come_back_too(
    studio: ReaperStudio, tmp_path: Path, operation: str, kind: str
) -> None:
    async with running(studio, tmp_path) as both:
        both.reaper.press(f"sendreturn_{operation}.lua")
        items = await both.placed()
        assert f"Gtr {operation} {kind}" in [item.track.name for item in items]
        assert {sample(item) for item in items} == {144_001}


async def test_the_time_selection_is_made_anew_in_its_place(studio: ReaperStudio, tmp_path: Path) -> None:
    studio.project.range_s = (3.5, 4.5)
    async with running(studio, tmp_path) as both:
        both.reaper.press("sendreturn_inpaint.lua")
        (item,) = await both.placed()
        assert item.active is not None
        assert (sample(item), round(item.values["D_LENGTH"] * RATE)) == (168_000, RATE)
        assert round(item.active.values["D_STARTOFFS"] * RATE) == 168_000 - 144_001


async def test_what_reaper_has_rendered_comes_back_in_its_place(studio: ReaperStudio, tmp_path: Path) -> None:
    take = studio.project.track("Gtr").items[0].takes[0]
    take.source = PCM_source(rate_hz=RATE, channels=2, length_s=2.0, parent=take.source, section=(0.0, 2.0, True))
    studio.project.track("Gtr").items[0].values["D_VOL"] = 0.5
    async with running(studio, tmp_path) as both:
        both.reaper.press("sendreturn_cover.lua")
        items = await both.placed()
        assert {(sample(item), item.values["D_VOL"]) for item in items if item.active and not item.active.is_midi} == {
            (144_001, 0.5)
        }


async def test_reaper_that_quits_meanwhile_places_it_once_when_it_is_back(studio: ReaperStudio, tmp_path: Path) -> None:
    async with running(studio, tmp_path) as both:
        both.reaper.press("sendreturn_cover.lua")
        both.reaper.quit()
        await both.living.ended()
        again = studio.reaper = both.reaper = Reaper(resources(tmp_path), studio.project)
        again.press("../__startup.lua")
        placed = await both.placed()
        assert len({item.track.name for item in placed}) == len(placed)
        again.quit()
    async with running(studio, tmp_path) as both:
        third = both.reaper = Reaper(resources(tmp_path), studio.project)
        third.press("../__startup.lua")
        await both.until(lambda: not list((studio.mailbox / "out").glob("*.json")))
        both.reaper.tick(20)
        assert both.items == placed


async def test_what_the_daemon_refuses_is_shown_in_reaper(studio: ReaperStudio, tmp_path: Path) -> None:
    (studio.mailbox / "panel.json").write_text('{"word": "dance"}', "utf-8")
    async with running(studio, tmp_path) as both:
        both.reaper.press("sendreturn_again.lua")
        await both.until(lambda: both.reaper.dialogs)
        assert "dance" in both.reaper.dialogs[0]


async def test_the_daemon_hears_reaper(studio: ReaperStudio, tmp_path: Path) -> None:
    async with running(studio, tmp_path) as both:
        both.reaper.press("sendreturn_receive.lua")
        asking = asyncio.create_task(both.living.daemon.daws.ping("reaper", 30))
        await both.until(asking.done)
        assert asking.result() == "REAPER 7.25/linux-x86_64, script 1.2.3"


async def test_the_panel_offers_the_presets_of_the_daemon(studio: ReaperStudio, tmp_path: Path) -> None:
    async with running(studio, tmp_path) as both:
        both.reaper.press("sendreturn_panel.lua")
        both.reaper.tick()
        both.reaper.click("extend")
        offered = both.reaper.menus[0].split("|")
        assert {"!extend", "cover", "stems"} <= set(offered)
        assert set(both.living.settings.presets) <= set(offered)
