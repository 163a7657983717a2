"""Who may send OSC: this machine, and with the token the machines that the configuration allows."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendreturn.net.addresses import plain_address

if TYPE_CHECKING:
    from sendreturn.sends.osc_messages import Message

KEY = "token"


@dataclass(frozen=True)
class Senders:
    """Who may send.

    Attributes:
        allow: Networks of other machines; where there are none, this machine alone may send.
        token: What the messages of other machines must end with, as a pair of the key `token` and this text.
    """

    allow: tuple[str, ...] = ()
    token: str = ""

    def admits(self, host: str) -> bool:
        """Whether a datagram from this address is looked at at all."""
        address = plain_address(host)
        if address.is_loopback:
            return True
        return any(address in ipaddress.ip_network(network) for network in self.allow)

    def admitted(self, message: Message, host: str) -> Message | None:
        """The message without its token; None where the token is wanted and is not right."""
        *head, key, given = (None, None, *message.args)
        has_token = len(message.args) >= 2 and key == KEY
        is_right = has_token and bool(self.token) and _is_same(str(given), self.token)
        if not is_right and not plain_address(host).is_loopback:
            return None
        return replace(message, args=tuple(head[2:])) if has_token else message


def _is_same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), token.encode())
