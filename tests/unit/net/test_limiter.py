from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sendreturn.net.limiter import Limiter


class Clock:
    """A time that passes only when everybody waits for it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, pause_s: float) -> None:
        self.now_s += pause_s
        await asyncio.sleep(0)


def most_in_a_window(times_s: list[float], per_s: float) -> int:
    times_s = sorted(times_s)
    return max(sum(start <= time < start + per_s for time in times_s) for start in times_s)


async def run(limiter: Limiter, clock: Clock, count: int, delay_s: float = 0.0) -> list[float]:
    """Make `count` requests at once, each of which leaves `delay_s` after it may; when each left."""
    left_at: list[float] = []

    async def one() -> None:
        async with limiter.slot() as left:
            clock.now_s += delay_s
            left_at.append(clock.now_s)
            left()

    await asyncio.gather(*(one() for _ in range(count)))
    return left_at


@pytest.mark.parametrize(("requests", "per_s"), [(1, 3.0), (20, 10.0)])
async def test_no_window_holds_more_requests_than_the_service_allows(requests: int, per_s: float) -> None:
    clock = Clock()
    limiter = Limiter(requests, per_s, clock=clock, sleep=clock.sleep)
    left_at = await run(limiter, clock, requests * 4)
    assert most_in_a_window(left_at, per_s) == requests
    assert clock.now_s < 3 * per_s + 1, "the limit is used, too"


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6),
    st.floats(0.1, 20),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 3)), min_size=1, max_size=40),
)
def test_no_window_ever_holds_more_however_slowly_requests_leave(
    requests: int, per_s: float, made: list[tuple[float, float]]
) -> None:
    clock = Clock()
    limiter = Limiter(requests, per_s, clock=clock, sleep=clock.sleep)
    left_at: list[float] = []

    async def one(delay_s: float) -> None:
        async with limiter.slot() as left:
            clock.now_s += delay_s
            await asyncio.sleep(0)
            left_at.append(clock.now_s)
            left()

    async def all_of_them() -> None:
        tasks = []
        for pause_s, delay_s in made:
            clock.now_s += pause_s
            tasks.append(asyncio.create_task(one(delay_s)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(all_of_them())
    assert most_in_a_window(left_at, per_s) <= requests


async def test_requests_go_in_the_order_of_asking() -> None:
    clock = Clock()
    limiter = Limiter(1, 3.0, clock=clock, sleep=clock.sleep)
    order: list[int] = []

    async def one(number: int) -> None:
        async with limiter.slot():
            order.append(number)

    await asyncio.gather(*(one(number) for number in range(10)))
    assert order == list(range(10))


async def test_an_urgent_request_waits_for_one_other_at_most() -> None:
    clock = Clock()
    limiter = Limiter(1, 3.0, clock=clock, sleep=clock.sleep)
    order: list[str] = []

    async def one(name: str, urgent: bool) -> None:
        async with limiter.slot(urgent=urgent):
            order.append(name)

    polls = [asyncio.create_task(one(f"poll {number}", False)) for number in range(10)]
    await asyncio.sleep(0)
    await asyncio.gather(asyncio.create_task(one("paid", True)), *polls)
    assert order.index("paid") <= 2


async def test_a_request_that_was_given_up_leaves_its_place_to_the_next() -> None:
    clock = Clock()
    limiter = Limiter(1, 3.0, clock=clock, sleep=clock.sleep)
    reached = asyncio.Event()

    async def stuck() -> None:
        async with limiter.slot():
            reached.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stuck())
    await reached.wait()
    waiting = asyncio.create_task(run(limiter, clock, 1))
    await asyncio.sleep(0)
    task.cancel()
    (left_at,) = await waiting
    assert left_at >= 3.0


async def test_one_that_stops_waiting_holds_nobody_up() -> None:
    clock = Clock()
    limiter = Limiter(1, 3.0, clock=clock)  # really sleeps, so that the second one is still waiting when it is stopped
    await run(limiter, clock, 1)
    waiting = asyncio.create_task(run(limiter, clock, 1))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    clock.now_s += 3.1
    assert len(await run(limiter, clock, 1)) == 1


async def test_without_a_stated_limit_nothing_waits() -> None:
    clock = Clock()
    assert await run(Limiter(0, 0.0, clock=clock, sleep=clock.sleep), clock, 1000) == [0.0] * 1000
