"""The answers of Suno API to the question how a task stands, as reports. No I/O.

Each kind of task has a reader: the `data` of the answer and the request's context in, a Reading out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sendreturn.audio.stem_names import stem_of
from sendreturn.contract import JsonDict, Made, MadeTake, Report
from sendreturn.net.note_rows import note_tracks
from sendreturn.words import Kind

from sendreturn_bridges.services.sunoapi.faults import blames_request, failure
from sendreturn_bridges.services.sunoapi.reading import address, field, number, rows, table, text
from sendreturn_bridges.services.sunoapi.states import Stage, Standing, standing
from sendreturn_bridges.services.sunoapi.stem_names import FIELDS
from sendreturn_bridges.services.sunoapi.tracks import AS_MP3, takes_of, tracks_of

MADE_BY = "Suno API"
STEMS_OF_GUIDE = ("vocalRemovalInfo", "vocalSeparationInfo")
"""Where the stems stand in call backs, and in what the service's quick start reads of a task."""


@dataclass(frozen=True)
class Reading:
    """What an answer says.

    Attributes:
        doubt: Why `report` is believed only when the service goes on saying so: "absent" (it knows of no task or no
            result), "not_told" (it ended because it could not call back) or "no_address" (of a file).
    """

    report: Report
    doubt: str = ""


def read(reader: str, answer: JsonDict, context: JsonDict, task_id: str) -> Reading:
    """How the task stands, from the whole answer."""
    if reader == "recovery":
        return _recovery(answer, context)
    data = table(answer.get("data"))
    if not data:
        return Reading(_failed("Suno API knows nothing of this task."), "absent")
    reading = _READERS[reader](data, context)
    return replace(reading, report=replace(reading.report, facts={**reading.report.facts, "task_id": task_id}))


def pending(standing: Standing) -> Reading:
    return Reading(Report(progress=standing.progress, text=standing.told))


def _failed(sentence: str) -> Report:
    return Report(done=True, failed=sentence)


def _made(files: Iterable[Made], told: JsonDict | None = None, **facts: Any) -> Report:
    return Report(done=True, takes=(MadeTake(tuple(files), told=told or {}),), facts=facts)


def _ended(data: JsonDict, now: Standing) -> Reading:
    """A task that ended without a result: it failed, or could not call back, or has nothing to show."""
    if now.stage is Stage.DONE:
        return Reading(_failed("Suno API says that it is ready, but gives nothing."), "absent")
    told = now.word, field(data, "errorCode"), field(data, "errorMessage")
    report = replace(_failed(failure(*told)), is_final=blames_request(*told))
    return Reading(report, "not_told" if now.stage is Stage.NOT_TOLD else "")


# Songs


def _music(data: JsonDict, context: JsonDict) -> Reading:
    now = standing(data)
    if now.stage is Stage.PENDING:
        return pending(now)
    tracks = tracks_of(data)
    sounding = [track for track in tracks if track.url]
    if now.stage is Stage.DONE and tracks:
        # Addresses may be missing for a moment, or for good while the files are at their usual place all the same.
        report = Report(done=True, takes=takes_of(tracks, context))
        return Reading(report, "" if len(sounding) == len(tracks) else "no_address")
    if not sounding:
        return _ended(data, now)
    takes = takes_of(sounding, context)
    if now.stage is Stage.FAILED:
        note = failure(now.word, field(data, "errorCode"), field(data, "errorMessage"))
        takes = (replace(takes[0], notes=(*takes[0].notes, f"Not all takes were made. {note}")), *takes[1:])
    return Reading(Report(done=True, takes=takes), "not_told" if _is_partial(now, tracks, sounding) else "")


def _is_partial(now: Standing, tracks: list[Any], sounding: list[Any]) -> bool:
    return now.stage is Stage.NOT_TOLD and len(sounding) < len(tracks)


def _recovery(answer: JsonDict, context: JsonDict) -> Reading:
    if answer.get("code") in (201, "201"):
        return Reading(Report(progress=0.3, text="being looked for"))
    tracks = tracks_of({"response": {"data": answer.get("data")}})
    sounding = [track for track in tracks if track.url]
    if sounding:
        return Reading(Report(done=True, takes=takes_of(sounding, context)))
    found = "; ".join(sorted({text(row.get("error")) for row in rows(answer.get("data"))} - {""}))
    return Reading(_failed(f"Suno API could not recover the songs of this task{f' ({found})' if found else ''}."))


# Texts


def _lyrics(data: JsonDict, context: JsonDict) -> Reading:
    now = standing(data)
    if now.stage is Stage.PENDING:
        return pending(now)
    response = table(data.get("response"))
    found = [row for row in rows(field(response, "data", "lyricsData") or data.get("data")) if text(row.get("text"))]
    if not found:
        return _ended(data, now)
    takes = tuple(MadeTake((_text(row["text"], "lyrics.txt"),), told=_titled(row)) for row in found)
    return Reading(Report(done=True, takes=takes))


def _titled(row: JsonDict) -> JsonDict:
    title = text(row.get("title"))
    return {"title": title} if title else {}


def _text(content: str, name: str) -> Made:
    return Made(Kind.LYRICS, ref=name, text=content, made_by=MADE_BY)


# Stems and notes


def _separation(data: JsonDict, context: JsonDict) -> Reading:
    now = standing(data)
    if now.stage is Stage.PENDING:
        return pending(now)
    stems = _stems(data, context)
    if not stems:
        return _ended(data, now)
    return Reading(_made(stems if context.get("keep", True) else ()))


def _stems(data: JsonDict, context: JsonDict) -> list[Made]:
    response = table(field(data, "response")) or data
    response = table(field(response, *STEMS_OF_GUIDE)) or response
    named = [(stem, address(field(response, name))) for name, stem in FIELDS.items()]
    found = [(stem, url) for stem, url in named if url]
    if not found:
        parts = rows(field(response, "originData"))
        found = [(_stem(part, context), address(field(part, "audioUrl"))) for part in parts]
    return [Made(Kind.STEM, url, stem, made_by=AS_MP3) for stem, url in found if url]


def _stem(part: JsonDict, context: JsonDict) -> str:
    return stem_of(text(field(part, "stemTypeGroupName"))) or str(context.get("stem") or "other")


def _notes(data: JsonDict, context: JsonDict) -> Reading:
    now = standing(data)
    if now.stage is Stage.PENDING:
        return pending(now)
    tracks = note_tracks(field(data, "midiData"))
    if tracks:
        return Reading(_made([Made(Kind.MIDI, tracks=tracks, made_by=MADE_BY)]))
    if now.stage is not Stage.DONE:
        return _ended(data, now)
    if context.get("last", True):
        return Reading(_failed("Suno API heard no notes in it."))
    return Reading(_made((), is_empty=True))


# Files


def _file(kind: Kind, *names: str) -> Callable[[JsonDict, JsonDict], Reading]:
    def reader(data: JsonDict, context: JsonDict) -> Reading:
        now = standing(data)
        if now.stage is Stage.PENDING:
            return pending(now)
        url = address(field(table(data.get("response")), *names)) or address(field(data, *names))
        if not url:
            return _ended(data, now)
        duration_s, covers = number(context.get("duration_s")), str(context.get("covers") or "all")
        made_by = f"{MADE_BY}, as WAV" if kind is Kind.MIX else MADE_BY
        return Reading(_made([Made(kind, url, duration_s=duration_s, covers=covers, made_by=made_by)]))

    return reader


def _cover_art(data: JsonDict, context: JsonDict) -> Reading:
    now = standing(data, "cover_art")
    if now.stage is Stage.PENDING:
        return pending(now)
    response = table(data.get("response"))
    listed = response.get("images") or data.get("images")
    urls = [address(url) for url in listed] if isinstance(listed, list) else []
    takes = tuple(MadeTake((Made(Kind.IMAGE, url, made_by=MADE_BY),)) for url in urls if url)
    return Reading(Report(done=True, takes=takes)) if takes else _ended(data, now)


# Voices of one's own; what their answers are like is hardly documented


def _voice_phrase(data: JsonDict, context: JsonDict) -> Reading:
    now = standing(data)
    if now.word == "WAIT_VALIDATING":  # it waits for us
        now = Standing(Stage.DONE, now.word)
    if now.stage is Stage.PENDING:
        return pending(now)
    if now.stage is Stage.FAILED:
        return _ended(data, now)
    phrase = text(field(data, "validateInfo", "phrase", "validateText", "text", "content"))
    task = text(field(data, "taskId"))
    content = (
        f"Record yourself singing this:\n\n{phrase}\n\n"
        f"Then send the recording: persona with service_options {{voice: generate, task_id: {task}}}\n"
    )
    return Reading(_made([_text(content, "voice.txt")]))


def _voice(data: JsonDict, context: JsonDict) -> Reading:
    now = standing(data)
    if now.stage is Stage.PENDING:
        return pending(now)
    voice_id = text(field(data, "voiceId")) or text(field(table(data.get("response")), "voiceId"))
    if not voice_id:
        return _ended(data, now)
    told = {"personaId": voice_id, "personaModel": "voice_persona"}
    return Reading(_made([_text(how_to_use(voice_id, "voice_persona"), "voice.txt")], told))


def how_to_use(persona_id: str, model: str) -> str:
    """What the file of a persona says."""
    newer = "model: V5\n" if model == "voice_persona" else ""
    options = f"service_options: {{personaId: {persona_id}, personaModel: {model}}}\n"
    return f"{persona_id}\n\nTo use it, send with\n{options}{newer}"


_READERS: Mapping[str, Callable[[JsonDict, JsonDict], Reading]] = {
    "music": _music,
    "lyrics": _lyrics,
    "separation": _separation,
    "notes": _notes,
    "wav": _file(Kind.MIX, "audioWavUrl"),
    "video": _file(Kind.VIDEO, "videoUrl"),
    "cover_art": _cover_art,
    "voice_phrase": _voice_phrase,
    "voice": _voice,
}
