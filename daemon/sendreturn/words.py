"""The words of the house, as types: what a send is, the states it goes through, what comes back.

Inside the type system times are plain floats in seconds and rates plain ints in hertz, with the unit in the name.
"""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import NewType

SendId = NewType("SendId", str)
"""Eight lower-case hexadecimal digits."""


def new_send_id() -> SendId:
    return SendId(secrets.token_hex(4))


class State(StrEnum):
    """Where a send stands. The order is the natural way of a send."""

    QUEUED = "queued"
    PREPARING = "preparing"
    WAITING_APPROVAL = "waiting_approval"
    SUBMITTING = "submitting"
    GENERATING = "generating"
    FETCHING = "fetching"
    FINISHING = "finishing"
    DELIVERING = "delivering"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"
    """The request may or may not have reached a paid service. Only the user's word (`retry`) repeats it."""

    @property
    def ended(self) -> bool:
        return self in ENDED


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED, State.UNCERTAIN})

OPERATIONS = (
    "extend",
    "cover",
    "inpaint",
    "stems",
    "midi",
    "generate",
    "remaster",
    "add_vocals",
    "add_instrumental",
    "concat",
    "mashup",
    "lyrics",
    "sample",
    "persona",
    "vox",
    "timed_lyrics",
    "tags",
    "bpm",
    "wav",
    "video",
    "cover_art",
)
OPERATION_ALIASES = {"upload_extend": "extend", "upload-extend": "extend", "upload_cover": "cover"}
HOT_OPERATIONS = ("extend", "cover", "inpaint", "stems", "midi")
"""The operations that get a hot folder in every session."""


class Kind(StrEnum):
    """What one return is."""

    MIX = "mix"
    TAIL = "tail"
    HEAD = "head"
    STEM = "stem"
    MIDI = "midi"
    LYRICS = "lyrics"
    IMAGE = "image"
    VIDEO = "video"


STEMS = (
    "vocals",
    "backing_vocals",
    "drums",
    "bass",
    "guitar",
    "keyboard",
    "percussion",
    "strings",
    "synth",
    "fx",
    "brass",
    "woodwinds",
    "instrumental",
    "other",
)

HELD = "Waiting: "
"""So begins the text of a send that waits until the user has set the key or the credits of its service right."""

TEMP_PREFIX = ".sendreturn-"
"""Names that begin so are ours while a file is being written; every watcher of ours passes them over."""

MIDI_PPQ = 960
"""Pulses per quarter note of every MIDI file that we write."""
