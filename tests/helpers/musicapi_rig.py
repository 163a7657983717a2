"""The MusicAPI bridge on its simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import suno_rig
from musicapi_samples import MANIFEST
from sendreturn.contract import Ask, Call, Report, Setup, Way
from sendreturn.errors import Outcome, ServiceError
from sendreturn.sends.http_server import HttpServer
from sendreturn_bridges.services.musicapi.client import MusicApi, open_bridge
from sendreturn_bridges.services.musicapi.simulator import MusicApiSimulator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from suno_rig import CLIP_S, write_clip

__all__ = ["CLIP_S", "Driven", "driven", "write_clip"]

TRIES = 4


@dataclass
class Driven(suno_rig.Driven):
    """The bridge, its simulator, and a clip that lies at an address of this machine."""

    bridge: MusicApi
    simulator: MusicApiSimulator
    url: str
    asked_for_clip: list[str] = field(default_factory=list)

    def begin_anew(self) -> None:
        super().begin_anew()
        self.asked_for_clip.clear()

    @property
    def bill(self) -> list[tuple[str, float]]:
        return [(line.call, line.credits) for line in self.simulator.ledger]

    async def begin(self, call: Call, asked: Ask) -> Report:
        """As the engine does: what was certainly not accepted is asked for again."""
        way = Way(self.folder, asked.clip, self.url if call.needs_clip else None)
        for left in reversed(range(TRIES)):
            try:
                accepted = await self.bridge.submit(call, way)
            except ServiceError as error:
                if error.outcome is not Outcome.RETRY or not left:
                    raise
            else:
                return accepted.report or await self.wait(call, accepted.task_id)
        raise AssertionError("unreachable")


@asynccontextmanager
async def driven(folder: Path, switches: Mapping[str, Any] | None = None, **options: Any) -> AsyncIterator[Driven]:
    simulator = MusicApiSimulator({**Driven.quick, **(switches or {})})
    clip = write_clip(folder / "clip.wav")
    asked: list[str] = []
    async with simulator.running(), hosted(folder, asked) as address:
        setup = Setup(MANIFEST, {"requests": 0, **simulator.settings, **options}, folder, lambda: simulator.key)
        bridge = open_bridge(setup)
        try:
            yield Driven(bridge, simulator, folder, clip, f"{address}/clip.wav", asked_for_clip=asked)
        finally:
            await bridge.close()


@asynccontextmanager
async def hosted(folder: Path, asked: list[str]) -> AsyncIterator[str]:
    """The folder's files, as the daemon's `serve` gives them out; below /no-head without HEAD."""

    async def give(request: Request) -> Response:
        asked.append(request.method)
        if request.method == "HEAD" and "no-head" in request.url.path:
            return Response(status_code=404)
        return FileResponse(folder / request.path_params["name"])

    server = HttpServer(Starlette(routes=[Route("/{name}", give), Route("/no-head/{name}", give)]), "127.0.0.1", 0)
    await server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        await server.stop()
