"""Band-limited oscillators: one period as a table that changes its spectrum over time.

A spectrum is given at key frames; each becomes a table by an inverse Fourier transform that holds no harmonic above
the limit, so that nothing can alias, and the oscillator reads between neighbouring tables. All tables of a sound share
their phases, so that reading between them changes the levels of the harmonics and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Spectrum = Callable[[NDArray[np.float64], float, float, NDArray[np.float64]], NDArray[np.float64]]
"""(harmonic numbers of shape (1, harmonics), pitch in Hz, velocity 0–1, times in s of shape (key frames, 1)) → levels
of shape (key frames, harmonics)."""

Tables = NDArray[np.float32]
"""Shape (key frames, table length + 1); the last column repeats the first."""

KEY_TIMES_S = np.concatenate([[0.0], np.geomspace(0.004, 8.0, 23)])

_MOST_HARMONICS = 256
_SAMPLES_PER_HIGHEST_HARMONIC = 16
_SHORTEST_TABLE = 512
_HIGHEST_OF_NYQUIST = 0.9
_TOP_HZ = 18_000.0


def build_tables(
    spectrum: Spectrum, f_hz: float, velocity: float, rate_hz: int, *, moving: bool, random_phases: bool
) -> Tables | None:
    """The tables of one pitch at one velocity, of RMS 0.25 at their loudest; None where the pitch itself lies too high.

    Args:
        moving: Whether the spectrum changes over time; otherwise there is a single table.
        random_phases: Spreads the harmonics' phases, always in the same way, so that no period has a spike.
    """
    harmonics = min(_MOST_HARMONICS, int(min(_HIGHEST_OF_NYQUIST * rate_hz / 2, _TOP_HZ) / f_hz))
    if harmonics < 1:
        return None
    k = np.arange(1, harmonics + 1, dtype=np.float64)[None, :]
    times_s = KEY_TIMES_S[:, None] if moving else np.zeros((1, 1))
    levels = np.broadcast_to(spectrum(k, f_hz, velocity, times_s), (len(times_s), harmonics))
    spread = np.random.default_rng(1).uniform(0, 2 * np.pi, harmonics)
    return _inverse(levels, spread if random_phases else np.zeros(harmonics))


def read_tables(tables: Tables, cycles: NDArray[np.float64], rate_hz: int) -> NDArray[np.float32]:
    """One oscillator.

    Args:
        tables: As `build_tables` gives them.
        cycles: The phase in periods at each sample, shape (frames,).

    Returns:
        Shape (frames,).
    """
    length = tables.shape[1] - 1
    place = (cycles - np.floor(cycles)) * length
    column = place.astype(np.intp)
    np.minimum(column, length - 1, out=column)
    between = (place - column).astype(np.float32)
    flat = tables.ravel()
    if len(tables) == 1:
        return _between(flat, column, between)
    row, weight = _key_frames(rate_hz, len(cycles))
    index = row * (length + 1) + column
    early = _between(flat, index, between)
    return early + weight * (_between(flat, index + (length + 1), between) - early)


def _between(flat: NDArray[np.float32], index: NDArray[np.intp], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    # "wrap" spares numpy a check of every index; all are in range.
    first = flat.take(index, mode="wrap")
    return first + weight * (flat.take(index + 1, mode="wrap") - first)


def _inverse(levels: NDArray[np.float64], phases: NDArray[np.float64]) -> Tables:
    harmonics = levels.shape[1]
    length = max(_SHORTEST_TABLE, 1 << (harmonics * _SAMPLES_PER_HIGHEST_HARMONIC - 1).bit_length())
    loudest = np.sqrt((levels**2).sum(axis=1).max() / 2) or 1.0
    bins = np.zeros((len(levels), length // 2 + 1), dtype=np.complex128)
    bins[:, 1 : harmonics + 1] = levels * np.exp(1j * (phases - np.pi / 2)) * (0.25 / loudest * length / 2)
    period = np.fft.irfft(bins, n=length, axis=1)
    return np.asarray(np.concatenate([period, period[:, :1]], axis=1), dtype=np.float32)


def _key_frames(rate_hz: int, frames: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    row, weight = _key_frames_until_the_last(rate_hz)
    beyond = max(0, frames - len(row))
    if beyond == 0:
        return row[:frames], weight[:frames]
    return np.pad(row, (0, beyond), mode="edge"), np.pad(weight, (0, beyond), mode="edge")


@lru_cache(maxsize=4)
def _key_frames_until_the_last(rate_hz: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    t = np.arange(int(KEY_TIMES_S[-1] * rate_hz)) / rate_hz
    place = np.interp(t, KEY_TIMES_S, np.arange(len(KEY_TIMES_S)))
    row = np.minimum(place.astype(np.intp), len(KEY_TIMES_S) - 2)
    return row, (place - row).astype(np.float32)
