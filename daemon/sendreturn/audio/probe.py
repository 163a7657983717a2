"""What a clip is, and whether it can be used; told by its content, never by its name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from sendreturn.audio.clip import ClipInfo
from sendreturn.audio.container import looks_like, reader_of
from sendreturn.audio.header import Header, HeaderError, NotTakenError
from sendreturn.audio.opening import open_regular, shown
from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_S = 7200.0
SHORTEST_S = 0.1
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000
MOST_CHANNELS = 8

_HE_AAC_RATE_HZ = 24_000
"""HE-AAC is stored at half its rate, so an M4A that says this or less may sound at twice as much."""
_LONGEST_MAGIC = 12
_TAKEN = "WAV, AIFF, FLAC, MP3, OGG and M4A"


@dataclass(frozen=True)
class Complete:
    """The header agrees with the file's length."""


@dataclass(frozen=True)
class Incomplete:
    """The file is not whole, or not yet; `reason` is half a sentence: "its last page is cut off"."""

    reason: str


def probe(path: Path, *, longest_s: float = LONGEST_S) -> ClipInfo:
    """What the clip at `path` is.

    Raises:
        ClipError: It cannot be used; the sentence names the file and says why and what to do.
    """
    info = inspect(path, longest_s=longest_s)
    if info.duration_s < SHORTEST_S:
        what = f"{shown(path)} is too short: {info.duration_s * 1000:.0f} ms, and at least {SHORTEST_S:g} s are needed."
        raise ClipError(what, "Bounce a longer part.")
    return info


def inspect(path: Path, *, longest_s: float = LONGEST_S) -> ClipInfo:
    """As `probe`, but takes files of any shortness: a return may be a single note.

    Raises:
        ClipError: It cannot be used.
    """
    header = _header(path)
    if header.unfinished is not None:
        raise _unfinished(path, header.unfinished)
    info = _measured(path, header)
    _check_limits(path, info.sample_rate_hz, info.channels)
    _check_length(path, info, longest_s)
    if header.container == "FLAC":
        _check_flac_end(path, info)
    return info


def completeness(path: Path) -> Complete | Incomplete:
    """Whether the file's header agrees with its length, without decoding it.

    A file that is no audio at all is complete here: what is wrong with it will not change, and `probe` says what it is.

    Raises:
        ClipError: The file cannot be opened.
    """
    with open_regular(path) as file:
        header = _read_header(file)
        if header is None:
            return _strangers_completeness(file)
    if isinstance(header, HeaderError):
        return Complete() if isinstance(header, NotTakenError) else Incomplete(str(header))
    if header.unfinished is None and header.container == "FLAC" and not _flac_end_is_there(path, header.frames or 0):
        return Incomplete("its last frame is not there or is damaged")
    return Complete() if header.unfinished is None else Incomplete(header.unfinished)


def _strangers_completeness(file: BinaryIO) -> Complete | Incomplete:
    """A file is created empty, or with its full size and no content, before its header is written."""
    file.seek(0)
    head = file.read(_LONGEST_MAGIC)
    is_written = len(head) == _LONGEST_MAGIC and head.strip(b"\0")
    return Complete() if is_written else Incomplete("its header is not written yet")


def _header(path: Path) -> Header:
    with open_regular(path) as file:
        if file.seek(0, 2) == 0:
            raise ClipError(f"{shown(path)} is empty: it holds 0 bytes.", "Bounce or export the clip again.")
        header = _read_header(file)
        if header is None:
            what = f"{shown(path)} is no audio file that can be used: it looks like {looks_like(file)}."
            raise ClipError(what, f"Bounce the clip as WAV; {_TAKEN} are taken.")
    if isinstance(header, HeaderError):
        what = f"{shown(path)} is damaged: {header}."
        raise ClipError(what, "Bounce or export the clip again.")
    return header


def _read_header(file: BinaryIO) -> Header | HeaderError | None:
    size = file.seek(0, 2)
    reader = reader_of(file, size)
    if reader is None:
        return None
    try:
        return reader(file, size)
    except HeaderError as problem:
        return problem


def _measured(path: Path, header: Header) -> ClipInfo:
    if header.container == "M4A" or (header.container, header.codec) == ("OGG", "FLAC"):
        return _from_ffmpeg(path, header)
    return _from_libsndfile(path, header)


def _from_libsndfile(path: Path, header: Header) -> ClipInfo:
    from sendreturn.audio.sound import SOUND_ERRORS, Sound

    _check_limits(path, header.rate_hz, header.channels)
    try:
        with Sound(path) as sound:
            rate_hz, channels, frames, subtype = sound.rate_hz, sound.channels, sound.frames, sound.subtype
    except SOUND_ERRORS as problem:
        what = f"{shown(path)} is a {header.container} file that cannot be decoded."
        raise ClipError(what, "Bounce the clip as 24-bit WAV.", str(problem)) from problem
    if header.frames is not None:
        frames = _agreed_frames(path, header, frames)
    return _info(path, header, subtype, rate_hz, channels, frames)


def _agreed_frames(path: Path, header: Header, decoder_frames: int) -> int:
    assert header.frames is not None
    if header.container == "MP3":
        # Without a LAME tag libsndfile only guesses from the bit rate; the walk has counted.
        return header.frames
    if header.frames > decoder_frames:
        raise _unfinished(path, f"its header promises {header.frames:,} samples, and {decoder_frames:,} are there")
    return min(header.frames, decoder_frames)


def _from_ffmpeg(path: Path, header: Header) -> ClipInfo:
    if header.frames is not None and header.channels and header.rate_hz > _HE_AAC_RATE_HZ:
        return _info(path, header, header.codec, header.rate_hz, header.channels, header.frames)
    from sendreturn.audio.ffmpeg import FfmpegStream

    with FfmpegStream(path, header.container) as stream:
        rate_hz, channels = stream.rate_hz, stream.channels
        if header.frames is not None:
            frames = header.frames * rate_hz // max(1, header.rate_hz)
        else:
            frames = 0
            while frames <= LONGEST_S * rate_hz and (block := stream.read(1 << 16)).size:
                frames += len(block)
    return _info(path, header, header.codec, rate_hz, channels, frames)


def _info(path: Path, header: Header, subtype: str, rate_hz: int, channels: int, frames: int) -> ClipInfo:
    info = ClipInfo(path, header.container, subtype, rate_hz, channels, frames, frames / max(1, rate_hz))
    return replace(info, time_reference_samples=header.time_reference_samples, bpm=header.bpm, gapless=header.gapless)


def _check_limits(path: Path, rate_hz: int, channels: int) -> None:
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        what = f"{shown(path)} has a sample rate of {rate_hz:,} Hz, which is outside 8 to 192 kHz."
        raise ClipError(what, "Bounce the clip at 44.1 or 48 kHz.")
    if not 1 <= channels <= MOST_CHANNELS:
        what = f"{shown(path)} has {channels} channels; at most {MOST_CHANNELS} are taken."
        raise ClipError(what, "Bounce the clip in stereo.")


def _check_length(path: Path, info: ClipInfo, longest_s: float) -> None:
    if info.frames == 0:
        raise ClipError(f"{shown(path)} holds no audio: its length is 0.", "Bounce or export the clip again.")
    if info.duration_s > longest_s:
        length = f"{info.duration_s / 60:,.0f} minutes, and at most {longest_s / 60:,.0f} are taken"
        what = f"{shown(path)} is too long: {length}."
        raise ClipError(what, "Bounce a shorter part.")


def _check_flac_end(path: Path, info: ClipInfo) -> None:
    if not _flac_end_is_there(path, info.frames):
        raise _unfinished(path, f"its header promises {info.frames:,} samples, and its end is not there")


def _flac_end_is_there(path: Path, frames: int) -> bool:
    """Whether the last sample decodes. libFLAC finds it by bisection, so this reads little of the file."""
    from sendreturn.audio.sound import SOUND_ERRORS, Sound

    try:
        with Sound(path) as sound:
            sound.seek(max(0, frames - 1))
            return len(sound.read(1)) == 1
    except SOUND_ERRORS:
        return False


def _unfinished(path: Path, reason: str) -> ClipError:
    what = f"{shown(path)} looks unfinished: {reason}."
    return ClipError(what, "Wait until it is written completely, or bounce or copy it again.")
