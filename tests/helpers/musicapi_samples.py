"""Asks and answers for the tests of the MusicAPI bridge."""

from __future__ import annotations

from typing import Any

from sendreturn.contract import Plan
from sendreturn.services import load_manifests
from sendreturn_bridges.services.musicapi.planning import Planner
from suno_rig import ask, body

__all__ = ["MANIFEST", "ask", "body", "done", "lost", "plan", "planner", "running", "song"]

MANIFEST = load_manifests()["musicapi"]


def planner(**options: Any) -> Planner:
    return Planner(MANIFEST, options)


def plan(operation: str, **params: Any) -> Plan:
    return planner().plan(ask(operation, **params))


def song(number: int = 1, **more: Any) -> dict[str, Any]:
    """A finished clip as MusicAPI tells it; its length comes as text."""
    found = {
        "clip_id": f"song-{number}",
        "state": "succeeded",
        "title": "Night Drive",
        "tags": "dub",
        "lyrics": "[Instrumental]",
        "image_url": f"https://cdn2.suno.ai/image_song-{number}.jpeg",
        "audio_url": f"https://cdn1.suno.ai/song-{number}.mp3",
        "video_url": None,
        "created_at": "2026-09-01T10:00:00.000Z",
        "mv": "sonic-v5",
        "gpt_description_prompt": None,
        "duration": "30.5",
    }
    return {**found, **more}


def running(number: int = 1) -> dict[str, Any]:
    return song(number, state="running", audio_url="https://audiopipe.suno.ai/?item_id=x", duration=None)


def lost(number: int = 2, why: str = "Generation failed") -> dict[str, Any]:
    return song(number, state="failed", audio_url=None, duration=None, error_message=why)


def done(*clips: Any) -> dict[str, Any]:
    """The answer of a finished task."""
    return {"code": 200, "message": "success", "data": list(clips)}
