"""A real daemon in the test's own event loop: real folders, real sockets on free ports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from sendreturn.app import Daemon
from sendreturn.places import Places
from sendreturn.sends.layout import make_session
from sendreturn.sends.wiring import folders_of
from sendreturn.sends.wish import Event, SendView
from sendreturn.settings import HotFolderSettings, OscSettings, ReturnsSettings, SessionSettings, Settings, WebSettings

PLAIN = ReturnsSettings(stems=0, midi=False)


class LivingDaemon:
    """One life of a daemon. A second one on the same folder is the same daemon after a restart."""

    def __init__(
        self,
        folder: Path,
        *,
        returns: ReturnsSettings = PLAIN,
        settle_s: float = 0.05,
        web: WebSettings | None = None,
        web_port: int = 0,
        osc: OscSettings = OscSettings(port=0, announce=False),  # noqa: B008 - frozen
        env: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        self.session = folder / "Song"
        self.session.mkdir(parents=True, exist_ok=True)
        self.settings = Settings(
            sessions=(SessionSettings(path=self.session),),
            osc=osc,
            web=web or WebSettings(port=web_port),
            hot_folder=HotFolderSettings(settle_s=settle_s),
            returns=returns,
            **more,
        )
        make_session(self.session, folders_of(self.settings))
        self.daemon = Daemon(self.settings, Places(folder / "state"), env=env or {})
        self.events: list[Event] = []
        self._changed = asyncio.Event()

    @property
    def sends(self) -> Path:
        return self.session / "Sends"

    async def __aenter__(self) -> LivingDaemon:
        self.daemon.house.conductor.subscribe(self._hear)
        await self.daemon.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.daemon.stop()

    async def until(self, wanted: Callable[[list[SendView]], bool], timeout_s: float = 60.0) -> list[SendView]:
        """Wait until the sends are as wanted; looks at every event, and twice a second for what tells no event."""
        async with asyncio.timeout(timeout_s):
            while not wanted(sends := list(self.daemon.house.conductor.list())):
                self._changed.clear()
                try:
                    await asyncio.wait_for(self._changed.wait(), 0.5)
                except TimeoutError:
                    continue
        return [self.daemon.house.conductor.get(send.id) for send in sends]

    async def ended(self, count: int = 1) -> list[SendView]:
        return await self.until(lambda sends: len(sends) >= count and all(send.state.ended for send in sends))

    def http(self, *, token: str | None = None) -> httpx.AsyncClient:
        secret = self.daemon.places.read_token() if token is None else token
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        return httpx.AsyncClient(base_url=self.daemon.address, headers=headers, trust_env=False)

    def osc(self) -> Osc:
        assert self.daemon.osc.port is not None
        return Osc(self.daemon.osc.port)

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()


class Osc:
    """A sender of OSC that keeps every answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answers: list[OscMessage] = []
        self._heard = asyncio.Event()

    async def __aenter__(self) -> Osc:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Protocol(self._hear), remote_addr=("127.0.0.1", self._port)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    @property
    def own_port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    def say(self, address: str, *arguments: Any) -> None:
        message = OscMessageBuilder(address)
        for argument in arguments:
            message.add_arg(argument)
        self._transport.sendto(message.build().dgram)

    def say_raw(self, data: bytes) -> None:
        self._transport.sendto(data)

    async def hear(self, address: str, timeout_s: float = 60.0) -> list[Any]:
        """The arguments of the first answer at `address`."""
        async with asyncio.timeout(timeout_s):
            while not (found := [a for a in self.answers if a.address == address]):
                self._heard.clear()
                await self._heard.wait()
        return list(found[0].params)

    def _hear(self, message: OscMessage) -> None:
        self.answers.append(message)
        self._heard.set()


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, hear: Callable[[OscMessage], None]) -> None:
        self._tell = hear

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._tell(OscMessage(data))
