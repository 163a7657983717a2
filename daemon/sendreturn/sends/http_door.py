"""Who may speak HTTP with the daemon: programs on this machine, and no page of a stranger in its browser."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from sendreturn.errors import UsageError
from sendreturn.net.addresses import plain_address

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_BODY_BYTES = 4 << 30
GUARDS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " object-src 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer: names of clips and words of services are foreign text, which no browser shall take for a page or a
script of ours, and no other page shall load or frame what is answered here."""


class Door:
    """Turns strangers away, and ends requests that are too large.

    A page that rebinds its own name to 127.0.0.1 still sends its own name as Host; a page that asks across sites sends
    its own address as Origin, or says so in Sec-Fetch-Site. Another machine can forge all of these, but not the address
    that it is answered at.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, send = Headers(scope=scope), _guarded(send)
        if _is_near(scope) and _is_ours(headers) and _is_no_strangers_page(headers):
            await self._app(scope, _limited(receive, headers), send)
            return
        error = {
            "what": "This address answers this machine only.",
            "hint": "Use http://127.0.0.1 with the daemon's port.",
        }
        await JSONResponse({"error": error}, 403)(scope, receive, send)


def _is_near(scope: Scope) -> bool:
    """Whether the other end of the connection is on this machine, also where the daemon listens to the network."""
    client = scope.get("client")
    if not client:
        return False
    return plain_address(client[0]).is_loopback


def _is_ours(headers: Headers) -> bool:
    hosts = headers.getlist("host")
    if len(hosts) != 1 or host_name(hosts[0]) not in LOOPBACK_NAMES:
        return False
    return all(origin.partition("://")[2] == hosts[0] for origin in headers.getlist("origin"))


def host_name(host: str) -> str | None:
    """The name in a Host header; None where the header holds anything but a name and a port."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and parts.username is None else None


def _is_no_strangers_page(headers: Headers) -> bool:
    """A link to the local page may stand anywhere; what a foreign page loads for itself gets nothing."""
    site = headers.get("sec-fetch-site", "none")
    return site in ("none", "same-origin") or headers.get("sec-fetch-dest") == "document"


def _guarded(send: Send) -> Send:
    async def send_some(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(GUARDS)
        await send(message)

    return send_some


def _limited(receive: Receive, headers: Headers) -> Receive:
    """`receive`, which raises a UsageError once the body is too large, or is announced to be."""
    announced = headers.get("content-length", "0")
    taken = int(announced) if announced.isdecimal() else 0
    if taken <= MOST_BODY_BYTES:
        taken = 0

    async def receive_some() -> Message:
        nonlocal taken
        message = await receive() if taken <= MOST_BODY_BYTES else {}
        taken += len(message.get("body", b""))
        if taken > MOST_BODY_BYTES:
            size = f"{MOST_BODY_BYTES / 2**30:g} GB"
            raise UsageError(f"The request is larger than {size}.", "Name the clip by its path instead.")
        return message

    return receive_some
