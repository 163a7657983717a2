"""Spectra for the oscillators: which harmonics a sound has, and how they change.

Each function here returns a `wavetables.Spectrum`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendreturn.synth.wavetables import Spectrum

Array = NDArray[np.float64]


def filtered(
    wave: str,
    cutoff_hz: float,
    *,
    opens_hz: float = 0.0,
    opens_s: float = 0.3,
    resonance: float = 0.7,
    tracking: float = 0.5,
    width: float = 0.5,
    touch: float = 1.0,
) -> Spectrum:
    """An analog oscillator through a low-pass filter of 24 dB per octave.

    Args:
        wave: saw, square or pulse (of `width`).
        cutoff_hz: At middle C and full velocity, when the envelope is over.
        opens_hz: Added at the start of the note, falling with the time constant `opens_s`; may be negative.
        tracking: How far the cutoff follows the pitch; 1 is fully.
        touch: How far a soft note closes the filter; 0 is not at all.
    """

    def levels(k: Array, f_hz: float, velocity: float, t_s: Array) -> Array:
        by_touch = 1 - touch + touch * (0.25 + 0.75 * velocity)
        base_hz = cutoff_hz * (f_hz / 261.6) ** tracking
        cutoff = np.maximum(80.0, (base_hz + opens_hz * np.exp(-t_s / opens_s)) * by_touch)
        return _wave(wave, k, width) * low_pass(k * f_hz, cutoff, resonance)

    return levels


def plucked(
    position: float, *, tilt: float = 1.0, ring_s: float = 1.5, damping: float = 0.02, body_hz: float = 0.0
) -> Spectrum:
    """A string plucked or struck at `position` (part of its length).

    Args:
        tilt: Slope of the harmonics, k^−tilt; a soft touch makes it steeper.
        ring_s: Time constant of the fundamental's decay relative to the envelope, at middle C; low strings ring longer.
        damping: How much faster the high harmonics fade: the k-th falls 1 + damping·k² times as fast.
        body_hz: A broad resonance of the body; 0 for none.
    """

    def levels(k: Array, f_hz: float, velocity: float, t_s: Array) -> Array:
        first = np.abs(np.sin(np.pi * k * position)) / k ** (tilt + 0.9 * (1 - velocity)) + 1e-4
        ringing_s = ring_s * (261.6 / f_hz) ** 0.5
        body = 1 + 1.2 * resonance_at(k * f_hz, body_hz, 0.9) if body_hz else 1.0
        fading = np.exp(-t_s * damping * (k**2 - 1) / ringing_s)
        return np.asarray(first * body * fading, dtype=np.float64)

    return levels


def sung(vowels: Sequence[Sequence[tuple[float, float]]], turns_s: float = 0.15, tilt: float = 1.1) -> Spectrum:
    """A voice: a falling spectrum through formants that stay where they are while the pitch moves.

    Args:
        vowels: The first and the last vowel, each as (formant in Hz, level) of equal number.
        turns_s: Time constant of the turn from the first to the last.
    """
    first, last = np.array(vowels[0]), np.array(vowels[-1])

    def levels(k: Array, f_hz: float, velocity: float, t_s: Array) -> Array:
        turned = 1 - np.exp(-t_s / turns_s)
        source = k ** -(tilt + 0.5 * (1 - velocity))
        tract: Array = np.full((len(t_s), k.shape[1]), 0.03)
        for (from_hz, from_level), (to_hz, to_level) in zip(first, last, strict=True):
            centre_hz = from_hz + (to_hz - from_hz) * turned
            tract = tract + (from_level + (to_level - from_level) * turned) * resonance_at(k * f_hz, centre_hz, 0.22)
        # The ear takes the fundamental for the pitch, so it stays clear also where it lies below the first formant.
        return np.asarray(source * (tract + 0.25 * (k == 1)), dtype=np.float64)

    return levels


def drawbars(levels_of: dict[int, float]) -> Spectrum:
    """An organ: harmonic number → level."""

    def levels(k: Array, f_hz: float, velocity: float, t_s: Array) -> Array:
        return np.array([[levels_of.get(int(number), 0.0) for number in k[0]]])

    return levels


def blown(slope: float, *, odd: float = 1.0, swells_s: float = 0.05, top_hz: float = 4000.0) -> Spectrum:
    """A wind instrument, which gets brighter as it gets louder.

    Args:
        slope: k^−slope at full blow.
        odd: Level of the even harmonics; near 0 for a clarinet.
        swells_s: How long the brightness takes to come.
    """

    def levels(k: Array, f_hz: float, velocity: float, t_s: Array) -> Array:
        blow = (1 - 0.8 * np.exp(-t_s / swells_s)) * (0.35 + 0.65 * velocity)
        even = np.where(k % 2 == 0, odd, 1.0)
        return np.asarray(even * k ** -(slope + 1.6 * (1 - blow)) * low_pass(k * f_hz, top_hz, 0.8), dtype=np.float64)

    return levels


def low_pass(f_hz: Array, cutoff_hz: Array | float, resonance: float) -> Array:
    """Levels of a four-pole low-pass filter; `resonance` is the Q of its first pair."""
    x = f_hz / cutoff_hz
    return np.asarray(1 / np.sqrt((1 - x**2) ** 2 + (x / resonance) ** 2) / np.sqrt(1 + x**4), dtype=np.float64)


def resonance_at(f_hz: Array, centre_hz: Array | float, width: float) -> Array:
    """A bell of height 1 on a logarithmic axis of frequency; `width` in natural logarithms."""
    return np.asarray(np.exp(-0.5 * (np.log(f_hz / centre_hz) / width) ** 2), dtype=np.float64)


def _wave(wave: str, k: Array, width: float) -> Array:
    if wave == "saw":
        return 1 / k
    pulse = 0.5 if wave == "square" else width
    return np.asarray(np.abs(np.sin(np.pi * k * pulse)) / k, dtype=np.float64)
