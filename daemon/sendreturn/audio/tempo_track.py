"""The tempo of audio over time, its first downbeat, and how it drifts away from the session's tempo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sendreturn.audio.bars import find_bars
from sendreturn.audio.beats import ONSET_DELAY_S, Beats, Times, find_beats
from sendreturn.audio.listening import Listening, listen

if TYPE_CHECKING:
    from sendreturn.audio.buffer import Audio
    from sendreturn.audio.notes import Meter

RATIOS = (1.0, 2.0, 0.5, 1.5, 2.0 / 3.0, 3.0, 1.0 / 3.0)
"""How the session's quarter notes may stand to the beats that are felt."""
SAME_TEMPO = 0.06
"""A tempo so near to the session's, as a share of it, is the session's, played more or less exactly."""
NEAR_FRAMES = 4
LEAST_ONSET = 0.5
FEWEST_FOR_DRIFT = 12
"""Quarter notes; fewer do not tell a tempo to a part of a percent."""


@dataclass(frozen=True)
class TempoTrack:
    """What was measured; with a confidence of 0 there is no beat to follow, and the other values are None or empty.

    Attributes:
        bpm: Quarter notes per minute, over the whole of the audio.
        first_downbeat_s: The first beat that begins a bar, as far as can be heard.
        downbeat_confidence: 0–1, that it is the first of a bar and not another beat.
        beats_s: The quarter notes, in seconds from the start of the audio.
        drift_ms_per_min: How much later each minute of the audio falls behind the session's tempo (negative: it runs
            ahead); None, too, where the audio is too short to tell.
        confidence: 0–1.
    """

    bpm: float | None
    first_downbeat_s: float | None
    beats_s: tuple[float, ...]
    drift_ms_per_min: float | None
    confidence: float
    downbeat_confidence: float = 0.0


def track_tempo(audio: Audio, meter: Meter) -> TempoTrack:
    """Measures the tempo of `audio`, which should start where `meter` starts to count."""
    listening = listen(audio)
    beats = find_beats(listening)
    if beats.confidence <= 0.0:
        return TempoTrack(None, None, (), None, 0.0)
    bar = meter.beats * 4.0 / meter.beat_unit
    times_s, bpm = _quarters(_on_onsets(listening, beats), beats, meter.bpm)
    bars = find_bars(listening, times_s, round(bar) if bar == round(bar) else None)
    first_s = _first_downbeat(float(times_s[bars.downbeat]), bar * 60.0 / bpm)
    return TempoTrack(
        bpm=bpm,
        first_downbeat_s=first_s,
        beats_s=tuple(float(at_s) for at_s in times_s if at_s >= -0.001),
        drift_ms_per_min=_drift(times_s, meter),
        confidence=beats.confidence,
        downbeat_confidence=round(bars.confidence, 2),
    )


def _on_onsets(listening: Listening, beats: Beats) -> Times:
    """The beats where they are really played: on a straight line through their onsets where the tempo is steady."""
    if not beats.steady:
        return beats.times_s
    numbers, played = _played(listening, beats.times_s)
    if len(numbers) < 4:
        return beats.times_s
    keep = np.ones(len(numbers), dtype=bool)
    for _ in range(4):
        slope, start = np.polyfit(numbers[keep], played[keep], 1)
        strays = np.abs(played - start - slope * numbers)
        keep = strays <= max(2.0 * float(np.median(strays)), 0.0015)
    return np.asarray(start + slope * np.arange(len(beats.times_s)))


def _played(listening: Listening, times_s: Times) -> tuple[Times, Times]:
    """Numbers and times of the beats on which an onset is heard, between frames."""
    numbers, played = [], []
    for number, at_s in enumerate(times_s):
        frame = round((at_s - ONSET_DELAY_S) / listening.hop_s)
        low, high = max(frame - NEAR_FRAMES, 1), min(frame + NEAR_FRAMES + 1, listening.frames - 1)
        if high <= low:
            continue
        best = low + int(np.argmax(listening.onsets[low:high]))
        before, peak, after = (float(each) for each in listening.onsets[best - 1 : best + 2])
        bend = before - 2.0 * peak + after
        if peak >= LEAST_ONSET and bend < 0.0:
            aside = float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))
            numbers.append(float(number))
            played.append((best + aside) * listening.hop_s + ONSET_DELAY_S)
    return np.array(numbers), np.array(played)


def _quarters(times_s: Times, beats: Beats, session_bpm: float) -> tuple[Times, float]:
    """The beats as the session counts them, and their tempo: trackers count eighths or halves as happily."""
    # Not from the ends alone: what is heard there may be cut off.
    felt = 60.0 / float(np.polyfit(np.arange(len(times_s)), times_s, 1)[0])
    near = [ratio for ratio in RATIOS if abs(felt * ratio / session_bpm - 1.0) <= SAME_TEMPO]
    octaves = sorted(RATIOS[:3], key=lambda ratio: abs(np.log(felt * ratio / session_bpm)))
    ratio = near[0] if near else octaves[0]
    if ratio == 1.0:
        return times_s, felt
    first = beats.downbeat % (1.0 / ratio)
    places = np.arange(first, len(times_s) - 1 + 1e-6, 1.0 / ratio)
    return np.interp(places, np.arange(len(times_s)), times_s), felt * ratio


def _first_downbeat(heard_s: float, bar_s: float) -> float:
    # A downbeat that is played a hair before the first sample still counts as the first.
    return float(heard_s - bar_s * np.floor((heard_s + 0.02) / bar_s))


def _drift(times_s: Times, meter: Meter) -> float | None:
    if len(times_s) < FEWEST_FOR_DRIFT:
        return None
    timeline = meter.timeline
    first = timeline.quarters(float(times_s[0]))
    due_s = np.array([timeline.seconds(first + number) for number in range(len(times_s))])
    slope = np.polyfit(due_s, times_s - due_s, 1)[0]
    return float(slope * 60_000.0)
