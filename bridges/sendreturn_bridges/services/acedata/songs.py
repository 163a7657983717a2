"""The clips in AceData's answers: songs, continuations, replaced sections and stems. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sendreturn.contract import JsonDict, Made, MadeTake, Report
from sendreturn.net.reading import number, rows, text
from sendreturn.words import Kind

from sendreturn_bridges.suno.coverage import of_extension, of_section
from sendreturn_bridges.suno.requests import song_facts
from sendreturn_bridges.suno.stems import fewer_note, stem_sets, stem_takes
from sendreturn_bridges.suno.words import sung

MADE_BY = "AceData"
PREVIEW_HOST = "audiopipe.suno.ai"
FINAL_URL = "https://cdn1.suno.ai/{}.mp3"
"""Where a song lies by its id, for answers that still name its preview."""
SUCCEEDED = frozenset({"succeeded", "complete", "completed", "success"})
FAILED = frozenset({"error", "failed", "cancelled"})
PROGRESS = {"": 0.1, "pending": 0.1, "running": 0.5}


def state_of(clip: Mapping[str, Any]) -> str:
    """The state in small letters. Old answers have none: a clip with a final address has succeeded."""
    state = text(clip.get("state")).casefold()
    return "succeeded" if not state and _final_url(clip) else state


def all_ended(data: Any) -> bool:
    """Whether there are clips, and every one says that it has ended."""
    clips = [clip for clip in rows(data) if "id" in clip]
    return bool(clips) and all(text(clip.get("state")).casefold() in SUCCEEDED | FAILED for clip in clips)


def progress(data: Any) -> float | None:
    """How far the clips are, from 0 to 1; None before there are any."""
    shares = [PROGRESS.get(state_of(clip), 1.0) for clip in rows(data)]
    return sum(shares) / len(shares) * 0.95 if shares else None


# Songs


def read_songs(context: JsonDict, response: JsonDict) -> Report:
    """One take per song. A song that failed while another was made is left out, and told."""
    clips = rows(response.get("data"))
    good = [clip for clip in clips if state_of(clip) in SUCCEEDED and _final_url(clip)]
    if not good:
        return Report(True, failed="AceData finished, but gave no song.")
    lost = len(clips) - len(good)
    notes = (f"{lost} of the {len(clips)} takes failed at AceData.",) if lost else ()
    return Report(takes=tuple(_take(context, clip, notes) for clip in good))


def _take(context: JsonDict, clip: Mapping[str, Any], notes: tuple[str, ...]) -> MadeTake:
    duration_s = number(clip.get("duration"))
    kind, covers = _place(context, clip, duration_s)
    url = _final_url(clip)
    mix = [Made(kind, url, duration_s=duration_s, covers=covers, made_by=MADE_BY)]
    files = [] if context.get("wav") else mix  # its WAV is on the way
    lyric = text(clip.get("lyric"))
    if context.get("sings") and sung(lyric):
        files.append(Made(Kind.LYRICS, text=lyric + "\n", made_by=MADE_BY))
    image = text(clip.get("image_large_url")) or text(clip.get("image_url"))
    if image:
        files.append(Made(Kind.IMAGE, image, made_by=MADE_BY))
    # AceData tells names of its own for models; what was asked for is what made it.
    facts = {"model": context.get("model"), **song_facts(kind, covers, duration_s, url)}
    told = {name: clip[name] for name in ("title", "style", "model", "concat_history") if clip.get(name)}
    clip_id = text(clip.get("id")) or None
    return MadeTake(tuple(files), clip_id, notes=notes, facts=facts, told=told)


def _place(context: JsonDict, clip: Mapping[str, Any], duration_s: float | None) -> tuple[Kind, str]:
    """What kind of return a song is, and what it holds of the clip."""
    if context.get("from_s") is not None:
        covers = _of_extension(context, clip, duration_s)
        return Kind.TAIL if covers == "tail" else Kind.MIX, covers
    if context.get("section_s"):
        return Kind.MIX, of_section(context, duration_s)
    return Kind.MIX, "all"


def _of_extension(context: JsonDict, clip: Mapping[str, Any], duration_s: float | None) -> str:
    """AceData's continuations were once only the new audio, and usually begin with the clip now; no field says which.
    One that was joined tells of what, and one that is shorter than what it continues cannot hold it."""
    said = str(context.get("extension"))
    if said in ("tail", "all"):
        return said
    if any(number(part.get("continue_at")) is not None for part in rows(clip.get("concat_history"))):
        return "all"
    return of_extension(context, duration_s)


def _final_url(clip: Mapping[str, Any]) -> str:
    url, clip_id = text(clip.get("audio_url")), text(clip.get("id"))
    try:
        is_preview = urlsplit(url).hostname == PREVIEW_HOST
    except ValueError:
        return ""
    return FINAL_URL.format(clip_id) if is_preview and clip_id else url


# Stems


def read_stems(context: JsonDict, response: JsonDict) -> Report:
    """The stems, set by set: with `sets: takes` a take for each set, else all of them in one take.

    all_stems gives two sets of twelve that nothing tells apart but their order.
    """
    sets = stem_sets(rows(response.get("data")), _is_there)
    if not sets:
        return Report(True, failed="AceData finished, but gave no stems.")
    notes = fewer_note("AceData", int(context.get("count", 0)), sets)
    return Report(takes=stem_takes(MADE_BY, context, sets, notes, _final_url, "id"))


def _is_there(clip: Mapping[str, Any]) -> bool:
    return state_of(clip) in SUCCEEDED and bool(_final_url(clip))
