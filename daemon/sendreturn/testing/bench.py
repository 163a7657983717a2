"""A bridge at work: the real engine on a service's simulator, started, stopped and killed as a test wants it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import stamina
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sendreturn.contract import Manifest, ServiceBridge, Setup
from sendreturn.house import House
from sendreturn.net.download import Patience, download
from sendreturn.places import Places
from sendreturn.sends.http_public import PublicSide
from sendreturn.sends.http_server import HttpServer
from sendreturn.sends.wish import Event, Origin, SendView, Wish
from sendreturn.settings import ReturnsSettings, ServiceSettings, Settings
from sendreturn.testing.simulator import HOST, Simulator
from sendreturn.testing.watching import Seen, all_logs, watch
from sendreturn.words import State

KEY = "canary-5ca1ab1e-of-the-contract-suite"
KEY_VARIABLE = "SENDRETURN_CONTRACT_KEY"
POLL_S = 0.01
PATIENCE_S = 60.0
TRIES = 4

OpenBridge = Callable[[Setup], ServiceBridge]


class Bench:
    """One workplace: a folder with a session and a state folder, a simulator, and one life of the engine after another.

    Args:
        options: Of the service in the configuration.
        key: What the user has set; None for nothing.

    Attributes:
        logs: Every line that has been logged.
        seen: What the bridge has said.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        simulator: Simulator,
        open_bridge: OpenBridge,
        options: Mapping[str, object] | None = None,
        key: str | None = KEY,
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.simulator = simulator
        self.session = folder / "Song"
        self.logs: list[str] = []
        self.seen = Seen()
        self.house: House
        self._open_bridge = open_bridge
        self._options = dict(options or {})
        self._key = key
        self._public = _Outside()
        self._threads: ThreadPoolExecutor
        self._changed = asyncio.Event()
        self._deadly: State | None = None
        self._struck = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Bench]:
        """Simulator and engine run until the block ends."""
        self.session.mkdir(parents=True, exist_ok=True)
        self._fresh_threads()
        door = HttpServer(self._public, HOST, 0)
        async with contextlib.AsyncExitStack() as parts:
            self.logs = parts.enter_context(all_logs())
            parts.enter_context(no_pauses())
            await parts.enter_async_context(self.simulator.running())
            await door.start()
            parts.push_async_callback(door.stop)
            self._settings = self._configured(f"http://{HOST}:{door.port}")
            await self.start()
            parts.push_async_callback(self.stop)
            yield self

    async def start(self) -> None:
        """Begin a life of the engine; it goes on with what an earlier one has left."""
        name = self.manifest.name
        self.house = House(self._settings, Places(self.folder / "state"), {KEY_VARIABLE: self._key or ""})
        services = self.house.services
        services.manifests = {name: self.manifest}
        setup = Setup(self.manifest, services._options(name), self.house.places.models, lambda: self._key)
        services._open[name] = watch(self._open_bridge(setup), self.seen)
        self.house.conductor.subscribe(self._hear)
        self._public.reach(self.house)
        await self.house.start()

    async def stop(self) -> None:
        await self.house.stop()

    async def kill(self) -> None:
        """End this life as a power cut would: nothing is written down any more, and nothing is put in order."""
        tasks = list(self.house.conductor._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Threads would have died too. They cannot be killed, so they come to their end before the next life begins.
        old = self._threads
        self._fresh_threads()
        await asyncio.to_thread(old.shutdown)
        await self.house.stop()

    async def restart(self) -> None:
        """A power cut and a new start."""
        await self.kill()
        await self.start()

    async def strike(self) -> None:
        """Wait until the doomed send has been killed; then a power cut and a new start."""
        async with asyncio.timeout(PATIENCE_S):
            await self._struck.wait()
        await self.restart()

    def doom(self, state: State) -> None:
        """Kill the next send that comes to `state`, at its next step."""
        self._deadly = state
        self._struck.clear()

    # Sends

    def send(self, operation: str, clip: Path | None, params: Mapping[str, object] | None = None) -> SendView:
        wish = Wish(operation, clip, self.session, params=params or {}, origin=Origin.CLI)
        return self.house.conductor.accept(wish).send

    async def until(self, is_so: Callable[[SendView], bool], send_id: str) -> SendView:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so(send := self.house.conductor.get(send_id)):
                self._changed.clear()
                await self._changed.wait()
        return send

    async def ended(self, send_id: str) -> SendView:
        return await self.until(lambda send: send.state.ended, send_id)

    async def run(self, operation: str, clip: Path | None, params: Mapping[str, object] | None = None) -> SendView:
        """Send, and wait for the end."""
        return await self.ended(self.send(operation, clip, params).id)

    def retry(self, send_id: str) -> None:
        self.house.conductor.retry(send_id)

    @property
    def bridge(self) -> ServiceBridge:
        return self.house.services.bridge(self.manifest.name)

    # Inside

    def _configured(self, public_url: str) -> Settings:
        service = ServiceSettings(**{**self.simulator.settings, "api_key_env": KEY_VARIABLE, "options": self._options})
        return Settings(
            service=self.manifest.name,
            services={self.manifest.name: service},
            returns=ReturnsSettings(stems=0, midi=False),
            public_url=public_url,
        )

    def _hear(self, event: Event) -> None:
        self._changed.set()
        if event.send.state is self._deadly:
            task = self.house.conductor._tasks.get(event.send.id)
            if task is not None:
                self._deadly = None
                task.cancel()
                self._struck.set()

    def _fresh_threads(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=8)
        asyncio.get_running_loop().set_default_executor(self._threads)


@contextmanager
def no_pauses() -> Iterator[None]:
    """Nothing waits before it tries again, but everything tries as often as in earnest."""
    hasty: dict[str, Any] = {"patience": Patience(pauses_s=(0.0,) * 4)}
    with (
        stamina.set_testing(True, attempts=TRIES, cap=True),
        mock.patch("sendreturn.engine.make.PAUSES_S", (0.0,) * 5),
        mock.patch("sendreturn.engine.make.MOST_WANTED_S", 0.0),
        mock.patch("sendreturn.engine.errands.WORST_PAUSE_S", POLL_S),
        mock.patch.dict(download.__kwdefaults__, hasty),
        # uvicorn looks ten times a second whether it is to end, and three servers have to.
        mock.patch("uvicorn.server.asyncio", _HastyAsyncio()),
    ):
        yield


class _HastyAsyncio:
    """asyncio with short sleeps."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, POLL_S))


class _Outside:
    """What the Internet reaches of the engine that lives at the moment: clips for services, and their call-backs."""

    def __init__(self) -> None:
        self._app: ASGIApp = Response(status_code=503)

    def reach(self, house: House) -> None:
        assert house.callbacks is not None, "the bench has a public address"
        assert house.hosting.serving is not None, "the bench has a public address"
        url = house.settings.public_url or ""
        find, is_ours = house.hosting.serving.find, house.callbacks.is_ours
        self._app = PublicSide(Response(status_code=404), url, find, is_ours, house.called_back)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
