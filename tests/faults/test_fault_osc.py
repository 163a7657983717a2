"""The OSC way in under attack, accident and noise: rows 114 to 121, each against a living daemon."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from clips import music, write_clip
from living_daemon import LivingDaemon
from oracles import harmed, manifest, strays, unended, unwished
from own_address import other_address
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from sendreturn.sends.osc_senders import Senders
from sendreturn.settings import OscSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BUNDLE, NOW = b"#bundle\0", b"\0" * 7 + b"\1"
HANGS = BUNDLE + NOW + struct.pack(">i", -4)
"""Keeps python-osc 1.10.2 busy for ever."""


def sine_clip(path: Path, seconds: float = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_clip(path, music(seconds))


def packet(address: str, *args: Any) -> bytes:
    builder = OscMessageBuilder(address)
    for arg in args:
        builder.add_arg(arg)
    return builder.build().dgram


def bundled(data: bytes, time_tag: bytes = NOW, times: int = 1) -> bytes:
    for _ in range(times):
        data = BUNDLE + time_tag + struct.pack(">i", len(data)) + data
    return data


PING = packet("/sendreturn/ping")
BAD = {
    "size -4": HANGS,
    "size -4 inside": bundled(HANGS),
    "nested 500 deep": bundled(PING, times=500),
    "bad UTF-8": b"/sendreturn/\xff\xfe\0\0",
    "no NUL": b"/sendreturn/ping",
    "wrong types": b"/sendreturn/ping\0\0\0\0,if\0abcd",
    "types without an end": b"/sendreturn/ping\0\0\0\0,[[[",
    "64 kB": b"/" + b"a" * 65_000,
    "empty": b"",
    "text": b"GET / HTTP/1.1\r\n\r\n",
}


@asynccontextmanager
async def studio(folder: Path, **more: Any) -> AsyncIterator[tuple[LivingDaemon, Path]]:
    """A daemon with a clip in its session, and beside the session a file of the user's that is none of its business."""
    life = LivingDaemon(folder, **more)
    clip = sine_clip(life.session / "Audio" / "riff.wav")
    sine_clip(folder / "private" / "diary.wav")
    async with life:
        yield life, clip


async def assert_well(life: LivingDaemon, folder: Path, before: dict[Path, str], wished: list[Path]) -> None:
    """The oracles that hold after every packet: nothing sent that was not asked for, nothing harmed, all at work."""
    journal = life.daemon.places.journal
    async with life.osc() as phone:
        phone.say("/sendreturn/ping", "req", "at last")
        assert (await phone.hear("/sendreturn/pong"))[-1] == "at last"
    clips = [send.clip.name for send in life.daemon.house.conductor.list() if send.clip]
    assert sorted(clips) == sorted(path.name for path in wished)
    assert unwished(journal, wished) == []
    assert unended(journal, life.daemon.health()) == []
    assert harmed(before) == []
    assert strays(before, folder, [life.session, life.daemon.places.state]) == []


async def test_malformed_datagrams_are_dropped_and_the_next_message_is_answered(tmp_path: Path):
    async with studio(tmp_path) as (life, _):
        before = manifest(tmp_path / "private") | manifest(life.session / "Audio")
        with flooder(life) as flood:
            for number, data in enumerate(BAD.values(), 1):
                flood(1, data)
                await assert_well(life, tmp_path, before, [])
                assert life.daemon.osc.counts.malformed == number, data[:40]
        async with life.http() as http:
            assert (await http.get("/health")).json()["osc"]["malformed"] == len(BAD)


async def test_a_time_tag_in_the_future_does_not_hold_up_its_message(tmp_path: Path):
    async with studio(tmp_path) as (life, _), life.osc() as phone:
        phone.say_raw(bundled(PING, struct.pack(">II", 2**32 - 1, 0)))
        await phone.hear("/sendreturn/pong", 10)


async def test_a_flood_costs_messages_and_nothing_else(tmp_path: Path):
    async with studio(tmp_path) as (life, clip):
        before = manifest(tmp_path / "private") | manifest(life.session / "Audio")
        hot = life.sends / "extend" / "take.wav"
        with flooder(life) as flood:
            flood(20_000, PING)
            sine_clip(hot)  # other work goes on meanwhile
            flood(20_000, HANGS)
            flood(20_000, packet("/sendreturn/set", "prompt", "warm"))
            await life.ended()
        await assert_well(life, tmp_path, before, [hot])
        assert life.daemon.osc.counts.received > 0
        assert {send.state.value for send in life.daemon.house.conductor.list()} == {"done"}
        assert hashlib.sha256(clip.read_bytes()).hexdigest() == before[clip]


async def test_a_button_that_is_stuck_is_one_send(tmp_path: Path):
    async with studio(tmp_path) as (life, clip):
        before = manifest(tmp_path / "private") | manifest(life.session / "Audio")
        async with life.osc() as phone:
            for _ in range(1000):
                phone.say("/sendreturn/extend", "Audio/riff.wav", "extend_s", 1)
            await phone.hear("/sendreturn/done")
        assert len(life.daemon.house.conductor.list()) == 1
        await assert_well(life, tmp_path, before, [clip])


async def test_what_is_asked_again_because_the_answer_was_lost_is_one_send(tmp_path: Path):
    ask = ("/sendreturn/extend", "Audio/riff.wav", "extend_s", 1, "req", "r-1")
    async with studio(tmp_path) as (life, clip):
        before = manifest(tmp_path / "private") | manifest(life.session / "Audio")
        async with life.osc() as deaf:
            deaf.say(*ask)
            (send,) = await life.ended()
        async with life.osc() as phone:
            phone.say(*ask)
            assert await phone.hear("/sendreturn/accepted") == [send.id, "extend", str(clip), "req", "r-1"]
    async with LivingDaemon(tmp_path) as life, life.osc() as phone:  # and after a restart
        phone.say(*ask)
        assert (await phone.hear("/sendreturn/accepted"))[0] == send.id
        assert len(life.daemon.house.conductor.list()) == 1
        await assert_well(life, tmp_path, before, [clip])


# Other machines


def test_only_this_machine_and_what_is_allowed_may_send():
    here = Senders()
    assert here.admits("127.0.0.1")
    assert here.admits("::1")
    assert here.admits("::ffff:127.0.0.1")
    assert not here.admits("192.168.1.20")
    assert not here.admits("fe80::1%eth0")
    there = Senders(("192.168.1.0/24", "fd00::/64"), "token-4711")
    assert there.admits("192.168.1.20")
    assert there.admits("fd00::7%2")
    assert not there.admits("192.168.2.20")
    assert not there.admits("8.8.8.8")


class Tablet:
    """A sender whose address is not of the loopback."""

    def __init__(self, life: LivingDaemon, host: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.setblocking(False)
        self._to = (host, life.daemon.osc.port)

    def say(self, address: str, *args: Any) -> None:
        self._socket.sendto(packet(address, *args), self._to)

    async def hear(self) -> list[Any]:
        async with asyncio.timeout(10):
            return list(OscMessage(await asyncio.get_running_loop().sock_recv(self._socket, 65536)).params)

    def heard_nothing(self) -> bool:
        try:
            return self._socket.recv(65536) == b""
        except BlockingIOError:
            return True

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("allow", [(), ("203.0.113.0/24",)], ids=["none", "another"])
async def test_a_machine_that_is_not_allowed_gets_no_answer_even_where_the_daemon_listens_to_it(
    tmp_path: Path, allow: tuple[str, ...]
):
    host = other_address()
    life = LivingDaemon(tmp_path, osc=OscSettings(host="0.0.0.0", port=0, announce=False, allow=allow))
    async with life:
        before = manifest(life.session / "Audio")
        with closing(Tablet(life, host)) as tablet:
            token = life.daemon.places.read_osc_token()
            for end in ((), ("token", token), ("token", life.daemon.places.read_token())):
                tablet.say("/sendreturn/ping", *end)
                tablet.say("/sendreturn/subscribe", 9, *end)
            await assert_well(life, tmp_path, before, [])
            assert life.daemon.osc.counts.refused == 6
            assert tablet.heard_nothing()


async def test_an_allowed_machine_needs_the_token_in_each_message_and_is_answered_where_it_sends_from(tmp_path: Path):
    host = other_address()
    life = LivingDaemon(tmp_path, osc=OscSettings(host="0.0.0.0", port=0, announce=False, allow=(f"{host}/32",)))
    sine_clip(life.session / "riff.wav")
    async with life:
        token = (life.daemon.places.state / "osc-token").read_text("ascii")
        assert (life.daemon.places.state / "osc-token").stat().st_mode & 0o777 == 0o600
        assert token != life.daemon.places.read_token()
        with closing(Tablet(life, host)) as tablet:
            wrong = [(), ("token",), ("token", "x"), ("token", ""), ("token", 0), (token,), ("token", token, "x", 1)]
            for end in wrong:
                tablet.say("/sendreturn/extend", "riff.wav", "extend_s", 1, *end)
            tablet.say("/sendreturn/ping", "req", 5, "token", token)
            assert (await tablet.hear())[1:] == ["req", 5]
            assert tablet.heard_nothing()
            assert life.daemon.osc.counts.refused == len(wrong)
            assert life.daemon.house.conductor.list() == []
            tablet.say("/sendreturn/extend", "riff.wav", "extend_s", 1, "token", token)
            assert (await tablet.hear())[1] == "extend"
            (send,) = await life.ended()
        assert "token" not in send.params
        assert token not in life.daemon.house.redact(f"a message ended with token {token}")


async def test_answers_go_back_to_the_machine_that_asks_and_to_no_other(tmp_path: Path):
    """A subscription may name a port, never a host."""
    async with studio(tmp_path) as (life, _), life.osc() as phone:
        phone.say("/sendreturn/subscribe", "192.0.2.1:9000")
        phone.say("/sendreturn/subscribe", "9000", "192.0.2.1")
        phone.say("/sendreturn/ping", "req", "end")
        await phone.hear("/sendreturn/pong")
        assert [answer.address for answer in phone.answers] == ["/sendreturn/error"] * 2 + ["/sendreturn/pong"]


# Paths and patterns


PATHS = (
    "/etc/passwd",
    "../../etc/passwd",
    "Audio/../../private/diary.wav",
    "{session}/../private/diary.wav",
    "{session}/Audio/link.wav",
    "file:///etc/passwd",
    "file://server/share/riff.wav",
    "file:////server/share/riff.wav",
    "\\\\server\\share\\riff.wav",
    "//server/share/riff.wav",
    "~/diary.wav",
    "~root/.ssh/id_rsa",
    "file:///%00",
    "riff.wav%00.txt",
    "http://127.0.0.1/riff.wav",
    "smb://server/riff.wav",
    "concat:a.wav|/etc/passwd",
    "/dev/zero",
    "/proc/self/environ",
    ".",
    "",
    "a" * 5000,
)


async def test_no_path_leads_out_of_the_session(tmp_path: Path):
    async with studio(tmp_path) as (life, _):
        (life.session / "Audio" / "link.wav").symlink_to(tmp_path / "private" / "diary.wav")
        before = manifest(tmp_path / "private") | manifest(life.session / "Audio")
        for path in PATHS:
            async with life.osc() as phone:
                phone.say("/sendreturn/extend", path.format(session=life.session), "extend_s", 1)
                assert await phone.hear("/sendreturn/error"), path
        assert life.daemon.house.conductor.list() == []
        await assert_well(life, tmp_path, before, [])


async def test_a_session_is_not_taken_from_a_message_where_it_is_not_one(tmp_path: Path):
    async with studio(tmp_path) as (life, clip):
        before = manifest(tmp_path / "private") | manifest(life.session / "Audio")
        async with life.osc() as phone:
            phone.say("/sendreturn/extend", str(tmp_path / "private" / "diary.wav"), "session", str(life.session))
            phone.say("/sendreturn/generate", "prompt", "x", "session", str(tmp_path / "private"))
            phone.say("/sendreturn/extend", str(clip), "session", "\\\\server\\share")
            phone.say("/sendreturn/ping")
            await phone.hear("/sendreturn/pong")
            assert [answer.address for answer in phone.answers] == ["/sendreturn/error"] * 3 + ["/sendreturn/pong"]
        await assert_well(life, tmp_path, before, [])


PATTERNS = (
    "/*",
    "/sendreturn/*",
    "/sendreturn/{extend,cover}",
    "/sendreturn/[!x]xtend",
    "/sendreturn/exten?",
    "//extend",
    "/sendreturn/" + "{a,b}" * 200,
    "/" + "*a" * 2000,
    "/sendreturn/" + "[a-z]" * 500 + "*",
)


async def test_a_pattern_reaches_nothing_that_does_something(tmp_path: Path):
    async with studio(tmp_path) as (life, clip):
        before = manifest(tmp_path / "private") | manifest(life.session / "Audio")
        for address in PATTERNS:
            async with life.osc() as phone:
                phone.say(address, str(clip), "extend_s", 1)
                phone.say(address, "00000001")
            await assert_well(life, tmp_path, before, [])
        assert life.daemon.house.conductor.list() == []


async def test_a_port_that_is_taken_stops_neither_the_daemon_nor_the_other_ways_in(tmp_path: Path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        life = LivingDaemon(tmp_path, osc=OscSettings(port=other.getsockname()[1], announce=False))
        async with life:
            health = life.daemon.health()
            assert (health["status"], health["osc_port"]) == ("degraded", None)
            assert "OSC cannot listen" in health["problems"][0]["what"]
            sine_clip(life.sends / "extend" / "take.wav")
            (send,) = await life.ended()
            assert send.state.value == "done"


# Helpers


class flooder:  # noqa: N801 - used as a function
    """Sends as fast as the system takes it, from a socket of its own."""

    def __init__(self, life: LivingDaemon) -> None:
        self._to = ("127.0.0.1", life.daemon.osc.port)

    def __enter__(self) -> flooder:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def __call__(self, count: int, data: bytes) -> None:
        for _ in range(count):
            self._socket.sendto(data, self._to)
