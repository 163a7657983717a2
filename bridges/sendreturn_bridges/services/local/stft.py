"""The short-time Fourier transform of whole clips, there and back, in single precision."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from numpy.typing import NDArray


@lru_cache(maxsize=8)
def hann(size: int) -> NDArray[np.float32]:
    """The periodic Hann window."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
    window.flags.writeable = False
    return window


def stft(samples: NDArray[np.float32], size: int, hop: int) -> NDArray[np.complex64]:
    """Spectra of shape (channels, 1 + ⌈frames / hop⌉, size / 2 + 1), the first centred on the first frame.

    Args:
        samples: Shape (frames, channels); silence is assumed around them.
        size: Of the window, which is Hann's and not normalised; a multiple of `hop`.
        hop: Samples from one spectrum to the next.
    """
    frames, channels = samples.shape
    count = 1 + -(-frames // hop)
    padded = np.zeros((channels, (count - 1) * hop + size), np.float32)
    padded[:, size // 2 : size // 2 + frames] = samples.T
    pieces = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
    return np.asarray(scipy.fft.rfft(pieces * hann(size), axis=2), dtype=np.complex64)


def istft(spectra: NDArray[np.complex64], size: int, hop: int, frames: int) -> NDArray[np.float32]:
    """The samples, shape (frames, channels), whose spectra come nearest (Griffin and Lim 1984, equation 6)."""
    channels, count, _ = spectra.shape
    pieces = np.asarray(scipy.fft.irfft(spectra, n=size, axis=2), dtype=np.float32) * hann(size)
    turns = size // hop
    total = np.zeros((channels, count - 1 + turns, hop), np.float32)
    weight = np.zeros((count - 1 + turns, hop), np.float32)
    power = (hann(size) ** 2).reshape(turns, hop)
    for turn in range(turns):
        total[:, turn : turn + count] += pieces[:, :, turn * hop : (turn + 1) * hop]
        weight[turn : turn + count] += power[turn]
    total /= np.maximum(weight, 1e-8)
    return np.ascontiguousarray(total.reshape(channels, -1)[:, size // 2 : size // 2 + frames].T)
