"""The demo's clip: eight bars written for it, whose every note is known.

The song is in D minor at 100 quarter notes per minute, 19.2 s long, so that every sixteenth note falls on a whole
sample at 48 kHz. It loops: its last bar leads back to its first. Transcription and separation can be measured against
its notes and its stems.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.synth import Mixdown, Sound, mix_down, render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendreturn.audio.buffer import Audio

BARS = 8
_METER = Meter(bpm=100.0, beats=4, beat_unit=4)
_GAIN_DB = -1.5


@dataclass(frozen=True)
class Song:
    """Notes with their meter. Track names are standard stem names."""

    tracks: tuple[NoteTrack, ...]
    meter: Meter
    duration_s: float


Phrase = tuple[tuple[float, float, int, int], ...]
"""One bar: (beat in the bar from 0, length in beats, MIDI key, velocity) of each note."""

_CHORDS: tuple[tuple[int, ...], ...] = (
    (53, 57, 60, 64),  # Dm9
    (55, 57, 60, 64),  # Am7
    (53, 57, 60, 62),  # B♭maj9
    (52, 55, 57, 62),  # C6/9
    (53, 57, 60, 64),  # Dm9
    (53, 57, 60, 67),  # Fadd9 over A
    (53, 57, 58, 62),  # Gm9
    (55, 57, 62, 64),  # A7sus4 …
)
_LAST_CHORD = (55, 57, 61, 64)
"""… which becomes A7 in the middle of the last bar."""
_COMPING = ((0.0, 1.25, 84), (1.5, 0.25, 62), (2.5, 1.25, 78))

# One bar to a line: beat:length:key:velocity of each note.
_BASS = (
    "0:1.25:38:104  1.5:0.25:38:70  2:0.75:45:92  2.75:0.25:43:66  3:0.5:41:90  3.5:0.5:43:86",
    "0:1.25:45:102  1.5:0.25:45:68  2:0.75:40:92  3:0.5:43:88  3.5:0.5:45:84",
    "0:1.25:46:104  1.5:0.25:46:70  2:0.75:41:92  2.75:0.25:41:66  3:0.5:45:88  3.5:0.5:46:86",
    "0:1.25:36:104  1.5:0.25:36:70  2:0.75:43:92  3:0.5:40:90  3.5:0.5:37:84",
    "0:1.25:38:106  1.5:0.25:38:70  2:0.75:45:92  2.75:0.25:48:68  3:0.5:50:90  3.5:0.5:48:84",
    "0:1.25:45:102  1.5:0.25:45:68  2:0.75:41:94  3:0.5:45:88  3.5:0.5:44:82",
    "0:1.25:43:104  1.5:0.25:43:70  2:0.75:38:92  2.75:0.25:41:66  3:0.5:43:90  3.5:0.5:44:84",
    "0:1.25:45:104  1.5:0.25:45:70  2:0.75:40:94  3:0.5:43:90  3.5:0.5:37:88",
)
_MELODY = (
    "0.5:0.45:69:84  1:0.95:74:98  2:0.45:76:90  2.5:0.95:77:102  3.5:0.45:76:84",
    "0:1.4:72:96  1.5:0.45:69:80  2:1.4:72:92",
    "0.5:0.45:74:86  1:0.7:77:98  1.75:0.2:79:82  2:0.95:77:98  3:0.45:74:88  3.5:0.45:72:80",
    "0:1.4:76:100  1.5:0.45:74:82  2:1.4:67:88",
    "0.5:0.45:69:86  1:0.45:74:94  1.5:0.45:77:98  2:1.4:81:110  3.5:0.45:79:92",
    "0:0.95:77:100  1:0.45:76:88  1.5:1.7:72:94",
    "0:0.45:70:84  0.5:0.45:74:92  1:0.95:77:102  2:0.45:76:90  2.5:0.45:74:86  3:0.9:72:90",
    "0:1.7:74:98  2:0.45:73:92  2.5:0.45:76:88  3:0.8:69:84",
)

_KICKS = ((0.0, 112), (1.75, 70), (2.5, 100))
_SNARES = ((1.0, 104), (3.0, 108))
_GHOSTS = ((1.75, 30), (2.25, 26), (3.75, 34))
_HATS = ((0.0, 82), (0.5, 58), (1.0, 76), (1.5, 60), (2.0, 82), (2.5, 58), (3.0, 76), (3.5, 62))
_GHOST_HATS = ((0.75, 28), (2.75, 30))
_FILL = (
    (2.0, 50, 84), (2.25, 50, 70), (2.5, 47, 90), (2.75, 47, 76),
    (3.0, 38, 100), (3.25, 38, 66), (3.5, 45, 104), (3.75, 45, 88),
)  # fmt: skip

_SOUNDS = {
    "drums": Sound("acoustic_kit", reverb=0.08, room_s=0.5),
    "bass": Sound("finger_bass", gain_db=0.5, reverb=0.0),
    "keyboard": Sound("electric_piano", gain_db=-2.0, chorus=0.5, reverb=0.15, pan=-0.12),
    "vocals": Sound("ooh", gain_db=1.5, reverb=0.22, room_s=1.3, pan=0.06),
}


def demo_song() -> Song:
    """The notes; always the same."""
    tracks = (
        NoteTrack("drums", _in_time(_drum_bar(bar) for bar in range(BARS)), is_drums=True),
        NoteTrack("bass", _in_time(map(_read, _BASS)), program=33),
        NoteTrack("keyboard", _in_time(_chord_bar(bar) for bar in range(BARS)), program=4),
        NoteTrack("vocals", _in_time(map(_read, _MELODY)), program=53),
    )
    return Song(tracks, _METER, BARS * _METER.beats * 60 / _METER.bpm)


def render_demo(rate_hz: int = 48_000) -> Audio:
    """The song as one stereo clip."""
    return _demo(rate_hz).mix


def render_demo_stems(rate_hz: int = 48_000) -> dict[str, Audio]:
    """The song's stems (drums, bass, keyboard, vocals); their sum is `render_demo`."""
    return dict(_demo(rate_hz).stems)


@lru_cache(maxsize=2)
def _demo(rate_hz: int) -> Mixdown:
    song = demo_song()
    stems = render(song.tracks, _SOUNDS, rate_hz=rate_hz, duration_s=song.duration_s)
    return mix_down(stems, gain_db=_GAIN_DB)


def _in_time(bars: Iterable[Phrase]) -> tuple[Note, ...]:
    beat_s = 60 / _METER.bpm
    notes = (
        Note((bar * _METER.beats + beat) * beat_s, (bar * _METER.beats + beat + beats) * beat_s, key, velocity)
        for bar, phrase in enumerate(bars)
        for beat, beats, key, velocity in phrase
    )
    return tuple(sorted(notes))


def _read(bar: str) -> Phrase:
    fields = (note.split(":") for note in bar.split())
    return tuple((float(beat), float(beats), int(key), int(velocity)) for beat, beats, key, velocity in fields)


def _chord_bar(bar: int) -> Phrase:
    notes = []
    for beat, beats, velocity in _COMPING:
        chord = _LAST_CHORD if bar == BARS - 1 and beat >= 2 else _CHORDS[bar]
        # The top voice leads; the inner ones stay a little behind it in level.
        notes += [(beat, beats, key, velocity - (0 if key == chord[-1] else 8)) for key in chord]
    return tuple(notes)


def _drum_bar(bar: int) -> Phrase:
    last = bar == BARS - 1
    kept = 2.0 if last else 4.0
    hits = [(beat, 36, velocity) for beat, velocity in _KICKS]
    hits += [(beat, 38, velocity) for beat, velocity in _SNARES + _GHOSTS if beat < kept]
    hits += [(beat, _hat(bar, beat), velocity) for beat, velocity in _HATS + _GHOST_HATS if beat < kept]
    if last:
        hits += _FILL
    if bar == 0:
        hits.append((0.0, 49, 92))
    return tuple((beat, 0.2, key, velocity) for beat, key, velocity in sorted(hits))


def _hat(bar: int, beat: float) -> int:
    """Every second bar opens its last hat."""
    return 46 if bar % 2 == 1 and beat == 3.5 else 42
