"""Headers of M4A files: boxes of a length, a four-letter name and a body.

Sources: ISO/IEC 14496-12 (boxes), 14496-14 (esds); the `iTunSMPB` tag as Apple's encoders write it and FFmpeg reads it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from sendreturn.audio.header import Header, HeaderError, NotTakenError, plausible_bpm, take

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_BOXES = 4096
_MOST_TIMES = 1 << 16
"""Entries of a time table that are read; audio has one or two."""
_AAC_LC = 2
_CODECS = {b"mp4a": "AAC", b"alac": "ALAC"}


@dataclass(frozen=True)
class Box:
    name: bytes
    start: int
    end: int


def read_mp4(file: BinaryIO, size: int) -> Header:
    """The header of an M4A (or MP4 with sound) of `size` bytes.

    Raises:
        HeaderError: It has no track of AAC or ALAC.
    """
    boxes = {box.name: box for box in walk(file, 0, size)}
    cut = next((box for box in boxes.values() if box.end > size), None)
    movie = boxes.get(b"moov")
    if cut is not None or movie is None or b"mdat" not in boxes:
        return Header("M4A", "AAC", 0, 0, None, "its index or its audio is not all there")
    track = _sound_track(file, movie)
    if track is None:
        raise NotTakenError("it has no track with sound")
    codec, rate_hz, channels = _description(file, track)
    bpm = _tempo(file, movie)
    is_fragmented = _find(file, movie, b"mvex") is not None
    frames = None if is_fragmented else _length(file, movie, track, rate_hz)
    return Header("M4A", codec, rate_hz, channels, frames, bpm=bpm)


def encoder_delay(file: BinaryIO, size: int) -> tuple[int, int] | None:
    """The lead-in that the edit list or the `iTunSMPB` tag tells, in samples, and the rate; None where neither does.

    Raises:
        HeaderError: The track does not say how it is timed.
    """
    movie = next((box for box in walk(file, 0, size) if box.name == b"moov"), None)
    track = None if movie is None else _sound_track(file, movie)
    if movie is None or track is None:
        return None
    rate_hz, _ = _media_time(file, track)
    edit = _edit(_body(file, _find(file, track, b"edts", b"elst"), 1024))
    told = _itunes_number(_body(file, _find(file, movie, b"udta", b"meta"), 1 << 18), 1)
    if told is None and edit is None:
        return None
    return (edit[1] if edit is not None else told or 0), rate_hz


def walk(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """The boxes between `start` and `end`; the last one may reach beyond `end` when the file is cut."""
    at = start
    for _ in range(_MOST_BOXES):
        if at + 8 > end:
            return
        file.seek(at)
        size, name = struct.unpack(">I4s", take(file, 8))
        body = at + 8
        if size == 1:
            size = int.from_bytes(take(file, 8), "big")
            body += 8
        box_end = end if size == 0 else at + size
        if box_end < body:
            return
        yield Box(name, body, box_end)
        at = box_end


def _find(file: BinaryIO, box: Box, *names: bytes) -> Box | None:
    """The box at the end of this path of names below `box`."""
    found: Box | None = box
    for name in names:
        if found is None:
            return None
        found = next((inner for inner in walk(file, found.start, found.end) if inner.name == name), None)
    return found


def _body(file: BinaryIO, box: Box | None, most: int = 1 << 20) -> bytes:
    if box is None:
        return b""
    file.seek(box.start)
    return file.read(min(most, box.end - box.start))


def _sound_track(file: BinaryIO, movie: Box) -> Box | None:
    for track in walk(file, movie.start, movie.end):
        if track.name == b"trak" and _body(file, _find(file, track, b"mdia", b"hdlr"), 12)[8:12] == b"soun":
            return track
    return None


def _description(file: BinaryIO, track: Box) -> tuple[str, int, int]:
    data = _body(file, _find(file, track, b"mdia", b"minf", b"stbl", b"stsd"), 256)
    if len(data) < 44:
        raise HeaderError("it does not say how its sound is stored")
    codec = _CODECS.get(data[12:16])
    if codec is None:
        raise NotTakenError(f"its sound is stored as {data[12:16].decode('latin-1')!r}, which is not taken")
    channels = _aac_channels(data) if codec == "AAC" else int.from_bytes(data[32:34], "big")
    timescale, _ = _media_time(file, track)
    return codec, timescale, channels


def _aac_channels(data: bytes) -> int:
    """Channels of plain AAC from its AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1); 0 where only a decoder can tell.

    The sample entry's own number is 2 in many files, whatever is in them.
    """
    at = data.find(b"esds")
    if at < 0:
        return int.from_bytes(data[32:34], "big")
    config = _descriptor(data[at + 8 :])
    if len(config) < 2:
        return 0
    bits = int.from_bytes(config[:2], "big")
    object_type, rate_index, channel_setup = bits >> 11, bits >> 7 & 15, bits >> 3 & 15
    if object_type != _AAC_LC or rate_index == 15:
        return 0
    return 8 if channel_setup == 7 else channel_setup if channel_setup < 7 else 0


def _descriptor(data: bytes) -> bytes:
    """The decoder's own configuration: descriptor 5, which lies in descriptor 4, which lies in descriptor 3."""
    at = 0
    for tag, head in ((3, 3), (4, 13), (5, 0)):
        if data[at : at + 1] != bytes([tag]):
            return b""
        at += 1
        # A length is seven bits in each byte, of which all but the last have their top bit set.
        while data[at : at + 1] >= b"\x80":
            at += 1
        at += 1 + head
    return data[at:]


def _media_time(file: BinaryIO, track: Box) -> tuple[int, int]:
    """Time scale and duration of the track's media."""
    return _scale_and_duration(_body(file, _find(file, track, b"mdia", b"mdhd"), 36))


def _scale_and_duration(data: bytes) -> tuple[int, int]:
    if len(data) < 20:
        raise HeaderError("it does not say how long it is")
    if data[0] == 1 and len(data) >= 32:
        scale, duration = struct.unpack_from(">IQ", data, 20)
    else:
        scale, duration = struct.unpack_from(">II", data, 12)
    return int(scale), int(duration)


def _length(file: BinaryIO, movie: Box, track: Box, rate_hz: int) -> int | None:
    """Frames to hear: without the encoder's lead-in and, as far as the file tells, its padding."""
    told = _itunes_length(_body(file, _find(file, movie, b"udta", b"meta"), 1 << 18))
    if told is not None:
        return told
    total = _sum_of_times(_body(file, _find(file, track, b"mdia", b"minf", b"stbl", b"stts")))
    if total is None:
        _, total = _media_time(file, track)
    movie_scale, _ = _scale_and_duration(_body(file, _find(file, movie, b"mvhd"), 36))
    edit = _edit(_body(file, _find(file, track, b"edts", b"elst"), 1024))
    if edit is None:
        return total
    heard, lead_in = edit
    # An edit is counted in the movie's own time scale, which is often too coarse for samples.
    return min(total - lead_in, heard) if movie_scale == rate_hz else total - lead_in


def _sum_of_times(data: bytes) -> int | None:
    count = int.from_bytes(data[4:8], "big")
    if not 0 < count <= min(_MOST_TIMES, (len(data) - 8) // 8):
        return None
    numbers = struct.unpack_from(f">{2 * count}I", data, 8)
    return int(sum(samples * each for samples, each in zip(numbers[::2], numbers[1::2], strict=True)))


def _edit(data: bytes) -> tuple[int, int] | None:
    """Duration and first media time of the first edit that is not an empty one."""
    wide = data[:1] == b"\1"
    entry = struct.Struct(">Qqi" if wide else ">Iii")
    count = int.from_bytes(data[4:8], "big")
    for index in range(min(count, 8)):
        at = 8 + index * entry.size
        if at + entry.size > len(data):
            break
        duration, media_time, _ = entry.unpack_from(data, at)
        if media_time >= 0:
            return duration, media_time
    return None


def _itunes_length(meta: bytes) -> int | None:
    """The number of frames from an `iTunSMPB` tag."""
    return _itunes_number(meta, 3) or None


def _itunes_number(meta: bytes, place: int) -> int | None:
    """One of the tag's hexadecimal numbers: the second is the encoder's delay, the fourth the number of frames."""
    at = meta.find(b"iTunSMPB")
    if at < 0:
        return None
    words = meta[at + 8 : at + 200].split(b"data", 1)[-1][8:].split()
    try:
        return int(words[place], 16)
    except (IndexError, ValueError):
        return None


def _tempo(file: BinaryIO, movie: Box) -> float | None:
    meta = _body(file, _find(file, movie, b"udta", b"meta"), 1 << 18)
    at = meta.find(b"tmpo")
    if at < 0 or meta[at + 8 : at + 12] != b"data":
        return None
    return plausible_bpm(int.from_bytes(meta[at + 20 : at + 22], "big"))
