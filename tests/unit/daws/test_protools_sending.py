"""Out of Pro Tools: a click on the menu, or a press from outside, becomes a request with exactly what is selected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import music
from protools_host import BASE, MODERN, Fault, ProTools
from protools_session import Session
from protools_studio import RATE, Desk, Studio, linked, session_in
from sendreturn.daws.contract import Note
from sendreturn.daws.selection import Selection
from sendreturn_bridges.daws.protools.jobs import Pressed

START = 144_001


@pytest.fixture(autouse=True)
def _nothing_is_left(no_leaks: None) -> None:
    """Threads and sockets of gRPC end with the link."""


@pytest.fixture
def host(tmp_path: Path) -> ProTools:
    return ProTools(session_in(tmp_path / "Song")).start()


async def sent(studio: Studio) -> Selection:
    selection: Selection = (await studio.until(lambda: studio.desk.sent))[0]
    return selection


def heard(selection: Selection) -> np.ndarray:
    """The audio that a request is about."""
    (piece,) = selection.pieces
    columns = []
    for file in piece.files:
        samples, rate = soundfile.read(file.path, always_2d=True)
        assert rate == selection.rate_hz
        columns.append(samples if file.channel is None else samples[:, [file.channel]])
    return np.hstack(columns)[piece.start : piece.start + piece.length]


async def test_a_click_on_the_menu_sends_the_selected_clip_bit_for_bit(tmp_path: Path, host: ProTools) -> None:
    async with linked(tmp_path, host) as studio:
        await studio.click("extend")
        selection = await sent(studio)
    source, _ = soundfile.read(tmp_path / "Song" / "Audio Files" / "Gtr_01.wav", always_2d=True)
    assert np.array_equal(heard(selection), source)
    assert (selection.operation, selection.track, selection.session) == ("extend", "Gtr", str(tmp_path / "Song"))
    assert (selection.pieces[0].position, selection.pieces[0].length, selection.rate_hz) == (START, 2 * RATE, RATE)
    assert Path(selection.pieces[0].files[0].path).parent == tmp_path / "Song" / "sendreturn"
    assert selection.range is None
    assert selection.tempo == ()


async def test_nothing_but_the_clip_is_left_in_the_session_s_folder(tmp_path: Path, host: ProTools) -> None:
    async with linked(tmp_path, host) as studio:
        await studio.click("extend")
        selection = await sent(studio)
    assert [path.name for path in (tmp_path / "Song" / "sendreturn").iterdir()] == [
        Path(selection.pieces[0].files[0].path).name
    ]
    assert host.session is not None
    assert host.session.undo == []


async def test_every_operation_and_preset_has_an_item(tmp_path: Path, host: ProTools) -> None:
    async with linked(tmp_path, host) as studio:
        await studio.click("jazz (cover)")
        selection = await sent(studio)
        labels = [label.removeprefix("sendreturn: ") for label in host.menu.values()]
    assert selection.operation == "jazz"
    assert labels[:7] == ["extend", "cover", "inpaint", "stems", "midi", "jazz (cover)", "patch (inpaint)"]


async def test_the_menu_says_how_a_send_stands(tmp_path: Path, host: ProTools) -> None:
    async with linked(tmp_path, host) as studio:
        await studio.click("extend")
        await studio.until(lambda: studio.shown() == "0a1b2c3d queued")
        studio.link.tell(Note("state", "", send_id="0a1b2c3d", state="generating", progress=0.5))
        studio.link.tell(Note("done", "", send_id="0a1b2c3d", state="done", text="2 files"))
        await studio.until(lambda: studio.shown() == "0a1b2c3d done 2 files")
        assert len([label for label in host.menu.values() if "0a1b2c3d" in label]) == 1


async def test_the_menu_is_taken_away_when_the_daemon_stops(tmp_path: Path, host: ProTools) -> None:
    async with linked(tmp_path, host) as studio:
        await studio.until(lambda: len(host.menu) == 7)
        await studio.link.stop()
        assert host.menu == {}


async def test_items_of_a_daemon_that_was_killed_are_taken_away_by_the_next(tmp_path: Path, host: ProTools) -> None:
    host.menu["left over"] = "sendreturn: extend"
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "menu.json").write_text('["left over", "never was"]')
    async with linked(tmp_path, host) as studio:
        await studio.until(lambda: len(host.menu) == 7 and "left over" not in host.menu)


async def test_a_press_from_outside_keeps_its_request_and_its_parameters(tmp_path: Path, host: ProTools) -> None:
    async with linked(tmp_path, host) as studio:
        studio.link.press(Pressed("cover", {"style": "jazz"}, "osc-17"))
        selection = await sent(studio)
    assert (selection.request, selection.params) == ("osc-17", {"style": "jazz"})


async def test_a_range_inside_a_clip_is_bounced_at_the_same_sample(tmp_path: Path, host: ProTools) -> None:
    assert host.session is not None
    host.session.select("Gtr", START + 1000, START + 1000 + RATE)
    async with linked(tmp_path, host) as studio:
        await studio.click("cover")
        selection = await sent(studio)
    assert np.array_equal(heard(selection), host.session.named("Gtr").audio(START + 1000, START + 1000 + RATE))
    assert selection.pieces[0].position == START + 1000


async def test_a_range_over_several_clips_is_bounced(tmp_path: Path, host: ProTools) -> None:
    assert host.session is not None
    host.session.record("Gtr", music(1.0, seed=3), START + 3 * RATE)
    host.session.select("Gtr", START, START + 4 * RATE)
    async with linked(tmp_path, host) as studio:
        await studio.click("cover")
        selection = await sent(studio)
    assert np.array_equal(heard(selection), host.session.named("Gtr").audio(START, START + 4 * RATE))


async def test_a_clip_that_is_selected_only_in_the_clips_list_is_never_sent_for_another(
    tmp_path: Path, host: ProTools
) -> None:
    assert host.session is not None
    other = host.session.record("Bass", music(2.0, seed=9), 0)
    host.session.in_clips_list = [other]
    async with linked(tmp_path, host) as studio:
        await studio.click("cover")
        selection = await sent(studio)
    assert np.array_equal(heard(selection), host.session.named("Gtr").audio(START, START + 2 * RATE))


async def test_inpaint_sends_what_is_around_the_range_along(tmp_path: Path, host: ProTools) -> None:
    assert host.session is not None
    host.session.select("Gtr", START + RATE, START + RATE + 4800)
    async with linked(tmp_path, host) as studio:
        await studio.click("patch (inpaint)")
        selection = await sent(studio)
    assert selection.range == (START + RATE, 4800)
    assert selection.pieces[0].position == 0
    assert selection.pieces[0].length == START + RATE + 4800 + 30 * RATE
    assert np.array_equal(heard(selection), host.session.named("Gtr").audio(0, selection.pieces[0].length))


async def test_a_session_in_floats_is_sent_in_floats(tmp_path: Path, host: ProTools) -> None:
    assert host.session is not None
    host.session.depth = "Bit32Float"
    async with linked(tmp_path, host) as studio:
        await studio.click("cover")
        selection = await sent(studio)
    assert soundfile.info(selection.pieces[0].files[0].path).subtype == "FLOAT"


async def test_a_mac_that_spells_with_colons_is_understood(tmp_path: Path) -> None:
    def colons(path: Path) -> str:
        return ":".join(["Macintosh HD", *path.parts[1:]])

    host = ProTools(session_in(tmp_path / "Song"), spells=str, folder_ends=":").start()
    async with linked(tmp_path, host) as studio:  # it tells slashes and wants colons: both spellings are tried
        await studio.click("cover")
        selection = await sent(studio)
    assert len(heard(selection)) == 2 * RATE
    assert colons(tmp_path).startswith("Macintosh HD:")


async def test_before_2025_6_presses_send_whole_clips(tmp_path: Path) -> None:
    host = ProTools(session_in(tmp_path / "Song"), version=BASE).start()
    async with linked(tmp_path, host) as studio:
        await studio.until(lambda: studio.desk.sessions)
        studio.link.press(Pressed("cover", {}, "p1"))
        selection = await sent(studio)
        assert host.menu == {}
    assert len(heard(selection)) == 2 * RATE


async def test_between_2025_6_and_2025_10_there_is_no_menu_but_presses_work(tmp_path: Path) -> None:
    host = ProTools(session_in(tmp_path / "Song"), version=MODERN).start()
    async with linked(tmp_path, host) as studio:
        await studio.until(lambda: studio.desk.sessions)
        studio.link.press(Pressed("cover", {}, "p1"))
        assert len(heard(await sent(studio))) == 2 * RATE
        assert "no menu" in str(await studio.link.ping(10))


# What cannot be


def nothing(session: Session) -> None:
    session.selected = []


def only_a_place(session: Session) -> None:
    session.range = (START, START)


def notes(session: Session) -> None:
    session.selected = ["Keys"]


def an_instrument(session: Session) -> None:
    session.named("Keys").type = "TT_Instrument"
    session.selected = ["Keys"]


def a_bus(session: Session) -> None:
    session.add_track("Verb", "TT_Aux")
    session.selected = ["Verb"]


def two_tracks(session: Session) -> None:
    session.record("Bass", music(2.0), START)
    session.selected = ["Gtr", "Bass"]


def offline(session: Session) -> None:
    session.named("Gtr").clips[0][0].is_online = False


def not_saved(session: Session) -> None:
    session.folder = Path()


REFUSALS: list[tuple[Callable[[Session], None], str]] = [
    (nothing, "Nothing is selected."),
    (only_a_place, "Nothing is selected."),
    (notes, "“Keys” is a MIDI track"),
    (an_instrument, "“Keys” is an instrument track"),
    (a_bus, "“Verb” is no audio track."),
    (two_tracks, "several tracks (Gtr, Bass)"),
    (offline, "Gtr_01.wav” is missing"),
    (not_saved, "lies nowhere on this machine"),
]


@pytest.mark.parametrize(("change", "words"), REFUSALS, ids=lambda value: getattr(value, "__name__", None))
async def test_what_cannot_be_sent_is_a_sentence_in_the_menu_and_for_the_presser(
    tmp_path: Path, host: ProTools, change: Callable[[Session], None], words: str
) -> None:
    assert host.session is not None
    change(host.session)
    async with linked(tmp_path, host) as studio:
        studio.link.press(Pressed("cover", {}, "p1"))
        ((request, sentence),) = await studio.until(lambda: studio.desk.refusals)
        assert request == "p1"
        assert words in sentence
        assert studio.told["daw:protools"] == sentence
        await studio.until(lambda: studio.shown() == sentence or studio.shown().endswith("…"))
        assert studio.desk.sent == []
        assert not (tmp_path / "Song" / "sendreturn").exists()


async def test_without_a_session_it_says_so(tmp_path: Path) -> None:
    host = ProTools().start()
    async with linked(tmp_path, host) as studio:
        await studio.click("cover")
        await studio.until(
            lambda: studio.shown() == "No session is open in Pro Tools. Open one and select an audio clip in it."
        )


@pytest.mark.parametrize(
    ("operation", "words"), [("cover", "whole clips only"), ("inpaint", "Before 2025.6"), ("patch", "Before 2025.6")]
)
async def test_older_versions_say_what_they_cannot_do(tmp_path: Path, operation: str, words: str) -> None:
    host = ProTools(session_in(tmp_path / "Song"), version=BASE).start()
    assert host.session is not None
    host.session.select("Gtr", START + 10, START + RATE)
    async with linked(tmp_path, host) as studio:
        studio.link.press(Pressed(operation, {}, "p1"))
        ((_, sentence),) = await studio.until(lambda: studio.desk.refusals)
        assert words in sentence


async def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path, host: ProTools) -> None:
    (tmp_path / "Song" / "sendreturn").write_text("in the way")
    async with linked(tmp_path, host) as studio:
        studio.link.press(Pressed("cover", {}, "p1"))
        ((_, sentence),) = await studio.until(lambda: studio.desk.refusals)
        assert "cannot be written" in sentence


async def test_what_the_daemon_refuses_is_shown_and_its_file_is_taken_away(tmp_path: Path, host: ProTools) -> None:
    desk = Desk(answer=lambda selection: Note("error", selection.session, selection.request, text="No money left."))
    async with linked(tmp_path, host, desk) as studio:
        await studio.click("cover")
        await studio.until(lambda: studio.shown() == "No money left.")
    assert list((tmp_path / "Song" / "sendreturn").iterdir()) == []


@pytest.mark.parametrize("kind", ["PT_HostIsBusy", "PT_CannotBeDone", "OS_DiskSpace"])
async def test_an_export_that_is_refused_is_told_in_pro_tools_own_words(
    tmp_path: Path, host: ProTools, kind: str
) -> None:
    host.faults = [Fault("ExportClipsAsFiles", refuse=kind, times=9), Fault("BounceTrack", refuse=kind, times=9)]
    async with linked(tmp_path, host) as studio:
        studio.link.press(Pressed("cover", {}, "p1"))
        ((_, sentence),) = await studio.until(lambda: studio.desk.refusals)
        assert "cannot be done" in sentence
        assert studio.desk.sent == []


async def test_pro_tools_quits_while_it_exports(tmp_path: Path, host: ProTools) -> None:
    host.faults = [Fault("ExportClipsAsFiles", quits="after")]
    async with linked(tmp_path, host) as studio:
        studio.link.press(Pressed("cover", {}, "p1"))
        ((_, sentence),) = await studio.until(lambda: studio.desk.refusals)
        assert "not there any more" in sentence
        studio.link.press(Pressed("cover", {}, "p2"))  # it is there again
        assert (await sent(studio)).request == "p2"


# Whether it is there


async def test_a_press_without_pro_tools_is_answered_at_once(tmp_path: Path) -> None:
    host = ProTools(port=9)
    async with linked(tmp_path, host) as studio:
        studio.link.press(Pressed("cover", {}, "p1"))
        ((_, sentence),) = await studio.until(lambda: studio.desk.refusals)
        assert sentence == "Pro Tools is not running. Start it and open the session."
        assert await studio.link.ping(10) is None


async def test_a_ping_tells_the_version_and_the_session(tmp_path: Path, host: ProTools) -> None:
    async with linked(tmp_path, host) as studio:
        await studio.until(lambda: len(host.menu) == 7)
        assert await studio.link.ping(10) == "PTSL 2025.10.0, session Song, 7 items in File > Export"
        host.open(None)
        assert "no session open" in str(await studio.link.ping(10))


async def test_pro_tools_may_come_and_go(tmp_path: Path, host: ProTools) -> None:
    async with linked(tmp_path, host) as studio:
        for _ in range(3):
            await studio.click("extend")
            host.quit()
            host.start()
        await studio.until(lambda: len(host.menu) >= 7)
        assert await studio.link.ping(10)


async def test_a_call_that_hangs_does_not_hold_the_daemon_up(
    tmp_path: Path, host: ProTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendreturn_bridges.daws.protools.work.GRACE_S", 0.05)
    host.faults = [Fault("ExportClipsAsFiles", hangs=True)]
    async with linked(tmp_path, host) as studio:
        studio.link.press(Pressed("cover", {}, "p1"))
        await studio.until(lambda: "ExportClipsAsFiles" in host.calls)
        await studio.link.stop()
        assert studio.desk.refusals[0][0] == "p1"


async def test_a_version_that_takes_only_old_greetings_is_greeted_so(tmp_path: Path) -> None:
    host = ProTools(session_in(tmp_path / "Song"), version=BASE).start()
    host.faults = [Fault("HostReadyCheck", refuse="SDK_VersionMismatch")]
    async with linked(tmp_path, host) as studio:
        assert "PTSL 1.0.0" in str(await studio.link.ping(10))


async def test_a_version_that_is_too_old_is_told(tmp_path: Path, host: ProTools) -> None:
    host.faults = [Fault("RegisterConnection", refuse="PT_UnsupportedCommand", times=99)]
    async with linked(tmp_path, host) as studio:
        studio.link.press(Pressed("cover", {}, "p1"))
        ((_, sentence),) = await studio.until(lambda: studio.desk.refusals)
        assert sentence == "This Pro Tools is too old. Version 2023.3 or newer is needed."


async def test_a_disk_that_fails_is_told(tmp_path: Path, host: ProTools, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sendreturn_bridges.daws.protools.capture.files.place", full)
    async with linked(tmp_path, host) as studio:
        studio.link.press(Pressed("cover", {}, "p1"))
        ((_, sentence),) = await studio.until(lambda: studio.desk.refusals)
        assert "No space left" in sentence


async def test_a_bridge_that_fails_is_marked_and_goes_on(
    tmp_path: Path, host: ProTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr("sendreturn_bridges.daws.protools.capture.capture", broken)
    async with linked(tmp_path, host) as studio:
        studio.link.press(Pressed("cover", {}, "p1"))
        await studio.until(lambda: host.calls.count("RegisterConnection") == 2)
        assert "ZeroDivisionError" in studio.desk.refusals[0][1]
        studio.link.press(Pressed("cover", {}, "p2"))
        assert (await sent(studio)).request == "p2"


async def test_one_that_is_still_starting_is_waited_for(tmp_path: Path, host: ProTools) -> None:
    host.host_ready = False
    async with linked(tmp_path, host) as studio:
        await studio.until(lambda: host.calls.count("HostReadyCheck") >= 2)
        host.host_ready = True
        await studio.until(lambda: len(host.menu) == 7)
