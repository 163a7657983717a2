"""The reduced bridge into Live, against a small AbletonOSC on free ports of this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ableton_osc import AbletonOsc
from live_returns import wav
from live_set import Song
from live_studio import RATE, put, show, song, warp
from sendreturn.audio.midi import write_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.daws.capture import capture
from sendreturn.daws.contract import LinkSetup, PlacedFile, Placement, Press
from sendreturn.daws.contract import Note as Told
from sendreturn.daws.installs import load_daws
from sendreturn.daws.selection import Selection
from sendreturn.errors import UsageError
from sendreturn_bridges.daws.abletonosc import client
from sendreturn_bridges.daws.abletonosc.bridge import AbletonOscLink, open_link


class Desk:
    """Takes what the link hands over."""

    def __init__(self) -> None:
        self.sent: list[Selection] = []
        self.refusals: list[tuple[str, str]] = []
        self.placements: list[str] = []
        self.changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def send(self, daw: str, selection: Selection) -> Told:
        self.sent.append(selection)
        self._tell()
        return Told("accepted", selection.session, selection.request, "1a2b3c4d", text="cover is queued")

    def refused(self, daw: str, request: str, sentence: str) -> None:
        self.refusals.append((request, sentence))
        self._tell()

    def placed(self, daw: str, send_id: str) -> None:
        self.placements.append(send_id)
        self._tell()

    def act(self, daw: str, word: str, send_id: str) -> Told:
        raise AssertionError(word)

    def opened(self, daw: str, session: str) -> None:
        raise AssertionError(session)

    def _tell(self) -> None:
        self._loop.call_soon_threadsafe(self.changed.set)

    async def until(self, is_so: Any) -> Any:
        async with asyncio.timeout(30):
            while not (found := is_so()):
                self.changed.clear()
                await self.changed.wait()
        return found


class Rig:
    """Live with AbletonOSC, a set with a clip in a slot of "Gtr", and the link."""

    def __init__(self, folder: Path, found: Song, live: AbletonOsc, link: AbletonOscLink, desk: Desk) -> None:
        self.folder, self.song, self.live, self.link, self.desk = folder, found, live, link, desk
        self.audio = folder / "Song" / "Samples" / "Imported" / "riff.wav"
        self.clip = put(found, "Gtr", self.audio, 2)
        show(found, self.clip)

    async def sent(self, operation: str = "cover", **params: Any) -> Selection:
        self.link.press(Press(operation, params, "osc-1"))
        await self.desk.until(lambda: self.desk.sent or self.desk.refusals)
        assert self.desk.refusals == []
        return self.desk.sent[-1]

    async def refused(self) -> str:
        self.link.press(Press("cover", {}, "osc-1"))
        ((request, sentence),) = await self.desk.until(lambda: self.desk.refusals)
        assert request == "osc-1"
        assert self.desk.sent == []
        return str(sentence)

    def placement(self, *files: PlacedFile) -> Placement:
        return Placement("1a2b3c4d", "osc-1", str(self.folder / "Song"), "cover", "Gtr cover", RATE, files, track="Gtr")


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr(client, "PATIENCE_S", 1.0)
    found = song(tmp_path, seconds=2.0)
    answers = free_port()
    loop = asyncio.get_running_loop()
    _, live = await loop.create_datagram_endpoint(lambda: AbletonOsc(found, answers), local_addr=("127.0.0.1", 0))
    desk = Desk()
    link = open_link(setup(tmp_path, desk, live.port, answers))
    await link.start()
    try:
        yield Rig(tmp_path, found, live, link, desk)
    finally:
        await link.stop()
        live.close()


def setup(folder: Path, desk: Desk, listen: int, answer: int) -> LinkSetup:
    manifest = load_daws()["abletonosc"]
    assert (manifest.options["listen_port"], manifest.options["answer_port"]) == (11000, 11001)
    return LinkSetup(manifest, folder / "state", desk, "1", {"listen_port": listen, "answer_port": answer})


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def returned(path: Path, kind: str) -> PlacedFile:
    return PlacedFile(path, kind, 1, None, f"Gtr cover {kind}", 0, sample_rate_hz=RATE, color="#5b8def")


def notes(folder: Path, count: int = 3) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    found = tuple(Note(n / 4, n / 4 + 0.25, 40 + n % 12, 100) for n in range(count))
    write_midi(folder / "notes.mid", [NoteTrack("bass", found, program=33)], Meter(120.0), duration_s=count / 4)
    return folder / "notes.mid"


async def test_a_press_sends_the_clip_where_track_and_scene_cross(rig: Rig, tmp_path: Path) -> None:
    rig.clip._loop_start, rig.clip._loop_end = 0.5, 1.5
    rig.clip._shown_gain = "-6.0 dB"
    sent = await rig.sent("extend", extend_s=2)
    assert (sent.operation, sent.params, sent.track) == ("extend", {"extend_s": 2}, "Gtr")
    assert sent.session == str(tmp_path / "Song")
    assert (sent.tempo[0].bpm, sent.tempo[0].time_signature) == (120.0, "4/4")
    taken = capture(sent, tmp_path / "sent")
    assert (taken.path, taken.range_s) == (rig.audio, (0.5, 1.5))
    assert taken.gain == pytest.approx(10 ** (-6 / 20))


async def test_all_is_asked_in_three_rounds(rig: Rig) -> None:
    await rig.sent()
    assert rig.live.asked[:2] == ["/live/view/get/selected_clip", "/live/clip/get/is_audio_clip"]
    assert len(rig.live.asked) < 20


async def test_the_link_answers_a_ping_for_live(rig: Rig) -> None:
    assert await rig.link.ping(5) == "Live 12.1 by AbletonOSC"
    rig.live.close()
    assert await rig.link.ping(0.2) is None


def nothing(rig: Rig) -> None:
    rig.song._view._highlighted_clip_slot = rig.song._track("Gtr")._slots[0]


def return_track(rig: Rig) -> None:
    rig.song._view._selected_track = None


def midi_clip(rig: Rig) -> None:
    track = rig.song._add("Keys", is_audio=False)
    show(rig.song, track.clip_slots[1].create_clip(4.0))


def missing(rig: Rig) -> None:
    rig.audio.unlink()


def transposed(rig: Rig) -> None:
    rig.clip._pitch_coarse = 1


def outside_of_a_project(rig: Rig) -> None:
    (rig.folder / "Song" / "Ableton Project Info").rmdir()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (nothing, "Nothing is selected"),
        (return_track, "Nothing is selected"),
        (midi_clip, "holds notes and no audio"),
        (missing, "is missing"),
        (lambda rig: warp(rig.clip), "is warped, and AbletonOSC does not tell how"),
        (transposed, "played at another pitch"),
        (outside_of_a_project, "Collect All and Save"),
    ],
)
async def test_what_cannot_be_sent_is_told_to_who_pressed_and_in_live(rig: Rig, what: Any, words: str) -> None:
    what(rig)
    assert words in await rig.refused()
    async with asyncio.timeout(10):
        while not rig.live.messages:  # noqa: ASYNC110 - a datagram on its way
            await asyncio.sleep(0.01)
    assert words in rig.live.messages[0]


async def test_a_live_that_is_closed_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE_S", 0.1)
    rig.live.close()
    assert "AbletonOSC does not answer" in await rig.refused()


async def test_another_program_on_the_port_of_the_answers_is_told(rig: Rig) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", rig.link._ports.answer))
        assert "is taken by another program" in await rig.refused()
        with pytest.raises(UsageError, match="taken by another program"):
            await rig.link.ping(1)


async def test_notes_come_back_and_audio_is_named(rig: Rig) -> None:
    await rig.sent()
    back = rig.folder / "Song" / "Returns"
    rig.link.offer(rig.placement(returned(notes(back, 120), "midi"), returned(wav(back), "mix")))
    await rig.desk.until(lambda: rig.desk.placements)
    assert [track.name for track in rig.song.tracks] == ["Drums", "Gtr", "Bass", "Gtr cover midi"]
    clip = rig.song.tracks[3].clip_slots[2].clip
    assert len(clip._rows) == 120
    assert clip._rows[1] == pytest.approx((0.5, 0.5, 41, 100, False), abs=1e-2)
    assert rig.song.tracks[3].color == 0x5B8DEF
    assert f"1 file to drag into the set lie in {back}" in " ".join(rig.live.messages)
    assert rig.desk.placements == ["1a2b3c4d"]


async def test_what_comes_back_waits_for_its_set(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.sent()
    rig.clip._path = "/elsewhere.wav"
    rig.link.offer(rig.placement(returned(notes(rig.folder), "midi")))
    async with asyncio.timeout(10):
        while "/live/clip_slot/get/has_clip" not in rig.live.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert rig.desk.placements == []
    rig.clip._path = str(rig.audio)
    rig.link._poke.set()
    await rig.desk.until(lambda: rig.desk.placements)
    assert len(rig.song.tracks) == 4


async def test_what_was_begun_is_not_begun_again(rig: Rig) -> None:
    await rig.sent()
    rig.live.breaks = "/live/clip/get/length"
    placement = rig.placement(returned(notes(rig.folder), "midi"))
    rig.link.offer(placement)
    async with asyncio.timeout(10):
        while "/live/clip/get/length" not in rig.live.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await rig.link.stop()
    again = open_link(setup(rig.folder, rig.desk, rig.live.port, rig.link._ports.answer))
    await again.start()
    try:
        again.offer(replace(placement))
        await rig.desk.until(lambda: rig.desk.placements)
    finally:
        await again.stop()
    assert [track.name for track in rig.song.tracks].count("Gtr cover midi") == 1
    assert "1 file to drag into the set" in rig.live.messages[-1]


def test_nothing_is_put_into_live() -> None:
    manifest = load_daws()["abletonosc"]
    assert manifest.files == ()
    assert not manifest.capabilities.place_audio
