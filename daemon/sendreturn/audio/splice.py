"""New audio joined to a clip, with every untouched sample of the clip kept bit by bit.

The result has the clip's own rate and channels and a format that holds the clip exactly. Integer formats are read and
written as 32-bit integers, everything else as 64-bit floats; nothing of the clip is ever computed with, except under a
crossfade.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sendreturn.audio.decode import Decoder, Dtype, frame_range, open_decoder
from sendreturn.audio.fold import fold_matrix
from sendreturn.audio.writer import SoundWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sendreturn.audio.buffer import Audio

Side = Literal["right", "left"]

HANDLE_S = 0.005
"""How long a step at a join takes to fade away: longer than a click, shorter than a note."""

_BLOCK_FRAMES = 1 << 16
_STATISTICS_S = 0.02
_HELD_BY = {
    "PCM_S8": "PCM_24",
    "PCM_U8": "PCM_24",
    "PCM_16": "PCM_24",
    "PCM_20": "PCM_24",
    "PCM_24": "PCM_24",
    "PCM_32": "PCM_32",
    "DOUBLE": "DOUBLE",
}
"""Which subtype holds a source of this one exactly; all others decode to what 32-bit floats hold."""


@dataclass(frozen=True)
class SpliceReport:
    """What a splice made.

    Attributes:
        subtype: soundfile's name of the format that was written.
        sample_rate_hz: Rate of the file, the source's own.
        channels: Channels of the file, the source's own.
        frames: Length of the file.
        section_frames: First and last frame (exclusive) of the new audio in it, crossfades included.
        crossfade_frames: Length of each crossfade, 0 where there is none.
        clipped: How many samples of the new audio were beyond full scale of an integer format.
    """

    subtype: str
    sample_rate_hz: int
    channels: int
    frames: int
    section_frames: tuple[int, int]
    crossfade_frames: int
    clipped: int


def exact_subtype(subtype: str) -> str:
    """The WAV subtype that holds audio of soundfile's `subtype` without any loss."""
    return _HELD_BY.get(subtype, "FLOAT")


def splice_section(
    source: Path, new: Audio, section_s: tuple[float, float], target: Path, crossfade_s: float = 0.01
) -> SpliceReport:
    """Writes the clip with `new` in the section from `section_s[0]` to `section_s[1]`; the level stays as it is.

    `new` is at the clip's rate and as long as the whole clip, of which only the section is used, or as the section. It
    fades in and out inside the section; at the clip's very start and end there is nothing to fade from.

    Raises:
        ClipError: The clip cannot be used, or the section lies outside it.
        SendReturnError: The target cannot be written; nothing is left of it then.
        ValueError: `new` has another rate or length.
    """
    with open_decoder(source) as decoder:
        info = decoder.info
        start, end = frame_range(info, *section_s)
        patch = _fitted(new, info.sample_rate_hz, info.channels, _section_of(new, start, end, info.frames))
        fade = min(round(crossfade_s * info.sample_rate_hz), (end - start) // 2)
        with _writer(decoder, target, info.frames) as writer:
            for block in _kept(decoder, 0, start):
                writer.write(block)
            _write_section(decoder, writer, patch, start, fade)
            for block in _kept(decoder, end, info.frames):
                writer.write(block)
        subtype = exact_subtype(info.subtype)
    return SpliceReport(subtype, info.sample_rate_hz, info.channels, info.frames, (start, end), fade, writer.clipped)


def join_tail(
    source: Path, tail: Audio, at_frame: int, target: Path, side: Side = "right", beside: Audio | None = None
) -> SpliceReport:
    """Writes the clip up to `at_frame` with `tail` butt-joined behind it.

    With `side="left"`, `tail` is a head: it stands before the clip from `at_frame` on. `tail` is at the clip's rate.
    `beside` is what the same recording holds on the clip's side of the join, where it does: the clip as the service
    has it. Nothing of the clip is changed. Where the two would meet in a step, what lies between them fades away in the
    first `HANDLE_S` of the new audio, which the report counts as its crossfade.

    Raises:
        ClipError: The clip cannot be used.
        SendReturnError: The target cannot be written; nothing is left of it then.
        ValueError: `tail` has another rate, or `at_frame` lies outside the clip.
    """
    with open_decoder(source) as decoder:
        info = decoder.info
        if not 0 <= at_frame <= info.frames:
            raise ValueError(f"frame {at_frame} is outside a clip of {info.frames} frames")
        added = _fitted(tail, info.sample_rate_hz, info.channels, slice(None))
        near = None if beside is None else _fitted(beside, info.sample_rate_hz, info.channels, slice(None))
        added, fade = _met(decoder, added, at_frame, side, near)
        kept = (0, at_frame) if side == "right" else (at_frame, info.frames)
        total = kept[1] - kept[0] + len(added)
        section = (total - len(added), total) if side == "right" else (0, len(added))
        with _writer(decoder, target, total) as writer:
            if side == "left":
                writer.write(added)
            for block in _kept(decoder, *kept):
                writer.write(block)
            if side == "right":
                writer.write(added)
    subtype = exact_subtype(info.subtype)
    return SpliceReport(subtype, info.sample_rate_hz, info.channels, total, section, fade, writer.clipped)


def cut_part(source: Path, start_s: float, end_s: float, target: Path) -> None:
    """Writes the clip from `start_s` to `end_s`, sample by sample as it is.

    Raises:
        ClipError: The clip cannot be used, or has nothing in that range.
        SendReturnError: The target cannot be written; nothing is left of it then.
    """
    with open_decoder(source) as decoder:
        start, end = frame_range(decoder.info, start_s, end_s)
        with _writer(decoder, target, end - start) as writer:
            for block in _kept(decoder, start, end):
                writer.write(block)


def _met(
    decoder: Decoder, new: NDArray[Any], at_frame: int, side: Side, near: NDArray[Any] | None
) -> tuple[NDArray[Any], int]:
    """`new` as it meets the clip without a step, and over how many of its frames it was brought there."""
    rate = decoder.info.sample_rate_hz
    clip = _clip_beside(decoder, at_frame, side, round(_STATISTICS_S * rate))
    if len(clip) < 3 or not len(new):
        return new, 0
    forward = new if side == "right" else new[::-1]
    step = np.abs(forward[0] - clip[-1])
    if (step <= np.abs(np.diff(clip, axis=0)).max(axis=0)).all():
        return new, 0
    # What follows the clip's last sample: what follows it in the service's own recording of it, else its own slope.
    same = None if near is None or not len(near) else (near[-1] if side == "right" else near[0])
    off = clip[-1] - same if same is not None else 2 * clip[-1] - clip[-2] - forward[0]
    fade = min(round(HANDLE_S * rate), len(forward))
    down = 0.5 + 0.5 * np.cos(np.pi * (np.arange(fade) + 1) / (fade + 1))
    met = forward.astype(np.float64)
    met[:fade] += off * down[:, None]
    return (met if side == "right" else met[::-1]), fade


def _clip_beside(decoder: Decoder, at_frame: int, side: Side, frames: int) -> NDArray[Any]:
    """The clip's last frames before a join, in the order in which they come to it."""
    if side == "right":
        frames = min(frames, at_frame)
        decoder.seek(at_frame - frames)
        return decoder.read(frames, "float64")
    decoder.seek(at_frame)
    return decoder.read(min(frames, decoder.info.frames - at_frame), "float64")[::-1]


def _writer(decoder: Decoder, target: Path, frames: int) -> SoundWriter:
    info = decoder.info
    if target.exists() and target.samefile(info.path):
        raise ValueError("a clip is never spliced onto itself")
    return SoundWriter(target, "WAV", exact_subtype(info.subtype), info.sample_rate_hz, info.channels, frames)


def _kept(decoder: Decoder, start: int, end: int) -> Iterator[NDArray[Any]]:
    """The clip's samples between two frames, in the type that holds them exactly."""
    holds_integers = exact_subtype(decoder.info.subtype).startswith("PCM")
    dtype: Dtype = "int32" if holds_integers else "float64"
    decoder.seek(start)
    yield from decoder.blocks(end - start, _BLOCK_FRAMES, dtype)


def _fitted(new: Audio, rate_hz: int, channels: int, part: slice) -> NDArray[Any]:
    """The wanted part of `new`, with the clip's channels."""
    if new.rate_hz != rate_hz:
        raise ValueError(f"the new audio is at {new.rate_hz} Hz and the clip at {rate_hz} Hz")
    matrix = fold_matrix(new.channels, channels)
    samples = new.samples[part]
    return samples if matrix is None else samples @ matrix.astype(np.float32)


def _section_of(new: Audio, start: int, end: int, frames: int) -> slice:
    if new.frames == frames:
        return slice(start, end)
    if new.frames == end - start:
        return slice(None)
    raise ValueError(
        f"the new audio has {new.frames} frames: neither the clip's {frames} nor the section's {end - start}"
    )


def _write_section(decoder: Decoder, writer: SoundWriter, patch: NDArray[Any], start: int, fade: int) -> None:
    """Writes the new audio, crossfaded with the clip where the clip goes on beyond it."""
    end = start + len(patch)
    lead = fade if start > 0 else 0
    trail = fade if end < decoder.info.frames else 0
    if lead:
        writer.write(_crossfade(_old(decoder, start, lead), patch[:lead]))
    writer.write(patch[lead : len(patch) - trail])
    if trail:
        writer.write(_crossfade(patch[len(patch) - trail :], _old(decoder, end - trail, trail)))


def _old(decoder: Decoder, start: int, frames: int) -> NDArray[Any]:
    decoder.seek(start)
    return decoder.read(frames, "float64")


def _crossfade(leaving: NDArray[Any], coming: NDArray[Any]) -> NDArray[np.float64]:
    """From one to the other at constant loudness, whether they resemble each other or not.

    Linear gains keep the level of like signals and dip by 3 dB between unlike ones; dividing by the power that their
    correlation lets expect holds it for both (Fink, Holters, Zölzer, "Signal-matched power-complementary cross-fading",
    DAFx 2016).
    """
    a, b = leaving.astype(np.float64), coming.astype(np.float64)
    up = ((np.arange(len(a)) + 0.5) / len(a))[:, None]
    energy = float(np.sqrt((a * a).sum() * (b * b).sum()))
    likeness = max(0.0, float((a * b).sum()) / energy) if energy > 0 else 1.0
    power = (1 - up) ** 2 + up**2 + 2 * likeness * up * (1 - up)
    mixed: NDArray[np.float64] = ((1 - up) * a + up * b) / np.sqrt(power)
    return mixed
