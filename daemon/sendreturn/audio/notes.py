"""Notes in time, between transcription, synthesis and MIDI files."""

from __future__ import annotations

from dataclasses import dataclass

DRUM_CHANNEL = 9
"""General MIDI channel 10, counted from 0."""


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
class Meter:
    """Tempo and time signature of a session. `bpm` counts quarter notes per minute."""

    bpm: float = 120.0
    beats: int = 4
    beat_unit: int = 4

    @property
    def signature(self) -> str:
        return f"{self.beats}/{self.beat_unit}"
