"""The songs in an answer of Suno API, as takes. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sendreturn.contract import UNSAID, JsonDict, Made, MadeTake
from sendreturn.words import Kind

from sendreturn_bridges.services.sunoapi.reading import address, field, number, rows, table, text

USUAL_PLACE = "https://cdn1.suno.ai/{}.mp3"
"""Where a song has been found whose answer named no address."""
AS_MP3 = "Suno API, as MP3"
"""Who made a file of which the service has an MP3 only: the WAV that the session gets is decoded from that."""
SHARE_OF_SECTION = 1.5
"""Of a replaced section's length; what is shorter is not the whole song."""


@dataclass(frozen=True)
class Track:
    """One song. `url` is empty where the answer names no finished file; a stream is none, for it ends up empty."""

    audio_id: str
    url: str
    duration_s: float | None
    words: str
    image: str
    told: JsonDict

    @property
    def ref(self) -> str:
        return self.url or (USUAL_PLACE.format(quote(self.audio_id, safe="")) if self.audio_id else "")


def tracks_of(data: JsonDict) -> list[Track]:
    """The songs of a record, in the form of the service's reference or of its quick start."""
    response = table(data.get("response"))
    listed = field(response, "sunoData", "data") or field(data, "sunoData", "data")
    return [track for track in map(_track, rows(listed)) if track.audio_id or track.url]


def _track(row: JsonDict) -> Track:
    urls = (address(field(row, name)) for name in ("audioUrl", "sourceAudioUrl"))
    return Track(
        audio_id=text(field(row, "id", "audioId")),
        url=next((url for url in urls if url), ""),
        duration_s=_positive(number(row.get("duration"))),
        words=text(field(row, "prompt", "lyric", "lyrics")),
        image=address(field(row, "imageUrl", "sourceImageUrl")),
        told=_told(row),
    )


def _told(row: JsonDict) -> JsonDict:
    """What is worth keeping of a song, in the service's names for it."""
    found = ((name, text(field(row, name))) for name in ("title", "tags", "modelName"))
    return {name: value for name, value in found if value}


def takes_of(tracks: Sequence[Track], context: JsonDict) -> tuple[MadeTake, ...]:
    """One take for each song.

    With `holds_back` in the context the MP3 is not among the files: a WAV of the same audio is on its way, and
    `facts["kept"]` has what is wanted should it not come.
    """
    return tuple(_take(track, context, seen) for track, seen in zip(tracks, _earlier(tracks), strict=True))


def _take(track: Track, context: JsonDict, earlier: frozenset[str]) -> MadeTake:
    covers = _covers(track, context)
    mix = Made(Kind.MIX, track.ref, duration_s=track.duration_s, covers=covers, made_by=AS_MP3)
    sings = bool(context.get("sings"))
    words = (Made(Kind.LYRICS, "lyrics.txt", text=track.words, made_by="Suno API"),) if sings and track.words else ()
    notes = ("The service gave the same file for two takes.",) if track.ref in earlier else ()
    image = (Made(Kind.IMAGE, track.image, made_by="Suno API"),) if track.image else ()
    # The answer names the model in other words ("chirp-v4-5") than a request does.
    facts: dict[str, Any] = {"sings": sings, "covers": covers, "model": context.get("model")}
    if context.get("holds_back"):
        facts["kept"] = {"ref": track.ref, "duration_s": track.duration_s, "covers": covers}
        return MadeTake((*words, *image), track.audio_id or None, notes=notes, facts=facts, told=track.told)
    return MadeTake((mix, *words, *image), track.audio_id or None, notes=notes, facts=facts, told=track.told)


def kept_mix(kept: JsonDict) -> Made:
    """The file that was held back."""
    return Made(
        Kind.MIX,
        str(kept["ref"]),
        duration_s=number(kept.get("duration_s")),
        covers=str(kept["covers"]),
        made_by=AS_MP3,
    )


def _covers(track: Track, context: JsonDict) -> str:
    """Songs come back whole; one too short for that holds only what is new."""
    from_s, section_s = number(context.get("from_s")), context.get("section_s")
    if track.duration_s is None:
        return UNSAID if from_s is not None or section_s else "all"
    if from_s is not None and track.duration_s < from_s:
        return "tail"
    if section_s and track.duration_s < (section_s[1] - section_s[0]) * SHARE_OF_SECTION:
        return "section"
    return "all"


def _earlier(tracks: Sequence[Track]) -> Iterator[frozenset[str]]:
    for index in range(len(tracks)):
        yield frozenset(track.ref for track in tracks[:index])


def _positive(seconds: float | None) -> float | None:
    return seconds if seconds is not None and seconds > 0 else None
