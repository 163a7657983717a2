"""How a clip travels to Sonauto: as it is, packed as FLAC where it is too large, or as an address.

What was done to it stands in the call's folder, from which `look` takes it for `checks`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sendreturn.contract import Clip, Way
from sendreturn.errors import SendReturnError, ServiceError
from sendreturn.net.enclosed import encoded_bytes

NOTE_FILE = "clip.json"
PACKED: tuple[Literal[24, 16], ...] = (24, 16)
"""Bits per sample of the FLACs that are tried, one after the other."""


@dataclass(frozen=True)
class Parcel:
    """A clip on its way: a file to be enclosed, or an address. `note` is a sentence for `checks`."""

    file: Path | None = None
    url: str | None = None
    note: str = ""


def pack(clip: Clip, way: Way, most_bytes: int, known_url: str | None = None) -> Parcel:
    """The clip in the first form that Sonauto takes. Reads and writes whole clips; nothing is sent.

    Args:
        most_bytes: How long it may be in base64.
        known_url: Where Sonauto has it already.

    Raises:
        ServiceError: there is none.
    """
    try:
        parcel = Parcel(url=known_url) if known_url else _smallest(clip, way, most_bytes)
        _note(way.folder, parcel.note if parcel is not None else "")
    except (OSError, SendReturnError) as error:
        raise ServiceError(
            "The clip could not be made ready for Sonauto.", "`retry` sends it anew.", str(error)
        ) from error
    if parcel is not None:
        return parcel
    longest_s = clip.duration_s * most_bytes / encoded_bytes(_last_size(way))
    raise ServiceError(
        f"Sonauto takes clips of at most {most_bytes / 4e6 * 3:.0f} MB, and this one is larger even as a 16-bit FLAC.",
        f"Send about {longest_s * 0.9:.0f} s of it with range_s.",
    )


def noted(folder: Path) -> tuple[str, ...]:
    """The sentence that was kept, if there is one."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        return (str(json.loads((folder / NOTE_FILE).read_text("utf-8"))["note"]),)
    return ()


def _note(folder: Path, text: str) -> None:
    """Keep a sentence on the clip; an empty one takes back what an earlier try has left there."""
    path = folder / NOTE_FILE
    if text:
        path.write_text(json.dumps({"note": text}), "utf-8")
    else:
        path.unlink(missing_ok=True)


def _smallest(clip: Clip, way: Way, most_bytes: int) -> Parcel | None:
    if _fits(clip.path, most_bytes):
        return Parcel(clip.path)
    if way.clip_url:
        return Parcel(url=way.clip_url)
    return next((parcel for parcel in _packed(clip, way) if parcel.file and _fits(parcel.file, most_bytes)), None)


def _packed(clip: Clip, way: Way) -> Iterator[Parcel]:
    from sendreturn.audio.convert import convert

    for bits in PACKED:
        target = _target(way, bits)
        convert(clip.path, target, bit_depth=bits, fmt="FLAC")
        yield Parcel(target, note=f"The clip was too large for Sonauto as it is; it went there as a {bits}-bit FLAC.")


def _target(way: Way, bits: int) -> Path:
    return way.folder / f"clip-{bits}.flac"


def _last_size(way: Way) -> int:
    return _target(way, PACKED[-1]).stat().st_size


def _fits(path: Path, most_bytes: int) -> bool:
    return encoded_bytes(path.stat().st_size) <= most_bytes
