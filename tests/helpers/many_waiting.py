"""A thousand sends that wait at once, on a clock that jumps over the times in which nothing happens.

Run as a program, it prints what it has measured as JSON: `python many_waiting.py SENDS REQUESTS PER_S MINUTES`.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from peak_memory import peak_mib
from sendreturn.contract import Accepted, Ask, Call, Made, MadeTake, Manifest, OperationSpec, Plan, Report, Way
from sendreturn.engine.conductor import Conductor
from sendreturn.engine.journal import Journal
from sendreturn.net.limiter import Limiter
from sendreturn.sends.wish import Origin, Wish
from sendreturn.services import Services
from sendreturn.settings import ReturnsSettings, Settings
from sendreturn.settings.models import ServiceSettings
from sendreturn.words import Kind, State


class JumpingLoop(asyncio.SelectorEventLoop):
    """Where nothing is ready and no thread is at work, the next timer is due at once."""

    def __init__(self) -> None:
        super().__init__(_Selector(self))
        self.ahead_s = 0.0
        self.at_work = 0

    def time(self) -> float:
        return time.monotonic() + getattr(self, "ahead_s", 0.0)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        future = super().run_in_executor(executor, func, *args)
        self.at_work += 1
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, _future: Future[Any]) -> None:
        self.at_work -= 1


class _Selector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout is None or timeout <= 0:
            return ready or super().select(timeout)
        if self._loop.at_work:
            return super().select(min(timeout, 0.05))
        self._loop.ahead_s += timeout
        return []


class Studio:
    """Takes every request, and has each song ready when its time has come; keeps its limit with the real limiter."""

    def __init__(self, manifest: Manifest, lasts_s: tuple[float, float]) -> None:
        self.manifest = manifest
        loop = asyncio.get_running_loop()
        self._now = loop.time
        self._limiter = Limiter(manifest.requests, manifest.per_s, clock=loop.time)
        self._lasts_s = lasts_s
        self._ready_at: dict[str, float] = {}
        self.requests: list[float] = []
        self.looks: list[float] = []
        self.waited_s = 0.0
        self._begun: dict[str, float] = {}

    def plan(self, ask: Ask) -> Plan:
        return Plan((Call("main", ask.operation, {}, 1.0),))

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        return ()

    async def submit(self, call: Call, way: Way) -> Accepted:
        await self._request(urgent=True)
        task_id = str(len(self._begun))
        first_s, last_s = self._lasts_s
        self._begun[task_id] = self._now()
        self._ready_at[task_id] = self._now() + first_s + (last_s - first_s) * ((len(self._begun) * 0.618) % 1)
        return Accepted(task_id)

    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        await self._request(urgent=False)
        self.looks.append(self._now())
        if self._now() < self._ready_at[task_id]:
            return Report(progress=0.5)
        self.waited_s += self._now() - self._begun[task_id]
        return Report(done=True, takes=(MadeTake((Made(Kind.MIX, "song"),)),))

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        soundfile.write(target, np.full((4800, 1), 0.25, np.float32), 48_000, format="WAV")

    async def cancel(self, call: Call, task_id: str, folder: Path) -> None:
        pass

    async def close(self) -> None:
        pass

    async def _request(self, *, urgent: bool) -> None:
        async with self._limiter.slot(urgent=urgent) as left:
            self.requests.append(self._now())
            left()


def most_in_a_window(times: list[float], per_s: float) -> int:
    """The largest number of requests in any stretch of `per_s` seconds."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - per_s:
            first += 1
        most = max(most, last - first + 1)
    return most


async def measure(count: int, requests: int, per_s: float, minutes: float, folder: Path) -> dict[str, float]:
    """All sends are begun at once; each takes `minutes` at the service, more or less."""
    manifest = Manifest(
        "studio",
        "Studio",
        "",
        {"cover": OperationSpec("cover", honours=("bpm", "style"), credits=1.0)},
        requests=requests,
        per_s=per_s,
    )
    studio = Studio(manifest, (minutes * 30, minutes * 90))
    services = Services({"studio": manifest}, lambda _: {}, folder, lambda _: None)
    services._open = {"studio": studio}  # type: ignore[dict-item]
    settings = Settings(
        service="studio",
        services={"studio": ServiceSettings(max_parallel=1000)},
        returns=ReturnsSettings(stems=0, midi=False),
    )
    journal = Journal.open(folder / "journal.db")
    desk = Conductor(journal, services, settings, lambda _: folder, folder / "staging")
    clip = folder / "clip.wav"
    soundfile.write(clip, np.full((4800, 1), 0.25, np.float32), 48_000)
    left, all_ended = count, asyncio.Event()

    def hear(event: Any) -> None:
        nonlocal left
        if event.send.state.ended and event.returned is None:
            left -= 1
            if left == 0:
                all_ended.set()

    desk.subscribe(hear)
    await desk.start()
    for number in range(count):
        desk.accept(Wish("cover", clip, folder, params={"bpm": 120, "style": f"number {number}"}, origin=Origin.CLI))
    await all_ended.wait()
    done = len(journal.list(State.DONE, limit=count + 1))
    await desk.stop()
    journal.close()
    return {
        "done": done,
        "looks_per_send_and_minute": len(studio.looks) / (studio.waited_s / 60),
        "most_in_a_window": most_in_a_window(studio.requests, per_s) if per_s else 0,
        "minutes_waited": studio.waited_s / 60 / count,
        "peak_mb": peak_mib(),
    }


def main() -> None:
    count, requests, per_s, minutes = (float(word) for word in sys.argv[1:5])
    in_memory = Path("/dev/shm")
    place = in_memory if in_memory.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder, asyncio.Runner(loop_factory=JumpingLoop) as runner:
        print(json.dumps(runner.run(measure(int(count), int(requests), per_s, minutes, Path(folder)))))


if __name__ == "__main__":
    main()
