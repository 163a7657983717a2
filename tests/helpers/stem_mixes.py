"""Mixes whose stems are known, with a voice in the middle: pulses through formants, with vibrato, words and breaths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt
from sendreturn.audio.buffer import Audio

_VOWELS_HZ = (
    (800, 1150, 2900, 3900),
    (350, 2000, 2800, 3600),
    (270, 2140, 2950, 3900),
    (450, 800, 2830, 3800),
    (325, 700, 2700, 3800),
)
"""Formants of a, e, i, o, u of a soprano (the table in the manual of Csound)."""
_BEAT_S = 0.6
_MELODY = (62, 65, 69, 67, 65, 64, 62, 60, 65, 69, 72, 70, 69, 67, 65, 64)


def sung_voice(duration_s: float, rate_hz: int, seed: int = 5) -> NDArray[np.float32]:
    """Shape (frames,): a melody on changing vowels, one word to a beat, silent every fourth beat."""
    rng = np.random.default_rng(seed)
    out = np.zeros(round(duration_s * rate_hz))
    for word in range(int(duration_s / _BEAT_S)):
        if word % 4 == 3:
            continue
        start, length = round(word * _BEAT_S * rate_hz), round(0.92 * _BEAT_S * rate_hz)
        key = _MELODY[int(rng.integers(len(_MELODY)))]
        out[start : start + length] += _word(key, length, rate_hz, rng)[: len(out) - start]
    return (0.25 * out / np.sqrt(np.mean(out**2)) / 2).astype(np.float32)


def song_with_voice(duration_s: float = 12.0, rate_hz: int = 44_100) -> dict[str, Audio]:
    """Stereo stems named vocals, drums, bass, other; their sum is the mix."""
    frames = round(duration_s * rate_hz)
    parts = {
        "vocals": _stereo(sung_voice(duration_s, rate_hz), 0.0),
        "drums": _stereo(_drums(frames, rate_hz), 0.0),
        "bass": _stereo(_bass(frames, rate_hz), 0.0),
        "other": _stereo(_plucks(frames, rate_hz, 0), -0.7) + _stereo(_plucks(frames, rate_hz, 1), 0.7),
    }
    return {name: Audio(samples, rate_hz) for name, samples in parts.items()}


def mixed(stems: dict[str, Audio]) -> Audio:
    """The sum of stems."""
    parts = list(stems.values())
    return Audio(np.sum([part.samples for part in parts], axis=0, dtype=np.float32), parts[0].rate_hz)


def sdr_db(wanted: NDArray[np.float32], got: NDArray[np.float32]) -> float:
    """Signal-to-distortion ratio: the energy of what was wanted over that of the error."""
    error = np.sum((wanted.astype(np.float64) - got) ** 2)
    return float(10 * np.log10((np.sum(wanted.astype(np.float64) ** 2) + 1e-12) / (error + 1e-12)))


def si_sdr_db(wanted: NDArray[np.float32], got: NDArray[np.float32]) -> float:
    """The same, whatever the level (Le Roux et al., ICASSP 2019)."""
    target = wanted.astype(np.float64).ravel()
    return sdr_db(target * (np.dot(got.ravel(), target) / np.dot(target, target)), got.ravel().astype(np.float64))


def _word(key: int, length: int, rate_hz: int, rng: np.random.Generator) -> NDArray[np.float64]:
    at_s = np.arange(length) / rate_hz
    vibrato = 0.35 * np.sin(2 * np.pi * 5.5 * at_s + rng.uniform(0, 6)) * np.minimum(1, at_s / 0.2)
    pitch_hz = 440 * 2 ** ((key + vibrato - 1.5 * np.exp(-at_s / 0.04) - 69) / 12)
    phase = np.cumsum(pitch_hz) / rate_hz
    pulses = np.diff(np.floor(phase), prepend=0.0) + 0.01 * rng.standard_normal(length)
    first, second = rng.choice(len(_VOWELS_HZ), 2, replace=False)
    blend = np.clip(at_s / at_s[-1] * 2 - 0.5, 0, 1)
    sound = (1 - blend) * _formants(pulses, first, rate_hz) + blend * _formants(pulses, second, rate_hz)
    consonant = rng.standard_normal(length) * np.exp(-at_s / 0.02) * 0.3 * np.abs(sound).max()
    shape = np.minimum(1, at_s / 0.03) * np.minimum(1, (at_s[-1] - at_s) / 0.06)
    return sound * shape + sosfilt(butter(2, 3000, "high", fs=rate_hz, output="sos"), consonant)


def _formants(pulses: NDArray[np.float64], vowel: int, rate_hz: int) -> NDArray[np.float64]:
    total = np.zeros_like(pulses)
    for gain, centre_hz in zip((1.0, 0.5, 0.2, 0.1), _VOWELS_HZ[vowel], strict=True):
        radius = np.exp(-np.pi * (60 + 0.03 * centre_hz) / rate_hz)
        poles = [1, -2 * radius * np.cos(2 * np.pi * centre_hz / rate_hz), radius**2]
        total += gain * lfilter([1 - radius], poles, pulses)
    return total


def _drums(frames: int, rate_hz: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(1)
    at_s = np.arange(round(0.3 * rate_hz)) / rate_hz
    kick = np.sin(2 * np.pi * (50 * at_s + 6 * (1 - np.exp(-at_s / 0.02)))) * np.exp(-at_s / 0.09)
    noise = rng.standard_normal(len(at_s))
    snare = noise * np.exp(-at_s / 0.05) * 0.4 + 0.4 * np.sin(2 * np.pi * 190 * at_s) * np.exp(-at_s / 0.05)
    hat = sosfilt(butter(2, min(7000, 0.4 * rate_hz), "high", fs=rate_hz, output="sos"), noise) * np.exp(-at_s / 0.02)
    out = np.zeros(frames + len(at_s))
    for eighth in range(int(frames / rate_hz / (_BEAT_S / 2))):
        start = round(eighth * _BEAT_S / 2 * rate_hz)
        hit = 0.3 * hat + (kick if eighth % 4 == 0 else 0) + (snare if eighth % 4 == 2 else 0)
        out[start : start + len(hit)] += 0.5 * hit
    return out[:frames].astype(np.float32)


def _bass(frames: int, rate_hz: int) -> NDArray[np.float32]:
    keys = np.repeat([38, 38, 45, 41, 46, 46, 36, 43], 2)
    return _notes(keys, _BEAT_S / 2, frames, rate_hz, 0.25, (1, 0.5, 0.25, 0.1))


def _plucks(frames: int, rate_hz: int, part: int) -> NDArray[np.float32]:
    chords = np.array([[62, 65, 69], [57, 60, 64], [58, 62, 65], [60, 64, 67]]) + 12 * part
    keys = np.repeat(chords, 2, axis=0)[:, [0, 1, 2, 1]].ravel()
    harmonics = tuple(0.9**n / n for n in range(1, 9))
    return _notes(keys, _BEAT_S / 4, frames, rate_hz, 0.12, harmonics)


def _notes(
    keys: NDArray[np.int_], step_s: float, frames: int, rate_hz: int, gain: float, harmonics: tuple[float, ...]
) -> NDArray[np.float32]:
    at_s = np.arange(round(2 * step_s * rate_hz)) / rate_hz
    shape = np.minimum(1, at_s / 0.004) * np.exp(-at_s / (0.9 * step_s)) * np.minimum(1, (at_s[-1] - at_s) / 0.02)
    out = np.zeros(frames + len(at_s))
    for index in range(int(frames / rate_hz / step_s)):
        pitch_hz = 440 * 2 ** ((keys[index % len(keys)] - 69) / 12)
        start = round(index * step_s * rate_hz)
        for n, level in enumerate(harmonics, 1):
            if n * pitch_hz < rate_hz / 2:
                out[start : start + len(at_s)] += gain * level * shape * np.sin(2 * np.pi * n * pitch_hz * at_s)
    return out[:frames].astype(np.float32)


def _stereo(mono: NDArray[np.float32], pan: float) -> NDArray[np.float32]:
    angle = (pan + 1) * np.pi / 4
    return np.column_stack([mono * np.cos(angle), mono * np.sin(angle)]).astype(np.float32)
