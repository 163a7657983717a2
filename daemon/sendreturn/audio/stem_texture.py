"""How percussive a stem is, and how much of it lies in the deep: enough to tell drums from a voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIZE = 2048
_HOP = 512
_BANDS = 41
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 16_000.0
_MEDIAN = 17
"""Frames along time (0.2 s), and bands across half of the spectrum."""
_DEEP_HZ = 90.0


class Texture:
    """Gathers what pieces of a stem are like, each of them at least `least_frames` long.

    What stands out between its neighbours in time and goes across the spectrum is percussive, what goes on in time is
    not (FitzGerald, "Harmonic/percussive separation using median filtering", DAFx 2010), here on bands.
    """

    least_frames = _SIZE + _MEDIAN * _HOP

    def __init__(self, rate_hz: int) -> None:
        frequencies = np.fft.rfftfreq(_SIZE, 1 / rate_hz)
        edges = np.geomspace(_LOWEST_HZ, min(_HIGHEST_HZ, rate_hz / 2), _BANDS)
        self._edges = np.unique(np.searchsorted(frequencies, edges))
        self._edges = self._edges[self._edges < len(frequencies)]
        self._deep_bins = int(np.searchsorted(frequencies, _DEEP_HZ))
        self._window = np.hanning(_SIZE)
        self._energy = self._percussive = self._all = self._deep = 0.0

    def push(self, mono: NDArray[np.float64]) -> None:
        pieces = sliding_window_view(mono, _SIZE)[::_HOP] * self._window
        power = np.abs(np.fft.rfft(pieces, axis=1)) ** 2
        self._all += float(power.sum())
        self._deep += float(power[:, : self._deep_bins].sum())
        bands = np.add.reduceat(power, self._edges, axis=1)
        is_percussive = _median(bands, 1) > _median(bands, 0)
        self._energy += float(bands.sum())
        self._percussive += float(bands[is_percussive].sum())

    @property
    def percussive(self) -> float:
        """Share of the energy, 0 to 1: above a half for drums, below a quarter for everything that sings or rings."""
        return self._percussive / self._energy if self._energy > 0 else 0.0

    @property
    def deep(self) -> float:
        """Share of the energy below 90 Hz, 0 to 1."""
        return self._deep / self._all if self._all > 0 else 0.0


def _median(bands: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    margin = [(0, 0), (0, 0)]
    margin[axis] = (_MEDIAN // 2, _MEDIAN // 2)
    around = sliding_window_view(np.pad(bands, margin, mode="edge"), _MEDIAN, axis=axis)
    return np.asarray(np.median(around, axis=-1))
