"""What a MIDI file here may hold."""

from __future__ import annotations

from sendreturn.errors import ClipError

MAX_NOTES = 200_000
"""More than a thousand notes a minute for three hours; anything above is a fault and would choke a DAW."""
MAX_FILE_BYTES = 2 * 1024 * 1024
"""A file of `MAX_NOTES` notes is about this large. Checked before parsing, which is slow and takes a lot of memory."""
MAX_TEMPO_US = 0xFFFFFF
"""A tempo event holds microseconds per quarter note in three bytes (Standard MIDI Files 1.0)."""


def too_many(what: str) -> ClipError:
    """The error for more than `MAX_NOTES` notes; `what` says of what there are so many."""
    return ClipError(f"{what}, and a MIDI file here may hold at most {MAX_NOTES:,}.", "Use a shorter clip.")
