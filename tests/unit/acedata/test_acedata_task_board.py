"""Questions for many tasks at once."""

from __future__ import annotations

import asyncio

import pytest
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.answers import Answer
from sendreturn_bridges.services.acedata.task_board import TaskBoard


class Asked:
    """Stands for the Api: notes what it is asked, and answers when it is let."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.bodies: list[dict] = []
        self.error = error
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.came = asyncio.Event()

    async def ask(self, path, body):
        assert path == "/suno/tasks"
        self.bodies.append(dict(body))
        self.came.set()
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        if body["action"] == "retrieve":
            return Answer(200, {}, {"id": body["id"]})
        return Answer(200, {}, {"items": [{"id": one} for one in body["ids"] if one != "lost"]})


async def test_who_asks_while_a_question_is_out_shares_the_next_one():
    api = Asked()
    api.go_on.clear()
    board = TaskBoard(api, "/suno/tasks", 0.0)
    first = asyncio.create_task(board.ask("a"))
    await api.came.wait()
    others = [asyncio.create_task(board.ask(f"b{n}")) for n in range(70)]
    await asyncio.sleep(0)
    api.go_on.set()
    assert (await first)["id"] == "a"
    assert [(await other)["id"] for other in others] == [f"b{n}" for n in range(70)]
    assert [len(body.get("ids", [])) for body in api.bodies] == [0, 50, 20]
    await board.close()


async def test_a_task_that_is_missing_from_a_batch_is_told_as_nothing():
    board = TaskBoard(Asked(), "/suno/tasks", 0.0)
    assert await asyncio.gather(board.ask("lost"), board.ask("here")) == [{}, {"id": "here"}]
    await board.close()


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome.UNKNOWN, Outcome.RETRY),
        (Outcome.GIVE_UP, Outcome.RETRY),
        (Outcome.RETRY, Outcome.RETRY),
        (Outcome.ASK, Outcome.ASK),
    ],
)
async def test_trouble_with_a_question_reaches_all_who_wait_and_says_nothing_of_their_tasks(outcome, told):
    board = TaskBoard(Asked(ServiceError("No.", outcome=outcome)), "/suno/tasks", 0.0)
    found = await asyncio.gather(board.ask("a"), board.ask("b"), return_exceptions=True)
    assert [error.outcome for error in found] == [told, told]
    await board.close()


async def test_a_fault_of_ours_reaches_those_who_wait():
    board = TaskBoard(Asked(KeyError("x")), "/suno/tasks", 0.0)
    with pytest.raises(KeyError):
        await board.ask("a")
    await board.close()


class PowerCut(BaseException):
    """Passes by everything that handles errors."""


async def test_whatever_ends_the_question_nobody_waits_for_ever():
    api = Asked(PowerCut())
    api.go_on.clear()
    board = TaskBoard(api, "/suno/tasks", 0.0)
    first = asyncio.create_task(board.ask("a"))
    await api.came.wait()
    next_one = asyncio.create_task(board.ask("b"))
    await asyncio.sleep(0)
    api.go_on.set()
    async with asyncio.timeout(5):
        found = await asyncio.gather(first, next_one, return_exceptions=True)
    assert [error.outcome for error in found] == [Outcome.RETRY] * 2
    api.error = None
    assert (await board.ask("a"))["id"] == "a"
    await board.close()


async def test_closing_ends_the_wait():
    api = Asked()
    api.go_on.clear()
    board = TaskBoard(api, "/suno/tasks", 0.0)
    waiting = asyncio.create_task(board.ask("a"))
    await api.came.wait()
    await board.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_one_who_stops_waiting_does_not_disturb_the_others():
    api = Asked()
    api.go_on.clear()
    board = TaskBoard(api, "/suno/tasks", 0.0)
    impatient, patient = asyncio.create_task(board.ask("a")), asyncio.create_task(board.ask("a"))
    await api.came.wait()
    impatient.cancel()
    api.go_on.set()
    assert (await patient)["id"] == "a"
    await board.close()
