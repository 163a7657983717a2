"""Rhythm and harmony of two pieces of audio laid over each other: for covers and regenerated audio.

Nothing here is exact to a sample, and a song fits itself one bar later nearly as well: the confidence stays under a
half whatever is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from sendreturn.audio.listening import listen

if TYPE_CHECKING:
    from sendreturn.audio.buffer import Audio

Floats = NDArray[np.float64]

STEP_S = 0.01
HIGHEST_CONFIDENCE = 0.45
LEAST_SCORE, FULL_SCORE = 0.42, 0.75
"""Songs that share tempo and sounds alone reach 0.5, covers 0.8 and more."""
LEAST_LEAD, FULL_LEAD = 0.0, 0.12
"""How far the best place should lead the next one."""
EXPECTED_BONUS = 0.06
EXPECTED_WITHIN_S = 0.05
APART_S = 0.12
LEAST_OVERLAP_S = 3.0
MISLABELLED = (44_100 / 48_000, 48_000 / 44_100)
"""Audio whose file tells the wrong one of the two usual rates: pitch changes with the speed."""
SPEEDS = (*MISLABELLED, *(1.0 + np.arange(-12, 13) * 0.0025))
SPEED_EXCERPT_S = 30.0
FASTER_LEAD = 0.08
"""Another speed must fit by so much better than the same speed before it is believed."""


@dataclass(frozen=True)
class Likeness:
    """Where two pieces of music fit best.

    Attributes:
        lag_s: Where the first begins in the second.
        score: Correlation of onsets and harmony there, up to 1.
        confidence: 0 to HIGHEST_CONFIDENCE.
        speed: How many times as fast the second runs.
    """

    lag_s: float
    score: float
    confidence: float
    speed: float = 1.0


@dataclass(frozen=True)
class _Features:
    """Shape (13, steps): onsets and twelve pitch classes, each group of mean 0."""

    rows: Floats

    @property
    def steps(self) -> int:
        return int(self.rows.shape[1])


def find_music(source: Audio, returned: Audio, expected_s: float, search_s: float) -> Likeness | None:
    """The place where the source's rhythm and harmony lie in the returned audio; None where there is none."""
    if min(source.duration_s, returned.duration_s) < LEAST_OVERLAP_S:
        return None
    first, second = _features(source), _features(returned)
    if not (first.rows.any() and second.rows.any()):
        return None
    speed = _speed(first, second)
    lag_s, score, lead = _best(first, _at_speed(second, speed), expected_s, search_s)
    if score < LEAST_SCORE:
        return None
    sure = _between(score, LEAST_SCORE, FULL_SCORE) * _between(lead, LEAST_LEAD, FULL_LEAD)
    return Likeness(lag_s / speed, score, HIGHEST_CONFIDENCE * sure * (1.0 if speed == 1.0 else 0.5), speed)


def _features(audio: Audio) -> _Features:
    heard = listen(audio)
    at_s = np.arange(int(audio.duration_s / STEP_S)) * STEP_S
    frames_s = np.arange(heard.frames) * heard.hop_s
    # Maxima are widened first, so that no onset falls between two steps.
    onsets = ndimage.gaussian_filter1d(np.clip(heard.onsets, 0.0, 4.0).astype(np.float64), 0.012 / heard.hop_s)
    rows = [np.interp(at_s, frames_s, row) for row in (onsets, *heard.chroma.T.astype(np.float64))]
    centred = np.array([row - row.mean() for row in rows])
    # Onsets count as much as the twelve pitch classes together.
    for group in (slice(0, 1), slice(1, 13)):
        centred[group] /= max(float(np.sqrt(np.square(centred[group]).sum(axis=0).mean())), 1e-3)
    return _Features(centred)


def _at_speed(features: _Features, speed: float) -> _Features:
    """What plays `speed` times as fast, slowed down to the right speed."""
    if speed == 1.0:
        return features
    places = np.arange(0.0, features.steps - 1, 1.0 / speed)
    rows = np.array([np.interp(places, np.arange(features.steps), row) for row in features.rows])
    if speed in MISLABELLED:
        rows[1:] = _transposed(rows[1:], -12.0 * np.log2(speed))
    return _Features(rows)


def _transposed(chroma: Floats, semitones: float) -> Floats:
    whole, part = int(np.floor(semitones)), semitones % 1.0
    low, high = np.roll(chroma, whole, axis=0), np.roll(chroma, whole + 1, axis=0)
    return np.asarray((1.0 - part) * low + part * high)


def _speed(first: _Features, second: _Features) -> float:
    excerpt = _Features(first.rows[:, : round(SPEED_EXCERPT_S / STEP_S)])
    near = _Features(second.rows[:, : 3 * round(SPEED_EXCERPT_S / STEP_S)])
    scores = [_best(excerpt, _at_speed(near, speed), 0.0, np.inf)[1] for speed in SPEEDS]
    same = scores[SPEEDS.index(1.0)]
    best = int(np.argmax(scores))
    return float(SPEEDS[best]) if scores[best] > max(same + FASTER_LEAD, LEAST_SCORE) else 1.0


def _best(first: _Features, second: _Features, expected_s: float, search_s: float) -> tuple[float, float, float]:
    """Lag in seconds, score, and the lead over the next place."""
    scores, lowest = _scores(first, second)
    lags_s = (np.arange(len(scores)) + lowest) * STEP_S
    away_s = np.abs(lags_s - expected_s)
    scores = np.where(away_s <= search_s, scores, -1.0)
    liked = scores + EXPECTED_BONUS * np.exp(-np.square(away_s / EXPECTED_WITHIN_S))
    best = int(np.argmax(liked))
    others = np.abs(lags_s - lags_s[best]) > APART_S
    lead = float(liked[best] - liked[others].max(initial=0.0))
    return float(lags_s[best]) + STEP_S * _aside(scores, best), float(scores[best]), lead


def _scores(first: _Features, second: _Features) -> tuple[Floats, int]:
    """Correlation for each lag that leaves enough overlap, and the first of these lags in steps."""
    size = fft.next_fast_len(first.steps + second.steps, real=True)
    spectra = [fft.rfft(each.rows, size, axis=1) for each in (first, second)]
    together = fft.irfft((spectra[1] * spectra[0].conj()).sum(axis=0), size)
    shorter = min(first.steps, second.steps)
    least = min(max(round(LEAST_OVERLAP_S / STEP_S), shorter // 2), shorter)  # slowed down, it may be shorter still
    lags = np.arange(least - first.steps, second.steps - least + 1)
    begin, end = np.maximum(0, -lags), np.minimum(first.steps, second.steps - lags)
    powers = [np.concatenate([[0.0], np.cumsum(np.square(each.rows).sum(axis=0))]) for each in (first, second)]
    mine = powers[0][end] - powers[0][begin]
    theirs = powers[1][end + lags] - powers[1][begin + lags]
    return together[lags] / np.maximum(np.sqrt(mine * theirs), 1e-9), int(lags[0])


def _aside(scores: Floats, best: int) -> float:
    if not 0 < best < len(scores) - 1:
        return 0.0
    before, peak, after = scores[best - 1 : best + 2]
    bend = before - 2.0 * peak + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0.0 else 0.0


def _between(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))
