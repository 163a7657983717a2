"""The contract suite passes a bridge that keeps the contract, and catches every bridge that breaks it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import broken_bridges as broken
import pytest
from example_service import MANIFEST, ExampleBridge, ExampleSimulator
from sendreturn.contract import Manifest, ServiceBridge, Setup
from sendreturn.testing.suite import Limit, Sample, ServiceContract, Trouble
from sendreturn.words import Kind

NESTED = {"nested": {"shape": "nested"}}


@pytest.mark.slow
class TestExample(ServiceContract):
    service = "example"
    simulator = ExampleSimulator
    profiles = NESTED
    bridge: Callable[[Setup], Any] = ExampleBridge
    samples = (
        Sample("cover", {"style": "jazz"}, kinds=frozenset({Kind.MIX})),
        Sample("cover", {"stems": 2}, kinds=frozenset({Kind.MIX, Kind.STEM}), name="cover with stems"),
        Sample("extend", {"extend_s": 2.0}, kinds=frozenset({Kind.TAIL, Kind.MIX})),
    )
    limits = (Limit("a long prompt", "cover", {"prompt": "x" * 41}, ("40",)),)
    troubles = (Trouble("a banned word", {"banned_word": "war"}, ("the word war",), params={"prompt": "war"}),)

    def manifest(self) -> Manifest:
        return MANIFEST

    def open_bridge(self, setup: Setup) -> ServiceBridge:
        opened: ServiceBridge = type(self).bridge(setup)
        return opened


Case = Callable[[TestExample, Path], Awaitable[None]]


def operation(number: int) -> Case:
    return lambda contract, folder: contract.test_an_operation_comes_back_whole(
        folder, contract.samples[number], "plain"
    )


def limit(number: int) -> Case:
    return lambda contract, folder: contract.test_a_limit_is_refused_before_anything_is_sent(
        folder, contract.limits[number]
    )


def balance(contract: TestExample, folder: Path) -> Awaitable[None]:
    return contract.test_the_balance_is_what_is_on_the_account(folder, "plain")


def trouble(contract: TestExample, folder: Path) -> Awaitable[None]:
    return contract.test_a_trouble_is_told_in_a_sentence(folder, contract.troubles[0])


CAUGHT: list[tuple[type[ExampleBridge], Case, str]] = [
    (broken.PostsTwice, TestExample.test_a_connection_that_dies_before_billing_leaves_the_send_uncertain, "uncertain"),
    (broken.PostsTwice, TestExample.test_a_connection_that_dies_after_billing_is_never_repeated, "uncertain"),
    (broken.PostsTwice, TestExample.test_an_error_after_billing_is_never_repeated, "uncertain"),
    (broken.TakesItLightly, TestExample.test_a_connection_that_dies_after_billing_is_never_repeated, "uncertain"),
    (broken.SendsInSilence, TestExample.test_a_request_is_on_disk_as_gone_before_it_arrives, "written down as gone"),
    (broken.ForgetsTheOtherTake, operation(0), "takes"),
    (broken.ForgetsAStem, operation(1), "never fetched"),
    (broken.CountsWrongly, operation(0), "what was billed"),
    (broken.NamesNoIds, operation(0), "written down"),
    (broken.RefusesNothing, limit(0), "DID NOT RAISE"),
    (broken.GivesUpAtOnce, TestExample.test_passing_trouble_while_waiting_is_survived, "done"),
    (broken.SendsTheKeyAlong, operation(0), "credentials"),
    (broken.FollowsAnybody, TestExample.test_a_redirect_to_a_stranger_is_not_followed, "failed"),
    (broken.AsksWithTheKeyInTheAddress, balance, "the key stood"),
    (broken.LogsTheKey, operation(0), "was logged"),
    (broken.KeepsTheKey, operation(0), "was written"),
    (broken.ShoutsTheKey, trouble, "in an exception"),
    (broken.MumblesOverRefusals, trouble, "not in: error 422"),
    (broken.NeverAsksAnew, TestExample.test_an_address_that_has_expired_is_asked_for_anew, "done"),
    (broken.DeliversAnything, operation(0), "done"),
    (broken.HasNoBalance, TestExample.test_what_the_manifest_declares_is_there, "tells_credits"),
]


@pytest.mark.parametrize(
    ("bridge", "case", "says"), CAUGHT, ids=[f"{b.__name__}-{n}" for n, (b, _, _) in enumerate(CAUGHT)]
)
async def test_a_bridge_that_breaks_the_contract_is_caught(
    tmp_path: Path, bridge: type[ExampleBridge], case: Case, says: str
):
    class Contract(TestExample):
        pass

    Contract.bridge = bridge
    with pytest.raises((AssertionError, pytest.fail.Exception)) as caught:
        await case(Contract(), tmp_path)
    assert says in str(caught.value)
