"""Audio in memory: samples and their rate, always together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Shape (frames, channels), full scale ±1.0."""


@dataclass(frozen=True)
class Audio:
    """Samples of shape (frames, channels), float32, full scale ±1.0, at `rate_hz`."""

    samples: Samples
    rate_hz: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 2:
            raise ValueError(f"samples must have shape (frames, channels), not {self.samples.shape}")

    @property
    def frames(self) -> int:
        return int(self.samples.shape[0])

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    @property
    def duration_s(self) -> float:
        return self.frames / self.rate_hz

    def mono(self) -> NDArray[np.float32]:
        """Shape (frames,): the mean of the channels."""
        return np.asarray(self.samples.mean(axis=1, dtype=np.float32), dtype=np.float32)

    def cut(self, start_s: float, end_s: float | None = None) -> Audio:
        """The part from `start_s` to `end_s`, to the nearest sample."""
        end = self.frames if end_s is None else round(end_s * self.rate_hz)
        return Audio(self.samples[round(start_s * self.rate_hz) : end], self.rate_hz)
