"""Notes in time, between transcription, synthesis and MIDI files."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace

DRUM_CHANNEL = 9
"""General MIDI channel 10, counted from 0."""
_SAME_S = 1e-6
"""A change in the very next moment counts as being there: places are counted in samples, and tempi in beats."""


@dataclass(frozen=True, order=True)
class Note:
    """One note. Times are seconds from the start of the clip; `pitch` is a MIDI key (a General MIDI drum on drums)."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int = 90


@dataclass(frozen=True)
class NoteTrack:
    """The notes of one instrument.

    Attributes:
        name: What the track is called in the DAW ("bass", "drums").
        program: General MIDI program, counted from 0; ignored for drums.
    """

    name: str
    notes: tuple[Note, ...]
    program: int = 0
    is_drums: bool = False


@dataclass(frozen=True)
class TempoChange:
    """Tempo and time signature from `at_s` on, in seconds from the start of the clip; `bpm` counts quarter notes."""

    at_s: float
    bpm: float
    numerator: int = 4
    denominator: int = 4


@dataclass(frozen=True)
class Meter:
    """Tempo and time signature of a session, where the clip starts. `bpm` counts quarter notes per minute.

    Attributes:
        changes: The session's tempo map after the clip's start, in rising order, every `at_s` above 0. A tempo that
            glides stands here as steps that are exact on every beat.
    """

    bpm: float = 120.0
    beats: int = 4
    beat_unit: int = 4
    changes: tuple[TempoChange, ...] = ()

    @property
    def signature(self) -> str:
        return f"{self.beats}/{self.beat_unit}"

    def starting_at(self, start_s: float) -> Meter:
        """The meter as it is counted from `start_s` of the clip; negative before it, where the first tempo holds."""
        gone = [change for change in self.changes if change.at_s <= start_s + _SAME_S]
        to_come = tuple(replace(change, at_s=change.at_s - start_s) for change in self.changes[len(gone) :])
        if not gone:
            return replace(self, changes=to_come)
        return Meter(gone[-1].bpm, gone[-1].numerator, gone[-1].denominator, to_come)

    @property
    def timeline(self) -> Timeline:
        """Seconds against quarter notes. Make it once for many times."""
        return Timeline(self)

    @property
    def bars(self) -> Bars:
        """Where the bars begin."""
        return Bars(self)


class Timeline:
    """Seconds from the start of the clip against quarter notes from there, along a meter's tempo map."""

    def __init__(self, meter: Meter) -> None:
        self._starts_s, self._starts, self._bpm = [0.0], [0.0], [meter.bpm]
        for change in meter.changes:
            self._starts.append(self.quarters(change.at_s))
            self._starts_s.append(change.at_s)
            self._bpm.append(change.bpm)

    def quarters(self, at_s: float) -> float:
        """Quarter notes from the clip's start to `at_s`; the first tempo also holds for what lies before."""
        i = max(0, bisect_right(self._starts_s, at_s) - 1)
        return self._starts[i] + (at_s - self._starts_s[i]) * self._bpm[i] / 60.0

    def seconds(self, quarters: float) -> float:
        """The time of a place in quarter notes from the clip's start."""
        i = max(0, bisect_right(self._starts, quarters) - 1)
        return self._starts_s[i] + (quarters - self._starts[i]) * 60.0 / self._bpm[i]


class Bars:
    """Where the bars begin, in quarter notes: each time signature begins one, and the first also holds before it."""

    def __init__(self, meter: Meter) -> None:
        timeline = meter.timeline
        self._starts, self._lengths = [0.0], [meter.beats * 4.0 / meter.beat_unit]
        signature = (meter.beats, meter.beat_unit)
        for change in meter.changes:
            if signature != (change.numerator, change.denominator):
                signature = (change.numerator, change.denominator)
                self._starts.append(timeline.quarters(change.at_s))
                self._lengths.append(change.numerator * 4.0 / change.denominator)

    def around(self, quarters: float) -> tuple[float, float]:
        """Start and end of the bar in which a place lies; a new time signature ends the bar before it."""
        i = max(0, bisect_right(self._starts, quarters) - 1)
        start = self._starts[i] + self._lengths[i] * math.floor((quarters - self._starts[i]) / self._lengths[i])
        end = start + self._lengths[i]
        return start, min(end, self._starts[i + 1]) if i + 1 < len(self._starts) else end
