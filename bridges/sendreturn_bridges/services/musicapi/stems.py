"""The stems in MusicAPI's answers. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sendreturn.contract import JsonDict, Made, MadeTake, Report
from sendreturn.net.reading import number, rows, text
from sendreturn.words import Kind

from sendreturn_bridges.services.musicapi.songs import FAILED, MADE_BY, state_of
from sendreturn_bridges.suno.stems import Named, fewer_note, stem_sets


def read_stems(context: JsonDict, body: JsonDict) -> Report:
    """The stems, set by set: a take for each set, or with no `sets: takes` all of them in one take."""
    clips = rows(body.get("data"))
    sets = stem_sets(clips, _is_there)
    if not sets:
        return Report(True, failed="MusicAPI finished, but gave no stems.", cost_credits=0.0)
    lost = sum(not _is_there(clip) for clip in clips)
    told = (f"{lost} of the {len(clips)} stems failed at MusicAPI.",) if lost else ()
    notes = told or fewer_note("MusicAPI", int(context.get("count", 0)), sets)
    takes = [_take(context, one, notes) for one in sets]
    if context.get("sets") != "takes":
        files = tuple(file for take in takes for file in take.files)
        takes = [MadeTake(files, notes=notes, told={"stems": [stem for take in takes for stem in take.told["stems"]]})]
    return Report(takes=tuple(takes))


def _is_there(clip: Mapping[str, Any]) -> bool:
    return state_of(clip) not in FAILED and bool(_url(clip))


def _take(context: JsonDict, stems: list[Named], notes: tuple[str, ...]) -> MadeTake:
    covers = str(context.get("covers", "all"))
    files = tuple(
        Made(Kind.STEM, _url(clip), name, number(clip.get("duration")), covers, MADE_BY) for name, clip in stems
    )
    told = {"stems": [{"stem": name, "id": text(clip.get("clip_id"))} for name, clip in stems]}
    return MadeTake(files, notes=notes, told=told)


def _url(clip: Mapping[str, Any]) -> str:
    return text(clip.get("audio_url")) or text(clip.get("url"))
