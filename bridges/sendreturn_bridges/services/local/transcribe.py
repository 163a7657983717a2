"""Audio to notes: which listener hears what, and what the tracks are called.

A full mix is heard as drums, bass and the rest. Where stems are at hand each is heard by the method that fits it and
becomes a track of its name. With Basic Pitch installed its network hears everything pitched; without it, signal
processing does, and the sentences that come back say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sendreturn.audio.note_cleaning import clean
from sendreturn.audio.notes import Meter, Note, NoteTrack

from sendreturn_bridges.services.local import basic_pitch, candidates, classical_pitch, single_line
from sendreturn_bridges.services.local.drum_removal import remove_drums
from sendreturn_bridges.services.local.drums import hear_drums
from sendreturn_bridges.services.local.note_decoding import Event, Thresholds, decode, with_velocities
from sendreturn_bridges.services.local.views import harmonic_part, resampled

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from sendreturn.audio.buffer import Audio

Progress = Callable[[float], None]

ROLES = ("auto", "bass", "vocals", "lead", "drums", "other")

PROGRAMS = {
    "vocals": 53, "backing_vocals": 52, "bass": 33, "lead": 81, "guitar": 27, "keyboard": 4, "strings": 48, "synth": 81,
    "fx": 96, "brass": 61, "woodwinds": 73, "other": 4,
}  # fmt: skip
"""General MIDI programs, counted from 0, by stem or role."""
DRUM_NAMES = frozenset({"drums", "percussion"})
MIX_NAMES = frozenset({"auto", "instrumental"})
"""What may hold drums, bass and anything else."""
LINE_NAMES = frozenset({"vocals", "bass", "lead"})

SILENCE = 10 ** (-70 / 20)
"""A clip whose loudest sample is below −70 dBFS counts as silent."""
SHORTEST_CLIP_S = 0.04
STEM_PRESENT = 0.02
"""A stem more than 34 dB (RMS) below the clip holds leakage, not music."""

BASS_TOP = 52
"""Above E3 a note is never taken for the bass of a mix."""
BASS_MEDIAN = 48
"""The lowest notes of a mix are a bass line when their median lies below this key."""

NO_MODEL = (
    "The notes were found by signal processing, which hears chords less well than Basic Pitch; "
    "`sendreturn models install basic-pitch` gets it."
)
NOTHING_HEARD = "The clip is silent, so there are no notes in it."
NO_NOTES = "No notes were heard in the clip."


@dataclass(frozen=True)
class Transcription:
    """What was heard.

    Attributes:
        method: What found the notes, for the sidecar ("basic-pitch", "signal processing").
        notes: Sentences for the user.
    """

    tracks: tuple[NoteTrack, ...]
    method: str
    notes: tuple[str, ...] = ()


def transcribe(
    audio: Audio,
    *,
    role: str = "auto",
    models: Path,
    meter: Meter | None = None,
    stems: Mapping[str, Audio] | None = None,
    progress: Progress = lambda done: None,
) -> Transcription:
    """The notes of a clip.

    Args:
        role: What the clip is: one of `ROLES`; "auto" is a full mix.
        models: The folder of installed models.
        meter: Of the session; notes shorter than its 1/32 note are not looked for.
        stems: The clip's stems by name; for "auto" each is heard by itself. They start with the clip and are as long.
        progress: Called with the fraction done, 0–1.

    Raises:
        ValueError: `role` is unknown.
    """
    if role not in ROLES:
        raise ValueError(f"role must be one of {', '.join(ROLES)}, not {role!r}")
    listener = _Listener(basic_pitch.find_model(models), _shortest_s(meter), _bar_s(meter))
    peak = float(np.abs(audio.samples).max(initial=0.0))
    if peak < SILENCE or audio.duration_s < SHORTEST_CLIP_S:
        progress(1.0)
        return Transcription((), listener.method, (NOTHING_HEARD,) if peak < SILENCE else (NO_NOTES,))
    parts = _present(stems, audio) if stems and role == "auto" else {}
    tracks = _hear_parts(parts or {role: audio}, listener, progress)
    inside = clean((_inside(track, audio.duration_s) for track in tracks), heard=True).tracks
    progress(1.0)
    sentences = (*(() if listener.model else (NO_MODEL,)), *(() if inside else (NO_NOTES,)))
    return Transcription(inside, listener.method, sentences)


@dataclass(frozen=True)
class _Listener:
    """The methods at hand."""

    model: Path | None
    shortest_s: float
    bar_s: float | None

    @property
    def method(self) -> str:
        return "basic-pitch" if self.model else "signal processing"

    def polyphonic(self, mono: NDArray[np.float32], progress: Progress) -> list[Event]:
        """Chords and lines of one instrument or a few, without drums."""
        if self.model is None:
            return decode(classical_pitch.listen(mono, progress), self._at_least(classical_pitch.THRESHOLDS))
        return decode(basic_pitch.listen(mono, self.model, progress), self._at_least(basic_pitch.PRESETS["stem"]))

    def mix(self, audio: Audio, strokes: list[Note], progress: Progress) -> list[Event]:
        """Everything pitched in a mix whose drums are struck at `strokes`."""
        if self.model is None:
            harmonic = harmonic_part(remove_drums(resampled(audio), basic_pitch.RATE_HZ, strokes))
            return decode(classical_pitch.listen(harmonic, progress), self._at_least(classical_pitch.MIX_THRESHOLDS))
        return candidates.hear_mix(audio, strokes, self.model, progress)

    def line(self, mono: NDArray[np.float32], progress: Progress) -> list[Event]:
        """One voice."""
        if self.model is None:
            return single_line.follow_line(mono, basic_pitch.RATE_HZ)
        return single_line.one_at_a_time(self.polyphonic(mono, progress), mono, basic_pitch.RATE_HZ)

    def _at_least(self, thresholds: Thresholds) -> Thresholds:
        return replace(thresholds, shortest_s=self.shortest_s)


def _shortest_s(meter: Meter | None) -> float:
    """A 1/32 note, within reason."""
    return 0.058 if meter is None else float(np.clip(60.0 / max(meter.bpm, 1.0) / 8, 0.04, 0.08))


def _bar_s(meter: Meter | None) -> float | None:
    return None if meter is None else meter.beats * 4 / meter.beat_unit * 60.0 / meter.bpm


def _present(stems: Mapping[str, Audio], audio: Audio) -> dict[str, Audio]:
    least = STEM_PRESENT * _rms(audio)
    return {name: stem for name, stem in stems.items() if stem.frames and _rms(stem) > least}


def _rms(audio: Audio) -> float:
    return float(np.sqrt(np.mean(audio.samples.astype(np.float64) ** 2))) if audio.frames else 0.0


def _hear_parts(parts: Mapping[str, Audio], listener: _Listener, progress: Progress) -> list[NoteTrack]:
    tracks: list[NoteTrack] = []
    width = 1 / len(parts)
    for index, (name, part) in enumerate(parts.items()):
        hear = _hear_mix if name in MIX_NAMES else _hear_part
        tracks += hear(name, part, listener, _share(progress, index * width, width))
    return tracks


def _share(progress: Progress, start: float, width: float) -> Progress:
    return lambda done: progress(start + width * done)


def _hear_part(name: str, part: Audio, listener: _Listener, progress: Progress) -> list[NoteTrack]:
    if name in DRUM_NAMES:
        return [NoteTrack(name, tuple(hear_drums(part.mono(), part.rate_hz, listener.bar_s)), is_drums=True)]
    mono = resampled(part)
    hear = listener.line if name in LINE_NAMES else listener.polyphonic
    notes = with_velocities(hear(mono, progress), mono, basic_pitch.RATE_HZ)
    return [NoteTrack(name, tuple(notes), program=PROGRAMS.get(name, PROGRAMS["other"]))]


def _hear_mix(_: str, audio: Audio, listener: _Listener, progress: Progress) -> list[NoteTrack]:
    strokes = hear_drums(audio.mono(), audio.rate_hz, listener.bar_s, may_be_absent=True)
    progress(0.3)
    mono = resampled(audio)
    events = listener.mix(audio, strokes, _share(progress, 0.3, 0.7))
    bass, rest = split_bass(with_velocities(events, mono, basic_pitch.RATE_HZ))
    return [
        NoteTrack("drums", tuple(strokes), is_drums=True),
        NoteTrack("bass", tuple(bass), program=PROGRAMS["bass"]),
        NoteTrack("other", tuple(rest), program=PROGRAMS["other"]),
    ]


def split_bass(notes: list[Note]) -> tuple[list[Note], list[Note]]:
    """The bass line of a mix's notes (low notes with nothing below them), and the rest."""
    lowest = [note for note in notes if note.pitch < BASS_TOP and not _has_a_lower_one(note, notes)]
    if not lowest or float(np.median([note.pitch for note in lowest])) >= BASS_MEDIAN:
        return [], notes
    line = set(lowest)
    return lowest, [note for note in notes if note not in line]


def _has_a_lower_one(note: Note, notes: list[Note]) -> bool:
    at_s = note.start_s + 0.05
    return any(other.pitch < note.pitch and other.start_s <= at_s < other.end_s for other in notes)


def _inside(track: NoteTrack, duration_s: float) -> NoteTrack:
    notes = (
        replace(note, start_s=max(0.0, note.start_s), end_s=min(note.end_s, duration_s))
        for note in track.notes
        if note.start_s < duration_s
    )
    return replace(track, notes=tuple(note for note in notes if note.end_s > note.start_s))
