"""Headers of Ogg and FLAC files.

Sources: RFC 3533 (Ogg pages), RFC 7845 (Opus in Ogg), the Vorbis I specification, RFC 9639 (FLAC).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from sendreturn.audio.header import Header, HeaderError, NotTakenError, bpm_of_text, take

_LARGEST_PAGE = 27 + 255 + 255 * 255
_LAST_PAGE = 4
"""The flag of a stream's last page."""
_TAG_BYTES = 1 << 16
_MOST_BLOCKS = 1024
_SMALLEST_FRAME_BYTES = 9
"""A FLAC frame has at least a header of 6 bytes, one of content and a checksum of 2."""


@dataclass(frozen=True)
class _Page:
    flags: int
    serial: int
    start: int
    body: int
    end: int


def read_ogg(file: BinaryIO, size: int) -> Header:
    """The header of an Ogg file of `size` bytes with one Vorbis, Opus or FLAC stream.

    Raises:
        HeaderError: It holds something else, or more than one stream.
    """
    first = _page_at(file, 0)
    if first is None:
        raise HeaderError("its first page is damaged")
    file.seek(first.body)
    codec, rate_hz, channels = _stream(file.read(min(64, first.end - first.body)))
    unfinished = _why_ogg_unfinished(file, size, first)
    file.seek(first.end)
    return Header("OGG", codec, rate_hz, channels, None, unfinished, bpm=_tempo_comment(file.read(_TAG_BYTES)))


def read_flac(file: BinaryIO, size: int) -> Header:
    """The header of a FLAC file of `size` bytes.

    Whether the last frame is there cannot be told from the header; the caller must decode it.

    Raises:
        HeaderError: Its blocks of metadata do not fit into the file.
    """
    start = _behind_id3(file)
    file.seek(start)
    if take(file, 8)[4] & 0x7F != 0:
        raise HeaderError("it does not begin with a description of its stream")
    info = take(file, 34)
    packed = int.from_bytes(info[10:18], "big")
    rate_hz, channels, bits = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1
    frames = packed & (1 << 36) - 1
    audio_at, bpm = _blocks(file, start + 4, size)
    largest_block = max(16, int.from_bytes(info[2:4], "big"))
    unfinished = _why_flac_unfinished(frames, size - audio_at, largest_block)
    return Header("FLAC", f"PCM_{bits}", rate_hz, channels, frames, unfinished, bpm=bpm)


def _page_at(file: BinaryIO, at: int) -> _Page | None:
    file.seek(at)
    head = file.read(27)
    if len(head) < 27 or not head.startswith(b"OggS\0"):
        return None
    laces = file.read(head[26])
    if len(laces) < head[26]:
        return None
    body = at + 27 + len(laces)
    return _Page(head[5], int.from_bytes(head[14:18], "little"), at, body, body + sum(laces))


def _stream(packet: bytes) -> tuple[str, int, int]:
    """Codec, rate and channels of a stream's first packet."""
    if packet.startswith(b"\x01vorbis") and len(packet) >= 16:
        channels, rate_hz = struct.unpack_from("<BI", packet, 11)
        return "VORBIS", rate_hz, channels
    if packet.startswith(b"OpusHead") and len(packet) >= 19:
        # Opus always runs at 48 kHz; the rate in its header is only where the audio came from.
        return "OPUS", 48_000, packet[9]
    if packet.startswith(b"\x7fFLAC") and len(packet) >= 35:
        packed = int.from_bytes(packet[27:35], "big")
        return "FLAC", packed >> 44, (packed >> 41 & 7) + 1
    if packet.startswith(b"Speex"):
        raise NotTakenError("it holds Speex, a format for speech that is not taken")
    raise NotTakenError("it holds no Vorbis, Opus or FLAC")


def _why_ogg_unfinished(file: BinaryIO, size: int, first: _Page) -> str | None:
    last = _last_page(file, size)
    if last is None or last.end > size:
        return "its last page is cut off"
    if last.serial != first.serial:
        raise NotTakenError("it holds more than one stream")
    return None if last.flags & _LAST_PAGE else "the page that ends its stream is missing"


def _last_page(file: BinaryIO, size: int) -> _Page | None:
    start = max(0, size - 2 * _LARGEST_PAGE)
    file.seek(start)
    tail = file.read(size - start)
    at = tail.rfind(b"OggS\0")
    return _page_at(file, start + at) if at >= 0 else None


def _tempo_comment(data: bytes) -> float | None:
    """The tempo in a Vorbis comment that lies somewhere in `data`.

    A comment is its length in four bytes and then NAME=value: the name is looked for right behind a length that fits.
    """
    upper = data.upper()
    for name in (b"BPM=", b"TBPM=", b"TEMPO="):
        at = upper.find(name)
        if at < 4:
            continue
        length = int.from_bytes(data[at - 4 : at], "little")
        if len(name) < length <= 32:
            return bpm_of_text(data[at + len(name) : at + length].decode("utf-8", "replace"))
    return None


def _behind_id3(file: BinaryIO) -> int:
    file.seek(0)
    head = file.read(10)
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    return 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])


def _blocks(file: BinaryIO, at: int, size: int) -> tuple[int, float | None]:
    """Where the audio begins behind the blocks of metadata, and the tempo that they name."""
    bpm = None
    for _ in range(_MOST_BLOCKS):
        file.seek(at)
        head = take(file, 4)
        length = int.from_bytes(head[1:], "big")
        if at + 4 + length > size:
            raise HeaderError("it ends in the middle of its header")
        if head[0] & 0x7F == 4:
            bpm = _tempo_comment(file.read(min(length, _TAG_BYTES)))
        at += 4 + length
        if head[0] & 0x80:
            return at, bpm
    raise HeaderError("its header has thousands of blocks")


def _why_flac_unfinished(frames: int, audio_bytes: int, largest_block: int) -> str | None:
    if frames == 0:
        return "its header was never completed, so that its length is not known"
    if frames > (audio_bytes // _SMALLEST_FRAME_BYTES + 1) * largest_block:
        return f"its header promises {frames:,} samples, which {audio_bytes:,} bytes cannot hold"
    return None
