"""Ableton Live's `.als`: XML in gzip.

The main track, `MasterTrack` up to Live 11 and `MainTrack` since Live 12, holds tempo and time signature: a value set
by hand (`Manual`), and an envelope of the arrangement with events at quarter notes that names the id of its target.
Tempo events (`FloatEvent`) glide in a straight line over the beats; two at one place make a jump. A time signature is
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
    rows = [(at, tempo(text), True) for at, text in _events(envelopes, speed, "FloatEvent")]
    signatures = [(at, *_signature(text)) for at, text in _events(envelopes, metre, "EnumEvent")]
    if not signatures and metre is not None and metre.find("Manual") is not None:
        signatures = [(0.0, *_signature(_value(metre.find("Manual"))))]
    return lay_out(glided(rows or [(0.0, manual, False)]), signatures)


def _signature(text: str | None) -> tuple[int, int]:
    code = number(text)
    halvings, upper = divmod(code, UPPER_NUMBERS)
    return signature(upper + 1, math.ldexp(1.0, int(min(max(halvings, 0), 10))))


def _events(envelopes: Element | None, target: Element | None, kind: str) -> Iterator[tuple[float, str | None]]:
    """(place in quarter notes, value) of the arrangement's envelope for `target`."""
    automation = None if target is None else target.find("AutomationTarget")
    if envelopes is None or automation is None:
        return
    for envelope in envelopes.iter("AutomationEnvelope"):
        if _value(envelope.find("EnvelopeTarget/PointeeId")) == automation.get("Id"):
            for event in checked_count(list(envelope.iter(kind))):
                yield max(0.0, number(event.get("Time"))), event.get("Value")


def _value(element: Element | None) -> str | None:
    return None if element is None else element.get("Value")
