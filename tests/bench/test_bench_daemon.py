"""What the daemon costs and how soon it answers: a real process, real folders, real sockets. Prints figures."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import numpy as np
import psutil
import pytest
import soundfile
import yaml
from living_daemon import LivingDaemon, Osc
from sendreturn.card import CARD_NAME
from sendreturn.sends.wish import Event

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

IDLE_S = 15.0


@contextmanager
def running(folder: Path, **settings: object) -> Iterator[tuple[psutil.Process, dict]]:
    """A daemon of its own, up and answering."""
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({"osc": {"port": 0}, "web": {"port": 0}, **settings}), "utf-8")
    env = {**os.environ, "SENDRETURN_HOME": str(folder / "state"), "SENDRETURN_CONFIG": str(config)}
    started_s = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "sendreturn.cli", "run", "--quiet"], env=env)
    try:
        card = folder / "state" / CARD_NAME
        while not card.exists():
            assert process.poll() is None
            assert time.monotonic() - started_s < 60
            time.sleep(0.02)
        yield psutil.Process(process.pid), json.loads(card.read_text("utf-8"))
    finally:
        process.terminate()
        process.wait(30)


def silent_clip(path: Path) -> Path:
    """It is accepted, and then turns out to be of no use: so nothing but the way in is measured."""
    soundfile.write(path, np.zeros((24_000, 2)), 48_000)
    return path


def test_idle_with_a_thousand_sessions(tmp_path: Path):
    sessions = tmp_path / "Sessions"
    for number in range(1000):
        for operation in ("extend", "cover", "inpaint", "stems", "midi"):
            (sessions / f"Song {number}" / "Sends" / operation).mkdir(parents=True)
    with running(tmp_path, sessions=[{"path": str(sessions), "each": True}]) as (daemon, _):
        _settle(daemon)
        before, began_s = daemon.cpu_times(), time.monotonic()
        time.sleep(IDLE_S)
        after, took_s = daemon.cpu_times(), time.monotonic() - began_s
        cpu = (after.user + after.system - before.user - before.system) / took_s
        rss_mb = daemon.memory_info().rss / 1e6
        print(f"\nidle, 1,000 sessions: {cpu:.2%} of a core, {rss_mb:.0f} MB, {daemon.num_threads()} threads")
    assert rss_mb < 1000


def _settle(daemon: psutil.Process) -> None:
    """Wait until the start's own work is over."""
    last = -1.0
    for _ in range(60):
        spent = sum(daemon.cpu_times()[:2])
        if spent - last < 0.02:
            return
        last = spent
        time.sleep(1.0)


def test_osc_to_accepted(tmp_path: Path):
    session = tmp_path / "Song"
    session.mkdir()
    clip = silent_clip(session / "a.wav")
    with running(tmp_path, sessions=[{"path": str(session)}]) as (_, card):
        times_ms = asyncio.run(_ask_often(card["osc_port"], clip))
    print(f"\nOSC to accepted: {median(times_ms):.1f} ms median, {quantiles(times_ms, n=20)[-1]:.1f} ms p95")
    assert len(times_ms) == 60


async def _ask_often(port: int, clip: Path) -> list[float]:
    times_ms = []
    async with Osc(port) as osc:
        for number in range(60):
            osc.answers.clear()
            began_s = time.perf_counter()
            osc.say("/sendreturn/midi", str(clip), "seed", number, "req", f"r{number}")
            await osc.hear("/sendreturn/accepted")
            times_ms.append((time.perf_counter() - began_s) * 1000)
            await osc.hear("/sendreturn/failed")
    return times_ms


async def test_settled_file_to_written_send(tmp_path: Path):
    settle_s = 0.5
    source = silent_clip(tmp_path / "source.wav")
    times_ms = []
    async with LivingDaemon(tmp_path, settle_s=settle_s) as life:
        queued: asyncio.Queue[float] = asyncio.Queue()

        def hear(event: Event) -> None:
            if event.send.state.value == "queued":
                queued.put_nowait(time.perf_counter())

        life.daemon.house.conductor.subscribe(hear)
        for number in range(12):
            hidden = life.sends / ".sendreturn-bench.wav"
            shutil.copyfile(source, hidden)
            dropped_s = time.perf_counter()
            hidden.rename(life.sends / "midi" / f"clip {number}.wav")
            written_s = await asyncio.wait_for(queued.get(), 30)
            times_ms.append((written_s - dropped_s - settle_s) * 1000)
            await life.ended(number + 1)
    print(f"\nsettled to written: {median(times_ms):.0f} ms median, {max(times_ms):.0f} ms at most, beyond settle_s")
    assert len(times_ms) == 12
