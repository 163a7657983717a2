"""What the rigs of the AceData and MusicAPI bridges have in common: a bridge, its simulator and a clip, driven as the
engine drives them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import soundfile
from clips import music
from sendreturn.contract import Ask, Call, Clip, EarlierTake, Made, MadeTake, Report, ServiceBridge
from sendreturn.engine.prepare import bought
from sendreturn.errors import ServiceError
from sendreturn.params import parse_params
from sendreturn.testing.simulator import Simulator
from sendreturn.words import SendId

CLIP_S = 4.0
RATE_HZ = 22_050


def ask(operation: str, *, clip_s: float | None = 20.0, earlier: str | None = None, **params: object) -> Ask:
    """What a user asks of a service."""
    clip = Clip(Path("clip.wav"), 48_000, 2, round(clip_s * 48_000), "ab" * 32) if clip_s else None
    parsed = parse_params(params)
    take = EarlierTake(earlier) if earlier else None
    return Ask(SendId("0a1b2c3d"), operation, parsed, clip, buys=bought(parsed), earlier=take)


def body(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = dict(call.fields["body"])
    return found


def write_clip(path: Path, seconds: float = CLIP_S) -> Clip:
    samples = music(seconds, RATE_HZ)
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    return Clip(path, RATE_HZ, samples.shape[1], samples.shape[0], "ab" * 32)


@dataclass
class Driven:
    """A bridge, its simulator, and a clip; `quick` are the switches that they begin with."""

    bridge: ServiceBridge
    simulator: Simulator
    folder: Path
    clip: Clip
    calls: list[Call] = field(default_factory=list, kw_only=True)
    quick: ClassVar[Mapping[str, object]] = {"looks": 1, "extend_s": 3.0}

    @abstractmethod
    async def begin(self, call: Call, asked: Ask) -> Report:
        """Make the request, and wait for what comes of it."""

    def turn(self, switches: Mapping[str, Any]) -> None:
        """Have the simulator behave otherwise."""
        self.simulator.switches.update(switches)

    def begin_anew(self) -> None:
        """As if the simulator had just been started; it keeps its songs."""
        for name in self.simulator.switches:
            del self.simulator.switches[name]
        self.turn(self.quick)
        self.simulator.balance = 10_000.0
        for memory in (self.simulator.ledger, self.simulator.requests, self.calls):
            memory.clear()

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
            return await self.begin(call, asked)
        except ServiceError as error:
            if call.essential:
                raise
            return Report(True, failed=error.what)

    async def wait(self, call: Call, task_id: str) -> Report:
        async with asyncio.timeout(60):
            while not (report := await self.bridge.look(call, task_id, self.folder)).done:
                pass  # the bridge paces its questions by itself, and the simulator counts looks
        return report

    async def fetch(self, made: Made) -> Path:
        target = self.folder / f"{len(list(self.folder.iterdir()))}{Path(made.ref).suffix or '.bin'}"
        await self.bridge.fetch(made, target, self.folder)
        return target

    async def fetch_all(self, takes: tuple[MadeTake, ...]) -> list[Path]:
        return [await self.fetch(made) for take in takes for made in take.files if made.tracks is None]
