"""Requests that make no song: stems, files and words of a song, personas, and texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sendreturn.errors import Refusal

from sendreturn_bridges.services.acedata.request import VOICES, Wanted, section
from sendreturn_bridges.suno.requests import Request
from sendreturn_bridges.suno.words import joined

AUDIOS = "/suno/audios"
OF_SONG = {
    "wav": ("/suno/wav", "file"),
    "midi": ("/suno/midi", "midi"),
    "timed_lyrics": ("/suno/timing", "timing"),
    "video": ("/suno/mp4", "video"),
}


MASHED = ("lyrics_a", "lyrics_b")
"""`service_options` of lyrics that are mixed from two others; they go out as they are."""


def separation(audio_id: str, count: int, context: Mapping[str, object] | None = None) -> Request:
    """Have a song separated into 2 or 12 stems."""
    action = "all_stems" if count == 12 else "stems"
    return Request(AUDIOS, {"action": action, "audio_id": audio_id}, "stems", {"count": count, **(context or {})})


def of_song(kind: str, audio_id: str, context: Mapping[str, object] | None = None) -> Request:
    """What can be had of a finished song: "wav", "midi", "timed_lyrics" or "video"."""
    path, reads = OF_SONG[kind]
    return Request(path, {"audio_id": audio_id}, reads, context or {})


def _stems(wanted: Wanted) -> Request:
    counts, asked = wanted.spec.options["counts"], wanted.params.stems or 2
    if asked not in counts:
        raise Refusal(
            f"AceData separates into 2 or 12 stems, not into {asked}.",
            "Ask for 2 or 12, or let local make them (service: local).",
        )
    return separation(wanted.audio_id, asked, {"sets": "takes"})


def _of_song(wanted: Wanted) -> Request:
    return of_song(wanted.operation, wanted.audio_id, {"duration_s": wanted.clip_s})


def _vox(wanted: Wanted) -> Request:
    start_s, end_s = _vocal_span(wanted)
    body = {"audio_id": wanted.audio_id, "vocal_start": start_s, "vocal_end": end_s}
    return Request("/suno/vox", body, "vox", {"section_s": [start_s, end_s]})


def _vocal_span(wanted: Wanted) -> tuple[float, float]:
    longest_s = wanted.dialect.longest_vox_s
    start_s, end_s = section(wanted) if wanted.params.section_s else (0.0, wanted.clip_s or 0.0)
    if not 0 < end_s - start_s < longest_s:
        raise Refusal(
            f"AceData takes a voice from less than {longest_s:g} s of a song, not from {end_s - start_s:g} s.",
            f"Set section_s to a part of less than {longest_s:g} s in which somebody sings.",
        )
    return start_s, end_s


def vox_for_persona(wanted: Wanted) -> Request | None:
    """The vox request that a persona wants first, where the user has named the part with the voice."""
    if wanted.params.section_s is None or wanted.api == VOICES:
        return None
    vox = _vox(wanted)
    return replace(vox, context={**vox.context, "for_persona": True})


def _persona(wanted: Wanted) -> Request:
    name = wanted.params.title or wanted.clip_name or "persona"
    if wanted.api == VOICES:
        return _voice(wanted, name)
    body = {"name": name, "audio_id": wanted.audio_id, "description": wanted.params.prompt}
    if wanted.vox is None:
        return Request("/suno/persona", body, "persona", {"audio_id": wanted.audio_id})
    start_s, end_s = wanted.vox["section_s"]
    body |= {"vox_audio_id": wanted.vox["vox_audio_id"], "vocal_start": start_s, "vocal_end": end_s}
    # Songs with a persona that was made from a vox have an action of their own.
    context = {"audio_id": wanted.audio_id, "action": "artist_consistency_vox"}
    return Request("/suno/persona", body, "persona", context)


def _voice(wanted: Wanted, name: str) -> Request:
    shortest_s, longest_s = wanted.dialect.voice_s
    if wanted.clip_s is not None and not shortest_s <= wanted.clip_s <= longest_s:
        raise Refusal(
            f"AceData clones a voice from {shortest_s:g} to {longest_s:g} s, and the clip has {wanted.clip_s:.1f} s.",
            "Send a fitting part with range_s; 30 to 60 s of one clean voice are best.",
        )
    body = {"name": name, "description": wanted.params.prompt}
    return Request("/suno/voices", body, "persona", clip_field="audio_url")


def _lyrics(wanted: Wanted) -> Request:
    both = [wanted.options.get(name) for name in MASHED]
    if any(both):
        if not all(both):
            raise Refusal("AceData mixes two lyrics, and here is one.", "Set both lyrics_a and lyrics_b.")
        return Request("/suno/mashup-lyrics", {}, "lyrics")
    body = {"prompt": wanted.params.prompt, "model": wanted.params.model or "default"}
    return Request("/suno/lyrics", body, "lyrics")


def _tags(wanted: Wanted) -> Request:
    prompt = joined(wanted.params.style_text, wanted.params.prompt)
    if not prompt:
        raise Refusal("AceData needs a style to enrich.", "Set style.")
    return Request("/suno/style", {"prompt": prompt}, "tags")


OTHERS: Mapping[str, Callable[[Wanted], Request]] = {
    "stems": _stems,
    "persona": _persona,
    "vox": _vox,
    "lyrics": _lyrics,
    "tags": _tags,
    "timed_lyrics": _of_song,
    "midi": _of_song,
    "wav": _of_song,
    "video": _of_song,
}
