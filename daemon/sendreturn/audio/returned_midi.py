"""Notes that come back from a service, as a MIDI file of the session."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendreturn.audio.midi import write_midi
from sendreturn.audio.midi_reading import read_content
from sendreturn.audio.note_cleaning import clean, shifted
from sendreturn.audio.quantize import Quantizing, quantize
from sendreturn.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendreturn.audio.notes import Meter, NoteTrack


@dataclass(frozen=True)
class NotePlace:
    """Where notes belong in the session.

    Attributes:
        meter: The session's tempo map from the clip's start on.
        duration_s: Length of the clip, or of the mix that the notes belong to; None where they have neither.
        shift_s: By how much the audio of the notes was moved to be aligned.
        session: The session's tempo map from the start of its timeline on, for the grid; None where that is `meter`.
        start_s: Where the clip starts on that timeline.
        quantizing: None leaves the notes where they were played.
    """

    meter: Meter
    duration_s: float | None
    shift_s: float = 0.0
    session: Meter | None = None
    start_s: float = 0.0
    quantizing: Quantizing | None = None


@dataclass(frozen=True)
class MidiReport:
    """What became of notes.

    Attributes:
        tracks: As they were written; empty where the file is as it came.
        checks: What the user should know, as sentences.
        is_raw: Whether the file could not be read, and was copied as it came.
    """

    tracks: tuple[NoteTrack, ...]
    checks: tuple[str, ...] = ()
    is_raw: bool = False


def write_notes(
    tracks: Sequence[NoteTrack], target: Path, place: NotePlace, *, title: str = "", stuck: int = 0
) -> MidiReport:
    """Write notes moved, cleaned, quantized where wanted, and at the session's tempo.

    Args:
        stuck: How many stuck notes a reader has released already.

    Raises:
        UsageError: MIDI cannot hold them; see `write_midi`.
        OSError: The file cannot be written.
    """
    cleaned = clean(shifted(tracks, place.shift_s), place.duration_s, stuck=stuck)
    notes, checks = cleaned.tracks, cleaned.checks
    if place.quantizing is not None:
        notes = quantize(notes, place.session or place.meter, place.quantizing, start_s=place.start_s)
        checks = (*checks, _told(place.quantizing))
    last_s = max((note.end_s for track in notes for note in track.notes), default=0.0)
    write_midi(target, notes, place.meter, duration_s=place.duration_s or last_s, title=title)
    if not notes:
        checks = (*checks, "There are no notes in it.")
    return MidiReport(notes, checks)


def conform_midi(source: Path, target: Path, place: NotePlace, *, title: str = "") -> MidiReport:
    """Write a service's own MIDI file anew for the session: type 1, 960 PPQ, its tempo map and a name for every track.

    The notes keep their times in seconds, in which they belong to the audio. A file that cannot be read is copied byte
    by byte, since it was paid for, and `checks` says so.

    Raises:
        OSError: The file cannot be written.
    """
    try:
        content = read_content(source)
        return write_notes(content.tracks, target, place, title=title, stuck=content.stuck)
    except UsageError as problem:
        shutil.copyfile(source, target)
        return MidiReport((), (f"The MIDI file is as the service made it: {problem.what}",), is_raw=True)


def _told(how: Quantizing) -> str:
    swing = "" if how.swing == Quantizing.swing else f" and {how.swing:g} % swing"
    return f"The notes were drawn to the {how.grid} grid with a strength of {how.strength:.0%}{swing}."
