"""From a key in REAPER to `accepted`, and from a return that lies ready to its track."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from living_daemon import LivingDaemon
from reaper_studio import ReaperStudio

pytestmark = pytest.mark.bench

SENDS = 20
MARK = "P_EXT:sendreturn"
FRAME_S = 1 / 30
"""How often REAPER runs what a script defers."""


async def wait_for(is_so: Callable[[], Any], every_s: float) -> float:
    """When it became so."""
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - what is waited for are files, as for a script in REAPER
            await asyncio.sleep(every_s)
    return perf_counter()


def count_of(studio: ReaperStudio, kind: str) -> int:
    """The number of the latest note of a kind."""
    try:
        notes = json.loads((studio.box / "status.json").read_text("utf-8"))["notes"]
    except FileNotFoundError:
        return 0
    return max((note["number"] for note in notes if note["kind"] == kind), default=0)


async def place_one(studio: ReaperStudio) -> tuple[float, float]:
    """Press the key, wait for the answer, then for the track: the seconds of both ways."""
    before, items = count_of(studio, "accepted"), len(studio.project.items)
    pressed = perf_counter()
    studio.reaper.press("sendreturn_again.lua")
    accepted = await wait_for(lambda: count_of(studio, "accepted") > before, 0.001) - pressed
    ready = await wait_for(lambda: list(studio.box.glob("[0-9]*.json")), 0.001)

    def is_placed() -> bool:
        studio.reaper.now += FRAME_S - 0.1
        studio.reaper.tick()
        return len(studio.project.items) > items

    return accepted, await wait_for(is_placed, FRAME_S) - ready


async def test_sends_are_placed_in_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = ReaperStudio(tmp_path, monkeypatch, seconds=2.0)
    (studio.mailbox / "panel.json").write_text('{"word": "extend", "seconds": "1"}', "utf-8")
    async with LivingDaemon(tmp_path):
        ways = [await place_one(studio) for _ in range(SENDS)]
    marks = [item.strings[MARK] for item in studio.project.items if MARK in item.strings]
    assert len(marks) == len(set(marks)) == SENDS
    assert (studio.reaper.wrong, studio.reaper.dialogs) == ([], [])
    for name, figures in zip(("key to accepted", "ready to placed"), zip(*ways, strict=True), strict=True):
        print(f"REAPER, {name}: median {median(figures) * 1000:.0f} ms, worst {max(figures) * 1000:.0f} ms")
