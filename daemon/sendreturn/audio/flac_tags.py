"""Tags of FLAC files: Vorbis comments under the names that MusicBrainz Picard and most players use.

Sources: RFC 9639 (FLAC; metadata blocks and Vorbis comments), the tag mapping of MusicBrainz Picard, and the Vorbis
chapter extension (xiph.org wiki) for markers.
"""

from __future__ import annotations

import shutil
import struct
from typing import TYPE_CHECKING, BinaryIO

from sendreturn.audio.opening import open_regular, shown
from sendreturn.audio.rewriting import rewritten
from sendreturn.errors import ClipError, SendReturnError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sendreturn.audio.wave_metadata import WaveMetadata

_PADDING, _COMMENT = 1, 4
_LAST = 0x80
_LONGEST_BLOCK = (1 << 24) - 1
_MOST_BLOCKS = 1024
_COPY_BYTES = 1 << 20
Block = tuple[int, bytes]


def tags_of(metadata: WaveMetadata, rate_hz: int, bpm: float | None = None) -> dict[str, str]:
    """What a WAV says in `bext`, iXML and INFO, as tags; what is not known is left out.

    TIME_REFERENCE is the name under which REAPER and Sound Devices keep the place on the timeline, in samples.
    """
    tags = {
        "TITLE": metadata.info.get("INAM") or metadata.description,
        "ALBUM": metadata.project,
        "TRACKNUMBER": metadata.take,
        "DATE": metadata.originated_at.strftime("%Y-%m-%d") if metadata.originated_at else "",
        "BPM": "" if bpm is None else f"{bpm:g}",
        "COMMENT": metadata.note,
        "ENCODEDBY": metadata.originator,
        "SOURCE_ID": metadata.originator_reference,
        "TIME_REFERENCE": str(metadata.time_reference_samples),
    }
    for number, marker in enumerate(sorted(metadata.markers), start=1):
        tags[f"CHAPTER{number:03}"] = _clock(marker.at_frames / rate_hz)
        tags[f"CHAPTER{number:03}NAME"] = marker.label
    return {name: value for name, value in tags.items() if value}


def write_tags(path: Path, tags: Mapping[str, str]) -> None:
    """Write `tags` into the FLAC at `path`. Those of other names stay, and so does the audio, byte by byte.

    The file is written anew beside itself and takes the old one's place only when it is complete.

    Raises:
        ClipError: It is no FLAC, or not whole.
        SendReturnError: It cannot be written; the file is as it was then.
    """
    with open_regular(path) as source:
        blocks = _read_blocks(source, path)
        vendor, old = _unpack(next((body for kind, body in blocks if kind == _COMMENT), b""))
        new = {name.upper(): value for name, value in tags.items()}
        kept = [(name, value) for name, value in old if name.upper() not in new]
        comment = (_COMMENT, _pack(vendor, [*kept, *new.items()]))
        others = [block for block in blocks[1:] if block[0] not in (_COMMENT, _PADDING)]
        _rewrite(path, source, [blocks[0], comment, *others])


def read_tags(path: Path) -> dict[str, str]:
    """The tags of a FLAC, by their names in capitals; the last of those that stand there several times.

    Raises:
        ClipError: It is no FLAC.
    """
    with open_regular(path) as file:
        blocks = _read_blocks(file, path)
    _, pairs = _unpack(next((body for kind, body in blocks if kind == _COMMENT), b""))
    return {name.upper(): value for name, value in pairs}


def _clock(at_s: float) -> str:
    minutes, milliseconds = divmod(round(at_s * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _read_blocks(file: BinaryIO, path: Path) -> list[Block]:
    """The metadata blocks; the file is then where the audio begins."""
    if file.read(4) != b"fLaC":
        raise ClipError(f"{shown(path)} is not a FLAC file.", "Only FLAC files take these tags.")
    blocks: list[Block] = []
    for _ in range(_MOST_BLOCKS):
        head = file.read(4)
        size = int.from_bytes(head[1:], "big")
        body = file.read(size)
        if len(head) < 4 or len(body) < size:
            break
        blocks.append((head[0] & ~_LAST, body))
        if head[0] & _LAST:
            return blocks
    raise ClipError(f"{shown(path)} looks unfinished: its header is cut off.", "Write it completely first.")


def _unpack(body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    """The vendor and the tags of a comment block; what does not fit into it is left out."""
    texts = _texts(body)
    vendor = next(texts, b"")
    pairs = (text.decode("utf-8", "replace").partition("=") for text in texts)
    return vendor, [(name, value) for name, equals, value in pairs if equals]


def _texts(body: bytes) -> Iterator[bytes]:
    at, is_vendor = 0, True
    while at + 4 <= len(body):
        (size,) = struct.unpack_from("<I", body, at)
        if at + 4 + size > len(body):
            return
        yield body[at + 4 : at + 4 + size]
        at += 4 + size + (4 if is_vendor else 0)  # the number of tags follows the vendor
        is_vendor = False


def _pack(vendor: bytes, pairs: list[tuple[str, str]]) -> bytes:
    texts = [f"{name}={value}".encode("utf-8", "replace") for name, value in pairs]
    head = struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(texts))
    return head + b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _rewrite(path: Path, source: BinaryIO, blocks: list[Block]) -> None:
    if any(len(body) > _LONGEST_BLOCK for _, body in blocks):
        raise SendReturnError(f"{shown(path)} could not be given its tags: they are too long.")
    with rewritten(path, "its tags") as target:
        target.write(b"fLaC")
        for index, (kind, body) in enumerate(blocks):
            last = _LAST if index == len(blocks) - 1 else 0
            target.write(bytes([kind | last]) + len(body).to_bytes(3, "big") + body)
        shutil.copyfileobj(source, target, _COPY_BYTES)
