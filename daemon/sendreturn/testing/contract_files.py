"""Contract suite: what was made is fetched, whatever happens to its address, and only from where it may come from."""

from __future__ import annotations

from pathlib import Path

from sendreturn.returns.sidecar import verify
from sendreturn.sends.wish import SendView
from sendreturn.testing.bench import Bench
from sendreturn.testing.contract_base import ContractBase, billed
from sendreturn.words import State


class FilesContract(ContractBase):
    """Results on their way."""

    async def test_an_address_that_has_expired_is_asked_for_anew(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"expire_media": 1}) as bench:
            await self._assert_whole(bench, await self.sent(bench, self.main_sample()))

    async def test_a_transfer_that_breaks_is_gone_on_with(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"truncate_media": 1}) as bench:
            await self._assert_whole(bench, await self.sent(bench, self.main_sample()))

    async def test_a_page_in_place_of_a_file_is_never_delivered(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"wrong_type_media": 1_000}) as bench:
            send = await self.sent(bench, self.main_sample())
            assert send.state is State.FAILED, send.text
            assert send.returns == ()
            bench.simulator.switches["wrong_type_media"] = 0
            await self._assert_retry_fetches(bench, send)

    async def test_a_redirect_on_the_same_host_is_followed(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"redirect_media": "inside"}) as bench:
            await self._assert_whole(bench, await self.sent(bench, self.main_sample()))

    async def test_a_redirect_to_a_stranger_is_not_followed(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"redirect_media": "elsewhere"}) as bench:
            send = await self.sent(bench, self.main_sample())
            assert send.state is State.FAILED, send.text
            assert not any(heard.host.startswith("localhost") for heard in bench.simulator.requests)
            bench.simulator.switches["redirect_media"] = ""
            await self._assert_retry_fetches(bench, send)

    async def _assert_whole(self, bench: Bench, send: SendView) -> None:
        assert send.state is State.DONE, send.text
        assert send.folder is not None
        assert [problem for path in send.folder.glob("*.json") for problem in verify(path)] == []
        assert max(billed(bench.simulator).values()) == 1

    async def _assert_retry_fetches(self, bench: Bench, send: SendView) -> None:
        """What has been paid for is fetched by `retry`, and not made anew."""
        lines = len(bench.simulator.ledger)
        bench.retry(send.id)
        await self._assert_whole(bench, await bench.ended(send.id))
        assert len(bench.simulator.ledger) == lines
