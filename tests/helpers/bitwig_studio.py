"""Bitwig Studio with the script as `sendreturn bridge install bitwig` writes it, and what its link is told."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import soundfile
from bitwig_side import Bitwig, Song
from clips import music
from sendreturn.daws.contract import LinkSetup, Note, PlacedFile, Placement
from sendreturn.daws.installs import Installation, installation, load_daws
from sendreturn_bridges.daws.bitwig import link as link_module
from sendreturn_bridges.daws.bitwig import script
from sendreturn_bridges.daws.bitwig.bridge import open_link
from sendreturn_bridges.daws.bitwig.door import door_in
from sendreturn_bridges.daws.bitwig.link import BitwigLink

RATE = 48_000
BUTTON = "Send the last bounce"


def installed(folder: Path) -> Installation:
    """The script in Bitwig's folder below `folder`, the door in the state folder below it. The port is any free one."""
    env = {"HOME": str(folder / "home"), "USERPROFILE": str(folder / "home")}
    found = installation(load_daws()["bitwig"], folder / "state", {"VERSION": "1.2.3"}, env)
    door_in(found.folder, 0)
    found.install()
    return found


def script_of(found: Installation) -> str:
    return found.target(found.manifest.files[0]).read_text("utf-8")


def project_in(folder: Path, name: str = "Song") -> Path:
    """A saved project's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.bwproject").touch()
    return folder


class Desk:
    """A daemon's desk that offers its placements whenever their session is open, until they are placed."""

    def __init__(self) -> None:
        self.link: BitwigLink | None = None
        self.waiting: list[Placement] = []
        self.adopted: list[tuple[str, str]] = []
        self.opened_sessions: list[str] = []
        self.placed_sends: list[str] = []
        self.selections: list[Any] = []
        self.refusals: list[tuple[str, str]] = []

    def send(self, daw: str, selection: Any) -> Note:
        self.selections.append(selection)
        return Note("accepted", selection.session, selection.request, "0a1b2c3d", "queued")

    def refused(self, daw: str, request: str, sentence: str) -> None:
        self.refusals.append((request, sentence))

    def act(self, daw: str, word: str, send_id: str) -> Note:
        raise AssertionError(f"{word} was asked for")

    def placed(self, daw: str, send_id: str) -> None:
        self.placed_sends.append(send_id)
        self.waiting = [placement for placement in self.waiting if placement.send_id != send_id]

    def opened(self, daw: str, session: str) -> None:
        self.opened_sessions.append(session)
        for placement in self.waiting:
            assert self.link is not None
            self.link.offer(placement)

    def adopt(self, daw: str, session: str, since: str) -> None:
        self.adopted.append((session, since))


class Studio:
    """One Bitwig, one link, and time that passes for both."""

    def __init__(self, folder: Path, session: Path, desk: Desk, song: Song) -> None:
        self.folder, self.session, self.desk = folder, session, desk
        self.found = installed(folder)
        self.sessions = [session]
        self.told: dict[str, str | None] = {}
        self.bitwig = Bitwig(script_of(self.found), song)

    def open_link(self) -> BitwigLink:
        setup = LinkSetup(
            self.found.manifest,
            self.found.folder,
            self.desk,
            "1.2.3",
            self.found.manifest.options,
            sessions=lambda: self.sessions,
            tell=lambda topic, sentence: self.told.__setitem__(topic, sentence),
        )
        self.desk.link = open_link(setup)
        return self.desk.link

    def placement(self, *names: str, send_id: str = "0a1b2c3d", **more: Any) -> Placement:
        """A placement of files that are there."""
        files = tuple(self.file(name, **more) for name in names)
        return Placement(send_id, "r", str(self.session), "cover", "Gtr cover", RATE, files)

    def file(self, name: str, color: str = "#336699", **more: Any) -> PlacedFile:
        path = self.session / "Returns" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"RIFF")
        kind = "midi" if path.suffix == ".mid" else "stem"
        return PlacedFile(path, kind, 1, None, f"Gtr {path.stem}", 0, color=color, size_bytes=4, **more)

    def bounce(self, name: str = "Gtr-bounce-1.wav", age_s: float = 30.0, seconds: float = 1.0) -> Path:
        """A file that Bitwig has bounced some time ago."""
        path = self.session / "bounce" / name
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, music(seconds), RATE, "PCM_24")
        at = time.time() - age_s
        os.utime(path, (at, at))
        return path

    def restart(self, song: Song | None = None) -> None:
        """Quit Bitwig and start it again, with the project as it was saved."""
        self.bitwig.quit()
        self.bitwig = Bitwig(script_of(self.found), song or self.bitwig.song)

    @property
    def clips(self) -> list[tuple[str, str]]:
        """The names of the tracks with what lies in their first slot."""
        return [(track.name, Path(track.clip).name) for track in self.bitwig.song.tracks if track.clip]

    async def until(self, is_so: Callable[[], Any]) -> Any:
        """Let time pass until something is so."""
        async with asyncio.timeout(60):
            while not (found := is_so()):
                self.bitwig.tick()
                await asyncio.sleep(0.002)
        return found

    async def pass_time(self, ticks: int) -> None:
        for _ in range(ticks):
            self.bitwig.tick()
            await asyncio.sleep(0.002)


@asynccontextmanager
async def studio(folder: Path, song: Song | None = None) -> AsyncIterator[Studio]:
    """Bitwig and its link, both alive, with the project "Song" open."""
    found = Studio(folder, project_in(folder / "Song"), Desk(), song or Song("Song"))
    link = found.open_link()
    with patch.object(script, "REPEAT_S", 0.2), patch.object(link_module, "LOOK_S", 0.0):
        await link.start()
        try:
            yield found
        finally:
            await link.stop()
            found.bitwig.quit()
    assert found.bitwig.wrong == []
