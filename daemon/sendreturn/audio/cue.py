"""Markers in WAV files: a `cue ` chunk with the places, and a LIST/adtl chunk with their labels and lengths.

Source: Microsoft/IBM "Multimedia Programming Interface and Data Specifications 1.0", the chapter on WAVE files (`cue `,
`labl`, `ltxt`). A place is a frame in 32 bits, also in an RF64.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendreturn.audio.info import decoded, parts, text_chunk

if TYPE_CHECKING:
    from collections.abc import Iterable

_POINT = struct.Struct("<II4sIII")
_REGION = struct.Struct("<II4sHHHH")
_LARGEST = 0xFFFFFFFF
_MOST_MARKERS = 10_000


@dataclass(frozen=True, order=True)
class Marker:
    """A place in a file, at the file's own rate; a section of it where `length_frames` is above 0."""

    at_frames: int
    label: str
    length_frames: int = 0


def pack(markers: Iterable[Marker]) -> tuple[bytes, bytes]:
    """The bodies of the `cue ` and of the LIST/adtl chunk; both empty when there is nothing to mark.

    Places before the file's start or beyond what 32 bits hold are left out.
    """
    shown = [marker for marker in sorted(markers) if 0 <= marker.at_frames <= _LARGEST]
    if not shown:
        return b"", b""
    # Readers differ in which of the two positions they look at; in a file with one `data` chunk they are the same.
    points = (
        _POINT.pack(number, marker.at_frames, b"data", 0, 0, marker.at_frames)
        for number, marker in enumerate(shown, start=1)
    )
    texts = (_described(number, marker) for number, marker in enumerate(shown, start=1))
    return struct.pack("<I", len(shown)) + b"".join(points), b"adtl" + b"".join(texts)


def unpack(cue: bytes, described: bytes) -> tuple[Marker, ...]:
    """The markers of a `cue ` chunk, with what the LIST/adtl body (behind its first four letters) says of them."""
    labels: dict[int, str] = {}
    lengths: dict[int, int] = {}
    for name, data in parts(described):
        if name == b"labl" and len(data) > 4:
            labels[_number(data)] = decoded(data[4:])
        elif name == b"ltxt" and len(data) >= _REGION.size:
            _, lengths[_number(data)], *_ = _REGION.unpack_from(data)
    count = min((len(cue) - 4) // _POINT.size, _number(cue), _MOST_MARKERS) if len(cue) > 4 else 0
    found = [_POINT.unpack_from(cue, 4 + index * _POINT.size) for index in range(count)]
    markers = (Marker(offset, labels.get(number, ""), lengths.get(number, 0)) for number, *_, offset in found)
    return tuple(sorted(markers))


def _described(number: int, marker: Marker) -> bytes:
    label = text_chunk(b"labl", struct.pack("<I", number), marker.label)
    if marker.length_frames <= 0:
        return label
    length = min(marker.length_frames, _LARGEST)
    region = _REGION.pack(number, length, b"rgn ", 0, 0, 0, 0)
    return label + struct.pack("<4sI", b"ltxt", len(region)) + region


def _number(data: bytes) -> int:
    (number,) = struct.unpack_from("<I", data)
    return int(number)
