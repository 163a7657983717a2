"""Samples from a clip of any container: exactly those that its encoder was given, exactly as many as promised.

libsndfile takes the encoder's delay away where the file tells it (LAME tag, Vorbis and Opus granules). What is left for
us: surround in Ogg comes in Vorbis' own channel order, and a cut file ends early without an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sendreturn.audio.buffer import Audio
from sendreturn.audio.ffmpeg import FfmpegStream
from sendreturn.audio.opening import shown
from sendreturn.audio.probe import LONGEST_S, inspect
from sendreturn.audio.sound import SOUND_ERRORS, Sound
from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sendreturn.audio.clip import ClipInfo

Dtype = Literal["float32", "float64", "int32"]
BLOCK_FRAMES = 1 << 16

_DECODED_IN_ORDER = ("VORBIS", "OPUS", "MPEG_LAYER_III")

VORBIS_ORDER = {
    3: (0, 2, 1),
    5: (0, 2, 1, 3, 4),
    6: (0, 2, 1, 5, 3, 4),
    7: (0, 2, 1, 6, 5, 3, 4),
    8: (0, 2, 1, 7, 5, 6, 3, 4),
}
"""For each number of channels: where each channel of the WAV order stands in the Vorbis order (Vorbis I, 4.3.9)."""


class Decoder:
    """A clip's samples in order, from any frame. Close it, or use it as a context manager.

    Attributes:
        info: What the clip is.
    """

    def __init__(self, info: ClipInfo) -> None:
        self.info = info
        self._at = 0
        self._order = VORBIS_ORDER.get(info.channels) if info.subtype in ("VORBIS", "OPUS") else None
        self._source = _open_source(info)

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def seek(self, frame: int) -> None:
        """Goes on from `frame`.

        Lossy formats are decoded up to there, and from the start when it lies behind: libsndfile 1.2.2 lands beside the
        wanted sample in some Vorbis files, and ffmpeg's stream only runs forward.

        Raises:
            ClipError: The audio cannot be decoded there.
        """
        if isinstance(self._source, FfmpegStream) or self.info.subtype in _DECODED_IN_ORDER:
            self._run_to(frame)
        elif frame != self._at:
            try:
                self._source.seek(frame)
            except SOUND_ERRORS as problem:
                raise self._undecodable(problem) from problem
        self._at = frame

    def read(self, frames: int, dtype: Dtype = "float32") -> NDArray[Any]:
        """The next `frames` frames, fewer only at the clip's end; shape (frames, channels).

        "int32" gives integer formats exactly, left-justified.

        Raises:
            ClipError: The audio ends before the promised length, or cannot be decoded.
        """
        wanted = max(0, min(frames, self.info.frames - self._at))
        data = self._read_source(wanted, dtype)
        if len(data) < wanted:
            raise self._ends_early(self._at + len(data))
        self._at += wanted
        return data if self._order is None else data[:, self._order]

    def blocks(
        self, frames: int | None = None, block_frames: int = BLOCK_FRAMES, dtype: Dtype = "float32"
    ) -> Iterator[NDArray[Any]]:
        """The next `frames` frames (default all that are left) in pieces of at most `block_frames`."""
        left = self.info.frames - self._at if frames is None else frames
        while left > 0 and len(block := self.read(min(left, block_frames), dtype)):
            left -= len(block)
            yield block

    def close(self) -> None:
        self._source.close()

    def _run_to(self, frame: int) -> None:
        if frame < self._at:
            self._source.close()
            self._source = _open_source(self.info)
            self._at = 0
        while self._at < frame and len(self.read(min(BLOCK_FRAMES, frame - self._at))):
            pass

    def _read_source(self, frames: int, dtype: Dtype) -> NDArray[Any]:
        if isinstance(self._source, FfmpegStream):
            if dtype == "int32":
                raise ValueError("audio that comes through ffmpeg is floating point")
            return self._source.read(frames).astype(dtype, copy=False)
        try:
            return self._source.read(frames, dtype)
        except SOUND_ERRORS as problem:
            raise self._undecodable(problem) from problem

    def _undecodable(self, problem: Exception) -> ClipError:
        what = f"{shown(self.info.path)} cannot be decoded from {self._at / self.info.sample_rate_hz:.2f} s on."
        return ClipError(what, "Bounce or copy the clip again.", str(problem))

    def _ends_early(self, found: int) -> ClipError:
        what = f"{shown(self.info.path)} ends early: it promises {self.info.frames:,} samples, and {found:,} came out."
        return ClipError(what, "Wait until it is written completely, or bounce or copy it again.")


def open_decoder(path: Path, *, longest_s: float = LONGEST_S) -> Decoder:
    """A decoder for the clip at `path`, at its start.

    Raises:
        ClipError: The clip cannot be used.
    """
    return Decoder(inspect(path, longest_s=longest_s))


def read_audio(path: Path, start_s: float | None = None, end_s: float | None = None) -> Audio:
    """The clip, or its part from `start_s` to `end_s` to the nearest sample, as float32.

    Raises:
        ClipError: The clip cannot be used, or has nothing there.
    """
    with open_decoder(path) as decoder:
        start, end = frame_range(decoder.info, start_s, end_s)
        decoder.seek(start)
        samples = np.empty((end - start, decoder.info.channels), dtype=np.float32)
        at = 0
        for block in decoder.blocks(end - start):
            samples[at : at + len(block)] = block
            at += len(block)
    return Audio(samples, decoder.info.sample_rate_hz)


def blocks(
    path: Path,
    start_frame: int = 0,
    frames: int | None = None,
    block_frames: int = BLOCK_FRAMES,
    dtype: Dtype = "float32",
) -> Iterator[NDArray[Any]]:
    """The clip's samples from `start_frame` on, in pieces of shape (at most `block_frames`, channels).

    Raises:
        ClipError: The clip cannot be used, or ends before its promised length.
    """
    with open_decoder(path) as decoder:
        decoder.seek(min(start_frame, decoder.info.frames))
        yield from decoder.blocks(frames, block_frames, dtype)


def frame_range(info: ClipInfo, start_s: float | None, end_s: float | None) -> tuple[int, int]:
    """First and last frame (exclusive) of a range in seconds, to the nearest sample.

    Raises:
        ClipError: The range holds nothing of the clip.
    """
    start = 0 if start_s is None else round(start_s * info.sample_rate_hz)
    end = info.frames if end_s is None else round(end_s * info.sample_rate_hz)
    # Ends that were rounded for display may lie a hair behind the last sample.
    end = min(end, info.frames)
    if not 0 <= start < end:
        what = f"{shown(info.path)} has nothing from {start_s or 0:g} s to {end / info.sample_rate_hz:g} s."
        raise ClipError(what, f"The clip is {info.duration_s:.3f} s long: choose a range inside it.")
    return start, end


def _open_source(info: ClipInfo) -> Sound | FfmpegStream:
    if info.container == "M4A" or (info.container, info.subtype) == ("OGG", "FLAC"):
        return FfmpegStream(info.path, info.container)
    try:
        return Sound(info.path)
    except SOUND_ERRORS as problem:
        what = f"{shown(info.path)} cannot be decoded."
        raise ClipError(what, "Bounce the clip as 24-bit WAV.", str(problem)) from problem
