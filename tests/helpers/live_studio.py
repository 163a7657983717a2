"""Live with our script installed as `sendreturn bridge install live` does it, and a set to work in."""

from __future__ import annotations

import functools
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import soundfile
from clips import music
from live_boost import Version
from live_clips import Clip, audio_clip
from live_set import Song, Track
from live_side import Live
from sendreturn.daws.contract import DawManifest
from sendreturn.daws.installs import Installation, Step, installation, load_daws
from sendreturn.daws.mailbox import session_key

RATE = 48_000
KEYS = {"extend": 60, "cover": 61, "inpaint": 62, "stems": 63, "midi": 64}


def found_in(folder: Path, system: str = "darwin") -> Installation:
    """The installation in a home below `folder`, the mailbox in the state folder below it."""
    env = {"HOME": str(folder / "home"), "USERPROFILE": str(folder / "home")}
    return installation(_manifest(), folder / "state", {"VERSION": "1.2.3"}, env)


def installed(folder: Path, monkeypatch: Any) -> tuple[Installation, list[Step]]:
    """Live runs on no Linux, so that it is installed as on a Mac."""
    library(folder).mkdir(parents=True, exist_ok=True)
    (library(folder) / "Presets").mkdir(exist_ok=True)
    found = found_in(folder)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", "darwin")
        return found, found.install()


def library(folder: Path) -> Path:
    return folder / "home" / "Music" / "Ableton" / "User Library"


def script_of(folder: Path) -> Path:
    return library(folder) / "Remote Scripts" / "sendreturn"


def song(folder: Path, seconds: float = 4.0) -> Song:
    """A saved set with "Drums", "Gtr" and "Bass"; on "Gtr" one file lies from beat 6 on and is shown."""
    project = folder / "Song"
    audio = project / "Samples" / "Imported" / "riff.wav"
    audio.parent.mkdir(parents=True, exist_ok=True)
    (project / "Ableton Project Info").mkdir(exist_ok=True)
    audio.write_bytes(_riff(seconds))
    found = Song()
    found._saved_as(project / "Song.als")
    for name in ("Drums", "Gtr", "Bass"):
        found._add(name)
    show(found, lay(found, "Gtr", audio, 6.0))
    return found


@functools.cache
def _manifest() -> DawManifest:
    return load_daws()["live"]


@functools.cache
def _riff(seconds: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, music(seconds), RATE, "PCM_24", format="WAV")
    return file.getvalue()


def lay(song: Song, track: str, path: Path, beat: float) -> Clip:
    """A clip on the Arrangement."""
    clip = audio_clip(song, song._track(track), str(path), beat)
    song._track(track)._clips.append(clip)
    return clip


def put(song: Song, track: str, path: Path, scene: int) -> Clip:
    """A clip in a slot."""
    slot = song._track(track)._slots[scene]
    slot._clip = audio_clip(song, slot, str(path), None)
    return slot._clip


def show(song: Song, clip: Clip | None) -> None:
    """What a click on the clip does."""
    song._view._detail_clip = clip
    if clip is None:
        song._view._highlighted_clip_slot = None
        return
    parent = clip._parent
    song._view._selected_track = parent if isinstance(parent, Track) else parent.canonical_parent
    song._view._highlighted_clip_slot = None if clip.is_arrangement_clip else parent


def warp(clip: Clip, *, bpm: float = 120.0, loop: tuple[float, float] | None = None, start: float = 0.0) -> Clip:
    """Warp a clip evenly by a tempo of its own."""
    clip._markers = [(0.0, 0.0), (60 / bpm / 32, 1 / 32)]
    clip._warp(True)
    if loop is not None:
        clip._looping, (clip._loop_start, clip._loop_end), clip._start_marker = True, loop, start
    return clip


class LiveStudio:
    """One Live, and its mailbox without a daemon."""

    def __init__(
        self, folder: Path, monkeypatch: Any, version: Version = (12, 4, 5), keys: Mapping[str, Any] | None = None
    ) -> None:
        self.found, _ = installed(folder, monkeypatch)
        self.mailbox, self.script = self.found.folder, script_of(folder)
        if keys is not None:
            (self.script / "keys.json").write_text(json.dumps(keys), "utf-8")
        self.song = song(folder)
        self.audio = folder / "Song" / "Samples" / "Imported" / "riff.wav"
        self.live = Live(self.script, self.song, version)

    @property
    def clip(self) -> Clip:
        """The one on "Gtr"."""
        return self.song._track("Gtr")._clips[0]

    @property
    def box(self) -> Path:
        return self.mailbox / "in" / session_key(self.song._file_path)

    def out(self, kind: str) -> list[dict[str, Any]]:
        """What the script has written, by kind."""
        found = [json.loads(path.read_text("utf-8")) for path in sorted((self.mailbox / "out").glob("*.json"))]
        return [message for message in found if message["kind"] == kind]

    def sent(self, operation: str = "cover") -> dict[str, Any]:
        """What a key sends."""
        before = len(self.out("send"))
        self.live.note(KEYS[operation])
        assert self.live.messages[-1] == f"sendreturn: {operation} is on its way", self.live.messages
        (sent,) = self.out("send")[before:]
        return sent

    def refused(self, operation: str = "cover") -> str:
        """What a key is answered at once."""
        self.live.note(KEYS[operation])
        assert self.out("send") == []
        return self.live.messages[-1]

    def lay(self, number: int, placement: dict[str, Any], notes: dict[str, Any] | None = None) -> Path:
        """Have a placement wait for the set."""
        self.box.mkdir(parents=True, exist_ok=True)
        if notes:
            (self.box / f"{placement['send_id']}.notes.json").write_text(json.dumps({"files": notes}), "utf-8")
        path = self.box / f"{number}.json"
        path.write_text(json.dumps({"kind": "place", **placement}), "utf-8")
        return path

    def tell(self, *notes: dict[str, Any], sends: Any = ()) -> None:
        """Have a status lie there; notes count from 1."""
        self.box.mkdir(parents=True, exist_ok=True)
        numbered = [{"number": number, **note} for number, note in enumerate(notes, start=1)]
        status = {"count": len(notes) + len(sends), "sends": list(sends), "notes": numbered}
        temp = self.box / "status.part"
        temp.write_text(json.dumps(status), "utf-8")
        temp.replace(self.box / "status.json")
