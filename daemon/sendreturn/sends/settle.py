"""When a file is finished: unchanged for the settle time, no writer left, and its header agrees with its length.

Everything here is arithmetic on sightings and a clock that is handed in, so that no test has to wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

UNFINISHED_AFTER_S = 600.0
"""A file that may still be in the making, though nothing happens to it, is given up after this long."""
WRITER_PATIENCE_S = 60.0
"""So long a quiet file that a program still holds open for writing is left alone; some editors never close theirs."""
PAUSE_MAX_S = 30.0
PAUSE_GROWTH = 1.5
USELESS_AFTER_SETTLES = 10.0
"""A file that is empty or no audio at all may still be in the making for this many settle times."""
UNATTENDED_AFTER_SETTLES = 30.0
"""A file whose header promises more than is there, and that nobody writes any more, is given up after so many."""


@dataclass(frozen=True)
class Sighting:
    """What tells one state of a file from another without reading it."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Sighting:
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ino)


@dataclass(frozen=True)
class Unready:
    """Why a quiet file cannot be taken yet.

    Attributes:
        sentence: What the user is told when patience is over.
        patience_s: How long the file may stay like this, counted from its last change.
    """

    sentence: str
    patience_s: float


@dataclass(frozen=True)
class Wait:
    """Look again at `until_s` on the clock."""

    until_s: float


@dataclass(frozen=True)
class Take:
    """The file is finished."""


@dataclass(frozen=True)
class GiveUp:
    """The file will not become usable; the sentence says why."""

    sentence: str


Decision = Wait | Take | GiveUp


class Settling:
    """One file's way from the first sighting to being taken.

    Args:
        settle_s: How long the file must have been unchanged.
    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._seen: object = None
        self._since_s = 0.0
        self._pause_s = settle_s

    def look(self, now_s: float, sighting: object, judge: Callable[[float], Unready | None]) -> Decision:
        """Decide what to do with the file as it is now.

        Args:
            now_s: The time on a clock that never jumps.
            sighting: Whatever compares equal as long as nothing has changed.
            judge: Called with the seconds of quiet, once the settle time is over; None means that the file is usable.
        """
        if sighting != self._seen:
            self._seen, self._since_s, self._pause_s = sighting, now_s, max(self._settle_s, 0.05)
        quiet_s = now_s - self._since_s
        if quiet_s < self._settle_s:
            return Wait(self._since_s + self._settle_s)
        unready = judge(quiet_s)
        if unready is None:
            return Take()
        return self._wait_or_give_up(now_s, quiet_s, unready)

    def _wait_or_give_up(self, now_s: float, quiet_s: float, unready: Unready) -> Decision:
        if quiet_s >= unready.patience_s:
            return GiveUp(unready.sentence)
        until_s = min(now_s + self._pause_s, self._since_s + unready.patience_s)
        self._pause_s = min(self._pause_s * PAUSE_GROWTH, PAUSE_MAX_S)
        return Wait(until_s)
