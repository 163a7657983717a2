"""The AceData bridge on its simulator, driven as the engine drives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import soundfile
from acedata_samples import MANIFEST, ask
from clips import music
from sendreturn.contract import Ask, Call, Clip, Made, MadeTake, Report, Setup, Way
from sendreturn.errors import ServiceError
from sendreturn_bridges.services.acedata.client import AceData, open_bridge
from sendreturn_bridges.services.acedata.simulator import AceDataSimulator

CLIP_S = 4.0
RATE_HZ = 22_050
QUICK = {"looks": 1, "song_s": 3.0, "media_rate_hz": 22_050}


@dataclass
class Driven:
    """The bridge, its simulator, and a clip."""

    bridge: AceData
    simulator: AceDataSimulator
    folder: Path
    clip: Clip
    calls: list[Call] = field(default_factory=list)

    def turn(self, switches: Mapping[str, Any]) -> None:
        """Have the simulator behave otherwise."""
        self.simulator.switches.update(switches)

    def begin_anew(self) -> None:
        """As if the simulator had just been started; it keeps its songs."""
        for name in self.simulator.switches:
            del self.simulator.switches[name]
        self.turn(QUICK)
        self.simulator.balance = 10_000.0
        for memory in (self.simulator.ledger, self.simulator.requests, self.calls):
            memory.clear()

    async def make(self, operation: str, **params: Any) -> dict[str, Report]:
        """All requests of a send, and how they ended."""
        clip_s = params.pop("clip_s", CLIP_S)
        asked = ask(operation, clip_s=clip_s, **params)
        asked = replace(asked, clip=self.clip) if clip_s else asked
        return await self.drive(asked)

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
        url = await self.bridge.upload(self.clip, self.folder) if call.needs_clip else None
        try:
            accepted = await self.bridge.submit(call, Way(self.folder, asked.clip, url))
            return accepted.report or await self.wait(call, accepted.task_id)
        except ServiceError as error:
            if call.essential:
                raise
            return Report(True, failed=error.what)

    async def wait(self, call: Call, task_id: str) -> Report:
        async with asyncio.timeout(60):
            while not (report := await self.bridge.look(call, task_id, self.folder)).done:
                pass  # the bridge paces its questions by itself
        return report

    async def fetch(self, made: Made) -> Path:
        target = self.folder / f"{len(list(self.folder.iterdir()))}{Path(made.ref).suffix or '.bin'}"
        await self.bridge.fetch(made, target, self.folder)
        return target

    async def fetch_all(self, takes: tuple[MadeTake, ...]) -> list[Path]:
        return [await self.fetch(made) for take in takes for made in take.files if made.tracks is None]


@asynccontextmanager
async def driven(folder: Path, switches: Mapping[str, Any] | None = None, **options: Any) -> AsyncIterator[Driven]:
    simulator = AceDataSimulator({**QUICK, **(switches or {})})
    clip = write_clip(folder / "clip.wav")
    async with simulator.running():
        setup = Setup(MANIFEST, {**simulator.settings, "poll_s": 0.005, **options}, folder, lambda: simulator.key)
        bridge = open_bridge(setup)
        try:
            yield Driven(bridge, simulator, folder, clip)
        finally:
            await bridge.close()


def write_clip(path: Path, seconds: float = CLIP_S) -> Clip:
    samples = music(seconds, RATE_HZ)
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    return Clip(path, RATE_HZ, samples.shape[1], samples.shape[0], "ab" * 32)
