"""From a key in Live to `accepted`, and from a return that lies ready to its track."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from live_returns import clips_of
from live_side import TICK_S
from live_studio import KEYS, LiveStudio
from living_daemon import LivingDaemon

pytestmark = pytest.mark.bench

SENDS = 10


async def wait_for(is_so: Callable[[], Any], every_s: float) -> float:
    """When it became so."""
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - what is waited for are files, as for a script in Live
            await asyncio.sleep(every_s)
    return perf_counter()


def count_of(studio: LiveStudio, kind: str) -> int:
    """The number of the latest note of a kind."""
    try:
        notes = json.loads((studio.box / "status.json").read_text("utf-8"))["notes"]
    except FileNotFoundError:
        return 0
    return max((note["number"] for note in notes if note["kind"] == kind), default=0)


async def place_one(studio: LiveStudio) -> tuple[float, float]:
    """Press the key, wait for the answer, then for the first track: the seconds of both ways."""
    before, clips = count_of(studio, "accepted"), len(clips_of(studio.song))
    pressed = perf_counter()
    studio.live.note(KEYS["cover"])
    accepted = await wait_for(lambda: count_of(studio, "accepted") > before, 0.001) - pressed
    ready = await wait_for(lambda: list(studio.box.glob("[0-9]*.json")), 0.001)

    def is_placed() -> bool:
        studio.live.tick()
        return len(clips_of(studio.song)) > clips

    placed = await wait_for(is_placed, TICK_S) - ready
    await wait_for(lambda: studio.live.tick() or studio.song._open is None, 0)
    studio.live.tick(2)
    return accepted, placed


async def test_sends_are_placed_in_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = LiveStudio(tmp_path, monkeypatch)
    studio.clip._loop_end = 1.0
    async with LivingDaemon(tmp_path):
        ways = [await place_one(studio) for _ in range(SENDS)]
    mixes = [track for track in studio.song.tracks if track.name == "Gtr cover mix"]
    assert len(mixes) == SENDS
    for name, figures in zip(("key to accepted", "ready to its first track"), zip(*ways, strict=True), strict=True):
        print(f"Live, {name}: median {median(figures) * 1000:.0f} ms, worst {max(figures) * 1000:.0f} ms")
