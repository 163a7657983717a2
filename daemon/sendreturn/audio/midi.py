"""Notes to Standard MIDI Files and back.

Files are of type 1 at `words.MIDI_PPQ`. Track 0 holds the title, the tempo map and the time signatures, and each
instrument has a named track with its General MIDI program on a channel of its own, so that a DAW shows the names and
plays fitting sounds. Ticks are counted along the meter's tempo map: a note on a beat of the session is on that beat in
the DAW, to the tick.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import mido

from sendreturn.audio.midi_limits import MAX_NOTES, MAX_TEMPO_US, too_many
from sendreturn.audio.midi_reading import read_content
from sendreturn.audio.notes import DRUM_CHANNEL, Meter, Note, NoteTrack, TempoChange
from sendreturn.errors import UsageError
from sendreturn.words import MIDI_PPQ

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from sendreturn.audio.notes import Timeline

_MELODIC_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
_Span = tuple[int, int, Note]


def write_midi(path: Path, tracks: Sequence[NoteTrack], meter: Meter, *, duration_s: float, title: str = "") -> None:
    """Write `tracks` as a MIDI file of type 1 that starts where the clip starts.

    Notes of one pitch never overlap (the later one cuts the earlier one short), none is shorter than a tick, and none
    sounds before the clip or after its end. More than 15 melodic tracks share channels from the 16th on.

    Args:
        duration_s: Length of the clip; every track ends there.
        title: Name of the file's first track.

    Raises:
        UsageError: There are too many notes, or a tempo, meter, pitch or time that MIDI cannot express.
        OSError: The file cannot be written.
    """
    _check_meter(meter)
    _check_notes(tracks)
    timeline = meter.timeline
    end_tick = max(1, _to_tick(duration_s, timeline))
    # Names beyond ASCII are written as UTF-8, which the DAWs of today read; the standard names no encoding.
    file = mido.MidiFile(type=1, ticks_per_beat=MIDI_PPQ, charset="utf-8")
    file.tracks.append(_conductor_track(meter, timeline, title, end_tick))
    for track, channel in zip(tracks, _channels(tracks), strict=True):
        file.tracks.append(_note_track(track, channel, _spans(track.notes, timeline, end_tick), end_tick))
    file.save(str(path))


def read_midi(path: Path) -> tuple[tuple[NoteTrack, ...], Meter]:
    """The notes of a MIDI file, and its tempo map; see `midi_reading.read_content`.

    Raises:
        ClipError: The file is missing, is no MIDI file that can be read, or is absurdly large.
    """
    content = read_content(path)
    return content.tracks, content.meter


def _to_tick(time_s: float, timeline: Timeline) -> int:
    return round(timeline.quarters(time_s) * MIDI_PPQ)


def _steps(meter: Meter) -> tuple[TempoChange, ...]:
    """The whole tempo map, from the clip's start on."""
    return (TempoChange(0.0, meter.bpm, meter.beats, meter.beat_unit), *meter.changes)


def _check_meter(meter: Meter) -> None:
    for step in _steps(meter):
        if not (math.isfinite(step.bpm) and 60e6 / MAX_TEMPO_US <= step.bpm <= 1000):
            what = f"A MIDI file cannot hold a tempo of {step.bpm:g} bpm."
            raise UsageError(what, "It must lie between 4 and 1000 bpm.")
        unit = step.denominator
        power_of_two = unit > 0 and unit & (unit - 1) == 0
        if not (1 <= step.numerator <= 255 and power_of_two and unit <= 64):
            what = f"A MIDI file cannot hold the time signature {step.numerator}/{unit}."
            raise UsageError(what, "Its lower number must be 1, 2, 4, 8, 16, 32 or 64.")


def _check_notes(tracks: Sequence[NoteTrack]) -> None:
    total = sum(len(track.notes) for track in tracks)
    if total > MAX_NOTES:
        raise too_many(f"The transcription holds {total:,} notes")
    for track in tracks:
        for note in track.notes:
            if not (math.isfinite(note.start_s) and math.isfinite(note.end_s) and 0 <= note.pitch <= 127):
                raise UsageError(
                    f"Track {track.name!r} has a note that MIDI cannot hold: pitch {note.pitch} at {note.start_s:g} s."
                )


def _channels(tracks: Sequence[NoteTrack]) -> Iterator[int]:
    melodic = 0
    for track in tracks:
        if track.is_drums:
            yield DRUM_CHANNEL
        else:
            yield _MELODIC_CHANNELS[melodic % len(_MELODIC_CHANNELS)]
            melodic += 1


def _spans(notes: Iterable[Note], timeline: Timeline, end_tick: int) -> list[_Span]:
    """(first tick, last tick, note), at most one note sounding at each pitch, all inside the file."""
    by_pitch: dict[int, list[_Span]] = defaultdict(list)
    for note in sorted(notes):
        start = max(0, _to_tick(note.start_s, timeline))
        end = min(end_tick, max(_to_tick(note.end_s, timeline), start + 1))
        if (note.start_s < 0 and note.end_s <= 0) or start >= end_tick:
            continue
        _append_span(by_pitch[note.pitch], (start, end, note))
    return [span for spans in by_pitch.values() for span in spans]


def _append_span(spans: list[_Span], span: _Span) -> None:
    start, end, note = span
    if spans and spans[-1][1] > start:
        earlier_start, earlier_end, earlier = spans.pop()
        if earlier_start == start:
            louder = earlier if earlier.velocity >= note.velocity else note
            span = (start, max(end, earlier_end), louder)
        else:
            spans.append((earlier_start, start, earlier))
    spans.append(span)


def _conductor_track(meter: Meter, timeline: Timeline, title: str, end_tick: int) -> Any:
    messages = [(0, mido.MetaMessage("track_name", name=_storable(title))), *_tempo_messages(meter, timeline, end_tick)]
    written = mido.MidiTrack()
    at = 0
    for tick, message in (*messages, (end_tick, mido.MetaMessage("end_of_track"))):
        written.append(message.copy(time=tick - at))
        at = tick
    return written


def _tempo_messages(meter: Meter, timeline: Timeline, end_tick: int) -> Iterator[tuple[int, Any]]:
    bpm, signature = 0.0, (0, 0)
    # Of changes that fall on one tick, only the last one holds.
    steps = {_to_tick(step.at_s, timeline): step for step in _steps(meter)}
    for tick, step in steps.items():
        if tick >= end_tick:
            return
        if bpm != step.bpm:
            bpm = step.bpm
            yield tick, mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm))
        if signature != (step.numerator, step.denominator):
            beats, unit = signature = step.numerator, step.denominator
            yield tick, mido.MetaMessage("time_signature", numerator=beats, denominator=unit)


def _note_track(track: NoteTrack, channel: int, spans: Iterable[_Span], end_tick: int) -> Any:
    written = mido.MidiTrack([mido.MetaMessage("track_name", name=_storable(track.name), time=0)])
    if not track.is_drums:
        program = min(127, max(0, track.program))
        written.append(mido.Message("program_change", channel=channel, program=program, time=0))
    at = 0
    for tick, is_on, pitch, velocity in sorted(_events(spans)):
        kind = "note_on" if is_on else "note_off"
        written.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=tick - at))
        at = tick
    written.append(mido.MetaMessage("end_of_track", time=end_tick - at))
    return written


def _events(spans: Iterable[_Span]) -> Iterator[tuple[int, bool, int, int]]:
    # Sorted, a release comes before the attacks of its tick: a repeated note is let go before it sounds again.
    for start, end, note in spans:
        yield start, True, note.pitch, min(127, max(1, note.velocity))
        yield end, False, note.pitch, 0


def _storable(name: str) -> str:
    """The name without what UTF-8 cannot hold: file names of other systems may have such characters."""
    return name.encode("utf-8", "replace").decode("utf-8")
