"""The stems in a service's answer: any number of them, named by themselves, else told by their order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sendreturn.net.reading import text
from sendreturn.words import STEMS

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


def fewer_note(title: str, asked: int, sets: Sequence[Sequence[Named]]) -> tuple[str, ...]:
    """A sentence where the service gave fewer stems than were asked for."""
    came = max((len(one) for one in sets), default=0)
    if came >= asked:
        return ()
    return (f"{title} gave {came} stems, not {asked}. local makes 2 or 4 of a file at no cost (-o stems -s local).",)


def _name_of(said: str) -> str | None:
    word = re.sub(r"[\s_-]+", "_", said.strip().casefold())
    name = SYNONYMS.get(word, word)
    return name if name in STEMS else None
