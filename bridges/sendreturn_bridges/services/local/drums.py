"""Drum strokes in a drum track or a full mix.

Onsets are found in the percussive part of the spectrum. What each onset consists of is told by how loud it is in ten
bands, how much louder than just before, and how it dies away; one logistic classifier per drum weighs these, so that a
kick and a hat may fall together. The classifiers' weights are data (`heard_weights.json`), fitted by
`tests/bench/fit_weights.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import soxr
from sendreturn.audio.notes import Note

from sendreturn_bridges.services.local.heard_weights import load_weights
from sendreturn_bridges.services.local.note_decoding import velocities
from sendreturn_bridges.services.local.onsets import Frames, magnitudes, peaks, percussive, rises, sub_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 44100
WINDOW_SAMPLES = 1024
HOP_SAMPLES = 220
HOP_S = HOP_SAMPLES / RATE_HZ

KICK, SNARE, CLOSED_HAT, OPEN_HAT, CRASH, TOM = 36, 38, 42, 46, 49, 47
DRUMS = (KICK, SNARE, CLOSED_HAT, OPEN_HAT, CRASH, TOM)
STROKE_S = 0.1
"""How long a stroke is written: drums ring by themselves."""
LATE_S = -0.0005
"""How much later than the true attack the onset curve peaks: the median over the strokes of 20 random songs."""

PRESENT_DB = -31.5
"""Least sharpness of a mix with drums: 13 mixes had −31.2 to −19.5 dB, the same without their drums at most −31.6."""

_LEVEL = 0.1
"""Clips are brought to this RMS first, so that the floors below mean the same for each."""
_FLOOR = 1e-4
_ONSET_RISE = 0.2
_APART_S = 0.035
_ONSET_BANDS_HZ = ((30, 200), (200, 2000), (2000, 6000), (6000, 16000))
_BANDS = 10
_EDGES_HZ = np.geomspace(40.0, 16000.0, _BANDS + 1)
_BEFORE_S = (-0.05, -0.015)
_ATTACK_S = (0.0, 0.03)
_BODY_S = (0.05, 0.09)
_TAIL_S = (0.12, 0.2)
_REPEATS = 0.4
_CERTAIN = 3.0
_SAME_PLACE_S = 0.03
_TOM_HZ = ((45, 0.0), (47, 115.0), (50, 155.0))
"""Low, middle and high tom, by the least frequency of each."""
_LOUDNESS_HZ = {KICK: (30, 150), SNARE: (150, 8000), TOM: (60, 400), CLOSED_HAT: (5000, 16000)}


@dataclass(frozen=True)
class Strokes:
    """Onsets that may be strokes: when, and `features` of shape (onsets, features).

    `sharpness_db` is the percussive power from 4 kHz up against the power of the whole clip.
    """

    frames: NDArray[np.intp]
    at_s: NDArray[np.float64]
    features: NDArray[np.float64]
    percussive: Frames
    sharpness_db: float


def hear_drums(
    mono: NDArray[np.float32], rate_hz: int, bar_s: float | None = None, *, may_be_absent: bool = False
) -> list[Note]:
    """The strokes in `mono`, sorted; General MIDI drum keys.

    Args:
        bar_s: Length of a bar where it is known: a stroke that other bars have at the same place is then the likelier.
        may_be_absent: The clip may hold no drums, in which case plucks and hammers must not be taken for them.
    """
    strokes = find_strokes(mono, rate_hz)
    if strokes is None or (may_be_absent and strokes.sharpness_db < PRESENT_DB):
        return []
    weights = load_weights().drums
    odds = np.stack([weights[str(drum)].logits(strokes.features) for drum in DRUMS], axis=1)
    if bar_s is not None:
        odds = with_repeats(odds, strokes.at_s, bar_s, mono.size / rate_hz)
    _choose_one_hat(odds)
    notes: list[Note] = []
    for column, drum in enumerate(DRUMS):
        notes += _notes_of(drum, strokes, odds[:, column] > weights[str(drum)].threshold)
    return sorted(notes)


def find_strokes(mono: NDArray[np.float32], rate_hz: int) -> Strokes | None:
    """All onsets in `mono` with what they consist of; None where there are none."""
    heard = np.asarray(soxr.resample(mono, rate_hz, RATE_HZ), dtype=np.float32)
    rms = float(np.sqrt(np.mean(heard**2))) if heard.size else 0.0
    if rms < 1e-5 or heard.size < 2 * WINDOW_SAMPLES:
        return None
    spectrum = magnitudes(heard * np.float32(_LEVEL / rms), WINDOW_SAMPLES, HOP_SAMPLES)
    struck = percussive(spectrum, HOP_S, RATE_HZ / WINDOW_SAMPLES)
    curve = np.max(
        [rises(struck[:, _bins(low, high)], 2, _FLOOR).mean(axis=1) for low, high in _ONSET_BANDS_HZ], axis=0
    )
    frames = peaks(curve, HOP_S, threshold=_ONSET_RISE, apart_s=_APART_S)
    if frames.size == 0:
        return None
    at_s = np.array([max(0.0, sub_frame(curve, int(frame)) * HOP_S - LATE_S) for frame in frames])
    return Strokes(frames, at_s, _features(spectrum, struck, frames), struck, _sharpness_db(spectrum, struck))


def _sharpness_db(spectrum: Frames, struck: Frames) -> float:
    sharp = struck[:, _bins(4000, 16000)]
    return float(10 * np.log10((np.sum(sharp**2) + 1e-20) / (np.sum(spectrum**2) + 1e-20)))


def _bins(low_hz: float, high_hz: float) -> slice:
    bin_hz = RATE_HZ / WINDOW_SAMPLES
    return slice(int(low_hz / bin_hz), max(int(low_hz / bin_hz) + 1, int(high_hz / bin_hz) + 1))


def _features(spectrum: Frames, struck: Frames, frames: NDArray[np.intp]) -> NDArray[np.float64]:
    """Shape (onsets, 5 · bands): the attack's level and rise, the whole rise, body and tail against the attack."""
    whole, sharp = np.sqrt(spectrum**2 @ _bank().T), np.sqrt(struck**2 @ _bank().T)
    before = _around(sharp, frames, _BEFORE_S).mean(axis=1)
    attack = _around(sharp, frames, _ATTACK_S).max(axis=1)
    whole_before = _around(whole, frames, _BEFORE_S).mean(axis=1)
    whole_attack = _around(whole, frames, _ATTACK_S).max(axis=1)
    body = _around(whole, frames, _BODY_S).mean(axis=1)
    tail = _around(whole, frames, _TAIL_S).mean(axis=1)
    loud = np.percentile(attack, 95, axis=0) + _FLOOR
    floor = _FLOOR + 0.01 * loud
    return np.hstack(
        [
            np.log(attack / loud + 0.01),
            np.log((attack + floor) / (before + floor)),
            np.log((whole_attack + floor) / (whole_before + floor)),
            np.log((body + floor) / (whole_attack + floor)),
            np.log((tail + floor) / (whole_attack + floor)),
        ]
    )


def _around(levels: Frames, frames: NDArray[np.intp], span_s: tuple[float, float]) -> Frames:
    """Shape (onsets, frames of the span, bands)."""
    offsets = np.arange(round(span_s[0] / HOP_S), max(round(span_s[0] / HOP_S) + 1, round(span_s[1] / HOP_S)))
    around: Frames = levels[np.clip(frames[:, None] + offsets[None, :], 0, len(levels) - 1)]
    return around


@lru_cache(maxsize=1)
def _bank() -> Frames:
    """Shape (bands, bins): means over each band."""
    bank = np.zeros((_BANDS, WINDOW_SAMPLES // 2 + 1), dtype=np.float32)
    for band in range(_BANDS):
        bins = _bins(_EDGES_HZ[band], _EDGES_HZ[band + 1])
        bank[band, bins] = 1.0 / (bins.stop - bins.start)
    return bank


def with_repeats(
    odds: NDArray[np.float64], at_s: NDArray[np.float64], bar_s: float, duration_s: float
) -> NDArray[np.float64]:
    """`odds` with a share of those at the same place of the clip's other bars: drummers repeat themselves."""
    known = np.clip(odds, -_CERTAIN, _CERTAIN)
    out = odds.copy()
    for index, at in enumerate(at_s):
        bars = np.arange(-int(at / bar_s), int((duration_s - at) / bar_s) + 1)
        peers = [_odds_at(at + bar * bar_s, known, at_s) for bar in bars if bar != 0]
        if len(peers) > 1:
            out[index] += _REPEATS * np.median(peers, axis=0)
    return out


def _odds_at(time_s: float, odds: NDArray[np.float64], at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    near = np.abs(at_s - time_s) < _SAME_PLACE_S
    return odds[near].max(axis=0) if near.any() else np.full(odds.shape[1], -_CERTAIN)


def _choose_one_hat(odds: NDArray[np.float64]) -> None:
    """A hat is open or closed: the less likely one goes."""
    closed, opened = DRUMS.index(CLOSED_HAT), DRUMS.index(OPEN_HAT)
    is_open = odds[:, opened] > odds[:, closed]
    odds[is_open, closed] = -np.inf
    odds[~is_open, opened] = -np.inf


def _notes_of(drum: int, strokes: Strokes, chosen: NDArray[np.bool_]) -> list[Note]:
    band = _bins(*_LOUDNESS_HZ.get(drum, _LOUDNESS_HZ[CLOSED_HAT]))
    frames = strokes.frames[chosen]
    levels = np.sqrt((_around(strokes.percussive[:, band], frames, _ATTACK_S) ** 2).sum(axis=2)).max(axis=1)
    notes = []
    for frame, at_s, velocity in zip(frames, strokes.at_s[chosen], velocities(levels), strict=True):
        key = _tom_key(strokes.percussive, int(frame)) if drum == TOM else drum
        notes.append(Note(float(at_s), float(at_s) + STROKE_S, key, velocity))
    return notes


def _tom_key(struck: Frames, frame: int) -> int:
    band = _bins(60, 400)
    levels = struck[frame : frame + 12, band].sum(axis=0)
    centre_hz = (np.arange(levels.size) * levels).sum() / max(float(levels.sum()), 1e-9) * RATE_HZ / WINDOW_SAMPLES + 60
    return max((key for key, least_hz in _TOM_HZ if centre_hz >= least_hz), default=_TOM_HZ[0][0])
