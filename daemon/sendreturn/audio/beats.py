"""Where the beats of a clip lie: tempo by autocorrelation, beats by dynamic programming, then a steady grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from sendreturn.audio.bars import find_bars
from sendreturn.audio.listening import Listening, listen
from sendreturn.errors import Refusal

if TYPE_CHECKING:
    from sendreturn.audio.buffer import Audio

Times = NDArray[np.float64]
"""Seconds from the start of the clip."""

SLOWEST_BPM, FASTEST_BPM = 50.0, 220.0
LIKELY_BPM = 118.0
LEAST_CONFIDENCE = 0.3
"""Below this the onsets are taken to follow no beat."""
FEWEST_BEATS = 4
TIGHTNESS = 120.0
"""How much a beat that comes too early or too late costs (Ellis 2007 uses 100 on a similar onset curve)."""
UNSTEADY = 0.6
"""What an unsteady tempo leaves of the confidence: noise, too, can be cut into uneven beats."""
STEADY_S = 0.012
"""Beats that stray less than this from a regular grid come from a steady tempo."""
ONSET_DELAY_S = 0.007
"""The rise of an attack shows in the windowed frames this long before its middle; measured on clicks and kicks."""


@dataclass(frozen=True)
class Beats:
    """The beats of a clip.

    Attributes:
        times_s: Beat times within the clip, rising.
        bpm: Beats per minute; with a confidence of 0 the pace of the stand-in grid.
        confidence: 0 (no beat found: a regular grid of short segments) to 1.
        downbeat: Index in `times_s` of a beat that begins a bar, as far as can be guessed.
        beats_per_bar: 4, or 3 where the clip clearly repeats in threes.
        steady: True where the tempo does not change, so that the grid may be continued beyond the clip.
    """

    times_s: Times
    bpm: float
    confidence: float
    downbeat: int = 0
    beats_per_bar: int = 4
    steady: bool = True

    @property
    def period_s(self) -> float:
        return 60.0 / self.bpm


def track_beats(audio: Audio, bpm: float | None = None) -> Beats:
    """Find the beats of a clip.

    Args:
        audio: The clip, of any rate and number of channels.
        bpm: The tempo, where it is known: then only the places of the beats are looked for.

    Raises:
        Refusal: `bpm` is no tempo.
    """
    return find_beats(listen(audio), bpm)


def find_beats(listening: Listening, bpm: float | None = None) -> Beats:
    """As `track_beats`, from what was heard already."""
    check_tempo(bpm)
    period_s, salience = (60.0 / fold_tempo(bpm), 1.0) if bpm else _measure_period(listening)
    if period_s <= 0.0 or listening.duration_s < (FEWEST_BEATS - 1) * period_s:
        return _stand_in(listening, bpm)
    times_s = _place_beats(listening, period_s)
    if len(times_s) < FEWEST_BEATS:
        return _stand_in(listening, bpm)
    beats = _describe(listening, times_s, period_s, bpm, _confidence(listening, times_s, salience))
    return beats if beats.confidence >= LEAST_CONFIDENCE else _stand_in(listening, bpm)


def check_tempo(bpm: float | None) -> None:
    """Refuse a number that is no tempo.

    Raises:
        Refusal: It is not between 10 and 1000.
    """
    if bpm is not None and not 10.0 <= bpm <= 1000.0:
        raise Refusal(f"{bpm:g} is not a tempo.", "Give bpm as quarter notes per minute, between 10 and 1000.")


def fold_tempo(bpm: float) -> float:
    """The tempo by octaves within the range in which beats are counted."""
    while bpm < SLOWEST_BPM:
        bpm *= 2.0
    while bpm > FASTEST_BPM:
        bpm /= 2.0
    return bpm


def _measure_period(listening: Listening) -> tuple[float, float]:
    """The beat period in seconds (0 where there is none) and how strongly the onsets repeat at it (0–1)."""
    onsets, hop_s = listening.onsets, listening.hop_s
    if not onsets.any():
        return 0.0, 0.0
    size = fft.next_fast_len(2 * len(onsets), real=True)
    repeats = fft.irfft(np.abs(fft.rfft(onsets, size)) ** 2, size)[: len(onsets)]
    overlap = np.arange(len(onsets), 0, -1)
    repeats = repeats / overlap * (overlap > len(onsets) * 0.2) / max(repeats[0] / len(onsets), 1e-12)
    smooth = np.convolve(repeats, np.array([0.25, 0.5, 0.25]), mode="same")
    periods_s = 60.0 / np.geomspace(FASTEST_BPM, SLOWEST_BPM, 400)
    multiples = np.array([1.0, 2.0, 3.0, 4.0])
    weights = np.array([1.0, 0.8, 0.5, 0.6])
    teeth = np.interp(np.outer(periods_s, multiples) / hop_s, np.arange(len(smooth)), smooth, right=0.0)
    prior = np.exp(-0.5 * (np.log2(60.0 / periods_s / LIKELY_BPM) / 0.9) ** 2)
    best = int(np.argmax((teeth @ weights) * prior))
    return float(periods_s[best]), float(np.clip(teeth[best, :2].max() * 1.6, 0.0, 1.0))


def _place_beats(listening: Listening, period_s: float) -> Times:
    """The chain of onsets, about a period apart, that is strongest in sum."""
    onsets = np.maximum(listening.onsets, 0.0)
    even = onsets[: len(onsets) // 2 * 2].reshape(-1, 2).max(axis=1)
    period = period_s / (2.0 * listening.hop_s)
    reach = np.arange(round(period * 0.5), round(period * 2.0) + 1)
    cost = TIGHTNESS / 10.0 * np.log(reach / period) ** 2
    score = even.astype(np.float64)
    came_from = np.full(len(even), -1)
    for at in range(int(reach[0]), len(even)):
        steps = reach[: np.searchsorted(reach, at, side="right")]
        chains = score[at - steps] - cost[: len(steps)]
        best = int(np.argmax(chains))
        if chains[best] > 0.0:
            score[at] += chains[best]
            came_from[at] = at - steps[best]
    return _trace(listening, score, came_from, round(period))


def _trace(listening: Listening, score: Times, came_from: NDArray[np.int_], period: int) -> Times:
    if not len(score):
        return np.zeros(0)
    tail = max(0, len(score) - max(period, 1))
    at = tail + int(np.argmax(score[tail:]))
    chain = []
    while at >= 0:
        chain.append(at)
        at = int(came_from[at])
    return np.array([_peak_s(listening, 2 * at) for at in reversed(chain)])


def _peak_s(listening: Listening, near: int) -> float:
    """The time of the onset peak within a few frames of `near`, between frames."""
    low, high = max(near - 3, 0), min(near + 5, listening.frames)
    at = low + int(np.argmax(listening.onsets[low:high]))
    return at * listening.hop_s + ONSET_DELAY_S


def _confidence(listening: Listening, times_s: Times, salience: float) -> float:
    """High where the onsets repeat and lie on the beats rather than anywhere."""
    at_beats = _strength(listening, times_s)
    contrast = float(np.clip(np.median(at_beats) / 1.5, 0.0, 1.0))
    return float(np.sqrt(salience * contrast))


def _strength(listening: Listening, times_s: Times) -> Times:
    """The strongest onset within two frames of each time."""
    near = np.round((times_s - ONSET_DELAY_S) / listening.hop_s).astype(int)
    around = np.clip(near[:, None] + np.arange(-2, 3), 0, listening.frames - 1)
    return np.asarray(listening.onsets[around].max(axis=1), dtype=np.float64)


def _describe(listening: Listening, times_s: Times, period_s: float, bpm: float | None, confidence: float) -> Beats:
    start_s, fitted_s, stray_s = _fit_grid(times_s, None if bpm is None else period_s)
    steady = stray_s < STEADY_S
    if not steady:
        confidence *= UNSTEADY
    else:
        start_s, fitted_s = _tune_grid(listening, start_s, fitted_s, fixed=bpm is not None)
        times_s = _regular(start_s, fitted_s, listening.duration_s)
    bars = find_bars(listening, times_s)
    return Beats(times_s, 60.0 / fitted_s, confidence, bars.downbeat, bars.beats, steady)


def _fit_grid(times_s: Times, period_s: float | None) -> tuple[float, float, float]:
    """Start, period and stray of the regular grid through the beats; a few wrong beats are kept out."""
    spacing_s = period_s or float(np.median(np.diff(times_s)))
    # Beats are numbered by their distance from the one before, so that a missed or doubled beat does no harm.
    numbers = np.concatenate([[0.0], np.cumsum(np.round(np.diff(times_s) / spacing_s))])
    keep = np.ones(len(numbers), dtype=bool)
    for _ in range(3):
        start_s, fitted_s, line_s = _line(numbers, times_s, period_s, keep)
        strays_s = np.abs(times_s - line_s)
        keep = strays_s <= max(2.0 * float(np.median(strays_s)), 0.003)
    return start_s, fitted_s, float(np.quantile(strays_s, 0.8))


def _line(
    numbers: Times, times_s: Times, period_s: float | None, keep: NDArray[np.bool_]
) -> tuple[float, float, Times]:
    if period_s is None and np.ptp(numbers[keep]) > 0:
        slope_s, start_s = np.polyfit(numbers[keep], times_s[keep], 1)
    else:
        slope_s = period_s or float(np.median(np.diff(times_s)))
        start_s = float(np.median(times_s[keep] - slope_s * numbers[keep]))
    return float(start_s), float(slope_s), start_s + slope_s * numbers


def _tune_grid(listening: Listening, start_s: float, period_s: float, *, fixed: bool) -> tuple[float, float]:
    """The start and period near the given ones at which the grid meets the most onset."""
    if fixed:
        periods_s = np.array([period_s])
    else:
        bpm = 60.0 / period_s * (1.0 + np.linspace(-0.012, 0.012, 13) / listening.duration_s)
        near = bpm.mean() * (1.0 + np.array([-1.0, 1.0]) * 0.02 / listening.duration_s)
        whole = np.arange(np.ceil(near[0]), np.floor(near[1]) + 1)
        periods_s = 60.0 / np.concatenate([whole, bpm])
    offsets_s = np.linspace(-0.012, 0.012, 25)
    sums = np.array([[_met(listening, start_s + by_s, each_s) for by_s in offsets_s] for each_s in periods_s])
    best = sums.max(axis=1)
    # Whole tempos stand first: what a session was most likely set to wins over a slightly better fit.
    chosen = int(np.argmax(best >= 0.97 * best.max()))
    return start_s + float(offsets_s[int(np.argmax(sums[chosen]))]), float(periods_s[chosen])


def _met(listening: Listening, start_s: float, period_s: float) -> float:
    at = (_regular(start_s, period_s, listening.duration_s) - ONSET_DELAY_S) / listening.hop_s
    return float(np.interp(at, np.arange(listening.frames), listening.onsets).mean())


def _regular(start_s: float, period_s: float, duration_s: float) -> Times:
    # The edges belong to the grid also where the measured beat lies a little outside of the clip.
    first = np.ceil((-0.015 - start_s) / period_s)
    count = int(np.floor((duration_s + 0.015 - start_s) / period_s) - first) + 1
    times_s: Times = np.clip(start_s + period_s * (first + np.arange(max(count, 1))), 0.0, duration_s)
    return times_s


def _stand_in(listening: Listening, bpm: float | None) -> Beats:
    """A regular grid: the user's beats where a tempo was given, else short segments."""
    segment_s = 60.0 / fold_tempo(bpm) if bpm else min(0.25, listening.duration_s / 8.0)
    return Beats(_regular(0.0, segment_s, listening.duration_s), 60.0 / segment_s, 0.0)
