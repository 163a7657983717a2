"""What a simulator hears: every request is noted, without its secrets, and a connection can be broken off."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECRET_HEADERS = frozenset({"authorization", "cookie", "x-api-key", "proxy-authorization"})
HANG_UP = "sendreturn.hang_up"
HEARD = "sendreturn.heard"


@dataclass
class Heard:
    """One request.

    Attributes:
        door: Which of the simulator's servers it came to: "api" or "media".
        host: The Host header.
        path: With the query.
        headers: Lower-case names; the values of secret ones are "…".
        status: None until it is answered, and where the connection was broken off.
        had_credentials: Whether it had one of the secret headers.
        had_key: Whether the API key stood anywhere in it: address, headers or body.
        key_elsewhere: Whether it stood anywhere but in a secret header.
        body_bytes: How much of a body has come.
        is_paid: Whether it is one of those that may be billed.
        is_broken_off: Whether the connection was broken off on purpose.
        at: By the monotonic clock.
    """

    door: str
    method: str
    host: str
    path: str
    headers: dict[str, str]
    status: int | None = None
    had_credentials: bool = False
    had_key: bool = False
    body_bytes: int = 0
    is_paid: bool = False
    key_elsewhere: bool = False
    is_broken_off: bool = False
    at: float = field(default_factory=time.monotonic)


class Ears:
    """An ASGI application around another one, which writes down what comes in.

    Args:
        note: Is given every request when it begins; what is learned later is set on the same object.
    """

    def __init__(self, app: ASGIApp, door: str, key: str, note: Callable[[Heard], None]) -> None:
        self._app = app
        self._door = door
        self._key = key
        self._note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        heard = self._begin(scope)
        scope[HANG_UP] = _hang_up(receive, send, heard)
        await self._app(scope, self._listening(receive, heard), _telling(send, heard))

    def _begin(self, scope: Scope) -> Heard:
        headers = Headers(scope=scope)
        query = scope["query_string"].decode("latin-1")
        path = scope["path"] + (f"?{query}" if query else "")
        shown = {name: "…" if name in SECRET_HEADERS else value for name, value in headers.items()}
        heard = Heard(self._door, scope["method"], headers.get("host", ""), path, shown)
        heard.had_credentials = not SECRET_HEADERS.isdisjoint(headers.keys())
        heard.key_elsewhere = self._key in path or any(self._key in value for value in shown.values())
        heard.had_key = heard.key_elsewhere or any(self._key in value for value in headers.values())
        scope[HEARD] = heard
        self._note(heard)
        return heard

    def _listening(self, receive: Receive, heard: Heard) -> Receive:
        key, rest = self._key.encode(), b""

        async def listen() -> Message:
            nonlocal rest
            message = await receive()
            if message["type"] == "http.request":
                body = message.get("body", b"")
                heard.body_bytes += len(body)
                if key in rest + body:
                    heard.had_key = heard.key_elsewhere = True
                rest = (rest + body)[-len(key) :]
            return message

        return listen


def note_paid(request: Request) -> None:
    """Note that this is a request that may be billed."""
    request.scope[HEARD].is_paid = True


async def hang_up(request: Request) -> None:
    """Break the connection off without an answer; returns when the other side cannot hear us any more."""
    await request.scope[HANG_UP]()


def _telling(send: Send, heard: Heard) -> Send:
    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start" and not heard.is_broken_off:
            heard.status = message["status"]
        await send(message)

    return tell


def _hang_up(receive: Receive, send: Send, heard: Heard) -> Callable[[], Awaitable[None]]:
    async def break_off() -> None:
        # ASGI has no word for this. uvicorn's `send` is a method of the object that holds the connection.
        heard.is_broken_off = True
        send.__self__.transport.abort()  # type: ignore[attr-defined]
        while (await receive())["type"] != "http.disconnect":
            pass

    return break_off
