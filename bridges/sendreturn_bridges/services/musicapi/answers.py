"""What MusicAPI answers, as Reports: tolerant of everything but a missing id. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sendreturn.contract import Accepted, JsonDict, Made, MadeTake, Report
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.note_rows import note_tracks
from sendreturn.net.reading import number, rows, table, text
from sendreturn.words import Kind

from sendreturn_bridges.services.musicapi import faults, songs, stems
from sendreturn_bridges.services.musicapi.request import answers_at_once
from sendreturn_bridges.suno import readers
from sendreturn_bridges.suno.doubts import gave_no_id, gave_too_little
from sendreturn_bridges.suno.readers import missing, one, text_file
from sendreturn_bridges.suno.requests import Request

MADE_BY = songs.MADE_BY
VOX_URLS = ("audio_url", "vox_audio_url", "vocal_audio_url", "url")
FILE_URLS = ("wav_url", "wav_file_url", "file_url", "audio_url", "url")
"""Where the address may stand; the service does not document which it is."""


def is_not_ready(status: int, body: Any) -> bool:
    """Whether MusicAPI asks for patience: 202, or `type: not_ready` with any status."""
    told = table(body)
    return text(told.get("type")) == "not_ready" or (status == 202 and not told.get("data"))


def accepted(request: Request, status: int, body: Any) -> Accepted:
    """What was said to a request: a task that has begun, or the result at once.

    Raises:
        ServiceError: it is not ready yet, and was not billed (RETRY); the result lacks what was asked for; or there is
            neither a task nor a result (UNKNOWN).
    """
    reply = table(body)
    task_id = text(reply.get("task_id")) or text(table(reply.get("data")).get("task_id"))
    if answers_at_once(request) and not task_id:
        return _result(request, status, reply, body)
    if not task_id:
        raise gave_no_id(MADE_BY, faults.WHERE, body)
    return Accepted(task_id)


def standing(request: Request, status: int, body: Any) -> Report:
    """How a task stands. It is over where every clip in it is."""
    if is_not_ready(status, body):
        return Report(progress=0.05, text="waiting for MusicAPI to begin")
    reply = table(body)
    if request.reads not in ("songs", "stems"):
        return _standing_of_one(request, reply)
    found = songs.entries(_clips(reply), joins=bool(request.context.get("joins")))
    if not found or not all(entry.ended for entry in found):
        is_over = not found and songs.state_of(reply) in songs.FAILED
        return _failed(reply) if is_over else Report(progress=songs.progress(found), text="MusicAPI is making it")
    return report(request, {**reply, "data": _clips(reply)})


def report(request: Request, reply: JsonDict) -> Report:
    """A finished result; `failed` where it does not hold what was asked for."""
    made = _READERS[request.reads](request.context, reply)
    if made.failed is not None:
        return made
    return Report(True, 1.0, takes=made.takes, facts=made.facts)


def _result(request: Request, status: int, reply: Mapping[str, Any], body: Any) -> Accepted:
    if is_not_ready(status, body):
        raise ServiceError("MusicAPI does not have it ready yet.", "", str(body)[:300], Outcome.RETRY)
    made = report(request, reply)
    if made.failed is not None:
        raise gave_too_little(made.failed, faults.WHERE, body)
    return Accepted("answered at once", made)


def _clips(reply: Mapping[str, Any]) -> Any:
    """The clips of a task: in `data`, in a list inside it, or (Producer's) the answer itself."""
    data = reply.get("data")
    inner = table(data)
    if isinstance(data, Mapping):
        data = next((inner[name] for name in ("clips", "data", "result") if isinstance(inner.get(name), list)), data)
    return data if rows(data) else (reply if reply.get("audio_url") else None)


def _standing_of_one(request: Request, reply: Mapping[str, Any]) -> Report:
    """A task that has one thing as its result: a voice, or a clip that is uploaded in its own time."""
    data = table(reply.get("data"))
    state = songs.state_of(data) or songs.state_of(reply)
    if state in songs.FAILED:
        return _failed(data or reply)
    made = report(request, reply)
    if made.failed is None:
        return made
    return made if state in songs.SUCCEEDED else Report(progress=songs.PROGRESS.get(state, 0.5), text="in the making")


def _failed(told: Mapping[str, Any]) -> Report:
    said = next((text(told.get(name)) for name in ("error_message", "error", "message") if text(told.get(name))), "")
    return Report(True, failed=faults.sentence(said), is_final=faults.blames_request(said), cost_credits=0.0)


# Readers


def _told(reply: Mapping[str, Any]) -> dict[str, Any]:
    """Values stand at the top, or in `data`."""
    return {**reply, **table(reply.get("data"))}


def _upload(_context: JsonDict, reply: JsonDict) -> Report:
    told = _told(reply)
    clip_id = text(told.get("clip_id")) or text(told.get("id"))
    return Report(facts={"clip_id": clip_id}) if clip_id else missing(MADE_BY, "id for the clip")


def _file(context: JsonDict, reply: JsonDict) -> Report:
    told = _told(reply)
    files = [row for row in rows(told.get("files")) if text(row.get("format")).casefold() in ("", "wav")]
    url = text(table(files).get("url")) or next((text(told[name]) for name in FILE_URLS if text(told.get(name))), "")
    url = url or text(reply.get("data"))
    if not url:
        return missing(MADE_BY, "WAV file")
    kind, covers = Kind(context.get("kind", Kind.MIX)), str(context.get("covers", "all"))
    return one(Made(kind, url, duration_s=number(context.get("duration_s")), covers=covers, made_by=MADE_BY))


def _midi(context: JsonDict, reply: JsonDict) -> Report:
    """The notes, which can be put on the session's tempo; the service's own file where it tells none."""
    told = _told(reply)
    url, tracks = text(told.get("midi_url")), note_tracks(told)
    if not tracks and not url:
        return missing(MADE_BY, "notes")
    covers = str(context.get("covers", "all"))
    made = Made(Kind.MIDI, "" if tracks else url, covers=covers, made_by=MADE_BY, tracks=tracks or None)
    return one(made, told={"midi_url": url} if url else None)


def _timing(_context: JsonDict, reply: JsonDict) -> Report:
    return readers.timing(MADE_BY, _told(reply).get("alignment"))


def _bpm(_context: JsonDict, reply: JsonDict) -> Report:
    told = _told(reply)
    facts = {name: found for name in ("avg_bpm", "min_bpm", "max_bpm") if (found := number(told.get(name)))}
    if "avg_bpm" not in facts:
        return missing(MADE_BY, "tempo")
    written = "".join(f"{name}: {value:g}\n" for name, value in facts.items())
    return Report(takes=(MadeTake((text_file(MADE_BY, written),), bpm=facts["avg_bpm"], told=facts),))


def _vox(context: JsonDict, reply: JsonDict) -> Report:
    told = _told(reply)
    vox_id = text(told.get("vox_audio_id"))
    if not vox_id:
        return missing(MADE_BY, "id for the voice")
    section_s = [number(told.get("vocal_start_s")), number(told.get("vocal_end_s"))]
    found = {"vox_audio_id": vox_id, "section_s": context["section_s"] if None in section_s else section_s}
    url = next((text(told[name]) for name in VOX_URLS if text(told.get(name))), "")
    files = [Made(Kind.STEM, url, stem="vocals", covers="section", made_by=MADE_BY)] if url else []
    if not context.get("for_persona"):
        files.append(text_file(MADE_BY, f"vox_audio_id: {vox_id}\n"))
    return one(*files, told=found, facts=found)


def _persona(_context: JsonDict, reply: JsonDict) -> Report:
    persona_id = text(_told(reply).get("persona_id"))
    if not persona_id:
        return missing(MADE_BY, "id for the persona")
    written = f"service_options for songs in this voice:\npersona_id: {persona_id}\n"
    return one(text_file(MADE_BY, written), told={"persona_id": persona_id})


def _lyrics(_context: JsonDict, reply: JsonDict) -> Report:
    return readers.lyrics(MADE_BY, rows(_told(reply).get("results") or reply.get("data")), "lyrics")


def _tags(_context: JsonDict, reply: JsonDict) -> Report:
    return readers.style(MADE_BY, _told(reply).get("upsampled_tags"))


_READERS: Mapping[str, Callable[[JsonDict, JsonDict], Report]] = {
    "songs": songs.read_songs,
    "stems": stems.read_stems,
    "upload": _upload,
    "file": _file,
    "midi": _midi,
    "timing": _timing,
    "bpm": _bpm,
    "vox": _vox,
    "persona": _persona,
    "lyrics": _lyrics,
    "tags": _tags,
}
