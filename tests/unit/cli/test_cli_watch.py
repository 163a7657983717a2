"""`sendreturn watch`: sessions are added, listed and taken off, also while the daemon runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from command_line import Desktop, call
from fake_service import write_tone
from living_daemon import LivingDaemon
from sendreturn.sends.layout import WatchedList
from sendreturn.words import State

pytestmark = pytest.mark.usefixtures("no_leaks")


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    return Desktop(tmp_path, monkeypatch)


def test_a_session_gets_its_folders_and_is_listed(desktop: Desktop):
    desktop.configure(presets={"jazz-cover": {"operation": "cover", "style": "jazz"}})
    (desktop.session / "mine.als").write_text("the user's own")
    said = call("watch", desktop.session)
    assert (said.code, said.err) == (0, "")
    assert "jazz-cover" in said.out
    assert said.out.rstrip().endswith("sendreturn run")
    made = {path.name for path in (desktop.session / "Sends").iterdir()}
    assert {"extend", "cover", "inpaint", "stems", "midi", "jazz-cover"} <= made
    assert (desktop.session / "Returns").is_dir()
    assert call("watch", desktop.session).code == 0
    assert call("watch", "--list").out == f"{desktop.session}\n"
    assert (desktop.session / "mine.als").read_text() == "the user's own"


def test_a_session_is_taken_off_and_its_files_stay(desktop: Desktop):
    call("watch", desktop.session)
    assert call("watch", "--remove", desktop.session).out == f"{desktop.session} is no longer watched.\n"
    again = call("watch", "--remove", desktop.session)
    assert (again.code, again.out) == (0, f"{desktop.session} was not watched.\n")
    empty = call("watch", "--list")
    assert (empty.code, empty.out) == (0, "")
    assert "sendreturn watch DIR" in empty.err
    assert (desktop.session / "Sends" / "extend").is_dir()


def test_a_session_that_is_gone_can_be_taken_off(desktop: Desktop, tmp_path: Path):
    gone = tmp_path / "gone"
    gone.mkdir()
    call("watch", gone)
    gone.rename(tmp_path / "elsewhere")
    assert call("watch", "--remove", gone).out == f"{gone} is no longer watched.\n"


def test_what_the_configuration_watches_is_listed_and_stays_its_business(desktop: Desktop, tmp_path: Path):
    desktop.configure(sessions=[{"path": str(desktop.session)}, {"path": str(tmp_path / "Sessions"), "each": True}])
    call("watch", desktop.session)
    assert call("watch", "--list").out.splitlines() == [str(desktop.session), f"{tmp_path}/Sessions/*"]
    assert call("watch", "--remove", desktop.session).code == 0
    said = call("watch", "--remove", desktop.session)
    assert said.code == 2
    assert "by the configuration" in said.err


@pytest.mark.parametrize("arguments", [(), ("--remove",), ("{tmp}/nowhere",), ("{tmp}/config.yaml",)])
def test_what_is_no_session_is_bad_usage(desktop: Desktop, tmp_path: Path, arguments: tuple[str, ...]):
    said = call("watch", *(argument.format(tmp=tmp_path) for argument in arguments))
    assert (said.code, said.out) == (2, "")


async def test_a_running_daemon_takes_up_a_session_and_drops_it(
    desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sendreturn.sends.folder.FOLLOW_S", 3600)  # so that only the command can have told it
    other = tmp_path / "Other Song"
    other.mkdir()
    async with LivingDaemon(tmp_path) as life:
        said = await asyncio.to_thread(call, "watch", other)
        assert said.code == 0, said.err
        assert "sendreturn run" not in said.out
        write_tone(other / "Sends" / "stems" / "riff.wav", seconds=0.5)
        (send,) = await life.ended()
        assert (send.state, send.session) == (State.DONE, other)
        assert (await asyncio.to_thread(call, "watch", "--remove", other)).code == 0
        await life.daemon.folders.rescan()
        write_tone(other / "Sends" / "stems" / "left.wav", seconds=0.5)
        write_tone(life.sends / "stems" / "taken.wav", seconds=0.5)
        sends = await life.ended(2)
        assert {send.clip.name for send in sends if send.clip} == {"riff.wav", "taken.wav"}
    assert (other / "Sends" / "stems" / "left.wav").exists()
    assert WatchedList(desktop.state).all() == ()
