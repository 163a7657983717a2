"""REAPER with our scripts installed as `sendreturn bridge install reaper` does it, and a session to work in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import soundfile
from clips import music
from reaper_session import MediaTrack, ReaProject, media
from reaper_side import Reaper
from sendreturn.daws.installs import Installation, installation, load_daws
from sendreturn.daws.mailbox import session_key
from sendreturn_bridges.daws.reaper import setup

RATE = 48_000


def installed(folder: Path, monkeypatch: Any, *, is_running: bool = False) -> Installation:
    """The scripts in REAPER's folder below `folder`, the mailbox in the state folder below it."""
    monkeypatch.setattr(setup, "is_running", lambda: is_running)
    env = {"HOME": str(folder / "home"), "REAPER_RESOURCE_PATH": str(resources(folder))}
    found = installation(load_daws()["reaper"], folder / "state", {"VERSION": "1.2.3"}, env)
    found.install()
    return found


def resources(folder: Path) -> Path:
    return folder / "REAPER"


def song(folder: Path, seconds: float = 4.0) -> ReaProject:
    """A saved project with one track, "Gtr", on which one file lies selected from 3 s and one sample on."""
    audio = folder / "Song" / "Media" / "riff.wav"
    audio.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(audio, music(seconds), RATE, "PCM_24")
    path = folder / "Song" / "Song.rpp"
    path.write_text("", "utf-8")
    project = ReaProject(str(path), tracks=[MediaTrack("Drums"), MediaTrack("Gtr"), MediaTrack("Bass")])
    project.track("Gtr").add(media(audio), 144_001 / RATE)
    return project


class ReaperStudio:
    """One REAPER, and its mailbox without a daemon."""

    def __init__(
        self, folder: Path, monkeypatch: Any, version: str = "7.25/linux-x86_64", seconds: float = 4.0
    ) -> None:
        self.found = installed(folder, monkeypatch)
        self.project = song(folder, seconds)
        self.reaper = Reaper(resources(folder), self.project, version)
        self.mailbox = self.found.folder

    @property
    def box(self) -> Path:
        return self.mailbox / "in" / session_key(self.project.path)

    def out(self, kind: str) -> list[dict[str, Any]]:
        """What the scripts have written, by kind."""
        found = [json.loads(path.read_text("utf-8")) for path in sorted((self.mailbox / "out").glob("*.json"))]
        return [message for message in found if message["kind"] == kind]

    def sent(self, script: str = "sendreturn_cover.lua") -> dict[str, Any]:
        """What a key sends."""
        before = [message["request"] for message in self.out("send")]
        self.reaper.press(script)
        assert self.reaper.dialogs == []
        (sent,) = [message for message in self.out("send") if message["request"] not in before]
        return sent

    def refused(self, script: str = "sendreturn_cover.lua") -> str:
        """What a key is answered at once."""
        self.reaper.press(script)
        assert self.out("send") == []
        return self.reaper.dialogs[-1]

    def lay(self, number: int, placement: dict[str, Any]) -> Path:
        """Have a placement wait for the project."""
        self.box.mkdir(parents=True, exist_ok=True)
        path = self.box / f"{number}.json"
        path.write_text(json.dumps({"kind": "place", **placement}), "utf-8")
        return path

    def tell(self, *notes: dict[str, Any], sends: Any = ()) -> None:
        """Have a status lie there; notes count from 1."""
        self.box.mkdir(parents=True, exist_ok=True)
        numbered = [{"number": number, **note} for number, note in enumerate(notes, start=1)]
        status = {"count": len(notes) + len(sends), "sends": list(sends), "notes": numbered}
        (self.box / "status.json").write_text(json.dumps(status), "utf-8")
