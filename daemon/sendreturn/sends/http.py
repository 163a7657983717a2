"""The HTTP way in: JSON on the loopback, for the command line, DAW scripts and the local page (contract 6)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from sendreturn.contract import Manifest
from sendreturn.daws.contract import Note, Press, press_request
from sendreturn.errors import NotNow, Refusal, SendReturnError, Stalled, UnknownSend, UsageError
from sendreturn.sends.http_bodies import read_json, read_upload, wish_of
from sendreturn.sends.http_door import Door
from sendreturn.sends.http_events import CrowdedError, EventStreams
from sendreturn.sends.http_openapi import openapi
from sendreturn.sends.http_shapes import (
    full_shape,
    parse_press,
    parse_request,
    parse_waiting,
    service_shape,
    short_shape,
)
from sendreturn.sends.uploads import keep_upload
from sendreturn.sends.wish import Desk, Receipt, SendView
from sendreturn.words import State

if TYPE_CHECKING:
    from starlette.requests import Request

Endpoint = Callable[["Request"], Awaitable[Response]]
STATUS = {Refusal: 422, UsageError: 400, UnknownSend: 404, NotNow: 409, CrowdedError: 503, Stalled: 503}
"""HTTP status by the kind of error, the most particular first."""
PING_S = 3.0
"""A script inside a DAW looks into its mailbox a few times a second, and less often while the DAW is busy."""


class HttpDoor:
    """The HTTP interface as an ASGI application (`app`).

    Args:
        token: The local token, wanted for everything that changes something.
        health: What `/health` answers; called in a thread.
        manifests: The services that there are.
        hot_folder: Name of the sessions' hot folder; uploaded clips are kept in its `sent`.
        rescan: Has the folders looked through anew; called on the event loop.
        ping_daw: Asks the part inside a DAW for an answer within some seconds.
        press_daw: Has a DAW send what is selected in it.
        only_session: The session of uploads that name none, where there is only one.
    """

    def __init__(
        self,
        desk: Desk,
        token: str,
        health: Callable[[], dict[str, Any]],
        manifests: Callable[[], Mapping[str, Manifest]],
        hot_folder: str = "Sends",
        rescan: Callable[[], None] = lambda: None,
        ping_daw: Callable[[str, float], Awaitable[str | None]] | None = None,
        press_daw: Callable[[str, Press], Awaitable[Note]] | None = None,
        only_session: Callable[[], Path | None] = lambda: None,
    ) -> None:
        self._desk = desk
        self._token = token
        self._health = health
        self._manifests = manifests
        self._hot_folder = hot_folder
        self._rescan = rescan
        self._ping_daw = ping_daw or _no_daws
        self._press_daw = press_daw or _no_daws
        self._only_session = only_session
        self.streams = EventStreams(desk)
        self.app = Starlette(
            routes=self._routes(),
            middleware=[Middleware(Door)],
            exception_handlers={
                SendReturnError: _tell_error,
                HTTPException: _tell_http_error,
                ClientDisconnect: _tell_nobody,
                Exception: _tell_broken,
            },
        )

    def _routes(self) -> list[Route]:
        get, post = partial(Route, methods=["GET"]), partial(Route, methods=["POST"])
        change, turn = self._with_token, self._turn
        return [
            post("/api/sends", change(self._send)),
            get("/api/sends", self._list),
            get("/api/sends/{id}", self._show),
            post("/api/sends/approve", change(self._say_to_waiting(self._desk.approve_all))),
            post("/api/sends/cancel", change(self._say_to_waiting(self._desk.cancel_waiting))),
            post("/api/sends/{id}/cancel", change(turn(self._desk.cancel))),
            post("/api/sends/{id}/retry", change(turn(self._desk.retry))),
            post("/api/sends/{id}/approve", change(turn(self._desk.approve))),
            get("/api/services", self._list_services),
            get("/api/events", self._events),
            post("/api/rescan", change(self._look_again)),
            post("/api/daws/{name}/ping", change(self._ping)),
            post("/api/daws/{name}/press", change(self._press)),
            get("/health", self._tell_health),
            get("/openapi.json", self._openapi),
        ]

    async def _send(self, request: Request) -> Response:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            return await self._send_upload(request)
        wish = wish_of(parse_request(await read_json(request)))
        return _accepted(await run_in_threadpool(self._desk.accept, wish))

    async def _send_upload(self, request: Request) -> Response:
        async with read_upload(request, self._only_session) as (asked, session, audio):
            kept = await keep_upload(audio, session, self._hot_folder)
        try:
            receipt = await run_in_threadpool(self._desk.accept, wish_of(asked, kept, session))
        except UsageError:
            kept.unlink(missing_ok=True)  # no send knows of it, and the sender still has it
            raise
        if not receipt.is_new:
            kept.unlink(missing_ok=True)
        return _accepted(receipt)

    async def _list(self, request: Request) -> Response:
        state = request.query_params.get("state")
        if state is not None and state not in list(State):
            raise UsageError(f"There is no state {state!r}.", f"Known are {', '.join(State)}.")
        sends = await run_in_threadpool(self._desk.list, State(state) if state else None)
        return _json({"sends": [short_shape(send) for send in sends]})

    async def _show(self, request: Request) -> Response:
        return _json(full_shape(await run_in_threadpool(self._desk.get, request.path_params["id"])))

    def _turn(self, turn: Callable[[str], SendView]) -> Endpoint:
        async def answer(request: Request) -> Response:
            return _json(short_shape(await run_in_threadpool(turn, request.path_params["id"])))

        return answer

    def _say_to_waiting(self, say: Callable[[Path | None], Sequence[SendView]]) -> Endpoint:
        async def answer(request: Request) -> Response:
            asked = parse_waiting(await read_json(request))
            sends = await run_in_threadpool(say, Path(asked.session) if asked.session else None)
            return _json({"sends": [send.id for send in sends]})

        return answer

    async def _list_services(self, request: Request) -> Response:
        return _json({"services": [service_shape(manifest) for manifest in self._manifests().values()]})

    async def _events(self, request: Request) -> Response:
        return self.streams.open()

    async def _look_again(self, request: Request) -> Response:
        self._rescan()
        return _json({"rescan": True}, 202)

    async def _ping(self, request: Request) -> Response:
        return _json({"answer": await self._ping_daw(request.path_params["name"], PING_S)})

    async def _press(self, request: Request) -> Response:
        asked = parse_press(await read_json(request))
        press = Press(asked.operation, asked.params, press_request("http", asked.req or uuid4().hex))
        note = await self._press_daw(request.path_params["name"], press)
        if note.kind != "accepted":
            raise NotNow(note.text)
        return _json({"id": note.send_id, "state": note.state}, 202)

    async def _tell_health(self, request: Request) -> Response:
        return _json(await run_in_threadpool(self._health))

    async def _openapi(self, request: Request) -> Response:
        return _json(openapi())

    def _with_token(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not secrets.compare_digest(token.encode(), self._token.encode()):
                hint = "Send `Authorization: Bearer …` with the text of the file `token` in the state folder."
                return _error("This needs the local token.", hint, 401, {"WWW-Authenticate": "Bearer"})
            return await endpoint(request)

        return guarded


def _accepted(receipt: Receipt) -> Response:
    return _json({"id": receipt.send.id, "state": receipt.send.state.value}, 202)


def _json(table: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    # In ASCII, since names of files may hold bytes that are no text.
    return Response(json.dumps(table, allow_nan=False), status, headers, "application/json")


def _error(what: str, hint: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return _json({"error": {"what": what, "hint": hint}}, status, headers)


async def _tell_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SendReturnError)
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    return _error(error.what, error.hint, status)


async def _tell_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = {404: f"There is nothing at {request.url.path}.", 405: f"{request.url.path} does not take {request.method}."}
    what = told.get(error.status_code, f"{error.detail.rstrip('.')}.")
    return _error(what, "/openapi.json lists what there is.", error.status_code, error.headers)


async def _no_daws(name: str, *_: object) -> Any:
    raise UsageError(f"There is no bridge for {name!r}.", "`sendreturn bridge list` shows all that there are.")


async def _tell_nobody(request: Request, error: Exception) -> Response:
    """Whoever asked has hung up before the request was whole; this answer reaches nobody."""
    return _error("The request broke off.", "Send it again.", 400)


async def _tell_broken(request: Request, error: Exception) -> Response:
    return _error("Something is wrong inside sendreturn.", "The log in the state folder says where.", 500)
