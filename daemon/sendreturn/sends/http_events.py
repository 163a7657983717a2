"""Server-sent events: every open page or program gets its own bounded queue of what happens."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError

from sendreturn.errors import SendReturnError
from sendreturn.sends.http_shapes import event_shape

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import Receive, Scope, Send

    from sendreturn.sends.wish import Desk, Event

MOST_STREAMS = 64
MOST_WAITING = 1000
"""A reader that is further behind than this is dropped; it opens the stream again and asks for the list."""
PING_S = 15
SEND_TIMEOUT_S = 30.0
"""A reader that takes nothing for so long is gone."""

Message = dict[str, Any]


class CrowdedError(SendReturnError):
    """As many event streams are open as there may be."""


class EventStreams:
    """The open streams of one daemon."""

    def __init__(self, desk: Desk) -> None:
        self._queues: set[asyncio.Queue[Message | None]] = set()
        self.stop_hearing: Callable[[], None] = desk.subscribe(self._hear)

    def open(self) -> EventStream:
        """A new stream. Raises CrowdedError."""
        if len(self._queues) >= MOST_STREAMS:
            raise CrowdedError(f"{MOST_STREAMS} event streams are open already.", "Close one of them.")
        queue: asyncio.Queue[Message | None] = asyncio.Queue()
        self._queues.add(queue)
        return EventStream(queue, lambda: self._queues.discard(queue))

    def end(self) -> None:
        """End every stream."""
        for queue in self._queues:
            queue.put_nowait(None)

    def _hear(self, event: Event) -> None:
        name, data = event_shape(event)
        message = {"event": name, "data": json.dumps(data)}
        for queue in list(self._queues):
            if queue.qsize() >= MOST_WAITING:
                self._queues.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(message)


class EventStream(EventSourceResponse):
    """The answer that one queue is read into. However it ends, `on_end` is called."""

    def __init__(self, queue: asyncio.Queue[Message | None], on_end: Callable[[], None]) -> None:
        super().__init__(_messages(queue), ping=PING_S, send_timeout=SEND_TIMEOUT_S)
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except* SendTimeoutError:
            pass
        finally:
            self._on_end()


async def _messages(queue: asyncio.Queue[Message | None]) -> AsyncIterator[Message]:
    while (message := await queue.get()) is not None:
        yield message
