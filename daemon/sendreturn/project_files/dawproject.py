"""DAWproject: a zip with `project.xml` inside (Project.xsd 1.0 of bitwig/dawproject).

`Transport` holds the tempo and the time signature at the start; `Arrangement` may hold automations of both, whose times
are quarter notes or seconds as `timeUnit` says. The format tells the rate of every file, and none of the session.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from sendreturn.project_files.project_file import Project, Unreadable, checked_count, number, signature, tempo
from sendreturn.project_files.safe_xml import read_parts
from sendreturn.project_files.tempo_map import TempoMap, Unit, glided, lay_out

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_XML_BYTES = 256 * 1024 * 1024
_ARRANGEMENT = ("Project", "Arrangement")
_TEMPO = ("Project", "Transport", "Tempo")
_SIGNATURE = ("Project", "Transport", "TimeSignature")
_TEMPO_POINTS = (*_ARRANGEMENT, "TempoAutomation")
_SIGNATURE_POINTS = (*_ARRANGEMENT, "TimeSignatureAutomation")


def read_dawproject(path: Path) -> Project:
    """Raises Unreadable where the file is no DAWproject or ends too early, and OSError."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("project.xml") as file:
            parts = read_parts(file, {_TEMPO, _SIGNATURE, _TEMPO_POINTS, _SIGNATURE_POINTS}, MAX_XML_BYTES)
    except KeyError as error:
        raise Unreadable("is no DAWproject", detail=str(error)) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # The last two: packed in a way that zipfile does not know, or with a password.
        raise Unreadable("is damaged or not yet completely written", detail=str(error)) from error
    if ("Project",) not in parts:
        raise Unreadable("is no DAWproject")
    return Project("DAWproject", None, _tempo_map(parts))


def _tempo_map(parts: dict[tuple[str, ...], Element]) -> TempoMap | None:
    changes, meters = parts.get(_TEMPO_POINTS), parts.get(_SIGNATURE_POINTS)
    rows = _tempi(changes)
    start = parts.get(_TEMPO)
    if not rows and start is not None and start.get("value"):
        rows = [(0.0, tempo(start.get("value")), False)]
    if not rows:
        return None
    return lay_out(glided(rows), _signatures(parts.get(_SIGNATURE), meters), _unit(changes), _unit(meters))


def _unit(points: Element | None) -> Unit:
    return "seconds" if points is not None and points.get("timeUnit") == "seconds" else "quarters"


def _tempi(points: Element | None) -> list[tuple[float, float, bool]]:
    found = [] if points is None else checked_count(points.findall("RealPoint"))
    return [
        (max(0.0, number(point.get("time"))), tempo(point.get("value")), point.get("interpolation") == "linear")
        for point in found
    ]


def _signatures(start: Element | None, points: Element | None) -> list[tuple[float, int, int]]:
    changes = [] if points is None else checked_count(points.findall("TimeSignaturePoint"))
    found = [(max(0.0, number(point.get("time"))), *_signature(point)) for point in changes]
    if start is not None and not any(at == 0.0 for at, *_ in found):
        found.append((0.0, *_signature(start)))
    return found


def _signature(element: Element) -> tuple[int, int]:
    return signature(number(element.get("numerator")), number(element.get("denominator")))
