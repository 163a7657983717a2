"""Asks and answers for the tests of the AceData bridge."""

from __future__ import annotations

from typing import Any

from sendreturn.contract import Plan
from sendreturn.services import load_manifests
from sendreturn_bridges.services.acedata.planning import Planner
from suno_rig import ask, body

__all__ = ["MANIFEST", "ask", "body", "done", "plan", "planner", "song"]

MANIFEST = load_manifests()["acedata"]


def planner(**options: Any) -> Planner:
    return Planner(MANIFEST, options)


def plan(operation: str, **params: Any) -> Plan:
    return planner().plan(ask(operation, **params))


def song(number: int = 1, **more: Any) -> dict[str, Any]:
    """A finished clip as AceData tells it."""
    found = {
        "id": f"song-{number}",
        "title": "Night Drive",
        "image_url": f"https://cdn2.suno.ai/image_song-{number}.jpeg",
        "lyric": "",
        "audio_url": f"https://cdn1.suno.ai/song-{number}.mp3",
        "video_url": "",
        "created_at": "2026-09-01T10:00:00.000Z",
        "model": "chirp-auk",
        "state": "succeeded",
        "duration": 30.5,
    }
    return {**found, **more}


def done(*clips: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A finished task."""
    response = {"success": True, "task_id": "task", "data": list(clips), **more}
    return {"id": "task", "created_at": 1.0, "started_at": 2.0, "finished_at": 3.0, "response": response}
