"""The HTTP interface of a real daemon over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import httpx
import pytest
from fake_service import write_tone
from living_daemon import LivingDaemon
from sendreturn.app import Daemon
from sendreturn.card import CARD_NAME, read_card
from sendreturn.errors import UsageError
from sendreturn.places import Places
from sendreturn.settings import OscSettings, Settings, WebSettings
from sendreturn.words import State
from ways_in_fakes import wav_bytes

pytestmark = pytest.mark.usefixtures("no_leaks")


async def raw(life: LivingDaemon, request: bytes) -> bytes:
    """The answer to bytes that no client would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", life.daemon.http.port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()


def taken_port() -> socket.socket:
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.listen()
    return holder


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"200"),
        (b"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"403"),
        (b"GET /health HTTP/1.0\r\n\r\n", b"403"),
        (b"GET /health HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", b"400"),
        (b"GET http://evil.example/health HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"403"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
async def test_heads_of_requests_are_looked_at_before_anything_else(tmp_path: Path, request_head: bytes, status: bytes):
    async with LivingDaemon(tmp_path) as life:
        answer = await raw(life, request_head)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"server:" not in answer.lower()


async def test_an_uploaded_clip_goes_all_the_way(tmp_path: Path):
    async with LivingDaemon(tmp_path) as life, life.http() as http:
        form = {"operation": "stems", "session": str(life.session), "params": '{"stems": 2}'}
        content = write_tone(tmp_path / "made", seconds=0.5).read_bytes()
        answer = await http.post("/api/sends", data=form, files={"audio": ("riff.wav", content)})
        assert answer.status_code == 202, answer.text
        (send,) = await life.ended()
    assert send.state is State.DONE, send.text
    assert send.clip == life.sends / "sent" / "riff.wav"
    assert send.clip.read_bytes() == content
    assert {path.parent.parent for path in send.returns} == {life.session / "Returns"}


async def test_events_of_a_send_arrive_in_order_and_the_stream_ends_with_the_daemon(tmp_path: Path):
    events: list[tuple[str, dict]] = []
    async with LivingDaemon(tmp_path) as life, life.http(token="") as http:
        listening = asyncio.Event()

        async def listen() -> None:
            name = ""
            async with http.stream("GET", "/api/events", timeout=60) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                listening.set()
                async for line in answer.aiter_lines():
                    kind, _, value = line.partition(": ")
                    name = value if kind == "event" else name
                    if kind == "data":
                        events.append((name, json.loads(value)))

        listener = asyncio.create_task(listen())
        await listening.wait()
        write_tone(life.sends / "stems" / "riff.wav", seconds=0.5)
        await life.ended()
        await life.daemon.stop()
        await asyncio.wait_for(listener, 10)
    states = [data["state"] for name, data in events if name == "state"]
    order = [state.value for state in State]
    assert states[0] == "queued"
    assert states[-1] == "done"
    assert states == sorted(states, key=order.index)
    returns = [number for number, (name, _) in enumerate(events) if name == "return"]
    assert len(returns) == 4
    assert returns[-1] == len(events) - 2  # the word that all is done comes last


async def test_a_taken_port_is_told_and_another_one_serves(tmp_path: Path):
    with taken_port() as holder:
        port = holder.getsockname()[1]
        settings = Settings(web=WebSettings(port=port), osc=OscSettings(port=0, announce=False))
        daemon = Daemon(settings, Places(tmp_path / "state"), env={})
        await daemon.start()
        try:
            card = read_card(tmp_path / "state")
            assert card is not None
            assert card.address != f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=card.address, trust_env=False) as http:
                health = (await http.get("/health")).json()
        finally:
            await daemon.stop()
    assert health["status"] == "degraded"
    (problem,) = health["problems"]
    assert problem["topic"] == "web"
    assert str(port) in problem["what"]
    assert card.address.rpartition(":")[2] in problem["what"]


async def test_an_address_that_is_not_this_machines_is_a_sentence_and_leaves_nothing_open(tmp_path: Path):
    settings = Settings(web=WebSettings(host="192.0.2.1", port=0), osc=OscSettings(port=0, announce=False))
    daemon = Daemon(settings, Places(tmp_path / "state"), env={})
    with pytest.raises(UsageError, match=r"192\.0\.2\.1"):
        await daemon.start()
    async with LivingDaemon(tmp_path):  # the state folder is free again
        pass


async def test_health_is_whole_from_the_first_moment_and_counts_what_is_on_its_way(tmp_path: Path):
    async with LivingDaemon(tmp_path) as life, life.http() as http:
        health = (await http.get("/health")).json()
        card = json.loads((tmp_path / "state" / CARD_NAME).read_text("utf-8"))
    assert health["status"] == "ok"
    assert health["problems"] == []
    assert health["sends"] == {}
    assert (health["pid"], health["osc_port"], health["version"]) == (card["pid"], card["osc_port"], card["version"])
    assert not (tmp_path / "state" / CARD_NAME).exists()


async def test_a_stop_does_not_wait_for_an_upload_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sendreturn.sends.http_server.STOP_TIMEOUT_S", 1)
    async with LivingDaemon(tmp_path) as life:
        token = life.daemon.places.read_token()
        head = (
            f"POST /api/sends HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000000\r\n\r\n"
            '--x\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n'
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", life.daemon.http.port)
        writer.write(head.encode() + wav_bytes())
        await writer.drain()
        async with asyncio.timeout(10):
            await life.daemon.stop()
            assert not (await reader.read()).startswith(b"HTTP/1.1 2")
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    assert not list(life.session.rglob(".sendreturn-*"))
    assert not list(life.session.rglob("*.wav"))


async def test_whoever_hangs_up_in_the_middle_of_an_upload_leaves_nothing(tmp_path: Path):
    async with LivingDaemon(tmp_path) as life, life.http() as http:
        token = life.daemon.places.read_token()
        for _ in range(3):
            _, writer = await asyncio.open_connection("127.0.0.1", life.daemon.http.port)
            writer.write(
                f"POST /api/sends HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n--x\r\n".encode()
            )
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        assert (await http.get("/api/sends")).json() == {"sends": []}
    assert not list(life.session.rglob(".sendreturn-*"))


async def test_more_connections_than_there_may_be_are_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sendreturn.sends.http_server.MOST_CONNECTIONS", 4)
    async with LivingDaemon(tmp_path) as life:
        idle = [await asyncio.open_connection("127.0.0.1", life.daemon.http.port) for _ in range(6)]
        async with life.http() as http:
            assert (await http.get("/health")).status_code == 503
        for _, writer in idle:
            writer.close()
            await writer.wait_closed()
        async with life.http() as http:
            assert (await http.get("/health")).status_code == 200
