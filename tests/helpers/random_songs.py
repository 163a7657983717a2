"""Songs nobody has tuned anything to: drawn at random, played by the built-in synth, with every note known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sendreturn.audio.buffer import Audio
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.synth import Sound, render

BASSES = ("upright_bass", "finger_bass", "synth_bass", "sub_bass", "bowed_bass")
KEYS = ("electric_piano", "piano", "felt_piano", "organ", "nylon_guitar", "steel_guitar", "warm_pad", "strings")
LEADS = ("flute", "lead", "sax", "ooh", "vibraphone", "piano", "brass")
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10))


@dataclass(frozen=True)
class RandomSong:
    tracks: tuple[NoteTrack, ...]
    meter: Meter
    stems: dict[str, Audio]

    @property
    def mix(self) -> Audio:
        stems = list(self.stems.values())
        return Audio(np.sum([stem.samples for stem in stems], axis=0), stems[0].rate_hz)


def random_song(seed: int, kits: tuple[str, ...], bars: int = 4, rate_hz: int = 44100) -> RandomSong:
    """Four bars of bass, chords, melody and drums in a random key, tempo and set of instruments."""
    rng = np.random.default_rng(seed)
    bpm = float(rng.integers(76, 138))
    step_s = 60 / bpm / 4
    scale = [36 + int(rng.integers(12)) % 12 + s for s in SCALES[rng.integers(len(SCALES))]]
    degrees = [int(rng.integers(7)) for _ in range(bars)]
    tracks = (
        NoteTrack("drums", _drums(rng, bars, step_s), is_drums=True),
        NoteTrack("bass", _bass(rng, degrees, scale, step_s), program=33),
        NoteTrack("keyboard", _chords(rng, degrees, scale, step_s), program=4),
        NoteTrack("vocals", _melody(rng, degrees, scale, step_s), program=53),
    )
    sounds = {
        "drums": Sound(str(rng.choice(kits)), gain_db=float(rng.uniform(-4, 2)), reverb=0.08, room_s=0.5),
        "bass": Sound(str(rng.choice(BASSES)), gain_db=float(rng.uniform(-3, 2))),
        "keyboard": Sound(
            str(rng.choice(KEYS)),
            gain_db=float(rng.uniform(-3, 2)),
            pan=float(rng.uniform(-0.4, 0.4)),
            reverb=0.12,
            chorus=0.3,
        ),
        "vocals": Sound(
            str(rng.choice(LEADS)),
            gain_db=float(rng.uniform(-3, 2)),
            pan=float(rng.uniform(-0.15, 0.15)),
            reverb=0.2,
            room_s=1.2,
        ),
    }
    stems = render(tracks, sounds, rate_hz=rate_hz, duration_s=bars * 16 * step_s, seed=seed)
    return RandomSong(tracks, Meter(bpm), stems)


def _key(scale: list[int], degree: int, octave: int) -> int:
    return scale[degree % 7] + 12 * (octave + degree // 7)


def _note(step: float, steps: float, key: int, velocity: float, step_s: float) -> Note:
    return Note(step * step_s, (step + steps) * step_s, key, int(np.clip(velocity, 20, 120)))


def _bass(rng: np.random.Generator, degrees: list[int], scale: list[int], step_s: float) -> tuple[Note, ...]:
    notes = []
    for bar, degree in enumerate(degrees):
        step = 0
        while step < 16:
            steps = int(rng.choice([1, 2, 2, 3, 4, 6], p=[0.1, 0.25, 0.25, 0.1, 0.2, 0.1]))
            steps = min(steps, 16 - step)
            pitch = _key(scale, degree + int(rng.choice([0, 0, 0, 2, 4, 7])), 0)
            pitch -= 12 if pitch > 50 else 0
            if rng.random() < 0.85:
                notes.append(_note(bar * 16 + step, steps * 0.92, pitch, rng.normal(92, 12), step_s))
            step += steps
    return tuple(notes)


def _chords(rng: np.random.Generator, degrees: list[int], scale: list[int], step_s: float) -> tuple[Note, ...]:
    rhythm = sorted(rng.choice(np.arange(0, 16, 2), size=int(rng.integers(1, 5)), replace=False).tolist())
    notes = []
    for bar, degree in enumerate(degrees):
        chord = [_key(scale, degree + third, 1) for third in (0, 2, 4, 6)[: int(rng.integers(3, 5))]]
        voicing = [key + 12 if key < 52 else key for key in chord]
        for index, step in enumerate(rhythm):
            steps = ([*rhythm, 16][index + 1] - step) * float(rng.choice([0.5, 0.95]))
            velocity = rng.normal(76, 10)
            notes += [_note(bar * 16 + step, steps, key, velocity, step_s) for key in sorted(set(voicing))]
    return tuple(notes)


def _melody(rng: np.random.Generator, degrees: list[int], scale: list[int], step_s: float) -> tuple[Note, ...]:
    notes = []
    degree = int(rng.integers(0, 8))
    for bar in range(len(degrees)):
        step = 0
        while step < 16:
            steps = min(int(rng.choice([1, 2, 2, 3, 4, 6])), 16 - step)
            degree = int(np.clip(degree + rng.integers(-3, 4), 0, 11))
            if rng.random() < 0.75:
                notes.append(_note(bar * 16 + step, steps * 0.92, _key(scale, degree, 2), rng.normal(92, 9), step_s))
            step += steps
    return tuple(notes)


def _drums(rng: np.random.Generator, bars: int, step_s: float) -> tuple[Note, ...]:
    kicks = [0, *rng.choice([3, 6, 7, 8, 10, 11, 14], size=int(rng.integers(1, 4)), replace=False).tolist()]
    every = int(rng.choice([1, 2, 2, 4]))
    notes = []
    for bar in range(bars):
        hits = [(step, 36, rng.normal(105, 8)) for step in kicks]
        hits += [(step, 38, rng.normal(104, 6)) for step in (4, 12)]
        hits += [(s, 38, rng.normal(38, 8)) for s in (7, 9, 15) if rng.random() < 0.35]
        hits += [(step, 42, rng.normal(82 if step % 4 == 0 else 62, 7)) for step in range(0, 16, every)]
        hits += [(s, 42, rng.normal(32, 5)) for s in (3, 11) if every == 2 and rng.random() < 0.3]
        if rng.random() < 0.3:
            hits = [hit for hit in hits if hit[:2] != (14, 42)] + [(14, 46, rng.normal(85, 6))]
        if bar == 0 and rng.random() < 0.4:
            hits.append((0, 49, rng.normal(92, 6)))
        if bar == bars - 1 and rng.random() < 0.5:
            hits = [hit for hit in hits if hit[0] < 12]
            hits += [(step, key, rng.normal(90, 8)) for step, key in ((12, 50), (13, 50), (14, 47), (15, 45))]
        notes += [_note(bar * 16 + step, 0.8, key, velocity, step_s) for step, key, velocity in hits]
    return tuple(sorted(notes))
