"""One UDP port of this machine on which checked OSC comes in, and from which it goes out."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from pythonosc.osc_message_builder import OscMessageBuilder
from sendreturn.sends import osc_messages, osc_packets

from sendreturn_bridges.daws.bitwig.door import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendreturn.sends.osc_messages import Message

log = structlog.get_logger(__name__)

RETRY_S = 10.0
MOST_BYTES = 60_000
"""What UDP carries on one machine."""


class OscPort:
    """Hears what other programs of this machine send to a port.

    Args:
        port: Where to listen. One that is taken is tried again later.
        hear: Called with each message, on the event loop.
        tell: Told what is wrong with the port, and None when all is well.
        max_messages: The most that one packet may hold.
    """

    def __init__(
        self,
        port: int,
        hear: Callable[[Message], None],
        tell: Callable[[str | None], None],
        max_messages: int = osc_packets.MAX_MESSAGES,
    ) -> None:
        self._wanted = port
        self._hear = hear
        self._tell = tell
        self._max_messages = max_messages
        self._transport: asyncio.DatagramTransport | None = None
        self._retrying: asyncio.Task[None] | None = None

    @property
    def port(self) -> int | None:
        """The port that is listened on; None while it cannot be had."""
        return None if self._transport is None else int(self._transport.get_extra_info("sockname")[1])

    async def start(self) -> None:
        if not await self._listen():
            self._retrying = asyncio.create_task(self._listen_later())

    async def stop(self) -> None:
        if self._retrying is not None:
            self._retrying.cancel()
            with suppress(asyncio.CancelledError):
                await self._retrying
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            await asyncio.sleep(0)  # the transport closes its socket in the loop's next round

    def say(self, port: int, address: str, *args: str | float) -> None:
        """Send one message to a port of this machine; it may be lost."""
        builder = OscMessageBuilder(address)
        for arg in args:
            builder.add_arg(arg.replace("\0", "").encode("utf-8", "replace").decode() if isinstance(arg, str) else arg)
        packet = builder.build().dgram
        if self._transport is not None and not self._transport.is_closing() and len(packet) <= MOST_BYTES:
            self._transport.sendto(packet, (HOST, port))

    async def _listen(self) -> bool:
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Protocol(self._take), local_addr=(HOST, self._wanted)
            )
        except OSError as error:
            self._tell(f"OSC from Bitwig cannot be heard on port {self._wanted} ({error.strerror}). Free the port.")
            return False
        self._transport = transport
        self._tell(None)
        return True

    async def _listen_later(self) -> None:
        while self._transport is None:
            await asyncio.sleep(RETRY_S)
            await self._listen()

    def _take(self, data: bytes) -> None:
        reason = osc_packets.check(data, self._max_messages)
        if reason is not None:
            log.debug("a datagram is passed over", port=self._wanted, reason=reason)
            return
        for message in osc_messages.read(data):
            self._hear(message)


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._take(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there: Bitwig is not running."""
