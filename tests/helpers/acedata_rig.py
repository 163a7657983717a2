"""The AceData bridge on its simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import suno_rig
from acedata_samples import MANIFEST
from sendreturn.contract import Ask, Call, Report, Setup, Way
from sendreturn_bridges.services.acedata.client import AceData, open_bridge
from sendreturn_bridges.services.acedata.simulator import AceDataSimulator
from suno_rig import CLIP_S, write_clip

__all__ = ["CLIP_S", "Driven", "driven", "write_clip"]

QUICK = {"looks": 1, "song_s": 3.0, "extend_s": 3.0, "media_rate_hz": 22_050}


@dataclass
class Driven(suno_rig.Driven):
    """The bridge, its simulator, and a clip."""

    bridge: AceData
    simulator: AceDataSimulator
    quick: ClassVar[Mapping[str, object]] = QUICK

    async def begin(self, call: Call, asked: Ask) -> Report:
        url = await self.bridge.upload(self.clip, self.folder) if call.needs_clip else None
        accepted = await self.bridge.submit(call, Way(self.folder, asked.clip, url))
        return accepted.report or await self.wait(call, accepted.task_id)


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
