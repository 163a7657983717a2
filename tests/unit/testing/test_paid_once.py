"""No request that may be billed is made twice, whatever goes wrong, unless the user says `retry`.

`-m slow -s` prints the figures of 10,000 sends: 9,000 to a service of the test that takes several requests for each,
and 1,000 by the real bridges to their simulators.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import faulty_till
import faulty_wire
import pytest
from faulty_lives import FaultyLives
from sendreturn.words import State

Open = Callable[[Path], AbstractContextManager[FaultyLives]]

BATCH = 50
"""So many sends share a journal: with more in it, each start of the engine takes longer."""
EVERY_END = {State.DONE, State.FAILED, State.UNCERTAIN, State.CANCELLED}


@contextmanager
def till(folder: Path, *, reopens: bool = False) -> Iterator[FaultyLives]:
    yield FaultyLives(folder, faulty_till.MANIFEST, faulty_till.asked, faulty_till.FaultyTill, reopens=reopens)


def wired(service: str) -> Open:
    return lambda folder: faulty_wire.wired(folder, service)


async def carry(folder: Path, open_world: Open, seeds: range) -> Counter[State]:
    """Make all sends; returns how they have ended."""
    ends: Counter[State] = Counter()
    figures: Counter[str] = Counter()
    for first in range(seeds.start, seeds.stop, BATCH):
        with open_world(folder / str(first)) as world, world.going():
            for seed in range(first, min(first + BATCH, seeds.stop)):
                await world.send(seed)
                assert not world.ledger.sins, f"run {seed}: {world.ledger.sins}"
            assert max(world.ledger.billed.values(), default=0) <= 1
            ends += world.states
            figures += Counter({**world.figures(), **world.meets})
            world.close()
    told = ", ".join(f"{name}: {number}" for name, number in [*ends.items(), *figures.most_common()])
    print(f"\n{len(seeds)} sends, no paid request repeated; {told}", file=sys.stderr)
    return ends


async def test_the_engine_never_makes_a_paid_request_twice(tmp_path: Path):
    assert (await carry(tmp_path, till, range(150))).keys() == EVERY_END


async def test_a_journal_on_disk_remembers_as_well(tmp_path: Path):
    assert State.UNCERTAIN in await carry(tmp_path, partial(till, reopens=True), range(20))


@pytest.mark.parametrize("service", faulty_wire.SERVICES)
@pytest.mark.slow
async def test_no_bridge_makes_a_paid_request_twice(tmp_path: Path, service: str):
    assert (await carry(tmp_path, wired(service), range(6)))[State.DONE]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("share", range(9))
async def test_the_engine_never_repeats_one_in_nine_thousand(tmp_path: Path, share: int):
    first = 1_000 + 1_000 * share
    assert (await carry(tmp_path, till, range(first, first + 1_000))).keys() == EVERY_END


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("service", faulty_wire.SERVICES)
async def test_no_bridge_repeats_one_in_two_hundred_and_fifty(tmp_path: Path, service: str):
    assert State.UNCERTAIN in await carry(tmp_path, wired(service), range(1_000, 1_250))
