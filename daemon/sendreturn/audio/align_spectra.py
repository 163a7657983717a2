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
PLAIN = 0.6
"""Likeness from which on a band is taken to hold the source; different notes of one instrument stay under it."""


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
        likeness: 0–1: how much of the source lies in the returned audio, band by band; equalising does not matter.
        rival: How well the best other delay fits, as a share of this one: near 1 for tones, which fit at each period.
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
    """The delay between −`reach` and `reach` samples (default a quarter of a frame) at which the two fit best.

    All frequencies count, by how exactly they can tell a delay: equalisers turn the phase of the low ones.
    """
    reach = reach or cross.size // 4
    curve = _turned(cross, _exactness(cross) * np.exp(1j * np.angle(cross.both)))
    near = np.arange(-reach * _FINER, reach * _FINER + 1)
    values = curve[near]
    best = int(np.argmax(np.abs(values)))
    peak = max(float(np.abs(values[best])), 1e-30)
    aside = np.abs(near - near[best]) > _lobe(np.abs(values), best)
    rival = float(np.abs(values[aside]).max(initial=0.0)) / peak
    samples = float(near[best] / _FINER)
    octaves = _bands_at(cross, samples)
    likeness = float(np.average(octaves[0], weights=octaves[1])) if octaves[1].any() else 0.0
    return Delay(samples, likeness, rival, bool(values[best] < 0.0))


def fit_at_rest(cross: Cross, reach: int) -> float:
    """0–1: how much of the source, octave by octave, lies in the returned audio with one delay of at most `reach`."""
    weights = _octave_weights(cross)
    curve = _turned(cross, weights * _coherence(cross))
    near = np.arange(-reach * _FINER, reach * _FINER + 1)
    return min(1.0, float(np.abs(curve[near]).max()) / max(float(weights.sum()), 1e-30))


def breadth_of(cross: Cross, delay_samples: float) -> float:
    """0–1: in how large a part of the source's range, by loudness, it is plainly heard in the returned audio."""
    likeness, weights = _bands_at(cross, delay_samples)
    return float(np.average(likeness > PLAIN, weights=weights)) if weights.any() else 0.0


def sharpen(cross: Cross, delay: Delay) -> float:
    """The delay to a small part of a sample: frequencies count by how exactly they can tell it."""
    weights = _exactness(cross)
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


def rest_of(cross: Cross) -> float:
    """Energy of what is not the source under any equalising, as a share of what is."""
    coherence = np.abs(_coherence(cross)) ** 2
    chance = 1.0 / max(0.5 * cross.frames, 1.0)
    coherence = np.clip((coherence - chance) / max(1.0 - chance, 1e-9), 0.0, 1.0)
    held = float((cross.returned * coherence).sum())
    return max(float(cross.returned.sum()) - held, 0.0) / max(held, 1e-30)


def _frames(wave: Wave, size: int) -> NDArray[np.float32]:
    if len(wave) < size:
        wave = np.pad(wave, (0, size - len(wave)))
    return np.lib.stride_tricks.sliding_window_view(wave, size)[:: size // 2]


def _coherence(cross: Cross) -> NDArray[np.complex128]:
    power = np.sqrt(cross.source * cross.returned)
    return np.asarray(cross.both / np.maximum(power, max(float(power.max()) * 1e-12, 1e-30)))


def _exactness(cross: Cross) -> Floats:
    """How exactly each frequency can tell a delay: signal over noise, as far as the coherence shows it."""
    coherence = np.minimum(np.abs(_coherence(cross)), MOST_COHERENCE) ** 2
    # What chance leaves in so few frames tells nothing.
    coherence = np.maximum(coherence - 2.0 / cross.frames, 0.0)
    return np.asarray(coherence / (1.0 - coherence) * _heard(cross))


def _bands_at(cross: Cross, delay_samples: float) -> tuple[Floats, Floats]:
    """Likeness and loudness of the source in bands of a third of an octave."""
    bins = np.arange(len(cross.source))
    hz = bins * cross.rate_hz / cross.size
    heard = np.flatnonzero(_heard(cross))
    if not len(heard):
        return np.zeros(1), np.zeros(1)
    turned = cross.both[heard] * np.exp(2j * np.pi * bins[heard] * delay_samples / cross.size)
    starts = np.flatnonzero(np.diff(np.floor(3.0 * np.log2(hz[heard] / LOWEST_HZ)), prepend=-1.0))
    both = np.abs(np.add.reduceat(turned, starts))
    source = np.add.reduceat(cross.source[heard], starts)
    returned = np.add.reduceat(cross.returned[heard], starts)
    alike = both**2 / np.maximum(source * returned, 1e-30)
    # Frames that overlap by half count about half; a Hann window spreads each bin over its neighbours.
    chance = 1.0 / np.maximum(0.5 * cross.frames * np.diff(starts, append=len(heard)) / 1.5, 1.0)
    alike = np.maximum((alike - chance) / np.maximum(1.0 - chance, 1e-9), 0.0)
    return np.sqrt(alike), np.sqrt(source)


def _heard(cross: Cross) -> NDArray[np.bool_]:
    hz = np.arange(len(cross.source)) * cross.rate_hz / cross.size
    loud = cross.source > LEAST_POWER * float(cross.source.max())
    return np.asarray((hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ) & loud)


def _octave_weights(cross: Cross) -> Floats:
    """Between all frequencies alike and all octaves alike; loud ones count more, but less than by their energy."""
    heard = _heard(cross)
    weights = np.zeros(len(heard))
    weights[heard] = np.sqrt(cross.source[heard] / np.flatnonzero(heard))
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
