"""Contract suite: never a second request that may be billed, whatever happens to the connection or the machine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from sendreturn.engine.journal import Fate
from sendreturn.sends.wish import SendView
from sendreturn.testing.bench import Bench
from sendreturn.testing.contract_base import ContractBase, billed, paid_posts, params_of
from sendreturn.words import State

LONG_S = 3600.0
STATES = (
    State.PREPARING,
    State.SUBMITTING,
    State.GENERATING,
    State.FETCHING,
    State.FINISHING,
    State.DELIVERING,
)
"""Where a power cut may find a send."""


class MoneyContract(ContractBase):
    """Money is spent once.

    Attributes:
        repeats_after_429: Whether a request that was turned away for its pace is made once more by itself.
    """

    repeats_after_429: ClassVar[bool] = True
    _usual: ClassVar[dict[type, Counter[str]]] = {}

    async def test_a_send_is_billed_once(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path) as bench:
            await self._begin(bench)
            assert max(billed(bench.simulator).values()) == 1
            assert paid_posts(bench.simulator) == len(bench.simulator.ledger)

    async def test_a_request_is_on_disk_as_gone_before_it_arrives(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path) as bench:
            bill, fates = bench.simulator.billed, list[set[Fate]]()

            def billed(*asked: Any) -> None:
                sends = bench.house.journal.unfinished()
                fates.append({one.fate for send in sends for one in bench.house.journal.standing_of(send.id)})
                bill(*asked)

            bench.simulator.billed = billed  # type: ignore[method-assign,assignment]
            await self._begin(bench)
        assert fates
        assert all(Fate.INTENDED in seen for seen in fates), "a request came that was not written down as gone"

    async def test_a_connection_that_dies_before_billing_leaves_the_send_uncertain(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"die_before_answer": "before_billing"}) as bench:
            send = await self._begin(bench)
            assert send.state is State.UNCERTAIN, send.text
            await self._assert_stays(bench, send, posts=1, lines=0)

    async def test_a_connection_that_dies_after_billing_is_never_repeated(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"die_before_answer": "after_billing"}) as bench:
            send = await self._begin(bench)
            assert send.state is State.UNCERTAIN, send.text
            await self._assert_stays(bench, send, posts=1, lines=1)

    async def test_an_error_after_billing_is_never_repeated(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"http_500_after_billing": True}) as bench:
            send = await self._begin(bench)
            assert send.state is State.UNCERTAIN, send.text
            await self._assert_stays(bench, send, posts=1, lines=1)

    async def test_nonsense_after_billing_is_never_repeated(self, tmp_path: Path) -> None:
        planned = {"status": 200, "body": {"nothing": "that anybody understands"}, "billed": True}
        async with self.bench(tmp_path, {"fail_next": planned}) as bench:
            send = await self._begin(bench)
            assert send.state is State.UNCERTAIN, send.text
            await self._assert_stays(bench, send, posts=1, lines=1)

    async def test_only_the_users_word_repeats_an_uncertain_request(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"die_before_answer": "after_billing"}) as bench:
            send = await self._begin(bench)
            bench.retry(send.id)
            assert (await bench.ended(send.id)).state is State.DONE
            assert len(bench.simulator.ledger) > 1

    async def test_a_slow_answer_is_waited_for(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"answer_slowly": 0.2}) as bench:
            send = await self._begin(bench)
            assert send.state is State.DONE, send.text
            await self._assert_once(bench)

    async def test_a_power_cut_while_the_answer_is_awaited_leaves_the_send_uncertain(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"answer_slowly": LONG_S}) as bench:
            send = await self._send(bench)
            await bench.simulator.has_billed.wait()
            bench.simulator.switches["answer_slowly"] = 0.0
            await bench.restart()
            ended = await bench.ended(send.id)
            assert ended.state is State.UNCERTAIN, ended.text
            await self._assert_stays(bench, ended, posts=1, lines=1)

    async def test_a_request_that_was_turned_away_is_made_again_and_billed_once(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"rate_limited_once": True}) as bench:
            send = await self._begin(bench)
            wanted = State.DONE if self.repeats_after_429 else State.FAILED
            assert send.state is wanted, send.text
            await self._assert_once(bench)

    async def test_a_power_cut_never_bills_again(self, tmp_path: Path, state: State) -> None:
        async with self.bench(tmp_path) as bench:
            bench.doom(state)
            send = await self._send(bench)
            await bench.strike()
            ended = await bench.ended(send.id)
            expected = {State.DONE, State.UNCERTAIN} if state is State.SUBMITTING else {State.DONE}
            assert ended.state in expected, ended.text
            await self._assert_once(bench)

    # Inside

    async def _send(self, bench: Bench) -> SendView:
        sample = self.main_sample()
        return bench.send(sample.operation, await self.clip_for(bench, sample), params_of(sample, bench))

    async def _begin(self, bench: Bench) -> SendView:
        return await bench.ended((await self._send(bench)).id)

    async def _assert_stays(self, bench: Bench, send: SendView, *, posts: int, lines: int) -> None:
        """Nothing more goes out, not even after a restart."""
        assert (paid_posts(bench.simulator), len(bench.simulator.ledger)) == (posts, lines)
        await bench.restart()
        assert bench.house.conductor.get(send.id).state is send.state
        assert (paid_posts(bench.simulator), len(bench.simulator.ledger)) == (posts, lines)

    async def _assert_once(self, bench: Bench) -> None:
        """Nothing was billed more often than in a send without trouble."""
        usual = await self._usually(bench.folder / "usual")
        too_often = billed(bench.simulator) - usual
        assert not too_often, f"billed more often than usual: {dict(too_often)}"

    async def _usually(self, folder: Path) -> Counter[str]:
        if type(self) not in self._usual:
            folder.mkdir()
            async with self.bench(folder) as bench:
                await self._begin(bench)
                self._usual[type(self)] = billed(bench.simulator)
        return self._usual[type(self)]
