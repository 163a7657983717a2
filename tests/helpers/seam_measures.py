"""What can be measured at a seam: steps, levels, and which part of a clip is heard where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import signal

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sendreturn.audio.buffer import Samples


def step_at(samples: Samples, frame: int, reach: int = 2) -> float:
    """The largest step from sample to sample within `reach` frames of a seam."""
    around = samples[max(frame - reach - 1, 0) : frame + reach + 1]
    return float(np.abs(np.diff(around, axis=0)).max())


def usual_step(samples: Samples, quantile: float = 0.999) -> float:
    """A high quantile of the clip's own steps."""
    return float(np.quantile(np.abs(np.diff(samples, axis=0)).max(axis=1), quantile))


def levels_db(samples: Samples, rate_hz: int, window_s: float = 0.02) -> NDArray[np.float64]:
    """RMS level of consecutive windows over all channels."""
    window = round(window_s * rate_hz)
    whole = samples[: len(samples) // window * window].astype(np.float64)
    power = np.square(whole).reshape(-1, window * samples.shape[1]).mean(axis=1)
    return np.asarray(10.0 * np.log10(power + 1e-12))


def likeness_in(clip: Samples, window: Samples) -> tuple[int, float]:
    """Where in the clip a window is heard, and the normalised correlation there."""
    sound, part = clip.mean(axis=1).astype(np.float64), window.mean(axis=1).astype(np.float64)
    running = np.concatenate([[0.0], np.cumsum(np.square(sound))])
    energy = (running[len(part) :] - running[: -len(part)]) * np.square(part).sum()
    match = signal.correlate(sound, part, mode="valid", method="fft") / np.sqrt(np.maximum(energy, 1e-9))
    best = int(np.argmax(match))
    return best, float(match[best])
