"""Gates: while the key or the credits of a service are missing, its sends wait, and one of them tries now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import structlog

from sendreturn.words import HELD

log = structlog.get_logger(__name__)

FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 120.0


class Door(StrEnum):
    """What a service is asked for: a look may be free to those who have no credits left."""

    MAKE = "make"
    LOOK = "look"


class Waiting(Protocol):
    """Who stands before a gate."""

    async def until(self, event: asyncio.Event, most_s: float) -> None: ...

    def tell(self, fraction: float, text: str = "") -> None: ...


class Gate:
    """Of one service, for one kind of request. An answer about key or credits closes it, a good one opens it.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, service: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.why = ""
        """Why it is closed, as a sentence; empty while it is open."""
        self._service = service
        self._clock = clock
        self._pause_s = FIRST_PAUSE_S
        self._next_s = 0.0
        self._moved = asyncio.Event()

    def close(self, why: str) -> bool:
        """Have all others wait. Returns whether it was open, so that it is told once."""
        was_open = not self.why
        if was_open:
            self._pause_s = FIRST_PAUSE_S
            self._next_s = self._clock() + FIRST_PAUSE_S
            log.warning("sends wait for key or credits", service=self._service, why=why)
        self.why = why
        return was_open

    def open(self) -> None:
        """A request has gone well: let everybody through."""
        if self.why:
            log.info("sends go on", service=self._service)
            self.why = ""
            self._move()

    def knock(self) -> None:
        """The user has done something about it: the next one need not wait before it tries."""
        if self.why:
            self._next_s = self._clock()
            self._move()

    async def passed(self, run: Waiting) -> bool:
        """Wait until it is open, or until it is this one's turn to try; returns whether there was a wait."""
        waited = False
        while self.why:
            left_s = self._next_s - self._clock()
            if left_s <= 0:
                self._next_s = self._clock() + self._pause_s
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
                return waited
            waited = True
            run.tell(0.0, f"{HELD}{self.why}")
            await run.until(self._moved, left_s)
        return waited

    def _move(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


class Gates:
    """The gates of all services."""

    def __init__(self) -> None:
        self._gates: dict[tuple[str, Door], Gate] = {}

    def of(self, service: str, door: Door) -> Gate:
        return self._gates.setdefault((service, door), Gate(service))

    def knock(self, service: str) -> None:
        for door in Door:
            self.of(service, door).knock()

    def closed(self) -> list[str]:
        """Why sends wait, one sentence for each service and reason."""
        return list(dict.fromkeys(gate.why for gate in list(self._gates.values()) if gate.why))
