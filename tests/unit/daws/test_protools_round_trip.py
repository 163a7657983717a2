"""Pro Tools and the real daemon: a click goes out, and what comes back lies on new tracks, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import soundfile
from clips import music
from living_daemon import LivingDaemon
from protools_host import Fault, ProTools
from protools_session import Session
from protools_studio import RATE, session_in
from sendreturn import __version__
from sendreturn.daws.installs import installation, load_daws

START = 144_001
TAIL = {"Gtr extend tail": [(".wav", START + 2 * RATE)]}


@pytest.fixture(autouse=True)
def _nothing_is_left(no_leaks: None) -> None:
    """Threads and sockets of gRPC end with the daemon."""


class Studio:
    def __init__(self, living: LivingDaemon, host: ProTools) -> None:
        self.living, self.host = living, host

    async def until(self, is_so: Callable[[], Any]) -> Any:
        async with asyncio.timeout(60):
            while not (found := is_so()):  # noqa: ASYNC110 - a thread changes what is waited for
                await asyncio.sleep(0.01)
        return found

    async def click(self, label: str) -> None:
        await self.until(lambda: f"sendreturn: {label}" in self.host.menu.values() and self.host.listeners)
        self.host.click(label)

    def sends(self) -> list[Any]:
        return list(self.living.daemon.house.conductor.list())

    def placed(self) -> dict[str, list[tuple[str, int]]]:
        return placed(self.host.session)


def placed(session: Session | None) -> dict[str, list[tuple[str, int]]]:
    assert session is not None
    tracks = [track for track in session.tracks if track.name not in ("Gtr", "Keys")]
    return {track.name: [(clip.path.suffix, position) for clip, position in track.clips] for track in tracks}


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[ProTools]:
    """Pro Tools with the session that the daemon watches."""
    session = Session(tmp_path / "Song", name="My Song")
    session.folder.mkdir(parents=True, exist_ok=True)
    session.path.write_bytes(b"ptx")
    session.record("Gtr", music(2.0), START)
    session.select("Gtr", START, START + 2 * RATE)
    tools = ProTools(session).start()
    yield tools
    await asyncio.to_thread(tools.quit)
    assert tools.misuses == []


@asynccontextmanager
async def studio(folder: Path, host: ProTools, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Studio]:
    """A daemon with the bridge installed. Pro Tools outlives it."""
    monkeypatch.setenv("SENDRETURN_PROTOOLS", host.address)
    installation(load_daws()["protools"], folder / "state", {"VERSION": __version__}).install()
    async with LivingDaemon(folder) as living:
        yield Studio(living, host)


async def test_a_click_comes_back_on_a_new_track_at_the_end_of_the_clip(
    tmp_path: Path, host: ProTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio(tmp_path, host, monkeypatch) as desk:
        await desk.click("extend")
        await desk.until(desk.placed)
        await desk.until(lambda: host.session and host.session.named("Gtr extend tail").clips)
        await desk.until(lambda: any("1 new track," in label for label in host.menu.values()))
        (send,) = desk.sends()
        assert desk.placed() == TAIL
        assert send.params["track"] == "Gtr"
        assert send.params["position_s"] == pytest.approx(START / RATE)


@pytest.mark.slow
async def test_pro_tools_quits_before_it_is_done_and_gets_it_once_when_it_runs_again(
    tmp_path: Path, host: ProTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio(tmp_path, host, monkeypatch) as desk:
        await desk.click("extend")
        await desk.until(desk.sends)
        await asyncio.to_thread(host.quit)
        await desk.living.ended()
        assert desk.placed() == {}
        host.start()
        await desk.until(lambda: any("1 new track," in label for label in host.menu.values()))
        assert desk.placed() == TAIL
    async with studio(tmp_path, host, monkeypatch) as desk:  # and a daemon that starts then places nothing again
        await desk.until(lambda: len(host.menu) >= 5)
        assert await desk.living.daemon.daws.ping("protools", 10)
        assert desk.placed() == TAIL


@pytest.mark.slow
async def test_what_was_ready_while_another_session_was_open_is_placed_when_it_has_moved(
    tmp_path: Path, host: ProTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = host.session
    assert song is not None
    async with studio(tmp_path, host, monkeypatch) as desk:
        await desk.click("extend")
        await desk.until(desk.sends)
        host.open(session_in(tmp_path / "Other"))
        await desk.living.ended()
    (tmp_path / "Song").rename(tmp_path / "Album")
    song.folder = tmp_path / "Album"
    song.tracks[0].clips[0][0].path = next((tmp_path / "Album" / "Audio Files").iterdir())
    async with studio(tmp_path, host, monkeypatch) as desk:
        await desk.until(lambda: host.listeners and len(host.menu) >= 5)
        host.open(song)
        await desk.until(lambda: any("1 new track," in label for label in host.menu.values()))
    assert placed(song) == TAIL


@pytest.mark.slow
async def test_inpaint_comes_back_without_its_context(
    tmp_path: Path, host: ProTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert host.session is not None
    host.session.select("Gtr", START + RATE // 2, START + RATE)
    monkeypatch.setattr("sendreturn_bridges.daws.protools.capture.CONTEXT_S", 2.0)
    async with studio(tmp_path, host, monkeypatch) as desk:
        await desk.click("inpaint")
        await desk.until(lambda: any("1 new track," in label for label in host.menu.values()))
        ((clip, position),) = host.session.named("Gtr inpaint mix").clips
    assert position == START + RATE // 2
    assert soundfile.info(clip.path).frames == RATE // 2


@pytest.mark.slow
async def test_a_refusal_is_in_the_daemon_s_health(
    tmp_path: Path, host: ProTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert host.session is not None
    host.session.selected = []
    host.faults = [Fault("SetTrackColor", refuse="PT_InvalidParameter")]
    async with studio(tmp_path, host, monkeypatch) as desk:
        await desk.click("extend")
        problems = await desk.until(lambda: desk.living.daemon.health()["problems"])
        assert problems[0]["topic"] == "daw:protools"
        assert problems[0]["what"].startswith("Nothing is selected.")
        host.session.selected = ["Gtr"]
        await desk.click("extend")
        await desk.until(lambda: not desk.living.daemon.health()["problems"] and desk.sends())
        await desk.living.ended()
