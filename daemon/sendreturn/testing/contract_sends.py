"""Contract suite: every operation end to end, limits and troubles in sentences, cancelling, names, passing trouble."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sendreturn.contract import CallsBack, Manifest, TellsCredits, Uploads
from sendreturn.errors import Outcome, ServiceError, UsageError
from sendreturn.params import Params
from sendreturn.returns.sidecar import verify
from sendreturn.sends.wish import SendView
from sendreturn.testing.bench import Bench
from sendreturn.testing.cases import Limit, Sample, Trouble
from sendreturn.testing.contract_base import (
    ContractBase,
    assert_words,
    billed,
    paid_posts,
    params_of,
    sidecars_of,
    write_clip,
)
from sendreturn.words import OPERATIONS, Kind, State

AWKWARD_NAMES = (
    "🎸 solo ☂.wav",
    'it\'s "the" `riff` $(x) & co;.wav',
    ".hidden.wav",
    " spaces around .wav",
    "-rf.wav",
    "100% %s {x} #1?.wav",
    "a" * 251 + ".wav",
    "two\nlines.wav",
    "nosuffix",
)
FETCHED = frozenset({Kind.MIX, Kind.TAIL, Kind.IMAGE, Kind.VIDEO})
SLACK = 1e-6


class SendsContract(ContractBase):
    """Sends as users make them."""

    # What the manifest declares

    async def test_what_the_manifest_declares_is_there(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path) as bench:
            manifest, bridge = bench.manifest, bench.bridge
            assert isinstance(bridge, Uploads) or not manifest.own_upload
            assert isinstance(bridge, CallsBack) or not manifest.webhooks
            assert isinstance(bridge, TellsCredits) or not manifest.tells_credits
        _assert_sound(manifest)

    async def test_the_balance_is_what_is_on_the_account(self, tmp_path: Path, profile: str) -> None:
        async with self.bench(tmp_path, self.profiles.get(profile, {}), balance=321.0) as bench:
            if not isinstance(bench.bridge, TellsCredits):
                pytest.skip("the bridge tells no credits")
            assert (await bench.bridge.balance()).credits == pytest.approx(321.0)

    # Operations

    async def test_an_operation_comes_back_whole(self, tmp_path: Path, sample: Sample, profile: str) -> None:
        async with self.bench(tmp_path, {**self.profiles.get(profile, {}), **sample.switches}) as bench:
            clip = await self.clip_for(bench, sample)
            lines, songs = len(bench.simulator.ledger), set(bench.simulator.songs)
            send = await bench.run(sample.operation, clip, params_of(sample, bench))
            assert send.state is State.DONE, send.text
            self._assert_takes(sample, send)
            self._assert_refs(bench, send)
            if self.counts_like_simulator:
                cost = sum(line.credits for line in bench.simulator.ledger[lines:])
                told = [sidecar.cost.credits for sidecar in sidecars_of(send)]
                assert told == pytest.approx([cost] * len(told), abs=SLACK), "the cost is what was billed"
            if sample.every_song:
                _assert_fetched(bench, songs)

    def _assert_takes(self, sample: Sample, send: SendView) -> None:
        sidecars, spec = sidecars_of(send), self.spec(sample.operation)
        assert len(sidecars) == (sample.takes or spec.takes), f"takes: {[s.take for s in sidecars]}"
        assert send.folder is not None
        assert [problem for path in send.folder.glob("*.json") for problem in verify(path)] == []
        for sidecar in sidecars:
            kinds = {file.kind for file in sidecar.returns}
            assert sample.kinds <= kinds, f"take {sidecar.take} lacks {sample.kinds - kinds}"
            made = kinds & {*spec.makes, Kind.TAIL, Kind.HEAD}
            assert made or not spec.makes, f"take {sidecar.take} has nothing of what {sample.operation} makes"

    def _assert_refs(self, bench: Bench, send: SendView) -> None:
        told = {take.clip_id for takes in bench.seen.takes.values() for take in takes if take.clip_id}
        for sidecar in sidecars_of(send):
            refs = sidecar.service_refs
            assert refs.task_ids, "the ids of the service's tasks are written down"
            assert refs.urls or not FETCHED & {file.kind for file in sidecar.returns}, "where the files lay is told"
            assert not any(set("?#@") & set(url) for url in refs.urls), "with nothing that signs an address"
            assert set(refs.clip_ids) <= told
            assert not self.ids_are_songs or set(refs.clip_ids) <= set(bench.simulator.songs)

    # Refusals

    async def test_a_limit_is_refused_before_anything_is_sent(self, tmp_path: Path, limit: Limit) -> None:
        async with self.bench(tmp_path) as bench:
            needs_clip = self.spec(limit.operation).needs_clip
            clip = write_clip(bench.session / "riff.wav", limit.clip_s or self.clip_s) if needs_clip else None
            with pytest.raises(UsageError) as refused:
                bench.send(limit.operation, clip, limit.params)
            assert_words(limit.words, refused.value.sentence)
            assert refused.value.hint, "a refusal says what to do"
            assert bench.simulator.requests == []

    # Troubles

    async def test_a_trouble_is_told_in_a_sentence(self, tmp_path: Path, trouble: Trouble) -> None:
        usual = self.main_sample(trouble.operation)
        sample = usual if trouble.params is None else replace(usual, params=trouble.params)
        async with self.bench(tmp_path, balance=trouble.balance) as bench:
            simulator, clip = bench.simulator, await self.clip_for(bench, sample)
            lines, paid = len(simulator.ledger), paid_posts(simulator)
            simulator.switches.update(trouble.switches)
            send = await bench.run(sample.operation, clip, params_of(sample, bench))
            assert send.state is trouble.state, send.text
            self._assert_told(trouble, [send.text, *bench.seen.errors])
            if trouble.billed is not None:
                assert sum(line.credits for line in simulator.ledger[lines:]) == pytest.approx(trouble.billed)
            assert max(Counter(line.call for line in simulator.ledger[lines:]).values(), default=0) <= 1
            if send.state is not State.DONE and "fail_next" in trouble.switches:
                assert paid_posts(simulator) == paid + 1, "asked once"

    def _assert_told(self, trouble: Trouble, told: list[str]) -> None:
        if trouble.state is not State.DONE:
            assert_words(trouble.words, told[0])
            assert any(trouble.said in text for text in told), f"the service's own words: {trouble.said}"

    async def test_without_a_key_nothing_is_sent(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, key=None) as bench:
            send = await self.sent(bench, self.main_sample())
            assert send.state is State.FAILED
            assert_words(["key"], send.text)
            assert bench.simulator.ledger == []
            assert not any(heard.is_paid for heard in bench.simulator.requests)

    async def test_a_wrong_key_is_told_as_one(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, key="not-the-right-one-1234") as bench:
            send = await self.sent(bench, self.main_sample())
            assert send.state is State.FAILED
            assert_words(["key"], send.text)
            assert bench.simulator.ledger == []

    async def test_an_empty_account_is_told_as_one(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, balance=0.0) as bench:
            send = await self.sent(bench, self.main_sample())
            assert send.state is State.FAILED, send.text
            assert any(word in send.text.casefold() for word in ("credit", "balance")), send.text
            assert bench.simulator.ledger == []

    async def test_a_task_that_fails_is_told_and_made_anew_by_retry(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"fail_task": "something went wrong"}) as bench:
            send = await self.sent(bench, self.main_sample(self.failing))
            assert send.state is State.FAILED, send.text
            assert_words([], send.text)
            bench.retry(send.id)
            assert (await bench.ended(send.id)).state is State.DONE

    async def test_passing_trouble_while_waiting_is_survived(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"fail_looks": 6, "rate_limited_looks": 2, "looks": 2}) as bench:
            send = await self.sent(bench, self.main_sample())
            assert send.state is State.DONE, send.text

    # Cancelling and names

    async def test_a_cancelled_send_stays_cancelled(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path, {"looks": 1_000_000}) as bench:
            sample = self.main_sample()
            send = bench.send(sample.operation, await self.clip_for(bench, sample), params_of(sample, bench))
            await bench.until(lambda view: view.state is State.GENERATING, send.id)
            bench.house.conductor.cancel(send.id)
            assert (await bench.ended(send.id)).state is State.CANCELLED
            paid = paid_posts(bench.simulator)
            await bench.restart()
            assert (await bench.ended(send.id)).state is State.CANCELLED
            assert paid_posts(bench.simulator) == paid
            assert max(billed(bench.simulator).values()) == 1

    async def test_an_awkward_name_goes_through(self, tmp_path: Path, clip_name: str) -> None:
        sample = self.main_sample()
        if not self.spec(sample.operation).needs_clip:
            pytest.skip("the operation takes no clip")
        async with self.bench(tmp_path) as bench:
            clip = self.clip(bench, sample.clip_s, clip_name)
            send = await bench.run(sample.operation, clip, params_of(sample, bench))
            assert send.state is State.DONE, send.text
            self._assert_takes(sample, send)

    # Pace

    async def test_the_pace_of_the_service_is_kept(self, tmp_path: Path) -> None:
        own = self.manifest()
        if not own.requests:
            pytest.skip("the manifest states no pace")
        per_s = 0.3 if own.requests == 1 else 0.5
        async with self.bench(tmp_path, in_step=True, per_s=per_s, requests=min(own.requests, 3)) as bench:
            send = await self.sent(bench, self.main_sample())
            assert send.state is State.DONE, send.text
            times = [heard.at for heard in bench.simulator.requests if heard.door == "api"]
            most = bench.manifest.requests
            gaps = [later - earlier for earlier, later in zip(times, times[most:], strict=False)]
            assert all(gap >= per_s for gap in gaps), gaps

    async def test_the_bridge_names_the_trouble_when_nobody_is_there(self, tmp_path: Path) -> None:
        async with self.bench(tmp_path) as bench:
            bridge = bench.bridge
            if not isinstance(bridge, TellsCredits):
                pytest.skip("the bridge tells no credits")
            bench.simulator.switches["fail_free"] = 1_000
            with pytest.raises(ServiceError) as raised:
                await bridge.balance()
            assert raised.value.outcome is Outcome.RETRY
            assert_words([], raised.value.what)


def _assert_sound(manifest: Manifest) -> None:
    assert manifest.title
    assert manifest.about.endswith(".")
    assert set(manifest.operations) <= set(OPERATIONS)
    assert manifest.clip_as in ("file", "url")
    for spec in manifest.operations.values():
        assert {*spec.honours, *spec.demands} <= set(Params.model_fields), spec.name
        assert spec.takes >= 1
        assert spec.credits >= 0
    assert manifest.ai_generated is False or manifest.digital_source_type


def _assert_fetched(bench: Bench, before: set[str]) -> None:
    """Every song that was made for the send was brought here."""
    simulator = bench.simulator
    made = [song for id_, song in simulator.songs.items() if id_ not in before and song.kind != "upload"]
    lost = [song.kind or song.title for song in made if not simulator.media.given_out[song.file.id]]
    assert not lost, f"never fetched: {lost}"
