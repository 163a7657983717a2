"""A DAW's mailbox and the real daemon: a selection goes out, and what comes back is laid ready to be placed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import soundfile
from clips import music
from daw_side import DawSide, selection
from living_daemon import LivingDaemon
from sendreturn import __version__
from sendreturn.daws.contract import DawManifest, LinkSetup
from sendreturn.daws.mailbox import MailboxLink, session_key
from sendreturn.daws.wiring import daws_of

RATE = 48_000


class Studio:
    """The living daemon with a DAW, the first of those that it knows."""

    def __init__(self, living: LivingDaemon, folder: Path, name: str) -> None:
        self.living, self._folder = living, folder
        self.daw = DawSide(self.mailbox(name), str(living.session))

    def mailbox(self, name: str) -> Path:
        return self._folder / name

    async def until(self, is_so: Callable[[], Any]) -> Any:
        async with asyncio.timeout(60):
            while not (found := is_so()):  # noqa: ASYNC110 - what is waited for are files, as for a script in a DAW
                await asyncio.sleep(0.02)
        return found


@asynccontextmanager
async def studio(folder: Path, *names: str) -> AsyncIterator[Studio]:
    async with LivingDaemon(folder) as living:
        state, desk = folder / "state", living.daemon.house.conductor
        daws = daws_of(living.settings, state, desk)
        known = names or ("testdaw",)
        setups = [LinkSetup(DawManifest(n, "Test DAW", ""), state / "daws" / n, daws, __version__) for n in known]
        await daws.start({setup.manifest.name: MailboxLink(setup) for setup in setups})
        try:
            yield Studio(living, state / "daws", known[0])
        finally:
            await daws.stop()


def clip_in(folder: Path, seconds: float = 2.0) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "riff.wav"
    soundfile.write(path, music(seconds), RATE, "PCM_24")
    return str(path)


def asked(studio: Studio, request: str, operation: str, **more: Any) -> None:
    file = clip_in(studio.living.session / "Audio")
    piece = {"files": [{"path": file}], "length": 2 * RATE, "position": 144_001}
    document = selection(request, studio.living.session, operation, RATE, **{"pieces": [piece], "track": "Gtr", **more})
    studio.daw.write("send", **document)


async def test_a_selection_comes_back_as_a_placement_at_the_same_sample(tmp_path: Path) -> None:
    async with studio(tmp_path) as desk:
        asked(desk, "one", "extend", params={"extend_s": 1.0, "bpm": 120})
        accepted = (await desk.until(lambda: desk.daw.notes("accepted")))[0]
        assert accepted["request"] == "one"
        placement = (await desk.until(desk.daw.placements))[0]
        assert placement["send_id"] == accepted["send_id"]
        kinds = [file["kind"] for file in placement["files"]]
        assert kinds[0] == "tail"
        assert "mix" not in kinds
        assert placement["files"][0]["position_samples"] == 144_001 + 2 * RATE
        assert Path(placement["files"][0]["path"]).is_file()
        assert placement["bpm"] == 120
        assert desk.daw.notes("done")


async def test_a_placement_waits_for_the_daw_and_is_offered_once(tmp_path: Path) -> None:
    async with studio(tmp_path) as desk:
        asked(desk, "one", "cover")
        await desk.until(desk.daw.placements)
    async with studio(tmp_path) as desk:  # the daemon was started anew, and the DAW too
        desk.daw.write("opened")
        await desk.until(lambda: not list((desk.daw.mailbox / "out").glob("*.json")))
        assert len(desk.daw.placements()) == 1
        desk.daw.place(1)
        await desk.until(lambda: not list((desk.daw.mailbox / "out").glob("*.json")))
    async with studio(tmp_path) as desk:
        desk.daw.write("opened")
        await desk.until(lambda: not list((desk.daw.mailbox / "out").glob("*.json")))
        assert desk.daw.placements() == []


async def test_the_same_request_is_the_same_send(tmp_path: Path) -> None:
    async with studio(tmp_path) as desk:
        asked(desk, "one", "cover")
        asked(desk, "one", "cover")
        await desk.until(lambda: len(desk.daw.notes("accepted")) == 2)
        assert len(desk.living.daemon.house.conductor.list()) == 1


@pytest.mark.slow
async def test_context_is_sent_along_and_trimmed_off_again(tmp_path: Path) -> None:
    async with studio(tmp_path) as desk:
        asked(desk, "one", "inpaint", range=[144_001 + RATE // 2, RATE // 4])
        placement = (await desk.until(desk.daw.placements))[0]
        send = desk.living.daemon.house.conductor.list()[0]
        assert send.params["section_s"] == pytest.approx([0.5, 0.75])
        mix = placement["files"][0]
        assert mix["kind"] == "mix"
        assert mix["position_samples"] == 144_001 + RATE // 2
        assert (mix["offset_samples"], mix["length_samples"]) == (RATE // 2, RATE // 4)


async def test_an_extension_goes_on_where_the_chosen_range_ends(tmp_path: Path) -> None:
    async with studio(tmp_path) as desk:
        asked(desk, "one", "extend", params={"extend_s": 1.0}, range=[144_001, RATE])
        placement = (await desk.until(desk.daw.placements))[0]
        assert placement["files"][0]["position_samples"] == 144_001 + RATE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"session": ""}, "not saved"),
        ({"pieces": []}, "Nothing is selected"),
        ({"operation": "dance"}, "dance"),
        ({"params": {"extend_s": -1}}, "extend_s"),
        ({"session": "/nowhere/at/all/song.rpp"}, "not there"),
    ],
)
async def test_what_cannot_be_is_told_inside_the_daw(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    async with studio(tmp_path) as desk:
        daw = DawSide(desk.daw.mailbox, change.get("session", desk.daw.session))
        piece = {"files": [{"path": clip_in(tmp_path / "elsewhere")}], "length": RATE, "position": 0}
        document = selection("one", desk.living.session, "extend", RATE, pieces=[piece])
        daw.write("send", **{**document, **change})
        note = (await desk.until(lambda: daw.notes("error")))[0]
        assert words in note["text"]
        assert note["request"] == "one"
        assert desk.living.daemon.house.conductor.list() == []


async def test_a_session_on_a_read_only_disk_is_told_inside_the_daw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio(tmp_path) as desk:
        monkeypatch.setattr("sendreturn.daws.desk.os.access", lambda path, mode: path != desk.living.session)
        asked(desk, "one", "cover")
        assert "is read-only" in (await desk.until(lambda: desk.daw.notes("error")))[0]["text"]
        assert desk.living.daemon.house.conductor.list() == []


@pytest.mark.slow
async def test_two_daws_at_once_each_get_what_is_theirs(tmp_path: Path) -> None:
    """Two programs, and two sessions of one of them: requests may even have the same name."""
    async with studio(tmp_path, "testdaw", "other") as desk:
        elsewhere = tmp_path / "Elsewhere"
        elsewhere.mkdir()
        sides = {
            "testdaw": desk.daw,
            "other": DawSide(desk.mailbox("other"), desk.daw.session),
            "elsewhere": DawSide(desk.daw.mailbox, str(elsewhere)),
        }
        for name, side in sides.items():
            piece = {"files": [{"path": clip_in(tmp_path / name, 1.0)}], "length": RATE, "position": RATE}
            document = selection(
                "elsewhere" if name == "elsewhere" else "one", Path(side.session), "extend", RATE, pieces=[piece]
            )
            side.write("send", **document, track=name, params={"extend_s": 1.0})
        for name, side in sides.items():
            placement = (await desk.until(side.placements))[0]
            assert (placement["track"], placement["session"]) == (name, side.session)
            assert Path(placement["files"][0]["path"]).is_relative_to(side.session)
            side.place(1)
        await desk.until(lambda: not any(list((side.mailbox / "out").glob("*.json")) for side in sides.values()))
        assert [side.placements() for side in sides.values()] == [[], [], []]


async def test_a_send_can_be_cancelled_from_inside_the_daw(tmp_path: Path) -> None:
    async with studio(tmp_path) as desk:
        desk.daw.write("cancel", send="deadbeef")
        assert "deadbeef" in (await desk.until(lambda: desk.daw.notes("error")))[0]["text"]


async def test_nonsense_in_the_mailbox_is_passed_over(tmp_path: Path) -> None:
    async with studio(tmp_path) as desk:
        out = desk.daw.mailbox / "out"
        (out / "1.json").write_text("{", "utf-8")
        (out / "2.json").write_text("[" * 100_000, "utf-8")
        (out / "3.json").write_text('{"kind": "dance"}', "utf-8")
        asked(desk, "one", "cover")
        await desk.until(lambda: desk.daw.notes("accepted") and not list(out.glob("*.json")))


@pytest.mark.slow
async def test_a_session_that_was_moved_is_found_again(tmp_path: Path) -> None:
    async with studio(tmp_path) as desk:
        asked(desk, "one", "cover")
        (await desk.until(desk.daw.placements))
        desk.living.session.rename(tmp_path / "Renamed")
        moved = DawSide(desk.daw.mailbox, str(tmp_path / "Renamed"))
        moved.write("opened")
        placement = (await desk.until(moved.placements))[0]
        assert Path(placement["files"][0]["path"]).is_relative_to(tmp_path / "Renamed")
        assert Path(placement["files"][0]["path"]).is_file()


@pytest.mark.slow
async def test_a_project_file_that_was_renamed_is_found_again(tmp_path: Path) -> None:
    async with studio(tmp_path) as desk:
        project = desk.living.session / "Song.rpp"
        project.touch()
        before = DawSide(desk.daw.mailbox, str(project))
        piece = {"files": [{"path": clip_in(tmp_path / "elsewhere", 1.0)}], "length": RATE, "position": 0}
        before.write(
            "send", **selection("one", project, "extend", RATE, pieces=[piece], params={"extend_s": 1.0})
        )  # fmt: skip
        await desk.until(before.placements)
        copied = DawSide(desk.daw.mailbox, str(project.with_name("Copy.rpp")))
        copied.write("opened")  # saved under another name: the first one still waits
        await desk.until(lambda: not list((desk.daw.mailbox / "out").glob("*.json")))
        assert copied.placements() == []
        renamed = DawSide(desk.daw.mailbox, str(project.rename(project.with_name("Renamed.rpp"))))
        renamed.write("opened")
        assert Path((await desk.until(renamed.placements))[0]["files"][0]["path"]).is_file()


async def test_a_daw_answers_a_ping(tmp_path: Path) -> None:
    async with studio(tmp_path) as desk:
        link = MailboxLink(LinkSetup(DawManifest("testdaw", "Test DAW", ""), desk.daw.mailbox, _Nobody(), "1"))
        await link.start()
        try:
            asking = asyncio.create_task(link.ping(10))
            ping = desk.daw.mailbox / "in" / "ping"
            nonce = await desk.until(lambda: ping.is_file() and ping.read_text("utf-8"))
            # Two links look into this mailbox, and either may take the answer; a DAW repeats it while it is asked.
            while not asking.done():
                desk.daw.write("pong", nonce=nonce, daw="Test DAW 1.0", script="1")
                await asyncio.sleep(0.05)
            assert asking.result() == "Test DAW 1.0, script 1"
        finally:
            await link.stop()


class _Nobody:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked of nobody")


def test_the_key_of_a_session_is_what_a_few_lines_of_lua_work_out() -> None:
    # djb2, with values worked out by hand for the empty text and for "a" (5381 * 33 + 97).
    assert session_key("") == "00001505"
    assert session_key("a") == "0002b606"
    assert len(session_key("/home/ü/Söng.rpp")) == 8
