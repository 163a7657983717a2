"""Joining audio without clicks, gaps or dips: alignment by correlation, crossfades, linear prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

if TYPE_CHECKING:
    from sendreturn.audio.buffer import Samples

Progress = Callable[[float], None]
Wide = NDArray[np.float64]

MEMORY_S = 0.06
"""Linear prediction learns from this much audio, but no more than MOST_MEMORY frames of it."""
MOST_MEMORY = 6000
MOST_ORDER = 128
LEAST_PAST = 16
"""With fewer frames than these before a joint there is nothing to predict from."""


@dataclass(frozen=True)
class Piece:
    """From frame `at` of the new audio on, the clip is played from its frame `source`."""

    at: int
    source: int

    @property
    def offset(self) -> int:
        return self.source - self.at


@dataclass(frozen=True)
class Fades:
    """How pieces are joined: crossfades of `length` frames that begin `earliest` to `latest` frames after the joint."""

    length: int
    earliest: int
    latest: int


def ceiling_of(samples: Samples) -> float:
    """What no joined sample exceeds: full scale, or the clip's own peak where that lies higher."""
    return max(1.0, float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))


def choose_fades(on_beat: bool, shortest_s: float, rate_hz: int) -> Fades:
    """Short crossfades just before the beat; longer ones anywhere before the joint where there is no beat.

    Args:
        on_beat: True where pieces meet on beats.
        shortest_s: The shortest piece: the fades take up no more than a quarter of it.
        rate_hz: The clip's rate.
    """
    length_s, earliest_s, latest_s = (0.02, -0.06, -0.005) if on_beat else (0.08, -0.1, 0.0)
    shrink = min(1.0, shortest_s / 4 / (length_s - earliest_s))
    length, earliest, latest = (round(each * shrink * rate_hz) for each in (length_s, earliest_s, latest_s))
    return Fades(max(length, 4), earliest, latest)


def best_shift(
    samples: Samples, leave: int, enter: int, spans: tuple[int, int], reach: tuple[int, int]
) -> tuple[int, float]:
    """How far to move `enter` so that the audio about it lies in phase with that about `leave`.

    Args:
        samples: The clip.
        leave: Frame at which the clip is left.
        enter: Frame at which it is entered.
        spans: Frames before and after the joint that are compared.
        reach: Least and greatest shift in frames.

    Returns:
        The shift, and the normalised correlation there (0.0 where there is nothing to compare).
    """
    frames = len(samples)
    low, high = max(reach[0], -enter), min(reach[1], frames - enter)
    before = min(spans[0], leave, enter + low)
    after = min(spans[1], frames - leave, frames - enter - high)
    if high < low or before + after < 16:
        return 0, 0.0
    mine = samples[leave - before : leave + after].astype(np.float64)
    yours = samples[enter + low - before : enter + high + after].astype(np.float64)
    products = sum(signal.correlate(y, m, mode="valid", method="fft") for y, m in zip(yours.T, mine.T, strict=True))
    running = np.concatenate([[0.0], np.cumsum(np.square(yours).sum(axis=1))])
    energy = np.square(mine).sum() * (running[len(mine) :] - running[: -len(mine)])
    likeness = np.asarray(products) / np.sqrt(np.maximum(energy, 1e-12))
    shifts = np.arange(low, high + 1)
    # Among near equals the smallest shift wins, so that silence and noise stay on the grid.
    best = int(np.argmax(likeness - 0.05 * np.abs(shifts) / max(abs(reach[0]), abs(reach[1]), 1)))
    return int(shifts[best]), float(np.clip(likeness[best], -1.0, 1.0))


def blend(old: Samples, new: Samples, ceiling: float) -> Samples:
    """Crossfade from `old` to `new`, of the same shape, so that the level holds whether they are alike or not."""
    place = (np.arange(len(old)) + 0.5) / max(len(old), 1)
    fall, rise = np.cos(place * np.pi / 2)[:, None], np.sin(place * np.pi / 2)[:, None]
    alike = max(_correlation(old, new), -0.3)
    level = np.sqrt(1.0 + 2.0 * alike * fall * rise)
    mixed = (fall * old + rise * new) / level
    straight = old + place[:, None] * (new.astype(np.float64) - old)
    return _under(mixed, straight, ceiling).astype(np.float32)


def _under(mixed: Wide, straight: Wide, ceiling: float) -> Wide:
    """`mixed`, moved towards `straight` (which never exceeds its two sources) as far as the ceiling asks."""
    over = np.abs(mixed) > ceiling
    if not over.any():
        return mixed
    loud, safe = np.abs(mixed[over]), np.abs(straight[over])
    share = float(np.clip((ceiling - safe) / np.maximum(loud - safe, 1e-12), 0.0, 1.0).min())
    return np.asarray(np.clip(straight + share * (mixed - straight), -ceiling, ceiling))


def _correlation(old: Samples, new: Samples) -> float:
    energy = float(np.vdot(old, old)) * float(np.vdot(new, new))
    return float(np.vdot(old, new)) / energy**0.5 if energy > 1e-16 else 0.0


def predict(past: Samples, frames: int) -> Samples:
    """How `past` would ring on for so many frames, by linear prediction (Burg's method, which is always stable)."""
    past = past[-MOST_MEMORY:]
    order = min(max(32, len(past) // 40), MOST_ORDER, len(past) // 3)
    if order < 2:
        return np.zeros((frames, past.shape[1]), dtype=np.float32)
    return np.stack([_ring(channel.astype(np.float64), order, frames) for channel in past.T], axis=1).astype(np.float32)


def bridge(before: Samples, after: Samples, frames: int) -> Samples:
    """A gap of so many frames, filled with what rings on from before it and what leads up to what comes after it."""
    if not len(after):
        return predict(before, frames)
    back = predict(after[::-1], frames)[::-1]
    if not len(before):
        return back
    place = ((np.arange(frames) + 1.0) / (frames + 1.0))[:, None]
    return np.asarray((1.0 - place) * predict(before, frames) + place * back, dtype=np.float32)


def _ring(past: Wide, order: int, frames: int) -> Wide:
    if float(np.dot(past, past)) < 1e-10:
        return np.zeros(frames)
    filter_ = _burg(past, order)
    state = signal.lfiltic(np.array([1.0]), filter_, past[::-1])
    ringing, _ = signal.lfilter(np.array([1.0]), filter_, np.zeros(frames), zi=state)
    peak = float(np.abs(past).max())
    return np.asarray(np.clip(ringing, -peak, peak))


def _burg(past: Wide, order: int) -> Wide:
    """Prediction error filter (1, a1, …) of the given order."""
    forward, backward = past[1:].copy(), past[:-1].copy()
    filter_ = np.array([1.0])
    for _ in range(order):
        energy = float(np.dot(forward, forward) + np.dot(backward, backward))
        if energy < 1e-14:
            break
        reflection = -2.0 * float(np.dot(forward, backward)) / energy
        extended = np.append(filter_, 0.0)
        filter_ = extended + reflection * extended[::-1]
        forward, backward = (forward + reflection * backward)[1:], (backward + reflection * forward)[:-1]
    return filter_


def run_on(past: Samples, new: Samples, new_past: Samples, ceiling: float) -> Samples:
    """The start of `new`, changed so that it runs on from `past` without a step.

    What still rings of `past` takes the place of what rings of `new_past`, and fades out; all that begins
    in `new` itself stays as it is, at full level, so that an attack right at the joint keeps its edge.
    """
    frames = len(new)
    if len(new_past) < LEAST_PAST:
        new_past = _implied_past(new)
    change = predict(past, frames).astype(np.float64) - predict(new_past, frames)
    fade = (0.5 + 0.5 * np.cos(np.pi * np.arange(frames) / max(frames, 1)))[:, None]
    return np.asarray(np.clip(new + change * fade, -ceiling, ceiling), dtype=np.float32)


def _implied_past(new: Samples) -> Samples:
    """What came before a clip that starts with `new`: silence, unless it starts in the middle of a wave."""
    steps = np.abs(np.diff(new, axis=0))
    if not len(steps) or float(np.abs(new[0]).max()) <= 2.0 * float(np.quantile(steps, 0.9)):
        return np.zeros((LEAST_PAST, new.shape[1]), dtype=np.float32)
    return predict(new[::-1], len(new))[::-1]


def lay(
    samples: Samples, pieces: Sequence[Piece], frames: int, fades: Fades, ceiling: float, progress: Progress
) -> Samples:
    """Play the pieces, joined, as `frames` frames of new audio."""
    out = np.zeros((frames, samples.shape[1]), dtype=np.float32)
    ends = [*(piece.at for piece in pieces[1:]), frames]
    _copy(out, samples, pieces[0], pieces[0].at, min(ends[0] + fades.length + max(fades.latest, 0), frames))
    for number, (old, new, end) in enumerate(zip(pieces, pieces[1:], ends[1:], strict=False)):
        _join(out, samples, old, new, min(end + fades.length + max(fades.latest, 0), frames), fades, ceiling)
        progress((number + 1) / len(pieces))
    progress(1.0)
    return out


def _copy(out: Samples, samples: Samples, piece: Piece, start: int, end: int) -> None:
    end = min(end, len(samples) - piece.offset)
    if end > start:
        out[start:end] = samples[start + piece.offset : end + piece.offset]


def _join(out: Samples, samples: Samples, old: Piece, new: Piece, end: int, fades: Fades, ceiling: float) -> None:
    start = _quietest(samples, old, new, fades)
    if start is None:
        _butt(out, samples, old, new, end, fades.length, ceiling)
        return
    stop = min(start + fades.length, len(out))
    if stop > start:
        out[start:stop] = blend(out[start:stop], samples[start + new.offset : stop + new.offset], ceiling)
    _copy(out, samples, new, stop, end)


def _butt(out: Samples, samples: Samples, old: Piece, new: Piece, end: int, length: int, ceiling: float) -> None:
    """Join where the clip begins or ends, so that there is nothing to crossfade with."""
    _copy(out, samples, new, new.at, end)
    stop = min(new.at + length, end, len(samples) - new.offset)
    memory = length * 4
    leave = new.at + old.offset
    past = samples[max(leave - memory, 0) : leave]
    new_past = samples[max(new.source - memory, 0) : new.source]
    out[new.at : stop] = run_on(past, out[new.at : stop].copy(), new_past, ceiling)


def _quietest(samples: Samples, old: Piece, new: Piece, fades: Fades) -> int | None:
    """The frame of the new audio at which a crossfade shows least: the two sound alike there, or are soft."""
    length = fades.length
    least = max(new.at + fades.earliest, -old.offset, -new.offset, old.at, 0)
    most = min(new.at + fades.latest, len(samples) - length - max(old.offset, new.offset))
    if most < least:
        return None
    mine, yours = (samples[least + each.offset : most + length + each.offset] for each in (old, new))
    apart = np.square(mine - yours).sum(axis=1) + 0.02 * np.square(mine).sum(axis=1)
    return least + int(np.argmin(ndimage.uniform_filter1d(apart, length)[length // 2 : length // 2 + most - least + 1]))
