"""Notes as services write them in JSON, as tracks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sendreturn.audio.general_midi import is_drum_kit, program_of
from sendreturn.audio.notes import Note, NoteTrack
from sendreturn.net.reading import number, rows, text


def note_tracks(data: Any) -> tuple[NoteTrack, ...]:
    """The tracks in `{instruments: [{name, notes: [{pitch, start, end, velocity}]}]}`, or in a list of such tables.

    Times are seconds, as numbers or as text. Tracks without notes are left out.
    """
    instruments = [instrument for part in rows(data) for instrument in rows(part.get("instruments"))]
    tracks = (_track(instrument, index) for index, instrument in enumerate(instruments, start=1))
    return tuple(track for track in tracks if track.notes)


def _track(instrument: Mapping[str, Any], index: int) -> NoteTrack:
    name = text(instrument.get("name")) or f"Track {index}"
    is_drums = is_drum_kit(name)
    return NoteTrack(name, tuple(sorted(_notes(instrument))), 0 if is_drums else program_of(name), is_drums)


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
