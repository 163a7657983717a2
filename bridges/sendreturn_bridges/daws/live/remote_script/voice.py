# sendreturn-bridge @VERSION@
"""Speaks to the user in Live's status bar, which is one line: sentences follow each other, progress waits."""

from __future__ import annotations

from collections import deque
from typing import Any, Callable

READ_S = 4.0
MOST_WAITING = 8


class Voice:
    """What is said is also written to Live's log."""

    def __init__(self, c_instance: Any, clock: Callable[[], float]) -> None:
        self._live, self._clock = c_instance, clock
        self._waiting: deque[str] = deque(maxlen=MOST_WAITING)
        self._shown_at = -READ_S
        self._muttered = ""

    def say(self, sentence: str) -> None:
        """Something that is to be read."""
        self._live.log_message(f"sendreturn: {sentence}")
        self._waiting.append(sentence)
        self.go_on()

    def mutter(self, text: str) -> None:
        """Something that may be missed."""
        if text != self._muttered and not self._is_busy:
            self._muttered = text
            self._live.show_message(f"sendreturn: {text}")

    def go_on(self) -> None:
        """Show the next sentence where the last one had its time."""
        if self._waiting and not self._is_busy:
            self._shown_at = self._clock()
            self._live.show_message(f"sendreturn: {self._waiting.popleft()}")

    @property
    def _is_busy(self) -> bool:
        return self._clock() - self._shown_at < READ_S
