"""Server-sent events: in order, to everybody, and never waiting for a slow reader."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sendreturn.sends import http_events
from sendreturn.sends.http_events import CrowdedError, EventStreams
from sendreturn.sends.wish import Event, Returned, Wish
from sendreturn.words import Kind, State
from ways_in_fakes import FakeDesk, a_view

pytestmark = pytest.mark.usefixtures("no_leaks")
SCOPE = {"type": "http", "method": "GET", "path": "/api/events", "headers": []}


class Reader:
    """The other end of a stream; `takes` lets it read, `hang_up` ends it."""

    def __init__(self) -> None:
        self.heard = b""
        self.takes = asyncio.Event()
        self.takes.set()
        self.changed = asyncio.Event()
        self._gone = asyncio.Event()

    async def receive(self) -> dict:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict) -> None:
        await self.takes.wait()
        self.heard += message.get("body", b"")
        self.changed.set()

    def hang_up(self) -> None:
        self._gone.set()

    async def until(self, text: str) -> None:
        async with asyncio.timeout(10):
            while text.encode() not in self.heard:
                self.changed.clear()
                await self.changed.wait()

    def lines(self) -> list[str]:
        return [line for line in self.heard.decode().splitlines() if line]


def state(number: int, value: State = State.GENERATING) -> Event:
    return Event(replace(a_view(Wish("cover", Path("/s/a.wav")), f"{number:08x}"), state=value))


async def test_events_come_in_order_and_in_their_shape():
    desk, reader = FakeDesk(), Reader()
    streams = EventStreams(desk)
    task = asyncio.create_task(streams.open()(SCOPE, reader.receive, reader.send))
    file = Path("/s/Returns/a.wav")
    desk.publish(state(1))
    desk.publish(Event(state(1).send, Returned(1, Kind.MIX, "a.wav", file, 0, 48_000)))
    desk.publish(state(1, State.DONE))
    streams.end()
    await task
    lines = reader.lines()
    assert [line for line in lines if line.startswith("event:")] == ["event: state", "event: return", "event: state"]
    assert '"state": "generating"' in lines[1]
    assert '"kind": "mix"' in lines[3]
    assert '"state": "done"' in lines[5]


async def test_everybody_hears_everything_from_when_they_came():
    desk, first, second = FakeDesk(), Reader(), Reader()
    streams = EventStreams(desk)
    tasks = [asyncio.create_task(streams.open()(SCOPE, first.receive, first.send))]
    desk.publish(state(1))
    tasks.append(asyncio.create_task(streams.open()(SCOPE, second.receive, second.send)))
    desk.publish(state(2))
    streams.end()
    await asyncio.gather(*tasks)
    assert [b"00000001" in reader.heard for reader in (first, second)] == [True, False]
    assert [b"00000002" in reader.heard for reader in (first, second)] == [True, True]


async def test_whoever_hangs_up_makes_room(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_events, "MOST_STREAMS", 1)
    desk, reader = FakeDesk(), Reader()
    streams = EventStreams(desk)
    task = asyncio.create_task(streams.open()(SCOPE, reader.receive, reader.send))
    with pytest.raises(CrowdedError, match="1 event streams"):
        streams.open()
    desk.publish(state(1))
    await reader.until("00000001")
    reader.hang_up()
    await task
    streams.open()


async def test_a_reader_that_is_gone_before_it_hears_anything_makes_room(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_events, "MOST_STREAMS", 1)
    reader = Reader()
    streams = EventStreams(FakeDesk())
    reader.hang_up()
    reader.takes.clear()
    await streams.open()(SCOPE, reader.receive, reader.send)
    streams.open()


async def test_a_slow_reader_is_dropped_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_events, "MOST_WAITING", 10)
    desk, slow, quick = FakeDesk(), Reader(), Reader()
    streams = EventStreams(desk)
    slow.takes.clear()
    tasks = [asyncio.create_task(streams.open()(SCOPE, r.receive, r.send)) for r in (slow, quick)]
    for number in range(40):
        desk.publish(state(number))
        await quick.until(f"{number:08x}")
    slow.takes.set()
    async with asyncio.timeout(10):
        await tasks[0]  # it ends by itself, so that the reader knows that it has missed something
    assert slow.heard.count(b"event: state") <= 12
    streams.end()
    await tasks[1]
    assert quick.heard.count(b"event: state") == 40


async def test_a_reader_that_takes_nothing_at_all_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_events, "SEND_TIMEOUT_S", 0.05)
    desk, stuck = FakeDesk(), Reader()
    streams = EventStreams(desk)
    stream = streams.open()
    task = asyncio.create_task(stream(SCOPE, stuck.receive, stuck.send))
    desk.publish(state(1))
    await stuck.until("00000001")
    stuck.takes.clear()
    desk.publish(state(2))
    async with asyncio.timeout(10):
        await task
    assert b"00000002" not in stuck.heard
