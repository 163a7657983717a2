"""Several pitches at once by signal processing alone, for when no network is installed.

Each frame's spectrum, on a scale of thirds of a semitone, is explained as a sum of harmonic tones on the 88 keys and of
broad noise bands: non-negative matrix factorisation with fixed templates and the Kullback-Leibler divergence (Smaragdis
and Brown, WASPAA 2003). A key that shares partials with others is only active where the others leave something to
explain. Onsets are where a key's part grows.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import soxr
from scipy.ndimage import maximum_filter1d, median_filter

from sendreturn_bridges.services.local.note_decoding import LOWEST_PITCH, PITCHES, Activity, Thresholds
from sendreturn_bridges.services.local.onsets import Frames, magnitudes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RATE_HZ = 22050
HOP_SAMPLES = 256
WINDOW_SAMPLES = 4096

LATE_S = 0.034
"""How much later than the true attack a key grows fastest: the median over the demo and six random songs."""
_NEVER = float("inf")
THRESHOLDS = Thresholds(onset=0.22, sounding=0.09, soft_s=_NEVER, late_s=LATE_S)
"""For single instruments: the best F1 over the demo's stems and the keyboards of six random songs."""
MIX_THRESHOLDS = Thresholds(onset=0.1, sounding=0.06, soft_s=_NEVER, late_s=LATE_S)
"""For the harmonic part of a mix, where each note has a smaller share of the whole."""

_PARTIALS = 20
_SLOPES = (0.6, 1.4, 2.6)
"""Bright, middle and dark tones: partial k is weaker than the first by k to this power."""
_NOISE_BANDS = 10
_ROUNDS = 30
_LAG_FRAMES = 6
"""70 ms, most of which the spectrum's window takes to fill."""
_BATCH_FRAMES = 1024
_TOP_HZ = 10500.0


def listen(mono: NDArray[np.float32], progress: Callable[[float], None] = lambda done: None) -> Activity:
    """What of each key sounds and begins in `mono`, which is at `RATE_HZ`; 1 is the loudest of the clip."""
    part = _explain(mono, progress)
    loudest = max(float(np.percentile(part.max(axis=1), 95)), 1e-6)
    level = np.minimum(part / np.float32(loudest), np.float32(1.5))
    return Activity(level, _growth(level), HOP_SAMPLES / RATE_HZ)


def follow_strongest(
    mono: NDArray[np.float32], rate_hz: int, hop_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The strongest pitch (MIDI keys) and how surely it is there (0–1), every `hop_s`."""
    activity = listen(np.asarray(soxr.resample(mono, rate_hz, RATE_HZ), dtype=np.float32))
    times = np.arange(0.0, mono.size / rate_hz, hop_s)
    frames = np.minimum(np.round(times / activity.hop_s).astype(int), len(activity.sounding) - 1)
    strongest = activity.sounding[frames].argmax(axis=1)
    level = activity.sounding[frames, strongest]
    pitch = median_filter((strongest + LOWEST_PITCH).astype(np.float64), 3)
    # Unsure below −52 dB of the clip's loudest tones, certain from −28 dB.
    return pitch, np.clip((np.sqrt(level.astype(np.float64)) - 0.05) / 0.15, 0.0, 1.0)


def _explain(mono: NDArray[np.float32], progress: Callable[[float], None]) -> Frames:
    """Amplitude of each key in each frame, shape (frames, 88)."""
    bank, templates, key_of = _bank(), *_templates()
    spectrum = magnitudes(mono, WINDOW_SAMPLES, HOP_SAMPLES)
    out = np.zeros((len(spectrum), PITCHES), dtype=np.float32)
    for at in range(0, len(spectrum), _BATCH_FRAMES):
        batch = slice(at, at + _BATCH_FRAMES)
        weights = _factorise(spectrum[batch] @ bank.T + 1e-7, templates)
        for column, key in enumerate(key_of):
            out[batch, key] += weights[:, column]
        progress(min(1.0, (at + _BATCH_FRAMES) / len(spectrum)))
    return out


def _factorise(observed: Frames, templates: Frames) -> Frames:
    """Weights, shape (frames, templates), for which weights @ templates comes closest to `observed`."""
    weights = np.full((len(observed), len(templates)), observed.mean(), dtype=np.float32)
    norm = templates.sum(axis=1)
    for _ in range(_ROUNDS):
        ratio = observed / (weights @ templates + 1e-9)
        weights *= (ratio @ templates.T) / norm
    return weights[:, : PITCHES * len(_SLOPES)]


def _growth(level: Frames) -> Frames:
    """How much each key has grown within `_LAG_FRAMES`; nothing where the key beside it becomes louder."""
    growth = np.zeros_like(level)
    growth[_LAG_FRAMES:] = np.maximum(0.0, level[_LAG_FRAMES:] - level[:-_LAG_FRAMES])
    growth[:_LAG_FRAMES] = level[:_LAG_FRAMES]
    reached = maximum_filter1d(level, 2 * _LAG_FRAMES - 3, axis=0, origin=-(_LAG_FRAMES - 2))
    beside = np.pad(reached, ((0, 0), (1, 1)))
    is_top = reached >= 0.9 * np.maximum(beside[:, :-2], beside[:, 2:])
    return np.asarray(growth * is_top, dtype=np.float32)


@lru_cache(maxsize=1)
def _centres_hz() -> NDArray[np.float64]:
    steps = np.arange(-2, 36 * 9)
    centres = 27.5 * 2 ** (steps / 36)
    return centres[centres < _TOP_HZ]


@lru_cache(maxsize=1)
def _bank() -> Frames:
    """From the bins of the spectrum to thirds of a semitone; at the bottom, where bins are wider, they overlap."""
    bin_hz = RATE_HZ / WINDOW_SAMPLES
    bins = np.arange(WINDOW_SAMPLES // 2 + 1) * bin_hz
    centres = _centres_hz()[:, None]
    widths = np.maximum(centres * (2 ** (1 / 36) - 1), bin_hz)
    return np.maximum(0.0, 1 - np.abs(bins - centres) / widths).astype(np.float32)


@lru_cache(maxsize=1)
def _templates() -> tuple[Frames, NDArray[np.int64]]:
    """Templates, shape (tones + noise bands, bins of the bank), and the key of each of the tones."""
    tones = [_tone(key, slope) for key in range(PITCHES) for slope in _SLOPES]
    key_of = np.repeat(np.arange(PITCHES), len(_SLOPES))
    return np.array([*tones, *_noise_bands()], dtype=np.float32), key_of


def _tone(key: int, slope: float) -> NDArray[np.float64]:
    centres = _centres_hz()
    widths = 0.8 * np.maximum(centres * (2 ** (1 / 36) - 1), 1.3 * RATE_HZ / WINDOW_SAMPLES)
    f0 = 440.0 * 2 ** ((key + LOWEST_PITCH - 69) / 12)
    partials = [k for k in range(1, _PARTIALS + 1) if k * f0 < _TOP_HZ]
    shape = sum(k**-slope * np.exp(-0.5 * ((centres - k * f0) / widths) ** 2) for k in partials)
    return np.asarray(shape / np.sum(shape))


def _noise_bands() -> list[NDArray[np.float64]]:
    edges = np.geomspace(30.0, _TOP_HZ, _NOISE_BANDS + 1)
    bands = []
    for low, high in itertools.pairwise(edges):
        distance = np.log(_centres_hz() / np.sqrt(low * high)) / np.log(high / low)
        shape = np.exp(-0.5 * (1.5 * distance) ** 2)
        bands.append(shape / shape.sum())
    return bands
