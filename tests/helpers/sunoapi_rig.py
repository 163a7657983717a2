"""The Suno API bridge and its simulator together, driven through the rounds of a send as the engine does it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clips import music, write_clip
from sendreturn.audio.probe import probe
from sendreturn.contract import Ask, Call, Clip, EarlierTake, MadeTake, Report, Setup, Way
from sendreturn.errors import ServiceError
from sendreturn.sends.http_server import HttpServer
from sendreturn_bridges.services.sunoapi.client import SunoApiBridge, open_bridge
from sendreturn_bridges.services.sunoapi.simulator import SunoApiSimulator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from sunoapi_asks import ask, manifest

MOST_LOOKS = 12


@dataclass
class Rig:
    bridge: SunoApiBridge
    simulator: SunoApiSimulator
    folder: Path
    done: dict[str, Report] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    _url: str | None = None

    def wish(
        self, operation: str, *, clip_s: float | None = 6.0, earlier: EarlierTake | None = None, **params: Any
    ) -> Ask:
        wanted = ask(operation, clip_s=None, earlier=earlier, **params)
        clip = None if clip_s is None else self.clip(clip_s)
        return Ask(wanted.send_id, operation, wanted.params, clip, buys=wanted.buys, earlier=earlier)

    def clip(self, seconds: float) -> Clip:
        path = self.folder / f"clip-{seconds:g}.wav"
        if not path.exists():
            write_clip(path, music(seconds))
        info = probe(path)
        return Clip(path, info.sample_rate_hz, info.channels, info.frames, "cd" * 32)

    async def send(self, wanted: Ask, callback_url: str | None = None) -> list[MadeTake]:
        """All takes of a send, with everything that follows from the first request."""
        self.done, self.tasks, self._url = {}, {}, None
        calls, takes = self.bridge.plan(wanted).calls, list[MadeTake]()
        while calls:
            for call in calls:
                report = self.done[call.name] = await self._made(call, wanted, callback_url)
                _add(takes, call, report)
            calls = self.bridge.follow(wanted, self.done)
        return takes

    async def look_until_done(self, call: Call, task_id: str) -> Report:
        for _ in range(MOST_LOOKS):
            report = await self.bridge.look(call, task_id, self.folder)
            if report.done:
                return report
        raise AssertionError(f"{call.name} is not done after {MOST_LOOKS} looks")

    async def way(self, call: Call, wanted: Ask, callback_url: str | None = None) -> Way:
        if call.needs_clip and self._url is None:
            assert wanted.clip is not None
            self._url = await self.bridge.upload(wanted.clip, self.folder)
        return Way(self.folder, wanted.clip, self._url if call.needs_clip else None, callback_url)

    async def fetch_all(self, takes: list[MadeTake]) -> list[tuple[str, Path]]:
        """Every file that lies at an address: its kind and stem, and where it is now."""
        files = [file for take in takes for file in take.files if file.text is None and file.tracks is None]
        fetched = []
        for index, file in enumerate(files):
            target = self.folder / f"fetched-{len(list(self.folder.iterdir()))}-{index}"
            await self.bridge.fetch(file, target, self.folder)
            fetched.append((file.stem or file.kind.value, target))
        return fetched

    async def _made(self, call: Call, wanted: Ask, callback_url: str | None) -> Report:
        try:
            accepted = await self.bridge.submit(call, await self.way(call, wanted, callback_url))
        except ServiceError as error:
            if call.essential:
                raise
            return Report(done=True, failed=error.what)
        self.tasks[call.name] = accepted.task_id
        report = accepted.report or await self.look_until_done(call, accepted.task_id)
        if report.failed is not None and call.essential:
            raise ServiceError(report.failed)
        return report


@asynccontextmanager
async def rig(
    folder: Path,
    switches: Mapping[str, object] | None = None,
    *,
    balance: float = 10_000,
    **options: Any,
) -> AsyncIterator[Rig]:
    simulator = SunoApiSimulator({"looks": 1, **(switches or {})}, credits=balance)
    async with simulator.running():
        settings = {**simulator.settings, "grace_s": 0, **options}
        unlimited = replace(manifest(), requests=0)  # else tests would wait for their turn
        bridge = open_bridge(Setup(unlimited, settings, folder, lambda key=simulator.key: key))
        try:
            yield Rig(bridge, simulator, folder)
        finally:
            await bridge.close()


@dataclass
class Ears:
    """Somebody who is called back: headers and body of every call."""

    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.calls]

    async def hear(self, request: Request) -> Response:
        self.calls.append((dict(request.headers), await request.body()))
        return Response()


@asynccontextmanager
async def listening() -> AsyncIterator[Ears]:
    ears = Ears()
    server = HttpServer(Starlette(routes=[Route("/hook", ears.hear, methods=["POST"])]), "127.0.0.1", 0)
    ears.url = f"http://127.0.0.1:{server.port}/hook"
    await server.start()
    try:
        yield ears
    finally:
        await server.stop()


def _add(takes: list[MadeTake], call: Call, report: Report) -> None:
    if call.take is None:
        takes += report.takes
        return
    for more in report.takes if report.failed is None else ():
        take = takes[call.take - 1]
        takes[call.take - 1] = MadeTake((*take.files, *more.files), take.clip_id, None, take.notes, take.facts)
