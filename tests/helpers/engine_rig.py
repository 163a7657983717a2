"""A conductor on a real journal, with services of the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from fake_service import FakeService
from sendreturn.engine.conductor import Conductor
from sendreturn.engine.journal import Journal
from sendreturn.sends.wish import Event, Origin, SendView, Wish
from sendreturn.services import Services
from sendreturn.settings import ReturnsSettings, Settings
from sendreturn.words import State

PLAIN_RETURNS = ReturnsSettings(stems=0, midi=False)


class Rig:
    """One life of a daemon's engine. A second Rig on the same folder is the same daemon after a restart."""

    def __init__(self, folder: Path, *services: FakeService, settings: Settings | None = None) -> None:
        self.folder = folder
        self.session = folder / "Song"
        self.session.mkdir(exist_ok=True)
        self.journal = Journal.open(folder / "journal.db")
        manifests = {service.manifest.name: service.manifest for service in services}
        self.services = Services(manifests, lambda _: {}, folder / "models", lambda _: None)
        self.services._open = {service.manifest.name: service for service in services}
        chosen = settings or Settings(service=services[0].manifest.name, returns=PLAIN_RETURNS)
        self.desk = Conductor(
            self.journal, self.services, chosen, self._session_of, folder / "staging", self._put_aside
        )
        self.events: list[Event] = []
        self.put_aside: list[tuple[str, str]] = []
        self._changed = asyncio.Event()
        self.desk.subscribe(self._hear)

    async def __aenter__(self) -> Rig:
        await self.desk.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.desk.stop()
        self.journal.close()

    def send(self, clip: Path | None, operation: str = "cover", **more: object) -> SendView:
        return self.desk.accept(Wish(operation, clip, self.session, origin=Origin.CLI, **more)).send  # type: ignore[arg-type]

    async def until(self, true_of: Callable[[SendView], bool], send_id: str, timeout_s: float = 30.0) -> SendView:
        """Wait until a send is as wanted."""
        async with asyncio.timeout(timeout_s):
            while not true_of(send := self.desk.get(send_id)):
                self._changed.clear()
                await self._changed.wait()
        return send

    async def ended(self, send_id: str) -> SendView:
        return await self.until(lambda send: send.state.ended, send_id)

    async def reach(self, send_id: str, state: State) -> SendView:
        return await self.until(lambda send: send.state is state, send_id)

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()

    def _session_of(self, path: Path | None) -> Path | None:
        return self.session if path is None or path.is_relative_to(self.session) else None

    def _put_aside(self, send: object, sentence: str) -> None:
        self.put_aside.append((send.id, sentence))  # type: ignore[attr-defined]
