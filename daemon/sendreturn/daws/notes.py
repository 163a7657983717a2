"""The notes of a MIDI file in seconds, for DAWs whose scripts can add notes but import no file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import mido

from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from pathlib import Path

MOST_NOTES = 50_000


@dataclass(frozen=True)
class PlayedNote:
    """One note; times count from the file's beginning, by its own tempo map."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int
    channel: int


@dataclass(frozen=True)
class PlayedNotes:
    """All notes of a file, in order.

    Attributes:
        length_s: To the end of the file, or of its last note.
    """

    length_s: float
    notes: tuple[PlayedNote, ...]


def read_notes(path: Path) -> PlayedNotes:
    """The notes of a MIDI file. A note that never ends lasts to the end of the file.

    Raises:
        ClipError: it cannot be read, or holds more notes than any DAW would show.
    """
    try:
        messages = list(mido.MidiFile(path, clip=True))
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise ClipError(f"“{path.name}” is no MIDI file that can be read.", detail=str(error)) from error
    now, found = 0.0, []
    open_notes: dict[tuple[int, int], tuple[float, int]] = {}
    for message in messages:
        now += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        key = message.channel, message.note
        if key in open_notes:
            start, velocity = open_notes.pop(key)
            found.append(PlayedNote(start, now, message.note, velocity, message.channel))
        if message.type == "note_on" and message.velocity:
            open_notes[key] = now, message.velocity
    found += [PlayedNote(start, now, note, velocity, ch) for (ch, note), (start, velocity) in open_notes.items()]
    if len(found) > MOST_NOTES:
        raise ClipError(f"“{path.name}” holds {len(found)} notes.", "Import the file by hand.")
    return PlayedNotes(now, tuple(sorted(found, key=lambda note: (note.start_s, note.pitch))))
