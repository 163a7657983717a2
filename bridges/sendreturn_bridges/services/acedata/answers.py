"""What AceData answers, as Reports: tolerant of everything but a missing id. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sendreturn.contract import Accepted, JsonDict, Made, Report
from sendreturn.net.note_rows import note_tracks
from sendreturn.net.reading import number, rows, table, text
from sendreturn.words import Kind

from sendreturn_bridges.services.acedata import faults, songs
from sendreturn_bridges.suno import readers
from sendreturn_bridges.suno.doubts import gave_no_id, gave_too_little
from sendreturn_bridges.suno.readers import missing, one, text_file
from sendreturn_bridges.suno.requests import Request

MADE_BY = songs.MADE_BY


def accepted(request: Request, body: Any) -> Accepted:
    """What was said to a request: a task that has begun, or the result at once.

    Raises:
        ServiceError: the result lacks what was asked for, or there is neither a task nor a result (UNKNOWN).
    """
    reply = table(body)
    task_id = text(reply.get("task_id"))
    if _holds_result(request, reply):
        made = report(request, reply)
        if made.failed is not None:
            raise gave_too_little(made.failed, faults.WHERE, body)
        return Accepted(task_id or text(reply.get("trace_id")) or "answered at once", made)
    if not task_id:
        raise gave_no_id(MADE_BY, faults.WHERE, body)
    return Accepted(task_id)


def standing(request: Request, task: Any) -> Report:
    """How a task stands, from the answer of a task query.

    A task has succeeded where it is finished and its response says success; it has failed where the response says so
    and it is finished or names an error. Without `finished_at` the states of all clips decide. Addresses in anything
    else are previews.
    """
    found = table(task)
    response = table(found.get("response"))
    finished = found.get("finished_at") not in (None, "")
    if response.get("success") is False and (finished or _names_error(response)):
        return _failed(response)
    if response.get("success") is True and (finished or songs.all_ended(response.get("data"))):
        return report(request, response)
    if finished and response.get("success") is None:
        return _failed(response)
    return Report(progress=songs.progress(response.get("data")), text=_waiting(found, response))


def report(request: Request, response: JsonDict) -> Report:
    """A finished result; `failed` where it does not hold what was asked for."""
    made = _READERS[request.reads](request.context, response)
    if made.failed is not None:
        return made
    cost = number(table(response.get("cost")).get("amount"))
    return Report(True, 1.0, takes=made.takes, facts=made.facts, cost_credits=cost)


def _holds_result(request: Request, reply: Mapping[str, Any]) -> bool:
    data = reply.get("data")
    if request.reads in ("songs", "extension", "section", "stems"):
        return songs.all_ended(data)
    return bool(data) or (request.reads == "persona" and bool(reply.get("persona_id")))


def _names_error(response: Mapping[str, Any]) -> bool:
    objection = faults.objection_in(response)
    return objection is not None and bool(objection.code)


def _failed(response: Mapping[str, Any]) -> Report:
    objection = faults.objection_in(response) or faults.Objection("", "")
    failed, is_final = faults.sentence(objection), faults.blames_request(objection)
    return Report(True, failed=failed, is_final=is_final, cost_credits=0.0)


def _waiting(task: Mapping[str, Any], response: Mapping[str, Any]) -> str:
    if response.get("data"):
        return "AceData is making it"
    return "AceData has begun" if task.get("started_at") else "waiting for AceData to begin"


# Readers


def _upload(_context: JsonDict, response: JsonDict) -> Report:
    data = table(response.get("data"))
    audio_id = text(data.get("audio_id")) or text(data.get("id"))
    if not audio_id:
        return missing(MADE_BY, "id for the clip")
    facts = {"audio_id": audio_id, "duration_s": number(data.get("duration")), "lyric": text(data.get("lyric"))}
    return Report(facts=facts)


def _file(context: JsonDict, response: JsonDict) -> Report:
    url = text(table(response.get("data")).get("file_url"))
    if not url:
        return missing(MADE_BY, "WAV file")
    kind, covers = Kind(context.get("kind", Kind.MIX)), str(context.get("covers", "all"))
    made = Made(kind, url, duration_s=number(context.get("duration_s")), covers=covers, made_by=MADE_BY)
    return one(made)


def _video(_context: JsonDict, response: JsonDict) -> Report:
    data = table(response.get("data"))
    url = text(data.get("video_url")) or text(data.get("file_url"))
    return one(Made(Kind.VIDEO, url, made_by=MADE_BY)) if url else missing(MADE_BY, "video")


def _midi(context: JsonDict, response: JsonDict) -> Report:
    tracks = note_tracks(response.get("data"))
    if not tracks:
        return missing(MADE_BY, "notes")
    return one(Made(Kind.MIDI, covers=str(context.get("covers", "all")), made_by=MADE_BY, tracks=tracks))


def _timing(_context: JsonDict, response: JsonDict) -> Report:
    return readers.timing(MADE_BY, table(response.get("data")).get("aligned_words"))


def _vox(context: JsonDict, response: JsonDict) -> Report:
    data = table(response.get("data"))
    url, vox_id = text(data.get("vocal_audio_url")), text(data.get("id"))
    if not vox_id:
        return missing(MADE_BY, "id for the voice")
    section_s = [number(data.get("vocal_start_s")), number(data.get("vocal_end_s"))]
    told = {"vox_audio_id": vox_id, "section_s": context["section_s"] if None in section_s else section_s}
    files = [Made(Kind.STEM, url, stem="vocals", covers="section", made_by=MADE_BY)] if url else []
    if not context.get("for_persona"):
        files.append(text_file(MADE_BY, f"vox_audio_id: {vox_id}\n"))
    return one(*files, told=told, facts=told)


def _persona(context: JsonDict, response: JsonDict) -> Report:
    data = {**response, **table(response.get("data"))}
    persona_id = text(data.get("persona_id"))
    if not persona_id:
        return missing(MADE_BY, "id for the persona")
    options = {"persona_id": persona_id, "audio_id": context.get("audio_id"), "action": context.get("action")}
    told = {name: value for name, value in options.items() if value}
    written = "".join(f"{name}: {value}\n" for name, value in told.items())
    return one(text_file(MADE_BY, f"service_options for songs in this voice:\n{written}"), told=told)


def _lyrics(_context: JsonDict, response: JsonDict) -> Report:
    return readers.lyrics(MADE_BY, rows(response.get("data")), "text")


def _tags(_context: JsonDict, response: JsonDict) -> Report:
    return readers.style(MADE_BY, {**response, **table(response.get("data"))}.get("upsampled_tags"))


_READERS: Mapping[str, Callable[[JsonDict, JsonDict], Report]] = {
    "songs": songs.read_songs,
    "extension": songs.read_songs,
    "section": songs.read_songs,
    "stems": songs.read_stems,
    "upload": _upload,
    "file": _file,
    "video": _video,
    "midi": _midi,
    "timing": _timing,
    "vox": _vox,
    "persona": _persona,
    "lyrics": _lyrics,
    "tags": _tags,
}
