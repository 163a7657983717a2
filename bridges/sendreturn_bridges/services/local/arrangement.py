"""Who plays what in a cover: roles of the transcribed notes, and how a part plays them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING

from sendreturn.audio.notes import Meter, Note, NoteTrack

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Notes = tuple[Note, ...]


class Role(StrEnum):
    """What a line does in the music, whatever plays it."""

    MELODY = "melody"
    COUNTER = "counter-melody"
    CHORDS = "chords"
    PAD = "pad"
    BASS = "bass"
    DRUMS = "drums"


@dataclass(frozen=True)
class Groove:
    """A light drum pattern, in beats of the meter.

    Attributes:
        kicks: strong (the bar's strong beats), every (each beat) or first.
        back_key: The drum of the backbeats, a General MIDI key; 0 for none.
        pulse_key: The drum that keeps time.
        pulses: How many of it in a beat; 3 swings: only the first and the last of the three are played.
        velocity: Of a pulse on the beat.
    """

    kicks: str
    back_key: int
    pulse_key: int
    pulses: int
    velocity: int = 58


@dataclass(frozen=True)
class Manner:
    """How a part plays its notes.

    Attributes:
        register: Lowest and highest MIDI key between which the part's middle should lie; whole octaves bring it there.
        hold: played, legato (until the next note), or short.
        arpeggio_beats: Plays chords note after note, each this long; 0 plays them at once.
    """

    register: tuple[int, int]
    hold: str = "played"
    arpeggio_beats: float = 0.0


_ROLES_BY_NAME = {
    "vocals": Role.MELODY,
    "lead": Role.MELODY,
    "melody": Role.MELODY,
    "backing_vocals": Role.COUNTER,
    "brass": Role.COUNTER,
    "woodwinds": Role.COUNTER,
    "bass": Role.BASS,
    "keyboard": Role.CHORDS,
    "keys": Role.CHORDS,
    "piano": Role.CHORDS,
    "guitar": Role.CHORDS,
    "chords": Role.CHORDS,
    "strings": Role.CHORDS,
}
_SINGLE_LINE = 1.3
"""More notes at a time, on average, are chords."""
_BASS_BELOW = 52
_MELODY_FROM = 60
_TOGETHER_S = 0.04
_SHORT_S = 0.18
_LONGEST_BRIDGED_S = 2.0


def assign_roles(tracks: Sequence[NoteTrack]) -> dict[Role, Notes]:
    """The notes of each role, in order of time.

    A track's name decides where it says enough, else its range and how many notes sound at a time. Where no track is
    the bass or the melody, the lowest or the highest line is taken out of the chords.
    """
    roles: dict[Role, list[Note]] = {}
    for track in tracks:
        if track.notes:
            role = Role.DRUMS if track.is_drums else _role_of(track)
            if role is Role.MELODY and role in roles:
                role = Role.COUNTER
            roles.setdefault(role, []).extend(track.notes)
    if Role.CHORDS in roles:
        _split_chords(roles)
    return {role: tuple(sorted(notes)) for role, notes in roles.items() if notes}


def play_in(manner: Manner, notes: Notes, meter: Meter) -> Notes:
    """The notes as a part of this manner plays them; onsets stay, but for an arpeggio's."""
    played = _held(manner.hold, _moved(manner.register, notes))
    return _arpeggiated(played, manner.arpeggio_beats * beat_s(meter)) if manner.arpeggio_beats else played


def beat_s(meter: Meter) -> float:
    """Length of one beat of the meter (its lower number) in seconds."""
    return 60 / meter.bpm * 4 / meter.beat_unit


def lay_groove(groove: Groove, meter: Meter, duration_s: float) -> Notes:
    """The pattern from the clip's start, taken for a downbeat, to its end."""
    one_s = beat_s(meter)
    bar = tuple(_groove_bar(groove, meter.beats))
    bars = int(duration_s / (one_s * meter.beats)) + 1
    hits = (
        Note(at, at + 0.1, key, velocity)
        for number in range(bars)
        for beat, key, velocity in bar
        if (at := (number * meter.beats + beat) * one_s) < duration_s
    )
    return tuple(sorted(hits))


def _groove_bar(groove: Groove, beats: int) -> Iterable[tuple[float, int, int]]:
    """(beat, drum key, velocity) of one bar."""
    group = 3 if beats % 3 == 0 and beats > 3 else 2
    for beat in range(beats):
        strong = beat % group == 0
        if groove.kicks == "every" or beat == 0 or (groove.kicks == "strong" and strong and beats != 3):
            yield beat, 36, 92 if beat == 0 else 82
        back = beat == 3 if group == 3 else (beat % 2 == 1 if beats != 3 else beat > 0)
        if groove.back_key and back:
            yield beat, groove.back_key, 80
        for pulse in range(groove.pulses):
            if groove.pulses != 3 or pulse == 0 or (pulse == 2 and not strong):
                yield beat + pulse / groove.pulses, groove.pulse_key, groove.velocity - (0 if pulse == 0 else 16)


def _role_of(track: NoteTrack) -> Role:
    named = _ROLES_BY_NAME.get(track.name.strip().lower())
    if named is not None:
        return named
    if _voices(track.notes) > _SINGLE_LINE:
        return Role.CHORDS
    return Role.BASS if median(note.pitch for note in track.notes) < _BASS_BELOW - 2 else Role.MELODY


def _voices(notes: Sequence[Note]) -> float:
    """How many notes sound at a time on average, where any does."""
    sounding_s = sum(max(0.0, note.end_s - note.start_s) for note in notes)
    covered_s, until_s = 0.0, float("-inf")
    for note in sorted(notes):
        covered_s += max(0.0, note.end_s - max(note.start_s, until_s))
        until_s = max(until_s, note.end_s)
    return sounding_s / covered_s if covered_s > 0 else 1.0


def _split_chords(roles: dict[Role, list[Note]]) -> None:
    low, high, middle = _lines(roles[Role.CHORDS])
    if Role.BASS not in roles:
        roles[Role.BASS] = low
    else:
        middle += low
    if Role.MELODY not in roles:
        roles[Role.MELODY] = high
    else:
        middle += high
    roles[Role.CHORDS] = middle


def _lines(notes: Sequence[Note]) -> tuple[list[Note], list[Note], list[Note]]:
    """The lowest line, the highest line, and what lies between."""
    low: list[Note] = []
    high: list[Note] = []
    middle: list[Note] = []
    ordered = sorted(notes)
    around: list[Note] = []
    ahead = 0
    for note in ordered:
        while ahead < len(ordered) and ordered[ahead].start_s <= note.start_s + _TOGETHER_S:
            around.append(ordered[ahead])
            ahead += 1
        around = [other for other in around if other.end_s > note.start_s]
        pitches = [other.pitch for other in around] or [note.pitch]
        if note.pitch >= _MELODY_FROM and note.pitch >= max(pitches):
            high.append(note)
        elif note.pitch < _BASS_BELOW and note.pitch <= min(pitches):
            low.append(note)
        else:
            middle.append(note)
    return low, high, middle


def _moved(register: tuple[int, int], notes: Notes) -> Notes:
    middle = median(note.pitch for note in notes)
    low, high = register
    if low <= middle <= high:
        return notes
    octaves = round(((low + high) / 2 - middle) / 12)
    return tuple(replace(note, pitch=min(127, max(0, note.pitch + 12 * octaves))) for note in notes)


def _held(hold: str, notes: Notes) -> Notes:
    if hold == "short":
        return tuple(replace(note, end_s=min(note.end_s, note.start_s + _SHORT_S)) for note in notes)
    if hold == "legato":
        return _joined(notes)
    return notes


def _joined(notes: Notes) -> Notes:
    """Every note lasts until the next one that does not start together with it, unless a rest lies between."""
    joined: list[Note] = []
    onset_s = next_s = float("inf")
    for note in reversed(notes):
        if note.start_s < onset_s - _TOGETHER_S:
            onset_s, next_s = note.start_s, onset_s
        bridged = note.end_s < next_s <= note.end_s + _LONGEST_BRIDGED_S
        joined.append(replace(note, end_s=next_s) if bridged else note)
    return tuple(reversed(joined))


def _arpeggiated(notes: Notes, step_s: float) -> Notes:
    """Chords, note after note from the lowest up, again and again as long as they were held."""
    played: list[Note] = []
    for chord in _chords(notes):
        start_s, end_s = chord[0].start_s, max(note.end_s for note in chord)
        upwards = sorted(chord, key=lambda note: note.pitch)
        for number in range(max(1, round((end_s - start_s) / step_s))):
            at_s = start_s + number * step_s
            played.append(replace(upwards[number % len(upwards)], start_s=at_s, end_s=at_s + 0.9 * step_s))
    return tuple(sorted(played))


def _chords(notes: Notes) -> list[list[Note]]:
    """Notes that start together."""
    chords: list[list[Note]] = []
    for note in notes:
        if chords and note.start_s - chords[-1][0].start_s <= _TOGETHER_S:
            chords[-1].append(note)
        else:
            chords.append([note])
    return chords
