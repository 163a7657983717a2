"""Producer, MusicAPI's second music service (Google's Lyria), asked for with `service_options: {api: producer}`.

It makes one song per request. Where its documents name no field, Sonic's name for the same thing is sent.
"""

from __future__ import annotations

from typing import Any

from sendreturn.errors import Refusal

from sendreturn_bridges.services.musicapi.request import Wanted, point, section
from sendreturn_bridges.suno.places import check_side
from sendreturn_bridges.suno.requests import Request
from sendreturn_bridges.suno.words import joined

CREATE = "/producer/create"
TASKS = {"generate": "create_music", "extend": "extend_music", "cover": "cover_music", "inpaint": "replace_music"}


def build(wanted: Wanted) -> Request:
    """The request of an operation. Raises Refusal for what Producer has not."""
    if wanted.operation not in TASKS:
        raise Refusal(
            f"MusicAPI's Producer has no {wanted.operation}.",
            f"It has {', '.join(TASKS)}; leave `api: producer` out for Suno's models.",
        )
    body = {"task_type": TASKS[wanted.operation], "mv": _model(wanted), **_words(wanted), **_place(wanted)}
    place = {"extend": "tail", "inpaint": "section"}.get(wanted.operation, "all")
    context: dict[str, Any] = {"place": place, "sings": True, "wav": wanted.wav, "model": body["mv"]}
    if wanted.operation == "extend":
        context["from_s"] = point(wanted)
    if wanted.operation == "inpaint":
        context |= {"section_s": list(section(wanted)), "clip_s": wanted.clip_s}
    return Request(CREATE, body, "songs", context)


def _model(wanted: Wanted) -> str:
    """Names of Sonic's models mean nothing here."""
    named = wanted.params.model or ""
    return wanted.dialect.default_producer if named.startswith(("sonic", "chirp")) or not named else named


def _words(wanted: Wanted) -> dict[str, Any]:
    params = wanted.params
    sound = joined(params.style_text, params.prompt)
    if wanted.operation == "generate" and not (sound or params.lyrics):
        raise Refusal("MusicAPI needs words to start from.", "Set prompt, lyrics or style.")
    lyrics = None if params.instrumental else params.lyrics
    words = {"sound": sound, "lyrics": lyrics, "title": params.title, "seed": params.seed}
    return {**words, "make_instrumental": params.instrumental}


def _place(wanted: Wanted) -> dict[str, Any]:
    if wanted.operation == "generate":
        return {}
    place: dict[str, Any] = {"continue_clip_id": wanted.clip_id}
    if wanted.operation == "extend":
        check_side("MusicAPI", wanted.params)
        place["continue_at"] = point(wanted)
    elif wanted.operation == "inpaint":
        start_s, end_s = section(wanted)
        place |= {"infill_start_s": start_s, "infill_end_s": end_s}
    else:
        place["strength"] = wanted.params.audio_strength
    return place
