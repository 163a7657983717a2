"""What a producer would otherwise find out by ear of a file that came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sendreturn.audio.decode import open_decoder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SILENT = 10 ** (-70 / 20)
FULL_SCALE = 1 - 2.0**-15
RUN = 4
"""So many samples in a row at full scale are a clipped peak; single ones are loud peaks."""
CLIPPED_RUNS = 3
OFFSET = 0.005
ALL_IS_HEARD_HZ = 44_100
SAME = 10 ** (-80 / 20)


@dataclass(frozen=True)
class Heard:
    """Measures of one file. `is_mono`: all channels hold the same."""

    duration_s: float
    rate_hz: int
    peak: float
    offset: float
    clipped_runs: int
    is_mono: bool


def hear(path: Path) -> Heard:
    """Measure a file in one pass, in bounded memory.

    Raises:
        ClipError: it cannot be decoded.
    """
    peak, total, runs, spread = 0.0, 0.0, 0, 0.0
    with open_decoder(path) as decoder:
        info = decoder.info
        for block in decoder.blocks(dtype="float64"):
            size = np.abs(block)
            peak = max(peak, float(size.max(initial=0.0)))
            total += float(block.mean(axis=1).sum())
            runs += _runs(size)
            spread = max(spread, float(np.abs(block - block[:, :1]).max(initial=0.0)))
    is_mono = info.channels == 1 or spread <= SAME * max(peak, 1e-9)
    return Heard(info.duration_s, info.sample_rate_hz, peak, total / max(info.frames, 1), runs, is_mono)


def checks_of(
    heard: Heard, *, clip_channels: int | None = None, clip_hz: int | None = None, least_s: float | None = None
) -> tuple[str, ...]:
    """What is to be said of a mix.

    Args:
        clip_channels, clip_hz: Of the clip that was sent.
        least_s: How long it should be at least.
    """
    if heard.peak < SILENT:
        return ("What came back is silent.",)
    found = []
    if heard.clipped_runs >= CLIPPED_RUNS:
        found.append(f"What came back clips: {heard.clipped_runs} peaks are cut off at full scale.")
    if abs(heard.offset) > OFFSET:
        found.append(f"What came back has a DC offset of {100 * abs(heard.offset):.1f} % of full scale.")
    if heard.is_mono and clip_channels is not None and clip_channels > 1:
        found.append("What came back is mono, and the clip is stereo.")
    if clip_hz is not None and heard.rate_hz < min(clip_hz, ALL_IS_HEARD_HZ):
        found.append(
            f"What came back has {heard.rate_hz:,} Hz, so that nothing above {heard.rate_hz / 2000:g} kHz is in it."
        )
    if least_s is not None and heard.duration_s < least_s - 0.05:
        found.append(f"What came back is {heard.duration_s:.1f} s long, and the clip {least_s:.1f} s.")
    return tuple(found)


def _runs(size: NDArray[np.float64]) -> int:
    """Stretches of at least `RUN` samples in a row at full scale, over all channels."""
    at = np.pad((size >= FULL_SCALE).astype(np.int8), ((1, 1), (0, 0)))
    edges = np.diff(at, axis=0)
    starts, ends = np.nonzero(edges.T == 1), np.nonzero(edges.T == -1)
    return int(((ends[1] - starts[1]) >= RUN).sum())
