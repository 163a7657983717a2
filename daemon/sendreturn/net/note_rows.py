"""Notes as services write them in JSON, as tracks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sendreturn.audio.notes import Note, NoteTrack
from sendreturn.net.reading import number, rows, text

DRUM_WORDS = ("drum", "percussion", "kit", "cymbal", "snare", "kick")
PROGRAMS: tuple[tuple[str, int], ...] = (
    ("synth bass", 38),
    ("fretless", 35),
    ("bass (pick", 34),
    ("acoustic bass", 32),
    ("double bass", 32),
    ("upright", 32),
    ("bassoon", 70),
    ("bass", 33),
    ("distort", 30),
    ("overdriv", 29),
    ("electric guitar", 27),
    ("guitar", 25),
    ("electric piano", 4),
    ("piano", 0),
    ("keyboard", 0),
    ("organ", 16),
    ("synth voice", 54),
    ("vocal", 54),
    ("voice", 53),
    ("choir", 52),
    ("string", 48),
    ("violin", 40),
    ("cello", 42),
    ("brass", 61),
    ("trumpet", 56),
    ("sax", 65),
    ("flute", 73),
    ("woodwind", 71),
    ("pad", 88),
    ("lead", 80),
    ("synth", 80),
)
"""Part of an instrument's name → General MIDI program, counted from 0; the first that fits is taken."""


def note_tracks(data: Any) -> tuple[NoteTrack, ...]:
    """The tracks in `{instruments: [{name, notes: [{pitch, start, end, velocity}]}]}`, or in a list of such tables.

    Times are seconds, as numbers or as text. Tracks without notes are left out.
    """
    instruments = [instrument for part in rows(data) for instrument in rows(part.get("instruments"))]
    tracks = (_track(instrument, index) for index, instrument in enumerate(instruments, start=1))
    return tuple(track for track in tracks if track.notes)


def _track(instrument: Mapping[str, Any], index: int) -> NoteTrack:
    name = text(instrument.get("name")) or f"Track {index}"
    folded = name.casefold()
    program = next((program for part, program in PROGRAMS if part in folded), 0)
    is_drums = any(word in folded for word in DRUM_WORDS)
    return NoteTrack(name, tuple(sorted(_notes(instrument))), 0 if is_drums else program, is_drums)


def _notes(instrument: Mapping[str, Any]) -> Iterator[Note]:
    for row in rows(instrument.get("notes")):
        pitch, start_s, end_s = number(row.get("pitch")), number(row.get("start")), number(row.get("end"))
        if pitch is None or start_s is None or end_s is None or not 0 <= pitch <= 127 or end_s <= max(start_s, 0.0):
            continue
        yield Note(max(start_s, 0.0), end_s, round(pitch), _velocity(number(row.get("velocity"))))


def _velocity(loudness: float | None) -> int:
    """As MIDI has it; services write 0 to 1 as well as 1 to 127."""
    if loudness is None:
        return 90
    return min(max(round(loudness * 127 if loudness <= 1 else loudness), 1), 127)
