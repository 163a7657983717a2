"""Loudness and true peak after ITU-R BS.1770-5, in bounded memory.

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

_WINDOW_PARTS = 4
"""A gating block of 400 ms is four steps of 100 ms, which is an overlap of 75 %."""
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
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
    """

    integrated_lufs: float | None
    true_peak_dbtp: float | None


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
    return Loudness(meter.integrated(), peak.finish())


def _pieces(samples: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for at in range(0, len(samples), BLOCK_FRAMES):
        yield samples[at : at + BLOCK_FRAMES]


class _Meter:
    """Gathers the weighted power of each 100 ms."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._weighting = KWeighting(rate_hz, channels)
        self._weights = np.array(_WEIGHTS.get(channels, (1.0,) * channels))
        self._steps: list[NDArray[np.float64]] = []

    def push(self, samples: NDArray[np.float64]) -> None:
        for piece in self._weighting.push(samples):
            self._take(piece)

    def _take(self, piece: NDArray[np.float64]) -> None:
        parts = piece.reshape(-1, self._weighting.step, len(self._weights))
        self._steps.append((parts * parts).mean(axis=1) @ self._weights)

    def integrated(self) -> float | None:
        """Integrated loudness of all that was pushed; to be asked once."""
        self._take(self._weighting.finish())
        steps = np.concatenate(self._steps)
        if len(steps) < _WINDOW_PARTS:
            return None
        power = np.convolve(steps, np.full(_WINDOW_PARTS, 1 / _WINDOW_PARTS), "valid")
        loud = power[power > _power(_ABSOLUTE_GATE_LUFS)]
        if not len(loud):
            return None
        loud = loud[loud > _power(_lufs(loud.mean()) + _RELATIVE_GATE_LU)]
        return _lufs(loud.mean()) if len(loud) else None


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


def _lufs(power: float) -> float:
    return _OFFSET_LU + 10 * float(np.log10(power))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET_LU) / 10))
