"""Notes of everything pitched in a full mix with Basic Pitch.

In a mix the network takes every drum stroke and bass note for a new attack of whatever else is sounding, and overtones
for notes. So it listens to several views of the mix with a low threshold, and each note that it holds possible is
weighed once more: how sure is each view, do the note's own partials rise, did it sound before, does a lower note
explain it? The weights are data (`heard_weights.json`), fitted by `tests/bench/fit_weights.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sendreturn_bridges.services.local.basic_pitch import LATE_S, RATE_HZ
from sendreturn_bridges.services.local.heard_weights import load_weights
from sendreturn_bridges.services.local.note_decoding import LOWEST_PITCH, PITCHES, Activity, Event, Thresholds, decode
from sendreturn_bridges.services.local.views import SPECTRUM_SAMPLES, Views, view

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from sendreturn.audio.buffer import Audio
    from sendreturn.audio.notes import Note

    from sendreturn_bridges.services.local.onsets import Frames

POSSIBLE = 0.25
"""Least onset value of a candidate."""
THRESHOLDS = Thresholds(onset=POSSIBLE, sounding=0.2, shortest_s=0.05, soft_s=float("inf"), late_s=LATE_S)
FEATURES = 23

_SUSTAIN_FRAMES = 12
_OVERTONES = (12, 19, 24, 28)
"""Semitones from a note to its second to fifth partial."""
_LEVEL = 9
"""The column of the features that holds a level."""


@dataclass(frozen=True)
class Candidates:
    """Shape (n,), (n,) and (n, `FEATURES`)."""

    frames: NDArray[np.intp]
    keys: NDArray[np.intp]
    features: NDArray[np.float64]


def hear_mix(
    audio: Audio, strokes: Sequence[Note], model: Path, progress: Callable[[float], None] = lambda done: None
) -> list[Event]:
    """The pitched notes in `audio`, whose drums are struck at `strokes`."""
    views = view(audio, strokes, model, progress)
    found = find_candidates(views)
    weights = load_weights().notes
    kept = weights.logits(with_products(found.features)) > weights.threshold
    onset = np.zeros_like(views.harmonic.onset)
    onset[found.frames[kept], found.keys[kept]] = views.harmonic.onset[found.frames[kept], found.keys[kept]]
    return decode(Activity(views.harmonic.sounding, onset, views.harmonic.hop_s), THRESHOLDS)


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
        *_side_evidence(views.side, frame, key),
        *_side_evidence(views.side_harmonic, frame, key),
        float(views.side is not None),
    ]


def _side_evidence(side: Activity | None, frame: int, key: int) -> tuple[float, float, float]:
    """Onset, activity and earlier activity of the key in one view of the side; zeros for mono."""
    if side is None:
        return 0.0, 0.0, 0.0
    onset = float(side.onset[max(0, frame - 2) : frame + 3, key].max(initial=0.0))
    after = side.sounding[frame : frame + _SUSTAIN_FRAMES, key]
    before = side.sounding[max(0, frame - 8) : max(1, frame - 2), key]
    return _logit(onset), _logit(float(after.mean())), float(before.mean())


def with_products(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """`features` and all products of two: what counts for a note depends on the rest (a mono clip has no side)."""
    rows, columns = np.triu_indices(features.shape[1])
    return np.hstack([features, features[:, rows] * features[:, columns]])


def _partials(spectrum: Frames, frame: int, key: int) -> tuple[float, float]:
    """Median rise of the first four partials across `frame` in dB, and the level of the loudest."""
    f0 = 440.0 * 2 ** ((key + LOWEST_PITCH - 69) / 12)
    bins = np.round(np.arange(1, 5) * f0 * SPECTRUM_SAMPLES / RATE_HZ).astype(int)
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
