"""Noticing that the computer has slept, or that the process was stopped: what happened meanwhile was not heard of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

TICK_S = 5.0
LATE_S = 20.0
"""More than any pause that a busy computer makes. A clock that is set forward looks the same, and costs one look."""

log = structlog.get_logger(__name__)


async def watch_for_wake(
    on_wake: Callable[[], Awaitable[object]],
    *,
    tick_s: float = TICK_S,
    late_s: float = LATE_S,
    wall: Callable[[], float] = time.time,
    steady: Callable[[], float] = time.monotonic,
) -> None:
    """Call `on_wake` whenever far more time has passed than this has waited. Runs until it is cancelled.

    Both clocks are looked at: the steady one stands still while Linux and macOS sleep, and goes on while the process
    alone is stopped.
    """
    before = wall(), steady()
    while True:
        await asyncio.sleep(tick_s)
        now = wall(), steady()
        away_s = max(now[0] - before[0], now[1] - before[1]) - tick_s
        if away_s > late_s:
            log.info("awake again", away_s=round(away_s))
            await on_wake()
            now = wall(), steady()
        before = now
