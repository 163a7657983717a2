"""How far a match of waveforms may be trusted, and what is to be said about it."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

from sendreturn.audio.align_places import NEAR_S

if TYPE_CHECKING:
    from sendreturn.audio.align_waveform import Match
    from sendreturn.audio.buffer import Audio

UNLIKELY, LIKELY = 0.8, 0.96
"""Likeness at which confidence begins and at which it is full. Songs of one synth in one tempo stay under the first."""
BROAD = (0.7, 0.85)
"""The part of the clip's range in which it is heard: the same between other sounds."""
SAME_LAG_SAMPLES = 0.1
WITH_OTHERS = 0.65
ALIKE = 0.7
"""Score of another place, as a share of the best one's, from which on the two may be mistaken for each other."""
SAME_SOUND = 0.97
AMBIGUOUS = 0.4
"""Confidence left where another place is as good."""
EXPECTED = 0.75
"""The same where only one of them lies where the source was expected."""
DRIFTING = 0.3
MOST_OF_IT = 0.9
RELIABLE = 0.5
"""Below it nothing is said of what else became of the clip: that would claim that it was found."""
DRIFT_SAMPLES = 2.0
FILTERED = 10.0
PLAINLY_ADDED = 0.1
"""Codecs and noise stay under this share of the energy."""
HALF_SURE_S = 0.12
"""Length of agreeing audio that earns half of the confidence."""


def judge(match: Match, source: Audio, expected_s: float) -> tuple[float, tuple[str, ...]]:
    """Confidence from 0 to 1, and sentences for a sidecar's checks."""
    sure = max(_between(match.likeness, UNLIKELY, LIKELY), WITH_OTHERS * _beneath_others(match))
    agreed = min(1.0, 1.6 * match.agreeing / max(match.compared, 1))
    found_s = match.found_s[1] - match.found_s[0]
    confidence = sure * agreed * found_s / (found_s + HALF_SURE_S) * (1.0 - 0.1 * min(1.0, match.spread_samples))
    confidence *= 1.0 - (1.0 - AMBIGUOUS) * _between(match.tonal_rival, ALIKE, SAME_SOUND)
    factor, notes = _rivalry(match, source, expected_s)
    drifting = drift_note(match, source)
    if drifting:
        confidence = min(confidence, DRIFTING)
    confidence *= factor
    heard = _notes(match, source) if confidence >= RELIABLE else ()
    return confidence, (*notes, *heard, *drifting)


def drift_note(match: Match, source: Audio) -> tuple[str, ...]:
    """Says how the lag changes along the clip; nothing where it does not, or where too little was heard to tell."""
    if abs(match.drift) * source.frames <= DRIFT_SAMPLES or match.likeness < UNLIKELY:
        return ()
    side = "slower" if match.drift > 0 else "faster"
    return (f"It runs {abs(match.drift) * 100:.2g} % {side} than the clip, so that no one offset aligns it.",)


def _beneath_others(match: Match) -> float:
    """How sure it is that the clip is there under other sound that was added, such as new instruments.

    Then it is heard over its whole range, and at one and the same lag in every window.
    """
    if match.agreeing < match.compared or match.spread_samples > SAME_LAG_SAMPLES:
        return 0.0
    return _between(match.breadth, *BROAD)


def _between(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _rivalry(match: Match, source: Audio, expected_s: float) -> tuple[float, tuple[str, ...]]:
    factor = 1.0 - (1.0 - AMBIGUOUS) * _between(match.rival, ALIKE, SAME_SOUND)
    if match.rival < SAME_SOUND:
        return factor, ()
    at_s = match.lag_samples / source.rate_hz
    is_expected = abs(at_s - expected_s) <= NEAR_S < abs(at_s + match.rival_s - expected_s)
    side = "later" if match.rival_s > 0 else "earlier"
    text = f"The clip repeats: it would fit as well {abs(match.rival_s):.3f} s {side}."
    if is_expected:
        return EXPECTED, (f"{text} The place where it was expected was taken.",)
    return factor, (text,)


def _notes(match: Match, source: Audio) -> tuple[str, ...]:
    notes = []
    if match.rest > FILTERED * max(match.added, 0.001):
        notes.append("The clip's tone was changed, as by an equaliser.")
    if match.added > PLAINLY_ADDED:
        notes.append(f"Other sound was added to the clip, at {10.0 * log10(match.added):+.0f} dB against it.")
    start_s, end_s = match.found_s
    if match.agreeing < MOST_OF_IT * match.wanted:
        if end_s - start_s < MOST_OF_IT * source.duration_s:
            span = f"from {start_s:.1f} s to {end_s:.1f} s of {source.duration_s:.1f} s"
            notes.append(f"Only the clip's part {span} was found.")
        else:
            notes.append("The clip was found, but parts of it in between were not.")
    return tuple(notes)
