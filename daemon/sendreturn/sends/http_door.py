"""Who may speak HTTP with the daemon: programs on this machine, and no page of a stranger in its browser."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})


class Door:
    """Turns away requests whose Host or Origin is not this machine.

    A page that rebinds its own name to 127.0.0.1 still sends its own name as Host; a page that posts across sites sends
    its own address as Origin.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_ours(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        error = {
            "what": "This address answers this machine only.",
            "hint": "Use http://127.0.0.1 with the daemon's port.",
        }
        await JSONResponse({"error": error}, 403)(scope, receive, send)


def _is_ours(headers: Headers) -> bool:
    hosts = headers.getlist("host")
    origins = headers.getlist("origin")
    return len(hosts) == 1 and _is_loopback(f"//{hosts[0]}") and all(_is_loopback(origin) for origin in origins)


def _is_loopback(address: str) -> bool:
    try:
        parts = urlsplit(address)
        name, has_user = parts.hostname, parts.username is not None
        _ = parts.port
    except ValueError:
        return False
    return name in LOOPBACK_NAMES and not has_user
