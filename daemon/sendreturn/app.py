"""The daemon: its parts, started in order and stopped in reverse."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp

from sendreturn import __version__
from sendreturn.card import Card, note_start, remove_card, write_card
from sendreturn.daws.wiring import daws_of, links_of
from sendreturn.errors import Stalled, UsageError
from sendreturn.house import House
from sendreturn.places import Places
from sendreturn.sends.folder import FolderWays, open_arrivals
from sendreturn.sends.http import HttpDoor
from sendreturn.sends.http_public import PublicSide
from sendreturn.sends.http_server import HttpServer
from sendreturn.sends.wiring import discovery, folder_ways, osc_door
from sendreturn.settings import Settings
from sendreturn.signals import stop_asked
from sendreturn.wake import watch_for_wake

log = structlog.get_logger(__name__)


class Daemon:
    """One daemon on one state folder. `start` it, let it run, `stop` it; both are done on one event loop."""

    def __init__(self, settings: Settings, places: Places, env: Mapping[str, str] = os.environ) -> None:
        self.house = House(settings, places, env)
        self.settings = settings
        self.places = places
        self.problems: dict[str, str] = {}
        """What is wrong at the moment, a sentence by topic."""
        self._stops: list[Callable[[], Awaitable[None]]] = [self.house.stop]
        self._looking: asyncio.Future[None] | None = None
        self.public_port: int | None = None
        """The port of its own on which services are answered; None where there is none."""

    async def start(self) -> None:
        """Start every part. What has started stops again where a later one fails."""
        try:
            await self._start_parts()
        except BaseException:
            await self.stop()
            raise

    async def _start_parts(self) -> None:
        note_start(self.places.state)
        self._stops.append(_called(lambda: remove_card(self.places.state)))
        self.tell("journal", await self.house.start())
        await self._open_osc()
        await self._watch_folders()
        await self._open_daws()
        await self._open_discovery()
        await self._open_http()
        self._write_card()
        log.info("ready", web=self.address, osc=self.osc.port, state=str(self.places.state))

    async def stop(self) -> None:
        """Stop what has started, the last first. Sends are left off at a safe place."""
        while self._stops:
            await self._stops.pop()()

    @property
    def address(self) -> str:
        """Where HTTP is answered."""
        return f"http://{_bracketed(self.settings.web.host)}:{self.http.port}"

    def health(self) -> dict[str, Any]:
        """What `/health` tells: "ok", or "degraded" with the reasons. May be called from any thread."""
        told = {**self.problems, **self.house.conductor.problems}
        try:
            sends = dict(Counter(send.state.value for send in self.house.journal.unfinished()))
        except Stalled as stall:
            sends, told["journal"] = {}, stall.sentence
        problems = [{"topic": topic, "what": sentence} for topic, sentence in told.items()]
        return {
            "status": "degraded" if problems else "ok",
            "problems": problems,
            "version": __version__,
            "pid": os.getpid(),
            "osc_port": self.osc.port,
            "osc": asdict(self.osc.counts),
            "osc_subscribers": self.osc.subscribers,
            "oscquery_port": self.discovery.port,
            "sends": sends,
        }

    def tell(self, topic: str, sentence: str | None) -> None:
        """Note that something is wrong, or with None that it is well again."""
        if sentence is None:
            if self.problems.pop(topic, None) is not None:
                log.info("well again", topic=topic)
        elif self.problems.get(topic) != sentence:
            self.problems[topic] = sentence
            log.warning(sentence, topic=topic)

    async def _open_osc(self) -> None:
        self.osc = osc_door(self.settings, self.places.state, self.house.conductor, __version__, self.tell)
        self._stops.append(self.osc.stop)
        await self.osc.start()

    async def _watch_folders(self) -> None:
        arrivals = open_arrivals(self.places.state, self.tell)
        self._stops.append(_called(arrivals.close))
        self.folders: FolderWays = folder_ways(
            self.settings, self.places.state, self.house.conductor, arrivals, self.tell
        )
        self._stops.append(self.folders.stop)
        await self.folders.start()
        waking = asyncio.create_task(watch_for_wake(self.folders.rescan))
        self._stops.append(lambda: _cancelled(waking))

    async def _open_daws(self) -> None:
        self.daws = daws_of(self.settings, self.places.state, self.house.conductor)
        self._stops.append(self.daws.stop)
        await self.daws.start(links_of(self.settings, self.places.state, self.daws, __version__, self.tell))
        self.osc.hear_selections(self.daws.take)
        self.osc.hear_presses(self.daws.press)

    async def _open_http(self) -> None:
        door = HttpDoor(
            self.house.conductor,
            self.places.read_token(),
            self.health,
            self.house.conductor.manifests,
            self.settings.hot_folder.folder,
            self._look_again,
            self.daws.ping,
            self.daws.press,
            lambda: self.house.session_of(None),
        )
        self._stops.append(_called(door.streams.stop_hearing))
        self.http = self._http_server(self._with_public_side(door.app))
        self._stops.append(self.http.stop)
        self._stops.append(_called(door.streams.end))
        await self.http.start()
        await self._open_public()

    async def _open_public(self) -> None:
        """Give what the Internet may reach a port of its own: what comes there gets no further, whatever it claims."""
        web = self.settings.web
        if web.public_port is None:
            return
        try:
            public = HttpServer(self._with_public_side(Response(status_code=404)), web.host, web.public_port)
        except OSError as error:
            self.tell("public", f"Services cannot reach port {web.public_port}: {error.strerror}. Set web.public_port.")
            return
        self.public_port = public.port
        self._stops.append(public.stop)
        await public.start()

    async def _open_discovery(self) -> None:
        self.discovery = discovery(
            self.settings, self.places.state, self.house.conductor, self.osc, __version__, self.tell
        )
        if self.settings.osc.announce:
            self._stops.append(self.discovery.stop)
            await self.discovery.start()

    def _with_public_side(self, app: ASGIApp) -> ASGIApp:
        """The interface, and where `public_url` is set also what the Internet may reach of this daemon."""
        house = self.house
        if self.settings.public_url is None or house.callbacks is None or house.hosting.serving is None:
            return app
        public_url, find = self.settings.public_url, house.hosting.serving.find
        return PublicSide(app, public_url, find, house.callbacks.is_ours, house.called_back)

    def _http_server(self, app: ASGIApp) -> HttpServer:
        web = self.settings.web
        try:
            return HttpServer(app, web.host, web.port)
        except OSError as error:
            reason = error.strerror
        try:
            # The command line finds the daemon by its card, so another port serves it as well.
            server = HttpServer(app, web.host, 0)
        except OSError as error:
            raise UsageError(
                f"HTTP cannot be answered on {web.host}: {error.strerror}.", "Correct web.host."
            ) from error
        self.tell("web", f"Port {web.port} cannot be had ({reason}); HTTP answers on port {server.port} instead.")
        return server

    def _look_again(self) -> None:
        self._looking = asyncio.ensure_future(self.folders.rescan())

    def _write_card(self) -> None:
        write_card(self.places.state, Card(self.address, self.osc.port, os.getpid(), __version__))
        self._stops.append(_called(lambda: remove_card(self.places.state)))


async def serve(daemon: Daemon) -> None:
    """Run until the system or the user asks to stop."""
    asked = stop_asked()
    await daemon.start()
    try:
        await asked.wait()
        log.info("stopping")
    finally:
        await daemon.stop()


def _called(work: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        work()

    return call


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
