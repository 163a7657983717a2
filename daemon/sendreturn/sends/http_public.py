"""What of this daemon the Internet may reach, where public_url is set: clips for services, and their call-backs.

    GET|HEAD /clips/{token}/{name}
    POST     /webhooks/{service}/{id}/{token}

Everything else, and whatever is wrong with a request, is answered with an empty 404.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from sendreturn.errors import SendReturnError
from sendreturn.net.media import media_type
from sendreturn.sends.http_door import LOOPBACK_NAMES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

log = structlog.get_logger(__name__)

FindClip = Callable[[str, str], Path | None]
"""The file behind a token and a name, or None."""
IsOurs = Callable[[str, str, str], bool]
"""Whether an address of service, send id and token was given out."""
OnCall = Callable[[str, str, Mapping[str, str], bytes], bool]
"""Takes a call-back (service, send id, headers in lower case, body) without delay; False where it is not genuine."""

MOST_CALL_BYTES = 1024 * 1024
CALL_TIMEOUT_S = 10.0
MOST_AT_ONCE = 16
"""Clips that are given out at the same time; uploads of a studio's lines carry no more."""
PUBLIC = ("/clips/", "/webhooks/")
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "cf-connecting-ip", "via")
"""What proxies and tunnels add: nobody on this machine sends these to us."""


class PublicSide:
    """An ASGI application that lets the Internet reach the two public routes, and everybody else `inner`.

    The public routes are for the host name of `public_url`, and for this machine. What arrives through a tunnel never
    reaches `inner`, even where the tunnel writes a loopback name into the request.
    """

    def __init__(self, inner: ASGIApp, public_url: str, clips: FindClip, is_ours: IsOurs, on_call: OnCall) -> None:
        parts = urlsplit(public_url)
        self._inner = inner
        self._name = parts.hostname or ""
        self._prefix = parts.path.rstrip("/")
        self._public = PublicRoutes(clips, is_ours, on_call).app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers = Headers(scope=scope)
        name = _name_in(headers)
        path = self._path(scope)
        if path.startswith(PUBLIC) and (name == self._name or name in LOOPBACK_NAMES):
            await self._public({**scope, "path": path, "raw_path": path.encode(), "root_path": ""}, receive, send)
        elif name == self._name not in LOOPBACK_NAMES or any(header in headers for header in FORWARDED):
            await _nothing()(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    def _path(self, scope: Scope) -> str:
        """The path below public_url, whether or not the proxy has taken the part before it away."""
        path: str = scope["path"]
        return path.removeprefix(self._prefix) if path.startswith(f"{self._prefix}/") else path


class PublicRoutes:
    """The two routes as an application (`app`)."""

    def __init__(
        self, clips: FindClip, is_ours: IsOurs, on_call: OnCall, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clips = clips
        self._is_ours = is_ours
        self._on_call = on_call
        self._given = _Rate(120, 60.0, clock)
        self._guessed = _Rate(60, 60.0, clock)
        self._called = _Rate(600, 60.0, clock)
        self._open = 0
        self.app = Starlette(
            routes=[
                Route("/clips/{token}/{name}", self._clip, methods=["GET"]),  # and HEAD, by Starlette's own rule
                Route("/webhooks/{service}/{id}/{token}", self._call, methods=["POST"]),
            ],
            exception_handlers={404: _tell_nothing, 405: _tell_nothing, ClientDisconnect: _tell_nothing},
        )
        self.app.router.redirect_slashes = False  # it would tell that something is there

    async def _clip(self, request: Request) -> Response:
        path = self._clips(request.path_params["token"], request.path_params["name"])
        if path is None:
            return self._nothing_here()
        if self._open >= MOST_AT_ONCE or not self._given.allows():
            return Response(status_code=429, headers={"Retry-After": "10"})
        try:
            found = await asyncio.to_thread(path.stat)
        except OSError:
            return self._nothing_here()
        headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
        return _Counted(self._count, path, stat_result=found, media_type=media_type(path), headers=headers)

    async def _call(self, request: Request) -> Response:
        service, send_id, token = (request.path_params[name] for name in ("service", "id", "token"))
        if not self._is_ours(service, send_id, token):
            return self._nothing_here()
        if not self._called.allows():
            return Response(status_code=429, headers={"Retry-After": "60"})
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                body = await _body(request)
        except TimeoutError:
            return Response(status_code=408)
        if body is None:
            return Response(status_code=413)
        try:
            genuine = self._on_call(service, send_id, {name.lower(): v for name, v in request.headers.items()}, body)
        except SendReturnError as error:  # the service cannot help it; the send goes on asking by itself
            log.warning("a call-back came to nothing", service=service, send=send_id, why=error.what)
            genuine = True
        return Response(status_code=200 if genuine else 401)

    def _nothing_here(self) -> Response:
        return _nothing() if self._guessed.allows() else Response(status_code=429, headers={"Retry-After": "60"})

    def _count(self, change: int) -> None:
        self._open += change


class _Counted(FileResponse):
    """A file, counted as long as it is on its way."""

    def __init__(self, count: Callable[[int], None], *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._count(1)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._count(-1)


class _Rate:
    """At most `most` in any `per_s` seconds."""

    def __init__(self, most: int, per_s: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._per_s = per_s
        self._clock = clock
        self._at_s: deque[float] = deque()

    def allows(self) -> bool:
        """Note one more, unless it is one too many."""
        now_s = self._clock()
        while self._at_s and self._at_s[0] <= now_s - self._per_s:
            self._at_s.popleft()
        if len(self._at_s) >= self._most:
            return False
        self._at_s.append(now_s)
        return True


async def _body(request: Request) -> bytes | None:
    """The body; None where it is larger than any call-back."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_CALL_BYTES:
            return None
    return body


def _name_in(headers: Headers) -> str | None:
    """The one host name that a request is for; None where there are several, or none that can be read."""
    hosts = headers.getlist("host")
    try:
        parts = urlsplit(f"//{hosts[0]}") if len(hosts) == 1 else None
    except ValueError:
        return None
    return parts.hostname if parts is not None and parts.netloc == hosts[0] and parts.username is None else None


def _nothing() -> Response:
    return Response(status_code=404)


async def _tell_nothing(request: Request, error: Exception) -> Response:
    return _nothing()
