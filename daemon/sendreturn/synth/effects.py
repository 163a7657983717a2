"""Room, width and tone. All take and give samples of shape (frames, 2) and keep their length and timing."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, oaconvolve, sosfilt

Stereo = NDArray[np.float32]

_LOWEST_HZ = 25.0
_PREDELAY_S = 0.011


def remove_rumble(samples: Stereo, rate_hz: int) -> Stereo:
    """Takes away what lies below hearing, direct current first of all."""
    return _filter(samples, butter(2, _LOWEST_HZ, "highpass", fs=rate_hz, output="sos"))


def darken(samples: Stereo, rate_hz: int, cutoff_hz: float) -> Stereo:
    """A low-pass filter of 12 dB per octave; nothing happens where `cutoff_hz` reaches Nyquist."""
    if cutoff_hz >= 0.49 * rate_hz:
        return samples
    return _filter(samples, butter(2, cutoff_hz, "lowpass", fs=rate_hz, output="sos"))


def widen(samples: Stereo, rate_hz: int, depth: float, swing_hz: float = 0.7) -> Stereo:
    """A chorus: adds a copy whose delay swings between 7 and 11 ms, in opposite directions left and right."""
    n = np.arange(len(samples), dtype=np.float64)
    swing = np.sin(2 * np.pi * swing_hz * n / rate_hz)
    out = samples * np.float32(1 - 0.3 * depth)
    for channel, side in enumerate((1.0, -1.0)):
        late = n - (0.009 + 0.002 * side * swing) * rate_hz
        out[:, channel] += (0.6 * depth * np.interp(late, n, samples[:, channel], left=0.0)).astype(np.float32)
    return out


def wobble(samples: Stereo, rate_hz: int, depth_s: float = 0.0007) -> Stereo:
    """A tired tape: the speed drifts, never more than `depth_s` from the right place."""
    n = np.arange(len(samples), dtype=np.float64)
    t = n / rate_hz
    drift = 0.7 * np.sin(2 * np.pi * 0.55 * t) + 0.3 * np.sin(2 * np.pi * 1.3 * t + 1.0)
    place = n + depth_s * rate_hz * drift
    return np.stack([np.interp(place, n, samples[:, c]) for c in (0, 1)], axis=1).astype(np.float32)


def saturate(samples: Stereo, drive: float) -> Stereo:
    """Rounds loud peaks and brings up what is quiet; `drive` 1 is gentle, 10 a guitar amplifier's."""
    return np.asarray(np.tanh(samples * np.float32(drive)) / np.float32(drive**0.6), dtype=np.float32)


def reverberate(samples: Stereo, rate_hz: int, wet: float, room_s: float) -> Stereo:
    """Adds a room.

    Args:
        wet: Level of the room over the dry sound's.
        room_s: Reverberation time (to −60 dB) at 1 kHz.
    """
    if not np.any(samples):
        return samples
    answer = _room(rate_hz, round(room_s, 2))
    out = samples.copy()
    for channel in (0, 1):
        tail = oaconvolve(samples[:, channel], answer[:, channel], mode="full")[: len(samples)]
        out[:, channel] += np.float32(wet) * tail
    return out


@lru_cache(maxsize=8)
def _room(rate_hz: int, room_s: float) -> Stereo:
    """Impulse response of energy 1: a few early reflections, then noise whose treble fades first."""
    frames = max(1, round((room_s + _PREDELAY_S) * rate_hz))
    rng = np.random.default_rng(7)
    t = np.arange(frames) / rate_hz
    answer = np.zeros((frames, 2))
    for low_hz, high_hz, shorter in ((120, 800, 1.0), (800, 3500, 0.9), (3500, 9000, 0.5)):
        band = butter(2, (low_hz, min(high_hz, 0.45 * rate_hz)), "bandpass", fs=rate_hz, output="sos")
        noise = sosfilt(band, rng.standard_normal((frames, 2)), axis=0)
        answer += noise * 10 ** (-3 * t / (room_s * shorter))[:, None]
    answer *= np.clip((t - _PREDELAY_S) / 0.03, 0, 1)[:, None]
    answer /= np.sqrt((answer**2).sum(axis=0).mean()) or 1.0
    for delay_s, level, channel in ((0.011, 0.3, 0), (0.017, 0.26, 1), (0.023, 0.2, 0), (0.029, 0.16, 1)):
        answer[min(frames - 1, round(delay_s * rate_hz)), channel] += level
    return np.asarray(answer / np.sqrt((answer**2).sum(axis=0).mean()), dtype=np.float32)


def _filter(samples: Stereo, sos: NDArray[np.float64]) -> Stereo:
    return np.asarray(sosfilt(sos, samples, axis=0), dtype=np.float32)
