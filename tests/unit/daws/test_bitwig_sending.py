"""Out of Bitwig: the button and a press send what was bounced last, and nothing that may be another file."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from bitwig_side import Song
from bitwig_studio import BUTTON, RATE, Studio, project_in, studio
from pythonosc.osc_message_builder import OscMessageBuilder
from sendreturn.daws.contract import Note, Press
from sendreturn.errors import UsageError
from sendreturn_bridges.daws.bitwig.bounces import LATEST_S, last_bounce
from sendreturn_bridges.daws.bitwig.door import door_in


async def opened(found: Studio) -> None:
    await found.until(lambda: found.desk.opened_sessions)


async def sent(found: Studio) -> Any:
    await found.until(lambda: found.desk.selections)
    (selection,) = found.desk.selections
    return selection


async def refused(found: Studio) -> str:
    await found.until(lambda: found.bitwig.popups)
    assert found.desk.selections == []
    return found.bitwig.popups[-1]


async def test_the_button_sends_what_was_bounced_last(tmp_path: Path) -> None:
    async with studio(tmp_path, Song("Song", bpm=97.5, signature=(3, 4))) as found:
        found.bounce("old.wav", age_s=300)
        newest = found.bounce("Gtr-bounce-2.wav")
        found.bitwig.press(BUTTON)
        selection = await sent(found)
        assert selection.rendered == str(newest)
        assert (selection.operation, selection.rate_hz, selection.track) == ("extend", RATE, "Gtr")
        assert (selection.tempo[0].bpm, selection.tempo[0].time_signature) == (97.5, "3/4")
        assert selection.session == str(found.session)
        await found.until(lambda: found.bitwig.popups)
        assert "sent as 0a1b2c3d" in found.bitwig.popups[-1]


async def test_the_button_sends_once_however_late_the_answer_is(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        found.bounce()
        await opened(found)
        found.bitwig.press(BUTTON)
        found.bitwig.tick(40)  # four seconds in which nobody answers: it asks again and again
        await found.pass_time(60)
        assert len(found.desk.selections) > 1
        assert len({selection.request for selection in found.desk.selections}) == 1


async def test_the_project_says_what_the_button_does(tmp_path: Path) -> None:
    async with studio(tmp_path, Song("Song", settings={"Operation": "stems"})) as found:
        found.bounce()
        found.bitwig.press(BUTTON)
        assert (await sent(found)).operation == "stems"
    async with studio(tmp_path, Song("Song", settings={"Preset in its place": "jazz-cover"})) as found:
        found.bitwig.press(BUTTON)
        assert (await sent(found)).operation == "jazz-cover"


async def test_a_press_from_outside_does_the_same(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        await opened(found)
        assert found.desk.link is not None
        found.desk.link.press(Press("cover", {"style": "jazz"}, "osc-1"))
        await found.until(lambda: found.desk.refusals)
        assert found.desk.refusals[0][0] == "osc-1"
        assert "Nothing was bounced" in found.desk.refusals[0][1]
        found.bounce()
        found.desk.link.press(Press("cover", {"style": "jazz"}, "osc-2"))
        selection = await sent(found)
        assert (selection.operation, selection.params, selection.request) == ("cover", {"style": "jazz"}, "osc-2")


async def test_a_press_while_bitwig_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        assert found.desk.link is not None
        with pytest.raises(UsageError, match="Bitwig does not answer"):
            found.desk.link.press(Press("cover", {}, "osc-1"))


async def test_a_button_that_nobody_hears_says_so(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        assert found.desk.link is not None
        await found.desk.link.stop()
        found.bitwig.press(BUTTON)
        await found.pass_time(80)
        assert found.bitwig.popups == ["sendreturn does not answer: start it with “sendreturn run”."]


async def test_a_project_of_an_unknown_folder_is_told_at_the_button(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        found.sessions.clear()
        found.bitwig.press(BUTTON)
        assert "does not know where “Song” lies" in await refused(found)


async def test_a_project_folder_that_is_gone_is_told_at_the_button(tmp_path: Path) -> None:
    async with studio(tmp_path, Song("Song", settings={"Project folder": "/nowhere/at/all"})) as found:
        found.bitwig.press(BUTTON)
        assert "/nowhere/at/all" in await refused(found)


async def test_a_bounce_that_is_no_audio_is_told(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        path = found.bounce()
        path.write_bytes(b"RIFF")
        os.utime(path, (time.time() - 30, time.time() - 30))
        found.bitwig.press(BUTTON)
        assert "cannot be read as audio" in await refused(found)


async def test_what_the_desk_cannot_use_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(daw: str, selection: Any) -> Note:
        raise OSError(28, "No space left on device")

    async with studio(tmp_path) as found:
        await opened(found)
        found.bounce()
        assert found.desk.link is not None
        found.desk.link.press(Press("", {}, "osc-1"))
        await found.until(lambda: found.desk.refusals)
        monkeypatch.setattr(found.desk, "send", full)
        found.desk.link.press(Press("cover", {}, "osc-2"))
        await found.until(lambda: len(found.desk.refusals) == 2)
        assert "operation" in found.desk.refusals[0][1]
        assert "No space left" in found.desk.refusals[1][1]


# Which file it is


def bounced(project: Path, ages_s: dict[str, float]) -> None:
    for name, age_s in ages_s.items():
        path = project / "bounce" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1_000_000 - age_s, 1_000_000 - age_s))


@pytest.mark.parametrize(
    ("ages_s", "words"),
    [
        ({}, "Nothing was bounced"),
        ({"old.wav": LATEST_S + 1}, "Nothing was bounced"),
        ({"notes.txt": 10, ".hidden.wav": 10}, "Nothing was bounced"),
        ({"a.wav": 10, "b.wav": 11}, "“a.wav”, “b.wav” were bounced together"),
        ({"a.wav": 0.2}, "still being written"),
    ],
)
def test_what_may_be_another_file_is_not_sent(tmp_path: Path, ages_s: dict[str, float], words: str) -> None:
    bounced(tmp_path, ages_s)
    with pytest.raises(UsageError, match=words):
        last_bounce(tmp_path, 1_000_000)


def test_the_newest_bounce_is_meant(tmp_path: Path) -> None:
    bounced(tmp_path, {"old.wav": 100, "new.aif": 20})
    assert last_bounce(tmp_path, 1_000_000).name == "new.aif"


# What is said, and by whom


async def test_bitwig_answers_a_ping_with_what_is_open(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        await opened(found)
        assert found.desk.link is not None
        asking = asyncio.create_task(found.desk.link.ping(10))
        await found.until(asking.done)
        assert asking.result() == f"Bitwig Studio 5.3.1, script 1.2.3, project “Song” in {found.session}"


async def test_without_bitwig_a_ping_has_no_answer(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        assert found.desk.link is not None
        assert await found.desk.link.ping(0.05) is None


async def test_what_becomes_of_a_send_is_shown_where_it_matters(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        await opened(found)
        link = found.desk.link
        assert link is not None
        link.tell(Note("state", "s", send_id="0a1b2c3d", state="generating", progress=0.5, text="half way"))
        link.tell(Note("state", "s", send_id="0a1b2c3d", state="waiting_approval", text="It costs 12 credits."))
        link.tell(Note("failed", "s", send_id="0a1b2c3d", text="The service has refused it."))
        await found.until(lambda: len(found.bitwig.popups) == 2)
        assert found.bitwig.popups == ["sendreturn: It costs 12 credits.", "sendreturn: The service has refused it."]


def packet(address: str, *args: Any) -> bytes:
    builder = OscMessageBuilder(f"/sendreturn/bitwig/{address}")
    for arg in args:
        builder.add_arg(arg)
    return builder.build().dgram


async def test_strangers_and_nonsense_are_passed_over(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        placement = found.placement("a.wav")
        found.bitwig.is_playing = found.bitwig.is_recording = True
        found.desk.waiting = [placement]
        await opened(found)
        door = door_in(found.found.folder, 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for data in (
                b"",
                b"#bundle\0" + b"\0" * 20,
                packet("placed", "wrong", "0a1b2c3d", 0, "placed", ""),
                packet("placed", door.secret, "0a1b2c3d"),
                packet("placed", door.secret, "0a1b2c3d", "x", "placed", ""),
                packet("placed", door.secret, "0a1b2c3d", 0, "stolen", ""),
                packet("hello", door.secret, "x"),
                packet("dance", door.secret),
                packet("send"),
            ):
                stranger.sendto(data, ("127.0.0.1", door.port))
            port = found.bitwig.sockets[0].getsockname()[1]
            for data in (packet("place", "wrong", "Song"), packet("place", door.secret, 7), packet("note")):
                stranger.sendto(data, ("127.0.0.1", port))
        await found.pass_time(30)
        assert found.desk.placed_sends == []
        assert len(found.bitwig.song.tracks) == 2
        found.bitwig.is_recording = False
        await found.until(lambda: found.desk.placed_sends)


async def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    project_in(tmp_path / "Song")
    async with studio(tmp_path) as found:
        other = found.open_link()
        await other.start()
        assert "cannot be heard on port" in str(found.told["daw:bitwig"])
        await other.stop()
