"""A clip without what its file says beside the sound: names of people, projects, machines and folders stay here.

DAWs write the user's name, the project and sometimes whole paths into `bext`, iXML and INFO chunks (EBU Tech 3285), and
into the tags of FLAC and MP3. The audio is copied byte by byte. Ogg and M4A are left as they are.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from sendreturn.audio.riff import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Span = tuple[int, int]
"""Where bytes that are kept begin and end."""

_WAVE_CHUNKS = (b"fmt ", b"fact", b"data")
_STREAMINFO, _SEEKTABLE = 0, 3


def write_bare(source: Path, target: Path) -> bool:
    """Write `source` to `target` without its metadata. False, and nothing written, where there is none to leave out."""
    with source.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        head = file.read(12)
        work = _work_for(head)
        return work is not None and work(file, size, target)


def _work_for(head: bytes) -> Callable[[BinaryIO, int, Path], bool] | None:
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        return _bare_wave
    if head[:4] == b"fLaC":
        return _bare_flac
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        return _bare_mp3
    return None


def _bare_wave(file: BinaryIO, size: int, target: Path) -> bool:
    chunks = [(chunk.name, chunk.start, min(chunk.end, size)) for chunk in walk(file, 12, size)]
    kept = [chunk for chunk in chunks if chunk[0] in _WAVE_CHUNKS]
    if len(kept) == len(chunks):
        return False
    total = 4 + sum(8 + (end - start) + (end - start) % 2 for _, start, end in kept)
    with target.open("wb") as out:
        out.write(struct.pack("<4sI4s", b"RIFF", total, b"WAVE"))
        for name, start, end in kept:
            out.write(struct.pack("<4sI", name, end - start))
            _copy(file, out, (start, end))
            out.write(b"\0" * ((end - start) % 2))
    return True


def _bare_flac(file: BinaryIO, size: int, target: Path) -> bool:
    blocks = list(_flac_blocks(file, size))
    kept = [block for block in blocks if block[0] in (_STREAMINFO, _SEEKTABLE)]
    if not kept or len(kept) == len(blocks):
        return False
    with target.open("wb") as out:
        out.write(b"fLaC")
        for number, (kind, (start, end)) in enumerate(kept, 1):
            out.write(bytes([kind | (0x80 if number == len(kept) else 0)]) + (end - start).to_bytes(3, "big"))
            _copy(file, out, (start, end))
        _copy(file, out, (blocks[-1][1][1], size))
    return True


def _flac_blocks(file: BinaryIO, size: int) -> Iterator[tuple[int, Span]]:
    """The kind of each metadata block (RFC 9639, 8.1) and where its content stands."""
    at, is_last = 4, False
    while not is_last and at + 4 <= size:
        file.seek(at)
        first, *length = file.read(4)
        end = at + 4 + int.from_bytes(bytes(length), "big")
        yield first & 0x7F, (at + 4, min(end, size))
        at, is_last = end, bool(first & 0x80)


def _bare_mp3(file: BinaryIO, size: int, target: Path) -> bool:
    start, end = _behind_id3v2(file), size
    for width, find in ((128, _id3v1), (32, _ape)):  # ID3v1 stands behind an APE tag
        file.seek(max(start, end - width))
        end -= find(file.read(width))
    if not start < end or (start, end) == (0, size):
        return False
    with target.open("wb") as out:
        _copy(file, out, (start, end))
    return True


def _behind_id3v2(file: BinaryIO) -> int:
    at = 0
    while True:  # some programs write a second tag before the first
        file.seek(at)
        head = file.read(10)
        if head[:3] != b"ID3" or len(head) < 10:
            return at
        length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        at += 10 + length + (10 if head[5] & 0x10 else 0)


def _id3v1(tail: bytes) -> int:
    return 128 if len(tail) == 128 and tail[:3] == b"TAG" else 0


def _ape(tail: bytes) -> int:
    """The length of an APEv2 tag from its footer, which does not count the header."""
    if tail[:8] != b"APETAGEX" or len(tail) < 32:
        return 0
    length, _, flags = struct.unpack("<III", tail[12:24])
    return int(length) + (32 if flags & 0x80000000 else 0)


def _copy(file: BinaryIO, out: BinaryIO, span: Span) -> None:
    start, end = span
    file.seek(start)
    left = end - start
    while left > 0 and (block := file.read(min(left, 1 << 20))):
        out.write(block)
        left -= len(block)
