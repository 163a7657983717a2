"""Notes of everything pitched in a full mix with Basic Pitch.

In a mix the network takes every drum stroke and bass note for a new attack of whatever else is sounding, and overtones
for notes. So it listens three times (to the mix without its drums, to the harmonic part of that, and to this part
without the lowest octaves) with a low threshold, and each note that it holds possible is weighed once more: do its own
partials rise, did it sound before, does a lower note explain it? The weights are data (`heard_weights.json`), fitted
by `tests/bench/fit_weights.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import butter, sosfiltfilt

from sendreturn_bridges.services.local.basic_pitch import HOP_SAMPLES, LATE_S, RATE_HZ, listen
from sendreturn_bridges.services.local.drum_removal import remove_drums
from sendreturn_bridges.services.local.heard_weights import load_weights
from sendreturn_bridges.services.local.note_decoding import LOWEST_PITCH, PITCHES, Activity, Event, Thresholds, decode
from sendreturn_bridges.services.local.onsets import Curve, Frames, magnitudes, rises
from sendreturn_bridges.services.local.stft import istft, stft

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from sendreturn.audio.notes import Note

POSSIBLE = 0.25
"""Least onset value of a candidate."""
THRESHOLDS = Thresholds(onset=POSSIBLE, sounding=0.2, shortest_s=0.05, soft_s=float("inf"), late_s=LATE_S)
FEATURES = 17

_SIZE, _HOP = 2048, 512
_MEDIAN_S, _MEDIAN_HZ = 0.2, 500.0
_UPPER_HZ = 200.0
_SUSTAIN_FRAMES = 12
_OVERTONES = (12, 19, 24, 28)
"""Semitones from a note to its second to fifth partial."""
_SPECTRUM_SAMPLES = 2048
_LEVEL = 9
"""The column of the features that holds a level."""


@dataclass(frozen=True)
class Views:
    """One clip heard in three ways, the spectrum of its harmonic part, and how much is struck when."""

    drumless: Activity
    harmonic: Activity
    upper: Activity
    spectrum: Frames
    struck: Curve


@dataclass(frozen=True)
class Candidates:
    """Shape (n,), (n,) and (n, features)."""

    frames: NDArray[np.intp]
    keys: NDArray[np.intp]
    features: NDArray[np.float64]


def hear_mix(
    mono: NDArray[np.float32],
    strokes: Sequence[Note],
    model: Path,
    progress: Callable[[float], None] = lambda done: None,
) -> list[Event]:
    """The pitched notes in `mono`, which is at `basic_pitch.RATE_HZ` and has drums at `strokes`."""
    views = view(mono, strokes, model, progress)
    found = find_candidates(views)
    weights = load_weights().notes
    kept = weights.logits(found.features) > weights.threshold
    onset = np.zeros_like(views.harmonic.onset)
    onset[found.frames[kept], found.keys[kept]] = views.harmonic.onset[found.frames[kept], found.keys[kept]]
    return decode(Activity(views.harmonic.sounding, onset, views.harmonic.hop_s), THRESHOLDS)


def view(
    mono: NDArray[np.float32],
    strokes: Sequence[Note],
    model: Path,
    progress: Callable[[float], None] = lambda done: None,
) -> Views:
    drumless = remove_drums(mono, RATE_HZ, strokes)
    harmonic = harmonic_part(drumless)
    upper = sosfiltfilt(butter(4, _UPPER_HZ, "high", fs=RATE_HZ, output="sos"), harmonic).astype(np.float32)
    signals = (drumless, harmonic, upper)
    by_drumless, by_harmonic, by_upper = (
        listen(signal, model, _third(progress, index)) for index, signal in enumerate(signals)
    )
    spectrum = magnitudes(harmonic, _SPECTRUM_SAMPLES, HOP_SAMPLES)
    struck = rises(magnitudes(mono - harmonic, 1024, HOP_SAMPLES)[:, 40:], 2).mean(axis=1)
    return Views(by_drumless, by_harmonic, by_upper, spectrum, struck)


def _third(progress: Callable[[float], None], index: int) -> Callable[[float], None]:
    return lambda done: progress((index + done) / 3)


def harmonic_part(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    """`mono` (at `RATE_HZ`) without what is short in time and wide in frequency (FitzGerald, DAFx 2010)."""
    spectra = stft(mono[:, None], _SIZE, _HOP)
    size = np.abs(spectra[0])
    held = median_filter(size, size=(_odd(_MEDIAN_S * RATE_HZ / _HOP), 1)) ** 2
    struck = median_filter(size, size=(1, _odd(_MEDIAN_HZ * _SIZE / RATE_HZ))) ** 2
    return istft(spectra * (held / (held + struck + 1e-12)), _SIZE, _HOP, mono.size)[:, 0]


def find_candidates(views: Views) -> Candidates:
    onset = views.harmonic.onset
    padded = np.pad(onset, ((1, 1), (0, 0)))
    is_peak = (onset >= POSSIBLE) & (onset > padded[:-2]) & (onset >= padded[2:])
    frames, keys = np.nonzero(is_peak)
    rows = [_describe(views, int(frame), int(key)) for frame, key in zip(frames, keys, strict=True)]
    features = np.array(rows, dtype=np.float64).reshape(len(rows), FEATURES)
    if len(rows):
        features[:, _LEVEL] -= np.percentile(features[:, _LEVEL], 95)
    return Candidates(frames, keys, features)


def _describe(views: Views, frame: int, key: int) -> list[float]:
    """What speaks for and against a note that begins at `frame`."""
    harmonic = views.harmonic
    after = slice(frame, frame + _SUSTAIN_FRAMES)
    near = slice(max(0, frame - 2), frame + 3)
    earlier = slice(max(0, frame - 8), max(1, frame - 2))
    before = float(harmonic.sounding[earlier, key].mean()) if frame > 2 else 0.0
    rise_db, level_db = _partials(views.spectrum, frame, key)
    lower = [key - step for step in _OVERTONES if key >= step]
    higher = [key + step for step in _OVERTONES[:3] if key + step < PITCHES]
    ghost = max((float(harmonic.sounding[after, other].mean()) for other in lower), default=0.0)
    ghost_onset = max((float(harmonic.onset[near, other].max()) for other in lower), default=0.0)
    above = max((float(harmonic.sounding[after, other].mean()) for other in higher), default=0.0)
    rise = rise_db / 10
    return [
        _logit(float(harmonic.onset[frame, key])),
        _logit(float(views.drumless.onset[near, key].max())),
        _logit(float(views.upper.onset[near, key].max())),
        _logit(float(harmonic.sounding[after, key].mean())),
        _logit(float(views.upper.sounding[after, key].mean())),
        before,
        float(harmonic.onset[max(0, frame - 12) : max(1, frame - 3), key].max()) if frame > 3 else 0.0,
        rise,
        before * rise,
        level_db / 10,
        ghost,
        ghost_onset,
        ghost * ghost_onset,
        above,
        float(views.struck[near].max(initial=0.0)),
        key / PITCHES,
        (key / PITCHES) ** 2,
    ]


def _partials(spectrum: Frames, frame: int, key: int) -> tuple[float, float]:
    """Median rise of the first four partials across `frame` in dB, and the level of the loudest."""
    f0 = 440.0 * 2 ** ((key + LOWEST_PITCH - 69) / 12)
    bins = np.round(np.arange(1, 5) * f0 * _SPECTRUM_SAMPLES / RATE_HZ).astype(int)
    bins = bins[bins < spectrum.shape[1] - 1]
    last = len(spectrum) - 1
    after = _level(spectrum[min(frame + 2, last) : frame + 10], bins)
    # The window is eight frames long, so a spectrum three frames before the attack hears little of it.
    before = _level(spectrum[max(0, frame - 9) : frame - 3], bins) if frame > 4 else np.zeros(bins.size)
    rise_db = np.clip(20 * np.log10((after + 1e-5) / (before + 1e-5)), -6.0, 20.0)
    return float(np.median(rise_db)), float(20 * np.log10(after.max(initial=0.0) + 1e-6))


def _level(spectrum: Frames, bins: NDArray[np.int64]) -> NDArray[np.float64]:
    around = np.stack([spectrum[:, np.maximum(0, bins + step)] for step in (-1, 0, 1)]).max(axis=0)
    return np.asarray(around.mean(axis=0), dtype=np.float64)


def _logit(value: float) -> float:
    clipped = min(0.99, max(0.01, value))
    return float(np.log(clipped / (1 - clipped)))


def _odd(value: float) -> int:
    return 2 * max(1, round(value / 2)) + 1
