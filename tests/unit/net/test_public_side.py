from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from sendreturn.engine.callbacks import Callbacks
from sendreturn.engine.hosting import Serving
from sendreturn.errors import UnknownSend
from sendreturn.sends.http_public import MOST_CALL_BYTES, PublicRoutes, PublicSide
from sendreturn.sends.http_server import HttpServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

PUBLIC = "https://studio.example.com/daw"
NAME = "studio.example.com"
SOUND = bytes(range(256)) * 1000
SEND = "0123abcd"


class Side:
    """The public side in front of an inner application that tells everything, on a real socket."""

    def __init__(self, folder: Path) -> None:
        self.clip = folder / "My Song.wav"
        self.clip.write_bytes(SOUND)
        self.serving = Serving(PUBLIC, "secret")
        self.callbacks = Callbacks(PUBLIC, "secret")
        self.calls: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.genuine = True

        async def tell_all(request: Request) -> PlainTextResponse:
            return PlainTextResponse("inner")

        inner = Starlette(routes=[Route("/{rest:path}", tell_all, methods=["GET", "POST"])])
        side = PublicSide(inner, PUBLIC, self.serving.find, self.callbacks.is_ours, self.hear)
        self.server = HttpServer(side, "127.0.0.1", 0)

    def hear(self, service: str, send_id: str, headers: Mapping[str, str], body: bytes) -> bool:
        self.calls.append((service, send_id, headers, body))
        return self.genuine

    @property
    def clip_path(self) -> str:
        return self.serving.url_for(SEND, self.clip).removeprefix(PUBLIC)

    @property
    def call_path(self) -> str:
        return self.callbacks.url_for("musicapi", SEND).removeprefix(PUBLIC)

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> httpx.Response:
        address = f"http://127.0.0.1:{self.server.port}"
        async with httpx.AsyncClient(trust_env=False, base_url=address) as client:
            return await client.request(method, path, headers={"Host": NAME, **(headers or {})}, content=content)


@pytest.fixture
async def side(tmp_path: Path) -> AsyncIterator[Side]:
    side = Side(tmp_path)
    await side.server.start()
    yield side
    await side.server.stop()


# Who may reach what


async def test_nothing_else_is_reached_from_outside(side: Side) -> None:
    strangers: list[dict[str, str]] = [
        {},
        {"Host": f"{NAME}:443"},
        {"Host": "localhost", "X-Forwarded-For": "1.2.3.4"},
        {"Host": "127.0.0.1", "Cf-Connecting-Ip": "1.2.3.4"},
    ]
    for path in ("/", "/api/sends", "/health", "/openapi.json", "/daw/api/sends", "/clips", "/webhooks"):
        for headers in strangers:
            got = await side.ask("GET" if path == "/health" else "POST", path, headers)
            assert (got.status_code, got.content) == (404, b""), (path, headers)


async def test_no_way_round_leads_inside(side: Side) -> None:
    for path in (
        "/clips/../health",
        "/clips/%2e%2e/health",
        "/daw/clips/../../health",
        "//clips/x/y",
        "/clips//health",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", side.server.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        got = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert got.startswith(b"HTTP/1.1 404")
        assert b"inner" not in got


async def test_this_machine_reaches_everything_as_before(side: Side) -> None:
    assert (await side.ask("GET", "/health", {"Host": f"127.0.0.1:{side.server.port}"})).text == "inner"
    assert (await side.ask("GET", side.clip_path, {"Host": "localhost"})).status_code == 200


async def test_another_host_name_gets_no_clip(side: Side) -> None:
    for host in ("evil.example", f"{NAME}.evil.example", f"user@{NAME}", f"evil/{NAME}", "[", ""):
        got = await side.ask("GET", side.clip_path, {"Host": host})
        assert SOUND not in got.content, host


# Clips


@pytest.mark.parametrize("prefix", ["", "/daw"])
async def test_a_clip_is_given_out_whole_in_parts_and_by_its_head(side: Side, prefix: str) -> None:
    path = prefix + side.clip_path
    got = await side.ask("GET", path)
    assert (got.status_code, got.content) == (200, SOUND)
    assert got.headers["content-type"] == "audio/wav"
    assert got.headers["accept-ranges"] == "bytes"
    assert "My" not in str(got.headers)
    head = await side.ask("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(SOUND))
    part = await side.ask("GET", path, {"Range": "bytes=10-19", "If-Range": got.headers["etag"]})
    assert (part.status_code, part.content) == (206, SOUND[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(SOUND)}"
    last = await side.ask("GET", path, {"Range": "bytes=-5"})
    assert last.content == SOUND[-5:]
    changed = await side.ask("GET", path, {"Range": "bytes=10-19", "If-Range": '"other"'})
    assert (changed.status_code, changed.content) == (200, SOUND)
    assert (await side.ask("GET", path, {"Range": f"bytes={len(SOUND)}-"})).status_code == 416


async def test_a_wrong_address_or_a_clip_that_is_gone_tells_nothing(side: Side) -> None:
    path = side.clip_path
    wrong = [
        path[:-1],
        path.replace("clip.wav", "clip.mp3"),
        path + "/",
        "/clips/x/y",
        path.replace("/clips/", "/clips/0"),
    ]
    answers = [await side.ask("GET", each) for each in wrong]
    answers.append(await side.ask("POST", path))
    side.clip.unlink()
    answers.append(await side.ask("GET", path))
    side.serving.withdraw(SEND)
    answers.append(await side.ask("GET", path))
    assert {(got.status_code, got.content) for got in answers} == {(404, b"")}


async def test_clips_are_given_out_and_guessed_at_only_so_often(tmp_path: Path) -> None:
    now_s = 0.0
    serving = Serving(PUBLIC, "secret")
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFF")
    path = serving.url_for(SEND, clip).removeprefix(PUBLIC)
    app = PublicRoutes(serving.find, lambda *_: False, lambda *_: True, clock=lambda: now_s).app
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        good = [(await client.get(path)).status_code for _ in range(125)]
        bad = [(await client.get("/clips/a/b")).status_code for _ in range(65)]
        now_s = 61.0
        again = (await client.get(path)).status_code
    assert good == [200] * 120 + [429] * 5
    assert bad == [404] * 60 + [429] * 5
    assert again == 200


# Call-backs


async def test_a_call_back_is_handed_on(side: Side) -> None:
    got = await side.ask("POST", side.call_path, {"X-Signature": "abc"}, b'{"task_id": "7"}')
    assert (got.status_code, got.content) == (200, b"")
    ((service, send_id, headers, body),) = side.calls
    assert (service, send_id, body) == ("musicapi", SEND, b'{"task_id": "7"}')
    assert headers["x-signature"] == "abc"


async def test_a_call_back_that_is_not_genuine_is_turned_away(side: Side) -> None:
    side.genuine = False
    assert (await side.ask("POST", side.call_path, content=b"{}")).status_code == 401


async def test_a_call_back_to_a_wrong_address_is_not_even_read(side: Side) -> None:
    path = side.call_path
    for wrong in (path[:-1], path.replace("musicapi", "sunoapi"), path.replace(SEND, "89abcdef"), "/webhooks/a/b/c"):
        assert (await side.ask("POST", wrong, content=b"{}")).status_code == 404
    assert (await side.ask("GET", path)).status_code == 404
    assert not side.calls


async def test_a_call_back_that_is_too_large_is_cut_off(side: Side) -> None:
    assert (await side.ask("POST", side.call_path, content=bytes(MOST_CALL_BYTES + 1))).status_code == 413
    assert (await side.ask("POST", side.call_path, content=bytes(MOST_CALL_BYTES))).status_code == 200
    assert len(side.calls) == 1


async def test_a_call_back_that_never_ends_is_left(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendreturn.sends.http_public.CALL_TIMEOUT_S", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", side.server.port)
    head = f"POST {side.call_path} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 100\r\n\r\n{{"
    writer.write(head.encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()
    await writer.wait_closed()
    assert not side.calls


async def test_a_call_back_for_a_send_that_is_gone_is_still_thanked_for(tmp_path: Path) -> None:
    def forget(service: str, send_id: str, headers: Mapping[str, str], body: bytes) -> bool:
        raise UnknownSend(send_id)

    app = PublicRoutes(lambda *_: None, lambda *_: True, forget).app
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        assert (await client.post("/webhooks/a/b/c", content=b"{}")).status_code == 200
