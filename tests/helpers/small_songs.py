"""Small synthetic songs with a known tempo, made with numpy: material for the tests of extend and inpaint."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sendreturn.audio.buffer import Audio

Wave = NDArray[np.float64]
CHORDS = ((45, 57, 60, 64), (41, 57, 60, 65), (48, 55, 60, 64), (43, 55, 59, 62))
SCALE = (69, 71, 72, 74, 76, 79, 81)


@lru_cache(maxsize=24)
def song(
    duration_s: float = 16.0,
    *,
    bpm: float = 120.0,
    rate_hz: int = 44_100,
    channels: int = 2,
    start_s: float = 0.0,
    seed: int = 1,
) -> Audio:
    """Kick, hat, bass, chords and a melody that never repeats; the first beat lies at `start_s`."""
    rng = np.random.default_rng(seed)
    frames = round(duration_s * rate_hz)
    wave = np.zeros(frames + rate_hz * 3)
    beat_s = 60.0 / bpm
    first = -int(np.floor(start_s / beat_s))
    for beat in range(first, int((duration_s - start_s) / beat_s) + 1):
        at_s = start_s + beat * beat_s
        chord = CHORDS[(beat // 4) % len(CHORDS)]
        if beat % 2 == 0:
            _add(wave, at_s, rate_hz, 0.5 * _kick(rate_hz))
        else:
            _add(wave, at_s, rate_hz, 0.2 * _noise(rng, 0.12, rate_hz))
        _add(wave, at_s + beat_s / 2, rate_hz, 0.1 * _noise(rng, 0.04, rate_hz))
        _add(wave, at_s, rate_hz, 0.15 * _tone(chord[0] - 12, beat_s, rate_hz))
        _add(wave, at_s, rate_hz, 0.1 * _tone(int(rng.choice(SCALE)), beat_s * 0.9, rate_hz))
        if beat % 4 == 0:
            for key in chord[1:]:
                _add(wave, at_s, rate_hz, 0.05 * _tone(key, beat_s * 4, rate_hz))
    audio = _spread(wave[:frames], rate_hz, channels)
    audio.samples.flags.writeable = False
    return audio


def clicks(duration_s: float = 8.0, *, bpm: float = 120.0, rate_hz: int = 44_100, start_s: float = 0.1) -> Audio:
    """Short decaying clicks, one for each beat."""
    wave = np.zeros(round(duration_s * rate_hz) + rate_hz)
    burst_s = np.arange(round(0.03 * rate_hz)) / rate_hz
    click = 0.7 * np.sin(2 * np.pi * 1000.0 * burst_s) * np.exp(-burst_s / 0.005)
    for at_s in np.arange(start_s, duration_s, 60.0 / bpm):
        _add(wave, float(at_s), rate_hz, click)
    return _spread(wave[: round(duration_s * rate_hz)], rate_hz, 1)


def pad(duration_s: float = 6.0, *, rate_hz: int = 44_100, channels: int = 2) -> Audio:
    """A held chord without any onset."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    wave = np.zeros_like(time_s)
    for number, hz in enumerate((220.0, 261.63, 329.63, 440.7)):
        swell = 1.0 + 0.2 * np.sin(time_s * (0.5 + number / 7))
        wave += 0.12 * np.sin(2 * np.pi * hz * time_s + number) * swell
    return _spread(wave, rate_hz, channels)


def noise(
    duration_s: float = 4.0, *, rate_hz: int = 44_100, channels: int = 1, level: float = 0.1, seed: int = 3
) -> Audio:
    rng = np.random.default_rng(seed)
    samples = rng.normal(0.0, level, (round(duration_s * rate_hz), channels))
    return Audio(np.clip(samples, -1.0, 1.0).astype(np.float32), rate_hz)


def silence(duration_s: float = 3.0, *, rate_hz: int = 44_100, channels: int = 2) -> Audio:
    return Audio(np.zeros((round(duration_s * rate_hz), channels), dtype=np.float32), rate_hz)


def onset_times_s(audio: Audio, threshold: float = 0.2) -> Wave:
    """Where a click track's clicks begin: the first sample over the threshold after 50 ms under it."""
    loud = np.flatnonzero(np.abs(audio.samples).max(axis=1) > threshold)
    first = np.diff(loud, prepend=-audio.rate_hz) > 0.05 * audio.rate_hz
    return np.asarray(loud[first] / audio.rate_hz, dtype=np.float64)


def _add(wave: Wave, at_s: float, rate_hz: int, sound: Wave) -> None:
    at = round(at_s * rate_hz)
    sound = sound[max(-at, 0) :]
    at = max(at, 0)
    sound = sound[: max(len(wave) - at, 0)]
    wave[at : at + len(sound)] += sound


def _kick(rate_hz: int) -> Wave:
    time_s = np.arange(round(0.25 * rate_hz)) / rate_hz
    hz = 50.0 + 100.0 * np.exp(-time_s / 0.03)
    return np.asarray(np.sin(2 * np.pi * np.cumsum(hz) / rate_hz) * np.exp(-time_s / 0.08))


def _noise(rng: np.random.Generator, length_s: float, rate_hz: int) -> Wave:
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    return np.asarray(rng.normal(0.0, 0.4, len(time_s)) * np.exp(-time_s / (length_s / 4)))


@lru_cache(maxsize=256)
def _tone(key: int, length_s: float, rate_hz: int) -> Wave:
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    hz = 440.0 * 2 ** ((key - 69) / 12)
    shape = np.minimum(1.0, time_s / 0.005) * np.minimum(1.0, (length_s - time_s) / 0.02) * np.exp(-time_s / length_s)
    return np.asarray(sum(np.sin(2 * np.pi * hz * n * time_s) / n**1.5 for n in (1, 2, 3)) * shape)


def _spread(wave: Wave, rate_hz: int, channels: int) -> Audio:
    gains = np.linspace(1.0, 0.7, channels)
    return Audio((wave[:, None] * gains).astype(np.float32), rate_hz)
