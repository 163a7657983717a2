"""Loudness, loudness range and true peak after ITU-R BS.1770-5 and EBU Tech 3341 and 3342, in bounded memory.

pyloudnorm, which the tests compare with, needs the whole clip in memory, knows five channels and brings scipy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from sendreturn.audio.decode import BLOCK_FRAMES, open_decoder
from sendreturn.audio.k_weighting import KWeighting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from sendreturn.audio.buffer import Audio

_MOMENTARY = 40
"""Steps of 10 ms in a window of 400 ms."""
_SHORT_TERM = 300
_HOP = 10
"""Gating blocks begin every 100 ms, which is an overlap of 75 %."""
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_RANGE_GATE_LU = -20.0
_RANGE_PERCENTILES = (10, 95)
_OFFSET_LU = -0.691
_OVERSAMPLING = 4
_SURROUND = 1.41
_WEIGHTS = {
    4: (1.0, 1.0, _SURROUND, _SURROUND),
    5: (1.0, 1.0, 1.0, _SURROUND, _SURROUND),
    6: (1.0, 1.0, 1.0, 0.0, _SURROUND, _SURROUND),
    7: (1.0, 1.0, 1.0, 0.0, 1.0, _SURROUND, _SURROUND),
    8: (1.0, 1.0, 1.0, 0.0, 1.0, 1.0, _SURROUND, _SURROUND),
}
"""BS.1770-5, tables 3 and 4, for channels in the order of WAV files; the low-frequency channel does not count."""


@dataclass(frozen=True)
class Loudness:
    """What was measured.

    Attributes:
        integrated_lufs: Integrated loudness; None for silence and for less than 0.4 s.
        true_peak_dbtp: Highest peak between the samples, against full scale; None for digital silence.
        range_lu: Loudness range; None for silence and for less than 3 s.
        max_momentary_lufs: Loudest 0.4 s; None as for the integrated loudness.
        max_short_term_lufs: Loudest 3 s; None as for the range.
    """

    integrated_lufs: float | None
    true_peak_dbtp: float | None
    range_lu: float | None = None
    max_momentary_lufs: float | None = None
    max_short_term_lufs: float | None = None


def measure(source: Path | Audio) -> Loudness:
    """Loudness of a file or of audio in memory.

    Raises:
        ClipError: The file cannot be used.
    """
    if isinstance(source, Path):
        with open_decoder(source) as decoder:
            return _measure(decoder.blocks(), decoder.info.sample_rate_hz, decoder.info.channels)
    return _measure(_pieces(source.samples), source.rate_hz, source.channels)


def _measure(blocks: Iterable[NDArray[Any]], rate_hz: int, channels: int) -> Loudness:
    meter = _Meter(rate_hz, channels)
    peak = _TruePeak(rate_hz, channels)
    for block in blocks:
        samples = np.asarray(block, dtype=np.float64)
        meter.push(samples)
        peak.push(samples)
    meter.finish()
    return Loudness(
        meter.integrated(), peak.finish(), meter.range(), meter.loudest(_MOMENTARY), meter.loudest(_SHORT_TERM)
    )


def _pieces(samples: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for at in range(0, len(samples), BLOCK_FRAMES):
        yield samples[at : at + BLOCK_FRAMES]


class _Meter:
    """Gathers the weighted power of each 10 ms. What it says is right after `finish`."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._weighting = KWeighting(rate_hz, channels)
        self._weights = np.array(_WEIGHTS.get(channels, (1.0,) * channels))
        self._parts: list[NDArray[np.float64]] = []
        self._sums = np.zeros(1)

    def push(self, samples: NDArray[np.float64]) -> None:
        for piece in self._weighting.push(samples):
            self._take(piece)

    def finish(self) -> None:
        self._take(self._weighting.finish())
        self._sums = np.concatenate([[0.0], np.cumsum(np.concatenate(self._parts))])

    def integrated(self) -> float | None:
        loud = _gated(self._power(_MOMENTARY)[::_HOP], _RELATIVE_GATE_LU)
        return _lufs(loud.mean()) if len(loud) else None

    def range(self) -> float | None:
        loud = _gated(self._power(_SHORT_TERM)[::_HOP], _RANGE_GATE_LU)
        if not len(loud):
            return None
        low, high = np.percentile(loud, _RANGE_PERCENTILES)
        return _lufs(high) - _lufs(low)

    def loudest(self, window: int) -> float | None:
        """The highest loudness of any window; its hop of 10 ms is finer than EBU Tech 3341 asks of a live meter."""
        power = self._power(window).max(initial=0.0)
        return _lufs(power) if power > _power(_ABSOLUTE_GATE_LUFS) else None

    def _take(self, piece: NDArray[np.float64]) -> None:
        parts = piece.reshape(-1, self._weighting.step, len(self._weights))
        # einsum sums along the frames several times faster than mean.
        self._parts.append(np.einsum("nsc,nsc,c->n", parts, parts, self._weights) / self._weighting.step)

    def _power(self, window: int) -> NDArray[np.float64]:
        """The mean power of every window of so many steps."""
        means: NDArray[np.float64] = (self._sums[window:] - self._sums[:-window]) / window
        return means


class _TruePeak:
    """The highest magnitude of the signal at four times its rate."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._channels = channels
        self._stream = soxr.ResampleStream(rate_hz, _OVERSAMPLING * rate_hz, channels, dtype="float32", quality="HQ")
        self._peak = 0.0

    def push(self, samples: NDArray[np.float64], last: bool = False) -> None:
        self._peak = max(self._peak, float(np.abs(samples).max(initial=0.0)))
        between = self._stream.resample_chunk(np.ascontiguousarray(samples, dtype=np.float32), last=last)
        self._peak = max(self._peak, float(np.abs(between).max(initial=0.0)))

    def finish(self) -> float | None:
        self.push(np.zeros((0, self._channels)), last=True)
        return 20 * float(np.log10(self._peak)) if self._peak > 0 else None


def _gated(power: NDArray[np.float64], gate_lu: float) -> NDArray[np.float64]:
    """The blocks above −70 LUFS, and of these the ones that are not too far below their mean."""
    loud = power[power > _power(_ABSOLUTE_GATE_LUFS)]
    return loud[loud > _power(_lufs(loud.mean()) + gate_lu)] if len(loud) else loud


def _lufs(power: float) -> float:
    return _OFFSET_LU + 10 * float(np.log10(power))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET_LU) / 10))
