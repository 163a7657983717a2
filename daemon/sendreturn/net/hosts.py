"""The hosts that results may come from: what is checked of their names, and of the addresses behind the names.

An address in an answer of a service, or in a redirect, is a stranger's wish to have this machine ask somewhere. Without
these checks it could reach the router, the cloud's metadata service or a program on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.addresses import is_public
from sendreturn.net.http import Address, address_of

HOW_TO_ALLOW = "If you trust it, name it under `media_hosts` of the service in the configuration."


class Hosts:
    """Which hosts results may come from.

    Args:
        allowed: "host" (at its usual port), "host:port", "*.example.com" for its subdomains, "*" for any. They must lie
            on the open Internet, and are asked with TLS only.
        private: "host" or "host:port" that the user has named: these may lie on this machine or the network around it,
            and may be asked without TLS.
    """

    def __init__(self, allowed: Sequence[str], private: Sequence[str] = ()) -> None:
        self._allowed = tuple(_split(entry) for entry in allowed)
        self._private = tuple(_split(entry) for entry in private)

    def check(self, url: str, seen_from: Address | None = None) -> Address:
        """The parts of an address from which a result may be taken.

        Raises:
            ServiceError: nothing may be taken from there; with Outcome.GIVE_UP.
        """
        try:
            address = address_of(url, seen_from)
        except ValueError as error:
            raise _refusal("The service gave an address of a result that is none.", str(error)) from error
        if address.has_user:
            raise _refusal(f"The address of a result, at {address.host}, holds a user name; it was not asked.")
        if self.is_private(address.host, address.port):
            return address
        if address.scheme != "https":
            raise _refusal(f"The result lies at {address.host}, without TLS; it was not fetched.", hint=HOW_TO_ALLOW)
        if not any(_fits(entry, address.host, address.port, 443) for entry in self._allowed):
            where = address.host if address.port == 443 else f"{address.host}:{address.port}"
            raise _refusal(f"The result lies at {where}, where results do not come from.", hint=HOW_TO_ALLOW)
        return address

    def check_ips(self, host: str, port: int, ips: Sequence[str]) -> None:
        """Look at the addresses that a connection to `host` would go to.

        Raises:
            ServiceError: one of them lies on this machine or the network around it, and the user has not named it.
        """
        if not self.is_private(host, port) and not all(is_public(ip) for ip in ips):
            raise _refusal(
                f"{host} leads to this machine or the network around it; it was not asked.", hint=HOW_TO_ALLOW
            )

    def is_private(self, host: str, port: int) -> bool:
        """Whether the user has named this host."""
        return any(_fits(entry, host, port, None) for entry in self._private)


def hosts_for(media_hosts: Sequence[str], options: Mapping[str, Any]) -> Hosts:
    """The hosts of a service: those of its manifest, and those that the user has named as `media_hosts` or `*_url`."""
    named = [str(entry) for entry in options.get("media_hosts") or ()]
    for name, url in options.items():
        if name.endswith("_url") and url:
            address = address_of(str(url))
            named.append(
                f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"
            )
    return Hosts(media_hosts, named)


def _split(entry: str) -> tuple[str, int | None]:
    """ "host:port" in its parts; the port is None where none is named."""
    text = entry.strip().casefold()
    host, colon, port = text.rpartition(":")
    has_port = bool(colon) and port.isdigit() and (":" not in host or host.endswith("]"))
    name = host if has_port else text
    return name.strip("[]").rstrip("."), int(port) if has_port else None


def _fits(entry: tuple[str, int | None], host: str, port: int, usual_port: int | None) -> bool:
    name, wanted = entry
    host = host.casefold().rstrip(".")
    port_fits = wanted == port if wanted is not None else usual_port in (None, port)
    name_fits = name in ("*", host) or (name.startswith("*.") and host.endswith(name[1:]))
    return port_fits and name_fits


def _refusal(what: str, detail: str = "", hint: str = "") -> ServiceError:
    return ServiceError(what, hint, detail, Outcome.GIVE_UP)
