"""A service's rate limit, kept by all requests to it together."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

MARGIN_S = 0.05
"""Added to the window: two requests may spend unequal time in the network after they have left here."""

Left = Callable[[], None]


class Limiter:
    """At most `requests` in any window of `per_s` seconds; in the order of asking, but urgent ones go before others.

    A request counts from the moment at which it leaves, not from the one at which it may: between the two lies the
    connection, and the service counts what arrives. The libraries that were looked at fill a bucket that leaks, which
    lets nearly twice as many through in some windows (aiolimiter 1.3), or keep no order among those who wait.

    Args:
        requests: 0 stands for no limit.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        requests: int,
        per_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._requests = requests if per_s > 0 else 0
        self._per_s = per_s + MARGIN_S
        self._clock = clock
        self._sleep = sleep
        self._leaving = 0
        self._left_at: deque[float] = deque()
        self._one_left = asyncio.Event()
        self._line = asyncio.Lock()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def slot(self, *, urgent: bool = False) -> AsyncIterator[Left]:
        """Wait for one's turn. Call what is given as soon as the request has left; at the latest it counts at the end.

        Args:
            urgent: Waits for at most one of those that are not: a user waits for it, not a poll.
        """
        if not self._requests:
            yield _nothing
            return
        await self._take(urgent)
        has_left = False

        def left() -> None:
            nonlocal has_left
            if not has_left:
                has_left = True
                self._note_left()

        try:
            yield left
        finally:
            left()

    async def _take(self, urgent: bool) -> None:
        async with AsyncExitStack() as places:
            if not urgent:
                await places.enter_async_context(self._line)
            await places.enter_async_context(self._turn)
            await self._wait_for_room()
            self._leaving += 1

    async def _wait_for_room(self) -> None:
        while self._leaving + len(self._left_at) >= self._requests:
            if not self._left_at:
                self._one_left.clear()
                await self._one_left.wait()
                continue
            pause_s = self._left_at[0] + self._per_s - self._clock()
            if pause_s > 0:
                await self._sleep(pause_s)
            else:
                self._left_at.popleft()

    def _note_left(self) -> None:
        self._leaving -= 1
        self._left_at.append(self._clock())
        self._one_left.set()


def _nothing() -> None:
    pass
