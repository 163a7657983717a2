"""The body of a `bext` chunk (EBU Tech 3285, version 2)."""

from __future__ import annotations

import struct
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sendreturn.audio.wave_metadata import WaveMetadata

_FIXED = struct.Struct("<256s32s32s10s8sQH64s5h180x")
_VERSION = 2
_NOT_MEASURED = 0x7FFF
"""A loudness field that says nothing."""
_LOUDNESS = ("loudness_lufs", "loudness_range_lu", "true_peak_dbtp", "max_momentary_lufs", "max_short_term_lufs")
"""In the chunk's order: LoudnessValue, LoudnessRange, MaxTruePeakLevel, MaxMomentaryLoudness, MaxShortTermLoudness."""


def pack(metadata: WaveMetadata) -> bytes:
    """The chunk's body; the coding history follows the fixed part."""
    when = metadata.originated_at
    fixed = _FIXED.pack(
        _ascii(metadata.description, 256),
        _ascii(metadata.originator, 32),
        _ascii(metadata.originator_reference, 32),
        when.strftime("%Y-%m-%d").encode() if when else b"",
        when.strftime("%H:%M:%S").encode() if when else b"",
        max(0, metadata.time_reference_samples),
        _VERSION,
        b"",
        *(_hundredths(getattr(metadata, name)) for name in _LOUDNESS),
    )
    lines = [_ascii(line, 1024) for line in metadata.coding_history.splitlines() if line.strip()]
    return fixed + b"".join(line + b"\r\n" for line in lines)


def unpack(body: bytes) -> dict[str, Any]:
    """The fields of `WaveMetadata` that the chunk holds; nothing from a chunk that is too short."""
    if len(body) < _FIXED.size:
        return {}
    description, originator, reference, date, time, position, version, _, *loudness = _FIXED.unpack_from(body)
    measured = (_of_hundredths(value) if version >= _VERSION else None for value in loudness)
    return {
        "description": _text(description),
        "originator": _text(originator),
        "originator_reference": _text(reference),
        "originated_at": _moment(_text(date), _text(time)),
        "time_reference_samples": position,
        **dict(zip(_LOUDNESS, measured, strict=True)),
        "coding_history": _text(body[_FIXED.size :]).replace("\r\n", "\n").strip("\n"),
    }


def _ascii(text: str, most: int) -> bytes:
    """The standard allows ASCII only: accents are left off, and what is left over becomes a question mark."""
    plain = unicodedata.normalize("NFKD", "".join(c if c.isprintable() else " " for c in text))
    return "".join(c for c in plain if not unicodedata.combining(c)).encode("ascii", "replace")[:most]


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("latin-1")


def _hundredths(value: float | None) -> int:
    """Loudness in hundredths, rounded; −99.99 to 99.99 are allowed."""
    return _NOT_MEASURED if value is None else round(100 * max(-99.99, min(99.99, value)))


def _of_hundredths(value: int) -> float | None:
    return None if value == _NOT_MEASURED else value / 100


def _moment(date: str, time: str) -> datetime | None:
    # Some writers put other signs between the numbers, which the standard allows.
    parts = (date[:4], date[5:7], date[8:10], time[:2], time[3:5], time[6:8])
    try:
        year, month, day, hour, minute, second = (int(part) for part in parts)
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  bext knows no time zone
    except ValueError:
        return None
