"""Dropped clips that turned out to be unusable after they were taken: they end where the user looks for the reason."""

from __future__ import annotations

from pathlib import Path

from sendreturn.sends import shelf
from sendreturn.sends.layout import REJECTED


def put_aside(clip: Path, found_at: Path | None, session: Path, hot_folder: str, sentence: str) -> Path | None:
    """Move a clip to `rejected` with its reason; returns where it lies, or None where it could not be moved.

    One that lies there already, because a crash came after it was moved, stays as it is.

    The clip may be on its way from where it was found to `sent` at this very moment, so both are looked at, twice.
    """
    places = [place for place in (clip, found_at, clip) if place is not None]
    rejected = session / hot_folder / REJECTED
    for place in places:
        if place.parent == rejected and place.exists():
            return place
        try:
            return shelf.reject(place, rejected, sentence)
        except OSError:
            continue
    return None
