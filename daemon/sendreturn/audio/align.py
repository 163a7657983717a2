"""Where the source lies in what a service returned, and how sure that is.

The source's own waveform is looked for first: it is found to a part of a sample, under any gain, codec and rate. Where
the source is not in the returned audio (covers, regenerated audio), rhythm and harmony tell the place to some
milliseconds at best, and the confidence says so. Everything here judges mono mixes of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log10
from typing import TYPE_CHECKING

from sendreturn.audio.align_confidence import drift_note, judge
from sendreturn.audio.align_music import find_music
from sendreturn.audio.align_waveform import find_waveform, is_silent

if TYPE_CHECKING:
    from sendreturn.audio.align_music import Likeness
    from sendreturn.audio.align_waveform import Match
    from sendreturn.audio.buffer import Audio

WAVEFORM_FOUND = 0.3
"""From this confidence on a match of waveforms stands; below it rhythm and harmony are asked too."""
LEAST_CONFIDENCE = 0.1
UNSURE = 0.25


@dataclass(frozen=True)
class Alignment:
    """Where the source lies in returned audio.

    Attributes:
        lag_samples: Where the source's first sample lies in the returned audio, in samples at the source's rate,
            between samples; negative where the returned audio begins inside the source. None where nothing can be
            claimed.
        confidence: 0–1. From 0.5 on the lag may be relied upon.
        residual_db: Energy of the returned audio less the best-fitting source, relative to that source, over the part
            that was compared; None where the waveform was not found.
        gain_db: Level of the source within the returned audio; None where the waveform was not found.
        inverted: Whether the polarity is turned over.
        method: "waveform", "music" (rhythm and harmony; to a hundredth of a second at best) or "none".
        notes: Sentences for a sidecar's checks.
    """

    lag_samples: float | None
    confidence: float
    residual_db: float | None
    gain_db: float | None
    inverted: bool
    method: str
    notes: tuple[str, ...]


def align(source: Audio, returned: Audio, *, expected_lag_s: float = 0.0, search_s: float = inf) -> Alignment:
    """Finds the source in the returned audio.

    Args:
        source: The clip as it was sent.
        returned: What came back, at any rate and with any number of channels.
        expected_lag_s: Where the source should lie; it decides between places that sound the same.
        search_s: How far from there it is looked for; everywhere by default.
    """
    match = find_waveform(source, returned, expected_lag_s, search_s)
    found = None if match is None else _by_waveform(match, source, expected_lag_s)
    if found is not None and found.confidence >= WAVEFORM_FOUND:
        return found
    music = find_music(source, returned, expected_lag_s, search_s)
    if music is not None and music.confidence >= max(LEAST_CONFIDENCE, found.confidence if found else 0.0):
        drift = () if match is None or music.speed != 1.0 else drift_note(match, source)
        return _by_music(music, source, drift)
    if found is not None and found.confidence >= LEAST_CONFIDENCE:
        return found
    return Alignment(None, 0.0, None, None, False, "none", (_why_nothing(source, returned),))


def _by_waveform(match: Match, source: Audio, expected_s: float) -> Alignment:
    confidence, notes = judge(match, source, expected_s)
    return Alignment(
        lag_samples=match.lag_samples,
        confidence=round(confidence, 3),
        residual_db=10.0 * log10(max(match.rest, 1e-15)),
        gain_db=20.0 * log10(max(match.gain, 1e-9)),
        inverted=match.inverted,
        method="waveform",
        notes=notes,
    )


def _by_music(music: Likeness, source: Audio, drift: tuple[str, ...]) -> Alignment:
    notes = [
        "The clip itself was not found in what came back; its rhythm and harmony were, to a hundredth of a second."
    ]
    if music.speed != 1.0:
        by = 100.0 * (music.speed - 1.0)
        notes.append(f"It runs about {abs(by):.1f} % {'faster' if by > 0 else 'slower'} than the clip.")
    if music.confidence < UNSURE:
        notes.append("Other places fit nearly as well.")
    lag = music.lag_s * source.rate_hz
    return Alignment(lag, round(music.confidence, 3), None, None, False, "music", (*notes, *drift))


def _why_nothing(source: Audio, returned: Audio) -> str:
    if is_silent(source):
        return "The clip is silent, so that its place in what came back cannot be measured."
    if is_silent(returned):
        return "What came back is silent."
    return "Nothing of the clip was found in what came back."
