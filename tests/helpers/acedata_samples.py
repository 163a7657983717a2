"""Asks and answers for the tests of the AceData bridge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sendreturn.contract import Ask, Call, Clip, EarlierTake, Plan
from sendreturn.engine.prepare import bought
from sendreturn.params import parse_params
from sendreturn.services import load_manifests
from sendreturn.words import SendId
from sendreturn_bridges.services.acedata.planning import Planner

MANIFEST = load_manifests()["acedata"]


def ask(operation: str, *, clip_s: float | None = 20.0, earlier: str | None = None, **params: object) -> Ask:
    """What a user asks of AceData."""
    clip = Clip(Path("clip.wav"), 48_000, 2, round(clip_s * 48_000), "ab" * 32) if clip_s else None
    parsed = parse_params(params)
    take = EarlierTake(earlier) if earlier else None
    return Ask(SendId("0a1b2c3d"), operation, parsed, clip, buys=bought(parsed), earlier=take)


def planner(**options: Any) -> Planner:
    return Planner(MANIFEST, options)


def plan(operation: str, **params: Any) -> Plan:
    return planner().plan(ask(operation, **params))


def body(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = dict(call.fields["body"])
    return found


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
