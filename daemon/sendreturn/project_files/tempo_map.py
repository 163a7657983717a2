"""A session's tempo map: which tempo and time signature hold where on the timeline."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from sendreturn.audio.notes import Meter, TempoChange, Timeline

SLOWEST_BPM, FASTEST_BPM = 4.0, 1000.0
"""What a MIDI file can hold; no DAW goes further."""
Unit = Literal["quarters", "seconds"]

_STEPS_OF_A_GLIDE = 4000
_STEPS_OF_A_QUARTER = 4
"""Within a step a glide is taken as steady: of one by 15 bpm a beat, which nobody plays, that is out by 2 ms."""
_JOINED_S = 1e-6


@dataclass(frozen=True)
class TempoPoint:
    """The tempo `bpm` from `at` on, in the unit that the project file counts in.

    Attributes:
        bpm: Quarter notes per minute.
        end_bpm: Where the tempo has glided to when the next point comes; None for a steady tempo.
    """

    at: float
    bpm: float
    end_bpm: float | None = None


@dataclass(frozen=True)
class Signature:
    """The time signature from `at_s` on."""

    at_s: float
    numerator: int
    denominator: int


@dataclass(frozen=True)
class TempoMap:
    """Tempi and time signatures of a session, each in rising order; the first of each also holds before it.

    Attributes:
        tempo: The session's tempi, as a meter with its changes from the session's start on.
    """

    tempo: Meter
    signatures: tuple[Signature, ...] = ()

    @property
    def is_steady(self) -> bool:
        """Whether one tempo and one time signature hold throughout."""
        return not self.tempo.changes and len(self.signatures) <= 1

    def meter_at(self, start_s: float, end_s: float | None = None) -> Meter:
        """The meter at `start_s` of the session, with the changes that come before `end_s`, counted from `start_s`."""
        first = self._at(start_s, start_s)
        changes = tuple(self._at(at_s, start_s) for at_s in self._places(start_s, end_s))
        return Meter(first.bpm, first.numerator, first.denominator, changes)

    def _places(self, start_s: float, end_s: float | None) -> list[float]:
        """Where something changes between the two, each place once."""
        places: list[float] = []
        if end_s is None:
            return places
        for at_s in sorted([c.at_s for c in self.tempo.changes] + [s.at_s for s in self.signatures]):
            if max([start_s, *places[-1:]]) + _JOINED_S < at_s < end_s:
                places.append(at_s)
        return places

    def _at(self, session_s: float, start_s: float) -> TempoChange:
        """What holds from `session_s` on; a change in the very next moment counts as being there."""
        at_s, session_s = session_s - start_s, session_s + _JOINED_S
        tempi = self.tempo.changes
        index = bisect_right(tempi, session_s, key=lambda change: change.at_s)
        bpm = tempi[index - 1].bpm if index else self.tempo.bpm
        place = bisect_right(self.signatures, session_s, key=lambda signature: signature.at_s)
        signature = self.signatures[max(0, place - 1)] if self.signatures else Signature(0.0, 4, 4)
        return TempoChange(at_s, bpm, signature.numerator, signature.denominator)


def glided(rows: Sequence[tuple[float, float, bool]]) -> list[TempoPoint]:
    """Points from (where, tempo, whether it glides to the next row's); rows of one place stay in their order."""
    rows = sorted(rows, key=lambda row: row[0])
    ends = [*(following[1] for following in rows[1:]), None]
    return [TempoPoint(at, bpm, end if glides else None) for (at, bpm, glides), end in zip(rows, ends, strict=True)]


def lay_out(
    points: Sequence[TempoPoint],
    signatures: Iterable[tuple[float, int, int]],
    unit: Unit = "quarters",
    signature_unit: Unit | None = None,
) -> TempoMap:
    """A map of points and (where, numerator, denominator); a glide is a straight line over the points' own unit.

    Args:
        signature_unit: In what the signatures count, where not as the points.
    """
    rising = sorted(points, key=lambda point: point.at)
    # What holds at the first point also holds before it.
    steps = _joined(_steps([TempoPoint(0.0, rising[0].bpm), *rising], unit == "quarters"))
    tempo = Meter(steps[0][1], changes=tuple(TempoChange(at_s, bpm) for at_s, bpm in steps[1:]))
    seconds_of = Timeline(tempo).seconds if (signature_unit or unit) == "quarters" else float
    found = sorted((seconds_of(at), numerator, denominator) for at, numerator, denominator in signatures)
    return TempoMap(tempo, tuple(Signature(*signature) for signature in _last_of_each_place(found)))


def is_tempo(bpm: float) -> bool:
    return math.isfinite(bpm) and SLOWEST_BPM <= bpm <= FASTEST_BPM


def is_signature(numerator: int, denominator: int) -> bool:
    return 1 <= numerator <= 255 and denominator in (1, 2, 4, 8, 16, 32, 64)


def _steps(points: Sequence[TempoPoint], in_beats: bool) -> Iterator[tuple[float, float]]:
    """Where on the session's timeline, in seconds, which steady tempo begins."""
    at_s = 0.0
    for point, following in pairwise(points):
        length = following.at - point.at
        if length <= 0:
            continue
        if point.end_bpm is None or abs(point.end_bpm - point.bpm) < 1e-9:
            yield at_s, point.bpm
            at_s += length * 60.0 / point.bpm if in_beats else length
        else:
            for step_s, bpm in _glide(point.bpm, point.end_bpm, length, in_beats):
                yield at_s, bpm
                at_s += step_s
    yield at_s, points[-1].bpm


def _glide(bpm: float, end_bpm: float, length: float, in_beats: bool) -> Iterator[tuple[float, float]]:
    """Steps (seconds, steady tempo) that meet the glide at every quarter of a beat: for each its mean tempo."""
    quarters = length if in_beats else length * (bpm + end_bpm) / 120.0
    count = max(1, min(_STEPS_OF_A_GLIDE, round(quarters * _STEPS_OF_A_QUARTER)))
    places = [_seconds_in_glide(bpm, end_bpm, quarters, i / count, in_beats) for i in range(count + 1)]
    for earlier_s, later_s in pairwise(places):
        yield later_s - earlier_s, quarters / count * 60.0 / (later_s - earlier_s)


def _seconds_in_glide(bpm: float, end_bpm: float, quarters: float, share: float, in_beats: bool) -> float:
    """After how long `share` of a glide's quarter notes have gone by."""
    if in_beats:
        # The tempo is b(q) = bpm + slope·q, and the time the integral of 60 / b(q).
        reached = bpm + (end_bpm - bpm) * share
        return 60.0 * quarters * math.log(reached / bpm) / (end_bpm - bpm)
    # The tempo is b(t) = bpm + slope·t, so that its square rises evenly with the quarter notes.
    reached = math.sqrt(bpm**2 + (end_bpm**2 - bpm**2) * share)
    return 120.0 * quarters * (reached - bpm) / (end_bpm**2 - bpm**2)


def _joined(steps: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Without steps that change nothing, and with one step for each place."""
    found: list[tuple[float, float]] = []
    for at_s, bpm in steps:
        if found and at_s - found[-1][0] < _JOINED_S:
            found.pop()
        if not found or abs(found[-1][1] - bpm) > 1e-9:
            found.append((at_s, bpm))
    return found


def _last_of_each_place(found: Sequence[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
    kept: list[tuple[float, int, int]] = []
    for signature in found:
        if kept and signature[0] - kept[-1][0] < _JOINED_S:
            kept.pop()
        if not kept or kept[-1][1:] != signature[1:]:
            kept.append(signature)
    return kept
