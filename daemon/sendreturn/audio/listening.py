"""What the analysis hears: a small mono copy of a clip, and what its short frames sound like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import fft, ndimage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendreturn.audio.buffer import Audio

Floats = NDArray[np.float32]

RATE_HZ = 22_050
"""Clips are heard at this rate at most; what lies above 11 kHz tells neither beat nor harmony."""
BANDS = 40
BASS_BANDS = 6
TIMBRE_COEFFICIENTS = 12
CHUNK_SAMPLES = 1 << 20
"""Spectra are made this many at a time, so that ten minutes need no more memory than one."""
FLOOR_DB = -70.0
LEAST_RISE = 0.04
"""Noise and held chords were measured to have onset curves of a deviation of 0.005 to 0.03, music 0.1 and more."""


@dataclass(frozen=True)
class Listening:
    """A clip as frames of `hop_s`, the first centred on the clip's start.

    Attributes:
        bands_db: Shape (frames, BANDS): power in mel bands, in dB, no lower than FLOOR_DB under the loudest.
        chroma: Shape (frames, 12): energy of the pitch classes, each frame of length 1 (0 where silent).
        loudness_db: Shape (frames,): power of all bands, in dB re full scale.
        onsets: Shape (frames,): how much new sound begins, mean about 0 and deviation 1, or less where hardly any does.
    """

    duration_s: float
    hop_s: float
    bands_db: Floats
    chroma: Floats
    loudness_db: Floats
    onsets: Floats

    @property
    def frames(self) -> int:
        return int(self.onsets.shape[0])

    @property
    def silent(self) -> bool:
        return bool(self.loudness_db.max() < -110.0)


def listen(audio: Audio) -> Listening:
    """Analyse a clip of any rate and number of channels."""
    sound, rate_hz = _small_copy(audio)
    window = 1 << round(np.log2(0.046 * rate_hz))
    hop = window // 8
    power = _band_power(sound, rate_hz, window, hop)
    bands_db = _decibels(power, max(float(power.max()), 1e-12) * 10 ** (FLOOR_DB / 10))
    return Listening(
        duration_s=audio.duration_s,
        hop_s=hop / rate_hz,
        bands_db=bands_db,
        chroma=_chroma(sound, rate_hz, window * 4, hop * 8, len(power)),
        loudness_db=_decibels(power.sum(axis=1), 1e-12),
        onsets=_onsets(power),
    )


def timbre(listening: Listening) -> Floats:
    """Shape (frames, TIMBRE_COEFFICIENTS): mel cepstra without the loudness coefficient."""
    cepstra = fft.dct(listening.bands_db, type=2, norm="ortho", axis=1)
    return np.asarray(cepstra[:, 1 : TIMBRE_COEFFICIENTS + 1], dtype=np.float32)


def _small_copy(audio: Audio) -> tuple[Floats, int]:
    sound = audio.samples[:, 0] if audio.channels == 1 else _one_channel(audio)
    if audio.rate_hz <= RATE_HZ:
        return sound, audio.rate_hz
    return np.asarray(soxr.resample(sound, audio.rate_hz, RATE_HZ, quality="MQ"), dtype=np.float32), RATE_HZ


def _one_channel(audio: Audio) -> Floats:
    # A matrix product: numpy's mean over a short last axis takes ten times as long.
    sound = audio.samples @ np.full(audio.channels, 1.0 / audio.channels, dtype=np.float32)
    energies = np.einsum("fc,fc->c", audio.samples, audio.samples)
    loudest = int(np.argmax(energies))
    # Channels in opposite phase cancel in the mean: then the loudest one is heard instead.
    if float(np.dot(sound, sound)) < 0.05 * float(energies[loudest]):
        return np.ascontiguousarray(audio.samples[:, loudest])
    return np.asarray(sound, dtype=np.float32)


def _spectra(sound: Floats, window: int, hop: int) -> Iterator[Floats]:
    """Power spectra in chunks of shape (frames, bins), scaled so that a full-scale sine has power 0.5."""
    padded = np.pad(sound, window // 2, mode="reflect" if len(sound) > window // 2 else "constant")
    shape = np.hanning(window + 1)[:-1].astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    scale = np.float32(2.0 / (window * float(np.square(shape).sum())))
    count = max(CHUNK_SAMPLES // window, 1)
    for start in range(0, len(frames), count):
        spectrum = fft.rfft(frames[start : start + count] * shape, axis=1)
        yield (spectrum.real**2 + spectrum.imag**2) * scale


def _band_power(sound: Floats, rate_hz: int, window: int, hop: int) -> Floats:
    filters = _mel_filters(rate_hz, window)
    return np.concatenate([chunk @ filters for chunk in _spectra(sound, window, hop)])


def _mel_filters(rate_hz: int, window: int) -> Floats:
    """Shape (bins, BANDS): overlapping triangles, evenly spaced on the mel scale from 30 Hz up to 10 kHz."""
    top_hz = min(10_000.0, rate_hz / 2)
    mels = np.linspace(_mel(30.0), _mel(top_hz), BANDS + 2)
    edges_hz = 700.0 * (10 ** (mels / 2595.0) - 1.0)
    bins_hz = fft.rfftfreq(window, 1 / rate_hz)[:, None]
    # The lowest triangles are narrower than a bin; each is widened to touch at least one.
    width_hz = np.maximum(np.diff(edges_hz), rate_hz / window)
    rising = (bins_hz - edges_hz[1:-1]) / width_hz[:-1] + 1.0
    falling = (edges_hz[1:-1] - bins_hz) / width_hz[1:] + 1.0
    return np.asarray(np.clip(np.minimum(rising, falling), 0.0, None), dtype=np.float32)


def _mel(hz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hz / 700.0))


def _decibels(power: Floats, floor: float) -> Floats:
    return np.asarray(10.0 * np.log10(np.maximum(power, floor)), dtype=np.float32)


def _chroma(sound: Floats, rate_hz: int, window: int, hop: int, frames: int) -> Floats:
    """Chroma from longer windows, so that semitones part from about 90 Hz; repeated to the rate of the other frames."""
    bins_hz = fft.rfftfreq(window, 1 / rate_hz)
    heard = np.flatnonzero((bins_hz > 80.0) & (bins_hz < 2500.0))
    classes = np.round(12.0 * np.log2(bins_hz[heard] / 440.0)).astype(int) % 12
    fold = np.zeros((len(heard), 12), dtype=np.float32)
    fold[np.arange(len(heard)), classes] = 1.0
    energy = np.concatenate([np.sqrt(chunk[:, heard]) @ fold for chunk in _spectra(sound, window, hop)])
    unit = energy / np.maximum(np.linalg.norm(energy, axis=1, keepdims=True), 1e-6)
    nearest = np.minimum((np.arange(frames) + 4) // 8, len(unit) - 1)
    return np.asarray(unit[nearest], dtype=np.float32)


def _onsets(power: Floats) -> Floats:
    """Half-wave rectified rise of the compressed bands over two frames, less its own running mean."""
    reference = float(power.mean())
    if reference < 1e-12:
        return np.zeros(len(power), dtype=np.float32)
    loud = np.log1p(100.0 * power / reference)
    before = np.concatenate([loud[:1], loud[:1], loud[:-2]]) if len(loud) > 2 else loud
    # A band is compared with its neighbours too, so that vibrato is not taken for new sound (Böck & Widmer 2013).
    highest = np.maximum(np.maximum(before, np.roll(before, 1, axis=1)), np.roll(before, -1, axis=1))
    rise = np.maximum(loud - highest, 0.0).mean(axis=1)
    rise = rise - ndimage.uniform_filter1d(rise, 81, mode="nearest")
    return np.asarray(rise / max(float(rise.std()), LEAST_RISE), dtype=np.float32)
