# sendreturn-bridge @VERSION@
"""What is needed of Live's own module, in one place.

Signatures as Live 12.4 tells them of itself. Live reports what it refuses (a frozen track, a full slot, a file that is
no audio) with RuntimeError, wrong arguments with a TypeError of Boost.Python, and what the edition does not have (Live
Lite has 8 tracks) with a LimitationError of its own.
"""

from __future__ import annotations

from typing import Any

import Live

REFUSALS = (RuntimeError, TypeError, ValueError, getattr(Live.Base, "LimitationError", RuntimeError))


class Refused(Exception):
    """What the user wants cannot be; the sentence says why, and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def application() -> Any:
    return Live.Application.get_application()


def version() -> str:
    """Such as "12.1.5"."""
    live = application()
    return f"{live.get_major_version()}.{live.get_minor_version()}.{live.get_bugfix_version()}"


def note(pitch: int, start_beat: float, beats: float, velocity: int) -> Any:
    return Live.Clip.MidiNoteSpecification(
        pitch=pitch, start_time=start_beat, duration=beats, velocity=float(velocity), mute=False
    )


def warp_marker(second: float, beat: float) -> Any:
    """A second of a file that is to be heard at a beat of its clip."""
    return Live.Clip.WarpMarker(second, beat)


def forward_note(script: int, midi_map: int, channel: int, number: int) -> None:
    """Have Live hand this note to the script, and to nothing else. Channels count from 0."""
    Live.MidiMap.forward_midi_note(script, midi_map, channel, number)


def forward_control(script: int, midi_map: int, channel: int, number: int) -> None:
    Live.MidiMap.forward_midi_cc(script, midi_map, channel, number)
