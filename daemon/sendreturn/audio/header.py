"""What a container's header says, in one form for all containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO


class HeaderError(Exception):
    """The bytes do not make sense as the container that they claim to be; the text says why, as half a sentence."""


class NotTakenError(HeaderError):
    """The file may well be whole, but holds something that is not taken."""


@dataclass(frozen=True)
class Header:
    """What the header of a clip says about itself.

    Attributes:
        container: WAV, RF64, AIFF, FLAC, MP3, OGG or M4A.
        codec: What the container itself calls its audio, where there is no other way to learn it.
        rate_hz: Sampling rate.
        channels: Number of channels.
        frames: Length; None where only decoding tells.
        unfinished: Why the file is not whole, as half a sentence; None when header and length agree.
        time_reference_samples: From a `bext` chunk: where the clip starts on its session's timeline.
        bpm: A tempo that stands plainly in the file.
        gapless: Whether the codec's own delay is known, so that decoding gives the encoder's input sample by sample.
    """

    container: str
    codec: str
    rate_hz: int
    channels: int
    frames: int | None
    unfinished: str | None = None
    time_reference_samples: int | None = None
    bpm: float | None = None
    gapless: bool = True


def take(file: BinaryIO, count: int) -> bytes:
    """Exactly `count` bytes.

    Raises:
        HeaderError: The file ends before.
    """
    data = file.read(count)
    if len(data) < count:
        raise HeaderError("it ends in the middle of its header")
    return data


def plausible_bpm(value: float) -> float | None:
    """`value` when it can be a tempo; files hold 0 where nobody set one."""
    return round(float(value), 4) if 20.0 <= value <= 999.0 else None


def bpm_of_text(text: str) -> float | None:
    """The tempo in a tag's text, such as "128" or "92,5"."""
    try:
        return plausible_bpm(float(text.strip().rstrip("\0").replace(",", ".")))
    except ValueError:
        return None
