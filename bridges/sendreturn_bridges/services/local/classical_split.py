"""Stems by signal processing alone: a draft, but one that always works.

Vocals: what does not repeat (REPET-SIM: Rafii and Pardo, ISMIR 2012) and comes from the middle of the stereo picture.
Drums: what is broad in frequency and short in time (harmonic/percussive separation by medians: FitzGerald, DAFx 2010),
and what stands out for a moment in the lowest bins, which is the kick. Bass: what is left below a soft edge.
All are masks on the spectrogram of the mix.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sendreturn_bridges.services.local.stft import istft, stft
from sendreturn_bridges.services.local.windows import split_in_windows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Frames = NDArray[np.float32]
    """Shape (frames, channels)."""
    Plane = NDArray[np.float32]
    """Shape (spectra, bins)."""

_WINDOW_S = 30.0
"""What repeats is looked for inside one window; memory grows with its square."""
_HOP_S = 24.0
_TINY = np.float32(1e-9)

_VOCAL_SPECTRUM_S = 0.186
_VOCALS_FROM_HZ = 180.0
_SIMILAR_SHARE = 0.2
"""The repeating background of a moment is the median of this share of all moments, those most like it."""
_EVERY = 3
"""Of those, every third is enough: the median hardly changes and takes a third of the time."""
_APART_S = 1.0
"""A moment is not compared with its own neighbourhood."""
_BACKGROUND_MARGIN = 0.7
_CENTRE_FROM = 0.85
"""Likeness of left and right above which a bin counts as central."""

_RHYTHM_SPECTRUM_S = 0.093
_DRUM_MEDIAN_HZ = 250.0
_HARMONY_MEDIAN_S = 0.25
_KICK_BELOW_HZ = 85.0
_KICK_MEDIAN_S = 0.8
"""A kick drum rings too long to be broad in frequency, but shorter than half of this, and a bass note plays on."""
_BASS_EDGE_HZ = 220.0
_BASS_ORDER = 8


def draft_vocals(samples: Frames, rate_hz: int, progress: Callable[[float], None] = lambda _fraction: None) -> Frames:
    """The vocals of a mix of one or two channels, same shape."""
    size, hop = _resolution(_VOCAL_SPECTRUM_S, rate_hz)

    def split(part: Frames) -> NDArray[np.float32]:
        spectra = stft(part, size, hop)
        magnitude = np.abs(spectra).mean(axis=0)
        mask = _foreground(magnitude, round(_APART_S * rate_hz / hop)) * _centre(spectra)
        mask *= (1 - _percussive(magnitude, size, hop, rate_hz)) * _above(_VOCALS_FROM_HZ, size, rate_hz)
        return istft(spectra * mask, size, hop, len(part))[None]

    stems = split_in_windows(samples, *_window(rate_hz), split, progress)
    return np.asarray(stems[0])


def draft_rhythm(
    samples: Frames, rate_hz: int, progress: Callable[[float], None] = lambda _fraction: None
) -> tuple[Frames, Frames]:
    """The drums and the bass of an accompaniment of one or two channels, same shape."""
    size, hop = _resolution(_RHYTHM_SPECTRUM_S, rate_hz)

    def split(part: Frames) -> NDArray[np.float32]:
        spectra = stft(part, size, hop)
        magnitude = np.abs(spectra).mean(axis=0)
        drums = _percussive(magnitude, size, hop, rate_hz)
        kick = _kick(magnitude[:, : round(_KICK_BELOW_HZ * size / rate_hz)], _odd(_KICK_MEDIAN_S * rate_hz / hop))
        drums[:, : kick.shape[1]] = np.maximum(drums[:, : kick.shape[1]], kick)
        bass = (1 - drums) * (1 - _above(_BASS_EDGE_HZ, size, rate_hz))
        return np.stack([istft(spectra * mask, size, hop, len(part)) for mask in (drums, bass)])

    drums, bass = split_in_windows(samples, *_window(rate_hz), split, progress)
    return drums, bass


def _window(rate_hz: int) -> tuple[int, int]:
    return round(_WINDOW_S * rate_hz), round(_HOP_S * rate_hz)


def _resolution(spectrum_s: float, rate_hz: int) -> tuple[int, int]:
    """Window and hop in samples: a power of two that is near `spectrum_s`."""
    size = 2 ** max(6, round(math.log2(spectrum_s * rate_hz)))
    return size, size // 4


def _foreground(magnitude: Plane, apart: int) -> Plane:
    """How much of each bin is not the background that similar moments share, 0–1."""
    background = np.minimum(_background(magnitude, apart), magnitude)
    front = (magnitude - background) ** 2
    return np.asarray(front / (front + (_BACKGROUND_MARGIN * background) ** 2 + _TINY), np.float32)


def _background(magnitude: Plane, apart: int) -> Plane:
    """Per moment, the median of the moments that are most like it."""
    count = len(magnitude)
    unit = magnitude / (np.linalg.norm(magnitude, axis=1, keepdims=True) + _TINY)
    likeness = unit @ unit.T
    for offset in range(-apart, apart + 1):
        rows = np.arange(max(0, -offset), min(count, count - offset))
        likeness[rows, rows + offset] = -1
    similar = max(1, round(_SIMILAR_SHARE * count))
    nearest = np.argpartition(-likeness, similar - 1, axis=1)[:, :similar:_EVERY]
    return np.stack([np.median(magnitude[rows], axis=0) for rows in nearest]).astype(np.float32)


def _centre(spectra: NDArray[np.complex64]) -> Plane | np.float32:
    """How central each bin is, 0–1; a mono clip is central throughout."""
    if len(spectra) == 1:
        return np.float32(1)
    left, right = spectra
    both = np.abs(left) ** 2 + np.abs(right) ** 2
    likeness = 2 * (left * right.conj()).real / (both + _TINY)
    return np.asarray(np.clip((likeness - _CENTRE_FROM) / (1 - _CENTRE_FROM), 0, 1), np.float32)


def _above(edge_hz: float, size: int, rate_hz: int) -> NDArray[np.float32]:
    """A soft high-pass, shape (bins,)."""
    ratio = np.arange(size // 2 + 1) * (rate_hz / size) / edge_hz
    return (ratio**_BASS_ORDER / (1 + ratio**_BASS_ORDER)).astype(np.float32)


def _percussive(magnitude: Plane, size: int, hop: int, rate_hz: int) -> Plane:
    from scipy.ndimage import median_filter

    across_bins = _odd(_DRUM_MEDIAN_HZ * size / rate_hz)
    across_time = _odd(_HARMONY_MEDIAN_S * rate_hz / hop)
    drums = median_filter(magnitude, size=(1, across_bins), mode="nearest") ** 2
    harmony = median_filter(magnitude, size=(across_time, 1), mode="nearest") ** 2
    return np.asarray(drums / (drums + harmony + _TINY), np.float32)


def _kick(magnitude: Plane, spectra: int) -> Plane:
    """How much of each low bin stands out of its surroundings in time, 0–1."""
    from scipy.ndimage import median_filter

    steady = np.minimum(median_filter(magnitude, size=(spectra, 1), mode="nearest"), magnitude) ** 2
    hits = (magnitude - np.sqrt(steady)) ** 2
    return np.asarray(hits / (hits + steady + _TINY), np.float32)


def _odd(count: float) -> int:
    return max(3, 2 * round(count / 2) + 1)
