"""What a DAW's project file says about its session, and how one that says nothing is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from sendreturn.errors import SendReturnError
from sendreturn.project_files.tempo_map import TempoMap, is_signature, is_tempo

T = TypeVar("T")

MAX_CHANGES = 20_000
"""A tempo change on every beat for two hours and more; anything above is a fault."""
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8000, 384_000


class Unreadable(SendReturnError):  # noqa: N818 - a state of affairs, as its siblings in errors.py
    """A project file that cannot be used: half written, damaged, far too large, or of no kind that is known here.

    `what` is the end of a sentence that begins with the file's name ("is damaged").
    """


@dataclass(frozen=True)
class Project:
    """What is known of a session from its project file; None where the file does not say.

    Attributes:
        daw: The program that wrote it, for people.
    """

    daw: str
    sample_rate_hz: int | None = None
    tempo_map: TempoMap | None = None


def number(text: str | None) -> float:
    """A finite number. Raises Unreadable for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unreadable("is damaged", detail=f"expected a number, found {text!r}")
    return value


def tempo(text: str | None) -> float:
    """A tempo that music can have. Raises Unreadable for anything else."""
    bpm = number(text)
    if not is_tempo(bpm):
        raise Unreadable("is damaged", detail=f"expected a tempo, found {text!r}")
    return bpm


def signature(numerator: float, denominator: float) -> tuple[int, int]:
    """A time signature that music can have. Raises Unreadable for anything else."""
    upper, lower = round(numerator), round(denominator)
    if not is_signature(upper, lower):
        raise Unreadable("is damaged", detail=f"expected a time signature, found {upper}/{lower}")
    return upper, lower


def sample_rate(text: str | None) -> int | None:
    """A rate in Hz, or None where there is none that audio can have."""
    rate = number(text) if text else 0.0
    return round(rate) if LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ else None


def checked_count(changes: Sequence[T]) -> Sequence[T]:
    """The changes of a map. Raises Unreadable where there are absurdly many."""
    if len(changes) > MAX_CHANGES:
        raise Unreadable(f"holds more than {MAX_CHANGES:,} tempo changes")
    return changes
