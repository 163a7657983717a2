"""Long clips in overlapping windows, so that memory is bounded and the seams cannot be heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Split = Callable[[NDArray[np.float32]], NDArray[np.float32]]
    """Shape (frames, channels) → (stems, frames, channels)."""


def split_in_windows(
    samples: NDArray[np.float32],
    window: int,
    hop: int,
    split: Split,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> NDArray[np.float32]:
    """`split` applied to windows of `samples`, cross-faded into stems of the whole length.

    A clip that is shorter than a window is one window of its own length; otherwise all windows are full ones, and the
    last ends where the clip ends.

    Args:
        samples: Shape (frames, channels), at least one frame.
        window: Frames in a window.
        hop: Frames from one window to the next, at most `window`.
        split: Separates one window.
        progress: Told the fraction done after each window.

    Returns:
        Shape (stems, frames, channels).
    """
    frames = len(samples)
    starts = window_starts(frames, window, hop)
    stems: NDArray[np.float32] | None = None
    weights = np.zeros(frames, np.float32)
    for index, start in enumerate(starts):
        part = split(samples[start : start + window])
        fade = _triangle(part.shape[1])
        if stems is None:
            stems = np.zeros((len(part), *samples.shape), np.float32)
        stems[:, start : start + window] += part * fade[:, None]
        weights[start : start + window] += fade
        progress((index + 1) / len(starts))
    assert stems is not None
    stems /= weights[:, None]
    return stems


def window_starts(frames: int, window: int, hop: int) -> list[int]:
    """Where the windows start that cover `frames` frames."""
    if frames <= window:
        return [0]
    return [*range(0, frames - window, hop), frames - window]


def _triangle(frames: int) -> NDArray[np.float32]:
    """Positive everywhere, so that no frame is left without weight."""
    rising = np.arange(1, frames + 1, dtype=np.float32)
    return np.asarray(np.minimum(rising, rising[::-1]) / ((frames + 1) // 2), np.float32)
