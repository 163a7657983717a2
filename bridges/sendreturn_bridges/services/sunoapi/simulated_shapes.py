"""How the simulated Suno API tells of its tasks: in the form of its reference, or in that of its quick start."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sendreturn.audio.notes import NoteTrack
from sendreturn.testing.simulator import Song, Task

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
REFERENCE_STAGES = ("PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS")
SEED_STAGES = ("PENDING", "GENERATING")
OPERATIONS = {"upload_cover": "upload_cover", "upload_extend": "upload_extend", "extend": "extend"}


def snake(name: str) -> str:
    return _HUMP.sub("_", name).lower()


def snaked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the quick start and the call backs write it; they leave createTime as it is."""
    return {name if name == "createTime" else snake(name): value for name, value in row.items()}


def track(song: Song, url: str | None, picture: str) -> dict[str, Any]:
    """One song, as the reference writes it."""
    model = str(song.facts.get("model", "V4_5")).lower().replace("_", "-")
    return {
        "id": song.id,
        "audioUrl": url,
        "sourceAudioUrl": url,
        "streamAudioUrl": f"{url or 'https://stream.invalid/' + song.id}?stream",
        "imageUrl": picture,
        "prompt": song.facts.get("prompt", ""),
        "modelName": f"chirp-{model}",
        "title": song.title,
        "tags": song.facts.get("tags", ""),
        "createTime": "2026-01-01 00:00:00",
        "duration": round(song.duration_s, 2),
    }


def music_record(
    task: Task, status: str, tracks: Sequence[Mapping[str, Any]], error: str, seed: bool
) -> dict[str, Any]:
    """The record of a task that makes songs."""
    if seed:
        rows = [snaked(row) for row in tracks]
        return {"taskId": task.id, "status": status, "response": {"data": rows}, "errorMessage": error or None}
    return {
        "taskId": task.id,
        "parentMusicId": task.facts.get("source", "") if task.kind == "extend" else "",
        "param": json.dumps({"model": task.request.get("model")}),
        "response": None if status == "PENDING" else {"taskId": task.id, "sunoData": list(tracks)},
        "status": status,
        "type": "GENERATE",
        "operationType": OPERATIONS.get(task.kind, "generate"),
        "errorCode": 501 if error else None,
        "errorMessage": error or None,
    }


def side_record(task: Task, flag: str | int, response: Any, error: str) -> dict[str, Any]:
    """The record of a separation, a WAV, a video or a picture."""
    return {
        "taskId": task.id,
        "musicId": task.request.get("audioId", ""),
        "callbackUrl": task.request.get("callBackUrl", ""),
        "completeTime": int(time.time() * 1000),
        "createTime": int(time.time() * 1000),
        "successFlag": flag,
        "response": response,
        "errorCode": 500 if error else None,
        "errorMessage": error or None,
    }


def midi_data(tracks: Sequence[NoteTrack], as_text: bool) -> dict[str, Any]:
    """Notes as JSON; some times are texts where the switch says so."""
    instruments = []
    for one in tracks:
        notes = [
            {
                "pitch": note.pitch,
                "start": f"{note.start_s:.4f}" if as_text and index % 2 else round(note.start_s, 4),
                "end": round(note.end_s, 4),
                "velocity": round(note.velocity / 127, 4),
            }
            for index, note in enumerate(one.notes)
        ]
        instruments.append({"name": one.name.title(), "notes": notes})
    return {"state": "complete", "instruments": instruments}


def aligned_words(words: str, duration_s: float) -> list[dict[str, Any]]:
    """The words of a song, spread over it; a tag and a line end belong to a word."""
    pieces = re.findall(r"(?:\[[^\]]*\]\s*)?\S+\s*", words)
    step_s = duration_s / max(len(pieces), 1)
    return [
        {
            "word": piece,
            "success": True,
            "startS": round(index * step_s, 3),
            "endS": round((index + 0.8) * step_s, 3),
            "palign": 0,
        }
        for index, piece in enumerate(pieces)
    ]
