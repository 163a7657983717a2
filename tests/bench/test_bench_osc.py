"""How much noise the OSC door bears. Run with `pytest -m slow tests/bench/test_bench_osc.py -s`."""

from __future__ import annotations

import json
import random
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from clips import music, write_clip
from daemon_process import DaemonProcess
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from sendreturn.sends import osc_messages, osc_packets

PACKETS = 1_000_000
TO_DAEMON = 50_000
FLOOD_PER_S, FLOOD_S = 10_000, 60
MIB = 1 << 20
BUNDLE, NOW = b"#bundle\0", b"\0" * 7 + b"\1"
PIECES = (
    *(BUNDLE, NOW, b"/sendreturn/", b"extend\0\0", b",i\0\0", b",sf\0", b",[s]\0\0\0\0", b",b\0\0", b"\0\0\0\4"),
    *(b"\xff\xff\xff\xfc", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\xff" * 8, b"/*", b"{a,b}", b"\0", b"a" * 200),
)


def packet(address: str, *args: object) -> bytes:
    builder = OscMessageBuilder(address)
    for arg in args:
        builder.add_arg(arg)
    return builder.build().dgram


def bundled(*packets: bytes) -> bytes:
    return BUNDLE + NOW + b"".join(struct.pack(">i", len(one)) + one for one in packets)


WHOLE = (
    packet("/sendreturn/ping"),
    packet("/sendreturn/extend", "riff.wav", "extend_s", 4, "prompt", "warm", "weirdness", 0.5, "req", 7),
    packet("/sendreturn/subscribe", 9000),
    packet("/sendreturn/cancel", "0badcafe"),
    bundled(packet("/sendreturn/ping"), packet("/sendreturn/set", "style", "jazz")),
    bundled(bundled(packet("/a", True, None, 2**40, b"1234", [1, [2.5, "x"]]))),
)


def fuzzed(seed: int, count: int) -> Iterator[bytes]:
    """Packets that are nearly right: spoiled copies of right ones, and right pieces in a wrong order."""
    rng = random.Random(seed)
    for _ in range(count):
        if rng.random() < 0.2:
            yield b"".join(rng.choices(PIECES, k=rng.randint(0, 8)))
            continue
        data = bytearray(rng.choice(WHOLE))
        for _ in range(rng.randint(1, 3)):
            piece = rng.choice(PIECES) if rng.random() < 0.2 else rng.randbytes(rng.randint(1, 4))
            at, over = rng.randrange(len(data)), len(piece) if rng.random() < 0.8 else rng.randint(0, 4)
            data[at : at + over] = piece
        yield bytes(data)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_fuzzed_packets_are_read_or_refused() -> None:
    passed, longest_s, memory = 0, 0.0, psutil.Process().memory_info().rss
    began = time.perf_counter()
    for data in fuzzed(1, PACKETS):
        start = time.process_time()
        if osc_packets.check(data) is None:
            passed += 1
            for message in osc_messages.read(data):
                assert isinstance(message.args, tuple)
        longest_s = max(longest_s, time.process_time() - start)
    grown = psutil.Process().memory_info().rss - memory
    print(
        f"\n{PACKETS:,} fuzzed packets in {time.perf_counter() - began:.0f} s, {passed:,} of them well formed;"
        f" the longest took {longest_s * 1e3:.1f} ms; {grown / MIB:+.1f} MiB"
    )
    assert PACKETS * 0.05 < passed < PACKETS * 0.95
    assert grown < 20 * MIB


class Controller:
    """A real controller beside the noise."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(0.5)

    def send(self, data: bytes) -> None:
        self._socket.send(data)

    def ask(self, req: str, address: str, *args: object, tries: int = 1) -> OscMessage | None:
        """The answer with this `req`; a controller repeats what is not answered."""
        for _ in range(tries):
            self.send(packet(address, *args, "req", req))
            until_s = time.monotonic() + 5
            while time.monotonic() < until_s:
                try:
                    answer = OscMessage(self._socket.recv(65536))
                except TimeoutError:
                    continue
                if answer.params[-1:] == [req]:
                    return answer
        return None

    def drain(self) -> None:
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(65536)
        except BlockingIOError:
            self._socket.settimeout(0.5)

    def close(self) -> None:
        self._socket.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_daemon_bears_fuzz_and_a_minute_of_flood_and_hears_every_real_message_afterwards(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "studio")
    write_clip(daemon.session / "riff.wav", music(2.0))
    daemon.start()
    try:
        daemon._until(daemon._is_ready)
        assert daemon._process is not None
        process = psutil.Process(daemon._process.pid)
        port = json.loads((daemon.state / "daemon.json").read_text("utf-8"))["osc_port"]
        noise, phone = Controller(port), Controller(port)
        for data in fuzzed(2, TO_DAEMON):
            if b"extend\0" not in data and data:
                noise.send(data)
        assert phone.ask("warm", "/sendreturn/ping", tries=20) is not None
        memory, files = process.memory_info().rss, process.num_fds()
        sent = flood(noise)
        noise.drain()
        grown = process.memory_info().rss - memory
        heard = [phone.ask(f"real-{n}", "/sendreturn/ping") for n in range(1000)]
        answered = sum(one is not None for one in heard)
        answer = phone.ask("the-send", "/sendreturn/extend", "riff.wav", "extend_s", 2)
        print(
            f"\n{sent:,} packets in {FLOOD_S} s to a daemon: {grown / MIB:+.1f} MiB,"
            f" {process.num_fds() - files:+d} files; then {answered} of 1000 real messages were answered"
        )
        assert all(one is not None for one in heard)
        assert answer is not None
        assert answer.address == "/sendreturn/accepted"
        assert grown < 20 * MIB
        assert sent >= 0.9 * FLOOD_PER_S * FLOOD_S
        assert daemon.until_gone_or(lambda states: "done" in states)
        assert daemon.count_sends() == 1
        noise.close()
        phone.close()
        assert daemon.stop() == 0
    finally:
        daemon.kill_all()


def flood(noise: Controller) -> int:
    """A hundred packets every hundredth of a second: pings, spoiled packets, and one that hangs python-osc."""
    hangs = BUNDLE + NOW + struct.pack(">i", -4)
    mixed = [data for data in fuzzed(3, 5000) if data and b"extend\0" not in data]
    began, sent = time.monotonic(), 0
    while (passed_s := time.monotonic() - began) < FLOOD_S:
        while sent < passed_s * FLOOD_PER_S:
            noise.send((WHOLE[0], hangs, mixed[sent % len(mixed)])[sent % 3])
            sent += 1
        time.sleep(0.002)
    return sent
