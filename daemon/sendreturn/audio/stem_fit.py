"""A stem made as long as its mix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sendreturn.audio.decode import open_decoder
from sendreturn.audio.splice import exact_subtype
from sendreturn.audio.writer import SoundWriter

if TYPE_CHECKING:
    from pathlib import Path

    from sendreturn.audio.decode import Dtype

_BLOCK_FRAMES = 1 << 16


def fit_length(source: Path, target: Path, frames: int, start_frame: int = 0) -> str | None:
    """Write the stem at `source` with exactly `frames` frames: cut at its end, or followed by silence.

    Every sample that stays is kept bit by bit. Returns a sentence where something was done at its end, else None; the
    file is written in both cases.

    Args:
        start_frame: Where in the stem the mix starts; negative where the stem starts later, and silence goes before it.

    Raises:
        ClipError: The stem cannot be used.
        SendReturnError: The target cannot be written; nothing is left of it then.
        ValueError: The target is the source.
    """
    if target.exists() and target.samefile(source):
        raise ValueError("a stem is never fitted onto itself")
    with open_decoder(source) as decoder:
        info = decoder.info
        subtype = exact_subtype(info.subtype)
        dtype: Dtype = "int32" if subtype.startswith("PCM") else "float64"
        first = min(max(start_frame, 0), info.frames)
        before = min(max(-start_frame, 0), frames)
        kept = min(frames - before, info.frames - first)
        with SoundWriter(target, "WAV", subtype, info.sample_rate_hz, info.channels, frames) as writer:
            _write_silence(writer, before, info.channels, dtype)
            decoder.seek(first)
            for block in decoder.blocks(kept, _BLOCK_FRAMES, dtype):
                writer.write(block)
            _write_silence(writer, frames - before - kept, info.channels, dtype)
    return _told(info.frames - start_frame - frames, info.sample_rate_hz)


def _write_silence(writer: SoundWriter, frames: int, channels: int, dtype: Dtype) -> None:
    for at in range(0, frames, _BLOCK_FRAMES):
        writer.write(np.zeros((min(_BLOCK_FRAMES, frames - at), channels), dtype=dtype))


def _told(more: int, rate_hz: int) -> str | None:
    if more == 0:
        return None
    length = f"{abs(more):,} samples ({abs(more) / rate_hz:.3f} s)"
    if more > 0:
        return f"It was {length} longer than the mix and was cut at its end."
    return f"It was {length} shorter than the mix and is silent at its end."
