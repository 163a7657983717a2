"""Bitwig through DrivenByMoss's OSC: less than our own script can, and as careful."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from bitwig_studio import Desk, project_in
from fake_moss import FakeMoss, MossTrack
from sendreturn.daws.contract import LinkSetup, PlacedFile, Placement, Press
from sendreturn.daws.installs import load_daws
from sendreturn_bridges.daws.drivenbymoss import side
from sendreturn_bridges.daws.drivenbymoss.bridge import open_link
from sendreturn_bridges.daws.drivenbymoss.reported import ascii_of

SEND = "0a1b2c3d"


class Studio:
    def __init__(self, folder: Path, moss: FakeMoss) -> None:
        self.folder, self.moss, self.desk = folder, moss, Desk()
        self.session = project_in(folder / "Song")

    def placement(self, *names: str) -> Placement:
        files = []
        for name in names:
            path = self.session / name
            path.write_bytes(b"RIFF")
            kind = "midi" if name.endswith(".mid") else "stem"
            files.append(PlacedFile(path, kind, 1, None, f"Gtr {path.stem}", 0, color="#336699"))
        return Placement(SEND, "r", str(self.session), "cover", "Gtr cover", 48_000, tuple(files))

    async def until(self, is_so: Callable[[], Any]) -> None:
        async with asyncio.timeout(30):
            while not is_so():  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.005)

    async def placed(self) -> None:
        await self.until(lambda: SEND in self.desk.placed_sends)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side, "ASK_S", 0.05)
    monkeypatch.setattr(side, "STEP_S", 0.2)
    monkeypatch.setattr(side, "FILE_S", 0.2)


@asynccontextmanager
async def running(folder: Path, moss: FakeMoss | None = None) -> AsyncIterator[Studio]:
    async with moss or FakeMoss() as found:
        studio = Studio(folder, found)
        setup = LinkSetup(
            load_daws()["drivenbymoss"],
            folder / "state",
            studio.desk,
            "1",
            {"receives": found.port, "sends": 0},
            sessions=lambda: [studio.session],
        )
        link = studio.desk.link = open_link(setup)
        await link.start()
        found.tells = link._side._osc.port  # type: ignore[attr-defined]
        try:
            yield studio
        finally:
            await link.stop()


async def test_files_lie_on_new_named_tracks_and_get_their_colour(tmp_path: Path) -> None:
    async with running(tmp_path) as found:
        found.desk.waiting = [found.placement("a.wav", "b.mid")]
        await found.placed()
        assert found.moss.clips == [("Gtr a", "a.wav"), ("Gtr b", "b.mid")]
        await found.until(lambda: found.moss.tracks[-1].color == "rgb(51,102,153)")


async def test_a_file_that_is_not_taken_is_noticed_and_the_next_one_is_placed(tmp_path: Path) -> None:
    async with running(tmp_path) as found:
        placement = found.placement("odd.wav", "fine.wav")
        found.moss.refuses.add(str(placement.files[0].path))
        found.desk.waiting = [placement]
        await found.placed()
        assert found.moss.clips == [("Gtr fine", "fine.wav")]


async def test_no_track_is_touched_where_the_new_one_is_not_selected(tmp_path: Path) -> None:
    async with running(tmp_path, FakeMoss(tracks=[MossTrack("Gtr", clip="riff.wav")], selected=0)) as found:
        found.moss.selects_new = False
        found.desk.waiting = [found.placement("a.wav")]
        await found.placed()
        assert found.moss.clips == [("Gtr", "riff.wav")]
        assert "/track/selected/name" not in found.moss.heard


async def test_what_was_placed_once_is_not_placed_again(tmp_path: Path) -> None:
    async with running(tmp_path) as found:
        found.desk.waiting = [found.placement("a.wav")]
        await found.placed()
    async with running(tmp_path, found.moss) as again:  # the daemon has crashed before the desk could write it down
        again.desk.waiting = [again.placement("a.wav")]
        await again.placed()
        assert again.moss.clips == [("Gtr a", "a.wav")]


async def test_a_file_that_was_left_off_in_the_middle_is_not_placed_again(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "begun.json").write_text(f'{{"{SEND}.0": false}}', "utf-8")
    async with running(tmp_path) as found:
        found.desk.waiting = [found.placement("a.wav")]
        await found.placed()
        assert found.moss.clips == []


async def test_a_press_sends_the_last_bounce_with_the_projects_tempo(tmp_path: Path) -> None:
    async with running(tmp_path) as found:
        await found.until(lambda: found.desk.opened_sessions)
        assert found.desk.link is not None
        found.desk.link.press(Press("cover", {}, "osc-1"))
        await found.until(lambda: found.desk.refusals)
        assert "Nothing was bounced" in found.desk.refusals[0][1]


async def test_a_project_with_an_umlaut_in_its_name_is_found(tmp_path: Path) -> None:
    assert ascii_of("Für Elise") == "Fuer Elise"
    assert ascii_of("Dé?jà") == ascii_of("D?j?") == "Dj"
    async with running(tmp_path, FakeMoss(project="Song")) as found:
        await found.until(lambda: found.desk.opened_sessions)
        assert found.desk.opened_sessions == [str(found.session)]


async def test_it_answers_a_ping_and_is_not_there_when_it_is_not(tmp_path: Path) -> None:
    async with running(tmp_path) as found:
        assert found.desk.link is not None
        answer = await found.desk.link.ping(5)
        assert answer is not None
        assert answer.startswith("DrivenByMoss, project “Song”")
    async with running(tmp_path, FakeMoss(is_mute=True)) as found:
        assert found.desk.link is not None
        assert await found.desk.link.ping(0.05) is None
