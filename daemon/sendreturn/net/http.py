"""The one module of the house that knows httpx. The rest of `net` builds on what is here.

httpx's exceptions become one, `NoAnswerError`, that says what went wrong and whether the request had begun by then. It
never carries httpx's own along: they hold the request, and with it the key.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx

from sendreturn.net.enclosed import Enclosed, EnclosedBody

CONNECT_TIMEOUT_S = 15.0
"""To reach one address and agree on TLS. A network that swallows packets is told within this."""

HttpError = httpx.HTTPError
"""What a call of `local_client` may raise."""


class Fault(StrEnum):
    """Why there is no answer."""

    NO_NAME = "no name"
    NO_CONNECTION = "no connection"
    NO_TRUST = "no trust"
    PROXY = "proxy"
    SLOW = "slow"
    CUT = "cut"
    NONSENSE = "nonsense"
    OURS = "ours"


FAULTS: Mapping[type[Exception], Fault] = {
    httpx.HTTPError: Fault.CUT,
    httpx.RequestError: Fault.CUT,
    httpx.TransportError: Fault.CUT,
    httpx.TimeoutException: Fault.SLOW,
    httpx.ConnectTimeout: Fault.NO_CONNECTION,
    httpx.ReadTimeout: Fault.SLOW,
    httpx.WriteTimeout: Fault.SLOW,
    httpx.PoolTimeout: Fault.NO_CONNECTION,
    httpx.NetworkError: Fault.CUT,
    httpx.ConnectError: Fault.NO_CONNECTION,
    httpx.ReadError: Fault.CUT,
    httpx.WriteError: Fault.CUT,
    httpx.CloseError: Fault.CUT,
    httpx.ProtocolError: Fault.NONSENSE,
    httpx.LocalProtocolError: Fault.OURS,
    httpx.RemoteProtocolError: Fault.NONSENSE,
    httpx.ProxyError: Fault.PROXY,
    httpx.UnsupportedProtocol: Fault.OURS,
    httpx.DecodingError: Fault.NONSENSE,
    httpx.TooManyRedirects: Fault.NONSENSE,
    httpx.HTTPStatusError: Fault.NONSENSE,
    httpx.InvalidURL: Fault.OURS,
    httpx.CookieConflict: Fault.OURS,
    httpx.StreamError: Fault.OURS,
    httpx.StreamConsumed: Fault.OURS,
    httpx.StreamClosed: Fault.OURS,
    httpx.ResponseNotRead: Fault.OURS,
    httpx.RequestNotRead: Fault.OURS,
    TimeoutError: Fault.SLOW,
}
"""What each exception stands for. A connection that fails is looked at more closely by `fault_of`."""


class NoAnswerError(Exception):
    """There is no whole answer.

    Attributes:
        began: Whether any part of the request may have reached the server.
        reason: For developers.
    """

    def __init__(self, fault: Fault, began: bool, reason: str) -> None:
        super().__init__(f"{fault}: {reason}")
        self.fault = fault
        self.began = began
        self.reason = reason


@dataclass(frozen=True)
class Part:
    """A file that goes out as a part of a form, read as it goes."""

    file: Path
    field: str
    name: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Order:
    """One request."""

    method: str
    url: str
    headers: Mapping[str, str]
    params: Mapping[str, Any] | None = None
    body: bytes | None = None
    part: Part | None = None
    enclosed: Enclosed | None = None


@dataclass(frozen=True)
class Patience:
    """How long and how much one exchange may take: in all once connected, of silence, and in bytes of the answer."""

    total_s: float
    silence_s: float
    most_bytes: int


@dataclass(frozen=True)
class Exchanged:
    """An answer as it came; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """Connections to one service. Redirects are not followed, and nothing is ever repeated.

    Args:
        keep_alive: False gives each request a connection of its own: a server that closes a kept one just then leaves
            it open whether the request arrived.
        use_proxies: Whether the proxies that the environment names are used.
    """

    def __init__(self, *, keep_alive: bool, use_proxies: bool) -> None:
        self._keep_alive = keep_alive
        self._use_proxies = use_proxies
        self._opened: httpx.AsyncClient | None = None

    async def exchange(
        self,
        order: Order,
        patience: Patience,
        on_sent: Callable[[], None] = lambda: None,
        about_to_send: Callable[[], None] = lambda: None,
    ) -> Exchanged:
        """Make one request.

        Args:
            on_sent: Called when its head has left.
            about_to_send: Called when the connection is there, before the first byte leaves; what it raises is raised,
                and nothing has left then.

        Raises:
            NoAnswerError: there is no whole answer.
            OSError: the file of the order cannot be read.
        """
        # To be cut off in the midst of TLS would leave the socket open: connecting has limits of its own, below this.
        deadline = asyncio.timeout(3 * _connect_s(patience))

        def begin() -> None:
            about_to_send()
            deadline.reschedule(asyncio.get_running_loop().time() + patience.total_s)

        trail = _Trail(on_sent, begin)
        try:
            async with deadline:
                return await self._exchange(order, patience, trail)
        except tuple(FAULTS) as error:
            fault = NoAnswerError(fault_of(error), trail.began, _reason(error))
        # Not inside the `except`, where httpx's error would become its context.
        raise fault

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    async def _exchange(self, order: Order, patience: Patience, trail: _Trail) -> Exchanged:
        if order.enclosed is not None:
            return await self._send_enclosed(order, order.enclosed, patience, trail)
        if order.part is None:
            return await self._ask(order, patience, trail, content=order.body)
        with order.part.file.open("rb") as file:
            files = {order.part.field: (order.part.name, file)}
            return await self._ask(order, patience, trail, files=files, data=dict(order.part.fields))

    async def _send_enclosed(self, order: Order, enclosed: Enclosed, patience: Patience, trail: _Trail) -> Exchanged:
        with enclosed.file.open("rb") as file:
            body = EnclosedBody(order.body or b"{}", enclosed.field, file)
            sized = replace(order, headers={**order.headers, "Content-Length": str(body.length)})
            return await self._ask(sized, patience, trail, content=body.pieces())

    async def _ask(self, order: Order, patience: Patience, trail: _Trail, **content: Any) -> Exchanged:
        timeout = httpx.Timeout(patience.silence_s, connect=_connect_s(patience), pool=None)
        async with self._client().stream(
            order.method,
            order.url,
            params=order.params or None,
            headers=order.headers,
            timeout=timeout,
            extensions={"trace": trail.note},
            **content,
        ) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Exchanged(answer.status_code, headers, await _body(answer, patience.most_bytes))

    def _client(self) -> httpx.AsyncClient:
        if self._opened is None:
            limits = httpx.Limits(max_connections=20, max_keepalive_connections=4 if self._keep_alive else 0)
            try:
                self._opened = httpx.AsyncClient(
                    verify=trusted(), trust_env=self._use_proxies, follow_redirects=False, limits=limits
                )
            except (ImportError, ValueError) as error:  # a proxy of a kind that httpx does not know, or needs more for
                raise NoAnswerError(Fault.PROXY, False, str(error)) from error
        return self._opened


class _Trail:
    """What httpcore tells of a request on its way: whether its first byte may have left, and when its head has."""

    def __init__(self, on_sent: Callable[[], None], on_begin: Callable[[], None]) -> None:
        self.began = False
        self._on_sent = on_sent
        self._on_begin = on_begin

    async def note(self, event: str, info: Mapping[str, Any]) -> None:
        if ".send_request_headers." not in event:  # of whatever version of HTTP
            return
        if info.get("request") is not None and info["request"].method == b"CONNECT":
            return  # to a proxy, which has not seen the request yet
        if event.endswith(".started"):
            self._on_begin()
            self.began = True
        else:
            self._on_sent()


def _connect_s(patience: Patience) -> float:
    return min(CONNECT_TIMEOUT_S, patience.total_s)


async def _body(answer: httpx.Response, most_bytes: int) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > most_bytes:
            raise NoAnswerError(Fault.NONSENSE, True, f"the answer is longer than {most_bytes} bytes")
    return bytes(body)


def fault_of(error: Exception) -> Fault:
    """What an exception of httpx stands for."""
    beneath = _chain(error)
    if isinstance(error, httpx.ConnectError):
        if any(isinstance(cause, ssl.SSLError) for cause in beneath):
            return Fault.NO_TRUST
        if any(isinstance(cause, socket.gaierror) for cause in beneath):
            return Fault.NO_NAME
    return next(FAULTS[kind] for kind in type(error).__mro__ if kind in FAULTS)


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__ or cause.__context__
    return found


def _reason(error: Exception) -> str:
    """An error's own words, but not those of h11 on our own headers, which quote them."""
    return type(error).__name__ if fault_of(error) is Fault.OURS else f"{type(error).__name__}: {error}"[:500]


@dataclass(frozen=True)
class Address:
    """A URL in its parts, as a connection needs them: ASCII, the host in lower case and without brackets.

    `target` is the path with the query; it may hold a signature, and is not told.
    """

    scheme: str
    host: str
    port: int
    target: str
    has_user: bool

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.target}"


def address_of(url: str, seen_from: Address | None = None) -> Address:
    """The parts of `url`, which may be relative to where it was seen.

    Raises:
        ValueError: it is none that HTTP knows.
    """
    try:
        parsed = httpx.URL(seen_from.url).join(url) if seen_from else httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError("not a URL") from error
    if parsed.scheme not in _PORTS or not parsed.host:
        raise ValueError("not an address of HTTP")
    host, target = parsed.raw_host.decode("ascii").lower(), parsed.raw_path.decode("ascii")
    return Address(parsed.scheme, host, parsed.port or _PORTS[parsed.scheme], target, bool(parsed.userinfo))


_PORTS = {"http": 80, "https": 443}


@functools.cache
def trusted() -> ssl.SSLContext:
    """Whom we trust: the operating system's certificates where truststore is installed, else certifi's."""
    try:
        truststore = importlib.import_module("truststore")
    except ImportError:
        return httpx.create_ssl_context()
    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return context


def local_client(address: str, token: str, patience_s: float) -> httpx.Client:
    """A client for the daemon of this machine."""
    # trust_env off: a proxy in the environment has no business between two programs of one machine.
    return httpx.Client(
        base_url=address,
        headers={"Authorization": f"Bearer {token}"},
        timeout=patience_s,
        trust_env=False,
        follow_redirects=False,
    )


def endless(connect_s: float) -> httpx.Timeout:
    """For a stream of events, in which silence means nothing."""
    return httpx.Timeout(connect_s, read=None)
