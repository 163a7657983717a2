"""What the daemon lays ready for Live: placements with files and notes that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import soundfile
from clips import sine
from live_clips import Clip
from live_set import Song
from live_studio import RATE, LiveStudio

NOTES = {"length_s": 2.0, "notes": [[0.0, 0.5, 40, 100], [0.5, 1.0, 43, 90], [0.5, 0.5, 47, 1]]}


def wav(folder: Path, name: str = "mix.wav", seconds: float = 1.0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / name, sine(seconds, RATE), RATE, "PCM_24")
    return folder / name


def mid(folder: Path, name: str = "notes.mid") -> Path:
    """The script is given its notes by the daemon, and does not look into it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"MThd")
    return folder / name


def file(path: Path, kind: str = "mix", take: int = 1, stem: str | None = None, **more: Any) -> dict[str, Any]:
    name = f"Gtr cover {stem or kind}"
    plain = {"kind": kind, "take": take, "name": name, "position_samples": 3 * RATE, "color": "#5b8def", "gain": 1.0}
    return {**plain, "path": str(path), "offset_samples": 0, "sample_rate_hz": RATE, "stem": stem, **more}


def placement(*files: dict[str, Any], send_id: str = "1a2b3c4d", **more: Any) -> dict[str, Any]:
    plain = {"send_id": send_id, "request": "r", "operation": "cover", "title": "Gtr cover", "rate_hz": RATE}
    return {**plain, "track": "Gtr", "files": list(files), **more}


def clips_of(song: Song) -> list[Clip]:
    """Everything that lies anywhere in the set."""
    found = []
    for track in song.tracks:
        found += list(track._clips)
        found += [clip for lane in track._lanes for clip in lane._clips]
        found += [slot.clip for slot in track._slots if slot.clip]
    return found


def received(studio: LiveStudio, *files: dict[str, Any], ticks: int = 30, **more: Any) -> list[Clip]:
    """The clips that are new once one placement was laid ready and the script has looked."""
    before = clips_of(studio.song)
    notes = {Path(found["path"]).name: NOTES for found in files if found["kind"] == "midi"}
    studio.lay(1, placement(*files, **more), notes)
    studio.live.tick(ticks)
    assert studio.song._loose == 0
    assert studio.song._open is None
    return [clip for clip in clips_of(studio.song) if clip not in before]
