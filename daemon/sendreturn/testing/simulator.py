"""The base of every simulator: a server on this machine that speaks a music service's wire format.

A simulator for a service is a subclass, named `SIMULATOR` in its module. It gives `routes`, its service's ways to say
no (`say_no`), and `make`, which turns a task into what the service would return. The base keeps what all services have:
a key, credits and a ledger, tasks that take a while, a clip library, a file server on a port of its own, and faults.

    class Echo(Simulator):
        name = "echo"

        def routes(self) -> Sequence[BaseRoute]:
            return [self.paid("/v1/make", self._make), self.looked("/v1/tasks/{id}", self._task)]

        async def _make(self, request: Request) -> Response:
            asked = await self.body(request)
            if not asked.get("prompt"):
                raise Answer(self.say_no(400, "prompt is required"))
            return JSONResponse({"task_id": self.begin(request, "make", asked, credits=10).id})
"""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from sendreturn.audio.buffer import Audio
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.sends.http_server import HttpServer
from sendreturn.testing.answers import Answer, json_error
from sendreturn.testing.audio_maker import AudioMaker, traits_of
from sendreturn.testing.calling import post_json
from sendreturn.testing.faults import Faults, Handler, mark_billed
from sendreturn.testing.hearing import Ears, Heard
from sendreturn.testing.media import Media, MediaFile, Unfetchable, fetch_clip
from sendreturn.testing.switches import Switches
from sendreturn.testing.things import Billed, Song, Task

__all__ = ["Answer", "Billed", "Heard", "MediaFile", "Simulator", "Song", "Task", "Unfetchable", "json_error"]

HOST = "127.0.0.1"
DUMMY_KEY = "simulated-key"
CONTROL = "/_simulator"
PATIENCE_S = 10.0
T = TypeVar("T")


class Simulator:
    """A service on a loopback port.

    Args:
        switches: Values that differ from the defaults.
        key: The API key that is taken.
        credits: What is on the account.
        life: Goes into the ids. With the same one a simulator gives the same ids again, which no service does.

    Attributes:
        name: The service's folder name.
        urls: Configuration key → path on the API server, for everything that is not at `base_url` alone.
        own_switches: The service's own switches with their defaults.
        ledger: Every billed request, in order.
        requests: Every request that came in, to either server.
        tasks: By id.
        songs: By id.
        has_billed: Set from the first billed request on.
    """

    name: ClassVar[str] = ""
    urls: ClassVar[Mapping[str, str]] = {"base_url": ""}
    own_switches: ClassVar[Mapping[str, object]] = {}

    def __init__(
        self,
        switches: Mapping[str, object] | None = None,
        *,
        key: str = DUMMY_KEY,
        credits: float = 10_000.0,  # noqa: A002
        life: str = "",
    ) -> None:
        self.switches = Switches(self.own_switches, switches or {})
        self.key = key
        self.balance = float(credits)
        self.ledger: list[Billed] = []
        self.requests: list[Heard] = []
        self.tasks: dict[str, Task] = {}
        self.songs: dict[str, Song] = {}
        self.maker = AudioMaker()
        self.has_billed = asyncio.Event()
        self.address = ""
        self.media: Media
        self.folder: Path
        self._life = life
        self._numbers = itertools.count(1)
        self._stopping = asyncio.Event()
        self._faults = Faults(self.switches, self.say_no, self._stopping)
        self._work: set[asyncio.Task[Any]] = set()

    # What a service's simulator gives

    def routes(self) -> Sequence[BaseRoute]:
        """The service's paths: made with `paid`, `looked` and `free`."""
        return []

    def say_no(self, status: int, reason: str) -> Response:
        """The service's way to say that something is wrong; used for common troubles too (401, 429, 500, 503)."""
        return json_error(status, error=reason)

    def no_credits(self) -> Response:
        """What the service says where the account is empty."""
        return self.say_no(402, "Not enough credits.")

    async def make(self, task: Task) -> Any:
        """What comes of a task, made when its time has come; kept as its `result`. A SendReturnError fails the task."""
        return None

    async def ended(self, task: Task) -> None:
        """Called once when a task has ended by a look: the place for a webhook."""

    # Running

    @asynccontextmanager
    async def running(self, port: int = 0, media_port: int = 0) -> AsyncIterator[str]:
        """Serve on loopback until the block ends; gives the address. Port 0 takes a free one."""
        with self.in_memory() as (api, media):
            doors = [HttpServer(api, HOST, port), HttpServer(media, HOST, media_port)]
            self.address, self.media.base = (f"http://{HOST}:{door.port}" for door in doors)
            try:
                for door in doors:
                    await door.start()
                yield self.address
            finally:
                self._stopping.set()
                for work in list(self._work):
                    work.cancel()
                await self.idle()
                await asyncio.gather(*(door.stop() for door in doors))

    @contextmanager
    def in_memory(self) -> Iterator[tuple[ASGIApp, ASGIApp]]:
        """The API and the file server without sockets, for whoever brings the requests; who does sets the addresses."""
        with tempfile.TemporaryDirectory(prefix="sendreturn-simulator-") as folder:
            self.folder = Path(folder)
            self.media = Media(self.folder, self.switches)
            self._stopping.clear()
            yield self._ears(self._app(), "api"), self._ears(self.media.app, "media")

    @property
    def settings(self) -> dict[str, Any]:
        """What a user's configuration says of a service to reach this simulator instead."""
        addresses = {name: f"{self.address}{path}" for name, path in self.urls.items()}
        return {**addresses, "media_hosts": [self.media.base.removeprefix("http://")]}

    # Routes

    def paid(self, path: str, handler: Handler) -> Route:
        """A POST that is billed, unless the handler says no. It wants the key, and has such requests' faults."""
        return Route(path, self._guarded(self._faults.of_paid_requests(handler)), methods=["POST"])

    def looked(self, path: str, handler: Handler, methods: Sequence[str] = ("GET",)) -> Route:
        """A question how a task stands. It wants the key, and meets the faults of looks."""
        return Route(path, self._guarded(self._faults.of_looks(handler)), methods=list(methods))

    def free(self, path: str, handler: Handler, methods: Sequence[str] = ("GET",)) -> Route:
        """Anything else that wants the key."""
        return Route(path, self._guarded(self._faults.of_free_requests(handler)), methods=list(methods))

    # Helpers for handlers

    def require_bearer(self, request: Request) -> None:
        """Let only `Authorization: Bearer <key>` pass; override where a service wants its key elsewhere."""
        if not self.key_ok(request):
            raise Answer(self.say_no(401, "Invalid or missing API key."))

    def key_ok(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.key}"

    async def body(self, request: Request) -> dict[str, Any]:
        """The JSON object of a request; another body is refused with 400."""
        try:
            value = json.loads(await request.body())
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Answer(self.say_no(400, "The body must be a JSON object."))
        return value

    def new_id(self) -> str:
        """An id as services give them (a UUID)."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.name}/{self._life}{next(self._numbers)}"))

    def billed(self, request: Request, call: str, credits: float) -> None:  # noqa: A002
        """Take credits from the account, and write the ledger on; answers `no_credits` where they are not there."""
        if credits > self.balance:
            raise Answer(self.no_credits())
        self.balance -= credits
        mark_billed(request)
        self.has_billed.set()
        self.ledger.append(Billed(call, credits, time.time(), self.key_ok(request)))

    def refund(self, call: str, credits: float) -> None:  # noqa: A002
        self.balance += credits
        self.ledger.append(Billed(f"refund of {call}", -credits, time.time(), key_ok=True))

    def begin(self, request: Request, kind: str, asked: Mapping[str, Any], credits: float = 0.0) -> Task:  # noqa: A002
        """Bill a request and begin a task for it. The switches say how long it takes and how it ends."""
        self.billed(request, kind, credits)
        seconds, looks = float(self.switches["seconds"]), int(self.switches["looks"])
        task = Task(self.new_id(), kind, asked, credits, looks, outcome=str(self.switches.take("fail_task")))
        if seconds > 0:
            task.ready_at = task.begun_at + seconds
        self.tasks[task.id] = task
        return task

    async def look(self, task_id: str) -> Task | None:
        """The task, as this look finds it: with its `result` where it is ready. None where there is no such task."""
        task = self.tasks.get(task_id)
        if task is None:
            return None
        task.looked += 1
        if task.progress >= 1 and not task.is_settled:
            task.settling = task.settling or self._in_background(self._settle(task))
            # What takes longer to make is found unfinished by this look, as a real service would say.
            await asyncio.wait({task.settling}, timeout=PATIENCE_S)
        return task

    async def add_clip(self, path: Path, *, kind: str = "upload", title: str = "", **more: Any) -> Song:
        """Put an uploaded file into the library, as it is. Raises ClipError where it is no audio."""
        audio = await self.maker.read(path)
        return await self._add(path, f"{title or kind}{path.suffix or '.wav'}", audio.duration_s, kind, title, more)

    async def add_song(
        self, audio: Audio, *, kind: str = "", title: str = "", codec: str | None = None, **more: Any
    ) -> Song:
        """Encode audio as the switches say (or as `codec`), and put it into the library; `more` are fields of Song."""
        made = await self.maker.encode(audio, traits_of(self.switches, codec))
        return await self._add(
            made.data, f"{title or kind or 'audio'}{made.suffix}", made.duration_s, kind, title, more
        )

    async def read_song(self, song: Song) -> Audio:
        return await self.maker.read(song.file.path)

    async def add_file(self, data: bytes, name: str) -> MediaFile:
        """Put a file that is no song on the file server: MIDI, a picture, a video."""
        return await asyncio.to_thread(self.media.keep, data, name)

    def address_of(self, song: Song | MediaFile) -> str:
        """Where it can be fetched at this moment. Ask anew for every answer: an address may have expired."""
        return self.media.address(song.file if isinstance(song, Song) else song)

    async def take_clip(self, address: str) -> Path:
        """The clip at an address that the user of the service has given, as a file.

        Raises:
            Unfetchable: with the reason.
        """
        own = self.media.at(address)
        if own is not None:
            return own.path
        target = self.folder / f"clip-{uuid.uuid4().hex}"
        await fetch_clip(address, target, probe_with_head=bool(self.switches["probe_with_head"]))
        return target

    def call_back(self, url: str, body: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a webhook, in the background; one that does not get through is given up, as services do in the end."""
        self._in_background(post_json(url, body, headers or {}))

    async def idle(self) -> None:
        """Wait until every webhook has been sent, and everything made that is being made."""
        await asyncio.gather(*self._work, return_exceptions=True)

    # Inside

    async def _add(
        self, data: bytes | Path, name: str, duration_s: float, kind: str, title: str, more: Mapping[str, Any]
    ) -> Song:
        file = await asyncio.to_thread(self.media.keep, data, name, duration_s)
        song = Song(self.new_id(), file, duration_s, kind, title, **more)
        self.songs[song.id] = song
        return song

    async def _settle(self, task: Task) -> None:
        """Make what the task was for; where that fails, give the credits back."""
        if not task.outcome:
            try:
                task.result = await self.make(task)
            except SendReturnError as error:
                task.outcome = error.sentence
        if task.outcome:
            self.refund(task.kind, task.credits)
        task.is_settled = True
        await self.ended(task)

    def _in_background(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        running = asyncio.create_task(work)
        self._work.add(running)
        running.add_done_callback(self._work.discard)
        return running

    def _app(self) -> Starlette:
        control = [
            Route("/switches", self._show_switches, methods=["GET"]),
            Route("/switches", self._set_switches, methods=["POST"]),
            Route("/ledger", self._show_ledger, methods=["GET"]),
        ]
        routes = [Mount(CONTROL, routes=control), *self.routes()]
        return Starlette(routes=routes, exception_handlers={ClientDisconnect: self._tell_nobody})

    async def _tell_nobody(self, _request: Request, _error: Exception) -> Response:
        """Whoever asked has hung up before the request was whole; this answer reaches nobody."""
        return self.say_no(400, "The request broke off.")

    def _ears(self, app: ASGIApp, door: str) -> Ears:
        return Ears(app, door, self.key, self._hear)

    def _hear(self, heard: Heard) -> None:
        if not heard.path.startswith(CONTROL):
            self.requests.append(heard)

    def _guarded(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            try:
                self.require_bearer(request)
                return await handler(request)
            except Answer as given:
                return given.response
            except Unfetchable as problem:
                return self.say_no(400, f"Audio URL is not accessible: {problem}")

        return answer

    async def _show_switches(self, _request: Request) -> Response:
        return JSONResponse(dict(self.switches))

    async def _set_switches(self, request: Request) -> Response:
        try:
            self.switches.update(await request.json())
        except (ValueError, TypeError, UsageError) as problem:
            return json_error(400, error=str(problem))
        return JSONResponse(dict(self.switches))

    async def _show_ledger(self, _request: Request) -> Response:
        lines = [{"call": line.call, "credits": line.credits, "at": line.at} for line in self.ledger]
        return JSONResponse({"balance": self.balance, "ledger": lines})
