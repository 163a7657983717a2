"""The source's own waveform found again in returned audio, to a part of a sample.

Rough places come from the whole clip; at each, short windows all along the clip tell how much of the source is there.
At the best place the windows are compared at the source's own rate, each by itself, and must agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, gcd, log2
from typing import TYPE_CHECKING

import numpy as np
import soxr

from sendreturn.audio.align_places import Pair, likely_places, mono_of, small_pair
from sendreturn.audio.align_spectra import (
    Cross,
    Delay,
    breadth_of,
    cross_of,
    delay_in,
    fit_at_rest,
    fit_of,
    rest_of,
    sharpen,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendreturn.audio.align_spectra import Floats, Wave
    from sendreturn.audio.buffer import Audio

WINDOW_S = 1.5
MOST_WINDOWS = 24
FRAME_S = 0.09
QUIET = 1e-6
"""Windows so far under the loudest one, in energy, are left out: codecs leave nothing of them."""
SILENT_POWER = 1e-9
PRESENT = 0.4
"""Least likeness at which a window is taken to hold the source; chance and other music stay under it."""
AGREED_SAMPLES = 1.5
GUARD_S = 0.02
OVERHANG_S = 0.08
"""So much of a window may lie beyond the returned audio: a codec's delay, say, where the end was cut off by it."""


@dataclass(frozen=True)
class Window:
    """One window of the source, in samples of the source.

    Attributes:
        start: Where it starts in the source.
        delay: What was found there, counted from the common lag; None where the returned audio does not reach.
    """

    start: int
    delay: Delay | None

    @property
    def likeness(self) -> float:
        return 0.0 if self.delay is None else self.delay.likeness


@dataclass(frozen=True)
class Match:
    """The source as it was found again.

    Attributes:
        lag_samples: Where its first sample lies, at the source's rate.
        likeness: Median of the windows that agree, 0–1.
        agreeing: How many windows show this lag.
        compared: How many windows of the source hold sound and lie within the returned audio.
        wanted: How many windows of the source hold sound.
        spread_samples: How far the agreeing windows stray from the lag, half of them.
        rival: Score of the best other place as a share of this one's.
        tonal_rival: The same for other delays so near that only a waveform's own period tells them apart.
        rival_s: Where the best other place lies, in seconds from this one.
        drift: Change of the lag along the clip, in samples per sample, where it is steady.
        breadth: In how large a part of the source's range it is plainly heard, 0–1.
        added: Energy of what is not the source under any equalising, as a share of what is.
        found_s: Start of the first and end of the last agreeing window in the source.
    """

    lag_samples: float
    likeness: float
    agreeing: int
    compared: int
    wanted: int
    spread_samples: float
    rival: float
    tonal_rival: float
    rival_s: float
    drift: float
    gain: float
    rest: float
    inverted: bool
    breadth: float
    added: float
    found_s: tuple[float, float]
    windows: tuple[Window, ...] = field(repr=False, default=())


@dataclass(frozen=True)
class _Place:
    lag: int
    score: float


def find_waveform(source: Audio, returned: Audio, expected_s: float, search_s: float) -> Match | None:
    """The best place of the source in the returned audio; None where nothing of it is heard."""
    first, second = mono_of(source), mono_of(returned)
    if _no_power(first) or _no_power(second):
        return None
    pair = small_pair(first, source.rate_hz, second, returned.rate_hz)
    places = _ranked(pair, likely_places(pair, expected_s, search_s), expected_s)
    if not places:
        return None
    best = places[0]
    lag = round(best.lag * source.rate_hz / pair.rate_hz)
    match = _measured(first, second, (source.rate_hz, returned.rate_hz), lag)
    return None if match is None else _with_rival(match, places, pair.rate_hz)


def is_silent(audio: Audio) -> bool:
    return _no_power(mono_of(audio))


def _no_power(wave: Wave) -> bool:
    return len(wave) == 0 or float(np.dot(wave, wave)) / len(wave) < SILENT_POWER


def _ranked(pair: Pair, lags: Sequence[int], expected_s: float) -> list[_Place]:
    """The places by how much of the source is heard there; among equals the one nearest to the expected lag."""
    starts, length = _loud_windows(pair.source, pair.rate_hz)
    size = _frame_size(pair.rate_hz, length)
    places = [_Place(lag, _heard(pair, starts, length, size, lag)) for lag in lags]
    best = max((place.score for place in places), default=0.0)
    expected = expected_s * pair.rate_hz
    alike = [place for place in places if place.score >= SAME * best]
    rest = [place for place in places if place.score < SAME * best]
    alike.sort(key=lambda place: abs(place.lag - expected))
    return alike + sorted(rest, key=lambda place: -place.score)


SAME = 0.98
"""Places whose scores are this near to each other hold the same sound, as the repeats of a loop do."""


def _heard(pair: Pair, starts: Sequence[int], length: int, size: int, lag: int) -> float:
    """Mean likeness of all windows of the source at one lag; those beyond the returned audio count as nothing."""
    total = 0.0
    for start in starts:
        other = padded_part(pair.returned, start + lag, length, round(OVERHANG_S * pair.rate_hz))
        if other is None:
            continue
        cross = cross_of(pair.source[start : start + length], other, size, pair.rate_hz)
        # The one keeps tones apart that fit at each period, the other hears through filters that turn phases.
        total += 0.5 * fit_at_rest(cross, reach=3) + 0.5 * delay_in(cross, reach=3).likeness
    return total / len(starts)


def _loud_windows(wave: Wave, rate_hz: float) -> tuple[list[int], int]:
    """Starts of windows evenly along the source that hold sound, and their length."""
    length = min(round(WINDOW_S * rate_hz), len(wave))
    count = min(MOST_WINDOWS, ceil(1.5 * (len(wave) - length) / length) + 1)
    starts = np.unique(np.linspace(0, len(wave) - length, count).astype(int))
    energies = np.array([float(np.dot(part, part)) for part in (wave[at : at + length] for at in starts)])
    return [int(at) for at in starts[energies > QUIET * energies.max()]], length


def _frame_size(rate_hz: float, length: int) -> int:
    size = 1 << round(log2(FRAME_S * rate_hz))
    while size > length // 4 and size > 64:
        size //= 2
    return size


class _Bench:
    """Windows of source and returned audio side by side at the source's rate."""

    def __init__(self, source: Wave, returned: Wave, rates_hz: tuple[int, int]) -> None:
        self._source, self._returned = source, returned
        self.rate_hz, self._returned_hz = rates_hz
        self.starts, self.length = _loud_windows(source, self.rate_hz)
        self._size = _frame_size(self.rate_hz, self.length)

    def cross(self, start: int, lag: int) -> Cross | None:
        """The cross-spectrum of one window; None where it reaches beyond the returned audio."""
        other = self._part(start + lag, self.length)
        if other is None:
            return None
        return cross_of(self._source[start : start + self.length], other, self._size, self.rate_hz)

    def _part(self, start: int, length: int) -> Wave | None:
        """Returned audio from `start`, counted in samples of the source's rate."""
        overhang = round(OVERHANG_S * self.rate_hz)
        if self._returned_hz == self.rate_hz:
            return padded_part(self._returned, start, length, overhang)
        if start < -overhang or start + length > len(self._returned) * self.rate_hz / self._returned_hz + overhang:
            return None
        # Cut where samples of both rates fall together, so that resampling shifts nothing.
        step = gcd(self.rate_hz, self._returned_hz)
        ours, theirs = self.rate_hz // step, self._returned_hz // step
        guard = round(GUARD_S * step) + 1
        first = start // ours - guard
        last = (start + length) // ours + guard
        part = padded_part(self._returned, first * theirs, (last - first) * theirs, len(self._returned) + length)
        made = soxr.resample(part, self._returned_hz, self.rate_hz, quality="VHQ")
        return np.asarray(made[start - first * ours :][:length], dtype=np.float32)


def padded_part(wave: Wave, start: int, length: int, overhang: int) -> Wave | None:
    """`length` samples from `start`, with silence for up to `overhang` of them beyond either end; None beyond that."""
    end = start + length
    if start < -overhang or end > len(wave) + overhang:
        return None
    part = wave[max(start, 0) : max(end, 0)]
    before = min(max(-start, 0), length)
    return np.pad(part, (before, length - before - len(part))) if len(part) < length else part


def _measured(source: Wave, returned: Wave, rates_hz: tuple[int, int], lag: int) -> Match | None:
    bench = _Bench(source, returned, rates_hz)
    windows = _measure_windows(bench, lag)
    common = _common_delay(windows)
    if common is None:
        return None
    lag += round(common)
    windows = _measure_windows(bench, lag)
    agreeing = [window for window in windows if _agrees(window, common - round(common))]
    crosses = [cross for window in agreeing if (cross := bench.cross(window.start, lag)) is not None]
    if not crosses:
        return None
    return _pooled(bench, windows, agreeing, crosses, lag)


def _measure_windows(bench: _Bench, lag: int) -> tuple[Window, ...]:
    crosses = [(start, bench.cross(start, lag)) for start in bench.starts]
    return tuple(Window(start, None if cross is None else delay_in(cross)) for start, cross in crosses)


def _common_delay(windows: Sequence[Window]) -> float | None:
    """The delay that most of the likeness agrees on."""
    found = [window.delay for window in windows if window.delay is not None and window.likeness >= PRESENT / 2]
    if not found:
        return None
    delays = np.array([delay.samples for delay in found])
    weights = np.array([delay.likeness for delay in found])
    support = (np.abs(delays[:, None] - delays) <= AGREED_SAMPLES) @ weights
    near = np.abs(delays - delays[int(np.argmax(support))]) <= AGREED_SAMPLES
    return float(np.average(delays[near], weights=weights[near]))


def _agrees(window: Window, delay_samples: float) -> bool:
    delay = window.delay
    return delay is not None and delay.likeness >= PRESENT and abs(delay.samples - delay_samples) <= AGREED_SAMPLES


def _pooled(
    bench: _Bench, windows: tuple[Window, ...], agreeing: Sequence[Window], crosses: Sequence[Cross], lag: int
) -> Match:
    pooled = crosses[0]
    for cross in crosses[1:]:
        pooled = pooled + cross
    rough = delay_in(pooled)
    delay = sharpen(pooled, rough)
    gain, rest = fit_of(pooled, delay)
    delays = np.array([window.delay.samples for window in agreeing if window.delay is not None])
    return Match(
        lag_samples=lag + delay,
        likeness=float(np.median([window.likeness for window in agreeing])),
        agreeing=len(agreeing),
        compared=sum(window.delay is not None for window in windows),
        wanted=len(windows),
        spread_samples=float(np.median(np.abs(delays - delay))),
        rival=0.0,
        tonal_rival=rough.rival,
        rival_s=0.0,
        drift=_drift(windows),
        gain=abs(gain),
        rest=rest,
        # A filter may turn the phase of the loudest frequencies, or of the most: a turned polarity turns both.
        inverted=rough.inverted and gain < 0.0,
        breadth=breadth_of(pooled, delay),
        added=rest_of(pooled),
        found_s=(agreeing[0].start / bench.rate_hz, (agreeing[-1].start + bench.length) / bench.rate_hz),
        windows=windows,
    )


def _drift(windows: Sequence[Window]) -> float:
    """Samples that the delay grows by per sample of the source; 0 where the windows do not lie on one line."""
    found = [
        (window.start, window.delay.samples) for window in windows if window.delay and window.likeness >= PRESENT / 2
    ]
    if len(found) < 3:
        return 0.0
    at, delays = np.array(found, dtype=np.float64).T
    slope = _middle_slope(at, delays)
    strays = np.abs(delays - slope * at - np.median(delays - slope * at))
    steady = float(np.mean(strays < max(3.0, 0.05 * abs(slope) * float(np.ptp(at))))) > 0.6
    return slope if steady else 0.0


def _middle_slope(at: Floats, delays: Floats) -> float:
    """The median of the slopes between all pairs (Theil–Sen): a few wrong windows do no harm."""
    rows, columns = np.triu_indices(len(at), 1)
    return float(np.median((delays[columns] - delays[rows]) / (at[columns] - at[rows])))


def _with_rival(match: Match, places: Sequence[_Place], rate_hz: int) -> Match:
    others = [place for place in places[1:] if abs(place.lag - places[0].lag) > 2]
    if not others:
        return match
    rival = max(others, key=lambda place: place.score)
    values = {**match.__dict__, "rival": rival.score / max(places[0].score, 1e-9)}
    return Match(**{**values, "rival_s": (rival.lag - places[0].lag) / rate_hz})
