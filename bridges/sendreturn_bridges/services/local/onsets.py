"""Where sounds begin: spectra over time, their rises, and the peaks of those."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, median_filter, uniform_filter1d

Frames = NDArray[np.float32]
"""Shape (frames, bins)."""
Curve = NDArray[np.float32]
"""Shape (frames,)."""

_BATCH_FRAMES = 2048


def magnitudes(mono: NDArray[np.float32], window_samples: int, hop_samples: int) -> Frames:
    """Magnitudes of the short-time spectrum, shape (frames, window/2 + 1); frame k is centred on sample k·hop.

    A sine of amplitude 1 gives 1 at its bin.
    """
    half = window_samples // 2
    padded = np.pad(mono, (half, half + hop_samples))
    frames = sliding_window_view(padded, window_samples)[::hop_samples][: mono.size // hop_samples + 1]
    window = np.hanning(window_samples + 1)[:-1].astype(np.float32)
    out = np.empty((len(frames), half + 1), dtype=np.float32)
    for at in range(0, len(frames), _BATCH_FRAMES):
        batch = slice(at, at + _BATCH_FRAMES)
        out[batch] = np.abs(np.fft.rfft(frames[batch] * window, axis=1))
    out /= np.float32(window.sum() / 2)
    return out


def percussive(spectrum: Frames, hop_s: float, bin_hz: float) -> Frames:
    """The part of a magnitude spectrum that stands upright: short in time, wide in frequency.

    Median filters along time and along frequency (Fitzgerald, "Harmonic/percussive separation using median filtering",
    DAFx 2010), over 0.2 s and 500 Hz, with a soft mask.
    """
    held = median_filter(spectrum, size=(_odd(0.2 / hop_s), 1), mode="nearest")
    struck = median_filter(spectrum, size=(1, _odd(500.0 / bin_hz)), mode="nearest")
    power = struck**2
    return np.asarray(spectrum * power / (power + held**2 + 1e-12), dtype=np.float32)


def rises(spectrum: Frames, lag_frames: int = 1, floor: float = 1e-4) -> Frames:
    """How much each bin is louder than `lag_frames` before, in nepers; 0 where it is not. Same shape.

    The earlier frame is widened by a bin each way, so that vibrato is no onset (Böck & Widmer, "Maximum filter vibrato
    suppression for onset detection", DAFx 2013).
    """
    level: Frames = np.log(spectrum + floor)
    before = maximum_filter1d(level, 3, axis=1)
    out = np.zeros_like(level)
    out[lag_frames:] = np.maximum(0.0, level[lag_frames:] - before[:-lag_frames])
    return out


def peaks(curve: Curve, hop_s: float, *, threshold: float, apart_s: float = 0.05) -> NDArray[np.intp]:
    """Where `curve` is the highest within `apart_s` and at least `threshold` above its mean of the last 0.2 s."""
    reach = max(1, round(apart_s / hop_s))
    highest = maximum_filter1d(curve, 2 * reach + 1, mode="constant")
    width = max(3, _odd(0.2 / hop_s))
    mean = uniform_filter1d(curve, width, mode="nearest", origin=width // 2)
    found = np.flatnonzero((curve >= highest) & (curve > 0) & (curve - mean >= threshold))
    if found.size < 2:
        return found
    return found[np.insert(np.diff(found) > reach, 0, True)]


def sub_frame(curve: Curve, frame: int) -> float:
    """The place of the peak at `frame`, by a parabola through its neighbours."""
    if not 0 < frame < curve.size - 1:
        return float(frame)
    left, top, right = (float(value) for value in curve[frame - 1 : frame + 2])
    bend = left - 2 * top + right
    return float(frame) if bend >= 0 else frame + 0.5 * (left - right) / bend


def _odd(value: float) -> int:
    return 2 * max(1, round(value / 2)) + 1
