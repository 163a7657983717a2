"""The stems in MusicAPI's answers. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sendreturn.contract import JsonDict, Report
from sendreturn.net.reading import rows, text

from sendreturn_bridges.services.musicapi.songs import FAILED, MADE_BY, state_of
from sendreturn_bridges.suno.stems import fewer_note, stem_sets, stem_takes


def read_stems(context: JsonDict, body: JsonDict) -> Report:
    """The stems, set by set: with `sets: takes` a take for each set, else all of them in one take."""
    clips = rows(body.get("data"))
    sets = stem_sets(clips, _is_there)
    if not sets:
        return Report(True, failed="MusicAPI finished, but gave no stems.", cost_credits=0.0)
    lost = sum(not _is_there(clip) for clip in clips)
    told = (f"{lost} of the {len(clips)} stems failed at MusicAPI.",) if lost else ()
    notes = told or fewer_note("MusicAPI", int(context.get("count", 0)), sets)
    return Report(takes=stem_takes(MADE_BY, context, sets, notes, _url, "clip_id"))


def _is_there(clip: Mapping[str, Any]) -> bool:
    return state_of(clip) not in FAILED and bool(_url(clip))


def _url(clip: Mapping[str, Any]) -> str:
    return text(clip.get("audio_url")) or text(clip.get("url"))
