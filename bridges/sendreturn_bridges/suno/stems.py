"""The stems in a service's answer: any number of them, named by themselves, else told by their order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sendreturn.contract import JsonDict, Made, MadeTake
from sendreturn.net.reading import number, text
from sendreturn.words import STEMS, Kind

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
"""The order in which Suno gives them."""
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
Clip = Mapping[str, Any]
Named = tuple[str, Clip]


def stem_name(clip: Clip) -> str | None:
    """Our name for a stem: from `stem_type`, or from a title such as "Song (Backing Vocals)" or "Song - Vocals"."""
    title = re.search(r"(?:\(([^()]+)\)| - ([^-]+))$", text(clip.get("title")))
    told = (text(clip.get("stem_type")), (title[1] or title[2]) if title else "")
    return next((name for name in map(_name_of, told) if name is not None), None)


def stem_sets(clips: Sequence[Clip], is_there: Callable[[Clip], bool]) -> list[list[Named]]:
    """The stems with their names, set by set: one whose name is there already begins another set.

    Args:
        clips: Everything in the answer, in its order, by which those without names are told.
        is_there: Whether one can be had.
    """
    order = BY_COUNT.get(len(clips), ())
    sets: list[list[Named]] = [[]]
    for place, clip in enumerate(clips):
        if not is_there(clip):
            continue
        name = stem_name(clip) or (order[place % len(order)] if order else "other")
        if name != "other" and any(name == known for known, _ in sets[-1]):
            sets.append([])
        sets[-1].append((name, clip))
    return sets if sets[0] else []


def stem_takes(
    made_by: str,
    context: JsonDict,
    sets: Sequence[Sequence[Named]],
    notes: tuple[str, ...],
    url_of: Callable[[Clip], str],
    id_field: str,
) -> tuple[MadeTake, ...]:
    """A take for each set where the request's `sets` says "takes", else all stems in one take.

    Args:
        url_of: Where a stem lies.
        id_field: The field that has a stem's id.
    """
    wanted = sets if context.get("sets") == "takes" else [[named for one in sets for named in one]]
    return tuple(_take(made_by, context, one, notes, url_of, id_field) for one in wanted)


def fewer_note(title: str, asked: int, sets: Sequence[Sequence[Named]]) -> tuple[str, ...]:
    """A sentence where the service gave fewer stems than were asked for."""
    came = max((len(one) for one in sets), default=0)
    if came >= asked:
        return ()
    return (f"{title} gave {came} stems, not {asked}. local makes 2 or 4 of a file at no cost (-o stems -s local).",)


def _take(
    made_by: str,
    context: JsonDict,
    stems: Sequence[Named],
    notes: tuple[str, ...],
    url_of: Callable[[Clip], str],
    id_field: str,
) -> MadeTake:
    covers = str(context.get("covers", "all"))
    files = tuple(
        Made(Kind.STEM, url_of(clip), name, number(clip.get("duration")), covers, made_by) for name, clip in stems
    )
    told = {"stems": [{"stem": name, "id": text(clip.get(id_field))} for name, clip in stems]}
    return MadeTake(files, notes=notes, told=told)


def _name_of(said: str) -> str | None:
    word = re.sub(r"[\s_-]+", "_", said.strip().casefold())
    name = SYNONYMS.get(word, word)
    return name if name in STEMS else None
