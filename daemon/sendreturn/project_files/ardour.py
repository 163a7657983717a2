"""Ardour's `.ardour`: XML, with the tempo map in an element of its own.

Ardour 7 and later write `TempoMap/Tempos/Tempo` and `TempoMap/Meters/Meter` with their places as `quarters`, beats and
ticks ("6:960"). Ardour 5 and 6 write `TempoMap/Tempo` and `TempoMap/Meter` with places as `pulse`, in whole notes. Both
count a tempo in notes of `note-type`. A tempo glides in a straight line over the beats (its time is a logarithm there);
Ardour 7 tells the steepness as `omega`, and one of 0 is steady whatever the tempo at the end says.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from sendreturn.project_files.project_file import (
    Project,
    Unreadable,
    checked_count,
    number,
    sample_rate,
    signature,
    tempo,
)
from sendreturn.project_files.safe_xml import read_parts
from sendreturn.project_files.tempo_map import TempoMap, TempoPoint, is_tempo, lay_out

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_XML_BYTES = 512 * 1024 * 1024
TICKS_PER_QUARTER = 1920
"""`Temporal::ticks_per_beat` of Ardour 7."""
_SESSION = ("Session",)
_MAP = ("Session", "TempoMap")


def read_ardour(path: Path) -> Project:
    """Raises Unreadable where the file is none of Ardour's or ends too early, and OSError."""
    with path.open("rb") as file:
        parts = read_parts(file, {_MAP}, MAX_XML_BYTES)
    session = parts.get(_SESSION)
    if session is None:
        raise Unreadable("is no Ardour session")
    found = parts.get(_MAP)
    return Project("Ardour", sample_rate(session.get("sample-rate")), _tempo_map(found) if found is not None else None)


def _tempo_map(found: Element) -> TempoMap | None:
    tempi = [element for element in found.iter("Tempo") if element.get("active", "1") != "0"]
    if not tempi:
        return None
    clock_hz = number(found.get("superclocks-per-second") or "0")
    points = [_point(element, len(tempi)) for element in checked_count(tempi)]
    places_s = [number(element.get("sclock") or "0") / clock_hz if clock_hz > 0 else 0.0 for element in tempi]
    meters = checked_count(list(found.iter("Meter")))
    signatures = [_meter(element, len(meters)) for element in meters]
    return lay_out(_as_clocked(points, places_s), signatures)


def _point(element: Element, count: int) -> TempoPoint:
    written = element.get("npm") or element.get("beats-per-minute")
    end = element.get("enpm") or element.get("end-beats-per-minute") or written
    # The old name counts beats per minute, the new one notes; both are notes of this type.
    to_quarters = 4.0 / max(1.0, number(element.get("note-type", "4")))
    is_steady = element.get("omega") is not None and number(element.get("omega")) == 0.0
    return TempoPoint(
        _place(element, count),
        _tempo(number(written) * to_quarters),
        None if is_steady else _tempo(number(end) * to_quarters),
    )


def _tempo(bpm: float) -> float:
    # Ardour 7 writes 97.5 as 97.499999913637325.
    return tempo(str(round(bpm, 6)))


def _as_clocked(points: list[TempoPoint], places_s: list[float]) -> list[TempoPoint]:
    """The points with the steady tempi that their places on Ardour's own clock make: those are what it plays."""
    clocked = []
    for (point, after), (start_s, end_s) in zip(pairwise(points), pairwise(places_s), strict=True):
        bpm = 60.0 * (after.at - point.at) / (end_s - start_s) if end_s > start_s else 0.0
        clocked.append(replace(point, bpm=_tempo(bpm)) if point.end_bpm is None and is_tempo(bpm) else point)
    return [*clocked, points[-1]]


def _meter(element: Element, count: int) -> tuple[float, int, int]:
    unit = element.get("note-value") or element.get("note-type")
    return (_place(element, count), *signature(number(element.get("divisions-per-bar")), number(unit)))


def _place(element: Element, count: int) -> float:
    """In quarter notes. A place of Ardour 4 and before is in bars: only the one at the start is understood."""
    quarters, pulse = element.get("quarters"), element.get("pulse")
    if quarters is not None:
        beats, _, ticks = quarters.partition(":")
        return max(0.0, number(beats) + number(ticks or "0") / TICKS_PER_QUARTER)
    if pulse is not None:
        return max(0.0, number(pulse) * 4.0)
    if count > 1:
        raise Unreadable("holds tempo changes as Ardour 4 and before wrote them, which are not understood")
    return 0.0
