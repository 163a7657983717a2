"""A mix and its stems read side by side, once, in pieces, and what that tells."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sendreturn.audio.decode import Decoder, open_decoder
from sendreturn.audio.fold import fold_matrix
from sendreturn.audio.resample import resample_blocks, resampled_frames
from sendreturn.audio.stem_texture import Texture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_BLOCK_FRAMES = 1 << 15
_TEXTURES = 64
"""So many pieces of a stem, spread over its length, tell what it is like."""
_FULL = 0.9995
"""Resampling and other codecs leave clipped tops a little below full scale."""


@dataclass(frozen=True)
class StemMeasures:
    """One stem by itself.

    Attributes:
        rate_hz, channels, frames: As its file is; `frames` counted at the mix's rate.
        peak, rms: Against full scale 1.0.
        offset: The mean of the channel that lies furthest from zero.
        clips: How many times several samples in a row stand at full scale.
        same_channels: Whether its channels are all the same (also where there is only one).
        percussive, deep: See `Texture`.
        loudest_frame: Where its loudest piece begins.
    """

    rate_hz: int
    channels: int
    frames: int
    peak: float
    rms: float
    offset: float
    clips: int
    same_channels: bool
    percussive: float
    deep: float
    loudest_frame: int


@dataclass(frozen=True)
class SetMeasures:
    """Stems beside their mix.

    Attributes:
        rate_hz, channels, frames: The mix's.
        products: Shape (stems + 1, stems + 1): the inner product of each two, the mix last.
    """

    rate_hz: int
    channels: int
    frames: int
    stems: tuple[StemMeasures, ...]
    products: NDArray[np.float64]


def measure_set(mix: Path, stems: Sequence[Path]) -> SetMeasures:
    """Read all of them to their end. Memory does not grow with their length.

    Raises:
        ClipError: One of them cannot be read.
    """
    with ExitStack() as stack:
        whole = stack.enter_context(open_decoder(mix))
        info = whole.info
        readers = [_Reader(stack.enter_context(open_decoder(path)), info.sample_rate_hz) for path in stems]
        products = np.zeros((len(stems) + 1, len(stems) + 1))
        for index, block in enumerate(whole.blocks(block_frames=_BLOCK_FRAMES, dtype="float64")):
            parts = [reader.take(len(block), info.channels, index * _BLOCK_FRAMES) for reader in readers]
            rows = np.stack([*(part.ravel() for part in parts), block.ravel()])
            products += rows @ rows.T
        measures = tuple(reader.finish() for reader in readers)
    return SetMeasures(info.sample_rate_hz, info.channels, info.frames, measures, products)


class _Reader:
    """One stem, at the mix's rate, measured on its way."""

    def __init__(self, decoder: Decoder, rate_hz: int) -> None:
        self._info = decoder.info
        self._length = resampled_frames(decoder.info.frames, decoder.info.sample_rate_hz, rate_hz)
        self._blocks = resample_blocks(
            decoder.blocks(block_frames=_BLOCK_FRAMES, dtype="float64"),
            decoder.info.sample_rate_hz,
            rate_hz,
            decoder.info.channels,
            decoder.info.frames,
        )
        self._held = np.zeros((0, decoder.info.channels))
        self._texture = Texture(rate_hz)
        self._every = max(1, self._length // _BLOCK_FRAMES // _TEXTURES)
        self._taken = self._clips = self._loudest_frame = 0
        self._peak = self._loudest = 0.0
        self._sum, self._squares = np.zeros(decoder.info.channels), 0.0
        self._same_channels = True
        self._last = np.zeros((1, decoder.info.channels))

    def take(self, frames: int, channels: int, at: int) -> NDArray[np.float64]:
        """The next `frames` frames with the mix's channels; silence after the stem's end."""
        samples = self._next(frames)
        self._look_at(samples, at)
        matrix = fold_matrix(samples.shape[1], channels)
        folded = samples if matrix is None else samples @ matrix
        return np.pad(folded, ((0, frames - len(folded)), (0, 0)))

    def finish(self) -> StemMeasures:
        """What was measured, after what lies beyond the mix's end is read too."""
        for block in self._rest():
            self._look_at(block, 0)
        frames = max(self._length, 1)
        return StemMeasures(
            self._info.sample_rate_hz,
            self._info.channels,
            self._length,
            self._peak,
            float(np.sqrt(self._squares / frames / self._info.channels)),
            float(np.abs(self._sum).max() / frames),
            self._clips,
            self._same_channels,
            self._texture.percussive,
            self._texture.deep,
            self._loudest_frame,
        )

    def _next(self, frames: int) -> NDArray[np.float64]:
        parts = [self._held]
        while sum(map(len, parts)) < frames and (block := next(self._blocks, None)) is not None:
            parts.append(block)
        samples = np.concatenate(parts)
        self._held = samples[frames:]
        return samples[:frames]

    def _rest(self) -> Iterator[NDArray[Any]]:
        yield self._held
        yield from self._blocks

    def _look_at(self, samples: NDArray[np.float64], at: int) -> None:
        if not len(samples):
            return
        # einsum runs along the frames several times faster than sum, and wakes no threads as products of BLAS do.
        energy = float(np.einsum("ij,ij->", samples, samples))
        self._squares += energy
        self._sum += np.einsum("ij->j", samples)
        self._peak = max(self._peak, float(samples.max()), -float(samples.min()))
        self._same_channels = self._same_channels and bool((samples == samples[:, :1]).all())
        self._count_clips(samples)
        if energy > self._loudest:
            self._loudest, self._loudest_frame = energy, at
        if self._taken % self._every == 0 and len(samples) >= self._texture.least_frames:
            self._texture.push(np.einsum("ij->i", samples) / samples.shape[1])
        self._taken += 1

    def _count_clips(self, samples: NDArray[np.float64]) -> None:
        if self._peak < _FULL:
            return
        joined = np.concatenate([self._last, samples])
        stands = (np.abs(joined[1:]) >= _FULL) & (joined[1:] == joined[:-1])
        self._clips += int((stands[1:] & ~stands[:-1]).sum() + stands[0].sum())
        self._last = samples[-1:]
