"""Has programs find us by themselves: OSCQuery answers, and both it and OSC are announced, all in the background."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from sendreturn.sends.http_server import HttpServer
from sendreturn.sends.osc_announce import Announcement, instance_name
from sendreturn.sends.osc_query import OscQuery, host_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendreturn.sends.intake import Tell
    from sendreturn.sends.osc_senders import Senders
    from sendreturn.sends.osc_tree import Node

log = structlog.get_logger(__name__)

TOPIC = "discovery"
WAIT_S = 3.0
"""A daemon that ends at once is announced to nobody, and the start is left to more urgent things."""


class Discovery:
    """One OSCQuery server and its announcement.

    Args:
        host: Where OSC is heard; OSCQuery is answered there too.
        osc_port: The port of OSC, None while it cannot be had.
        senders: Who may send OSC, and so may ask.
        tree: The address space as it is now.
        version: Told along.
        tell: Hears what is wrong, or None where it is well again.
    """

    def __init__(
        self,
        host: str,
        osc_port: Callable[[], int | None],
        senders: Senders,
        tree: Callable[[], Node],
        version: str,
        tell: Tell,
    ) -> None:
        self._host = host
        self._osc_port = osc_port
        self._app = OscQuery(tree, self._host_info, senders)
        self._version = version
        self._tell = tell
        self._server: HttpServer | None = None
        self._announcement: Announcement | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int | None:
        """Where OSCQuery is answered."""
        return None if self._server is None else self._server.port

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="discovery")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._announcement is not None:
            await self._announcement.end()
        if self._server is not None:
            await self._server.stop()

    async def _run(self) -> None:
        await asyncio.sleep(WAIT_S)
        while (osc_port := self._osc_port()) is None:  # noqa: ASYNC110 - it tries again in its own time
            await asyncio.sleep(WAIT_S)
        try:
            self._server = self._bound(osc_port)
            await self._server.start()
            await self._announce(osc_port, self._server.port)
        except Exception as error:  # whatever the network or its library makes of it, the daemon goes on
            reason = str(error) or type(error).__name__
            log.info("discovery has failed", reason=reason, exc_info=True)
            what = f"Control surfaces cannot find the daemon by themselves ({reason})."
            self._tell(TOPIC, f"{what} Its address and port work all the same; `announce: no` under osc leaves it out.")

    def _bound(self, osc_port: int) -> HttpServer:
        """At the number of the OSC port, which people know, or at any."""
        try:
            return HttpServer(self._app, self._host, osc_port)
        except OSError:
            return HttpServer(self._app, self._host, 0)

    async def _announce(self, osc_port: int, query_port: int) -> None:
        announcement = self._announcement = Announcement(self._host, osc_port, query_port, self._version)
        try:
            await announcement.begin()
        except ImportError:
            log.info("OSC is not announced: the extra sendreturn[discovery] is not installed", oscquery=query_port)
        else:
            log.info("OSC is announced", osc=osc_port, oscquery=query_port)

    def _host_info(self) -> Node:
        is_everywhere = self._host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        return host_info(instance_name(), self._osc_port(), None if is_everywhere else self._host)
