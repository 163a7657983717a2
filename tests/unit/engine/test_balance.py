"""What the account says of a request in doubt: it is told, and never makes the request anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from engine_rig import Rig
from fake_service import FakeService, manifest, write_tone
from sendreturn.contract import Balance
from sendreturn.engine.journal import Fate
from sendreturn.errors import Outcome, ServiceError
from sendreturn.words import State


@dataclass
class Account(FakeService):
    """Studio with a balance: so much is taken from it by each request, and it may not be told."""

    left: float = 100.0
    takes_credits: float = 10.0
    trouble: ServiceError | None = None

    async def balance(self) -> Balance:
        if self.trouble is not None:
            raise self.trouble
        return Balance(self.left)

    def no_answer(self) -> None:
        self.left -= self.takes_credits
        raise ServiceError("No answer.", "Look there.", outcome=Outcome.UNKNOWN)


def account(**more: object) -> Account:
    studio = Account(manifest(tells_credits=True), **more)  # type: ignore[arg-type]
    studio.after_billing = studio.no_answer
    return studio


@pytest.mark.parametrize(
    ("takes_credits", "told"),
    [
        (0.0, "Studio shows 100 credits, as before it: nothing has been billed so far. Look there."),
        (10.0, "Studio shows 10 credits less than before it: it has probably been billed. Look there."),
        (-50.0, "No answer. Look there."),
    ],
    ids=["unchanged", "fallen", "topped up"],
)
async def test_what_the_balance_says_of_a_request_without_an_answer_is_told(
    takes_credits: float, told: str, tmp_path: Path, clip: Path
):
    studio = account(takes_credits=takes_credits)
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
    assert send.state is State.UNCERTAIN
    assert told in send.text
    assert studio.ledger == ["cover"]


async def test_a_request_that_was_about_to_go_out_at_a_crash_is_not_made_again_but_the_balance_is_told(
    tmp_path: Path, clip: Path
):
    studio = account(takes_credits=0.0)
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        intent = rig.journal.intent(send.id, "main", 1)
        assert intent is not None
        rig.journal.answer(intent, Fate.INTENDED)  # as a kill after the intent leaves it, before or after the request
        rig.journal.move(send.id, State.SUBMITTING)
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(send.id)
        assert send.state is State.UNCERTAIN
        assert "nothing has been billed so far" in send.text
    assert studio.ledger == ["cover"]


async def test_a_balance_that_others_may_have_spent_says_nothing(tmp_path: Path, clip: Path):
    studio = account()
    async with Rig(tmp_path, studio) as rig:
        first = await rig.ended(rig.send(clip).id)
        await rig.ended(rig.send(write_tone(clip.with_name("other.wav"), hz=330.0)).id)
        intent = rig.journal.intent(first.id, "main", 1)
        assert intent is not None
        rig.journal.answer(intent, Fate.INTENDED)
        rig.journal.move(first.id, State.SUBMITTING)
    async with Rig(tmp_path, studio) as rig:
        first = await rig.ended(first.id)
    assert first.state is State.UNCERTAIN
    assert "billed" not in first.text


async def test_a_balance_that_is_not_told_holds_nothing_up(tmp_path: Path, clip: Path):
    studio = account(trouble=ServiceError("It does not say.", outcome=Outcome.ASK))
    studio.after_billing = lambda: None
    async with Rig(tmp_path, studio) as rig:
        assert (await rig.ended(rig.send(clip).id)).state is State.DONE
