"""The codec delay that a file's header tells, and whether the waveform bears it out.

Decoding takes this delay away (see `decode`), so that the clip should lie where the service put it. Sources: "MP3 Info
Tag rev 1" for LAME's delay, RFC 7845 (5.1) for Opus' pre-skip, ISO/IEC 14496-12 for edit lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from sendreturn.audio import mp4, mpeg
from sendreturn.audio.header import HeaderError
from sendreturn.audio.opening import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from sendreturn.audio.align import Alignment

MP3_DECODER_DELAY = 529
"""What an MP3 decoder adds to the encoder's delay (lame.sourceforge.io/tech-FAQ.txt)."""
OPUS_HZ = 48_000
SURE = 0.5
SAME_SAMPLES = 1.5


@dataclass(frozen=True)
class EncoderDelay:
    """The delay of a codec, in samples at `rate_hz`, and what told it."""

    samples: int
    rate_hz: int
    told_by: str

    def at(self, rate_hz: int) -> float:
        """The delay in samples at another rate."""
        return self.samples * rate_hz / self.rate_hz


def encoder_delay(path: Path) -> EncoderDelay | None:
    """What the file's header says of its encoder's delay; None where it says nothing.

    Raises:
        ClipError: The file cannot be opened.
    """
    with open_regular(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        start = file.read(64)
        try:
            return _told(file, size, start)
        except HeaderError:
            return None


def header_notes(
    delay: EncoderDelay, alignment: Alignment, rate_hz: int, expected_lag_s: float = 0.0
) -> tuple[str, ...]:
    """Says where the waveform does not lie where it should after the header's delay was taken away.

    Args:
        alignment: As measured on the decoded file.
        rate_hz: The source's rate, in which the alignment counts.
        expected_lag_s: Where the service should have put the clip.
    """
    if alignment.method != "waveform" or alignment.lag_samples is None or alignment.confidence < SURE:
        return ()
    late = alignment.lag_samples - expected_lag_s * rate_hz
    if abs(late) <= SAME_SAMPLES:
        return ()
    ours = delay.at(rate_hz)
    leftovers = (ours, ours + MP3_DECODER_DELAY * rate_hz / delay.rate_hz)
    told = f"{delay.told_by} tells a codec delay of {delay.samples:,} samples, which decoding takes away"
    if any(abs(late - leftover) <= SAME_SAMPLES for leftover in leftovers):
        return (f"{told}; the waveform shows that it is in the audio once more.",)
    side = "late" if late > 0 else "early"
    return (f"{told}; the clip lies another {abs(late):,.1f} samples {side}, which comes from the service.",)


def _told(file: BinaryIO, size: int, start: bytes) -> EncoderDelay | None:
    if start.startswith(b"OggS"):
        at = start.find(b"OpusHead")
        return None if at < 0 else EncoderDelay(int.from_bytes(start[at + 10 : at + 12], "little"), OPUS_HZ, "OpusHead")
    if start[4:8] == b"ftyp":
        found = mp4.encoder_delay(file, size)
        return None if found is None else EncoderDelay(*found, "The edit list")
    if start.startswith((b"RIFF", b"fLaC", b"FORM", b"RF64")):
        return None
    found = mpeg.encoder_delay(file, size)
    return None if found is None else EncoderDelay(*found, "The LAME tag")
