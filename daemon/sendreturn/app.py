"""The daemon: its parts, started in order and stopped in reverse."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog

from sendreturn import __version__
from sendreturn.house import House
from sendreturn.places import Places
from sendreturn.sends.folder import FolderWays, open_arrivals
from sendreturn.sends.http import HttpDoor
from sendreturn.sends.http_server import HttpServer
from sendreturn.sends.wiring import folder_ways, osc_door
from sendreturn.settings import Settings

log = structlog.get_logger(__name__)

CARD_NAME = "daemon.json"
"""In the state folder while a daemon runs: where it answers."""


class Daemon:
    """One daemon on one state folder. `start` it, let it run, `stop` it; both are done on one event loop."""

    def __init__(self, settings: Settings, places: Places, env: Mapping[str, str] = os.environ) -> None:
        self.house = House(settings, places, env)
        self.settings = settings
        self.places = places
        self.problems: dict[str, str] = {}
        """What is wrong at the moment, a sentence by topic."""
        self._stops: list[Callable[[], Awaitable[None]]] = []

    async def start(self) -> None:
        """Start every part. What has started stops again where a later one fails."""
        try:
            await self._start_parts()
        except BaseException:
            await self.stop()
            raise

    async def _start_parts(self) -> None:
        self._stops.append(self.house.stop)
        await self.house.start()
        await self._open_http()
        await self._open_osc()
        await self._watch_folders()
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
        """What `/health` tells: "ok", or "degraded" with the reasons."""
        sends = Counter(send.state.value for send in self.house.conductor.list() if not send.state.ended)
        return {
            "status": "degraded" if self.problems else "ok",
            "problems": [{"topic": topic, "what": sentence} for topic, sentence in self.problems.items()],
            "version": __version__,
            "pid": os.getpid(),
            "osc_port": self.osc.port,
            "sends": dict(sends),
        }

    async def _open_http(self) -> None:
        self._door = HttpDoor(
            self.house.conductor,
            self.places.read_token(),
            self.health,
            lambda: list(self.house.conductor.manifests().values()),
            self.settings.hot_folder.folder,
            self._rescan,
        )
        web = self.settings.web
        try:
            self.http = HttpServer(self._door.app, web.host, web.port)
        except OSError as error:
            # The command line finds us by the card, so another port serves it as well.
            self.http = HttpServer(self._door.app, web.host, 0)
            self.tell("web", f"Port {web.port} is taken ({error.strerror}); HTTP answers on {self.http.port} instead.")
        self._stops.append(self._close_http)
        await self.http.start()

    async def _close_http(self) -> None:
        self._door.streams.close()
        await self.http.stop()

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

    def tell(self, topic: str, sentence: str | None) -> None:
        """Note that something is wrong, or with None that it is well again."""
        if sentence is None:
            if self.problems.pop(topic, None) is not None:
                log.info("well again", topic=topic)
        elif self.problems.get(topic) != sentence:
            self.problems[topic] = sentence
            log.warning(sentence, topic=topic)

    def _rescan(self) -> None:
        self._rescanning = asyncio.ensure_future(self.folders.rescan())

    def _write_card(self) -> None:
        card = {"address": self.address, "osc_port": self.osc.port, "pid": os.getpid(), "version": __version__}
        path = self.places.state / CARD_NAME
        path.write_text(json.dumps(card), "utf-8")
        self._stops.append(_called(lambda: path.unlink(missing_ok=True)))


async def serve(daemon: Daemon, on_ready: Callable[[], None] = lambda: None) -> None:
    """Run until the system or the user asks to stop."""
    asked = asyncio.Event()
    await daemon.start()
    try:
        _on_signals(asked)
        on_ready()
        await asked.wait()
        log.info("stopping")
    finally:
        await daemon.stop()


def read_card(places: Places) -> dict[str, Any] | None:
    """Where the daemon of this state folder says that it answers; None where none says so."""
    with suppress(OSError, ValueError):
        card: dict[str, Any] = json.loads((places.state / CARD_NAME).read_text("utf-8"))
        return card
    return None


def _on_signals(asked: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(asked.set))
        else:
            loop.add_signal_handler(number, asked.set)


def _called(work: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        work()

    return call


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
