"""The Sonauto bridge on its simulator, driven as the engine drives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from clips import music
from sendreturn.contract import Accepted, Ask, Call, Clip, EarlierTake, Report, Setup, Way
from sendreturn.params import parse_params
from sendreturn.services import load_manifests
from sendreturn.words import SendId
from sendreturn_bridges.services.sonauto.client import SonautoBridge, open_bridge
from sendreturn_bridges.services.sonauto.simulator import SonautoSimulator

MANIFEST = load_manifests()["sonauto"]
CLIP_S = 4.0
RATE_HZ = 22_050
SWITCHES = {"looks": 1, "song_s": 3.0, "v3_extend_s": 2.0}


@dataclass
class Driven:
    """The bridge, its simulator, and a clip."""

    bridge: SonautoBridge
    simulator: SonautoSimulator
    folder: Path
    clip: Clip
    texts: list[str] = field(default_factory=list)

    def turn(self, **switches: Any) -> None:
        """Have the simulator behave otherwise."""
        self.simulator.switches.update(switches)

    def begin_anew(self) -> None:
        """As if the simulator had just been started; it keeps its songs."""
        for name in self.simulator.switches:
            del self.simulator.switches[name]
        self.turn(**SWITCHES)
        self.simulator.balance = 10_000.0
        for memory in (self.simulator.ledger, self.simulator.requests, self.texts):
            memory.clear()

    def call(self, operation: str, earlier: EarlierTake | None = None, **params: Any) -> Call:
        """The one request that a send needs."""
        clip = self.clip if MANIFEST.operations[operation].needs_clip else None
        ask = Ask(SendId("0a1b2c3d"), operation, parse_params(params), clip, earlier=earlier)
        (call,) = self.bridge.plan(ask).calls
        return call

    async def submit(self, call: Call, clip: Clip | None = None, **way: Any) -> Accepted:
        return await self.bridge.submit(call, Way(self.folder, clip or self.clip, **way))

    async def make(self, operation: str, **params: Any) -> Report:
        """A whole send, up to its report."""
        call = self.call(operation, **params)
        return await self.wait(call, (await self.submit(call)).task_id)

    async def wait(self, call: Call, task_id: str) -> Report:
        async with asyncio.timeout(60):
            while not (report := await self.bridge.look(call, task_id, self.folder)).done:
                self.texts.append(report.text)
        return report

    async def fetch(self, report: Report, take: int = 0) -> Path:
        target = self.folder / "fetched.wav"
        await self.bridge.fetch(report.takes[take].files[0], target, self.folder)
        return target

    def paths(self, method: str = "POST") -> list[str]:
        heard = self.simulator.requests
        return [one.path for one in heard if one.door == "api" and one.method == method]


@asynccontextmanager
async def driven(folder: Path, **options: Any) -> AsyncIterator[Driven]:
    simulator = SonautoSimulator(SWITCHES)
    clip = write_clip(folder / "clip.wav")
    async with simulator.running():
        bridge = open_bridge(Setup(MANIFEST, {**simulator.settings, **options}, folder, lambda key=simulator.key: key))
        try:
            yield Driven(bridge, simulator, folder, clip)
        finally:
            await bridge.close()


def write_clip(path: Path, seconds: float = CLIP_S) -> Clip:
    return _written(path, music(seconds, RATE_HZ))


def write_noise(path: Path, seconds: float, rate_hz: int = RATE_HZ, level: float = 0.5) -> Clip:
    """What no packing makes much smaller."""
    noise = np.random.default_rng(7).uniform(-level, level, (round(seconds * rate_hz), 2))
    return _written(path, noise, rate_hz)


def _written(path: Path, samples: Any, rate_hz: int = RATE_HZ) -> Clip:
    soundfile.write(path, samples, rate_hz, subtype="PCM_24")
    return Clip(path, rate_hz, samples.shape[1], samples.shape[0], "ab" * 32)
