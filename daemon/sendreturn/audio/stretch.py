"""Stretching time with the pitch kept: by a factor, by warp markers, or from beats that were heard to a grid.

A stretcher takes one factor at a time, so between warp markers every part is stretched for itself, with some of what
lies around it. At a marker, which is a beat, the parts are joined just before the attack: the later one is moved by at
most `MOST_SHIFT_S` to where its waves fit best, and what remains of a difference in phase costs no level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sendreturn.audio.buffer import Audio, Samples
from sendreturn.audio.notes import Meter
from sendreturn.audio.stretchers import Stretcher, find_stretcher
from sendreturn.errors import Refusal

SLOWEST, FASTEST = 4.0, 0.25
"""Length after against length before; beyond these no stretcher makes music."""
MOST_SHIFT_S = 0.001
TOLERANCE_S = 0.0005
"""A marker that lies on the way between its neighbours to within this needs no join of its own."""

_CONTEXT_S = 0.3
_FADE_S = 0.012
_BEFORE_ATTACK_S = 0.003
_MOST_BEAT_ERROR = 1.25


@dataclass(frozen=True)
class WarpMarker:
    """What is at `at_s` of the audio comes to lie at `to_s`."""

    at_s: float
    to_s: float


def stretch(audio: Audio, warp: float | Sequence[WarpMarker]) -> Audio:
    """The same sound in another time, its pitch kept.

    Args:
        warp: Length after against length before; or markers in rising order, at least two. What lies before the first
            and after the last marker goes on at the factor of the marked part beside it.

    Returns:
        Exactly as many frames as the factor says, to the nearest; with markers, to where the end comes to lie. What
        would lie before the start is cut off.

    Raises:
        Refusal: the factor is out of reach, or nothing on this machine can stretch.
    """
    if not isinstance(warp, Sequence):
        _check(warp)
        made = _part(find_stretcher(), audio, 0, audio.frames, round(audio.frames * warp))
        return Audio(made, audio.rate_hz)
    markers = _through_the_ends(_simplified(warp), audio.duration_s)
    for earlier, later in pairwise(markers):
        _check((later.to_s - earlier.to_s) / (later.at_s - earlier.at_s))
    return _warped(audio, markers)


def stretch_to_grid(audio: Audio, beats_s: Sequence[float], meter: Meter, downbeat: int = 0) -> Audio:
    """The audio with its beats on the session's grid; its first downbeat stays where it is. See `grid_markers`.

    Raises:
        Refusal: there are fewer than two beats, their tempo is not the session's, or nothing here can stretch.
    """
    return stretch(audio, grid_markers(beats_s, meter, downbeat))


def grid_markers(beats_s: Sequence[float], meter: Meter, downbeat: int = 0) -> list[WarpMarker]:
    """Where beats come to lie that are drawn to the session's grid; the first downbeat stays where it is.

    Args:
        beats_s: Where the beats were heard, in rising order. They may be missing here and there, and may be twice or
            half as fast as the meter's.
        meter: As it is at the audio's start.
        downbeat: Which of the beats is the first downbeat.

    Raises:
        Refusal: there are fewer than two beats, or their tempo is not the session's.
    """
    if len(beats_s) < 2:
        raise Refusal("Too few beats were heard to stretch the audio to the session's grid.")
    counts = _counts(np.asarray(beats_s, np.float64), meter)
    timeline = meter.timeline
    anchor = timeline.quarters(beats_s[downbeat])
    places = (timeline.seconds(anchor + count - counts[downbeat]) for count in counts)
    return [WarpMarker(at_s, to_s) for at_s, to_s in zip(beats_s, places, strict=True)]


def warped_s(at_s: float, markers: Sequence[WarpMarker]) -> float:
    """Where a moment of the audio comes to lie."""
    later = next((index for index, marker in enumerate(markers) if marker.at_s > at_s), len(markers) - 1)
    one = max(0, min(later - 1, len(markers) - 2))
    return _extrapolated(markers[one], markers[one + 1], at_s).to_s


def _counts(beats_s: NDArray[np.float64], meter: Meter) -> NDArray[np.float64]:
    """For each beat, how many quarter notes of the session lie between the first one and it."""
    steps = np.diff(beats_s)
    usual_s = float(np.median(steps))
    session_s = 60.0 / meter.bpm * 4.0 / meter.beat_unit
    octave = 2.0 ** np.round(np.log2(usual_s / session_s))
    if not 1 / _MOST_BEAT_ERROR < usual_s / (session_s * octave) < _MOST_BEAT_ERROR or not 0.25 <= octave <= 4:
        heard = 60.0 / usual_s
        raise Refusal(f"The audio's tempo of {heard:.1f} bpm is too far from the session's {meter.bpm:g} bpm.")
    beats = np.maximum(1, np.round(steps / usual_s))
    return np.concatenate([[0.0], np.cumsum(beats)]) * octave * 4.0 / meter.beat_unit


def _check(factor: float) -> None:
    if not FASTEST <= factor <= SLOWEST:
        raise Refusal(
            f"Audio can be made {FASTEST:g} to {SLOWEST:g} times as long, not {factor:.3g} times.",
            "Set conform to offset.",
        )


def _simplified(markers: Sequence[WarpMarker]) -> list[WarpMarker]:
    """As few of the markers as still lead every one to its place (Ramer, Douglas and Peucker)."""
    if len(markers) < 2 or any(later.at_s <= earlier.at_s for earlier, later in pairwise(markers)):
        raise Refusal("Warp markers must rise, and there must be at least two of them.")
    at = np.array([marker.at_s for marker in markers])
    to = np.array([marker.to_s for marker in markers])
    kept = {0, len(markers) - 1}
    spans = [(0, len(markers) - 1)]
    while spans:
        first, last = spans.pop()
        line = np.interp(at[first : last + 1], at[[first, last]], to[[first, last]])
        worst = int(np.argmax(np.abs(to[first : last + 1] - line)))
        if abs(to[first + worst] - line[worst]) > TOLERANCE_S:
            kept.add(first + worst)
            spans += [(first, first + worst), (first + worst, last)]
    return [markers[index] for index in sorted(kept)]


def _through_the_ends(markers: list[WarpMarker], duration_s: float) -> list[WarpMarker]:
    """The markers with the first and the last part going on to the audio's ends."""
    first = _extrapolated(markers[0], markers[1], 0.0)
    last = _extrapolated(markers[-2], markers[-1], duration_s)
    return [first, *markers[1:-1], last]


def _extrapolated(one: WarpMarker, other: WarpMarker, at_s: float) -> WarpMarker:
    factor = (other.to_s - one.to_s) / (other.at_s - one.at_s)
    return WarpMarker(at_s, one.to_s + (at_s - one.at_s) * factor)


def _warped(audio: Audio, markers: Sequence[WarpMarker]) -> Audio:
    """Every part between two markers, stretched and joined; `markers` reach from end to end."""
    rate, stretcher = audio.rate_hz, find_stretcher()
    fade, lead = round(_FADE_S * rate), round(_BEFORE_ATTACK_S * rate)
    start = round(markers[0].to_s * rate)
    whole = np.zeros((round(markers[-1].to_s * rate) - start, audio.channels), np.float32)
    for index, (earlier, later) in enumerate(pairwise(markers)):
        begin, end = round(earlier.to_s * rate) - start, round(later.to_s * rate) - start
        first, last = round(earlier.at_s * rate), round(later.at_s * rate)
        # A join needs what comes before the marker, out of the part that follows it.
        spare = fade + lead + round(MOST_SHIFT_S * rate) if index else 0
        part = _part(stretcher, audio, first, last, end - begin, spare)
        if index:
            _join(whole, part, begin, spare, fade, lead, round(MOST_SHIFT_S * rate))
        else:
            whole[begin:end] = part
    return Audio(whole[max(0, -start) :] if start < 0 else _delayed(whole, start), rate)


def _delayed(samples: Samples, frames: int) -> Samples:
    return np.asarray(np.pad(samples, ((frames, 0), (0, 0))), np.float32)


def _part(stretcher: Stretcher, audio: Audio, first: int, last: int, frames: int, spare: int = 0) -> Samples:
    """The frames from `first` to `last` as `frames` frames, with `spare` frames of what lies before and after."""
    if frames <= 0 or last <= first:
        return np.zeros((max(0, frames) + 2 * spare, audio.channels), np.float32)
    factor = frames / (last - first)
    around = round(_CONTEXT_S * audio.rate_hz) + round(spare / factor)
    before, after = max(0, first - around), min(audio.frames, last + around)
    silence = ((around - (first - before), around - (after - last)), (0, 0))
    given = np.pad(audio.samples[before:after], silence)
    made = stretcher(np.asarray(given, np.float32), audio.rate_hz, round(len(given) * factor))
    begin = round(around * factor) - spare
    return made[begin : begin + frames + 2 * spare]


def _join(whole: Samples, part: Samples, begin: int, spare: int, fade: int, lead: int, most_shift: int) -> None:
    """Lay `part`, whose frame `spare` belongs at `begin`, over `whole`, fading over just before `begin`."""
    start = max(0, begin - lead - fade)
    fade = begin - lead - start
    room = len(whole) - start
    old = whole[start : start + fade].copy()
    shift = _best_shift(old, part, spare - lead - fade, most_shift)
    new = part[spare - lead - fade + shift :][:room]
    ramp = np.linspace(0.0, 1.0, fade, endpoint=False, dtype=np.float32)[:, None]
    likeness = _likeness(old, new[:fade])
    # Two sounds that differ add in power, two that are the same in level; this holds the level in between, too.
    level = np.sqrt(ramp**2 + (1 - ramp) ** 2 + 2 * ramp * (1 - ramp) * max(likeness, 0.0))
    whole[start : start + len(new)] = new
    whole[start : start + fade] = (old * (1 - ramp) + new[:fade] * ramp) / level


def _best_shift(old: Samples, part: Samples, at: int, most: int) -> int:
    """By how many frames later in `part` its waves fit `old` best."""
    most = min(most, at)
    if len(old) == 0:
        return 0
    heard = part[at - most : at + most + len(old)].astype(np.float64)
    products = sum(np.correlate(heard[:, c], old[:, c].astype(np.float64), "valid") for c in range(old.shape[1]))
    power = np.concatenate([[0.0], np.cumsum(np.sum(heard * heard, axis=1))])
    powers = power[len(old) :] - power[: -len(old)]
    # Of places that are equally good, as in silence, the nearest.
    likeness = products / np.sqrt(np.maximum(powers, 1e-12)) - 1e-9 * np.abs(np.arange(-most, most + 1))
    return int(np.argmax(likeness)) - most


def _likeness(one: Samples, other: Samples) -> float:
    """The correlation of two pieces, from -1 to 1; 0 where one of them is silent."""
    power = float(np.sqrt(np.sum(one * one, dtype=np.float64) * np.sum(other * other, dtype=np.float64)))
    return float(np.sum(one * other, dtype=np.float64)) / power if power > 1e-12 else 0.0
