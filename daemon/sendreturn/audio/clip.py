"""What is known of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class ClipInfo:
    """What a clip is, as `probe` found it.

    Attributes:
        path: Where it lies.
        container: WAV, RF64, AIFF, FLAC, MP3, OGG or M4A, by content.
        subtype: The name that soundfile uses: PCM_16, PCM_24, FLOAT, VORBIS, OPUS, MPEG_LAYER_III …; also AAC and ALAC.
        sample_rate_hz: The rate of the decoded samples.
        channels: Number of channels; three or more stand in the order of WAV files.
        frames: Exactly so many are decoded.
        duration_s: `frames` at that rate.
        time_reference_samples: Where it starts on its session's timeline, from a `bext` chunk.
        bpm: A tempo that stands plainly in the file.
        gapless: False for an MP3 that does not tell its encoder's delay: it starts about 25 ms late.
        notes: What was done to it on the way, as finished sentences; filled by `convert`.
    """

    path: Path
    container: str
    subtype: str
    sample_rate_hz: int
    channels: int
    frames: int
    duration_s: float
    time_reference_samples: int | None = None
    bpm: float | None = None
    gapless: bool = True
    notes: tuple[str, ...] = ()
