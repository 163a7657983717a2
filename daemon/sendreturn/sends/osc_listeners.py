"""Who hears what: subscribers, configured listeners, and whoever asked for a send."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from sendreturn.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendreturn.sends.osc_messages import Value

Address = tuple[str, int]
"""Host and port. IPv6 addresses have two numbers more, which sending does not need on one machine."""

log = logging.getLogger(__name__)

MAX_SUBSCRIBERS = 64
MAX_ASKERS = 4096
"""Sends whose askers are remembered; of older ones only subscribers hear."""


class Listeners:
    """Addresses that hear events. A subscription lasts until it is ended or the daemon stops.

    Attributes:
        always: The configured addresses that hear everything.
    """

    def __init__(self) -> None:
        self.always: tuple[Address, ...] = ()
        self._subscribers: dict[Address, None] = {}
        self._askers: OrderedDict[str, dict[Address, tuple[Value, ...]]] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        """Sends that listeners know to have been made."""

    def subscribe(self, address: Address) -> bool:
        """False where there are as many as there may be."""
        if address not in self._subscribers and len(self._subscribers) >= MAX_SUBSCRIBERS:
            return False
        self._subscribers[address] = None
        return True

    def unsubscribe(self, address: Address) -> None:
        self._subscribers.pop(address, None)

    @property
    def subscribers(self) -> tuple[Address, ...]:
        return tuple(self._subscribers)

    def asked(self, send_id: str, address: Address, echo: tuple[Value, ...]) -> None:
        """Whoever asked for a send hears of it, with its `req` echoed."""
        self._askers.setdefault(send_id, {})[address] = echo
        self._askers.move_to_end(send_id)
        if len(self._askers) > MAX_ASKERS:
            self._askers.popitem(last=False)

    def hear(self, send_id: str) -> Iterator[tuple[Address, tuple[Value, ...]]]:
        """Each address that hears of a send, once, with what is echoed to it."""
        askers = self._askers.get(send_id, {})
        for address in dict.fromkeys((*askers, *self._subscribers, *self.always)):
            yield address, askers.get(address, ())

    def hear_it_is_made(self, send_id: str) -> Iterator[Address]:
        """Who is still to hear that a send was made. Whoever asked for it has an answer of their own."""
        if send_id in self._known:
            return
        self._known[send_id] = None
        if len(self._known) > MAX_ASKERS:
            self._known.popitem(last=False)
        askers = self._askers.get(send_id, {})
        yield from (address for address in dict.fromkeys((*self._subscribers, *self.always)) if address not in askers)


def with_port(sender: Address, args: tuple[Any, ...]) -> Address:
    """The sender's address, with the port that it names; its own where it names none. Raises UsageError."""
    if not args:
        return sender
    try:
        port = int(float(args[0]))  # "9000.0", as some controllers write numbers
    except (TypeError, ValueError, OverflowError):
        port = 0
    if len(args) > 1 or not 1 <= port <= 65535:
        raise UsageError(f"{args[0]!r} is not a port.", "Give a number from 1 to 65535, or none for the sender's own.")
    return sender[0], port


async def resolved(endpoints: Sequence[str]) -> tuple[Address, ...]:
    """The addresses of "host:port"; a host that is not found is left out, with a line in the log."""
    found: list[Address] = []
    for endpoint in endpoints:
        host, _, port = endpoint.rpartition(":")
        try:
            infos = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)
        except (OSError, ValueError) as error:
            log.warning("osc.reply %s is not reached: %s", endpoint, error)
            continue
        found.append((str(infos[0][4][0]), int(infos[0][4][1])))
    return tuple(found)
