"""Faults 35–59: what goes wrong while a request is made that may be billed. The till's own bills are compared."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from engine_rig import PLAIN_RETURNS, Rig
from paying_service import BAD_KEY, NO_CREDITS, OFFLINE, Till, assert_well, paying, short_way
from sendreturn.contract import Report
from sendreturn.engine.gates import Gate
from sendreturn.engine.journal import Fate
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.answers import Answer
from sendreturn.sends.wish import SendView
from sendreturn.settings import Budget, Settings
from sendreturn.words import State
from sendreturn_bridges.services.acedata import faults as acedata
from sendreturn_bridges.services.musicapi import faults as musicapi
from sendreturn_bridges.services.sonauto import faults as sonauto
from sendreturn_bridges.services.sunoapi import faults as sunoapi
from structlog.testing import capture_logs

BUSY = ServiceError("Studio is busy.", outcome=Outcome.RETRY)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendreturn.engine.make.PAUSES_S", (0.001, 0.001))
    monkeypatch.setattr("sendreturn.engine.make.OFFLINE_PAUSE_S", 0.001)


def song(rig: Rig, number: int = 0) -> SendView:
    """A send without a clip, other than all others."""
    return rig.send(None, "generate", params={"prompt": f"song {number}"})


async def until_waiting(rig: Rig, ids: list[str]) -> list[str]:
    """The sends that wait, once all others have ended."""

    def waits(send: SendView) -> bool:
        return send.text.startswith("Waiting:")

    for send_id in ids:
        await rig.until(lambda send: send.state.ended or waits(send), send_id)
    return [send_id for send_id in ids if waits(rig.desk.get(send_id))]


# Credits and keys, rows 49 and 50


async def test_credits_that_end_in_a_batch_are_told_once_and_the_rest_goes_on_with_more(tmp_path: Path):
    till = Till(credits_left=3)
    with short_way(), capture_logs() as logs:
        async with Rig(tmp_path, till) as rig:
            ids = [song(rig, number).id for number in range(10)]
            waiting = await until_waiting(rig, ids)
            failed = [send_id for send_id in ids if rig.desk.get(send_id).state is State.FAILED]
            assert (len(waiting), len(failed)) == (6, 1)
            assert rig.desk.get(failed[0]).text.startswith("The credits are used up.")
            assert list(rig.desk.problems.values()) == [NO_CREDITS.sentence]
            till.credits_left = 1000
            rig.desk.retry(failed[0])
            for send_id in ids:
                await rig.reach(send_id, State.DONE)
            assert not rig.desk.problems
    assert len(till.bills) == 10
    assert [entry["event"] for entry in logs].count("sends wait for key or credits") == 1
    assert_well(tmp_path, till)


async def test_what_waits_for_credits_can_be_cancelled_and_goes_on_when_one_has_tried(tmp_path: Path):
    till = Till(credits_left=0)
    with short_way():
        async with Rig(tmp_path, till) as rig:
            ids = [song(rig, number).id for number in range(4)]
            first, second, *others = await until_waiting(rig, ids)
            rig.desk.cancel(second)
            assert (await rig.ended(second)).state is State.CANCELLED
            till.credits_left = 2
            rig.desk._means.gates.knock("studio")  # as when the pause is over
            for send_id in (first, *others):
                await rig.reach(send_id, State.DONE)
    assert len(till.bills) == 2
    assert_well(tmp_path, till)


async def test_a_key_that_is_changed_while_fifty_tasks_run_pauses_them_once_and_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sendreturn.engine.gates.FIRST_PAUSE_S", 0.01)
    key_works = True

    def look() -> Report | None:
        if not key_works:
            raise BAD_KEY
        return None

    till = Till(on_look=look, hold=asyncio.Event())
    with short_way() as fetched, capture_logs() as logs:
        async with Rig(tmp_path, till) as rig:
            ids = [song(rig, number).id for number in range(50)]
            for send_id in ids:
                await rig.reach(send_id, State.GENERATING)
            key_works = False
            assert len(await until_waiting(rig, ids)) == 50
            assert list(rig.desk.problems.values()) == [BAD_KEY.sentence]
            assert till.hold is not None
            till.hold.set()
            key_works = True
            for send_id in ids:
                await rig.reach(send_id, State.DONE)
    assert sorted(fetched) == sorted(ids)
    assert [entry["event"] for entry in logs].count("sends wait for key or credits") == 1
    assert_well(tmp_path, till)


async def test_a_restart_while_sends_wait_for_credits_loses_none_and_pays_once(tmp_path: Path):
    till = Till(credits_left=0)
    with short_way():
        async with Rig(tmp_path, till) as rig:
            ids = [song(rig, number).id for number in range(3)]
            waiting = await until_waiting(rig, ids)
        till.credits_left = 10
        async with Rig(tmp_path, till) as rig:
            for send_id in waiting:
                await rig.reach(send_id, State.DONE)
    assert len(till.bills) == 2
    assert_well(tmp_path, till)


class Bystander:
    """Waits before a gate; the clock goes on meanwhile."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.waits: list[float] = []

    def tell(self, fraction: float, text: str = "") -> None:
        assert text.startswith("Waiting: ")

    async def until(self, event: asyncio.Event, most_s: float) -> None:
        self.waits.append(most_s)
        self.now_s += most_s


async def test_one_of_those_who_wait_tries_more_and_more_rarely():
    bystander = Bystander()
    gate = Gate("studio", lambda: bystander.now_s)
    assert not await gate.passed(bystander)
    assert gate.close("No key.")
    assert not gate.close("No key.")
    for _ in range(5):
        assert await gate.passed(bystander)
    assert bystander.waits == [30.0, 30.0, 60.0, 120.0, 120.0]
    gate.knock()
    assert not await gate.passed(bystander)
    gate.open()
    assert not await gate.passed(bystander)
    assert len(bystander.waits) == 5


ACCOUNT = [
    (sonauto.classify, Answer(401, body={"detail": "Invalid API key"}), True),
    (sonauto.classify, Answer(402, body={"detail": "Not enough credits"}), True),
    (sonauto.classify, Answer(400, body={"detail": "flagged by moderation"}), False),
    (sunoapi.classify, Answer(200, body={"code": 401, "msg": "unauthorized"}), True),
    (sunoapi.classify, Answer(200, body={"code": 402, "msg": "no"}), True),
    (sunoapi.classify, Answer(200, body={"code": 429, "msg": "insufficient credits"}), True),
    (sunoapi.classify, Answer(200, body={"code": 430, "msg": "slow down"}), False),
    (sunoapi.classify, Answer(200, body={"code": 400, "msg": "sensitive words"}), False),
    (acedata.classify, Answer(401, body={"error": {"code": "invalid_token", "message": "x"}}), True),
    (acedata.classify, Answer(403, body={"error": {"code": "used_up", "message": "x"}}), True),
    (acedata.classify, Answer(403, body={"error": {"code": "forbidden", "message": "moderation"}}), False),
    (musicapi.classify, Answer(401, body={"type": "unauthorized", "error": "no"}), True),
    (musicapi.classify, Answer(403, body={"type": "forbidden", "error": "Not enough credits"}), True),
    (musicapi.classify, Answer(400, body={"type": "validation_error", "error": "inappropriate"}), False),
]


@pytest.mark.parametrize(("classify", "answer", "of_account"), ACCOUNT)
def test_each_bridge_knows_what_is_about_key_and_credits(classify: object, answer: Answer, of_account: bool):
    error = classify(answer)  # type: ignore[operator]
    assert error is not None
    assert error.of_account is of_account


# The network, rows 55 and 56


async def test_a_network_that_is_away_for_long_fails_no_send(tmp_path: Path):
    till = Till(submits=[OFFLINE] * 40)
    with short_way():
        async with Rig(tmp_path, till) as rig:
            assert (await rig.ended(song(rig).id)).state is State.DONE
    assert (till.posts, len(till.bills)) == (41, 1)
    assert_well(tmp_path, till)


async def test_a_service_that_turns_everybody_away_is_left_after_a_few_tries(tmp_path: Path):
    busy = ServiceError("Too many requests.", outcome=Outcome.RETRY)
    till = Till(submits=[busy] * 40)
    async with Rig(tmp_path, till) as rig:
        send = await rig.ended(song(rig).id)
        assert (send.state, send.cost_credits) == (State.FAILED, 0.0)
    assert (till.posts, till.bills) == (3, [])


# Names of tasks, row 47


@pytest.mark.parametrize("name", ["", "../../x", "/etc/passwd", "x" * 10_000, "a b", "a/b", "a\x00b", "å", "-x", "\n"])
async def test_a_task_by_a_name_that_cannot_be_used_is_in_doubt_and_never_asked_for(tmp_path: Path, name: str):
    till = Till(names=[name])
    async with Rig(tmp_path, till) as rig:
        send = await rig.ended(song(rig).id)
        assert send.state is State.UNCERTAIN
        assert "took the request" in send.text
        assert not till.looked.is_set()
    assert len(till.bills) == 1
    assert_well(tmp_path, till)


async def test_the_name_of_another_sends_task_is_not_taken_for_ones_own(tmp_path: Path):
    till = Till(names=["task-1", "task-1"])
    with short_way():
        async with Rig(tmp_path, till) as rig:
            first = await rig.ended(song(rig, 1).id)
            second = await rig.ended(song(rig, 2).id)
            assert (first.state, second.state) == (State.DONE, State.UNCERTAIN)
            assert first.id in second.text
    assert_well(tmp_path, till)


# Cancelling and settings, rows 58 and 59


async def test_a_cancel_while_the_answer_is_on_its_way_is_billed_told_and_stopped(tmp_path: Path):
    till = Till(hold_answer=asyncio.Event())
    async with Rig(tmp_path, till) as rig:
        send = song(rig)
        await till.submitting.wait()
        rig.desk.cancel(send.id)
        assert till.hold_answer is not None
        till.hold_answer.set()
        ended = await rig.ended(send.id)
        assert (ended.state, ended.cost_credits) == (State.CANCELLED, 10.0)
    assert till.cancelled == till.bills == ["task-1"]
    assert_well(tmp_path, till)


async def test_a_cancel_before_the_request_costs_nothing(tmp_path: Path):
    till = Till(submits=[OFFLINE] * 1_000_000)
    async with Rig(tmp_path, till) as rig:
        send = song(rig)
        await rig.until(lambda view: "cannot be reached" in view.text, send.id)
        rig.desk.cancel(send.id)
        ended = await rig.ended(send.id)
        assert (ended.state, ended.cost_credits) == (State.CANCELLED, 0.0)
    assert till.bills == []


async def test_a_cancel_while_the_connection_is_made_keeps_the_request_here(tmp_path: Path):
    connecting, connected = asyncio.Event(), asyncio.Event()

    async def connect() -> None:
        connecting.set()
        await connected.wait()

    till = Till(manifest=paying(tells_sending=True), connect=connect)
    async with Rig(tmp_path, till) as rig:
        send = song(rig)
        await connecting.wait()
        assert rig.journal.credits_since("2000") == 10.0, "its price is set aside"
        rig.desk.cancel(send.id)
        connected.set()
        ended = await rig.ended(send.id)
        assert (ended.state, ended.cost_credits) == (State.CANCELLED, 0.0)
        assert rig.journal.credits_since("2000") == 0.0
        assert rig.journal.ledger_lines() == ()
    assert till.bills == []


async def test_what_is_turned_away_and_tried_again_stays_below_the_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sendreturn.engine.make.PAUSES_S", (0.05, 0.05))
    till = Till(manifest=paying(tells_sending=True), submits=[BUSY] * 5)
    settings = Settings(service="studio", returns=PLAIN_RETURNS, budget=Budget(per_day_credits=50.0))
    with short_way():
        async with Rig(tmp_path, till, settings=settings) as rig:
            sends = [song(rig, number) for number in range(10)]
            ends = [await rig.ended(send.id) for send in sends]
    assert Counter(end.state for end in ends) == {State.DONE: 5, State.FAILED: 5}
    assert len(till.bills) == 5


async def test_a_send_keeps_what_was_settled_when_the_settings_change(tmp_path: Path):
    till = Till(hold=asyncio.Event(), credits=10.0)
    other = Till(manifest=paying(name="other"))
    with short_way():
        async with Rig(tmp_path, till, other) as rig:
            send = song(rig)
            await till.looked.wait()
        till.credits = 99.0
        assert till.hold is not None
        till.hold.set()
        changed = Settings(service="other", returns=PLAIN_RETURNS, budget=Budget(per_send_credits=1.0))
        async with Rig(tmp_path, till, other, settings=changed) as rig:
            ended = await rig.ended(send.id)
            assert (ended.state, ended.service, ended.cost_credits) == (State.DONE, "studio", 10.0)
            intent = rig.journal.standing(send.id, "main")
            assert intent is not None
            assert (intent.credits, intent.fields) == (10.0, {"prompt": "song 0"})
    assert other.posts == 0
    assert_well(tmp_path, till)


# Failures, row 51


@pytest.mark.parametrize(("is_final", "hint"), [(True, "The same would fail again."), (False, "asks for it once more")])
async def test_a_failure_says_whether_another_try_makes_sense(tmp_path: Path, is_final: bool, hint: str):
    failed = Report(done=True, failed="The words are not allowed.", is_final=is_final, cost_credits=4.0)
    till = Till(on_look=lambda: failed)
    async with Rig(tmp_path, till) as rig:
        ended = await rig.ended(song(rig).id)
        assert (ended.state, ended.cost_credits) == (State.FAILED, 4.0)
        assert hint in ended.text
    assert_well(tmp_path, till)


BLAMED = [
    (sonauto.blames_request("flagged by moderation"), sonauto.blames_request("internal error")),
    (
        sunoapi.blames_request("SENSITIVE_WORD_ERROR", None, ""),
        sunoapi.blames_request("GENERATE_AUDIO_FAILED", 500, "internal error"),
    ),
    (
        acedata.blames_request(acedata.Objection("forbidden", "moderation")),
        acedata.blames_request(acedata.Objection("api_error", "internal error")),
    ),
    (musicapi.blames_request("flagged by moderation"), musicapi.blames_request("internal error")),
]


@pytest.mark.parametrize(("final", "passing"), BLAMED)
def test_each_bridge_says_which_failures_would_come_again(final: bool, passing: bool):
    assert final
    assert not passing


async def test_a_refused_send_has_cost_nothing(tmp_path: Path):
    till = Till(submits=[ServiceError("The clip is too long.", outcome=Outcome.GIVE_UP)])
    async with Rig(tmp_path, till) as rig:
        ended = await rig.ended(song(rig).id)
        assert (ended.state, ended.cost_credits) == (State.FAILED, 0.0)


# Doubt, rows 35–43


@pytest.mark.parametrize(
    "trouble",
    [
        ServiceError("No answer.", outcome=Outcome.UNKNOWN),
        ServiceError("Broke down.", outcome=Outcome.UNKNOWN),
        KeyError("task_id"),
        TimeoutError(),
        RecursionError(),
    ],
)
async def test_a_request_in_doubt_is_parked_and_only_the_user_repeats_it(tmp_path: Path, trouble: Exception):
    till = Till(answers=[trouble])
    with short_way():
        async with Rig(tmp_path, till) as rig:
            send = await rig.ended(song(rig).id)
            assert send.state is State.UNCERTAIN
            assert send.cost_credits is None
            intent = rig.journal.standing(send.id, "main")
            assert intent is not None
            assert intent.fate is Fate.UNKNOWN
        async with Rig(tmp_path, till) as rig:
            assert rig.desk.get(send.id).state is State.UNCERTAIN
            assert till.posts == 1
            rig.desk.retry(send.id)
            await rig.reach(send.id, State.DONE)
    assert till.posts == 2
    assert_well(tmp_path, till)


# Caps


async def test_a_cap_holds_for_sends_that_are_made_at_once(tmp_path: Path):
    till = Till()
    settings = Settings(service="studio", returns=PLAIN_RETURNS, budget=Budget(per_day_credits=35))
    with short_way():
        async with Rig(tmp_path, till, settings=settings) as rig:
            ended = [await rig.ended(song_id) for song_id in [song(rig, number).id for number in range(12)]]
    assert len(till.bills) == 3
    assert sum(send.state is State.FAILED for send in ended) == 9
    assert_well(tmp_path, till)


async def test_past_the_cap_of_the_hour_sends_wait_for_the_hour_or_the_users_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sendreturn.engine.approve.LOOK_AGAIN_S", 0.01)
    till = Till()
    settings = Settings(service="studio", returns=PLAIN_RETURNS, budget=Budget(per_hour_credits=35))
    with short_way():
        async with Rig(tmp_path, till, settings=settings) as rig:
            ids = [song(rig, number).id for number in range(6)]
            for send_id in ids:
                await rig.until(lambda send: send.state in (State.DONE, State.WAITING_APPROVAL), send_id)
            waiting = [send_id for send_id in ids if rig.desk.get(send_id).state is State.WAITING_APPROVAL]
            assert (len(waiting), len(till.bills)) == (3, 3)
            assert "per_hour_credits allows 35" in rig.desk.get(waiting[0]).text
            rig.desk.approve(waiting[0])
            await rig.reach(waiting[0], State.DONE)
            assert len(till.bills) == 4
            monkeypatch.setattr(rig.journal, "credits_since", lambda _since: 0.0)  # the hour has passed
            for send_id in waiting:
                await rig.reach(send_id, State.DONE)
    assert len(till.bills) == 6
    assert_well(tmp_path, till)


async def test_what_no_hour_has_room_for_is_refused(tmp_path: Path):
    till = Till()
    settings = Settings(service="studio", returns=PLAIN_RETURNS, budget=Budget(per_hour_credits=9))
    async with Rig(tmp_path, till, settings=settings) as rig:
        ended = await rig.ended(song(rig).id)
        assert ended.state is State.FAILED
        assert "per_hour" in ended.text
    assert till.bills == []
