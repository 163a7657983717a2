"""Notes of one voice at a time: bass, vocals, leads.

The pitch is followed by the SwiftF0 network where `swift_f0` is installed (it carries its weights), else by the
salience of `classical_pitch`. A cheapest path over semitones turns the pitch into notes, so that vibrato and glides
stay in one note, and attacks split it, so that a repeated note is two. Where notes come from a polyphonic listener,
`one_at_a_time` makes a line of them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from sendreturn_bridges.services.local import classical_pitch
from sendreturn_bridges.services.local.note_decoding import Event
from sendreturn_bridges.services.local.onsets import magnitudes, peaks, rises, sub_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sendreturn_bridges.services.local.onsets import Curve

RATE_HZ = 16000
F0_HOP_S = 0.016
LOW_VOICE_HZ = 70.0
"""SwiftF0 hears 46.9 Hz and up; what lies below this is asked for again with the clip played at double speed."""

ATTACK_HOP_SAMPLES = 80
ATTACK_WINDOW_SAMPLES = 512
ATTACK_LATE_S = 0.004
"""How much later than the true attack the rise is steepest: the median over plucked basses of ten random songs."""

_LOWEST, _HIGHEST = 24, 96
_SPREAD_SEMITONES = 0.4
_CHANGE_COST = 3.0
_UNVOICED_COST = 1.8
_SNAP_S = 0.06
_SHORTEST_S = 0.05
_ATTACK_RISE = 0.04
"""Low enough for a sung attack; what it takes for attacks too much only matters within a held note."""
_REPEAT_RISE = 0.06
_TOGETHER_S = 0.04
_AGREEMENT = 0.3


@dataclass(frozen=True)
class PitchTrack:
    """`pitch` in (fractional) MIDI keys and `voiced` 0–1, one value every `F0_HOP_S`."""

    pitch: NDArray[np.float64]
    voiced: NDArray[np.float64]


@dataclass(frozen=True)
class Attacks:
    """Where something is struck, plucked or sung anew, and how sharply (in nepers of spectral rise)."""

    at_s: NDArray[np.float64]
    strength: NDArray[np.float64]


def is_network_installed() -> bool:
    try:
        import swift_f0  # noqa: F401
    except ImportError:
        return False
    return True


def follow_line(mono: NDArray[np.float32], rate_hz: int) -> list[Event]:
    """The notes of the one voice in `mono`, sorted, none overlapping."""
    heard = np.asarray(soxr.resample(mono, rate_hz, RATE_HZ), dtype=np.float32)
    if heard.size < RATE_HZ // 50:
        return []
    track = _follow_pitch(heard)
    keys = _steady_keys(track)
    return _segment(keys, track, find_attacks(heard))


def one_at_a_time(events: list[Event], mono: NDArray[np.float32], rate_hz: int) -> list[Event]:
    """`events` as one voice: of notes that begin together the likeliest, and each note ends where the next begins.

    Likeliest is the strongest; a note on which the pitch follower agrees counts as a little stronger: that settles
    octaves.
    """
    heard = np.asarray(soxr.resample(mono, rate_hz, RATE_HZ), dtype=np.float32)
    if not events or heard.size < RATE_HZ // 50:
        return events
    track = _follow_pitch(heard)
    line: list[Event] = []
    for event in sorted(events, key=lambda event: event.start_s):
        if line and event.start_s - line[-1].start_s < _TOGETHER_S:
            line[-1] = max(line[-1], event, key=lambda rival: rival.strength + _AGREEMENT * _agreement(rival, track))
        else:
            line.append(event)
    ends = [*(after.start_s for after in line[1:]), float("inf")]
    return [replace(event, end_s=min(event.end_s, end_s)) for event, end_s in zip(line, ends, strict=True)]


def _agreement(event: Event, track: PitchTrack) -> float:
    first = int(event.start_s / F0_HOP_S)
    frames = slice(first, max(first + 1, int(event.end_s / F0_HOP_S)))
    near = np.abs(track.pitch[frames] - event.pitch) < 0.7
    return float((track.voiced[frames] * near).mean()) if near.size else 0.0


def find_attacks(mono: NDArray[np.float32]) -> Attacks:
    """Attacks in `mono`, which is at `RATE_HZ`."""
    hop_s = ATTACK_HOP_SAMPLES / RATE_HZ
    spectrum = magnitudes(mono, ATTACK_WINDOW_SAMPLES, ATTACK_HOP_SAMPLES)
    # Rises over 15 ms: a struck note is all there by then, a sung one well on its way.
    curve: Curve = rises(spectrum, lag_frames=3, floor=1e-3).mean(axis=1)
    found = peaks(curve, hop_s, threshold=_ATTACK_RISE, apart_s=0.05)
    at_s = np.array([sub_frame(curve, int(frame)) * hop_s - ATTACK_LATE_S for frame in found])
    return Attacks(np.maximum(0.0, at_s), np.asarray(curve[found], dtype=np.float64))


def _follow_pitch(mono: NDArray[np.float32]) -> PitchTrack:
    if not is_network_installed():
        return PitchTrack(*classical_pitch.follow_strongest(mono, RATE_HZ, F0_HOP_S))
    pitch_hz, voiced = _ask_network(mono, speed=1)
    low_hz, low_voiced = _ask_network(mono, speed=2)
    frame = np.minimum(np.arange(pitch_hz.size) // 2, low_hz.size - 1)
    low_hz, low_voiced = low_hz[frame], low_voiced[frame]
    is_low = (low_hz < LOW_VOICE_HZ) & (low_voiced > voiced)
    hz = np.where(is_low, low_hz, pitch_hz)
    return PitchTrack(69 + 12 * np.log2(np.maximum(hz, 1.0) / 440.0), np.where(is_low, low_voiced, voiced))


def _ask_network(mono: NDArray[np.float32], speed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fundamental in Hz and voicing, one value every `F0_HOP_S`·`speed`."""
    heard = mono if speed == 1 else np.asarray(soxr.resample(mono, RATE_HZ * speed, RATE_HZ), dtype=np.float32)
    result = _network().detect(heard, RATE_HZ)
    return result.pitch_hz / speed, result.confidence


@lru_cache(maxsize=1)
def _network() -> Any:
    from swift_f0 import SwiftF0

    return SwiftF0(threads=2, spin=False)


def _steady_keys(track: PitchTrack) -> NDArray[np.int64]:
    """The MIDI key of each frame, 0 where nothing sounds: the cheapest path through all keys."""
    keys = np.arange(_LOWEST, _HIGHEST + 1)
    far = np.minimum(np.abs(track.pitch[:, None] - keys[None, :]) / _SPREAD_SEMITONES, 4.0) ** 2 / 2
    cost = far * track.voiced[:, None] + _UNVOICED_COST * 2 * (1 - track.voiced[:, None])
    silent = _UNVOICED_COST * 2 * track.voiced[:, None]
    return _cheapest_path(np.hstack([silent, cost]), np.concatenate([[0], keys]))


def _cheapest_path(cost: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    total = cost[0].copy()
    came_from = np.zeros(cost.shape, dtype=np.int32)
    stay = np.arange(cost.shape[1])
    for frame in range(1, len(cost)):
        best = int(total.argmin())
        change = total[best] + _CHANGE_COST
        came_from[frame] = np.where(total <= change, stay, best)
        total = np.minimum(total, change) + cost[frame]
    path = np.empty(len(cost), dtype=np.int64)
    state = int(total.argmin())
    for frame in range(len(cost) - 1, -1, -1):
        path[frame] = state
        state = int(came_from[frame, state])
    return labels[path]


def _segment(keys: NDArray[np.int64], track: PitchTrack, attacks: Attacks) -> list[Event]:
    changes = np.flatnonzero(np.diff(keys)) + 1
    bounds = [0, *changes.tolist(), keys.size]
    events: list[Event] = []
    for first, last in itertools.pairwise(bounds):
        if keys[first] == 0:
            continue
        start_s, end_s = first * F0_HOP_S, last * F0_HOP_S
        start_s = _snapped(start_s, attacks, events[-1].start_s if events else -1.0)
        strength = float(track.voiced[first:last].mean())
        if events and events[-1].end_s > start_s:
            events[-1] = Event(events[-1].start_s, start_s, events[-1].pitch, events[-1].strength)
        events += _split(Event(start_s, end_s, int(keys[first]), strength), attacks)
    return [event for event in events if event.end_s - event.start_s >= _SHORTEST_S]


def _snapped(start_s: float, attacks: Attacks, after_s: float) -> float:
    """The attack that a pitch change at `start_s` belongs to, where there is one close by."""
    near = (np.abs(attacks.at_s - start_s) <= _SNAP_S) & (attacks.at_s > after_s + _SHORTEST_S)
    if not near.any():
        return start_s
    candidates = np.flatnonzero(near)
    return float(attacks.at_s[candidates[attacks.strength[candidates].argmax()]])


def _split(event: Event, attacks: Attacks) -> list[Event]:
    inside = (attacks.at_s > event.start_s + _SHORTEST_S) & (attacks.at_s < event.end_s - _SHORTEST_S)
    inside &= attacks.strength >= _REPEAT_RISE
    starts = [event.start_s, *attacks.at_s[inside].tolist()]
    ends = [*starts[1:], event.end_s]
    return [Event(start, end, event.pitch, event.strength) for start, end in zip(starts, ends, strict=True)]
