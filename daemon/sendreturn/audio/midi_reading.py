"""Standard MIDI Files to notes in seconds, whoever wrote them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import mido

from sendreturn.audio.general_midi import family_of, is_drum_kit, program_of
from sendreturn.audio.midi_limits import MAX_FILE_BYTES, MAX_NOTES, too_many
from sendreturn.audio.notes import DRUM_CHANNEL, Meter, Note, NoteTrack, TempoChange
from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_Key = tuple[int, int]


@dataclass(frozen=True)
class MidiContent:
    """What a MIDI file holds.

    Attributes:
        tracks: One per instrument, each with a name of its own. Tracks without notes are left out.
        meter: The file's tempo map and time signatures; 120 bpm and 4/4 where it has none.
        stuck: How many notes are never released.
    """

    tracks: tuple[NoteTrack, ...]
    meter: Meter
    stuck: int = 0


def read_content(path: Path) -> MidiContent:
    """The notes of a MIDI file of type 0 or 1; their times follow every tempo change of the file.

    A track that uses several channels becomes one `NoteTrack` per channel. A track without a name is called after its
    program, and one without a program gets the one that fits its name. A note that is never released ends with the next
    attack of its channel, else with its track.

    Raises:
        ClipError: The file is missing, is no such MIDI file, or is absurdly large.
    """
    file = _parse(path)
    tempi = _tempo_map(file.tracks)
    found: list[NoteTrack] = []
    total = stuck = 0
    for track in file.tracks:
        reader = _TrackReader(track, _Clock(tempi, file.ticks_per_beat))
        found += reader.note_tracks()
        stuck += reader.stuck
        total += sum(len(notes) for notes in reader.notes.values())
    if total > MAX_NOTES:
        raise too_many(f"{path.name} holds {total:,} notes")
    return MidiContent(_each_with_its_name(found), _read_meter(file, tempi), stuck)


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
            raise too_many(f"{path.name} has {size:,} bytes, far more than the notes of a song")
        # latin-1 reads any bytes; names that are UTF-8 are decoded afterwards.
        file = mido.MidiFile(str(path), charset="latin-1", clip=True)
    except (OSError, EOFError, ValueError, LookupError, TypeError, mido.KeySignatureError) as error:
        raise ClipError(f"{path.name} could not be read as a MIDI file.", detail=repr(error)) from error
    if file.ticks_per_beat <= 0:
        raise ClipError(f"{path.name} counts in film frames instead of beats, which is not supported.")
    if file.type == 2:
        raise ClipError(f"{path.name} holds independent patterns (MIDI type 2), which is not supported.")
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


def _read_meter(file: Any, tempi: Sequence[tuple[int, int]]) -> Meter:
    signatures = {
        tick: (max(1, message.numerator), message.denominator)
        for track in file.tracks
        for tick, message in _absolute(track)
        if message.type == "time_signature"
    }
    bpm_at = {tick: _bpm(tempo) for tick, tempo in tempi}
    clock = _Clock(tempi, file.ticks_per_beat)
    bpm = bpm_at[0]
    beats, unit = signature = signatures[min(signatures)] if signatures else (4, 4)
    changes: list[TempoChange] = []
    for tick in sorted({*signatures, *bpm_at} - {0}):
        before = (bpm, signature)
        bpm, signature = bpm_at.get(tick, bpm), signatures.get(tick, signature)
        if (bpm, signature) != before:
            changes.append(TempoChange(clock.seconds(tick), bpm, *signature))
    return Meter(bpm_at[0], beats, unit, tuple(changes))


def _bpm(tempo_us: int) -> float:
    # A tempo in whole microseconds is no finer than this; rounding gives back the number that was meant.
    return round(60e6 / tempo_us, 3)


class _TrackReader:
    """Takes a track's messages one by one."""

    def __init__(self, track: Any, clock: _Clock) -> None:
        self.notes = defaultdict[int, list[Note]](list)
        self.stuck = 0
        self._name, self._programs = "", dict[int, int]()
        self._sounding: dict[_Key, tuple[float, int]] = {}
        self._attacks = defaultdict[int, list[float]](list)
        now_s = 0.0
        for tick, message in _absolute(track):
            now_s = clock.seconds(tick)
            self._take(message, now_s)
        self._release_the_stuck(now_s)

    def note_tracks(self) -> Iterator[NoteTrack]:
        filled = {channel: sorted(found) for channel, found in self.notes.items() if found}
        for channel, found in sorted(filled.items()):
            is_drums = channel == DRUM_CHANNEL or (channel not in self._programs and is_drum_kit(self._name))
            program = 0 if is_drums else self._programs.get(channel, program_of(self._name))
            called = "drums" if is_drums else family_of(program)
            name = self._name if self._name and len(filled) == 1 else f"{self._name} {called}".strip()
            yield NoteTrack(name, tuple(found), program, is_drums)

    def _take(self, message: Any, now_s: float) -> None:
        if message.type == "track_name":
            self._name = _decoded(message.name) or self._name
        elif message.type == "program_change":
            self._programs.setdefault(message.channel, message.program)
        elif message.type in {"note_on", "note_off"}:
            self._take_note(message, now_s)

    def _take_note(self, message: Any, now_s: float) -> None:
        key = (message.channel, message.note)
        if key in self._sounding:
            start_s, velocity = self._sounding.pop(key)
            self._keep(message.channel, Note(start_s, now_s, message.note, velocity))
        if message.type == "note_on" and message.velocity > 0:
            self._sounding[key] = (now_s, message.velocity)
            self._attacks[message.channel].append(now_s)

    def _release_the_stuck(self, end_s: float) -> None:
        self.stuck = len(self._sounding)
        for (channel, pitch), (start_s, velocity) in self._sounding.items():
            next_s = next((at_s for at_s in self._attacks[channel] if at_s > start_s), end_s)
            self._keep(channel, Note(start_s, next_s, pitch, velocity))

    def _keep(self, channel: int, note: Note) -> None:
        if note.end_s > note.start_s:
            self.notes[channel].append(note)


def _decoded(name: str) -> str:
    try:
        return name.encode("latin-1").decode("utf-8").strip("\0 \t\r\n")
    except UnicodeDecodeError:
        return name.strip("\0 \t\r\n")


def _each_with_its_name(tracks: Iterable[NoteTrack]) -> tuple[NoteTrack, ...]:
    """A DAW's tracks are told apart by their names: the second "piano" is "piano 2"."""
    seen = Counter[str]()
    named = []
    for track in tracks:
        seen[track.name] += 1
        count = seen[track.name]
        named.append(track if count == 1 else replace(track, name=f"{track.name} {count}"))
    return tuple(named)
