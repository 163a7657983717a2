"""Never pay twice: what goes out, what is written down before and after, and what a restart makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_rig import PLAIN_RETURNS, Rig
from fake_service import FakeService, manifest, write_tone
from sendreturn.engine.journal import Intent
from sendreturn.errors import NotNow, Outcome, ServiceError, Stalled
from sendreturn.sends.wish import Origin, Wish
from sendreturn.settings import Budget, Settings
from sendreturn.words import State


@pytest.fixture(autouse=True)
def quick_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendreturn.engine.make.PAUSES_S", (0.001, 0.001))


def raises(error: Exception):
    def fail() -> None:
        raise error

    return fail


def with_budget(**caps: float) -> Settings:
    return Settings(service="studio", returns=PLAIN_RETURNS, budget=Budget(**caps))


async def test_a_send_is_billed_once_and_its_cost_is_told(tmp_path: Path, clip: Path):
    studio = FakeService()
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
    assert (send.state, send.cost_credits, studio.ledger) == (State.DONE, 10.0, ["cover"])


async def test_the_same_key_is_billed_once(tmp_path: Path, clip: Path):
    studio = FakeService()
    async with Rig(tmp_path, studio) as rig:
        ids = {rig.send(clip, key="osc:7").id for _ in range(5)}
        assert len(ids) == 1
        await rig.ended(ids.pop())
        assert rig.send(clip, key="osc:7").state is State.DONE
    assert studio.ledger == ["cover"]


async def test_an_answer_that_never_came_is_uncertain_and_never_repeated(tmp_path: Path, clip: Path):
    studio = FakeService(after_billing=raises(ServiceError("No answer.", outcome=Outcome.UNKNOWN)))
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.UNCERTAIN
    async with Rig(tmp_path, studio) as rig:
        assert rig.desk.get(send.id).state is State.UNCERTAIN
    assert studio.ledger == ["cover"]


async def test_whatever_breaks_in_a_bridge_while_it_posts_is_uncertain(tmp_path: Path, clip: Path):
    studio = FakeService(after_billing=raises(KeyError("task_id")))
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.UNCERTAIN
        assert "may or may not have reached Studio" in send.text
    assert studio.ledger == ["cover"]


async def test_an_interrupted_request_is_uncertain_after_a_restart(tmp_path: Path, clip: Path):
    studio = FakeService(hold=None)
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        row = rig.journal.get(send.id)
        # As a kill between the intent and the answer leaves it.
        rig.journal.again(row.id, "", anew=["main"], forget=None)
        killed = rig.journal.plan(rig.journal.get(send.id), "main", {}, 10.0)
        rig.journal.intend(killed)
        rig.journal.move(row.id, State.SUBMITTING)
    async with Rig(tmp_path, studio) as rig:
        assert (await rig.ended(send.id)).state is State.UNCERTAIN
    assert studio.ledger == ["cover"]


async def test_a_request_that_had_not_left_when_the_process_died_is_made_once_after_the_restart(
    tmp_path: Path, clip: Path
):
    studio = FakeService(manifest=manifest(tells_sending=True), hold=None)
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        # As a kill leaves it while the way to the service is made.
        rig.journal.again(send.id, "", anew=["main"], forget=None)
        rig.journal.plan(rig.journal.get(send.id), "main", {}, 10.0)
        rig.journal.move(send.id, State.SUBMITTING)
    async with Rig(tmp_path, studio) as rig:
        assert (await rig.ended(send.id)).state is State.DONE
        assert [line.attempt for line in rig.journal.ledger_lines()] == [1, 2]
    assert studio.ledger == ["cover", "cover"]


async def test_a_bridge_that_does_not_say_when_it_sends_leaves_a_request_in_doubt_from_its_beginning(
    tmp_path: Path, clip: Path
):
    studio = FakeService(manifest=manifest(tells_sending=False))
    async with Rig(tmp_path, studio) as rig:
        studio.on_submit = lambda: seen.append(rig.journal.ledger_lines()[0].fate)
        seen: list[str] = []
        await rig.ended(rig.send(clip).id)
    assert seen == ["intended"]


async def test_a_journal_that_cannot_be_written_keeps_the_request_here_until_it_can(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sendreturn.engine.run.LOOK_AGAIN_S", 0.001)
    studio = FakeService(manifest=manifest(tells_sending=True))
    async with Rig(tmp_path, studio) as rig:
        intend, troubles = rig.journal.intend, [Stalled("The disk is full."), OSError(5, "Input/output error")]

        def intend_at_last(intent: Intent) -> None:
            if troubles:
                raise troubles.pop(0)
            intend(intent)

        monkeypatch.setattr(rig.journal, "intend", intend_at_last)
        send = await rig.ended(rig.send(clip).id)
        assert (send.state, studio.ledger) == (State.FAILED, []), "an error of the disk is no reason to wait"
        rig.desk.retry(send.id)
        assert (await rig.reach(send.id, State.DONE)).cost_credits == 10.0
    assert studio.ledger == ["cover"]


async def test_only_the_users_word_repeats_an_uncertain_request(tmp_path: Path, clip: Path):
    studio = FakeService(after_billing=raises(ServiceError("No answer.", outcome=Outcome.UNKNOWN)))
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        studio.after_billing = lambda: None
        rig.desk.retry(send.id)
        await rig.reach(send.id, State.DONE)
    assert studio.ledger == ["cover", "cover"]


async def test_an_accepted_task_is_waited_for_after_a_restart_and_not_made_anew(tmp_path: Path, clip: Path):
    import asyncio

    studio = FakeService(hold=asyncio.Event())
    async with Rig(tmp_path, studio) as rig:
        send = rig.send(clip)
        await studio.looked.wait()
    studio.hold.set()
    async with Rig(tmp_path, studio) as rig:
        assert (await rig.ended(send.id)).state is State.DONE
    assert studio.ledger == ["cover"]


async def test_a_refused_request_is_repeated_only_where_it_was_certainly_not_billed(tmp_path: Path, clip: Path):
    refusals = iter([ServiceError("Too many requests.", outcome=Outcome.RETRY)])

    def refuse_once() -> None:
        error = next(refusals, None)
        if error is not None:
            raise error

    studio = FakeService(on_submit=refuse_once)
    async with Rig(tmp_path, studio) as rig:
        assert (await rig.ended(rig.send(clip).id)).state is State.DONE
    assert studio.ledger == ["cover"]


@pytest.mark.parametrize("outcome", [Outcome.ASK, Outcome.GIVE_UP])
async def test_a_service_that_will_not_is_asked_once(tmp_path: Path, clip: Path, outcome: Outcome):
    asked: list[int] = []

    def refuse() -> None:
        asked.append(1)
        raise ServiceError("The lyrics are not allowed.", "Change them, then retry.", outcome=outcome)

    studio = FakeService(on_submit=refuse)
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert (send.state, send.text) == (State.FAILED, "The lyrics are not allowed. Change them, then retry.")
        assert len(asked) == 1
        assert rig.journal.credits_since("2000-01-01") == 0.0


async def test_a_task_that_failed_at_the_service_is_made_anew_by_retry(tmp_path: Path, clip: Path):
    from sendreturn.contract import Report

    studio = FakeService(on_look=lambda: Report(done=True, failed="The song could not be made."))
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.FAILED
        studio.on_look = lambda: None
        rig.desk.retry(send.id)
        await rig.reach(send.id, State.DONE)
    assert studio.ledger == ["cover", "cover"]


async def test_a_fetch_that_failed_is_repeated_without_paying_again(tmp_path: Path, clip: Path):
    studio = FakeService(on_fetch=raises(ServiceError("The file is gone.")))
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.FAILED
        studio.on_fetch = lambda: None
        rig.desk.retry(send.id)
        await rig.reach(send.id, State.DONE)
    assert studio.ledger == ["cover"]


async def test_a_repeat_of_an_earlier_send_waits_for_approval_and_names_it(tmp_path: Path, clip: Path):
    studio = FakeService()
    async with Rig(tmp_path, studio) as rig:
        first = await rig.ended(rig.send(clip, params={"style": "jazz"}).id)
        other = await rig.ended(rig.send(clip, params={"style": "rock"}).id)
        assert other.state is State.DONE
        again = rig.send(clip, params={"style": "jazz"})
        waiting = await rig.reach(again.id, State.WAITING_APPROVAL)
        assert f"repeats send {first.id}" in waiting.text
        assert len(studio.ledger) == 2
        rig.desk.approve(again.id)
        assert (await rig.ended(again.id)).state is State.DONE
    assert len(studio.ledger) == 3


async def test_a_repeat_at_a_free_service_just_runs(tmp_path: Path, clip: Path):
    free = FakeService(manifest("free", free=True), credits=0.0)
    async with Rig(tmp_path, free) as rig:
        for _ in range(2):
            assert (await rig.ended(rig.send(clip).id)).state is State.DONE


async def test_what_costs_more_than_the_limit_waits_and_an_approval_survives_a_restart(tmp_path: Path, clip: Path):
    studio = FakeService()
    settings = with_budget(ask_above_credits=5)
    async with Rig(tmp_path, studio, settings=settings) as rig:
        send = rig.send(clip)
        await rig.reach(send.id, State.WAITING_APPROVAL)
    assert studio.ledger == []
    async with Rig(tmp_path, studio, settings=settings) as rig:
        await rig.reach(send.id, State.WAITING_APPROVAL)
        rig.desk.approve(send.id)
        assert (await rig.ended(send.id)).state is State.DONE
        with pytest.raises(NotNow):
            rig.desk.approve(send.id)
    assert studio.ledger == ["cover"]


@pytest.mark.parametrize(
    ("caps", "word"), [({"per_send_credits": 9}, "per_send"), ({"per_day_credits": 15}, "per_day")]
)
async def test_a_cap_is_never_passed(tmp_path: Path, clip: Path, caps: dict[str, float], word: str):
    studio = FakeService()
    async with Rig(tmp_path, studio, settings=with_budget(**caps)) as rig:
        ended = [await rig.ended(rig.send(clip, params={"style": style}).id) for style in ("one", "two", "three")]
    assert sum(10 for _ in studio.ledger) <= max(caps.values())
    assert word in ended[-1].text
    assert ended[-1].state is State.FAILED


async def test_a_cancelled_send_is_not_billed(tmp_path: Path, clip: Path):
    studio = FakeService()
    async with Rig(tmp_path, studio, settings=with_budget(ask_above_credits=5)) as rig:
        send = rig.send(clip)
        await rig.reach(send.id, State.WAITING_APPROVAL)
        rig.desk.cancel(send.id)
        assert (await rig.ended(send.id)).state is State.CANCELLED
        with pytest.raises(NotNow, match="already ended"):
            rig.desk.cancel(send.id)
    assert studio.ledger == []


async def test_a_cancel_stops_the_task_at_the_service(tmp_path: Path, clip: Path):
    import asyncio

    studio = FakeService(hold=asyncio.Event())
    async with Rig(tmp_path, studio) as rig:
        send = rig.send(clip)
        await studio.looked.wait()
        rig.desk.cancel(send.id)
        assert (await rig.ended(send.id)).state is State.CANCELLED
    assert studio.cancelled == ["task-1"]


async def test_a_cancel_that_a_crash_interrupts_is_kept(tmp_path: Path, clip: Path):
    import asyncio

    studio = FakeService(hold=asyncio.Event())
    async with Rig(tmp_path, studio) as rig:
        send = rig.send(clip)
        await studio.looked.wait()
    async with Rig(tmp_path, studio) as rig:
        rig.journal.note(send.id, cancel_asked=True)
    async with Rig(tmp_path, studio) as rig:
        assert (await rig.ended(send.id)).state is State.CANCELLED


async def test_a_call_back_makes_a_waiting_send_look_at_once(tmp_path: Path, clip: Path):
    import asyncio
    from dataclasses import replace

    # With a pace of an hour only the hint can bring this send to its end.
    studio = FakeService(replace(manifest(), poll_s=3600.0), hold=asyncio.Event())
    async with Rig(tmp_path, studio) as rig:
        send = rig.send(clip)
        await studio.looked.wait()
        studio.hold.set()
        rig.desk.hint(send.id)
        assert (await rig.ended(send.id)).state is State.DONE
        rig.desk.hint(send.id)
        rig.desk.hint("ffffffff")


async def test_a_cancelled_send_that_was_billed_is_waited_for_by_a_retry(tmp_path: Path, clip: Path):
    import asyncio

    studio = FakeService(hold=asyncio.Event())
    async with Rig(tmp_path, studio) as rig:
        send = rig.send(clip)
        await studio.looked.wait()
        rig.desk.cancel(send.id)
        await rig.ended(send.id)
        studio.hold.set()
        rig.desk.retry(send.id)
        await rig.reach(send.id, State.DONE)
    assert studio.ledger == ["cover"]


async def test_a_key_that_stopped_working_while_a_task_ran_does_not_lose_the_task(tmp_path: Path, clip: Path):
    studio = FakeService(on_look=raises(ServiceError("The key is not valid.", outcome=Outcome.ASK)))
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.FAILED
        studio.on_look = lambda: None
        rig.desk.retry(send.id)
        await rig.reach(send.id, State.DONE)
    assert studio.ledger == ["cover"]


async def test_results_that_have_expired_are_asked_for_anew_and_not_made_anew(tmp_path: Path, clip: Path):
    from sendreturn.net.download import Gone

    tries = iter([Gone("The address has expired.")])

    def expire_once() -> None:
        error = next(tries, None)
        if error is not None:
            raise error

    studio = FakeService(on_fetch=expire_once)
    async with Rig(tmp_path, studio) as rig:
        assert (await rig.ended(rig.send(clip).id)).state is State.DONE
    assert studio.ledger == ["cover"]


async def test_nothing_of_a_send_that_is_done_stays_in_the_staging_folder(tmp_path: Path, clip: Path):
    async with Rig(tmp_path, FakeService()) as rig:
        await rig.ended(rig.send(clip).id)
    assert list((tmp_path / "staging").iterdir()) == []


@pytest.mark.parametrize(
    ("billed", "cost", "said"),
    [
        (0.0, 0.0, "Studio charges nothing for it."),
        (4.0, 4.0, "Studio has charged 4 credits for it."),
        (None, 10.0, "Whether Studio has charged the 10 credits for it is not known."),
    ],
)
async def test_what_a_failed_send_has_cost_is_told_and_counted(
    tmp_path: Path, clip: Path, billed: float | None, cost: float, said: str
):
    from sendreturn.contract import Report

    studio = FakeService(on_look=lambda: Report(done=True, failed="The song could not be made.", cost_credits=billed))
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert (send.state, send.cost_credits) == (State.FAILED, cost)
        assert send.text.startswith(f"The song could not be made. {said}")
        assert rig.journal.credits_since("2000") == cost


async def test_a_repeat_of_a_send_that_came_to_nothing_and_cost_nothing_just_runs(tmp_path: Path, clip: Path):
    from sendreturn.contract import Report

    failures = iter([Report(done=True, failed="The song could not be made.", cost_credits=0.0)])
    studio = FakeService(on_look=lambda: next(failures, None))
    async with Rig(tmp_path, studio) as rig:
        assert (await rig.ended(rig.send(clip).id)).state is State.FAILED
        assert (await rig.ended(rig.send(clip).id)).state is State.DONE
        waiting = await rig.reach(rig.send(clip).id, State.WAITING_APPROVAL)
        assert "repeats send" in waiting.text


async def test_a_repeat_of_a_send_whose_fate_is_unknown_waits_for_approval(tmp_path: Path, clip: Path):
    studio = FakeService(after_billing=raises(ServiceError("No answer.", outcome=Outcome.UNKNOWN)))
    async with Rig(tmp_path, studio) as rig:
        first = await rig.ended(rig.send(clip).id)
        waiting = await rig.reach(rig.send(clip).id, State.WAITING_APPROVAL)
        assert f"repeats send {first.id}" in waiting.text


async def test_the_same_clip_in_another_session_is_another_wish(tmp_path: Path, clip: Path):
    studio = FakeService()
    async with Rig(tmp_path, studio) as rig:
        await rig.ended(rig.send(clip).id)
        other = tmp_path / "Another Song"
        other.mkdir()
        wish = Wish("cover", write_tone(other / "riff.wav"), other, origin=Origin.CLI)
        assert (await rig.ended(rig.desk.accept(wish).send.id)).state is State.DONE
