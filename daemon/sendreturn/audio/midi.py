"""Notes to Standard MIDI Files and back.

Files are of type 1 at `words.MIDI_PPQ`. Track 0 holds the title, the tempo and the time signature, and each instrument
has a named track with its General MIDI program on a channel of its own, so that a DAW shows the names and plays fitting
sounds. Ticks are counted at the meter's tempo: a note on a beat of the session is on that beat in the DAW, to the tick.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import mido

from sendreturn.audio.notes import DRUM_CHANNEL, Meter, Note, NoteTrack
from sendreturn.errors import ClipError, UsageError
from sendreturn.words import MIDI_PPQ

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MAX_NOTES = 200_000
"""More than a thousand notes a minute for three hours; anything above is a fault and would choke a DAW."""
MAX_FILE_BYTES = 2 * 1024 * 1024
"""A file of `MAX_NOTES` notes is about this large. Checked before parsing, which is slow and takes a lot of memory."""
MAX_TEMPO_US = 0xFFFFFF
"""A tempo event holds microseconds per quarter note in three bytes (Standard MIDI Files 1.0)."""

GHOST_S = 0.03
GHOST_VELOCITY = 12
STUTTER_GAP_S = 0.03
STUTTER_S = 0.06
DRUM_REBOUND_S = 0.025

_MELODIC_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
_Key = tuple[int, int]
_Span = tuple[int, int, Note]


def write_midi(
    path: Path,
    tracks: Sequence[NoteTrack],
    meter: Meter,
    *,
    duration_s: float,
    title: str = "",
    offset_s: float = 0.0,
) -> None:
    """Write `tracks` as a MIDI file of type 1.

    Notes of one pitch never overlap (the later one cuts the earlier one short), none is shorter than a tick, and none
    sounds after the end of the clip. More than 15 melodic tracks share channels from the 16th on.

    Args:
        duration_s: Length of the clip; every track ends there.
        title: Name of the file's first track.
        offset_s: Where the clip's start lies in the file; what comes to lie before the file's start is cut off.

    Raises:
        UsageError: There are too many notes, or a tempo, meter, pitch or time that MIDI cannot express.
        OSError: The file cannot be written.
    """
    _check_meter(meter)
    _check_notes(tracks)
    end_tick = max(1, _to_tick(offset_s + duration_s, meter))
    # Names beyond ASCII are written as UTF-8, which the DAWs of today read; the standard names no encoding.
    file = mido.MidiFile(type=1, ticks_per_beat=MIDI_PPQ, charset="utf-8")
    file.tracks.append(_conductor_track(meter, title, end_tick))
    for track, channel in zip(tracks, _channels(tracks), strict=True):
        spans = _spans(track.notes, meter, offset_s, end_tick)
        file.tracks.append(_note_track(track, channel, spans, end_tick))
    file.save(str(path))


def read_midi(path: Path) -> tuple[tuple[NoteTrack, ...], Meter]:
    """The notes of a MIDI file, with the first tempo and time signature in it (120 bpm and 4/4 where there is none).

    Times follow every tempo change of the file. A track that uses several channels becomes one `NoteTrack` per channel;
    tracks without notes are left out. A note that is never released ends with its track.

    Raises:
        ClipError: The file is missing, is no MIDI file, or is absurdly large.
    """
    file = _parse(path)
    tempi = _tempo_map(file.tracks)
    found: list[NoteTrack] = []
    total = 0
    for index, track in enumerate(file.tracks):
        for note_track in _read_track(track, _Clock(tempi, file.ticks_per_beat), f"track {index}"):
            total += len(note_track.notes)
            found.append(note_track)
    if total > MAX_NOTES:
        raise _too_many(f"{path.name} holds {total:,} notes")
    return tuple(found), _read_meter(file.tracks, tempi)


def clean(tracks: Iterable[NoteTrack]) -> tuple[NoteTrack, ...]:
    """The tracks with their notes sorted, ghost notes dropped and stutters joined; tracks left empty are dropped.

    A ghost is a note both very short and very soft. A stutter is one note that a transcriber has broken in two: the
    same pitch goes on after a gap of at most 30 ms and one of the pieces is shorter than 60 ms. Real repeated notes are
    longer than that. On a drum track, where lengths mean nothing, strokes of one drum within 25 ms are one stroke.
    """
    cleaned = (replace(track, notes=tuple(_clean_notes(track))) for track in tracks)
    return tuple(track for track in cleaned if track.notes)


# Writing


def _to_tick(time_s: float, meter: Meter) -> int:
    return round(time_s * meter.bpm / 60.0 * MIDI_PPQ)


def _check_meter(meter: Meter) -> None:
    if not (math.isfinite(meter.bpm) and 60e6 / MAX_TEMPO_US <= meter.bpm <= 1000):
        raise UsageError(
            f"A MIDI file cannot hold a tempo of {meter.bpm:g} bpm.", "It must lie between 4 and 1000 bpm."
        )
    power_of_two = meter.beat_unit > 0 and meter.beat_unit & (meter.beat_unit - 1) == 0
    if not (1 <= meter.beats <= 255 and power_of_two and meter.beat_unit <= 64):
        raise UsageError(
            f"A MIDI file cannot hold the time signature {meter.signature}.",
            "Its lower number must be 1, 2, 4, 8, 16, 32 or 64.",
        )


def _check_notes(tracks: Sequence[NoteTrack]) -> None:
    total = sum(len(track.notes) for track in tracks)
    if total > MAX_NOTES:
        raise _too_many(f"The transcription holds {total:,} notes")
    for track in tracks:
        for note in track.notes:
            if not (math.isfinite(note.start_s) and math.isfinite(note.end_s) and 0 <= note.pitch <= 127):
                raise UsageError(
                    f"Track {track.name!r} has a note that MIDI cannot hold: pitch {note.pitch} at {note.start_s:g} s."
                )


def _too_many(what: str) -> UsageError:
    return ClipError(f"{what}, and a MIDI file here may hold at most {MAX_NOTES:,}.", "Use a shorter clip.")


def _channels(tracks: Sequence[NoteTrack]) -> Iterator[int]:
    melodic = 0
    for track in tracks:
        if track.is_drums:
            yield DRUM_CHANNEL
        else:
            yield _MELODIC_CHANNELS[melodic % len(_MELODIC_CHANNELS)]
            melodic += 1


def _spans(notes: Iterable[Note], meter: Meter, offset_s: float, end_tick: int) -> list[_Span]:
    """(first tick, last tick, note), at most one note sounding at each pitch, all inside the file."""
    by_pitch: dict[int, list[_Span]] = defaultdict(list)
    for note in sorted(notes):
        start = max(0, _to_tick(note.start_s + offset_s, meter))
        end = min(end_tick, max(_to_tick(note.end_s + offset_s, meter), start + 1))
        begins_before = note.start_s + offset_s < 0
        if (begins_before and note.end_s + offset_s <= 0) or start >= end_tick:
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


def _conductor_track(meter: Meter, title: str, end_tick: int) -> Any:
    return mido.MidiTrack(
        [
            mido.MetaMessage("track_name", name=title, time=0),
            mido.MetaMessage("set_tempo", tempo=round(60e6 / meter.bpm), time=0),
            mido.MetaMessage("time_signature", numerator=meter.beats, denominator=meter.beat_unit, time=0),
            mido.MetaMessage("end_of_track", time=end_tick),
        ]
    )


def _note_track(track: NoteTrack, channel: int, spans: Iterable[_Span], end_tick: int) -> Any:
    written = mido.MidiTrack([mido.MetaMessage("track_name", name=track.name, time=0)])
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


# Reading


class _Clock:
    """Ticks, asked for in rising order, to seconds along a tempo map of (tick, microseconds per quarter note)."""

    def __init__(self, tempi: Sequence[tuple[int, int]], ppq: int) -> None:
        self._tempi = tempi
        self._ppq = ppq
        self._next = 1
        self._anchor_tick, self._anchor_s, self._tempo = 0, 0.0, tempi[0][1]

    def seconds(self, tick: int) -> float:
        while self._next < len(self._tempi) and self._tempi[self._next][0] <= tick:
            change, tempo = self._tempi[self._next]
            self._anchor_s = self._since_anchor(change)
            self._anchor_tick, self._tempo = change, tempo
            self._next += 1
        return self._since_anchor(tick)

    def _since_anchor(self, tick: int) -> float:
        return self._anchor_s + (tick - self._anchor_tick) * self._tempo / (self._ppq * 1e6)


def _parse(path: Path) -> Any:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise _too_many(f"{path.name} has {size:,} bytes, far more than the notes of a song")
        # latin-1 reads any bytes; names that are UTF-8 are decoded afterwards.
        file = mido.MidiFile(str(path), charset="latin-1", clip=True)
    except (OSError, EOFError, ValueError, LookupError, TypeError, mido.KeySignatureError) as error:
        raise ClipError(f"{path.name} could not be read as a MIDI file.", detail=repr(error)) from error
    if file.ticks_per_beat <= 0:
        raise ClipError(f"{path.name} counts in film frames instead of beats, which is not supported.")
    return file


def _absolute(track: Any) -> Iterator[tuple[int, Any]]:
    tick = 0
    for message in track:
        tick += message.time
        yield tick, message


def _tempo_map(tracks: Iterable[Any]) -> list[tuple[int, int]]:
    changes = [(t, m.tempo) for track in tracks for t, m in _absolute(track) if m.type == "set_tempo" and m.tempo > 0]
    changes.sort(key=lambda change: change[0])
    # The first tempo also holds for what lies before it.
    return [(0, changes[0][1] if changes else 500_000), *changes]


def _read_meter(tracks: Iterable[Any], tempi: Sequence[tuple[int, int]]) -> Meter:
    messages = [timed for track in tracks for timed in _absolute(track)]
    signatures = [(tick, m.numerator, m.denominator) for tick, m in messages if m.type == "time_signature"]
    beats, unit = min(signatures)[1:] if signatures else (4, 4)
    # A tempo in whole microseconds is no finer than this; rounding gives back the number that was meant.
    return Meter(round(60e6 / tempi[0][1], 3), max(1, beats), unit)


def _read_track(track: Any, clock: _Clock, fallback: str) -> Iterator[NoteTrack]:
    name, programs, notes = fallback, dict[int, int](), defaultdict[int, list[Note]](list)
    sounding: dict[_Key, tuple[float, int]] = {}
    now_s = 0.0
    for tick, message in _absolute(track):
        now_s = clock.seconds(tick)
        if message.type == "track_name":
            name = _decoded(message.name) or fallback
        elif message.type == "program_change":
            programs.setdefault(message.channel, message.program)
        elif message.type in {"note_on", "note_off"}:
            _take_note(message, now_s, sounding, notes[message.channel])
    for (channel, pitch), (start_s, velocity) in sounding.items():
        _keep(notes[channel], Note(start_s, now_s, pitch, velocity))
    filled = {channel: sorted(found) for channel, found in notes.items() if found}
    for channel, found in sorted(filled.items()):
        label = name if len(filled) == 1 else f"{name} {channel + 1}"
        yield NoteTrack(label, tuple(found), programs.get(channel, 0), is_drums=channel == DRUM_CHANNEL)


def _take_note(message: Any, now_s: float, sounding: dict[_Key, tuple[float, int]], notes: list[Note]) -> None:
    key = (message.channel, message.note)
    if key in sounding:
        start_s, velocity = sounding.pop(key)
        _keep(notes, Note(start_s, now_s, message.note, velocity))
    if message.type == "note_on" and message.velocity > 0:
        sounding[key] = (now_s, message.velocity)


def _keep(notes: list[Note], note: Note) -> None:
    if note.end_s > note.start_s:
        notes.append(note)


def _decoded(name: str) -> str:
    try:
        return name.encode("latin-1").decode("utf-8").strip()
    except UnicodeDecodeError:
        return name.strip()


# Cleaning


def _clean_notes(track: NoteTrack) -> list[Note]:
    heard = [note for note in track.notes if track.is_drums or not _is_ghost(note)]
    heard.sort(key=lambda note: (note.pitch, note.start_s))
    are_one = _is_rebound if track.is_drums else _is_stutter
    joined: list[Note] = []
    for note in heard:
        if joined and joined[-1].pitch == note.pitch and are_one(joined[-1], note):
            joined[-1] = _joined(joined[-1], note)
        else:
            joined.append(note)
    return sorted(joined)


def _is_ghost(note: Note) -> bool:
    length_s = note.end_s - note.start_s
    return length_s <= 0 or (length_s < GHOST_S and note.velocity < GHOST_VELOCITY)


def _joined(first: Note, second: Note) -> Note:
    return Note(first.start_s, max(first.end_s, second.end_s), first.pitch, max(first.velocity, second.velocity))


def _is_stutter(first: Note, second: Note) -> bool:
    shortest_s = min(first.end_s - first.start_s, second.end_s - second.start_s)
    return second.start_s - first.end_s <= STUTTER_GAP_S and shortest_s < STUTTER_S


def _is_rebound(first: Note, second: Note) -> bool:
    return second.start_s - first.start_s < DRUM_REBOUND_S
