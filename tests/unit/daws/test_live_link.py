"""The daemon's side of Live's mailbox, with the real script on the other one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from live_returns import mid, wav
from live_studio import RATE, LiveStudio
from sendreturn.audio.midi import write_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.daws.contract import LinkSetup, PlacedFile, Placement
from sendreturn.daws.installs import load_daws
from sendreturn_bridges.daws.live.bridge import LiveLink, open_link


class Desk:
    """Hears what was placed."""

    def __init__(self) -> None:
        self.placements: list[str] = []

    def placed(self, daw: str, send_id: str) -> None:
        self.placements.append(send_id)

    def opened(self, daw: str, session: str) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked of the desk")


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudio:
    return LiveStudio(tmp_path, monkeypatch)


def link_of(studio: LiveStudio, desk: Desk) -> LiveLink:
    return open_link(LinkSetup(load_daws()["live"], studio.mailbox, desk, "1"))


def placement(studio: LiveStudio, number: int, *paths: Path) -> Placement:
    kinds = {".mid": "midi", ".wav": "mix"}
    files = tuple(
        PlacedFile(path, kinds[path.suffix], 1, None, f"{path.stem} {number:03}", number * RATE, sample_rate_hz=RATE)
        for path in paths
    )
    session = studio.song._file_path
    return Placement(f"{number:08x}", f"r{number}", session, "cover", f"Gtr {number}", RATE, files, track="Gtr")


def notes(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    played = (Note(0.0, 0.5, 40, 100), Note(0.5, 1.0, 47, 90))
    write_midi(folder / "notes.mid", [NoteTrack("bass", played, program=33)], Meter(120.0), duration_s=1.0)
    return folder / "notes.mid"


async def placed(studio: LiveStudio, desk: Desk, count: int) -> None:
    async with asyncio.timeout(60):
        while len(desk.placements) < count:
            studio.live.tick()
            await asyncio.sleep(0)


async def test_a_hundred_placements_go_through_the_mailbox_in_order_and_once(
    studio: LiveStudio, tmp_path: Path
) -> None:
    desk = Desk()
    link = link_of(studio, desk)
    await link.start()
    try:
        for number in range(1, 101):
            link.offer(placement(studio, number, wav(tmp_path) if number == 1 else tmp_path / "mix.wav"))
            link.offer(placement(studio, number, tmp_path / "mix.wav"))  # offered again: the same
        await placed(studio, desk, 100)
        studio.live.tick(20)
    finally:
        await link.stop()
    assert sorted(desk.placements) == [f"{number:08x}" for number in range(1, 101)]
    tracks = [track.name for track in studio.song.tracks if track.name.startswith("mix ")]
    assert sorted(tracks) == [f"mix {number:03}" for number in range(1, 101)]


@pytest.fixture
async def link(studio: LiveStudio) -> AsyncIterator[LiveLink]:
    found = link_of(studio, Desk())
    await found.start()
    yield found
    await found.stop()


async def until_ready(studio: LiveStudio) -> None:
    async with asyncio.timeout(30):
        while not (studio.box / "1.json").exists():  # noqa: ASYNC110 - as the script sees it
            await asyncio.sleep(0.01)


async def test_notes_lie_ready_beside_their_placement(studio: LiveStudio, tmp_path: Path, link: LiveLink) -> None:
    link.offer(placement(studio, 1, notes(tmp_path)))
    await until_ready(studio)
    (path,) = studio.box.glob("*.notes.json")
    assert path.name == "00000001.notes.json"
    found = json.loads(path.read_text("utf-8"))["files"]["notes.mid"]
    assert [row[2:] for row in found["notes"]] == [[40, 100], [47, 90]]
    assert found["length_s"] == pytest.approx(1.0, abs=1e-2)
    studio.live.tick(10)
    clip = studio.song._track("notes 001")._clips[0]
    assert [row[2] for row in clip._rows] == [40, 47]
    assert clip.start_time == 2.0


async def test_notes_that_cannot_be_read_keep_nothing_else_back(
    studio: LiveStudio, tmp_path: Path, link: LiveLink
) -> None:
    link.offer(placement(studio, 1, mid(tmp_path), wav(tmp_path)))
    await until_ready(studio)
    studio.live.tick(15)
    assert [track.name for track in studio.song.tracks if track.name.endswith("001")] == ["mix 001"]
    assert any("notes.mid cannot be placed: its notes cannot be read" in line for line in studio.live.log)


async def test_what_is_being_read_when_the_daemon_stops_lies_ready_all_the_same(
    studio: LiveStudio, tmp_path: Path
) -> None:
    found = link_of(studio, Desk())
    await found.start()
    found.offer(placement(studio, 1, notes(tmp_path)))
    await asyncio.sleep(0)  # it has begun
    await found.stop()
    assert (studio.box / "1.json").exists()


async def test_a_disk_that_is_full_is_no_end_of_the_link(
    studio: LiveStudio, tmp_path: Path, link: LiveLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("sendreturn_bridges.daws.live.bridge.replace", refuse)
        patched.setattr("sendreturn.daws.mailbox.keep", refuse)
        link.offer(placement(studio, 1, notes(tmp_path)))
        await asyncio.sleep(0)
        await asyncio.gather(*link._reading)
    link.offer(placement(studio, 1, notes(tmp_path)))
    await until_ready(studio)


async def test_a_placement_that_was_written_and_not_renamed_is_laid_ready_when_it_is_offered_again(
    studio: LiveStudio, tmp_path: Path, link: LiveLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", fail)
        link.offer(placement(studio, 1, notes(tmp_path)))
        await asyncio.sleep(0)
        await asyncio.gather(*link._reading)
    assert not list(studio.box.glob("*.json"))
    link.offer(placement(studio, 1, notes(tmp_path)))
    await until_ready(studio)
