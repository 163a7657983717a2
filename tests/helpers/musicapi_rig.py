"""The MusicAPI bridge on its simulator, driven as the engine drives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import soundfile
from clips import music
from musicapi_samples import MANIFEST, ask
from sendreturn.contract import Ask, Call, Clip, Made, MadeTake, Report, Setup, Way
from sendreturn.errors import Outcome, ServiceError
from sendreturn.sends.http_server import HttpServer
from sendreturn_bridges.services.musicapi.client import MusicApi, open_bridge
from sendreturn_bridges.services.musicapi.simulator import MusicApiSimulator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

CLIP_S = 4.0
RATE_HZ = 22_050
TRIES = 4


@dataclass
class Driven:
    """The bridge, its simulator, and a clip that lies at an address of this machine."""

    bridge: MusicApi
    simulator: MusicApiSimulator
    folder: Path
    clip: Clip
    url: str
    calls: list[Call] = field(default_factory=list)
    asked_for_clip: list[str] = field(default_factory=list)

    def turn(self, switches: Mapping[str, Any]) -> None:
        """Have the simulator behave otherwise."""
        self.simulator.switches.update(switches)

    def begin_anew(self) -> None:
        """As if the simulator had just been started; it keeps its songs."""
        for name in self.simulator.switches:
            del self.simulator.switches[name]
        self.turn({"looks": 1})
        self.simulator.balance = 10_000.0
        for memory in (self.simulator.ledger, self.simulator.requests, self.calls, self.asked_for_clip):
            memory.clear()

    @property
    def bill(self) -> list[tuple[str, float]]:
        return [(line.call, line.credits) for line in self.simulator.ledger]

    async def make(self, operation: str, **params: Any) -> dict[str, Report]:
        """All requests of a send, and how they ended."""
        clip_s = params.pop("clip_s", CLIP_S)
        asked = ask(operation, clip_s=clip_s, **params)
        return await self.drive(replace(asked, clip=self.clip) if clip_s else asked)

    async def drive(self, asked: Ask) -> dict[str, Report]:
        done: dict[str, Report] = {}
        calls = self.bridge.plan(asked).calls
        while calls:
            for call in calls:
                done[call.name] = await self.one(call, asked)
            self.calls += calls
            calls = self.bridge.follow(asked, done)
        return done

    async def one(self, call: Call, asked: Ask) -> Report:
        try:
            return await self._until_done(call, Way(self.folder, asked.clip, self.url if call.needs_clip else None))
        except ServiceError as error:
            if call.essential:
                raise
            return Report(True, failed=error.what)

    async def _until_done(self, call: Call, way: Way) -> Report:
        """As the engine does: what was certainly not accepted is asked for again."""
        for left in reversed(range(TRIES)):
            try:
                accepted = await self.bridge.submit(call, way)
            except ServiceError as error:
                if error.outcome is not Outcome.RETRY or not left:
                    raise
            else:
                return accepted.report or await self.wait(call, accepted.task_id)
        raise AssertionError("unreachable")

    async def wait(self, call: Call, task_id: str) -> Report:
        async with asyncio.timeout(60):
            while not (report := await self.bridge.look(call, task_id, self.folder)).done:
                pass  # the simulator counts looks, not time
        return report

    async def fetch(self, made: Made) -> Path:
        target = self.folder / f"{len(list(self.folder.iterdir()))}{Path(made.ref).suffix or '.bin'}"
        await self.bridge.fetch(made, target, self.folder)
        return target

    async def fetch_all(self, takes: tuple[MadeTake, ...]) -> list[Path]:
        return [await self.fetch(made) for take in takes for made in take.files if made.tracks is None]


@asynccontextmanager
async def driven(folder: Path, switches: Mapping[str, Any] | None = None, **options: Any) -> AsyncIterator[Driven]:
    simulator = MusicApiSimulator({"looks": 1, **(switches or {})})
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


def write_clip(path: Path, seconds: float = CLIP_S) -> Clip:
    samples = music(seconds, RATE_HZ)
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    return Clip(path, RATE_HZ, samples.shape[1], samples.shape[0], "ab" * 32)
