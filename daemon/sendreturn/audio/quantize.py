"""Notes drawn to the session's grid."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendreturn.audio.notes import Meter, Note, NoteTrack

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
    tracks: Iterable[NoteTrack], session: Meter, how: Quantizing, *, start_s: float = 0.0
) -> tuple[NoteTrack, ...]:
    """The tracks with every note's start drawn to the grid; its length in beats stays, and nothing starts before 0.

    The grid is the session's, and begins anew with every bar. Notes that come to lie on each other are left so;
    `write_midi` makes one of them.

    Args:
        session: The session's tempo map, from the start of its timeline on.
        start_s: Where on that timeline the notes' own clock starts.
    """
    grid = _Grid(session, how, start_s)
    return tuple(replace(track, notes=tuple(sorted(map(grid.drawn, track.notes)))) for track in tracks)


def nearest_line(place: float, how: Quantizing, bar: float = math.inf) -> float:
    """The line of the grid that lies nearest to a place, both in quarter notes from the start of a bar.

    Args:
        bar: The bar's length, which cuts the grid off: the next bar begins with a line.
    """
    first = math.floor(place / how.step) - 1
    lines = (min(_line(index, how), bar) for index in range(first, first + 4))
    return min(lines, key=lambda line: abs(line - place))


def _line(index: int, how: Quantizing) -> float:
    pair, second = divmod(index, 2)
    return how.step * 2 * (pair + second * how.swing / 100)


class _Grid:
    """The session's grid, as notes see it whose clock starts at `start_s` of the session."""

    def __init__(self, session: Meter, how: Quantizing, start_s: float) -> None:
        self._timeline, self._bars = session.timeline, session.bars
        self._how, self._start_s = how, start_s

    def drawn(self, note: Note) -> Note:
        place = self._timeline.quarters(self._start_s + note.start_s)
        move = self._how.strength * (self._line(place) - place)
        start_s, end_s = (self._moved(at_s, move) for at_s in (note.start_s, note.end_s))
        if start_s < 0 <= note.start_s:  # the line lies before the clip
            return self._from_the_start(note)
        return replace(note, start_s=start_s, end_s=end_s)

    def _line(self, place: float) -> float:
        start, end = self._bars.around(place)
        return start + nearest_line(place - start, self._how, end - start)

    def _moved(self, at_s: float, move: float) -> float:
        return self._timeline.seconds(self._timeline.quarters(self._start_s + at_s) + move) - self._start_s

    def _from_the_start(self, note: Note) -> Note:
        move = self._timeline.quarters(self._start_s) - self._timeline.quarters(self._start_s + note.start_s)
        return replace(note, start_s=0.0, end_s=self._moved(note.end_s, move))
