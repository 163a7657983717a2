"""Zeroconf: names our ports to programs that look for OSC, on this machine alone unless OSC is heard on the network.

`_osc._udp` is the OSC port, `_oscjson._tcp` the OSCQuery server.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil

from sendreturn.net.addresses import plain_address

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME_BYTES = 63
"""A name of DNS is no longer."""
_IP_BOUND_IF = 25
"""Of netinet/in.h on macOS."""


class Announcement:
    """What is announced, until it is ended.

    Args:
        host: Where OSC is heard, as in the settings.
        osc_port, query_port: The ports.
        version: Told along.
    """

    def __init__(self, host: str, osc_port: int, query_port: int, version: str) -> None:
        self._host = host
        self._services = {"_osc._udp.local.": osc_port, "_oscjson._tcp.local.": query_port}
        self._version = version
        self._zeroconf: Any = None
        self._tasks: list[asyncio.Task[Any]] = []

    async def begin(self) -> None:
        """Return when it is announced, which takes about two seconds.

        Raises:
            ImportError: the library is not installed.
            OSError: the network cannot be used.
            zeroconf.Error: somebody answers in a way that cannot be.
        """
        from zeroconf import IPVersion, ServiceInfo
        from zeroconf.asyncio import AsyncZeroconf

        addresses = announced_addresses(self._host)
        version = IPVersion.V6Only if ":" in addresses[0] else IPVersion.V4Only
        self._zeroconf = AsyncZeroconf(interfaces=addresses, ip_version=version)
        if all(plain_address(address).is_loopback for address in addresses):
            await self._zeroconf.zeroconf.async_wait_for_start()
            keep_to_loopback(self._zeroconf.zeroconf)
        for kind, port in self._services.items():
            info = ServiceInfo(
                kind,
                f"{instance_name()}.{kind}",
                port=port,
                parsed_addresses=addresses,
                properties={"txtvers": "1", "version": self._version},
                server=f"sendreturn-{port}-{_machine()}.local.",
            )
            self._tasks.append(await self._zeroconf.async_register_service(info, allow_name_change=True))
        await asyncio.gather(*self._tasks)

    async def end(self) -> None:
        """Say goodbye, so that nobody goes on showing us."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._zeroconf is not None:
            await self._zeroconf.async_close()


def keep_to_loopback(zeroconf: Any) -> None:
    """Have its ears closed to the network: it joins groups on the chosen interfaces only, but it listens at 0.0.0.0.

    Where the system has no way to do that, another machine that asks this one directly learns of a port that it cannot
    reach.
    """
    for reader in zeroconf.engine.readers:
        if sys.platform == "linux":
            with suppress(OSError):  # an old kernel lets only root do it
                reader.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        elif sys.platform == "darwin":
            with suppress(OSError):
                reader.sock.setsockopt(socket.IPPROTO_IP, _IP_BOUND_IF, socket.if_nametoindex("lo0"))


def instance_name() -> str:
    """What programs show."""
    return f"sendreturn on {_machine()}"


def announced_addresses(host: str) -> list[str]:
    """The addresses of this machine under which a host of the settings is reached, all of one family."""
    found = _address_of(host)
    if not found.is_unspecified:
        return [str(found)]
    return list(_own_addresses()) or ["127.0.0.1"]


def _address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return plain_address(host)
    except ValueError:
        return plain_address(str(socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0][4][0]))


def _own_addresses() -> Iterator[str]:
    """Those of the network around us: IPv4, which every program that looks for OSC knows."""
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    for name, addresses in psutil.net_if_addrs().items():
        for address in addresses:
            if name in up and address.family == socket.AF_INET and not plain_address(address.address).is_loopback:
                yield address.address


def _machine() -> str:
    name = socket.gethostname().partition(".")[0] or "this computer"
    return name.encode("utf-8")[: NAME_BYTES - 24].decode("utf-8", "ignore")
