"""Another sampling rate, in a stream: soxr at its very high quality, to an exact length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

from sendreturn.audio.buffer import Audio


def resampled_frames(frames: int, from_hz: int, to_hz: int) -> int:
    """How long `frames` frames are at another rate."""
    return round(frames * to_hz / from_hz)


def resample_blocks(
    source: Iterable[NDArray[Any]], from_hz: int, to_hz: int, channels: int, frames: int
) -> Iterator[NDArray[np.float64]]:
    """The blocks of `source`, `frames` frames in all, at the other rate; exactly `resampled_frames` come out.

    soxr itself rounds its output to a frame more or less, which the end makes up for.
    """
    if from_hz == to_hz:
        yield from source
        return
    stream = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float64", quality="VHQ")
    left = resampled_frames(frames, from_hz, to_hz)
    for block in source:
        made = _push(stream, block, channels)[:left]
        left -= len(made)
        yield made
    made = _push(stream, np.zeros((0, channels)), channels, last=True)[:left]
    yield made
    if left > len(made):
        yield np.zeros((left - len(made), channels))


def resample(audio: Audio, to_hz: int) -> Audio:
    """`audio` at another rate."""
    blocks = resample_blocks([audio.samples], audio.rate_hz, to_hz, audio.channels, audio.frames)
    return Audio(np.concatenate(list(blocks)).astype(np.float32), to_hz)


def _push(stream: soxr.ResampleStream, block: NDArray[Any], channels: int, last: bool = False) -> NDArray[np.float64]:
    made = stream.resample_chunk(np.ascontiguousarray(block, dtype=np.float64).reshape(-1, channels), last=last)
    return np.asarray(made, dtype=np.float64).reshape(-1, channels)
