"""Cross-spectra of two pieces of audio, and the delay and likeness that they show.

The delay is where the coherence of all frequencies, turned by it, adds up to the most (the maximum-likelihood form of
generalised cross-correlation: Knapp & Carter 1976). Gain, equalising and codecs change levels and coherence, hardly
the delay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Wave = NDArray[np.float32]
Floats = NDArray[np.float64]

LOWEST_HZ, HIGHEST_HZ = 40.0, 18_000.0
"""Outside of this codecs and high-pass filters leave little to compare."""
LEAST_POWER = 1e-8
"""Bins this far under the source's strongest one are left out."""
MOST_COHERENCE = 0.9999
_FINER = 8
"""Steps per sample when the peak is looked for; between the steps a parabola is laid."""
_MOST_SPLIT = 0.3


@dataclass(frozen=True)
class Cross:
    """Power and cross-power of source and returned audio, each of shape (bins,), summed over `frames` frames."""

    source: Floats
    returned: Floats
    both: NDArray[np.complex128]
    frames: int
    rate_hz: float

    def __add__(self, other: Cross) -> Cross:
        return Cross(
            self.source + other.source,
            self.returned + other.returned,
            self.both + other.both,
            self.frames + other.frames,
            self.rate_hz,
        )

    @property
    def size(self) -> int:
        """Length of the frames, in samples."""
        return 2 * (len(self.source) - 1)


@dataclass(frozen=True)
class Delay:
    """How far the returned audio lies behind the source.

    Attributes:
        samples: The delay, between samples.
        likeness: 0–1: share of the source, octave by octave, that lies in the returned audio with this one delay.
        rival: The same for the best delay that is not this one: near 1 for tones, which fit wherever they repeat.
        inverted: Whether the polarity is turned over.
    """

    samples: float
    likeness: float
    rival: float
    inverted: bool


def cross_of(source: Wave, returned: Wave, size: int, rate_hz: float) -> Cross:
    """The cross-spectrum of two pieces of the same length, from Hann-windowed frames that overlap by half."""
    shape = np.hanning(size + 1)[:-1].astype(np.float32)
    first = fft.rfft(_frames(source, size) * shape, axis=1)
    second = fft.rfft(_frames(returned, size) * shape, axis=1)
    return Cross(
        np.square(np.abs(first)).sum(axis=0, dtype=np.float64),
        np.square(np.abs(second)).sum(axis=0, dtype=np.float64),
        (second * first.conj()).sum(axis=0, dtype=np.complex128),
        len(first),
        rate_hz,
    )


def delay_in(cross: Cross, reach: int | None = None) -> Delay:
    """The delay between −`reach` and `reach` samples (default a quarter of a frame) at which the two are most alike."""
    reach = reach or cross.size // 4
    weights = _octave_weights(cross)
    curve = _turned(cross, weights * _coherence(cross))
    near = np.arange(-reach * _FINER, reach * _FINER + 1)
    values = curve[near] / max(float(weights.sum()), 1e-30)
    best = int(np.argmax(np.abs(values)))
    aside = np.abs(near - near[best]) > _lobe(np.abs(values), best)
    rival = float(np.abs(values[aside]).max(initial=0.0))
    rough = near[best] / _FINER
    inverted = bool(values[best] < 0.0)
    return Delay(rough, min(float(abs(values[best])), 1.0), min(rival, 1.0), inverted)


def sharpen(cross: Cross, delay: Delay) -> float:
    """The delay to a small part of a sample: frequencies count by how exactly they can tell it."""
    coherence = np.minimum(np.abs(_coherence(cross)), MOST_COHERENCE) ** 2
    # What chance leaves in so few frames tells nothing.
    coherence = np.maximum(coherence - 2.0 / cross.frames, 0.0)
    weights = coherence / (1.0 - coherence) * (_octave_weights(cross) > 0.0)
    phases = np.exp(1j * np.angle(cross.both)) * (-1.0 if delay.inverted else 1.0)
    radians = 2.0 * np.pi * np.arange(len(weights)) / cross.size
    at = delay.samples
    for step in (0.25, 0.05, 0.01, 0.002):
        around = at + step * np.arange(-6, 7)
        sums = (weights * phases * np.exp(1j * np.outer(around, radians))).real.sum(axis=1)
        at = float(around[int(np.argmax(sums))])
    return at


def fit_of(cross: Cross, delay_samples: float) -> tuple[float, float]:
    """Gain of the source in the returned audio (negative when turned over), and what else is there.

    Returns:
        The factor, and the energy of the rest as a share of the fitted source's.
    """
    radians = 2.0 * np.pi * np.arange(len(cross.both)) / cross.size
    together = float((cross.both * np.exp(1j * radians * delay_samples)).real.sum())
    power = float(cross.source.sum())
    factor = together / max(power, 1e-30)
    fitted = factor * factor * power
    rest = max(float(cross.returned.sum()) - fitted, 0.0)
    return factor, rest / max(fitted, 1e-30)


def _frames(wave: Wave, size: int) -> NDArray[np.float32]:
    if len(wave) < size:
        wave = np.pad(wave, (0, size - len(wave)))
    return np.lib.stride_tricks.sliding_window_view(wave, size)[:: size // 2]


def _coherence(cross: Cross) -> NDArray[np.complex128]:
    power = np.sqrt(cross.source * cross.returned)
    return np.asarray(cross.both / np.maximum(power, max(float(power.max()) * 1e-12, 1e-30)))


def _octave_weights(cross: Cross) -> Floats:
    """Every octave counts alike where it is equally loud; louder ones count more, but less than by their energy."""
    hz = np.arange(len(cross.source)) * cross.rate_hz / cross.size
    heard = (hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ) & (cross.source > LEAST_POWER * float(cross.source.max()))
    weights = np.zeros(len(hz))
    weights[heard] = np.sqrt(cross.source[heard]) / hz[heard]
    return weights


def _turned(cross: Cross, spectrum: NDArray[np.complex128]) -> Floats:
    """The sum of all bins for each delay, in steps of 1/_FINER sample; negative delays count from the end."""
    length = cross.size * _FINER
    return np.asarray(fft.irfft(spectrum, length) * (length / 2))


def _lobe(values: Floats, best: int) -> int:
    """How far to either side the peak reaches: to where it has fallen under a part of its height."""
    low = values < _MOST_SPLIT * values[best]
    right = int(np.argmax(low[best:])) if low[best:].any() else len(low)
    left = int(np.argmax(low[best::-1])) if low[best::-1].any() else len(low)
    return max(left, right)
