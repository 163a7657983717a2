"""The files that are placed: what of them is shown, as Pro Tools can import it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn.audio.decode import BLOCK_FRAMES, Decoder, open_decoder
from sendreturn.audio.splice import exact_subtype
from sendreturn.audio.writer import SoundWriter
from sendreturn.errors import ClipError

from sendreturn_bridges.daws.protools.wire import TRACK_FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from sendreturn.daws.contract import PlacedFile


def is_whole(file: PlacedFile) -> bool:
    """Whether all of it is there: a drive that is kept in a cloud may show a file before it has it.

    Raises:
        FileNotFoundError: it is not there.
    """
    return file.size_bytes is None or file.path.stat().st_size == file.size_bytes


def channels_of(file: PlacedFile) -> int:
    """How many channels its track needs.

    Raises:
        ClipError: it is no audio that can be used, or there is no such track.
    """
    with open_decoder(file.path) as decoder:
        channels = decoder.info.channels
    if channels not in TRACK_FORMATS:
        raise ClipError(f"It has {channels} channels, and Pro Tools has no such track.")
    return channels


def shown(file: PlacedFile, folder: Path) -> Path:
    """The file, or where only a part of it is shown, a copy of that in `folder`, sample for sample.

    Raises:
        ClipError: it is no audio that can be used.
        SendReturnError: the copy cannot be written.
    """
    with open_decoder(file.path) as decoder:
        frames = decoder.info.frames
        first = min(file.offset_samples, frames)
        last = frames if file.length_samples is None else min(first + file.length_samples, frames)
        if (first, last) == (0, frames):
            return file.path
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = folder / file.path.with_suffix(".wav").name
        _write(decoder, first, last, target)
    return target


def _write(decoder: Decoder, first: int, last: int, target: Path) -> None:
    info, subtype = decoder.info, exact_subtype(decoder.info.subtype)
    decoder.seek(first)
    with SoundWriter(target, "WAV", subtype, info.sample_rate_hz, info.channels, last - first) as writer:
        while first < last:
            frames = min(BLOCK_FRAMES, last - first)
            writer.write(decoder.read(frames, "int32" if subtype.startswith("PCM") else "float64"))
            first += frames
