"""What clips are called outside."""

from __future__ import annotations

import re
from pathlib import Path

_TYPES = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".aiff": "audio/aiff",
    ".aif": "audio/aiff",
}


def media_type(clip: Path) -> str:
    """The content type of a clip, by its suffix. The operating system's own table differs between computers."""
    return _TYPES.get(clip.suffix.lower(), "application/octet-stream")


def public_name(clip: Path) -> str:
    """A name for a clip that tells nothing of the user's: "clip.wav"."""
    suffix = clip.suffix.lower()
    return f"clip{suffix}" if re.fullmatch(r"\.[a-z0-9]{1,5}", suffix) else "clip"
