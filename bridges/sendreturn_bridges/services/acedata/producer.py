"""Producer, AceData's second music service (FUZZ models), asked for with `service_options: {api: producer}`.

Field names are those of the vendor's Producer guide. It makes one song per request, and has operations of its own
(variation, swap_vocals, swap_instrumentals) that `service_options: {action: …}` reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sendreturn.errors import Refusal

from sendreturn_bridges.services.acedata.request import Wanted, point, section
from sendreturn_bridges.suno.places import check_side
from sendreturn_bridges.suno.requests import Request
from sendreturn_bridges.suno.words import joined

AUDIOS = "/producer/audios"
ACTIONS = {
    "generate": ("generate", "generate"),
    "cover": ("cover", "upload_cover"),
    "extend": ("extend", "upload_extend"),
    "inpaint": ("replace_section", "replace_section"),
    "stems": ("stems", "stems"),
}
"""Our operation → the action for a song of its own and for an upload."""
OF_SONG = {"wav": ("/producer/wav", "file"), "video": ("/producer/videos", "video")}


def build(wanted: Wanted) -> Request:
    """The request of an operation. Raises Refusal for what Producer has not."""
    if wanted.operation in OF_SONG:
        return of_song(wanted.operation, wanted.audio_id, {"duration_s": wanted.clip_s})
    if wanted.operation == "lyrics":
        return Request("/producer/lyrics", {"prompt": wanted.params.prompt}, "lyrics")
    if wanted.operation not in ACTIONS:
        raise Refusal(
            f"AceData's Producer has no {wanted.operation}.",
            f"It has {', '.join((*ACTIONS, *OF_SONG, 'lyrics'))}; leave `api: producer` out for Suno's models.",
        )
    own, of_upload = ACTIONS[wanted.operation]
    is_upload = wanted.source is not None and wanted.source.is_upload
    body = {"action": of_upload if is_upload else own, "model": _model(wanted), "audio_id": wanted.audio_id or None}
    reads = "stems" if wanted.operation == "stems" else READS.get(wanted.operation, "songs")
    context = {**_context(wanted), "wav": wanted.wav, "model": body["model"]}
    return Request(AUDIOS, {**body, **_words(wanted), **_place(wanted)}, reads, context)


def of_song(kind: str, audio_id: str, context: Mapping[str, object] | None = None) -> Request:
    """What can be had of a finished song: "wav" or "video"."""
    path, reads = OF_SONG[kind]
    return Request(path, {"audio_id": audio_id}, reads, context or {})


def separation(audio_id: str, covers: str) -> Request:
    """Have a song separated into vocals and the rest."""
    return Request(AUDIOS, {"action": "stems", "audio_id": audio_id}, "stems", {"count": 2, "covers": covers})


READS = {"extend": "extension", "inpaint": "section"}


def _model(wanted: Wanted) -> str:
    named = wanted.params.model or ""
    return named if named.upper().startswith("FUZZ") else wanted.dialect.default_producer


def _words(wanted: Wanted) -> dict[str, Any]:
    if wanted.operation == "stems":
        return {}
    params = wanted.params
    if wanted.operation == "generate" and not (params.prompt or params.lyrics or params.style):
        raise Refusal("AceData needs words to start from.", "Set prompt, lyrics or style.")
    strength = "cover_strength" if wanted.operation == "cover" else "sound_strength"
    return {
        "custom": True if params.lyrics else None,
        "lyric": params.lyrics,
        "prompt": joined(params.style_text, params.prompt) or None,
        "title": params.title,
        "instrumental": params.instrumental,
        "weirdness": params.weirdness,
        strength: None if params.audio_strength is None else max(params.audio_strength, 0.2),
    }


def _place(wanted: Wanted) -> dict[str, Any]:
    if wanted.operation == "extend":
        check_side("AceData", wanted.params)
        return {"continue_at": point(wanted)}
    if wanted.operation == "inpaint":
        start_s, end_s = section(wanted)
        return {"replace_section_start": start_s, "replace_section_end": end_s}
    return {}


def _context(wanted: Wanted) -> dict[str, Any]:
    if wanted.operation == "extend":
        return {"from_s": point(wanted), "extension": wanted.dialect.extension}
    if wanted.operation == "inpaint":
        return {"section_s": list(wanted.params.section_s or ()), "clip_s": wanted.clip_s}
    return {"count": 2, "sets": "takes"} if wanted.operation == "stems" else {"sings": True}
