# sendreturn-bridge @VERSION@
"""The set that is open: its file, its tempo, and what of sendreturn it remembers."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import live_api
from .mailbox import Message

DATA = "sendreturn"
"""The key of what is saved with the set: {"asked": {request: session}, "placed": [row, …]}."""
KEPT = 200
LOOKED_AT = 64
NO_AUTOMATION = 0
"""Live.DeviceParameter.AutomationState.none"""


def session_of(song: Any) -> str:
    """The set's file. Lives before 11.3.4x do not tell it: there it is the project's folder, found above a clip's file.

    "" where the set is not saved.
    """
    if hasattr(song, "file_path"):
        return str(song.file_path or "")
    for path in _clip_files(song)[:LOOKED_AT]:
        folder = project_above(path)
        if folder:
            return folder
    return ""


def project_above(path: str) -> str:
    """The folder of the Live project that a file lies in; "" where it lies in none."""
    for folder in Path(path).parents:
        if (folder / "Ableton Project Info").is_dir() and any(folder.glob("*.als")):
            return str(folder)
    return ""


def _clip_files(song: Any) -> list[str]:
    found: list[str] = []
    for track in song.tracks:
        clips = [slot.clip for slot in track.clip_slots if slot.has_clip] + list(track.arrangement_clips)
        found += [clip.file_path for clip in clips if clip.is_audio_clip and clip.file_path]
    return found


def tempo_point(song: Any, position: int) -> Message:
    signature = f"{song.signature_numerator}/{song.signature_denominator}"
    return {"position": position, "bpm": song.tempo, "time_signature": signature}


def is_tempo_automated(song: Any) -> bool:
    """Live tells scripts the tempo of now only, and whether it is automated: not what it is elsewhere."""
    return int(song.master_track.mixer_device.song_tempo.automation_state) != NO_AUTOMATION


def is_recording(song: Any) -> bool:
    return bool(song.is_playing and (song.record_mode or song.session_record))


class Memory:
    """What the set itself remembers, whatever its file is called: the sends it asked for, and what of them it holds."""

    def __init__(self, song: Any) -> None:
        self._song = song

    def asks(self, request: str, session: str) -> None:
        """The set that is open now has asked for this."""
        asked = {**self.asked, request: session}
        self._keep(asked, self._placed)

    @property
    def asked(self) -> dict[str, str]:
        """The session that the set was when it asked, by request."""
        found = self._data.get("asked")
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}

    def has_back(self, request: str) -> None:
        """What it asked for lies in it."""
        self._keep({key: value for key, value in self.asked.items() if key != request}, self._placed)

    def places(self, row: str) -> None:
        """A track of a send lies in the set."""
        self._keep(self.asked, [*self._placed, row])

    def holds(self, row: str) -> bool:
        return row in self._placed

    @property
    def _placed(self) -> list[str]:
        found = self._data.get("placed")
        return [str(row) for row in found] if isinstance(found, list) else []

    @property
    def _data(self) -> Message:
        try:
            found = json.loads(self._song.get_data(DATA, "") or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _keep(self, asked: dict[str, str], placed: list[str]) -> None:
        kept = {"asked": dict(list(asked.items())[-KEPT:]), "placed": placed[-KEPT:]}
        with suppress(*live_api.REFUSALS):  # without it all is placed just the same, as long as the set keeps its name
            self._song.set_data(DATA, json.dumps(kept))
