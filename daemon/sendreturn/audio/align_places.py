"""Where the source may lie in returned audio, roughly: peaks of the cross-correlation of small copies of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import fft

if TYPE_CHECKING:
    from sendreturn.audio.align_spectra import Wave
    from sendreturn.audio.buffer import Audio

FINE_HZ, COARSE_HZ = 16_000, 4_000
SHORT_S = 100.0
"""Clips up to this long (with the returned audio) are compared at FINE_HZ, longer ones at COARSE_HZ."""
WHITENING = 0.6
"""0 compares waveforms, in which the loudest notes win; 1 only phases, in which noise counts as much as music."""
LEAST_OVERLAP_S = 1.0
NEAR_S = 0.06
"""Codecs delay by less than this; a peak so near to the expected place is always looked at."""
APART_S = 0.004
LEAST_SHARE = 0.02
"""When the small copy holds less of the source's energy, a larger copy is taken: cymbals alone, say."""


@dataclass(frozen=True)
class Pair:
    """Source and returned audio in mono at one rate."""

    source: Wave
    returned: Wave
    rate_hz: int


def mono_of(audio: Audio) -> Wave:
    """The mean of the channels, or the loudest of them where they cancel each other."""
    if audio.channels == 1:
        return audio.samples[:, 0]
    # A matrix product: numpy's mean over a short last axis takes ten times as long.
    mixed = audio.samples @ np.full(audio.channels, 1.0 / audio.channels, dtype=np.float32)
    # Long clips are judged by part of their samples; which part does not matter.
    step = 1 + audio.frames // 1_000_000
    energies = np.square(audio.samples[::step]).sum(axis=0)
    loudest = int(np.argmax(energies))
    if float(np.square(mixed[::step]).sum()) < 0.05 * float(energies[loudest]):
        return np.ascontiguousarray(audio.samples[:, loudest])
    return np.asarray(mixed, dtype=np.float32)


def small_pair(source: Wave, source_hz: int, returned: Wave, returned_hz: int) -> Pair:
    """Both at a rate low enough to compare them as a whole."""
    length_s = len(source) / source_hz + len(returned) / returned_hz
    rate_hz = min(FINE_HZ if length_s <= SHORT_S else COARSE_HZ, source_hz, returned_hz)
    small = _at_rate(source, source_hz, rate_hz)
    share = float(np.dot(small, small)) / rate_hz / max(float(np.dot(source, source)) / source_hz, 1e-30)
    if share < LEAST_SHARE and rate_hz < min(source_hz, returned_hz):
        rate_hz = min(source_hz, returned_hz)
        small = _at_rate(source, source_hz, rate_hz)
    return Pair(small, _at_rate(returned, returned_hz, rate_hz), rate_hz)


def likely_places(pair: Pair, expected_s: float, search_s: float, count: int = 10) -> list[int]:
    """Lags in samples of the pair's rate, the likeliest first, each within `search_s` of the expected one."""
    curve, first = _correlation(pair)
    lags = np.arange(first, first + len(curve))
    expected = expected_s * pair.rate_hz
    distance = np.abs(lags - expected)
    curve = np.where(distance <= search_s * pair.rate_hz, np.abs(curve), 0.0)
    near = np.where(distance <= NEAR_S * pair.rate_hz, curve, 0.0)
    places = [int(lags[np.argmax(near)])] if near.any() else []
    apart = max(3, round(APART_S * pair.rate_hz))
    for _ in range(count):
        best = int(np.argmax(curve))
        if curve[best] <= 0.0:
            break
        places.append(int(lags[best]))
        curve[max(0, best - apart) : best + apart + 1] = 0.0
    return list(dict.fromkeys(places))


def _at_rate(wave: Wave, from_hz: int, to_hz: int) -> Wave:
    if from_hz == to_hz:
        return wave
    return np.asarray(soxr.resample(wave, from_hz, to_hz, quality="LQ"), dtype=np.float32)


def _correlation(pair: Pair) -> tuple[NDArray[np.float32], int]:
    """The tempered cross-correlation from the smallest lag that leaves some overlap, and that lag."""
    lengths = (len(pair.source), len(pair.returned))
    size = fft.next_fast_len(sum(lengths), real=True)
    spectrum = fft.rfft(pair.returned, size) * fft.rfft(pair.source, size).conj()
    level = np.abs(spectrum)
    level += 1e-5 * float(level.mean()) + 1e-30
    spectrum /= level**WHITENING
    curve = fft.irfft(spectrum, size)
    overlap = min(round(LEAST_OVERLAP_S * pair.rate_hz), min(lengths) // 2)
    first, last = overlap - lengths[0], lengths[1] - overlap
    return np.concatenate([curve[first:], curve[:last]]).astype(np.float32), first
