"""The stems in MusicAPI's answers: any number of them, named by `stem_type`, else by title, else by their order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sendreturn.contract import JsonDict, Made, MadeTake, Report
from sendreturn.net.reading import number, rows, text
from sendreturn.words import STEMS, Kind

from sendreturn_bridges.services.musicapi.songs import FAILED, MADE_BY, state_of

TWO = ("vocals", "instrumental")
FOUR = ("vocals", "drums", "bass", "other")
TWELVE = (
    "vocals",
    "backing_vocals",
    "drums",
    "bass",
    "guitar",
    "keyboard",
    "percussion",
    "strings",
    "synth",
    "fx",
    "brass",
    "woodwinds",
)
BY_COUNT = {2: TWO, 4: FOUR, 12: TWELVE, 24: TWELVE}
SYNONYMS = {
    "vocal": "vocals",
    "lead_vocals": "vocals",
    "backing_vocal": "backing_vocals",
    "drum": "drums",
    "keyboards": "keyboard",
    "keys": "keyboard",
    "piano": "keyboard",
    "guitars": "guitar",
    "synths": "synth",
    "effects": "fx",
    "woodwind": "woodwinds",
    "instruments": "instrumental",
    "accompaniment": "instrumental",
}


def read_stems(context: JsonDict, body: JsonDict) -> Report:
    """The stems, set by set: a take for each set, or with no `sets: takes` all of them in one take."""
    clips = rows(body.get("data"))
    stems = [clip for clip in clips if state_of(clip) not in FAILED and _url(clip)]
    if not stems:
        return Report(True, failed="MusicAPI finished, but gave no stems.", cost_credits=0.0)
    lost = len(clips) - len(stems)
    notes = (f"{lost} of the {len(clips)} stems failed at MusicAPI.",) if lost else ()
    takes = [_take(context, one, notes) for one in _sets(clips, stems)]
    if context.get("sets") != "takes":
        takes = [MadeTake(tuple(file for take in takes for file in take.files), notes=notes)]
    return Report(takes=tuple(takes))


def stem_name(clip: Mapping[str, Any]) -> str | None:
    """Our name for a stem: from `stem_type`, or from a title such as "Song (Backing Vocals)" or "Song - Vocals"."""
    title = re.search(r"(?:\(([^()]+)\)| - ([^-]+))$", text(clip.get("title")))
    told = (text(clip.get("stem_type")), (title[1] or title[2]) if title else "")
    return next((name for name in map(_name_of, told) if name is not None), None)


def _name_of(said: str) -> str | None:
    word = re.sub(r"[\s_-]+", "_", said.strip().casefold())
    name = SYNONYMS.get(word, word)
    return name if name in STEMS else None


def _sets(clips: list[Mapping[str, Any]], stems: list[Mapping[str, Any]]) -> list[list[tuple[str, Mapping[str, Any]]]]:
    """A stem whose name is there already begins another set; nothing else tells the two of twelve apart."""
    order = BY_COUNT.get(len(clips), ())
    sets: list[list[tuple[str, Mapping[str, Any]]]] = [[]]
    for clip in stems:
        place = clips.index(clip)
        name = stem_name(clip) or (order[place % len(order)] if order else "other")
        if name != "other" and any(name == known for known, _ in sets[-1]):
            sets.append([])
        sets[-1].append((name, clip))
    return sets


def _take(context: JsonDict, stems: list[tuple[str, Mapping[str, Any]]], notes: tuple[str, ...]) -> MadeTake:
    covers = str(context.get("covers", "all"))
    files = tuple(
        Made(Kind.STEM, _url(clip), name, number(clip.get("duration")), covers, MADE_BY) for name, clip in stems
    )
    return MadeTake(files, notes=notes)


def _url(clip: Mapping[str, Any]) -> str:
    return text(clip.get("audio_url")) or text(clip.get("url"))
