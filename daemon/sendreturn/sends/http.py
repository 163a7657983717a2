"""The HTTP way in: JSON on the loopback, for the command line, DAW scripts and the local page (contract 6)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sendreturn.errors import NotNow, Refusal, SendReturnError, UnknownSend, UsageError
from sendreturn.sends.http_door import Door
from sendreturn.sends.http_events import EventStreams
from sendreturn.sends.http_shapes import SendRequest, full_shape, openapi, parse_request, service_shape, short_shape
from sendreturn.sends.uploads import keep_upload
from sendreturn.sends.wish import Desk, Origin, SendView, Wish
from sendreturn.words import State

if TYPE_CHECKING:
    from starlette.requests import Request

Health = Callable[[], dict[str, Any]]
Services = Callable[[], list[Any]]
MOST_JSON_BYTES = 256 * 1024
STATUS = {Refusal: 422, UsageError: 400, UnknownSend: 404, NotNow: 409}
"""HTTP status by the kind of error, the most particular first."""


class HttpDoor:
    """The HTTP interface as an ASGI application (`app`).

    Args:
        token: The local token, wanted for everything that changes something.
        health: What `/health` answers.
        hot_folder: Name of the sessions' hot folder; uploaded clips are kept in its `sent`.
        rescan: Has the folders looked through anew.
    """

    def __init__(
        self,
        desk: Desk,
        token: str,
        health: Health,
        services: Services,
        hot_folder: str = "Sends",
        rescan: Callable[[], None] = lambda: None,
    ) -> None:
        self._desk = desk
        self._token = token
        self._health = health
        self._services = services
        self._hot_folder = hot_folder
        self._rescan = rescan
        self.streams = EventStreams(desk)
        self.app = Starlette(
            routes=self._routes(),
            middleware=[Middleware(Door)],
            exception_handlers={SendReturnError: _tell_error, HTTPException: _tell_http_error},
        )

    def _routes(self) -> list[Route]:
        change = self._with_token
        return [
            Route("/api/sends", change(self._send), methods=["POST"]),
            Route("/api/sends", self._list, methods=["GET"]),
            Route("/api/sends/{id}", self._show, methods=["GET"]),
            Route("/api/sends/{id}/cancel", change(self._ask("cancel")), methods=["POST"]),
            Route("/api/sends/{id}/retry", change(self._ask("retry")), methods=["POST"]),
            Route("/api/sends/{id}/approve", change(self._ask("approve")), methods=["POST"]),
            Route("/api/services", self._list_services, methods=["GET"]),
            Route("/api/events", self._events, methods=["GET"]),
            Route("/api/rescan", change(self._look_again), methods=["POST"]),
            Route("/health", self._tell_health, methods=["GET"]),
            Route("/openapi.json", self._openapi, methods=["GET"]),
        ]

    async def _send(self, request: Request) -> Response:
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            wish = await self._uploaded(request)
        else:
            wish = _wish(parse_request(await _json(request)))
        receipt = await run_in_threadpool(self._desk.accept, wish)
        return JSONResponse({"id": receipt.send.id, "state": receipt.send.state.value}, 202)

    async def _uploaded(self, request: Request) -> Wish:
        async with request.form(max_files=1, max_fields=20) as form:
            audio = form.get("audio") or form.get("file")
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            if audio is None or isinstance(audio, str):
                raise UsageError("The upload holds no audio.", "Send the file as the part named audio.")
            asked = parse_request({**fields, "path": audio.filename or "clip.wav", "params": _params(fields)})
            if asked.session is None:
                raise UsageError("An upload needs a session.", "Name the session folder in the part named session.")
            kept = await keep_upload(audio, Path(asked.session), self._hot_folder)
        return _wish(asked, kept)

    async def _list(self, request: Request) -> Response:
        state = request.query_params.get("state")
        if state is not None and state not in State.__members__.values():
            raise UsageError(f"There is no state {state!r}.", f"Known are {', '.join(State)}.")
        sends = await run_in_threadpool(self._desk.list, State(state) if state else None)
        return JSONResponse({"sends": [short_shape(send) for send in sends]})

    async def _show(self, request: Request) -> Response:
        return JSONResponse(full_shape(await run_in_threadpool(self._desk.get, request.path_params["id"])))

    def _ask(self, verb: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            work: Callable[[str], SendView] = getattr(self._desk, verb)
            send = await run_in_threadpool(work, request.path_params["id"])
            return JSONResponse(short_shape(send))

        return answer

    async def _list_services(self, request: Request) -> Response:
        return JSONResponse({"services": [service_shape(manifest) for manifest in self._services()]})

    async def _events(self, request: Request) -> Response:
        return EventSourceResponse(self.streams.open(), ping=15)

    async def _look_again(self, request: Request) -> Response:
        self._rescan()
        return JSONResponse({"rescan": True}, 202)

    async def _tell_health(self, request: Request) -> Response:
        return JSONResponse(self._health())

    async def _openapi(self, request: Request) -> Response:
        return JSONResponse(openapi())

    def _with_token(
        self, endpoint: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not secrets.compare_digest(token.encode(), self._token.encode()):
                hint = (
                    "Send the header `Authorization: Bearer …` with the text of the file `token` in the state folder."
                )
                return _error("This needs the local token.", hint, 401)
            return await endpoint(request)

        return guarded


def _wish(asked: SendRequest, clip: Path | None = None) -> Wish:
    path = clip or (Path(asked.path).expanduser() if asked.path else None)
    if path is not None and not path.is_absolute():
        raise UsageError(
            f"{asked.path} is not a full path.", "The daemon does not know your folder: give the full path."
        )
    return Wish(
        operation=asked.operation,
        clip=path,
        session=Path(asked.session).expanduser() if asked.session else None,
        service=asked.service,
        params=asked.params,
        origin=Origin.HTTP,
        key=f"http:{asked.req}" if asked.req else None,
    )


async def _json(request: Request) -> dict[str, Any]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_JSON_BYTES:
            raise UsageError(f"The request is larger than {MOST_JSON_BYTES // 1024} KB.", "Name the clip by its path.")
    return _object(body, "The request")


def _params(fields: dict[str, str]) -> dict[str, Any]:
    return _object(fields["params"].encode(), "The part named params") if "params" in fields else {}


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{what} is not JSON.", "Send a JSON object.", str(error)) from error
    if not isinstance(value, dict):
        raise UsageError(f"{what} is not a JSON object.", 'Send {"path": …, "operation": …}.')
    return value


async def _tell_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SendReturnError)
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    return _error(error.what, error.hint, status)


async def _tell_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(f"{error.detail}.", "/openapi.json lists what there is.", error.status_code)


def _error(what: str, hint: str, status: int) -> Response:
    return JSONResponse({"error": {"what": what, "hint": hint}}, status)
