"""The frames of an MP3 file, walked from header to header.

Sources: ISO/IEC 11172-3 and 13818-3 (frame headers); Gabriel Bouvigne, "MP3 Info Tag rev 1" (Xing/LAME); id3.org for
ID3v2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from sendreturn.audio.header import Header, HeaderError, bpm_of_text

_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""By the two version bits: MPEG 1, 2, 2.5."""
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_TAGS_BEHIND = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
_LOOK_AHEAD = 1 << 16
"""How far the next frame is looked for: encoders put padding, and broken tags leave bytes, before the first."""
_MOST_GAPS = 64
_SURE_FRAMES = 4
"""So many frames in a row, or all there are, tell MP3 from bytes that look like it by chance."""


@dataclass(frozen=True)
class Frame:
    """One frame header."""

    version: int
    rate_hz: int
    channels: int
    size: int

    @property
    def samples(self) -> int:
        return 1152 if self.version == 3 else 576

    def fits(self, other: Frame) -> bool:
        """Whether both can stand in one stream."""
        return (self.version, self.rate_hz) == (other.version, other.rate_hz)


@dataclass(frozen=True)
class _Tag:
    """The Xing/Info tag in the first frame."""

    frames: int | None
    delay: int | None
    padding: int


@dataclass(frozen=True)
class _Walk:
    frames: int
    end: int
    cut: bool


def frame_of(head: bytes) -> Frame | None:
    """The layer III frame whose header these four bytes are; None when they are none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer != 1 or bitrate in (0, 15) or rate == 3:
        return None
    rate_hz = _RATES_HZ[version][rate]
    kbits = (_KBITS_1 if version == 3 else _KBITS_2)[bitrate]
    size = (144_000 if version == 3 else 72_000) * kbits // rate_hz + (head[2] >> 1 & 1)
    channels = 1 if head[3] >> 6 == 3 else 2
    return Frame(version, rate_hz, channels, size)


def begins_like_mp3(file: BinaryIO, size: int) -> bool:
    """Whether real frames follow each other at the start, behind an ID3 tag if there is one."""
    return _first_frame(file, size) is not None


def read_mp3(file: BinaryIO, size: int) -> Header:
    """The header of an MP3 file of `size` bytes, and whether all its frames are there.

    Raises:
        HeaderError: No frames were found.
    """
    found = _first_frame(file, size)
    if found is None:
        raise HeaderError("it has no MP3 frames")
    at, first = found
    tag = _info_tag(file, at, first)
    walked = _walk(file, at, size, first)
    frames = walked.frames - (tag is not None)
    length = frames * first.samples
    if tag is not None and tag.delay is not None:
        length = max(0, (tag.frames or frames) * first.samples - tag.delay - tag.padding)
    is_gapless = tag is not None and tag.delay is not None
    return Header(
        "MP3",
        "MPEG_LAYER_III",
        first.rate_hz,
        first.channels,
        length,
        _why_unfinished(tag, walked, frames),
        bpm=_tempo_tag(file, size),
        gapless=is_gapless,
    )


def encoder_delay(file: BinaryIO, size: int) -> tuple[int, int] | None:
    """The delay that the LAME tag tells, in samples, and the stream's rate; None without a tag that tells it."""
    found = _first_frame(file, size)
    tag = None if found is None else _info_tag(file, *found)
    return None if found is None or tag is None or tag.delay is None else (tag.delay, found[1].rate_hz)


def _why_unfinished(tag: _Tag | None, walked: _Walk, frames: int) -> str | None:
    # Some encoders count the frame that holds the tag, so one frame less is whole.
    if tag is not None and tag.frames is not None and frames < tag.frames - 1:
        return f"its header promises {tag.frames:,} frames, and {frames:,} are there"
    return "its last frame is cut off" if walked.cut else None


def _first_frame(file: BinaryIO, size: int) -> tuple[int, Frame] | None:
    start = _behind_id3(file, size)
    file.seek(start)
    ahead = file.read(_LOOK_AHEAD)
    at = ahead.find(b"\xff")
    while at >= 0:
        frame = frame_of(ahead[at : at + 4])
        if frame is not None and _goes_on(file, start + at, size, frame):
            return start + at, frame
        at = ahead.find(b"\xff", at + 1)
    return None


def _goes_on(file: BinaryIO, at: int, size: int, first: Frame) -> bool:
    """Whether frames follow at `at`, up to the end or for long enough to be sure."""
    for count in range(_SURE_FRAMES):
        file.seek(at)
        head = file.read(11)
        if at >= size or head.startswith(_TAGS_BEHIND):
            return count > 1
        frame = frame_of(head)
        if frame is None or not frame.fits(first):
            return False
        at += frame.size
    return True


def _walk(file: BinaryIO, at: int, size: int, first: Frame) -> _Walk:
    frames = gaps = 0
    while at + 4 <= size:
        file.seek(at)
        head = file.read(11)
        frame = frame_of(head)
        if frame is not None and frame.fits(first):
            if at + frame.size > size:
                return _Walk(frames, at, cut=True)
            frames, at = frames + 1, at + frame.size
            continue
        gaps += 1
        again = None if head.startswith(_TAGS_BEHIND) or gaps > _MOST_GAPS else _find_again(file, at, size, first)
        if again is None:
            break
        at = again
    return _Walk(frames, at, cut=False)


def _find_again(file: BinaryIO, start: int, size: int, first: Frame) -> int | None:
    """Where frames go on behind damage; decoders pick up there too."""
    file.seek(start)
    ahead = file.read(_LOOK_AHEAD)
    at = ahead.find(b"\xff", 1)
    while at >= 0:
        frame = frame_of(ahead[at : at + 4])
        if frame is not None and frame.fits(first) and _goes_on(file, start + at, size, frame):
            return start + at
        at = ahead.find(b"\xff", at + 1)
    return None


def _info_tag(file: BinaryIO, at: int, frame: Frame) -> _Tag | None:
    file.seek(at)
    data = file.read(min(frame.size, 2048))
    side = {(3, 1): 17, (3, 2): 32}.get((frame.version, frame.channels), 9 if frame.channels == 1 else 17)
    for start in (4 + side, 6 + side):
        if data[start : start + 4] in (b"Xing", b"Info"):
            return _xing(data[start:])
    if data[36:40] == b"VBRI":
        return _Tag(int.from_bytes(data[50:54], "big") or None, None, 0)
    return None


def _xing(data: bytes) -> _Tag:
    flags = int.from_bytes(data[4:8], "big")
    frames = int.from_bytes(data[8:12], "big") if flags & 1 else 0
    lame = 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    if not data[lame : lame + 4].strip(b"\0") or len(data) < lame + 24:
        return _Tag(frames or None, None, 0)
    both = int.from_bytes(data[lame + 21 : lame + 24], "big")
    return _Tag(frames or None, both >> 12, both & 0xFFF)


def _syncsafe(data: bytes) -> int:
    return (data[0] & 127) << 21 | (data[1] & 127) << 14 | (data[2] & 127) << 7 | data[3] & 127


def _behind_id3(file: BinaryIO, size: int) -> int:
    at = 0
    for _ in range(8):
        file.seek(at)
        head = file.read(10)
        if len(head) < 10 or not head.startswith(b"ID3"):
            break
        at += 10 + _syncsafe(head[6:10]) + (10 if head[5] & 0x10 else 0)
    return min(at, size)


def _tempo_tag(file: BinaryIO, size: int) -> float | None:
    """The tempo in an ID3v2.3 or 2.4 `TBPM` frame."""
    file.seek(0)
    tag = file.read(min(size, 1 << 18))
    if not tag.startswith(b"ID3") or tag[3] not in (3, 4):
        return None
    end = min(len(tag), 10 + _syncsafe(tag[6:10]))
    at = 10
    while at + 10 <= end and tag[at : at + 4].isalnum():
        raw = tag[at + 4 : at + 8]
        length = _syncsafe(raw) if tag[3] == 4 else int.from_bytes(raw, "big")
        if tag[at : at + 4] == b"TBPM":
            return _tempo_of(tag[at + 10 : at + 10 + min(length, 32)])
        at += 10 + length
    return None


def _tempo_of(body: bytes) -> float | None:
    encodings = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
    if not body or body[0] not in encodings:
        return None
    return bpm_of_text(body[1:].decode(encodings[body[0]], "replace"))
