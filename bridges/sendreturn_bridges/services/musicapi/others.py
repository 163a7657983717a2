"""Requests that make no song: stems, files and words of a song, personas, and texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sendreturn.errors import Refusal

from sendreturn_bridges.services.musicapi.request import VOICE, Wanted, section
from sendreturn_bridges.services.musicapi.texts import check_length
from sendreturn_bridges.suno.requests import Request
from sendreturn_bridges.suno.words import joined

OF_SONG = {
    "wav": ("/sonic/wav", "file"),
    "midi": ("/sonic/midi", "midi"),
    "timed_lyrics": ("/sonic/aligned-lyrics", "timing"),
    "bpm": ("/sonic/bpm", "bpm"),
}


def separation(clip_id: str, count: int, context: Mapping[str, object] | None = None) -> Request:
    """Have a song separated: 2 or 4 ("basic", which of both the service decides) or 12 stems."""
    path = "/sonic/stems/full" if count == 12 else "/sonic/stems/basic"
    return Request(path, {"clip_id": clip_id}, "stems", {"count": count, **(context or {})})


def of_song(kind: str, clip_id: str, context: Mapping[str, object] | None = None) -> Request:
    """What can be had of a finished song: "wav", "midi", "timed_lyrics" or "bpm"."""
    path, reads = OF_SONG[kind]
    return Request(path, {"clip_id": clip_id}, reads, context or {})


def wav_of(clip_id: str, wav_from: str, context: Mapping[str, object]) -> Request:
    """The WAV of a song, by the path that the user's settings name."""
    if wav_from != "download":
        return of_song("wav", clip_id, context)
    return Request("/sonic/download", {"clip_id": clip_id, "formats": ["wav"]}, "file", context)


def upload(api: str) -> Request:
    """Make a hosted clip known as a song."""
    return Request(f"/{api}/upload", {}, "upload", clip_field="url")


def _stems(wanted: Wanted) -> Request:
    counts, asked = wanted.spec.options["counts"], wanted.params.stems or 2
    if asked not in counts:
        raise Refusal(f"MusicAPI separates into 2, 4 or 12 stems, not into {asked}.", "Ask for one of these.")
    return separation(wanted.clip_id, asked, {"sets": "takes"})


def _of_song(wanted: Wanted) -> Request:
    return of_song(wanted.operation, wanted.clip_id)


def _wav(wanted: Wanted) -> Request:
    return wav_of(wanted.clip_id, wanted.dialect.wav_from, {"duration_s": wanted.clip_s})


def _vox(wanted: Wanted) -> Request:
    longest_s = wanted.dialect.longest_vox_s
    start_s, end_s = section(wanted) if wanted.params.section_s else (0.0, wanted.clip_s or 0.0)
    if not 0 < end_s - start_s <= longest_s:
        raise Refusal(
            f"MusicAPI takes a voice from at most {longest_s:g} s of a song, not from {end_s - start_s:g} s.",
            f"Set section_s to a part of at most {longest_s:g} s in which somebody sings.",
        )
    body = {"clip_id": wanted.clip_id, "vocal_start_s": start_s, "vocal_end_s": end_s}
    return Request("/sonic/vox", body, "vox", {"section_s": [start_s, end_s]})


def vox_for_persona(wanted: Wanted) -> Request | None:
    """The vox request that a persona wants first, where the user has named the part with the voice."""
    if wanted.params.section_s is None or wanted.api == VOICE:
        return None
    vox = _vox(wanted)
    return replace(vox, context={**vox.context, "for_persona": True})


def _persona(wanted: Wanted) -> Request:
    name = wanted.params.title or "persona"
    check_length("title", name, wanted.dialect.name)
    check_length("prompt", wanted.params.prompt, wanted.dialect.persona_description)
    if wanted.api == VOICE:
        return _voice(wanted, name)
    body = {"name": name, "clip_id": wanted.clip_id, "describe": wanted.params.prompt}
    body["styles"] = wanted.params.style_text
    if wanted.vox is not None:
        start_s, end_s = wanted.vox["section_s"]
        body |= {"vox_audio_id": wanted.vox["vox_audio_id"], "vocal_start_s": start_s, "vocal_end_s": end_s}
    return Request("/sonic/persona", body, "persona")


def _voice(wanted: Wanted, name: str) -> Request:
    shortest_s = wanted.dialect.shortest_voice_s
    if wanted.clip_s is not None and wanted.clip_s <= shortest_s:
        raise Refusal(
            f"MusicAPI clones a voice from more than {shortest_s:g} s, and the clip has {wanted.clip_s:.1f} s.",
            "Send a longer recording of one clean voice.",
        )
    return Request("/sonic/create-voice", {"name": name}, "persona", clip_field="audio_url")


def _lyrics(wanted: Wanted) -> Request:
    check_length("prompt", wanted.params.prompt, wanted.dialect.lyrics_description)
    return Request("/sonic/lyrics", {"description": wanted.params.prompt}, "lyrics")


def _tags(wanted: Wanted) -> Request:
    tags = joined(wanted.params.style_text, wanted.params.prompt)
    if not tags:
        raise Refusal("MusicAPI needs a style to enrich.", "Set style.")
    return Request("/sonic/upsample-tags", {"tags": tags}, "tags")


OTHERS: Mapping[str, Callable[[Wanted], Request]] = {
    "stems": _stems,
    "midi": _of_song,
    "wav": _wav,
    "timed_lyrics": _of_song,
    "bpm": _of_song,
    "vox": _vox,
    "persona": _persona,
    "lyrics": _lyrics,
    "tags": _tags,
}
