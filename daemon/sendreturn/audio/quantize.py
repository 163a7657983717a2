"""Notes drawn to the session's grid."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendreturn.audio.notes import Meter, Note, NoteTrack, Timeline

GRIDS = ("1/4", "1/8", "1/16", "1/32", "1/4T", "1/8T", "1/16T", "1/32T")
"""Parts of a whole note; with T three of them stand in the place of two."""
STRAIGHT = 50.0
MOST_SWING = 75.0


@dataclass(frozen=True)
class Quantizing:
    """How notes are drawn to the grid.

    Attributes:
        grid: One of `GRIDS`.
        strength: How much of the way a note goes, from 0 (none) to 1 (onto the grid).
        swing: Where every second line of the grid lies between its neighbours, in percent: 50 is straight, 66.7 gives
            triplets, 75 is dotted.

    Raises:
        ValueError: A value is none of these.
    """

    grid: str = "1/16"
    strength: float = 1.0
    swing: float = STRAIGHT

    def __post_init__(self) -> None:
        if self.grid not in GRIDS:
            raise ValueError(f"the grid must be one of {', '.join(GRIDS)}, not {self.grid!r}")
        if not 0 <= self.strength <= 1:
            raise ValueError(f"the strength must lie between 0 and 1, not {self.strength}")
        if not STRAIGHT <= self.swing <= MOST_SWING:
            raise ValueError(f"the swing must lie between 50 and 75 percent, not {self.swing}")

    @property
    def step(self) -> float:
        """Quarter notes from one line of the grid to the next."""
        match = re.fullmatch(r"1/(\d+)(T?)", self.grid)
        assert match is not None
        return 4 / int(match[1]) * (2 / 3 if match[2] else 1)


def quantize(
    tracks: Iterable[NoteTrack], meter: Meter, how: Quantizing, *, start_quarters: float = 0.0
) -> tuple[NoteTrack, ...]:
    """The tracks with every note's start drawn to the grid; its length in beats stays, and nothing starts before 0.

    Notes that come to lie on each other are left so; `write_midi` makes one of them.

    Args:
        meter: The tempo map along which the grid runs.
        start_quarters: Where the clip starts on the session's timeline, in quarter notes: the grid is the session's.
    """
    timeline = meter.timeline
    return tuple(
        replace(track, notes=tuple(sorted(_moved(note, timeline, how, start_quarters) for note in track.notes)))
        for track in tracks
    )


def nearest_line(place: float, how: Quantizing) -> float:
    """The line of the grid that lies nearest to a place, both in quarter notes from the start of a bar."""
    first = math.floor(place / how.step) - 1
    lines = (_line(index, how) for index in range(first, first + 4))
    return min(lines, key=lambda line: abs(line - place))


def _line(index: int, how: Quantizing) -> float:
    pair, second = divmod(index, 2)
    return how.step * 2 * (pair + second * how.swing / 100)


def _moved(note: Note, timeline: Timeline, how: Quantizing, start_quarters: float) -> Note:
    start = timeline.quarters(note.start_s)
    place = start + start_quarters
    move = how.strength * (nearest_line(place, how) - place)
    move = max(move, -start) if start >= 0 else move
    return replace(
        note,
        start_s=timeline.seconds(start + move),
        end_s=timeline.seconds(timeline.quarters(note.end_s) + move),
    )
