"""Figures of the ways in: run with `pytest -m bench -s tests/bench/test_bench_ways_in.py`."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import statistics
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from pythonosc.osc_message_builder import OscMessageBuilder
from sendreturn.sends.arrivals import StoredArrivals
from sendreturn.sends.folder import FolderWays
from sendreturn.sends.layout import Folders
from sendreturn.sends.osc import OscDoor
from sendreturn.sends.osc_packets import check
from sendreturn.sends.roots import Entry
from sendreturn.sends.wiring import why_not_whole
from ways_in_fakes import FakeDesk, wav_bytes

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.bench


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def ways_over(entry: Entry, desk: FakeDesk, memory: StoredArrivals, settle_s: float) -> FolderWays:
    return FolderWays(lambda: [entry], Folders(), desk, memory, lambda *_: None, why_not_whole, settle_s=settle_s)


async def test_a_thousand_sessions_cost_next_to_nothing_while_idle(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / "all" / f"song {number}" / "Audio").mkdir(parents=True)
        (tmp_path / "all" / f"song {number}" / "Audio" / "take.wav").write_bytes(b"")
    memory = StoredArrivals(tmp_path / "arrivals.sqlite3")
    ways = ways_over(Entry(tmp_path / "all", each=True), FakeDesk(), memory, 2.0)
    rss = psutil.Process().memory_info().rss
    began_s = time.perf_counter()
    await ways.start()
    await ways.rescan()
    ready_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    await ways.rescan()
    rescan_s = time.perf_counter() - began_s
    used_s = cpu_s()
    await asyncio.sleep(30)
    share = (cpu_s() - used_s) / 30
    grown = psutil.Process().memory_info().rss - rss
    await ways.stop()
    memory.close()
    print(f"\n1000 sessions: made and watched in {ready_s:.2f} s, rescan {rescan_s:.3f} s, +{grown / 1e6:.1f} MB,")
    print(f"idle {share:.3%} of a core, and {rescan_s / 300:.3%} for the rescan every 5 minutes")


async def test_how_soon_after_the_settle_time_a_clip_is_handed_in(tmp_path: Path) -> None:
    (tmp_path / "song").mkdir()
    memory = StoredArrivals(tmp_path / "arrivals.sqlite3")
    desk, settle_s = FakeDesk(), 0.2
    ways = ways_over(Entry(tmp_path / "song"), desk, memory, settle_s)
    await ways.start()
    await ways.rescan()
    lags_ms = []
    for number in range(40):
        began_s = time.perf_counter()
        (tmp_path / "song" / "Sends" / "extend" / f"{number}.wav").write_bytes(wav_bytes())
        await desk.until(number + 1)
        lags_ms.append((time.perf_counter() - began_s - settle_s) * 1000)
    await ways.stop()
    memory.close()
    lags_ms.sort()
    print(f"\nsettle + {statistics.median(lags_ms):.1f} ms median, + {lags_ms[-3]:.1f} ms p95, key on disk before")


OVERFLOW = """
    import asyncio, sys
    from pathlib import Path
    from ways_in_fakes import FakeDesk
    from sendreturn.sends.arrivals import MemoryArrivals
    from sendreturn.sends.folder import FolderWays
    from sendreturn.sends.layout import Folders
    from sendreturn.sends.roots import Entry
    async def main():
        desk = FakeDesk()
        entries = [Entry(Path(sys.argv[1]))]
        quiet = lambda *_: None
        ways = FolderWays(lambda: entries, Folders(), desk, MemoryArrivals(), quiet, quiet, settle_s=0.1)
        await ways.start()
        await ways.rescan()
        print("ready", flush=True)
        while len(desk.wishes) < int(sys.argv[2]):
            await asyncio.sleep(0.1)
        print("all", flush=True)
        await ways.stop()
    asyncio.run(main())
"""


def test_files_beyond_the_kernels_queue_are_all_found(tmp_path: Path) -> None:
    count = 20_000
    (tmp_path / "song").mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(OVERFLOW), str(tmp_path / "song"), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "ready\n"
        daemon.send_signal(signal.SIGSTOP)
        for number in range(count):
            (tmp_path / "song" / "Sends" / "extend" / f"{number}.wav").write_bytes(b"RIFF")
        daemon.send_signal(signal.SIGCONT)
        began_s = time.perf_counter()
        try:
            assert daemon.stdout.readline() == "all\n"
            print(f"\n{count} files while stopped: all handed in after {time.perf_counter() - began_s:.1f} s")
        finally:
            daemon.kill()


def test_how_long_a_datagram_is_looked_at() -> None:
    worst = b"/a\0\0," + b"s" * 255 + b"\0" * 4 + b"abc\0" * 255
    builder = OscMessageBuilder("/sendreturn/extend")
    for argument in ("/song/riff.wav", "prompt", "warm", "bpm", 120.0):
        builder.add_arg(argument)
    for name, packet in (("usual", builder.build().dgram), ("256 texts", worst)):
        began_s = time.perf_counter()
        for _ in range(1000):
            check(packet)
        print(f"\ncheck of a {name} packet: {(time.perf_counter() - began_s) * 1000:.1f} µs")


class Pinger(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, _: Any) -> None:
        self.heard.put_nowait(data)


async def test_how_soon_a_ping_is_answered_alone_and_in_a_flood() -> None:
    door = OscDoor("127.0.0.1", 0, (), FakeDesk(), "1", lambda *_: None)
    await door.start()
    loop = asyncio.get_running_loop()
    ping = b"/sendreturn/ping\0\0\0\0"
    _, pinger = await loop.create_datagram_endpoint(Pinger, remote_addr=("127.0.0.1", door.port or 0))
    alone_ms = []
    for _ in range(500):
        began_s = time.perf_counter()
        pinger.transport.sendto(ping)
        await pinger.heard.get()
        alone_ms.append((time.perf_counter() - began_s) * 1000)
    to = f"('127.0.0.1', {door.port})"
    code = f"import socket; s = socket.socket(2, 2); [s.sendto(b'/x\\0\\0', {to}) for _ in range(300000)]"
    flood = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    ticks_ms = []
    while flood.returncode is None:
        began_s = time.perf_counter()
        await asyncio.sleep(0)
        ticks_ms.append((time.perf_counter() - began_s) * 1000)
    await flood.wait()
    ticks_ms.sort()
    counts = door.counts
    await door.stop()
    pinger.transport.close()
    await asyncio.sleep(0)
    print(f"\nping answered after {statistics.median(alone_ms):.2f} ms median, {sorted(alone_ms)[-6]:.2f} ms p99")
    lag_ms = ticks_ms[-len(ticks_ms) // 100]
    print(f"flood: {counts.received} received, {counts.dropped} dropped; loop lag p99 {lag_ms:.2f} ms")
