"""A music service that lives in the test: it bills, it answers as it is told to, and it keeps a ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from sendreturn.contract import Accepted, Ask, Call, Clip, Made, MadeTake, Manifest, OperationSpec, Plan, Report, Way
from sendreturn.words import Kind

RATE_HZ = 48_000


def manifest(name: str = "studio", *, free: bool = False, price: float = 10.0, **more: object) -> Manifest:
    operations = {
        "cover": OperationSpec("cover", honours=("style", "takes", "stems", "midi"), credits=price),
        "extend": OperationSpec("extend", makes=(Kind.TAIL,), honours=("extend_s", "from_s", "side"), credits=price),
        "inpaint": OperationSpec("inpaint", demands=("section_s",), honours=("section_s",), credits=price),
        "generate": OperationSpec("generate", needs_clip=False, honours=("prompt",), credits=price),
    }
    return Manifest(
        name,
        name.title(),
        "A service of the tests.",
        operations,
        free=free,
        poll_s=0.001,
        **more,  # type: ignore[arg-type]
    )


@dataclass
class FakeService:
    """Bills every submit that gets through. `on_submit`, `on_look` and `on_fetch` may raise, or change what happens."""

    manifest: Manifest = field(default_factory=manifest)
    credits: float = 10.0
    on_submit: Callable[[], None] = lambda: None
    after_billing: Callable[[], None] = lambda: None
    on_look: Callable[[], Report | None] = lambda: None
    on_fetch: Callable[[], None] = lambda: None
    files: Callable[[Clip | None], tuple[Made, ...]] | None = None
    ledger: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    takes: int = 1
    _clip: Clip | None = None

    def plan(self, ask: Ask) -> Plan:
        return Plan((Call("main", ask.operation, dict(ask.params.given()), self.credits),))

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        return ()

    async def submit(self, call: Call, way: Way) -> Accepted:
        self.on_submit()
        way.about_to_send()
        self.ledger.append(call.operation)
        self.after_billing()
        self._clip = way.clip
        return Accepted(f"task-{len(self.ledger)}")

    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        self.looked.set()
        told = self.on_look()
        if told is not None:
            return told
        if self.hold is not None and not self.hold.is_set():
            return Report(progress=0.5, text="half way")
        made = self.files(self._clip) if self.files else (Made(Kind.MIX, "tone", made_by="studio"),)
        return Report(done=True, takes=tuple(MadeTake(made, clip_id=f"clip-{n}") for n in range(self.takes)))

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        self.on_fetch()
        write_tone(target, seconds=made.duration_s or 2.0)

    async def cancel(self, call: Call, task_id: str, folder: Path) -> None:
        self.cancelled.append(task_id)

    async def close(self) -> None:
        pass


def write_tone(path: Path, seconds: float = 2.0, rate_hz: int = RATE_HZ, hz: float = 220.0, channels: int = 2) -> Path:
    """A decaying tone, so that no two places of the file are alike."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = 0.4 * np.sin(2 * np.pi * hz * time_s) * np.exp(-time_s / 3)
    soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), rate_hz, subtype="PCM_24", format="WAV")
    return path
