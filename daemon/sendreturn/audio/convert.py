"""A clip in another form: a part of it, another rate, other channels, another format; streamed in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sendreturn.audio.ahead import ahead
from sendreturn.audio.decode import Decoder, Dtype, frame_range, open_decoder
from sendreturn.audio.fold import can_clip, fold_matrix, fold_note
from sendreturn.audio.probe import inspect
from sendreturn.audio.resample import resample_blocks, resampled_frames
from sendreturn.audio.writer import SoundWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sendreturn.audio.clip import ClipInfo

BitDepth = Literal[16, 24, "float"]
Format = Literal["WAV", "FLAC", "MP3", "OGG", "AIFF"]

_MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_BLOCK_FRAMES = 1 << 15
_INTEGER_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
_CEILING = 1 - 2.0**-15
"""A fold that would clip is lowered to this: full scale less one step of 16 bits."""
BEYOND = "It goes beyond full scale, so that it is a 32-bit float file: nothing of it is clipped."


@dataclass(frozen=True)
class _Plan:
    """What is to be made from which frames."""

    start: int
    frames: int
    rate_hz: int
    channels: int
    subtype: str
    matrix: NDArray[np.float64] | None


def convert(
    source: Path,
    target: Path,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    rate_hz: int | None = None,
    channels: int | None = None,
    bit_depth: BitDepth = 24,
    fmt: Format = "WAV",
    rather_float: bool = False,
    progress: Callable[[float], None] | None = None,
) -> ClipInfo:
    """Writes the clip at `source`, or its part from `start_s` to `end_s`, to `target`, replacing what is there.

    Without `rate_hz` and `channels` the source's own are kept, as far as the format can: an MP3 has at most 48 kHz and
    two channels. `bit_depth` is for WAV, FLAC and AIFF; FLAC has no float and holds 24 bits then. Samples that fit the
    target pass bit by bit; dither comes only where bits are lost. With `rather_float`, a WAV whose integers would clip
    is written as 32-bit float. A WAV past 4 GB becomes an RF64. `progress` is told the part done, from 0 to 1.

    Raises:
        ClipError: The clip cannot be used, or has nothing in that range.
        SendReturnError: The target cannot be written; nothing is left of it then.
        ValueError: The target is the source, or no rule makes so many channels.
    """
    if target.exists() and target.samefile(source):
        raise ValueError("a clip is never converted onto itself")
    with open_decoder(source) as decoder:
        start, end = frame_range(decoder.info, start_s, end_s)
        plan = _plan(decoder.info, start, end, rate_hz, channels, bit_depth, fmt)
        notes, clipped = _write(decoder, target, fmt, plan, progress)
        if clipped and rather_float and fmt == "WAV":
            notes, clipped = _write(decoder, target, fmt, replace(plan, subtype="FLOAT"), progress)
            notes = (*notes, BEYOND)
    if clipped:
        notes = (*notes, f"{clipped:,} samples were beyond full scale and were clipped.")
    if not decoder.info.gapless:
        notes = (*notes, "The MP3 does not tell its encoder's delay, so the audio starts about 25 ms late.")
    return replace(inspect(target), notes=notes)


def _write(
    decoder: Decoder, target: Path, fmt: Format, plan: _Plan, progress: Callable[[float], None] | None
) -> tuple[tuple[str, ...], int]:
    """What is to be told of it, and how many samples were clipped."""
    notes, gain = _fold_safely(decoder, plan)
    length = resampled_frames(plan.frames, decoder.info.sample_rate_hz, plan.rate_hz)
    with SoundWriter(target, fmt, plan.subtype, plan.rate_hz, plan.channels, length) as writer:
        for block in ahead(_processed(decoder, plan, gain, progress)):
            writer.write(block)
    return notes, writer.clipped


def _plan(
    info: ClipInfo, start: int, end: int, rate_hz: int | None, channels: int | None, bit_depth: BitDepth, fmt: Format
) -> _Plan:
    rate = info.sample_rate_hz if rate_hz is None else rate_hz
    wanted = info.channels if channels is None else channels
    if fmt == "MP3":
        rate = min((each for each in _MP3_RATES_HZ if each >= rate), default=_MP3_RATES_HZ[-1])
        wanted = min(wanted, 2)
    return _Plan(start, end - start, rate, wanted, _subtype(fmt, bit_depth), fold_matrix(info.channels, wanted))


def _subtype(fmt: Format, bit_depth: BitDepth) -> str:
    if fmt in ("MP3", "OGG"):
        return {"MP3": "MPEG_LAYER_III", "OGG": "VORBIS"}[fmt]
    if bit_depth == "float":
        return "PCM_24" if fmt == "FLAC" else "FLOAT"
    return f"PCM_{bit_depth}"


def _fold_safely(decoder: Decoder, plan: _Plan) -> tuple[tuple[str, ...], float]:
    """The note about a fold, and the gain with which it does not clip; needs a pass of its own over the audio."""
    channels = decoder.info.channels
    if plan.matrix is None or not can_clip(channels, plan.channels):
        return (), 1.0
    peak = 0.0
    decoder.seek(plan.start)
    for block in decoder.blocks(plan.frames, _BLOCK_FRAMES, "float64"):
        peak = max(peak, float(np.abs(block @ plan.matrix).max(initial=0.0)))
    gain = min(1.0, _CEILING / peak) if peak > 0 else 1.0
    return (fold_note(channels, plan.channels, gain),), gain


def _processed(
    decoder: Decoder, plan: _Plan, gain: float, progress: Callable[[float], None] | None
) -> Iterator[NDArray[Any]]:
    matrix = None if plan.matrix is None else plan.matrix * gain
    dtype = _dtype(decoder.info, plan)

    def folded() -> Iterator[NDArray[Any]]:
        done = 0
        decoder.seek(plan.start)
        for block in decoder.blocks(plan.frames, _BLOCK_FRAMES, dtype):
            yield block if matrix is None else block @ matrix
            done += len(block)
            if progress is not None:
                progress(done / plan.frames)

    return resample_blocks(folded(), decoder.info.sample_rate_hz, plan.rate_hz, plan.channels, plan.frames)


def _dtype(info: ClipInfo, plan: _Plan) -> Dtype:
    """The type that loses nothing for the least work: integers go through as they are where nothing is computed."""
    have, wanted = _INTEGER_BITS.get(info.subtype), _INTEGER_BITS.get(plan.subtype)
    is_computed = plan.matrix is not None or plan.rate_hz != info.sample_rate_hz
    if have and wanted and have <= wanted and not is_computed:
        return "int32"
    return "float64" if info.subtype in ("PCM_32", "DOUBLE") else "float32"
