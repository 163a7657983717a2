"""A service of the test whose till, key and network can be broken, and that bills by task; and the engine around it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from fake_service import FakeService, manifest
from oracles import paid_once, unended
from sendreturn.contract import Accepted, Call, Manifest, Report, Way
from sendreturn.engine.outputs import Fetched, Finished, Handed
from sendreturn.errors import Outcome, ServiceError

NO_CREDITS = ServiceError("The credits are used up.", "Buy more.", outcome=Outcome.ASK, of_account=True)
BAD_KEY = ServiceError("The key is not taken.", "Set another.", outcome=Outcome.ASK, of_account=True)
OFFLINE = ServiceError("Studio cannot be reached.", outcome=Outcome.RETRY, is_offline=True)


def paying(**more: object) -> Manifest:
    return manifest(max_parallel=100, **more)


@dataclass
class Till(FakeService):
    """Each accepted request is billed under the name of its task.

    Attributes:
        credits_left: For so many requests there are credits.
        submits: What goes wrong with the next requests, before they are billed; None for nothing.
        answers: What goes wrong with the next answers, after they were billed.
        names: The next tasks' names, where they are to be odd.
        connect: What happens until a request can leave.
        submitting: Set when a request has come in; `hold_answer` keeps its answer back.
    """

    manifest: Manifest = field(default_factory=paying)
    credits_left: int = 1_000_000
    submits: list[Exception | None] = field(default_factory=list)
    answers: list[Exception | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    bills: list[str] = field(default_factory=list)
    posts: int = 0
    connect: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
    submitting: asyncio.Event = field(default_factory=asyncio.Event)
    hold_answer: asyncio.Event | None = None
    reports: Mapping[str, Report] = field(default_factory=dict)

    async def submit(self, call: Call, way: Way) -> Accepted:
        self.posts += 1
        _meet(self.submits)
        self.on_submit()
        await self.connect()
        way.about_to_send()
        if self.credits_left <= 0:
            raise NO_CREDITS
        self.credits_left -= 1
        name = f"task-{len(self.bills) + 1}"
        self.bills.append(name)
        self._clip = way.clip
        self.submitting.set()
        if self.hold_answer is not None:
            await self.hold_answer.wait()
        _meet(self.answers)
        return Accepted(self.names.pop(0) if self.names else name)


def _meet(troubles: list[Exception | None]) -> None:
    trouble = troubles.pop(0) if troubles else None
    if trouble is not None:
        raise trouble


@contextmanager
def short_way() -> Iterator[list[str]]:
    """The engine without its way from the service to the session; gives the ids of the sends that were fetched."""
    fetched: list[str] = []

    async def fetch(run: object, *_: object) -> Fetched:
        fetched.append(run.send.id)  # type: ignore[attr-defined]
        return Fetched(())

    async def finish(*_: object) -> Finished:
        return Finished(())

    async def hand_over(*_: object) -> Handed:
        return Handed(Path(), ())

    with ExitStack() as patches:
        for step in (fetch, finish, hand_over):
            patches.enter_context(mock.patch(f"sendreturn.engine.pipeline.{step.__name__}", step))
        yield fetched


def assert_well(folder: Path, till: Till, *, odd_names: bool = False, most: Callable[[], int] | None = None) -> None:
    """Nobody has paid twice, and everything has ended."""
    journal = folder / "journal.db"
    if not odd_names:
        assert paid_once(till.bills, journal) == []
    assert unended(journal) == []
    assert most is None or len(till.bills) <= most()
