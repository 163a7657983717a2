"""Verify: what was fetched is read to its end before it counts; a transport cannot tell half a file from a whole."""

from __future__ import annotations

from pathlib import Path

from sendreturn.audio.decode import open_decoder
from sendreturn.contract import Made
from sendreturn.engine.pieces import AUDIO
from sendreturn.errors import SendReturnError
from sendreturn.words import Kind

SLACK_S = 0.5
"""Services round, and encoders pad to whole frames: a frame of MP3 has 26 ms, their delay 50 ms."""
SLACK_PART = 0.005
MOST_MIDI_BYTES = 8 * 1024**2
"""A million events; reading them makes objects of a hundred times their size."""


class DamagedError(SendReturnError):
    """A file that cannot be used as it came; `what` says what is wrong with it, as the end of a sentence."""


class FlawedError(DamagedError):
    """A file that is worth having as it is, where no better one can be had."""


class ShortError(FlawedError):
    """A file that can be read to its end, which comes before the one that the service has stated."""


class UnreadableNotesError(FlawedError):
    """A MIDI file that we cannot read; it was paid for, and another program may."""


def verify(path: Path, made: Made) -> str:
    """Read the file at `path` to its end, in pieces; returns a sentence where it is longer than stated, else "".

    Raises:
        DamagedError: it cannot be read to its end.
        ShortError: it can, but it is shorter than the service says.
        UnreadableNotesError: it is MIDI, and cannot be read.
    """
    if path.stat().st_size == 0:
        raise DamagedError("it is empty")
    if made.kind is Kind.MIDI:
        _check_midi(path)
    if made.kind not in AUDIO:
        return ""
    try:
        length_s = _decoded_s(path)
    except SendReturnError as error:
        raise DamagedError("it cannot be read to its end", detail=f"{error.what} {error.detail}".strip()) from error
    return _against_stated(length_s, made.duration_s)


def _against_stated(length_s: float, stated_s: float | None) -> str:
    slack_s = max(SLACK_S, SLACK_PART * (stated_s or 0.0))
    if stated_s is None or abs(length_s - stated_s) <= slack_s:
        return ""
    told = f"it is {length_s:.2f} s long, and the service says {stated_s:.2f} s"
    if length_s < stated_s:
        raise ShortError(told)
    return told


def _decoded_s(path: Path) -> float:
    with open_decoder(path) as decoder:
        for _ in decoder.blocks():
            pass
        return decoder.info.duration_s


def _check_midi(path: Path) -> None:
    import mido

    if path.stat().st_size > MOST_MIDI_BYTES:
        raise DamagedError("it is larger than any MIDI file")
    try:
        mido.MidiFile(path, clip=True)
    except (OSError, EOFError, ValueError, LookupError) as error:
        raise UnreadableNotesError("it is no MIDI file that can be read to its end", detail=str(error)) from error
