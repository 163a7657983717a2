"""From what a DAW says is selected to a clip that can be sent: exactly the audible samples, nothing computed.

An item that is one file needs no copy; the send then names the file and its range. Several items, or one mono file per
channel, as Ardour keeps them, become a new file in the session's `sent` folder, sample for sample.
"""

from __future__ import annotations

import hashlib
import math
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sendreturn.audio.decode import Decoder, Dtype, open_decoder
from sendreturn.audio.splice import exact_subtype
from sendreturn.audio.writer import SoundWriter
from sendreturn.daws.selection import Piece, Selection
from sendreturn.errors import ClipError, SendReturnError, UsageError
from sendreturn.returns import files
from sendreturn.returns.naming import safe_stem
from sendreturn.words import TEMP_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_BLOCK_FRAMES = 1 << 16


@dataclass(frozen=True)
class Captured:
    """A clip, and where it lies.

    Attributes:
        range_s: The part of the file that is the clip; None for all of it.
        position: Where the clip starts on the session's timeline, in samples at the session's rate.
        length: How long it is there, in samples at the session's rate.
        gain: What the DAW plays it with; 1.0 where the items do not agree.
    """

    path: Path
    range_s: tuple[float, float] | None
    position: int
    length: int
    gain: float = 1.0


def capture(selection: Selection, folder: Path) -> Captured:
    """The selection as a clip; a new file goes to `folder` under a name that the same request gives again.

    Raises:
        UsageError: nothing is selected, or a cut would not be what is heard; the sentence says what to do.
        ClipError: a source file cannot be read.
        SendReturnError: the folder cannot be written.
    """
    if selection.rendered:
        return _rendered(selection)
    if not selection.pieces:
        raise UsageError("Nothing is selected.", "Select an audio clip, or a time range over one, and try again.")
    pieces = sorted(selection.pieces, key=lambda piece: piece.position)
    for piece in pieces:
        _refuse_what_a_cut_cannot_do(piece)
    only = pieces[0]
    if len(pieces) == 1 and len(only.files) == 1 and only.files[0].channel is None:
        return _in_place(selection, only)
    return _gathered(selection, pieces, folder)


def _rendered(selection: Selection) -> Captured:
    with open_decoder(Path(selection.rendered)) as decoder:
        length = round(decoder.info.frames * selection.rate_hz / decoder.info.sample_rate_hz)
    return Captured(Path(selection.rendered), None, selection.position, length, selection.gain)


def _refuse_what_a_cut_cannot_do(piece: Piece) -> None:
    name = Path(piece.files[0].path).name
    why = piece.why_render or ("played at another speed" if abs(piece.play_rate - 1) > 1e-6 else "")
    if why:
        raise UsageError(
            f"“{name}” is {why} in the session, so its file is not what you hear.",
            "Render, glue or bounce the clip in place, then send that.",
        )


def _in_place(selection: Selection, piece: Piece) -> Captured:
    path = Path(piece.files[0].path)
    with open_decoder(path) as decoder:
        info = decoder.info
    start, end = piece.start, min(piece.start + piece.length, info.frames)
    if start >= info.frames:
        raise ClipError(f"“{path.name}” is shorter than the session says.", "Check that the file is the right one.")
    rate = info.sample_rate_hz
    is_whole = start == 0 and end == info.frames
    length = round((end - start) * selection.rate_hz / rate)
    span = None if is_whole else (start / rate, end / rate)
    return Captured(path, span, piece.position, length, piece.gain)


@dataclass(frozen=True)
class _Part:
    """A piece, its open files, and where it lies in the clip, in frames at the files' rate."""

    piece: Piece
    files: Sequence[Decoder]
    place: int
    length: int

    @property
    def end(self) -> int:
        return self.place + self.length


def _gathered(selection: Selection, pieces: Sequence[Piece], folder: Path) -> Captured:
    target = folder / f"{safe_stem(selection.track or 'clip')}-{_mark(selection)}.wav"
    with ExitStack() as stack:
        opened = [_open(stack, piece) for piece in pieces]
        rate = _agreed("sample rate", {decoder.info.sample_rate_hz for row in opened for decoder in row})
        parts = _parts(pieces, opened, rate, selection.rate_hz)
        if not target.exists():
            _write(target, parts, rate)
    gains = {piece.gain for piece in pieces}
    length = round(parts[-1].end * selection.rate_hz / rate)
    return Captured(target, None, pieces[0].position, length, gains.pop() if len(gains) == 1 else 1.0)


def _open(stack: ExitStack, piece: Piece) -> list[Decoder]:
    return [stack.enter_context(open_decoder(Path(file.path))) for file in piece.files]


def _agreed(what: str, values: set[int]) -> int:
    if len(values) > 1:
        raise UsageError(
            f"The selected clips differ in {what} ({', '.join(map(str, sorted(values)))}).",
            "Send them one by one, or bounce the range first.",
        )
    return values.pop()


def _parts(pieces: Sequence[Piece], opened: Sequence[list[Decoder]], rate_hz: int, session_hz: int) -> list[_Part]:
    first = pieces[0].position
    coarse = 0 if rate_hz == session_hz else math.ceil(rate_hz / session_hz)
    places = [round((piece.position - first) * rate_hz / session_hz) for piece in pieces]
    parts = []
    for index, (piece, row, place) in enumerate(zip(pieces, opened, places, strict=True)):
        gap = places[index + 1] - place - piece.length if index + 1 < len(places) else 0
        parts.append(_Part(piece, row, place, piece.length + _rounded_off(gap, coarse, piece, row)))
    return parts


def _rounded_off(gap: int, coarse: int, piece: Piece, row: Sequence[Decoder]) -> int:
    """How many frames more of a piece are heard, so that it ends where the next one starts.

    Where the session has another rate than the files, what touches there may come out apart here, or one over the
    other, by what the session's places are too coarse to tell.
    """
    if gap < -coarse:
        raise UsageError("The selected clips overlap.", "Send them one by one, or bounce the range first.")
    goes_on = all(piece.start + piece.length + gap <= decoder.info.frames for decoder in row)
    return max(gap, -piece.length) if gap <= coarse and goes_on else 0


def _write(target: Path, parts: Sequence[_Part], rate_hz: int) -> None:
    channels = _agreed("channels", {_channels(part) for part in parts})
    subtype = _subtype({decoder.info.subtype for part in parts for decoder in part.files})
    dtype: Dtype = "int32" if subtype.startswith("PCM") else "float64"
    temp = target.with_name(f"{TEMP_PREFIX}{_short_hash(target.name)}")
    _make(target.parent)
    with SoundWriter(temp, "WAV", subtype, rate_hz, channels, parts[-1].end) as writer:
        at = 0
        for part in parts:
            _write_silence(writer, part.place - at, channels, dtype)
            _write_part(writer, part, dtype)
            at = part.end
    try:
        files.place(temp, target)
    except FileExistsError:
        temp.unlink()  # the same request came twice at once, and the other was first


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SendReturnError(
            f"The folder {folder} cannot be made: {error.strerror}.", "Look what is in its place."
        ) from error


def _channels(part: _Part) -> int:
    if len(part.files) == 1 and part.piece.files[0].channel is None:
        return part.files[0].info.channels
    return len(part.files)


def _subtype(subtypes: set[str]) -> str:
    """One that holds them all exactly."""
    exact = {exact_subtype(subtype) for subtype in subtypes}
    if len(exact) == 1:
        return exact.pop()
    return "FLOAT" if exact == {"PCM_24", "FLOAT"} else "DOUBLE"


def _write_silence(writer: SoundWriter, frames: int, channels: int, dtype: Dtype) -> None:
    while frames > 0:
        block = min(frames, _BLOCK_FRAMES)
        writer.write(np.zeros((block, channels), dtype))
        frames -= block


def _write_part(writer: SoundWriter, part: _Part, dtype: Dtype) -> None:
    for decoder in part.files:
        if part.piece.start + part.length > decoder.info.frames:
            name = decoder.info.path.name
            raise ClipError(f"“{name}” is shorter than the session says.", "Check that the file is the right one.")
        decoder.seek(part.piece.start)
    left = part.length
    while left > 0:
        block = min(left, _BLOCK_FRAMES)
        writer.write(_beside(part, block, dtype))
        left -= block


def _beside(part: _Part, frames: int, dtype: Dtype) -> NDArray[Any]:
    """The next frames of all files, their channels side by side."""
    if len(part.files) == 1 and part.piece.files[0].channel is None:
        return part.files[0].read(frames, dtype)
    columns = []
    for file, decoder in zip(part.piece.files, part.files, strict=True):
        channel = file.channel or 0
        if channel >= decoder.info.channels:
            raise ClipError(f"“{decoder.info.path.name}” has no channel {channel + 1}.", "Check the session's files.")
        columns.append(decoder.read(frames, dtype)[:, channel])
    return np.stack(columns, axis=1)


def _mark(selection: Selection) -> str:
    return _short_hash(f"{selection.request}\n{selection.session}")


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
