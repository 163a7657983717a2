"""From how probable each pitch and each onset is, frame by frame, to notes with velocities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sendreturn.audio.notes import Note

from sendreturn_bridges.services.local.onsets import Frames, magnitudes, sub_frame

LOWEST_PITCH = 21
PITCHES = 88

LOUDEST_VELOCITY = 112
_SPECTRUM_SAMPLES = 4096
_SPECTRUM_HOP = 512


@dataclass(frozen=True)
class Activity:
    """Shape (frames, 88) each, from A0 upwards, values 0–1. Frame k lies at k·`hop_s`."""

    sounding: Frames
    onset: Frames
    hop_s: float


@dataclass(frozen=True)
class Thresholds:
    """What counts as a note.

    Attributes:
        onset: Least onset value at which a note begins.
        sounding: Least value at which it goes on.
        shortest_s: Shorter notes are dropped.
        soft_s: A pitch that sounds this long with no onset is a note too; infinite for never.
        gap_s: A note survives dips this long.
        late_s: How much later than the true attack the onset curve peaks; subtracted.
    """

    onset: float
    sounding: float
    shortest_s: float = 0.058
    soft_s: float = 0.2
    gap_s: float = 0.06
    late_s: float = 0.0


@dataclass(frozen=True)
class Event:
    """A note before it has a velocity; `strength` is its mean activity."""

    start_s: float
    end_s: float
    pitch: int
    strength: float


def decode(activity: Activity, thresholds: Thresholds) -> list[Event]:
    """The notes in `activity`, sorted."""
    events: list[Event] = []
    for key in range(activity.onset.shape[1]):
        if activity.sounding[:, key].max(initial=0.0) >= thresholds.sounding:
            events += _decode_key(activity, key, thresholds)
    return sorted(events, key=lambda event: (event.start_s, event.pitch))


def _decode_key(activity: Activity, key: int, thresholds: Thresholds) -> list[Event]:
    onset, sounding, hop_s = activity.onset[:, key], activity.sounding[:, key], activity.hop_s
    starts = _onset_frames(onset, thresholds.onset)
    events: list[Event] = []
    free_from = 0
    for index, start in enumerate(starts):
        limit = starts[index + 1] if index + 1 < len(starts) else sounding.size
        end = _end_of(sounding, start, limit, thresholds, hop_s)
        events += _soft_notes(sounding, free_from, start, key, thresholds, hop_s)
        free_from = end
        if (end - start) * hop_s >= thresholds.shortest_s:
            start_s = max(0.0, sub_frame(onset, start) * hop_s - thresholds.late_s)
            events.append(Event(start_s, end * hop_s, key + LOWEST_PITCH, float(sounding[start:end].mean())))
    return events + _soft_notes(sounding, free_from, sounding.size, key, thresholds, hop_s)


def _onset_frames(onset: NDArray[np.float32], threshold: float) -> list[int]:
    padded = np.pad(onset, 1)
    is_peak = (onset >= threshold) & (onset > padded[:-2]) & (onset >= padded[2:])
    return [int(frame) for frame in np.flatnonzero(is_peak)]


def _end_of(sounding: NDArray[np.float32], start: int, limit: int, thresholds: Thresholds, hop_s: float) -> int:
    patience = max(1, round(thresholds.gap_s / hop_s))
    last = start
    # An onset may lead the sounding curve by a few frames, so the dip is counted from the onset.
    for frame in range(start, limit):
        if sounding[frame] >= thresholds.sounding:
            last = frame + 1
        elif frame - last >= patience:
            break
    return last


def _soft_notes(
    sounding: NDArray[np.float32], start: int, stop: int, key: int, thresholds: Thresholds, hop_s: float
) -> list[Event]:
    """Runs of activity in [start, stop) that no onset announced."""
    if (stop - start) * hop_s < thresholds.soft_s:
        return []
    active = np.diff(np.pad(sounding[start:stop] >= thresholds.sounding, 1).astype(np.int8))
    runs = zip(np.flatnonzero(active == 1) + start, np.flatnonzero(active == -1) + start, strict=True)
    return [
        Event(float(a) * hop_s, float(b) * hop_s, key + LOWEST_PITCH, float(sounding[a:b].mean()))
        for a, b in runs
        if (b - a) * hop_s >= thresholds.soft_s
    ]


def with_velocities(events: list[Event], mono: NDArray[np.float32], rate_hz: int) -> list[Note]:
    """Notes whose velocities follow how loud the pitch's first harmonics become after the attack.

    General MIDI asks instruments for 40·log10(velocity/127) dB (RP-003, "GM Developer Guidelines"), which is turned
    round here; the loudest notes get `LOUDEST_VELOCITY`.
    """
    if not events:
        return []
    spectrum = magnitudes(mono, _SPECTRUM_SAMPLES, _SPECTRUM_HOP)
    hop_s, bin_hz = _SPECTRUM_HOP / rate_hz, rate_hz / _SPECTRUM_SAMPLES
    loudness = np.array([_loudness(spectrum, event, hop_s, bin_hz) for event in events])
    return [
        Note(event.start_s, event.end_s, event.pitch, velocity)
        for event, velocity in zip(events, velocities(loudness), strict=True)
    ]


def velocities(amplitudes: NDArray[np.floating]) -> list[int]:
    """Amplitudes (linear, any scale) as MIDI velocities; the 95th percentile gets `LOUDEST_VELOCITY`."""
    if amplitudes.size == 0:
        return []
    reference = max(float(np.percentile(amplitudes, 95)), 1e-9)
    scaled = LOUDEST_VELOCITY * np.sqrt(np.maximum(amplitudes, 0.0) / reference)
    return [int(value) for value in np.clip(np.round(scaled), 1, 127)]


def _loudness(spectrum: Frames, event: Event, hop_s: float, bin_hz: float) -> float:
    first = min(round(event.start_s / hop_s) + 1, len(spectrum) - 1)
    last = max(first + 1, min(round(event.end_s / hop_s), round((event.start_s + 0.15) / hop_s)))
    f0 = 440.0 * 2 ** ((event.pitch - 69) / 12)
    bins = np.round(f0 * np.arange(1, 6) / bin_hz).astype(int)
    bins = bins[bins < spectrum.shape[1] - 1]
    around = np.stack([spectrum[first:last, bins + step] for step in (-1, 0, 1)]).max(axis=0)
    return float(np.sqrt((around**2).sum(axis=1)).max(initial=0.0))
