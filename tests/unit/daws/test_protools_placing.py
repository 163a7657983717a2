"""Into Pro Tools: returns lie on new tracks at their sample, each once, whatever quits in between."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from clips import music
from protools_host import BASE, MENU, MODERN, Fault, ProTools
from protools_session import Session
from protools_studio import RATE, Desk, linked, returns, session_in
from sendreturn.audio.writer import SoundWriter
from sendreturn.errors import SendReturnError

START = 144_001
SEND = "0a1b2c3d"


@pytest.fixture(autouse=True)
def _nothing_is_left(no_leaks: None) -> None:
    """Threads and sockets of gRPC end with the link."""


@pytest.fixture(params=[MENU, pytest.param(MODERN, marks=pytest.mark.slow), BASE], ids=["2025.10", "2025.6", "before"])
def any_host(request: pytest.FixtureRequest, tmp_path: Path) -> ProTools:
    return ProTools(session_in(tmp_path / "Song"), version=request.param).start()


@pytest.fixture
def host(tmp_path: Path) -> ProTools:
    return ProTools(session_in(tmp_path / "Song")).start()


def ready(tmp_path: Path, *more: str) -> Desk:
    sends = [returns(tmp_path / "Song" / "Returns" / send, tmp_path / "Song", send) for send in (SEND, *more)]
    return Desk(ready=sends)


def new_tracks(session: Session | None) -> dict[str, list[tuple[str, int]]]:
    """What lies where on the tracks that were not there."""
    assert session is not None
    return {
        track.name: [(clip.name, position) for clip, position in track.clips]
        for track in session.tracks
        if track.name not in ("Gtr", "Keys")
    }


WANTED = {f"Gtr cover {kind}": [(f"riff_cover_{SEND}_t1_{kind}", START)] for kind in ("mix", "drums", "bass")}


async def test_every_file_gets_a_named_track_of_its_own_at_its_sample(tmp_path: Path, any_host: ProTools) -> None:
    async with linked(tmp_path, any_host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(any_host.session) == WANTED
        assert studio.desk.placed_sends == [SEND]


async def test_new_tracks_come_behind_the_clip_s_own_in_order_and_in_color(tmp_path: Path, host: ProTools) -> None:
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
    assert host.session is not None
    assert [track.name for track in host.session.tracks] == ["Gtr", *WANTED, "Keys"]
    assert host.session.named("Gtr cover drums").color == 2
    assert host.session.named("Gtr cover mix").color == 0


async def test_what_was_there_before_is_untouched(tmp_path: Path, any_host: ProTools) -> None:
    assert any_host.session is not None
    before = copy.deepcopy(any_host.session.tracks)
    async with linked(tmp_path, any_host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
    assert [track for track in any_host.session.tracks if track.name in ("Gtr", "Keys")] == before
    assert any_host.session.selected == ["Gtr"]


async def test_undo_steps_and_notes_are_told(tmp_path: Path, host: ProTools) -> None:
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.shown().startswith("Gtr cover: 3 new tracks, 9 undo steps. Drag riff"))
    assert host.session is not None
    assert len(host.session.undo) == 9


async def test_a_name_that_is_taken_gets_a_number(tmp_path: Path, any_host: ProTools) -> None:
    assert any_host.session is not None
    any_host.session.add_track("Gtr cover mix")
    async with linked(tmp_path, any_host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
    assert any_host.session.named("Gtr cover mix 2").clips
    assert not any_host.session.named("Gtr cover mix").clips


async def test_a_session_with_many_tracks_is_read_page_by_page(
    tmp_path: Path, host: ProTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendreturn_bridges.daws.protools.session.PAGE", 2)
    assert host.session is not None
    host.session.add_track("Bass")
    host.session.add_track("Gtr cover mix")
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
    assert host.session.named("Gtr cover mix 2").clips


async def test_context_is_cut_off_sample_for_sample(tmp_path: Path, any_host: ProTools) -> None:
    desk = ready(tmp_path)
    file = replace(desk.ready[0].files[0], offset_samples=1000, length_samples=4000, position_samples=START + 1000)
    desk.ready = [replace(desk.ready[0], files=(file,))]
    async with linked(tmp_path, any_host, desk) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
    assert any_host.session is not None
    ((clip, position),) = any_host.session.named("Gtr cover mix").clips
    assert position == START + 1000
    whole, _ = soundfile.read(file.path)
    assert np.array_equal(soundfile.read(clip.path)[0], whole[1000:5000])
    assert not list((tmp_path / "state" / "cut").rglob("*.wav"))


async def test_a_mono_file_gets_a_mono_track_and_another_rate_is_converted(tmp_path: Path, host: ProTools) -> None:
    desk = ready(tmp_path)
    path = tmp_path / "low.wav"
    soundfile.write(path, music(0.2, 44_100, 1), 44_100, "PCM_24")
    file = replace(desk.ready[0].files[0], path=path, sample_rate_hz=44_100, channels=1, size_bytes=None)
    desk.ready = [replace(desk.ready[0], files=(file,))]
    async with linked(tmp_path, host, desk) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
    assert host.session is not None
    assert host.session.named("Gtr cover mix").channels == 1


# Once


@pytest.mark.parametrize("times", [1, 3])
async def test_what_is_offered_again_is_placed_once(tmp_path: Path, host: ProTools, times: int) -> None:
    desk = ready(tmp_path)
    (placement,) = desk.ready
    async with linked(tmp_path, host, desk) as studio:
        for _ in range(times):
            studio.link.offer(placement)
        await studio.until(lambda: len(studio.desk.placed_sends) >= times)
        assert new_tracks(host.session) == WANTED
    async with linked(
        tmp_path, host.start(), Desk(ready=[placement])
    ) as studio:  # the daemon has lost that it was told
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED


@pytest.mark.parametrize("count", [10, pytest.param(100, marks=pytest.mark.slow)])
async def test_sends_in_a_row_are_placed_once_each(tmp_path: Path, host: ProTools, count: int) -> None:
    sends = [f"{number:08x}" for number in range(count)]
    template = returns(tmp_path / "one", tmp_path / "Song", stems=())
    desk = Desk()
    async with linked(tmp_path, host, desk) as studio:
        await studio.until(lambda: studio.desk.sessions)
        for number, send in enumerate(sends):
            path = tmp_path / f"riff_{send}.wav"
            path.write_bytes(template.files[0].path.read_bytes())
            file = replace(template.files[0], path=path, position_samples=number * RATE)
            studio.link.offer(replace(template, send_id=send, files=(file,)))
        await studio.until(lambda: len(desk.placed_sends) == count)
    placed = list(new_tracks(host.session).values())
    assert all(len(clips) == 1 for clips in placed)
    assert sorted(clips[0] for clips in placed) == [(f"riff_{send}", n * RATE) for n, send in enumerate(sends)]
    assert desk.placed_sends == sends


EDITS = {
    MENU: ("CreateNewTracks", "ImportAudioToClipList", "SpotClipsByID"),
    BASE: ("Import", "RenameTargetTrack"),
}
"""What changes the session, by the version that it is for."""
LOOKS = {MENU: ("GetTrackList", "SetTrackColor", "GetSessionPath"), BASE: ("GetTrackList", "GetSessionPath")}


def crashes(commands: dict[tuple[int, int, int], tuple[str, ...]], *afters: int) -> list[tuple[object, ...]]:
    """Before and after a command is done, when it is asked for the first time and later."""
    found = [(version, command) for version, names in commands.items() for command in names]
    return [(*which, quits, after) for which in found for quits in ("before", "after") for after in afters]


async def _breaks(tmp_path: Path, version: tuple[int, int, int], fault: Fault, *, is_saved: bool = True) -> None:
    host = ProTools(session_in(tmp_path / "Song"), version=version).start()
    as_saved = copy.deepcopy(host.session)
    host.faults = [fault]
    host.after_crash = None if is_saved else lambda: copy.deepcopy(as_saved)
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED
        assert fault.times == 0, "it was never asked for so often"


@pytest.mark.parametrize(("version", "command", "quits", "after"), crashes(EDITS, 1))
async def test_the_connection_breaks_in_an_edit(
    tmp_path: Path, version: tuple[int, int, int], command: str, quits: str, after: int
) -> None:
    await _breaks(tmp_path, version, Fault(command, quits=quits, after=after))


@pytest.mark.slow
@pytest.mark.parametrize(("version", "command", "quits", "after"), [*crashes(EDITS, 0, 2), *crashes(LOOKS, 0, 1)])
async def test_the_connection_breaks_anywhere(
    tmp_path: Path, version: tuple[int, int, int], command: str, quits: str, after: int
) -> None:
    await _breaks(tmp_path, version, Fault(command, quits=quits, after=after))


@pytest.mark.slow
@pytest.mark.parametrize(("version", "command", "quits", "after"), crashes(EDITS, 0, 1, 2))
async def test_pro_tools_quits_in_an_edit_and_its_session_was_not_saved(
    tmp_path: Path, version: tuple[int, int, int], command: str, quits: str, after: int
) -> None:
    await _breaks(tmp_path, version, Fault(command, quits=quits, after=after), is_saved=False)


@pytest.mark.parametrize("command", ["CreateNewTracks", "SpotClipsByID"])
async def test_an_edit_that_is_done_after_it_was_given_up_is_not_done_again(
    tmp_path: Path, host: ProTools, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendreturn_bridges.daws.protools.host.QUICK_S", 0.05)
    host.faults = [Fault(command, late=True)]  # as with a dialog open: Pro Tools does one thing after the other
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: "does not answer" in str(studio.told.get("daw:protools")))
        host.release()
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED


@pytest.mark.parametrize("command", ["CreateNewTracks", "ImportAudioToClipList", "SpotClipsByID"])
async def test_the_daemon_stops_at_any_step(
    tmp_path: Path, host: ProTools, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendreturn_bridges.daws.protools.work.GRACE_S", 0.0)
    host.faults = [Fault(command, hangs=True, after=1)]
    desk = ready(tmp_path)
    async with linked(tmp_path, host, desk) as studio:
        await studio.until(lambda: host.faults[0].times == 0)
        await studio.link.stop()
    assert desk.placed_sends == []
    async with linked(tmp_path, host.start(), desk) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED


@pytest.mark.parametrize("version", [MODERN, BASE])
@pytest.mark.parametrize("lag", [1, 3])
async def test_a_track_that_shows_up_late_is_waited_for_and_not_made_again(
    tmp_path: Path, version: tuple[int, int, int], lag: int
) -> None:
    host = ProTools(session_in(tmp_path / "Song"), version=version, lag=lag, tells_no_track_ids=True).start()
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED
    makes = "Import" if version == BASE else "CreateNewTracks"
    assert host.calls.count(makes) == 3


async def test_a_track_that_was_undone_is_made_again(tmp_path: Path, host: ProTools) -> None:
    host.faults = [Fault("SpotClipsByID", refuse="PT_HostIsBusy", times=1)]
    host.then["ImportAudioToClipList"] = lambda session: session.tracks.remove(session.named("Gtr cover mix"))
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED


async def test_a_name_that_pro_tools_does_not_take_is_no_reason_to_fail(tmp_path: Path) -> None:
    host = ProTools(session_in(tmp_path / "Song"), version=BASE).start()
    host.faults = [Fault("RenameTargetTrack", refuse="PT_InvalidParameter", times=9)]
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
    assert list(new_tracks(host.session).values()) == list(WANTED.values())


async def test_a_ledger_that_cannot_be_read_is_begun_anew(tmp_path: Path, host: ProTools) -> None:
    placing = tmp_path / "state" / "placing"
    placing.mkdir(parents=True)
    (placing / f"{SEND}.json").write_text('{"rows": 3}')
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED
    assert json.loads((placing / f"{SEND}.json").read_text())["is_closed"] is True


# Later


async def test_while_pro_tools_records_it_waits(tmp_path: Path, host: ProTools) -> None:
    assert host.session is not None
    host.session.transport = "TS_TransportRecording"
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: host.calls.count("GetTransportState") >= 3)
        assert new_tracks(host.session) == {}
        host.session.transport = "TS_TransportPlaying"
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED
        assert studio.told["daw:protools"] is None


async def test_returns_of_another_session_wait_until_it_is_open(tmp_path: Path, host: ProTools) -> None:
    song, other = host.session, session_in(tmp_path / "Other")
    desk = ready(tmp_path)
    host.session = other
    async with linked(tmp_path, host, desk) as studio:
        await studio.until(lambda: studio.desk.sessions == [str(tmp_path / "Other")] and host.listeners)
        studio.link.offer(desk.ready[0])
        host.open(song)
        await studio.until(lambda: studio.desk.placed_sends)
    assert new_tracks(song) == WANTED
    assert new_tracks(other) == {}


async def test_a_session_is_closed_while_it_is_placed(tmp_path: Path, host: ProTools) -> None:
    song = host.session
    assert song is not None
    song.transport = "TS_TransportRecording"
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: host.calls.count("GetTransportState") >= 2 and host.listeners)
        host.open(None)
        song.transport = "TS_TransportStopped"
        host.open(song)
        await studio.until(lambda: studio.desk.placed_sends)
    assert new_tracks(song) == WANTED


async def test_before_2025_6_a_session_that_is_opened_is_seen_by_looking(tmp_path: Path) -> None:
    host = ProTools(version=BASE).start()
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: host.calls.count("GetSessionPath") >= 2)
        host.session = session_in(tmp_path / "Song")
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED


@pytest.mark.parametrize("kind", ["PT_HostIsBusy", "PT_UnknownError"])
@pytest.mark.parametrize("command", ["CreateNewTracks", "ImportAudioToClipList", "SpotClipsByID"])
async def test_what_is_refused_once_is_tried_again(tmp_path: Path, host: ProTools, kind: str, command: str) -> None:
    host.faults = [Fault(command, refuse=kind, times=2)]
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED


async def test_what_is_always_refused_stays_in_the_folder_and_holds_nothing_up(tmp_path: Path, host: ProTools) -> None:
    desk = ready(tmp_path)
    bad = desk.ready[0].files[1].path
    bad.write_bytes(b"RIFF")
    desk.ready = [replace(desk.ready[0], files=tuple(replace(f, size_bytes=None) for f in desk.ready[0].files))]
    async with linked(tmp_path, host, desk) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert sorted(new_tracks(host.session)) == ["Gtr cover bass", "Gtr cover mix"]
        await studio.until(lambda: "undo steps" in studio.shown())
    assert bad.is_file()


async def test_an_empty_track_does_not_stay_for_what_was_refused(tmp_path: Path, host: ProTools) -> None:
    host.faults = [Fault("SpotClipsByID", refuse="PT_InvalidParameter", times=3)]
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert sorted(new_tracks(host.session)) == ["Gtr cover bass", "Gtr cover drums"]


async def test_a_file_that_is_not_whole_yet_is_waited_for(tmp_path: Path, host: ProTools) -> None:
    desk = ready(tmp_path)
    path = desk.ready[0].files[0].path
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    async with linked(tmp_path, host, desk) as studio:
        await studio.until(lambda: "not whole" in str(studio.told.get("daw:protools")))
        assert new_tracks(host.session) == {}
        path.write_bytes(whole)
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED


async def test_a_send_that_has_to_wait_holds_up_no_other(tmp_path: Path, host: ProTools) -> None:
    desk = ready(tmp_path, "99999999")
    path = desk.ready[0].files[0].path
    path.write_bytes(b"RIFF")
    host.faults = [Fault("GetTransportState", refuse="PT_HostIsBusy", times=2)]  # so that both are waiting
    async with linked(tmp_path, host, desk) as studio:
        await studio.until(lambda: studio.desk.placed_sends == ["99999999"])


async def test_a_disk_that_is_full_for_a_while_loses_nothing(
    tmp_path: Path, host: ProTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = ready(tmp_path)
    files = tuple(replace(file, offset_samples=10) for file in desk.ready[0].files if file.kind != "midi")
    desk.ready = [replace(desk.ready[0], files=files)]
    times = iter(range(2))

    def full(*arguments: Any) -> SoundWriter:
        if next(times, None) is None:
            monkeypatch.undo()
            return SoundWriter(*arguments)
        raise SendReturnError("The disk is full.")

    monkeypatch.setattr("sendreturn_bridges.daws.protools.returned.SoundWriter", full)
    async with linked(tmp_path, host, desk) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED


async def test_a_file_that_is_gone_is_told(tmp_path: Path, host: ProTools) -> None:
    desk = ready(tmp_path)
    desk.ready[0].files[0].path.unlink()
    async with linked(tmp_path, host, desk) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert sorted(new_tracks(host.session)) == ["Gtr cover bass", "Gtr cover drums"]


async def test_a_color_that_cannot_be_set_is_no_reason_to_fail(tmp_path: Path, host: ProTools) -> None:
    host.faults = [Fault("SetTrackColor", refuse="PT_InvalidParameter", times=9)]
    async with linked(tmp_path, host, ready(tmp_path)) as studio:
        await studio.until(lambda: studio.desk.placed_sends)
        assert new_tracks(host.session) == WANTED
