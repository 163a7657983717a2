"""The base of the simulators: ledger, tasks, faults, files, webhooks and switches."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from example_service import ExampleSimulator
from sendreturn.audio.buffer import Audio
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.sends.http_server import HttpServer
from sendreturn.testing.bench import no_pauses
from sendreturn.testing.simulator import Simulator, Task, Unfetchable
from sendreturn.testing.switches import Switches, read_switch
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

KEY = "a-key-of-the-test"
SECOND = Audio(np.zeros((8_000, 1), np.float32), 8_000)


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with no_pauses():
        yield


class Small(Simulator):
    """Makes one second of silence."""

    name = "small"

    def routes(self) -> list[Route]:
        return [self.paid("/make", self._make), self.looked("/tasks/{id}", self._task), self.free("/free", self._free)]

    async def _make(self, request: Request) -> Response:
        asked = await self.body(request)
        return JSONResponse({"id": self.begin(request, "silence", asked, 10).id})

    async def _task(self, request: Request) -> Response:
        task = await self.look(request.path_params["id"])
        if task is None:
            return self.say_no(404, "no such task")
        return JSONResponse({"ended": task.ended, "stage": task.stage("abc"), "outcome": task.outcome})

    async def _free(self, _request: Request) -> Response:
        return JSONResponse({})

    async def make(self, task: Task) -> Any:
        if task.request.get("impossible"):
            raise SendReturnError("This cannot be made.")
        return await self.add_song(SECOND, kind="silence", title="a/b ünd 100%")

    async def ended(self, task: Task) -> None:
        if "hook" in task.request:
            self.call_back(task.request["hook"], {"id": task.id}, {"X-Mark": "m"})


@asynccontextmanager
async def small(**switches: Any) -> AsyncIterator[tuple[Small, httpx.AsyncClient]]:
    simulator = Small({"codec": "wav", "media_rate_hz": 0, **switches}, key=KEY, credits=100)
    async with simulator.running() as address:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False) as client:
            yield simulator, client


async def made(client: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    """A task that has ended."""
    task = (await client.post("/make", json=asked)).json()["id"]
    while not (told := (await client.get(f"/tasks/{task}")).json())["ended"]:
        pass
    return told


async def test_a_task_is_ready_after_the_looks_that_its_switch_says():
    async with small(looks=2) as (_, client):
        task = (await client.post("/make", json={})).json()["id"]
        told = [(await client.get(f"/tasks/{task}")).json() for _ in range(4)]
        assert [look["ended"] for look in told] == [False, False, True, True]
        assert [look["stage"] for look in told[:3]] == ["a", "b", "c"]
        assert (await client.get("/tasks/nobody")).status_code == 404


async def test_what_is_billed_stands_in_the_ledger_and_is_gone_from_the_account():
    async with small() as (simulator, client):
        for _ in range(3):
            await client.post("/make", json={})
        assert [(line.call, line.credits, line.key_ok) for line in simulator.ledger] == [("silence", 10, True)] * 3
        assert simulator.balance == 70
        simulator.balance = 5
        assert (await client.post("/make", json={})).status_code == 402
        shown = (await client.get("/_simulator/ledger")).json()
        assert (shown["balance"], len(shown["ledger"])) == (5, 3)


async def test_who_hangs_up_in_the_midst_of_a_request_is_billed_nothing_and_breaks_nothing():
    simulator, said = Small({}, key=KEY, credits=100), []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    headers = [(b"authorization", f"Bearer {KEY}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/make", "query_string": b"", "headers": headers}
    with simulator.in_memory() as (api, _):
        await api(scope, receive, send)
    assert said[0]["status"] == 400
    assert (simulator.ledger, simulator.balance) == ([], 100)


async def test_a_task_that_fails_gives_its_credits_back():
    async with small(fail_task="no luck") as (simulator, client):
        assert (await made(client))["outcome"] == "no luck"
        assert (await made(client))["outcome"] == ""
        assert (await made(client, impossible=True))["outcome"] == "This cannot be made."
        assert simulator.balance == 90


async def test_only_the_right_key_is_taken():
    async with small() as (simulator, client):
        for headers in ({"Authorization": "Bearer other"}, {"Authorization": KEY}):
            assert (await client.post("/make", json={}, headers=headers)).status_code == 401
        assert simulator.ledger == []


@pytest.mark.parametrize(("when", "lines"), [("before_billing", 0), ("after_billing", 1)])
async def test_a_connection_dies_before_or_after_billing(when: str, lines: int):
    async with small(die_before_answer=when) as (simulator, client):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/make", json={})
        assert len(simulator.ledger) == lines
        assert simulator.requests[0].status is None
        assert (await client.post("/make", json={})).status_code == 200


@pytest.mark.parametrize(
    ("switches", "status", "lines"),
    [
        ({"http_500_after_billing": True}, 500, 1),
        ({"rate_limited_once": True, "retry_after": 7}, 429, 0),
        ({"fail_next": {"status": 418, "body": {"error": "a teapot"}}}, 418, 0),
        ({"fail_next": {"status": 418, "billed": True}}, 418, 1),
    ],
)
async def test_a_trouble_happens_once(switches: dict[str, Any], status: int, lines: int):
    async with small(**switches) as (simulator, client):
        answer = await client.post("/make", json={})
        assert (answer.status_code, len(simulator.ledger)) == (status, lines)
        assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
        assert (await client.post("/make", json={})).status_code == 200


async def test_a_slow_answer_holds_nobody_up_when_its_client_has_gone():
    async with small(answer_slowly=3600) as (simulator, client):
        waiting = asyncio.create_task(client.post("/make", json={}))
        await simulator.has_billed.wait()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_looks_and_free_requests_fail_as_often_as_they_are_told_to():
    async with small(fail_looks=2, rate_limited_looks=1, fail_free=1) as (_, client):
        assert [(await client.get("/tasks/x")).status_code for _ in range(4)] == [429, 500, 500, 404]
        assert [(await client.get("/free")).status_code for _ in range(2)] == [500, 200]


async def test_requests_are_written_down_without_their_secrets():
    async with small() as (simulator, client):
        await client.post(f"/make?k={KEY}", json={})
        await client.post("/make", json={"say": KEY})
        await client.post("/make", json={})
        assert [heard.key_elsewhere for heard in simulator.requests] == [True, True, False]
        assert all(heard.had_credentials and heard.is_paid for heard in simulator.requests)
        assert all(heard.headers["authorization"] == "…" for heard in simulator.requests)


# Files


async def test_a_file_lies_at_an_address_of_its_own_with_ranges_and_types():
    async with small(looks=0) as (simulator, client):
        await made(client)
        (song,) = simulator.songs.values()
        url = simulator.address_of(song)
        assert url == simulator.address_of(song)
        assert not url.startswith(simulator.address)
        async with httpx.AsyncClient(trust_env=False) as public:
            whole = await public.get(url)
            part = await public.get(url, headers={"Range": "bytes=4-7", "If-Range": whole.headers["etag"]})
            assert whole.headers["content-type"] == "audio/wav"
            assert (part.status_code, part.content) == (206, whole.content[4:8])
            assert (await public.head(url)).headers["content-length"] == str(len(whole.content))
            assert (await public.get(f"{url}x"[:-8])).status_code == 200, "the name may be anything"
            assert (await public.get(simulator.media.base + "/guessed/a.wav")).status_code == 403


async def test_an_expired_address_is_replaced_by_another_one():
    async with small(looks=0, expire_media=1) as (simulator, client):
        await made(client)
        (song,) = simulator.songs.values()
        url = simulator.address_of(song)
        async with httpx.AsyncClient(trust_env=False) as public:
            assert [(await public.get(url)).status_code for _ in range(2)] == [403, 403]
            assert simulator.address_of(song) != url
            assert (await public.get(simulator.address_of(song))).status_code == 200


async def test_a_transfer_is_cut_and_can_be_gone_on_with():
    async with small(looks=0, truncate_media=1) as (simulator, client):
        await made(client)
        (song,) = simulator.songs.values()
        url, size = simulator.address_of(song), song.file.path.stat().st_size
        async with httpx.AsyncClient(trust_env=False) as public:
            got, tag = bytearray(), ""
            with contextlib.suppress(httpx.RemoteProtocolError):
                async with public.stream("GET", url) as answer:
                    tag = answer.headers["etag"]
                    async for piece in answer.aiter_raw():
                        got += piece
            rest = await public.get(url, headers={"Range": f"bytes={len(got)}-", "If-Range": tag})
            assert 0 < len(got) < size
            assert (bytes(got) + rest.content) == song.file.path.read_bytes()


async def test_pages_and_redirects_stand_in_for_files():
    async with small(looks=0, wrong_type_media=1) as (simulator, client):
        await made(client)
        (song,) = simulator.songs.values()
        url = simulator.address_of(song)
        async with httpx.AsyncClient(trust_env=False) as public:
            assert (await public.get(url)).headers["content-type"].startswith("text/html")
            simulator.switches["redirect_media"] = "inside"
            assert (await public.get(url, follow_redirects=True)).status_code == 200
            simulator.switches["redirect_media"] = "elsewhere"
            assert (await public.get(url)).headers["location"].startswith("http://localhost:")


# Clips and webhooks


@asynccontextmanager
async def folder_at(folder: Path, methods: list[str]) -> AsyncIterator[tuple[str, list[str]]]:
    asked: list[str] = []

    async def give(request: Request) -> Response:
        asked.append(request.method)
        found = request.method in methods and (folder / request.path_params["name"]).is_file()
        return FileResponse(folder / request.path_params["name"]) if found else Response(status_code=404)

    server = HttpServer(Starlette(routes=[Route("/{name}", give, methods=["GET", "HEAD"])]), "127.0.0.1", 0)
    await server.start()
    try:
        yield f"http://127.0.0.1:{server.port}", asked
    finally:
        await server.stop()


async def test_a_clip_is_taken_from_an_address_of_this_machine_alone(tmp_path: Path):
    (tmp_path / "a.wav").write_bytes(b"sound")
    async with small() as (simulator, _), folder_at(tmp_path, ["GET", "HEAD"]) as (base, asked):
        assert (await simulator.take_clip(f"{base}/a.wav")).read_bytes() == b"sound"
        assert asked == ["HEAD", "GET"]
        with pytest.raises(Unfetchable, match="404"):
            await simulator.take_clip(f"{base}/b.wav")
        for elsewhere in ("http://192.0.2.1/a.wav", "https://127.0.0.1/a.wav", "file:///etc/passwd"):
            with pytest.raises(Unfetchable, match="this machine"):
                await simulator.take_clip(elsewhere)


async def test_a_host_that_knows_no_head_is_refused_unless_the_service_does_not_ask(tmp_path: Path):
    (tmp_path / "a.wav").write_bytes(b"sound")
    async with small() as (simulator, _), folder_at(tmp_path, ["GET"]) as (base, _asked):
        with pytest.raises(Unfetchable, match="HEAD"):
            await simulator.take_clip(f"{base}/a.wav")
        simulator.switches["probe_with_head"] = False
        assert (await simulator.take_clip(f"{base}/a.wav")).read_bytes() == b"sound"


async def test_a_webhook_is_sent_when_a_task_has_ended():
    heard: list[tuple[str, bytes]] = []

    async def hear(request: Request) -> Response:
        heard.append((request.headers["x-mark"], await request.body()))
        return Response()

    server = HttpServer(Starlette(routes=[Route("/hook", hear, methods=["POST"])]), "127.0.0.1", 0)
    await server.start()
    async with small(looks=1) as (simulator, client):
        await made(client, hook=f"http://127.0.0.1:{server.port}/hook")
        await made(client, hook="http://127.0.0.1:1/nobody")
        await simulator.idle()
    await server.stop()
    assert [(mark, b'"id"' in body) for mark, body in heard] == [("m", True)]


async def test_ids_are_the_same_in_every_run():
    ids = []
    for _ in range(2):
        async with small() as (_, client):
            ids.append((await client.post("/make", json={})).json()["id"])
    assert ids[0] == ids[1]


# Switches


async def test_switches_are_turned_while_it_runs():
    async with small() as (simulator, client):
        assert (await client.post("/_simulator/switches", json={"looks": 0})).json()["looks"] == 0
        assert simulator.switches["looks"] == 0
        wrong = await client.post("/_simulator/switches", json={"loks": 1})
        assert (wrong.status_code, "looks" in wrong.json()["error"]) == (400, True)
        assert (await client.get("/_simulator/switches")).json()["looks"] == 0
        assert simulator.requests == []


def test_a_switch_takes_only_values_of_its_kind():
    switches = Switches({"own": "a"}, {"own": "b"})
    assert switches["own"] == "b"
    for name, value in (("looks", "two"), ("looks", -1), ("looks", True), ("own", 1), ("rate_limited_once", 1)):
        with pytest.raises(UsageError, match=name):
            switches[name] = value
    switches["gain_db"] = -3
    assert (switches.take("own"), switches["own"]) == ("b", "a")
    switches["fail_looks"] = 2
    assert [switches.count_down("fail_looks") for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("looks=3", "looks", 3),
        ("own=a b", "own", "a b"),
        ("x=true", "x", True),
        ('f={"status": 5}', "f", {"status": 5}),
    ],
)
def test_a_switch_is_read_from_a_command_line(text: str, name: str, value: object):
    assert read_switch(text) == (name, value)


def test_a_switch_without_a_value_is_none():
    with pytest.raises(UsageError, match="name=value"):
        read_switch("looks")


async def test_settings_say_where_everything_is():
    simulator = ExampleSimulator()
    async with simulator.running() as address:
        assert simulator.settings == {
            "base_url": f"{address}/v1",
            "media_hosts": [simulator.media.base.removeprefix("http://")],
        }


def test_another_life_gives_other_ids():
    """A daemon that has seen the ids of an earlier rehearsal would take them for those of other sends."""
    lives = [Simulator(life=life) for life in ("a", "b", "b")]
    first, second, again = (simulator.new_id() for simulator in lives)
    assert first != second == again
