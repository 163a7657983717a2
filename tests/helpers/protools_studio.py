"""The link to Pro Tools with a Pro Tools that a test has written, and a desk that keeps what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import soundfile
from clips import music
from protools_host import ProTools
from protools_session import Session
from sendreturn.daws.contract import LinkSetup, Note, PlacedFile, Placement
from sendreturn.daws.installs import load_daws
from sendreturn.daws.selection import Selection
from sendreturn_bridges.daws.protools.bridge import ProToolsLink, open_link

RATE = 48_000
SHORT = {
    "again_s": 0.01,
    "longest_s": 0.02,
    "look_s": 0.02,
    "retry_s": 0.02,
    "longest_retry_s": 0.05,
    "repoll_s": 0.01,
    "appears_s": 0.1,
}


@dataclass
class Desk:
    """As the daemon's, as far as a link sees it; it offers what is in `ready` whenever a session is opened."""

    ready: list[Placement] = field(default_factory=list)
    sent: list[Selection] = field(default_factory=list)
    placed_sends: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    answer: Callable[[Selection], Note] | None = None
    link: ProToolsLink | None = None

    def send(self, daw: str, selection: Selection) -> Note:
        assert daw == "protools"
        self.sent.append(selection)
        if self.answer is not None:
            return self.answer(selection)
        return Note("accepted", selection.session, selection.request, "0a1b2c3d", "queued")

    def act(self, daw: str, word: str, send_id: str) -> Note:
        raise AssertionError(f"{daw} asked to {word} {send_id}")

    def placed(self, daw: str, send_id: str) -> None:
        self.placed_sends.append(send_id)
        self.ready = [placement for placement in self.ready if placement.send_id != send_id]

    def opened(self, daw: str, session: str) -> None:
        self.sessions.append(session)
        for placement in self.ready:
            if placement.session == session and self.link is not None:
                self.link.offer(placement)

    def refused(self, daw: str, request: str, sentence: str) -> None:
        self.refusals.append((request, sentence))


@dataclass
class Studio:
    host: ProTools
    desk: Desk
    link: ProToolsLink
    told: dict[str, str | None]

    async def until(self, is_so: Callable[[], Any]) -> Any:
        async with asyncio.timeout(20):
            while not (found := is_so()):  # noqa: ASYNC110 - a thread changes what is waited for
                await asyncio.sleep(0.005)
        return found

    async def click(self, label: str) -> None:
        """Choose an item of our menu, as soon as it is there and heard."""
        await self.until(lambda: f"sendreturn: {label}" in self.host.menu.values() and self.host.listeners)
        self.host.click(label)

    def shown(self) -> str:
        """The sentence that the menu shows."""
        labels = list(self.host.menu.values())
        return labels[-1].removeprefix("sendreturn: ") if labels else ""


def session_in(folder: Path) -> Session:
    """A saved session with two seconds of music on an audio track, selected, and a MIDI track."""
    folder.mkdir(parents=True, exist_ok=True)
    session = Session(folder)
    session.path.write_bytes(b"ptx")
    session.record("Gtr", _music(2.0), 144_001)
    session.add_track("Keys", "TT_Midi")
    session.select("Gtr", 144_001, 144_001 + 2 * RATE)
    return session


@cache
def _music(seconds: float, seed: int = 1) -> Any:
    return music(seconds, seed=seed)


def setup_of(folder: Path, desk: Any, host: ProTools, told: dict[str, str | None]) -> LinkSetup:
    options = {"address": host.address, "operations": (), "presets": {"jazz": "cover", "patch": "inpaint"}, **SHORT}
    return LinkSetup(load_daws()["protools"], folder, desk, "1", options, told.__setitem__)


@asynccontextmanager
async def linked(folder: Path, host: ProTools, desk: Desk | None = None) -> AsyncIterator[Studio]:
    """A link to a Pro Tools that may run or not; what it has misused fails the test."""
    desk, told = desk or Desk(), dict[str, str | None]()
    link = desk.link = open_link(setup_of(folder / "state", desk, host, told))
    await link.start()
    try:
        yield Studio(host, desk, link, told)
    finally:
        await link.stop()
        await asyncio.to_thread(host.quit)
    assert host.misuses == []


def returns(
    folder: Path, session: Path, send_id: str = "0a1b2c3d", stems: tuple[str, ...] = ("drums", "bass")
) -> Placement:
    """A finished send with a mix, stems and notes at a sample of the timeline."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, kind in enumerate(("mix", *stems)):
        path = folder / f"riff_cover_{send_id}_t1_{kind}.wav"
        soundfile.write(path, _music(0.2, number), RATE, "PCM_24")
        files.append(
            PlacedFile(
                path=path,
                kind="mix" if kind == "mix" else "stem",
                take=1,
                stem=None if kind == "mix" else kind,
                name=f"Gtr cover {kind}",
                position_samples=144_001,
                sample_rate_hz=RATE,
                channels=2,
                color="#d93025" if kind == "drums" else "#5b8def",
                size_bytes=path.stat().st_size,
            )
        )
    notes = folder / f"riff_cover_{send_id}_t1.mid"
    notes.write_bytes(b"MThd")
    files.append(
        PlacedFile(path=notes, kind="midi", take=1, stem=None, name="Gtr cover midi", position_samples=144_001)
    )
    return Placement(send_id, "req", str(session), "cover", "Gtr cover", RATE, tuple(files), track="Gtr")
