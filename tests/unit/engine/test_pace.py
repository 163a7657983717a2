"""How often tasks are looked at."""

from __future__ import annotations

import random
from contextlib import ExitStack
from pathlib import Path

import pytest
from engine_rig import PLAIN_RETURNS, Rig
from fake_service import FakeService, manifest, write_tone
from sendreturn.engine.pace import JITTER, LONGEST_S, Pace
from sendreturn.settings import Settings
from sendreturn.settings.models import ServiceSettings
from sendreturn.words import State

PLAIN = manifest()
STRICT = manifest(requests=1, per_s=3.0)


def pause_s(waiting: int, age_s: float, of=PLAIN, pace_s: float = 5.0) -> float:
    """The pause without its jitter, as the middle of many."""
    pace = Pace(random.Random(1))
    with ExitStack() as stack:
        for _ in range(waiting):
            stack.enter_context(pace.waiting(of))
        drawn = [pace.pause_s(of, pace_s, age_s) for _ in range(400)]
    middle = sum(drawn) / len(drawn)
    assert min(drawn) >= middle * (1 - JITTER) * 0.98
    assert max(drawn) <= middle * (1 + JITTER) * 1.02
    assert len(set(drawn)) > 100, "many tasks do not ask in step"
    return middle


def test_a_few_young_tasks_are_looked_at_as_their_service_wants() -> None:
    assert pause_s(1, 0.0) == pytest.approx(5.0, rel=0.02)
    assert pause_s(10, 60.0) == pytest.approx(5.0, rel=0.02)


def test_the_longer_a_task_takes_the_more_rarely_it_is_looked_at() -> None:
    assert pause_s(1, 600.0) == pytest.approx(30.0, rel=0.02)
    assert pause_s(1, 36_000.0) == pytest.approx(LONGEST_S, rel=0.02)


def test_a_thousand_tasks_are_each_looked_at_less_than_once_a_minute() -> None:
    assert pause_s(1000, 0.0) > 60 / (1 - JITTER)


def test_looks_leave_room_for_others_within_the_limit_of_a_service() -> None:
    # One request in 3 s for a thousand tasks: an hour between two looks at each, and a fifth of the requests is spare.
    assert pause_s(1000, 0.0, STRICT) == pytest.approx(3000 / 0.8, rel=0.02)
    assert pause_s(1, 0.0, STRICT) == pytest.approx(5.0, rel=0.02)


def test_a_pace_that_the_user_has_set_slower_is_kept() -> None:
    assert pause_s(1, 0.0, pace_s=600.0) == pytest.approx(600.0, rel=0.02)


async def test_a_task_that_takes_longer_than_the_user_waits_fails_and_retry_goes_on_waiting(tmp_path: Path) -> None:
    import asyncio

    (tmp_path / "Song").mkdir()
    clip = write_tone(tmp_path / "Song" / "riff.wav")
    studio = FakeService(hold=asyncio.Event())
    impatient = Settings(service="studio", returns=PLAIN_RETURNS, services={"studio": ServiceSettings(timeout_s=0.01)})
    async with Rig(tmp_path, studio, settings=impatient) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.FAILED
        assert "has not finished within 0.01 s (services.studio.timeout_s)" in send.text
        assert "goes on waiting, at no cost" in send.text
        assert studio.hold is not None
        studio.hold.set()
        rig.desk.retry(send.id)
        await rig.reach(send.id, State.DONE)
    assert studio.ledger == ["cover"]
