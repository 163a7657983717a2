"""Faults 60–71: what goes wrong while tasks are looked at, and with call-backs, which are hints to look and no more."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from bad_server import BadServer, as_json
from engine_rig import Rig
from fake_service import manifest
from paying_service import Till, assert_well, paying, short_way
from sendreturn.contract import Call, Report
from sendreturn.engine import errands
from sendreturn.engine.callbacks import Callbacks
from sendreturn.engine.gates import Gates
from sendreturn.engine.pace import Pace
from sendreturn.errors import Outcome, ServiceError
from sendreturn.sends.http_public import PublicRoutes
from sendreturn.settings import Settings
from sendreturn.testing.bench import POLL_S
from sendreturn.testing.catalogue import simulator_of
from sendreturn.testing.contract_base import ContractBase, billed
from sendreturn.words import State

SERVICES = ("sonauto", "sunoapi", "acedata", "musicapi")
HOUR_S = 3600.0
SHORT: Mapping[str, Mapping[str, object]] = {name: {"song_s": 1.0} for name in ("sonauto", "sunoapi", "acedata")}


# The task is not known yet, row 60


@pytest.mark.parametrize("service", SERVICES)
async def test_a_task_that_is_not_known_at_first_is_looked_at_again(tmp_path: Path, service: str):
    unknown = {"status": 404, "body": {"detail": "Task not found", "code": 404, "error": "Task not found", "msg": "no"}}

    class Bridge(ContractBase):
        pass

    Bridge.service, Bridge.simulator = service, simulator_of(service)
    async with Bridge().bench(tmp_path, {"fail_next_look": unknown, **SHORT.get(service, {})}) as bench:
        send = await bench.run("generate", None, {"prompt": "a quiet song"})
        assert send.state is State.DONE, send.text
        assert bench.simulator.switches["fail_next_look"] is None
        assert max(billed(bench.simulator).values()) == 1


# A task that never ends, row 62


async def test_a_task_without_an_end_is_looked_at_and_never_dropped(tmp_path: Path):
    till = Till(hold=asyncio.Event())
    many = asyncio.Event()
    looks: list[int] = []

    def look() -> None:
        looks.append(1)
        if len(looks) >= 40:
            many.set()

    till.on_look = look
    with short_way():
        async with Rig(tmp_path, till) as rig:
            send = rig.send(None, "generate", params={"prompt": "x"})
            await many.wait()
            assert rig.desk.get(send.id).state is State.GENERATING
            assert till.hold is not None
            till.hold.set()
            await rig.reach(send.id, State.DONE)
    assert_well(tmp_path, till)


# After a sleep, row 63


class Sleeper:
    """A send whose machine sleeps for ten minutes during its first pause."""

    def __init__(self, means: object) -> None:
        self.now_s = random.Random(id(self)).uniform(0.0, 1.0)
        self.means, self.send = means, SimpleNamespace(id="0")
        self.pauses_s: list[float] = []

    def get_running_loop(self) -> Sleeper:
        return self

    def time(self) -> float:
        return self.now_s

    def checkpoint(self) -> None: ...

    def tell(self, *_: object) -> None: ...

    async def until_hint(self, most_s: float) -> None:
        self.pauses_s.append(most_s)
        self.now_s = 700.0 if len(self.pauses_s) == 1 else self.now_s + most_s


class Looked:
    """A bridge whose task is there at the second look; writes down when that was."""

    manifest = manifest()

    def __init__(self, sleeper: Sleeper) -> None:
        self.sleeper = sleeper
        self.at_s: list[float] = []

    async def look(self, *_: object) -> Report:
        self.at_s.append(self.sleeper.now_s)
        return Report(done=len(self.at_s) > 1)


@pytest.mark.parametrize(("count", "most_in_a_second", "last_s"), [(1000, 40, 90.0), (5, 5, 5.0)])
async def test_after_a_sleep_the_looks_are_spread(
    monkeypatch: pytest.MonkeyPatch, count: int, most_in_a_second: int, last_s: float
):
    pace = Pace(random.Random(7))
    means = SimpleNamespace(pace=pace, settings=Settings(services={"studio": {"poll_s": 5.0}}), gates=Gates())
    at_s: list[float] = []
    with ExitStack() as waiting:
        for _ in range(count - 1):
            waiting.enter_context(pace.waiting(Looked.manifest))
        monkeypatch.setattr(pace, "is_crowded", lambda _: False)
        for _ in range(count):
            sleeper = Sleeper(means)
            monkeypatch.setattr(
                errands,
                "asyncio",
                SimpleNamespace(get_running_loop=lambda s=sleeper: SimpleNamespace(time=lambda: s.now_s)),
            )
            bridge = Looked(sleeper)
            call = Call("main", "generate", {})
            await errands.follow(sleeper, bridge, call, "task", Path(), lambda *_: None)  # type: ignore[arg-type]
            at_s.append(bridge.at_s[1] - 700.0)
    assert max(at_s) <= last_s
    assert max(Counter(int(second) for second in at_s).values()) <= most_in_a_second


# Call-backs, rows 64–69 and 71


async def test_a_call_back_that_overtakes_the_answer_is_not_lost(tmp_path: Path):
    till = Till(manifest=paying(), hold_answer=asyncio.Event())
    object.__setattr__(till.manifest, "poll_s", HOUR_S)
    looks: list[int] = []

    def look() -> Report | None:
        looks.append(1)
        return Report(progress=0.5) if len(looks) == 1 else None

    till.on_look = look
    with short_way():
        async with Rig(tmp_path, till) as rig:
            send = rig.send(None, "generate", params={"prompt": "x"})
            await till.submitting.wait()
            rig.desk.hint(send.id)
            assert till.hold_answer is not None
            till.hold_answer.set()
            assert (await rig.ended(send.id)).state is State.DONE
    assert len(looks) == 2
    assert_well(tmp_path, till)


async def sends_with_many_call_backs(folder: Path, count: int) -> None:
    """Each send is called back about while it is looked at, when it has ended, and long after."""
    till = Till()
    with short_way() as fetched:
        async with Rig(folder, till) as rig:
            opened = rig.journal._engine.raw_connection()
            opened.cursor().execute("PRAGMA synchronous=OFF")  # no power is cut here
            opened.close()
            sends: list[str] = []

            def look() -> None:
                for send_id in sends[-3:]:
                    rig.desk.hint(send_id)

            till.on_look = look
            for number in range(count):
                sends.append(rig.send(None, "generate", params={"prompt": f"song {number}"}).id)
                rig.desk.hint(sends[-1])
                if number % 5 == 4:
                    for send_id in sends[-5:]:
                        await rig.ended(send_id)
                        rig.desk.hint(send_id)
            for send_id in sends:
                assert (await rig.ended(send_id)).state is State.DONE
                rig.desk.hint(send_id)
    assert Counter(fetched) == dict.fromkeys(sends, 1)
    assert_well(folder, till)


async def test_looks_and_call_backs_together_fetch_each_send_once(tmp_path: Path):
    await sends_with_many_call_backs(tmp_path, 30)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_thousand_sends_with_looks_and_call_backs_together_are_fetched_once(tmp_path: Path):
    await sends_with_many_call_backs(tmp_path, 1000)


FORGED: Mapping[str, bytes] = {
    "a result of its own": b'{"status": "SUCCESS", "url": "%s/steal.wav", "data": [{"audio_url": "%s/steal.wav"}]}',
    "no json": b"\x00\xff<xml",
    "nothing": b"",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("case", FORGED)
async def test_what_a_call_back_says_is_never_believed_nor_fetched(tmp_path: Path, case: str):
    """Whoever has the address can only have us look; what they say, and where their addresses lead, is not read."""
    till = Till(hold=asyncio.Event())
    callbacks = Callbacks("https://studio.example.com", "secret")
    async with BadServer() as stranger:
        stranger.plays(as_json({}))
        with short_way() as fetched:
            async with Rig(tmp_path, till) as rig:
                send = rig.send(None, "generate", params={"prompt": "x"})
                await till.looked.wait()

                def heard(_service: str, send_id: str, *_: object) -> bool:
                    rig.desk.hint(send_id)
                    return True

                app = PublicRoutes(lambda *_: None, callbacks.is_ours, heard).app
                url = callbacks.url_for("studio", send.id).removeprefix("https://studio.example.com")
                body = FORGED[case].replace(b"%s", stranger.url.encode())
                async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
                    assert (await client.post(url, content=body)).status_code == 200
                    other = callbacks.url_for("studio", "ffffffff").removeprefix("https://studio.example.com")
                    forged = other.replace("ffffffff", send.id)
                    assert (await client.post(forged, content=body)).status_code == 404
                    assert (await client.post(url[:-1] + "x", content=body)).status_code == 404
                assert rig.desk.get(send.id).state is State.GENERATING
                assert fetched == []
                assert till.hold is not None
                till.hold.set()
                await rig.reach(send.id, State.DONE)
        assert not stranger.seen
    assert_well(tmp_path, till)


async def test_a_call_back_is_thanked_for_while_threads_and_journal_are_held(tmp_path: Path):
    class Bridge(ContractBase):
        pass

    Bridge.service, Bridge.simulator = "sonauto", simulator_of("sonauto")
    release = threading.Event()
    async with Bridge().bench(tmp_path, {"looks": 1_000_000}) as bench:
        send = bench.send("generate", None, {"prompt": "a quiet song"})
        await bench.until(lambda one: one.state is State.GENERATING, send.id)
        assert bench.house.callbacks is not None
        url = bench.house.callbacks.url_for("sonauto", send.id)
        for _ in range(8):
            asyncio.get_running_loop().run_in_executor(None, release.wait)
        with closing(sqlite3.connect(bench.house.places.journal, isolation_level=None)) as backup:
            backup.execute("BEGIN EXCLUSIVE")
            async with asyncio.timeout(12), httpx.AsyncClient(trust_env=False) as service:
                got = await service.post(url, json={"status": "SUCCESS"})
            backup.execute("ROLLBACK")
        release.set()
    assert got.status_code == 200


async def test_a_call_back_is_thanked_for_while_everything_is_busy():
    """The answer does not wait for the work: services give up after 15 s, and call again."""
    noted: list[bytes] = []

    def heard(_service: str, _send: str, _headers: Mapping[str, str], body: bytes) -> bool:
        noted.append(body)
        return True

    app = PublicRoutes(lambda *_: None, lambda *_: True, heard).app
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        got = await client.post("/webhooks/a/b/c", content=json.dumps({"stage": "first"}))
    assert (got.status_code, len(noted)) == (200, 1)


async def test_without_any_call_back_the_looks_find_the_result(tmp_path: Path):
    told = Callbacks("https://studio.example.com", "secret")
    till = Till(manifest=paying(webhooks=True), hold=asyncio.Event())
    with short_way():
        async with Rig(tmp_path, till) as rig:
            object.__setattr__(rig.desk._means, "callbacks", told)
            send = rig.send(None, "generate", params={"prompt": "x"})
            await till.looked.wait()
            assert till.hold is not None
            till.hold.set()
            await rig.reach(send.id, State.DONE)
    assert_well(tmp_path, till)


# What a look may answer, row 61


@pytest.mark.parametrize("outcome", [Outcome.RETRY])
async def test_trouble_with_looks_loses_no_task(tmp_path: Path, outcome: Outcome, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sendreturn.engine.errands.WORST_PAUSE_S", POLL_S)
    troubles: list[Any] = [ServiceError("Broke.", outcome=outcome), Report(text="an unknown word")] * 30

    def look() -> Report | None:
        trouble = troubles.pop() if troubles else None
        if isinstance(trouble, ServiceError):
            raise trouble
        return trouble

    till = Till(on_look=look)
    with short_way():
        async with Rig(tmp_path, till) as rig:
            send = rig.send(None, "generate", params={"prompt": "x"})
            assert (await rig.ended(send.id)).state is State.DONE

    assert_well(tmp_path, till)
