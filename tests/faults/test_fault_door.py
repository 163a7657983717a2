"""The HTTP door against other people's pages, other users and impatient readers: rows 122 to 129, over real sockets.

There is no local page yet; what it will stand on is tested here: who is answered, and what a browser may make of it.
"""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from clips import music, write_clip
from living_daemon import LivingDaemon
from oracles import harmed, manifest, strays, unended, unwished
from own_address import other_address
from sendreturn.errors import SettingsError
from sendreturn.sends.http_events import MOST_STREAMS
from sendreturn.sends.http_server import MOST_CONNECTIONS
from sendreturn.settings import WebSettings, load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NASTY = '<img src=x onerror=alert(1)>"; DROP\u202e'
GETS = ("/health", "/openapi.json", "/api/sends", "/api/services", "/api/events", "/", "/static/app.js", "/nothing")
POSTS = ("/api/sends", "/api/sends/0badcafe/approve", "/api/sends/0badcafe/retry", "/api/rescan", "/api/daws/x/ping")


@asynccontextmanager
async def studio(folder: Path, **more: Any) -> AsyncIterator[tuple[LivingDaemon, Path, dict[Path, str]]]:
    life = LivingDaemon(folder, **more)
    clip = life.session / "Audio" / "riff.wav"
    clip.parent.mkdir(exist_ok=True)
    write_clip(clip, music(1.0))
    (folder / "private").mkdir(exist_ok=True)
    write_clip(folder / "private" / "diary.wav", music(1.0))
    before = manifest(clip.parent) | manifest(folder / "private")
    async with life:
        yield life, clip, before


def assert_well(life: LivingDaemon, folder: Path, before: dict[Path, str], wished: tuple[Path, ...] = ()) -> None:
    journal = life.daemon.places.journal
    assert [s.clip.name for s in life.daemon.house.conductor.list() if s.clip] == [path.name for path in wished]
    assert unwished(journal, wished) == []
    assert unended(journal, life.daemon.health()) == []
    assert harmed(before) == []
    assert strays(before, folder, [life.session, life.daemon.places.state]) == []


async def ask(life: LivingDaemon, head: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """One raw request; the status, the headers and the body of its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", life.daemon.http.port)
    try:
        writer.write(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
        async with asyncio.timeout(10):
            first = (await reader.readline()).decode("latin-1")
            lines = [(await reader.readuntil(b"\r\n\r\n")).decode("latin-1")] if first else []
            headers = dict(line.lower().split(": ", 1) for line in "".join(lines).split("\r\n") if ": " in line)
            length = int(headers.get("content-length", 0))
            return int(first.split()[1]) if first else 0, headers, await reader.readexactly(length)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_name_that_was_rebound_is_turned_away_before_anything_is_looked_up(tmp_path: Path):
    async with studio(tmp_path) as (life, _, before):
        port, token = life.daemon.http.port, life.daemon.places.read_token()
        hosts = (
            f"evil.example:{port}", f"localhost.evil.com:{port}", f"127.0.0.1.evil.com:{port}", f"0.0.0.0:{port}", "",
            f"[::ffff:7f00:1]:{port}", f"127.1:{port}", f"2130706433:{port}", f"localhost@evil.com:{port}",
            f"[::1:{port}",
        )  # fmt: skip
        for host in hosts:
            for method, paths in (("GET", GETS), ("POST", POSTS)):
                for path in paths:
                    head = f"{method} {path} HTTP/1.1\nHost: {host}\nAuthorization: Bearer {token}\nContent-Length: 0"
                    status, _, said = await ask(life, head)
                    assert status in (400, 403), (host, path)
                    assert b"sends" not in said
        assert (await ask(life, "GET /health HTTP/1.1"))[0] == 400  # no Host at all
        assert (await ask(life, "GET /health HTTP/1.0"))[0] in (400, 403)
        for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", f"LOCALHOST:{port}"):
            assert (await ask(life, f"GET /health HTTP/1.1\nHost: {host}"))[0] == 200
        assert_well(life, tmp_path, before)


async def test_a_strangers_form_picture_or_script_changes_nothing(tmp_path: Path):
    async with studio(tmp_path) as (life, clip, before):
        host = f"127.0.0.1:{life.daemon.http.port}"
        body = json.dumps({"operation": "extend", "path": str(clip)}).encode()
        for origin in ("http://evil.example", "null", "", f"https://{host}.evil.example", "http://localhost"):
            for kind in ("text/plain", "application/json", "application/x-www-form-urlencoded", "multipart/form-data"):
                for path in POSTS:
                    head = f"POST {path} HTTP/1.1\nHost: {host}\nContent-Type: {kind}\nContent-Length: {len(body)}"
                    status, _, _ = await ask(life, head + (f"\nOrigin: {origin}" if origin else ""), body)
                    assert status in (401, 403, 404), (origin, kind, path)
        for path in (*GETS, *POSTS):  # a picture, or a link
            for site in ("cross-site", "same-site"):
                status, _, _ = await ask(
                    life, f"GET {path} HTTP/1.1\nHost: {host}\nSec-Fetch-Site: {site}\nSec-Fetch-Dest: image"
                )
                assert status == 403
        assert_well(life, tmp_path, before)


async def test_reading_has_no_effect_even_with_the_token(tmp_path: Path):
    async with studio(tmp_path) as (life, _, before), life.http() as http:
        for path in (*GETS[:4], *GETS[5:], *POSTS):
            for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"):
                answer = await http.request(method, path)
                assert answer.status_code in (200, 404, 405), (method, path)
                assert method in ("GET", "HEAD") or answer.status_code != 200
        assert_well(life, tmp_path, before)


async def test_another_sites_page_can_neither_read_nor_listen(tmp_path: Path):
    async with studio(tmp_path) as (life, _, before):
        host = f"127.0.0.1:{life.daemon.http.port}"
        for origin in ("http://evil.example", "null", f"http://localhost:{life.daemon.http.port}"):
            for path in GETS:
                status, headers, _ = await ask(life, f"GET {path} HTTP/1.1\nHost: {host}\nOrigin: {origin}")
                assert status == 403
                assert not [name for name in headers if name.startswith("access-control")]
            preflight = "\nAccess-Control-Request-Method: POST\nAccess-Control-Request-Headers: authorization"
            status, headers, _ = await ask(
                life, f"OPTIONS /api/sends HTTP/1.1\nHost: {host}\nOrigin: {origin}{preflight}"
            )
            assert status == 403
            assert not [name for name in headers if name.startswith("access-control")]
        upgrade = "\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13"
        upgrade += "\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
        for path in ("/api/events", "/ws"):
            assert (await ask(life, f"GET {path} HTTP/1.1\nHost: {host}\nOrigin: http://evil.example{upgrade}"))[
                0
            ] == 403
        assert_well(life, tmp_path, before)


async def test_foreign_words_are_data_that_no_browser_takes_for_a_page(tmp_path: Path):
    """A name, a title, an error: as JSON, which is not sniffed, framed, or loaded by another site."""
    async with studio(tmp_path) as (life, _, _), life.http() as http:
        clip = life.session / "Audio" / f"{NASTY.replace('/', '')}.wav"
        write_clip(clip, music(1.0))
        await http.post(
            "/api/sends", json={"operation": "stems", "path": str(clip), "params": {"title": NASTY, "prompt": NASTY}}
        )
        (send,) = await life.ended()
        answers = [
            await http.get("/api/sends"),
            await http.get(f"/api/sends/{send.id}"),
            await http.get(f"/{NASTY}"),
            await http.get(f"/api/sends/{NASTY}"),
            await http.post("/api/sends", json={"operation": NASTY}),
            await http.post("/api/sends", content=NASTY.encode()),
            await http.get("/api/sends", params={"state": NASTY}),
            await http.post(f"/api/daws/{NASTY}/ping"),
        ]
        for answer in answers:
            assert answer.headers["content-type"] == "application/json", answer.request.url
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert "default-src 'self'" in answer.headers["content-security-policy"]
            assert "unsafe-inline" not in answer.headers["content-security-policy"]
            answer.json()
        assert NASTY in answers[1].json()["params"]["title"]


WAYS = (
    *(
        "../../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "....//etc",
        "..\\..\\token",
    ),
    *("%00", "%c0%ae%c0%ae/token", "/etc/passwd", "%ff", ";/../token"),
)


async def test_a_path_in_an_address_leads_nowhere(tmp_path: Path):
    async with studio(tmp_path) as (life, _, before):
        host, token = f"127.0.0.1:{life.daemon.http.port}", life.daemon.places.read_token()
        for prefix in ("/", "/api/sends/", "/static/", "/clips/", "/clips/0123/", "/api/"):
            for way in (*WAYS, str(life.daemon.places.token)):
                status, _, said = await ask(life, f"GET {prefix}{way} HTTP/1.1\nHost: {host}")
                assert status in (400, 404), (prefix, way)
                assert b"root:" not in said
                assert token.encode() not in said
        assert_well(life, tmp_path, before)


PATHS = (
    *("a\0b.wav", "/a\0b.wav", "relative.wav", "~nobody-here/x.wav", "file:///etc/passwd", "\\\\server\\share\\a.wav"),
    *("//server/share/a.wav", "/etc/passwd", "/dev/zero", "/proc/self/environ", "/" + "a" * 5000, "/a" * 3000, ""),
)


async def test_a_path_that_is_no_clip_is_refused_in_a_sentence(tmp_path: Path):
    async with studio(tmp_path) as (life, clip, before), life.http() as http:
        for path in PATHS:
            for asked in ({"path": path}, {"path": path, "session": path}, {"path": str(clip), "session": path or "x"}):
                answer = await http.post("/api/sends", json={"operation": "extend", **asked})
                assert answer.status_code in (400, 422), (asked, answer.text)
                assert answer.json()["error"]["what"]
            form = {"operation": "stems", "session": path}
            answer = await http.post("/api/sends", data=form, files={"audio": ("a.wav", clip.read_bytes())})
            assert answer.status_code == 400, path
        assert_well(life, tmp_path, before)


async def test_what_belongs_to_the_daemon_is_closed_to_other_users(tmp_path: Path):
    async with studio(tmp_path) as (life, _, _):
        state = life.daemon.places.state
        assert state.stat().st_mode & 0o077 == 0
        assert life.daemon.places.token.stat().st_mode & 0o777 == 0o600
        with socket.socket() as squatter:  # nobody can put another server before the daemon's
            squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError):
                squatter.bind(("127.0.0.1", life.daemon.http.port))


async def test_a_thousand_listeners_cost_little_and_stop_nobody(tmp_path: Path):
    async with studio(tmp_path) as (life, _, before):
        process = psutil.Process()
        memory = process.memory_info().rss
        host = f"127.0.0.1:{life.daemon.http.port}"
        writers, turned_away = [], 0
        for _ in range(1000):
            reader, writer = await asyncio.open_connection("127.0.0.1", life.daemon.http.port)
            writer.write(f"GET /api/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            async with asyncio.timeout(30):
                is_full = b" 503 " in await reader.readline()
            if is_full:
                turned_away += 1
                writer.close()
            else:
                writers.append(writer)
        assert len(writers) == MOST_STREAMS < MOST_CONNECTIONS
        assert turned_away == 1000 - MOST_STREAMS
        async with life.http() as http:  # nobody reads a thing, and the send goes its way
            answer = await http.post("/api/sends", json={"operation": "stems", "path": str(next(iter(before)))})
            assert answer.status_code == 202
        await life.ended()
        assert process.memory_info().rss - memory < 100 << 20
        for writer in writers:
            writer.close()
        assert_well(life, tmp_path, before, (next(iter(before)),))


def test_an_address_that_others_reach_is_refused_unless_it_is_meant(tmp_path: Path):
    file = tmp_path / "sendreturn.yaml"
    for text in (
        "web: { host: 0.0.0.0 }",
        'web: { host: "::" }',
        "osc: { host: 0.0.0.0 }",
        "web: { host: studio.lan }",
    ):
        file.write_text(text)
        with pytest.raises(SettingsError) as told:
            load_settings(file, {})
        assert "others reach" in told.value.problems[0]
    file.write_text("web: { host: 0.0.0.0, open_to_network: yes }\nosc: { host: 0.0.0.0, allow: [192.168.1.20] }")
    assert load_settings(file, {}).web.open_to_network


async def test_where_it_is_meant_other_machines_get_no_more_than_webhooks_and_hosted_clips(tmp_path: Path):
    own = other_address()
    web = WebSettings(host="0.0.0.0", port=0, open_to_network=True)
    async with studio(tmp_path, web=web, public_url="https://studio.example.com") as (life, _, before):
        port, token = life.daemon.http.port, life.daemon.places.read_token()
        for host in (f"{own}:{port}", f"127.0.0.1:{port}", "studio.example.com"):
            for path in ("/health", "/api/sends", "/api/events", "/clips/0123/a.wav", "/openapi.json"):
                status = await status_over(
                    own, port, f"GET {path} HTTP/1.1\nHost: {host}\nAuthorization: Bearer {token}"
                )
                assert status in (403, 404), (host, path)
        assert_well(life, tmp_path, before)


async def test_a_port_of_its_own_for_services_leads_nowhere_else_whatever_a_request_claims(tmp_path: Path):
    """A tunnel that passes bytes on tells nothing of where they come from, and any Host can be written."""
    web = WebSettings(port=0, public_port=0)
    async with studio(tmp_path, web=web, public_url="https://studio.example.com") as (life, clip, before):
        port, house = life.daemon.public_port, life.daemon.house
        assert port
        token = life.daemon.places.read_token()
        for host in (f"127.0.0.1:{port}", f"127.0.0.1:{life.daemon.http.port}", "localhost", "studio.example.com"):
            for path in ("/health", "/api/sends", "/api/events", "/openapi.json", "/"):
                head = f"GET {path} HTTP/1.1\nHost: {host}\nAuthorization: Bearer {token}"
                assert await status_over("127.0.0.1", port, head) == 404, (host, path)
        assert house.hosting.serving is not None
        served = house.hosting.serving.url_for("0badcafe", clip).removeprefix("https://studio.example.com")
        assert await status_over("127.0.0.1", port, f"GET {served} HTTP/1.1\nHost: studio.example.com") == 200
        assert_well(life, tmp_path, before)


async def test_a_public_port_that_is_taken_is_told(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        web = WebSettings(port=0, public_port=other.getsockname()[1])
        async with LivingDaemon(tmp_path, web=web, public_url="https://studio.example.com") as life:
            (problem,) = life.daemon.health()["problems"]
            assert problem["topic"] == "public"
            assert "Set web.public_port." in problem["what"]


async def status_over(address: str, port: int, head: str) -> int:
    reader, writer = await asyncio.open_connection(address, port, local_addr=(address, 0))
    writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    async with asyncio.timeout(10):
        line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])
