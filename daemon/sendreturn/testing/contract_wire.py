"""Contract suite: nothing goes where nobody has sent it, call-backs are hints, and every quirk is tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from sendreturn.sends.wish import SendView
from sendreturn.testing.bench import Bench
from sendreturn.testing.contract_base import ContractBase, billed, paid_posts, params_of
from sendreturn.words import State

REQUEST_KINDS = ("paid", "looks", "free")
HOUR_S = 3600.0
STRANGER = re.compile(r"localhost\b")


class WireContract(ContractBase):
    """What goes over the wire, and to whom.

    Attributes:
        untried: Switches of the simulator that no case needs to turn: lengths, prices, and what the bridge never asks.
    """

    untried: ClassVar[frozenset[str]] = frozenset()

    async def test_a_request_that_is_sent_on_to_a_stranger_stays_here(self, tmp_path: Path, request_kind: str) -> None:
        async with self.bench(tmp_path, {"redirect_requests": request_kind}) as bench:
            send = await self._told(bench)
            strangers = [heard for heard in bench.simulator.requests if STRANGER.match(heard.host)]
            assert not strangers, f"the redirect was followed: {strangers[0]}"
            if send.state is State.DONE:
                assert request_kind == "free", "only what is free may not be asked at all"
                pytest.skip("nothing free is asked on the way")
            assert "points to" in send.text, send.text
            assert paid_posts(bench.simulator) <= len(billed(bench.simulator)) + (request_kind == "paid")
            bench.simulator.switches["redirect_requests"] = ""
            if send.state.ended:
                bench.retry(send.id)
            ended = await bench.ended(send.id)
            assert ended.state is State.DONE, ended.text
            assert max(billed(bench.simulator).values()) == 1

    async def _told(self, bench: Bench) -> SendView:
        """The send when it has ended, or says where it is being sent on to."""
        sample = self.main_sample()
        send = bench.send(sample.operation, await self.clip_for(bench, sample), params_of(sample, bench))
        return await bench.until(lambda view: view.state.ended or "points to" in view.text, send.id)

    async def test_a_call_back_ends_the_wait(self, tmp_path: Path) -> None:
        if not self.manifest().webhooks:
            pytest.skip("the service does not call back")
        async with self.bench(tmp_path, {"looks": 1_000_000}, poll_s=HOUR_S) as bench:
            sample = self.main_sample()
            send = bench.send(sample.operation, await self.clip_for(bench, sample), params_of(sample, bench))
            await bench.until(lambda view: view.text == "waiting for the service" or _is_looked_at(bench), send.id)
            await self._finish_tasks(bench)
            ended = await bench.ended(send.id)
            assert ended.state is State.DONE, ended.text
            assert max(billed(bench.simulator).values()) == 1

    async def _finish_tasks(self, bench: Bench) -> None:
        """Bring every task to its end at the service, which then calls back."""
        for task in list(bench.simulator.tasks.values()):
            task.looks = 0
            await bench.simulator.look(task.id)

    def test_every_quirk_of_the_service_is_tried(self) -> None:
        missing = set(self.simulator.own_switches) - set(self._turned()) - self.untried
        assert not missing, f"no case turns {sorted(missing)}"

    def _turned(self) -> Iterator[str]:
        for switches in (self.switches, *self.profiles.values()):
            yield from switches
        for sample in (*self.samples, *self.quirks):
            yield from sample.switches
        for trouble in self.troubles:
            yield from trouble.switches


def _is_looked_at(bench: Bench) -> bool:
    return any(task.looked for task in bench.simulator.tasks.values())
