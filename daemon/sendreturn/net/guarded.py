"""One GET to a host of results, over a connection to an address that was checked.

This is httpcore, the layer below httpx, because only there a connection can be given an address: a name that is looked
up once for the check and once more for the connection may lead elsewhere the second time.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore

from sendreturn.net.hosts import Hosts
from sendreturn.net.http import CONNECT_TIMEOUT_S, Address, trusted

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Looks a name up: its IP addresses, in the order in which to try them. Raises OSError."""

TROUBLES = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
)
"""What `open_stream` and reading from it may raise; all of it may pass."""
NOT_CONNECTED = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError)
"""Those of them that tell nothing of the host, because it was not reached."""


@dataclass(frozen=True)
class Stream:
    """An answer of which the body is still to come; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the operating system."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@asynccontextmanager
async def open_stream(
    address: Address, headers: Mapping[str, str], hosts: Hosts, *, silence_s: float, resolve: Resolve = resolve
) -> AsyncIterator[Stream]:
    """Ask for what lies at `address`, without cookies or keys; redirects are not followed.

    Raises:
        ServiceError: the address leads where `hosts` does not want to go.
        Exception: one of TROUBLES.
    """
    url = httpcore.URL(scheme=address.scheme, host=address.host, port=address.port, target=address.target)
    timeouts = {"connect": CONNECT_TIMEOUT_S, "read": silence_s, "write": silence_s, "pool": silence_s}
    given = {"timeout": timeouts}
    async with (
        _pool(address, hosts, resolve) as pool,
        pool.stream("GET", url, headers=list(headers.items()), extensions=given) as answer,
    ):
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
        yield Stream(answer.status, names, answer.aiter_stream())


def _pool(address: Address, hosts: Hosts, resolve: Resolve) -> httpcore.AsyncConnectionPool:
    proxy = None if hosts.is_private(address.host, address.port) else _proxy_for(address)
    if proxy is None:
        return httpcore.AsyncConnectionPool(
            ssl_context=trusted(), max_connections=1, network_backend=_Guarded(hosts, resolve)
        )
    # Behind a proxy it is the proxy that looks the name up; what can be checked here is the name.
    hosts.check_ips(address.host, address.port, _literal(address.host))
    return proxy


def _proxy_for(address: Address) -> httpcore.AsyncHTTPProxy | None:
    url = getproxies().get(address.scheme, "")
    if not url.startswith(("http://", "https://")) or proxy_bypass(address.host):
        return None
    parts = urlsplit(url)
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return httpcore.AsyncHTTPProxy(bare, proxy_auth=user, ssl_context=trusted(), max_connections=1)


def _literal(host: str) -> list[str]:
    """The host itself where it is an IP address in any form that a system's resolver takes (decimal, octal, hex)."""
    try:
        return [socket.inet_ntoa(socket.inet_aton(host))]
    except OSError:
        return [host] if ":" in host else []


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to the very addresses that were looked at."""

    def __init__(self, hosts: Hosts, resolve: Resolve) -> None:
        self._hosts = hosts
        self._resolve = resolve
        self._beneath = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        ips = await self._look_up(host, port, timeout)
        self._hosts.check_ips(host, port, ips)
        share_s = None if timeout is None else timeout / len(ips)
        for ip in ips[:-1]:
            try:
                return await self._beneath.connect_tcp(ip, port, share_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._beneath.connect_tcp(ips[-1], port, share_s, local_address, socket_options)

    async def _look_up(self, host: str, port: int, timeout_s: float | None) -> Sequence[str]:
        try:
            async with asyncio.timeout(timeout_s):
                ips = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} was not found in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        if not ips:
            raise httpcore.ConnectError(f"{host} has no address")
        return ips
