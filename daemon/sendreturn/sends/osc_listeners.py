"""Who hears what: subscribers, configured listeners, and whoever asked for a send."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendreturn.sends.osc_messages import Value

Address = tuple[str, int]
"""Host and port. IPv6 addresses have two numbers more, which sending does not need on one machine."""

MAX_SUBSCRIBERS = 64
MAX_ASKERS = 4096
"""Sends whose askers are remembered; of older ones only subscribers hear."""


class Listeners:
    """Addresses that hear events. A subscription lasts until it is ended or the daemon stops.

    Args:
        always: The configured addresses that hear everything.
    """

    def __init__(self) -> None:
        self.always: tuple[Address, ...] = ()
        self._subscribers: dict[Address, None] = {}
        self._askers: OrderedDict[str, dict[Address, tuple[Value, ...]]] = OrderedDict()

    def subscribe(self, address: Address) -> bool:
        """False where there are as many as there may be."""
        if address not in self._subscribers and len(self._subscribers) >= MAX_SUBSCRIBERS:
            return False
        self._subscribers[address] = None
        return True

    def unsubscribe(self, address: Address) -> None:
        self._subscribers.pop(address, None)

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
