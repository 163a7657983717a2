"""Small, plain instruments for tests that need the sound of known notes. Attacks start exactly at a note's start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sendreturn.audio.buffer import Audio
from sendreturn.audio.notes import Note, NoteTrack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Wave = NDArray[np.float64]

ATTACK_S = 0.004
RELEASE_S = 0.03


def play(
    tracks: Iterable[NoteTrack], duration_s: float, rate_hz: int = 44100, level: float = 0.25, size: float = 1.0
) -> Audio:
    """All tracks together in mono, peak-limited to full scale. Drums of a larger size are deeper and ring longer."""
    out = np.zeros(round(duration_s * rate_hz))
    for track in tracks:
        for index, note in enumerate(track.notes):
            wave = _drum(note, rate_hz, index, size) if track.is_drums else _tone(note, rate_hz, _VOICES[track.name])
            start = round(note.start_s * rate_hz)
            part = wave[: max(0, out.size - start)]
            out[start : start + part.size] += part * level * (note.velocity / 127) ** 2
    peak = np.abs(out).max(initial=0.0)
    return Audio((out / max(1.0, peak)).astype(np.float32)[:, None], rate_hz)


def line(pitches: Iterable[int | None], step_s: float, *, gate: float = 0.9, velocity: int = 100) -> tuple[Note, ...]:
    """One note per step, None being a rest."""
    steps = enumerate(pitches)
    return tuple(Note(i * step_s, (i + gate) * step_s, pitch, velocity) for i, pitch in steps if pitch is not None)


def _tone(note: Note, rate_hz: int, voice: tuple[float, float, int]) -> Wave:
    slope, decay_s, harmonics = voice
    held_s = note.end_s - note.start_s
    t = np.arange(round((held_s + RELEASE_S) * rate_hz)) / rate_hz
    f0 = 440.0 * 2 ** ((note.pitch - 69) / 12)
    wave = np.zeros(t.size)
    for k in range(1, harmonics + 1):
        if k * f0 < 0.45 * rate_hz:
            wave += np.sin(2 * np.pi * k * f0 * t + k) * k**-slope * np.exp(-t / decay_s * (0.7 + 0.3 * k))
    attack = np.minimum(1.0, t / ATTACK_S)
    release = np.clip((held_s + RELEASE_S - t) / RELEASE_S, 0.0, 1.0)
    return wave * attack * release


_VOICES = {
    # name: (level of harmonic k is k^-slope, decay of the fundamental in s, harmonics)
    "bass": (1.1, 0.9, 14),
    "keys": (1.3, 0.8, 16),
    "lead": (1.0, 5.0, 24),
    "flute": (2.2, 8.0, 8),
}


def _drum(note: Note, rate_hz: int, seed: int, size: float) -> Wave:
    noise = np.random.default_rng(seed).standard_normal(round(0.6 * size * rate_hz))
    time = np.arange(noise.size) / rate_hz
    attack = np.minimum(1.0, time / 0.001)
    t = time / size
    if note.pitch == 36:
        sweep = 48.0 * t + (170.0 - 48.0) * 0.025 * (1 - np.exp(-t / 0.025))
        return attack * (2.2 * np.sin(2 * np.pi * sweep) * np.exp(-t / 0.1) + 0.3 * noise * np.exp(-time / 0.004))
    if note.pitch == 38:
        body = np.sin(2 * np.pi * 190 * t) * np.exp(-t / 0.06) + 0.5 * np.sin(2 * np.pi * 330 * t) * np.exp(-t / 0.04)
        return attack * (body + 0.5 * noise * np.exp(-t / 0.09))
    if note.pitch in (45, 47, 50):
        tone = np.sin(2 * np.pi * {45: 95.0, 47: 130.0, 50: 175.0}[note.pitch] * t)
        return attack * (1.5 * tone * np.exp(-t / 0.15) + 0.1 * noise * np.exp(-t / 0.02))
    bright = np.diff(noise, n=2, append=[0.0, 0.0])
    return attack * 0.12 * bright * np.exp(-t / {42: 0.025, 46: 0.2}.get(note.pitch, 0.4))
