"""One mix heard by Basic Pitch in several ways, each of which brings something else forward.

Without its drums, new attacks are those of pitched instruments. In the harmonic part of that, drums that were missed
are weaker; above the lowest octaves, the bass is. And in the difference of left and right, what usually stands in the
middle (bass, kick, snare, lead vocals) is gone, and the wide instruments are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soxr
from scipy.ndimage import median_filter
from scipy.signal import butter, sosfiltfilt

from sendreturn_bridges.services.local.basic_pitch import HOP_SAMPLES, RATE_HZ, listen
from sendreturn_bridges.services.local.drum_removal import remove_drums
from sendreturn_bridges.services.local.note_decoding import Activity
from sendreturn_bridges.services.local.onsets import Curve, Frames, magnitudes, rises
from sendreturn_bridges.services.local.stft import istft, stft

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from sendreturn.audio.buffer import Audio
    from sendreturn.audio.notes import Note

SPECTRUM_SAMPLES = 2048

_SIZE, _HOP = 2048, 512
_MEDIAN_S, _MEDIAN_HZ = 0.2, 500.0
_UPPER_HZ = 200.0
_WIDE = 0.01
"""A clip whose side is more than 40 dB below its middle counts as mono."""


@dataclass(frozen=True)
class Views:
    """What was heard in each way, the spectrum of the harmonic part, and how much is struck when.

    `side` and `side_harmonic` are None for a mono clip.
    """

    drumless: Activity
    harmonic: Activity
    upper: Activity
    side: Activity | None
    side_harmonic: Activity | None
    spectrum: Frames
    struck: Curve


def view(
    audio: Audio, strokes: Sequence[Note], model: Path, progress: Callable[[float], None] = lambda done: None
) -> Views:
    """`audio`, whose drums are struck at `strokes`, in every way."""
    middle, side = resampled(audio), _side(audio)
    drumless = remove_drums(middle, RATE_HZ, strokes)
    harmonic = harmonic_part(drumless)
    upper = sosfiltfilt(butter(4, _UPPER_HZ, "high", fs=RATE_HZ, output="sos"), harmonic).astype(np.float32)
    signals = [drumless, harmonic, upper]
    if side is not None:
        side = remove_drums(side, RATE_HZ, strokes)
        signals += [side, harmonic_part(side)]
    heard: list[Activity | None] = []
    for index, signal in enumerate(signals):
        heard.append(listen(signal, model))
        progress((index + 1) / len(signals))
    heard += [None] * (5 - len(heard))
    return _views(heard, magnitudes(harmonic, SPECTRUM_SAMPLES, HOP_SAMPLES), _strikes(middle - harmonic))


def resampled(audio: Audio) -> NDArray[np.float32]:
    """The mean of the channels at `basic_pitch.RATE_HZ`."""
    return np.asarray(soxr.resample(audio.mono(), audio.rate_hz, RATE_HZ), dtype=np.float32)


def harmonic_part(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    """`mono` (at `RATE_HZ`) without what is short in time and wide in frequency (FitzGerald, DAFx 2010)."""
    spectra = stft(mono[:, None], _SIZE, _HOP)
    size = np.abs(spectra[0])
    held = median_filter(size, size=(_odd(_MEDIAN_S * RATE_HZ / _HOP), 1)) ** 2
    struck = median_filter(size, size=(1, _odd(_MEDIAN_HZ * _SIZE / RATE_HZ))) ** 2
    return istft(spectra * (held / (held + struck + 1e-12)), _SIZE, _HOP, mono.size)[:, 0]


def _views(heard: Sequence[Activity | None], spectrum: Frames, struck: Curve) -> Views:
    drumless, harmonic, upper, side, side_harmonic = heard
    assert drumless is not None
    assert harmonic is not None
    assert upper is not None
    return Views(drumless, harmonic, upper, side, side_harmonic, spectrum, struck)


def _side(audio: Audio) -> NDArray[np.float32] | None:
    """Half the difference of left and right, as loud as the middle; None for mono."""
    if audio.channels != 2:
        return None
    side = (audio.samples[:, 0] - audio.samples[:, 1]) / 2
    middle_rms, side_rms = (float(np.sqrt(np.mean(signal**2))) for signal in (audio.mono(), side))
    if side_rms <= _WIDE * middle_rms or side_rms < 1e-7:
        return None
    gain = min(1 / _WIDE, middle_rms / side_rms)
    return np.asarray(soxr.resample(side * np.float32(gain), audio.rate_hz, RATE_HZ), dtype=np.float32)


def _strikes(percussive: NDArray[np.float32]) -> Curve:
    """How much the spectrum above 0.9 kHz rises, frame by frame."""
    return np.asarray(rises(magnitudes(percussive, 1024, HOP_SAMPLES)[:, 40:], 2).mean(axis=1), dtype=np.float32)


def _odd(value: float) -> int:
    return 2 * max(1, round(value / 2)) + 1
