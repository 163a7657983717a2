"""Server-sent events: every open page or program gets its own bounded queue of what happens."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from sendreturn.errors import NotNow
from sendreturn.sends.http_shapes import event_shape

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sendreturn.sends.wish import Desk, Event

MOST_STREAMS = 64
MOST_WAITING = 1000
"""A reader that is further behind than this is dropped; it opens the stream again and asks for the list."""


class EventStreams:
    """The open streams of one daemon."""

    def __init__(self, desk: Desk) -> None:
        self._queues: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self._end: Callable[[], None] = desk.subscribe(self._hear)

    def open(self) -> AsyncIterator[dict[str, Any]]:
        """A new stream; raises NotNow where too many are open."""
        if len(self._queues) >= MOST_STREAMS:
            raise NotNow(f"{MOST_STREAMS} event streams are open already.", "Close one of them.")
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._queues.add(queue)
        return self._read(queue)

    def close(self) -> None:
        """End every stream."""
        self._end()
        for queue in self._queues:
            queue.put_nowait(None)

    async def _read(self, queue: asyncio.Queue[dict[str, Any] | None]) -> AsyncIterator[dict[str, Any]]:
        try:
            while (message := await queue.get()) is not None:
                yield message
        finally:
            self._queues.discard(queue)

    def _hear(self, event: Event) -> None:
        name, data = event_shape(event)
        message = {"event": name, "data": json.dumps(data)}
        for queue in list(self._queues):
            if queue.qsize() >= MOST_WAITING:
                self._queues.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(message)
