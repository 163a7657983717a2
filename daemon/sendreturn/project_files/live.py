"""Ableton Live's `.als`: XML in gzip.

The main track, `MasterTrack` up to Live 11 and `MainTrack` since Live 12, holds tempo and time signature: a value set
by hand (`Manual`), and an envelope of the arrangement with events at quarter notes that names the id of its target.
Tempo events (`FloatEvent`) glide over the beats, straight or along a cubic Bézier curve whose two control points stand
with the first of two events, counted from 0 to 1 between them; two at one place make a jump. A time signature is
one number, its upper part minus 1 plus 99 for every halving of the lower one: 201 is 4/4. The first event of each
stands far before the start. A set has no sample rate of its own.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from sendreturn.project_files.project_file import Project, Unreadable, checked_count, number, signature, tempo
from sendreturn.project_files.safe_xml import read_parts
from sendreturn.project_files.tempo_map import TempoMap, glided, lay_out

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_XML_BYTES = 512 * 1024 * 1024
UPPER_NUMBERS = 99
_TRACKS = ("MainTrack", "MasterTrack")
_MIXER = ("DeviceChain", "Mixer")
_CURVE = ("CurveControl1X", "CurveControl1Y", "CurveControl2X", "CurveControl2Y")
_CURVE_STEPS = 32


def read_live(path: Path) -> Project:
    """Raises Unreadable where the file is none of Live's or ends too early, and OSError."""
    wanted = {
        ("Ableton", "LiveSet", track, *inner)
        for track in _TRACKS
        for inner in ((*_MIXER, "Tempo"), (*_MIXER, "TimeSignature"), ("AutomationEnvelopes",))
    }
    try:
        with gzip.open(path) as file:
            parts = read_parts(cast("IO[bytes]", file), wanted, MAX_XML_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable("is damaged or not yet completely written", detail=str(error)) from error
    if ("Ableton",) not in parts:
        raise Unreadable("is no Live set")
    last = {name[-1]: element for name, element in parts.items()}
    return Project("Live", None, _tempo_map(last.get("Tempo"), last.get("TimeSignature"), last))


def _tempo_map(speed: Element | None, metre: Element | None, parts: dict[str, Element]) -> TempoMap | None:
    if speed is None:
        return None
    envelopes = parts.get("AutomationEnvelopes")
    manual = tempo(_value(speed.find("Manual")))
    rows = [(at, bpm, True) for at, bpm in _curved(list(_events(envelopes, speed, "FloatEvent")))]
    signatures = [(_at(event), *_signature(event.get("Value"))) for event in _events(envelopes, metre, "EnumEvent")]
    if not signatures and metre is not None and metre.find("Manual") is not None:
        signatures = [(0.0, *_signature(_value(metre.find("Manual"))))]
    return lay_out(glided(rows or [(0.0, manual, False)]), signatures)


def _signature(text: str | None) -> tuple[int, int]:
    code = number(text)
    halvings, upper = divmod(code, UPPER_NUMBERS)
    return signature(upper + 1, math.ldexp(1.0, int(min(max(halvings, 0), 10))))


def _curved(events: list[Element]) -> Iterator[tuple[float, float]]:
    """(place in quarter notes, tempo) of all events, and of points close enough on the curves between them."""
    places = [(_at(event), tempo(event.get("Value"))) for event in checked_count(events)]
    for event, (at, bpm), (next_at, next_bpm) in zip(events, places, [*places[1:], *places[-1:]], strict=True):
        yield at, bpm
        if next_at > at and all(name in event.keys() for name in _CURVE):  # noqa: SIM118  an element, not a mapping
            controls = [min(1.0, max(0.0, number(event.get(name)))) for name in _CURVE]
            for across, up in _bezier(*controls):
                yield at + across * (next_at - at), bpm + up * (next_bpm - bpm)


def _bezier(x1: float, y1: float, x2: float, y2: float) -> Iterator[tuple[float, float]]:
    """Points inside the cubic curve from (0, 0) to (1, 1); a straight line has none."""
    if x1 == y1 and x2 == y2:
        return
    for step in range(1, _CURVE_STEPS):
        part = step / _CURVE_STEPS
        first, second, end = 3 * part * (1 - part) ** 2, 3 * part**2 * (1 - part), part**3
        yield first * x1 + second * x2 + end, first * y1 + second * y2 + end


def _events(envelopes: Element | None, target: Element | None, kind: str) -> Iterator[Element]:
    """The events of the arrangement's envelope for `target`."""
    automation = None if target is None else target.find("AutomationTarget")
    if envelopes is None or automation is None:
        return
    for envelope in envelopes.iter("AutomationEnvelope"):
        if _value(envelope.find("EnvelopeTarget/PointeeId")) == automation.get("Id"):
            yield from checked_count(list(envelope.iter(kind)))


def _at(event: Element) -> float:
    """Where an event lies, in quarter notes; the first one of each envelope stands far before the start."""
    return max(0.0, number(event.get("Time")))


def _value(element: Element | None) -> str | None:
    return None if element is None else element.get("Value")
