"""Metadata of WAV files as studios use it: `bext`, iXML, LIST/INFO, and `cue ` with its labels.

Sources: EBU Tech 3285 version 2 (bext; with loudness), EBU R 98 (coding history), EBU Tech 3306 (RF64), the iXML
specification 1.61 (Gallery), Microsoft's RIFF registration (LIST/INFO).
"""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from sendreturn.audio import bext, cue, info, ixml
from sendreturn.audio.opening import open_regular, shown
from sendreturn.audio.rewriting import rewritten
from sendreturn.audio.riff import UNKNOWN_SIZE, Chunk, read_wave, walk
from sendreturn.audio.wave_metadata import WaveMetadata
from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from pathlib import Path

_REPLACED = (b"bext", b"iXML", b"ds64", b"JUNK")
_LARGEST_RIFF = (1 << 32) - 9
_COPY_BYTES = 1 << 20
_MOST_METADATA_BYTES = 1 << 20


def write_metadata(path: Path, metadata: WaveMetadata) -> None:
    """Writes `metadata` into the WAV or RF64 at `path`; audio and all other chunks stay as they are, byte by byte.

    The file is written anew beside itself, with `bext` before the audio as readers expect it, and takes the old one's
    place only when it is complete. It becomes an RF64 when it no longer fits a WAV.

    Raises:
        ClipError: It is no WAV, or not whole.
        SendReturnError: It cannot be written; the file is as it was then.
    """
    with open_regular(path) as source:
        size = source.seek(0, 2)
        rate_hz, channels, bits, chunks = _layout(source, size, path)
        points, labels = cue.pack(metadata.markers)
        behind = [
            (b"cue ", points),
            (b"LIST", labels),
            (b"iXML", ixml.pack(metadata, rate_hz, channels, bits)),
            (b"LIST", info.pack(metadata.info)),
        ]
        new = _New([(b"bext", bext.pack(metadata))], [(name, body) for name, body in behind if body])
        _rewrite(path, source, chunks, new)


def read_metadata(path: Path) -> WaveMetadata:
    """What `bext`, iXML, LIST/INFO and `cue ` chunks say; empty where there are none.

    Raises:
        ClipError: It is no WAV.
    """
    found: dict[str, Any] = {}
    points = labels = b""
    with open_regular(path) as file:
        size = file.seek(0, 2)
        *_, chunks = _layout(file, size, path)
        for chunk in chunks:
            if chunk.name == b"bext":
                found |= bext.unpack(_body(file, chunk))
            elif chunk.name == b"iXML":
                found |= ixml.unpack(_body(file, chunk))
            elif chunk.name == b"cue ":
                points = _body(file, chunk)
            elif _kind_of_list(file, chunk) == b"INFO":
                found["info"] = info.unpack(_body(file, chunk)[4:])
            elif _kind_of_list(file, chunk) == b"adtl":
                labels = _body(file, chunk)[4:]
    return WaveMetadata(**found, markers=cue.unpack(points, labels))


def _layout(file: BinaryIO, size: int, path: Path) -> tuple[int, int, int, list[Chunk]]:
    """Rate, channels, bits and the chunks of the file, with 64-bit lengths resolved."""
    file.seek(0)
    head = file.read(12)
    if head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:] != b"WAVE":
        raise ClipError(f"{shown(path)} is not a WAV file.", "Only WAV files take this metadata.")
    header = read_wave(file, size)
    if header.unfinished is not None:
        raise ClipError(f"{shown(path)} looks unfinished: {header.unfinished}.", "Write it completely first.")
    sizes = _wide_sizes(file)
    # A chunk that reaches beyond the end is broken; the audio was seen to be whole.
    chunks = [chunk for chunk in walk(file, 12, size, sizes=sizes) if chunk.end <= size]
    form = next(chunk for chunk in chunks if chunk.name == b"fmt ")
    file.seek(form.start)
    (bits,) = struct.unpack_from("<H", file.read(16), 14)
    return header.rate_hz, header.channels, bits, chunks


def _wide_sizes(file: BinaryIO) -> dict[bytes, int]:
    file.seek(12)
    head = file.read(36)
    return {b"data": struct.unpack_from("<Q", head, 16)[0]} if head[:4] == b"ds64" else {}


def _body(file: BinaryIO, chunk: Chunk) -> bytes:
    file.seek(chunk.start)
    return file.read(min(chunk.size, _MOST_METADATA_BYTES))


def _kind_of_list(file: BinaryIO, chunk: Chunk) -> bytes:
    """What a LIST chunk lists, such as INFO or adtl; empty for any other chunk."""
    if chunk.name != b"LIST":
        return b""
    file.seek(chunk.start)
    return file.read(4)


@dataclass(frozen=True)
class _New:
    """The chunks that are written anew, before and behind the audio, by name and body."""

    before: list[tuple[bytes, bytes]]
    behind: list[tuple[bytes, bytes]]

    def replaces(self, file: BinaryIO, chunk: Chunk) -> bool:
        """Whether an old chunk goes, because its like is written anew or belongs to the file's frame."""
        if chunk.name in _REPLACED:
            return True
        mine = [body[:4] if name == b"LIST" else name for name, body in self.behind]
        return (_kind_of_list(file, chunk) or chunk.name) in mine


def _rewrite(path: Path, source: BinaryIO, old: list[Chunk], new: _New) -> None:
    kept = [chunk for chunk in old if not new.replaces(source, chunk)]
    with rewritten(path, "its metadata") as target:
        _write_all(target, source, kept, new)


def _write_all(target: BinaryIO, source: BinaryIO, kept: list[Chunk], new: _New) -> None:
    total = 4 + sum(8 + len(body) + len(body) % 2 for _, body in new.before + new.behind)
    total += sum(8 + chunk.size + chunk.size % 2 for chunk in kept)
    data = next(chunk for chunk in kept if chunk.name == b"data")
    is_wide = total > _LARGEST_RIFF or data.size >= UNKNOWN_SIZE
    if is_wide:
        target.write(struct.pack("<4sI4s4sI", b"RF64", UNKNOWN_SIZE, b"WAVE", b"ds64", 28))
        target.write(struct.pack("<QQQI", total + 36, data.size, 0, 0))
    else:
        target.write(struct.pack("<4sI4s", b"RIFF", total, b"WAVE"))
    for name, body in new.before:
        _put(target, name, body)
    for chunk in kept:
        size = UNKNOWN_SIZE if is_wide and chunk is data else chunk.size
        target.write(struct.pack("<4sI", chunk.name, size))
        _copy(source, chunk, target)
    for name, body in new.behind:
        _put(target, name, body)


def _put(target: BinaryIO, name: bytes, body: bytes) -> None:
    target.write(struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2))


def _copy(source: BinaryIO, chunk: Chunk, target: BinaryIO) -> None:
    source.seek(chunk.start)
    left = chunk.size
    while left > 0 and (piece := source.read(min(left, _COPY_BYTES))):
        target.write(piece)
        left -= len(piece)
    if left:
        raise OSError(errno.EIO, "the file became shorter meanwhile")
    target.write(b"\0" * (chunk.size % 2))
