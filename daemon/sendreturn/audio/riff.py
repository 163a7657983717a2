"""Headers of WAV, RF64, BW64, AIFF and AIFC files: chunks of a four-letter name, a length and a body.

Sources: Microsoft/IBM "Multimedia Programming Interface and Data Specifications 1.0"; EBU Tech 3285 (bext) and 3306
(RF64); Apple "Audio Interchange File Format AIFF-C". The acid chunk is Sonic Foundry's, as libsndfile reads it.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from sendreturn.audio.header import Header, HeaderError, plausible_bpm, take

if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN_SIZE = 0xFFFFFFFF
"""The length that stands where it did not fit (RF64) or was not known yet."""

_MOST_CHUNKS = 4096
_STRAY_BYTES = 1 << 16
"""This much behind the last chunk is somebody's padding or tag; more is audio that the header does not know of yet."""
_STOPPED = "its header was never completed, as while a DAW still records or after a crash"
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


@dataclass(frozen=True)
class Chunk:
    """One chunk; `start` is where its body begins, `size` what its header promises."""

    name: bytes
    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size


@dataclass
class _Wave:
    """What has been gathered on the way through a WAV's chunks."""

    codec: int = 0
    channels: int = 0
    rate_hz: int = 0
    block_bytes: int = 0
    bits: int = 0
    data: Chunk | None = None
    time_reference: int | None = None
    bpm: float | None = None
    sizes: dict[bytes, int] = field(default_factory=dict)


def walk(
    file: BinaryIO, start: int, end: int, order: str = "<", sizes: dict[bytes, int] | None = None
) -> Iterator[Chunk]:
    """The chunks between `start` and `end`; stops where the bytes are no chunk any more.

    `sizes` are the 64-bit lengths of a `ds64` chunk; it may be filled while walking.
    """
    at = start
    for _ in range(_MOST_CHUNKS):
        if at + 8 > end:
            return
        file.seek(at)
        name, size = struct.unpack(order + "4sI", take(file, 8))
        if not all(32 <= letter < 127 for letter in name):
            return
        if size == UNKNOWN_SIZE and sizes is not None:
            size = sizes.get(name, size)
        yield Chunk(name, at + 8, size)
        at += 8 + size + size % 2
    raise HeaderError("its header has thousands of chunks")


def read_wave(file: BinaryIO, size: int) -> Header:
    """The header of a WAV, RF64 or BW64 file of `size` bytes.

    Raises:
        HeaderError: It has no usable format or audio.
    """
    file.seek(0)
    magic = take(file, 12)[:4]
    wave = _Wave()
    end_of_chunks = _gather(file, size, wave, magic != b"RIFF")
    if wave.channels == 0 or wave.rate_hz == 0 or wave.block_bytes == 0:
        raise HeaderError("it has no description of its format")
    if wave.data is None:
        reason = "it has no audio in it yet"
        return _wave_header(wave, magic, 0, reason)
    unfinished = _why_unfinished(wave.data, size, end_of_chunks)
    held = min(wave.data.size, max(0, size - wave.data.start))
    return _wave_header(wave, magic, held // wave.block_bytes, unfinished)


def read_aiff(file: BinaryIO, size: int) -> Header:
    """The header of an AIFF or AIFC file of `size` bytes.

    Raises:
        HeaderError: It has no usable format.
    """
    file.seek(0)
    form = take(file, 12)[8:12]
    common: tuple[int, int, int, int, bytes] | None = None
    sound: Chunk | None = None
    last = 12
    for chunk in walk(file, 12, size, ">"):
        last = chunk.end
        if chunk.name == b"COMM":
            common = _common(file, chunk, form)
        elif chunk.name == b"SSND":
            sound = chunk
    if common is None:
        raise HeaderError("it has no description of its format")
    channels, frames, bits, rate_hz, codec = common
    unfinished = _why_sound_unfinished(common, sound, size, last)
    name = codec.decode("latin-1").strip() or f"PCM_{bits}"
    return Header("AIFF", name, rate_hz, channels, frames, unfinished)


def _gather(file: BinaryIO, size: int, wave: _Wave, is_64: bool) -> int:
    """Reads the chunks into `wave`; where the last one ends."""
    last = 12
    for chunk in walk(file, 12, size, sizes=wave.sizes if is_64 else None):
        last = chunk.end
        reader = _READERS.get(chunk.name)
        if reader is not None:
            file.seek(chunk.start)
            reader(file, chunk, wave)
    return last


def _read_format(file: BinaryIO, chunk: Chunk, wave: _Wave) -> None:
    if chunk.size < 14:
        raise HeaderError("its description of the format is too short")
    body = take(file, min(chunk.size, 40)).ljust(40, b"\0")
    wave.codec, wave.channels, wave.rate_hz, _, wave.block_bytes, wave.bits = struct.unpack_from("<HHIIHH", body)
    if wave.codec == _EXTENSIBLE and chunk.size >= 26:
        (wave.codec,) = struct.unpack_from("<H", body, 24)
    if wave.codec in (_PCM, _FLOAT) and wave.block_bytes < wave.channels * ((wave.bits + 7) // 8):
        raise HeaderError("its description of the format contradicts itself")


def _read_sizes(file: BinaryIO, chunk: Chunk, wave: _Wave) -> None:
    _riff_size, data_size, _samples, extra = struct.unpack("<QQQI", take(file, 28))
    wave.sizes[b"data"] = data_size
    for _ in range(min(extra, 64)):
        name, length = struct.unpack("<4sQ", take(file, 12))
        wave.sizes[name] = length


def _read_data(file: BinaryIO, chunk: Chunk, wave: _Wave) -> None:
    if wave.data is None:
        wave.data = chunk


def _read_broadcast(file: BinaryIO, chunk: Chunk, wave: _Wave) -> None:
    # EBU Tech 3285: description 256, originator 32, its reference 32, date 10, time 8, then the time reference.
    if chunk.size >= 346:
        file.seek(chunk.start + 338)
        (wave.time_reference,) = struct.unpack("<Q", take(file, 8))


def _read_acid(file: BinaryIO, chunk: Chunk, wave: _Wave) -> None:
    if chunk.size < 24:
        return
    flags, _beats, _unit, _count, tempo = struct.unpack("<I8xIHHf", take(file, 24))
    is_one_shot = flags & 1
    if not is_one_shot and math.isfinite(tempo):
        wave.bpm = plausible_bpm(tempo)


_READERS = {
    b"fmt ": _read_format,
    b"ds64": _read_sizes,
    b"data": _read_data,
    b"bext": _read_broadcast,
    b"acid": _read_acid,
}


def _why_unfinished(data: Chunk, size: int, end_of_chunks: int) -> str | None:
    follows = size - data.start
    if data.size == UNKNOWN_SIZE or (data.size == 0 and follows > 0):
        return _STOPPED
    if data.size > follows:
        return f"its header promises {data.size:,} bytes of audio, and {max(0, follows):,} are there"
    if size - end_of_chunks > _STRAY_BYTES:
        return f"{size - end_of_chunks:,} bytes follow that its header does not know of"
    return None


def _wave_header(wave: _Wave, magic: bytes, frames: int, unfinished: str | None) -> Header:
    container = "WAV" if magic == b"RIFF" else "RF64"
    return Header(
        container,
        f"format {wave.codec}",
        wave.rate_hz,
        wave.channels,
        # Only plain samples have a length that follows from their bytes.
        frames if wave.codec in (_PCM, _FLOAT) else None,
        unfinished,
        wave.time_reference,
        wave.bpm,
    )


def _common(file: BinaryIO, chunk: Chunk, form: bytes) -> tuple[int, int, int, int, bytes]:
    if chunk.size < 18:
        raise HeaderError("its description of the format is too short")
    file.seek(chunk.start)
    body = take(file, min(chunk.size, 22)).ljust(22, b"\0")
    channels, frames, bits = struct.unpack_from(">HIH", body)
    codec = body[18:22].rstrip(b"\0") if form == b"AIFC" else b""
    return channels, frames, bits, _rate_of_extended(body[8:18]), codec


def _rate_of_extended(data: bytes) -> int:
    """A rate from the 80-bit IEEE number that AIFF uses: 15 bits of exponent over 64 bits of mantissa."""
    exponent, mantissa = struct.unpack(">HQ", data)
    shift = (exponent & 0x7FFF) - 16383 - 63
    if not -63 <= shift <= 0 or exponent & 0x8000:
        raise HeaderError("its sample rate makes no sense")
    return round(math.ldexp(float(mantissa), shift))


_PLAIN_AIFF = (b"", b"NONE", b"sowt", b"twos", b"in24", b"in32", b"fl32", b"FL32", b"fl64", b"FL64", b"raw")


def _why_sound_unfinished(
    common: tuple[int, int, int, int, bytes], sound: Chunk | None, size: int, end_of_chunks: int
) -> str | None:
    channels, frames, bits, _, codec = common
    if sound is None:
        return "it has no audio in it yet"
    if sound.size <= 8 and size - sound.start > 8:
        return _STOPPED
    if sound.end > size:
        return f"its header promises {sound.size:,} bytes of audio, and {max(0, size - sound.start):,} are there"
    needed = frames * channels * ((bits + 7) // 8)
    if codec.strip() in _PLAIN_AIFF and needed > sound.size - 8:
        return f"its header promises {frames:,} samples, which need more bytes than are there"
    if size - end_of_chunks > _STRAY_BYTES:
        return f"{size - end_of_chunks:,} bytes follow that its header does not know of"
    return None
