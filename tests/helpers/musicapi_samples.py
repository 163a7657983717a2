"""Asks and answers for the tests of the MusicAPI bridge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sendreturn.contract import Ask, Call, Clip, EarlierTake, Plan
from sendreturn.engine.prepare import bought
from sendreturn.params import parse_params
from sendreturn.services import load_manifests
from sendreturn.words import SendId
from sendreturn_bridges.services.musicapi.planning import Planner

MANIFEST = load_manifests()["musicapi"]


def ask(operation: str, *, clip_s: float | None = 20.0, earlier: str | None = None, **params: object) -> Ask:
    """What a user asks of MusicAPI."""
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
