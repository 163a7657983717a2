"""Very many clips that are dropped by mistake: what costs something is asked about, and the ledger stays short."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import pytest
from engine_rig import PLAIN_RETURNS, Rig
from fake_service import FakeService, manifest, write_tone
from oracles import paid_once
from paying_service import short_way
from sendreturn.sends.wish import Origin, Wish
from sendreturn.settings import Budget, HotFolderSettings, Settings
from sendreturn.words import State

AS_SHIPPED = Settings(service="studio", returns=PLAIN_RETURNS)
ASKING = AS_SHIPPED.model_copy(update={"hot_folder": HotFolderSettings(ask_above_clips=5)})


async def until(true_of: Callable[[], bool], timeout_s: float = 500.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not true_of():  # noqa: ASYNC110 - any of many sends may be the last
            await asyncio.sleep(0.05)


def drop_all(rig: Rig, numbers: Iterable[int]) -> list[str]:
    """Have so many clips come in by a hot folder, all at once; the ids of their sends."""
    ids, clip = [], write_tone(rig.session / "riff.wav", seconds=0.1)
    for number in numbers:
        params = {"style": f"dub {number}"}  # so that none repeats another
        wish = Wish("cover", clip, rig.session, params=params, origin=Origin.FOLDER, key=f"file {number}")
        ids.append(rig.desk.accept(wish).send.id)
    return ids


def states(rig: Rig, ids: Iterable[str]) -> Counter[State]:
    seen = {send.id: send.state for send in rig.desk.list()}
    return Counter(seen.get(send_id) or rig.desk.get(send_id).state for send_id in ids)


async def rested(rig: Rig, ids: Collection[str]) -> Counter[State]:
    """Until each has ended, or waits."""
    at_rest = {State.WAITING_APPROVAL, State.DONE, State.FAILED, State.CANCELLED}
    await until(lambda: set(states(rig, ids)) <= at_rest)
    return states(rig, ids)


@pytest.mark.parametrize("clips", [40, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_a_folder_of_clips_that_was_dropped_by_mistake_buys_no_more_than_the_threshold(
    tmp_path: Path, clips: int
):
    studio = FakeService()
    with short_way():
        async with Rig(tmp_path, studio, settings=AS_SHIPPED) as rig:
            ids = drop_all(rig, range(clips))
            ended = await rested(rig, ids)
            assert ended[State.WAITING_APPROVAL] >= clips - 25
            assert len(studio.ledger) <= 25
            bought, (told,) = len(studio.ledger), rig.desk.problems.values()
            waiting = ended[State.WAITING_APPROVAL]
            assert told.startswith(f"{waiting} clips that came in one go wait for your word; they would cost")
            assert f"cost {waiting * 10} credits. `sendreturn approve --all`" in told
        async with Rig(tmp_path, studio, settings=AS_SHIPPED) as rig:  # a restart lets none slip through
            assert (await rested(rig, ids)) == ended
            (one,) = [i for i in ids if rig.desk.get(i).state is State.WAITING_APPROVAL][:1]
            rig.desk.approve(one)
            await rig.reach(one, State.DONE)
            more = drop_all(rig, range(clips, clips + 5))
            assert (await rested(rig, more)) == {State.WAITING_APPROVAL: 5}
            assert len(studio.ledger) == bought + 1
            cancelled = rig.desk.cancel_waiting()
            assert len(cancelled) == waiting - 1 + 5
            await until(lambda: State.WAITING_APPROVAL not in states(rig, [*ids, *more]))
            assert rig.desk.problems == {}
    assert len(studio.ledger) == bought + 1
    assert paid_once([f"task-{n}" for n in range(1, bought + 2)], tmp_path / "journal.db") == []


async def test_after_all_were_let_go_the_count_begins_anew(tmp_path: Path):
    studio = FakeService()
    with short_way():
        async with Rig(tmp_path, studio, settings=ASKING) as rig:
            ids = drop_all(rig, range(8))
            await rested(rig, ids)
            rig.desk.approve_all(tmp_path / "elsewhere")
            assert State.WAITING_APPROVAL in states(rig, ids)
            rig.desk.approve_all()
            await until(lambda: states(rig, ids) == {State.DONE: 8})
            more = drop_all(rig, range(10, 15))
            assert (await rested(rig, more)) == {State.DONE: 5}
    assert len(studio.ledger) == 13


async def test_what_costs_nothing_comes_slowly_or_by_another_way_is_not_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    free, studio = FakeService(manifest("free", free=True), credits=0.0), FakeService()
    with short_way():
        async with Rig(tmp_path / "a", free, settings=ASKING.model_copy(update={"service": "free"})) as rig:
            assert (await rested(rig, drop_all(rig, range(8)))) == {State.DONE: 8}
        async with Rig(tmp_path / "b", studio, settings=ASKING) as rig:
            by_osc = [rig.send(None, "generate", params={"prompt": f"song {number}"}).id for number in range(8)]
            assert (await rested(rig, by_osc)) == {State.DONE: 8}
            monkeypatch.setattr("sendreturn.engine.together.QUIET_S", -1.0)
            assert (await rested(rig, drop_all(rig, range(8)))) == {State.DONE: 8}


async def test_a_word_for_many_clips_is_none_against_the_cap_of_the_hour(tmp_path: Path):
    studio = FakeService()
    capped = ASKING.model_copy(update={"budget": Budget(per_hour_credits=50.0)})
    with short_way():
        async with Rig(tmp_path, studio, settings=capped) as rig:
            ids = drop_all(rig, range(8))
            await rested(rig, ids)
            rig.desk.approve_all()
            # The last of the eight stands behind these two, which hold the service's places.
            wanted = {State.DONE: 5, State.WAITING_APPROVAL: 2, State.SUBMITTING: 1}
            await until(lambda: states(rig, ids) == wanted)
            assert "per_hour_credits allows 50" in rig.desk.list(State.WAITING_APPROVAL)[0].text
    assert len(studio.ledger) == 5
