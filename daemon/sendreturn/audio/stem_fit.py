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


def fit_length(source: Path, target: Path, frames: int) -> str | None:
    """Write the stem at `source` with exactly `frames` frames: cut at its end, or followed by silence.

    Every sample that stays is kept bit by bit. Returns a sentence where something was done, else None; the file is
    written in both cases.

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
        kept = min(frames, info.frames)
        with SoundWriter(target, "WAV", subtype, info.sample_rate_hz, info.channels, frames) as writer:
            for block in decoder.blocks(kept, _BLOCK_FRAMES, dtype):
                writer.write(block)
            for at in range(kept, frames, _BLOCK_FRAMES):
                writer.write(np.zeros((min(_BLOCK_FRAMES, frames - at), info.channels), dtype=dtype))
    more = info.frames - frames
    if more == 0:
        return None
    length = f"{abs(more):,} samples ({abs(more) / info.sample_rate_hz:.3f} s)"
    if more > 0:
        return f"It was {length} longer than the mix and was cut at its end."
    return f"It was {length} shorter than the mix and is silent at its end."
