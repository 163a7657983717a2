"""Sends through lives of the engine that are cut off anywhere, with users who cancel and retry as they like.

The engine is the real one, up to what the services have made; fetching and delivering are left out, but for their
failures, which may lead back to the service.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import structlog
from mortal_journal import MortalJournal, PowerCut
from paid_ledger import PaidLedger
from sendreturn.contract import Manifest, ServiceBridge
from sendreturn.engine.conductor import Conductor
from sendreturn.engine.fetch import CameToNothing
from sendreturn.engine.make import note_lost
from sendreturn.engine.outputs import Fetched, Finished, Handed, Prepared, Takes
from sendreturn.engine.run import Run
from sendreturn.errors import Outcome, ServiceError
from sendreturn.sends.wish import Origin, Wish
from sendreturn.services import Services
from sendreturn.settings import ReturnsSettings, Settings
from sendreturn.testing.bench import no_pauses
from sendreturn.words import State

MOST_DOOMED = 5
MOST_LIVES = 20
MOST_RETRIES = 2
SETTINGS = Settings(returns=ReturnsSettings(stems=0, midi=False))
RETRIABLE = (State.FAILED, State.CANCELLED, State.UNCERTAIN)


class Plight:
    """What one send has to go through; all chance in it comes from `seed`.

    Attributes:
        meets: What it has met so far, for the figures.
        lives, retries: How many of each there were.
    """

    def __init__(self, seed: int, journal: MortalJournal) -> None:
        self.random = Random(seed)
        self.meets: Counter[str] = Counter()
        self.lives = self.retries = 0
        self.journal = journal
        self.conductor: Conductor
        self.send_id = ""

    @property
    def is_hard(self) -> bool:
        """Whether anything still goes wrong: in the end the world is kind, so that every send comes to an end."""
        return self.lives <= MOST_DOOMED

    def meet(self, chances: Mapping[str, float]) -> str:
        """One of the troubles, each as likely as it says, or none of them ("")."""
        drawn = self.random.random()
        for trouble, chance in chances.items():
            drawn -= chance
            if drawn < 0 and self.is_hard:
                self.meets[trouble] += 1
                return trouble
        return ""

    def power_cut(self) -> None:
        self.journal.die()
        raise PowerCut

    def at_any_time(self) -> None:
        """A place where the user may cancel, or the daemon be stopped."""
        trouble = self.meet({"cancelled": 0.02, "stopped": 0.03})
        if trouble == "cancelled":
            self.conductor.cancel(self.send_id)
        elif trouble == "stopped":
            for run in self.conductor._runs.values():
                run.stop()


class FaultyLives:
    """A state folder, and sends that are made in it one after the other.

    Args:
        operations: What is asked for: operation and parameters.
        open_bridge: A new bridge for each life, to services that write into `ledger`.
        reopens: Whether the journal is a file that is opened anew after each power cut; otherwise it is in memory.
        forgives: Whether after a `retry` even what was accepted may be asked for anew: a bridge takes an answer without
            the result for a refusal, and says so to the user, who may ask again.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        operations: Callable[[Random], tuple[str, Mapping[str, object]]],
        open_bridge: Callable[[FaultyLives], ServiceBridge],
        *,
        reopens: bool = False,
        forgives: bool = False,
    ) -> None:
        self.ledger = PaidLedger()
        self.states: Counter[State] = Counter()
        self.meets: Counter[str] = Counter()
        self.lives = self.retries = 0
        self.plight: Plight
        self._folder = folder
        self._manifest = manifest
        self._operations = operations
        self._open_bridge = open_bridge
        self._path = folder / "journal.db" if reopens else Path(":memory:")
        self._reopens, self._forgives = reopens, forgives
        (folder / "Song").mkdir(parents=True)
        self._journal = MortalJournal.open(self._path)

    def close(self) -> None:
        self._journal.close()

    async def send(self, seed: int) -> None:
        """One send to its end, whatever that is; `ledger.sins` tells what went wrong with the money."""
        plight = self.plight = Plight(seed, self._journal)
        operation, params = self._operations(plight.random)
        session, name = self._folder / "Song", self._manifest.name
        wish = Wish(operation, None, session, name, params, Origin.CLI, key=f"run-{seed}")
        state = None
        while state is None or not state.ended:
            assert plight.lives < MOST_LIVES, f"run {seed} never ends"
            plight.lives += 1
            state = await self._live(plight, wish)
        self.lives += plight.lives
        self.retries += plight.retries
        self.states[state] += 1
        self.meets += plight.meets
        self.ledger.check_attempts(plight.send_id, plight.retries)

    def figures(self) -> dict[str, int]:
        """What was done in all, for reports."""
        posts, billed = self.ledger.posts.total(), self.ledger.billed.total() + self.ledger.earlier.total()
        return {"lives": self.lives, "retries": self.retries, "paid requests": posts, "billed": billed}

    @contextmanager
    def going(self) -> Iterator[None]:
        """The engine without pauses, and without its way from the service to the session."""
        with ExitStack() as patches:
            patches.enter_context(no_pauses())
            self._logs = patches.enter_context(structlog.testing.capture_logs())
            for step in (self.fetch, self.finish, self.hand_over):
                patches.enter_context(mock.patch(f"sendreturn.engine.pipeline.{step.__name__}", step))
            asyncio.get_running_loop().set_exception_handler(_unless_power_cut)
            yield
        broke = [entry for entry in self._logs if entry["event"] == "send broke"]
        assert not broke, broke[0]

    # In place of the way back

    async def fetch(self, run: Run, _prepared: Prepared, takes: Takes) -> Fetched:
        trouble = self.plight.meet({"file gone": 0.08, "file lost": 0.06, "file late": 0.06, "power": 0.03})
        had = [asked.call for asked in takes.requests if not asked.failed]
        spare = [call for call in had if not call.essential]
        for call in had:
            self.ledger.has(run.send.id, call)
        if trouble == "power":
            self.plight.power_cut()
        if trouble == "file gone" and spare:
            raise CameToNothing(((spare[0], "It is no longer there."),))
        if trouble == "file lost":
            note_lost(run, takes.requests[0].call)
            self.ledger.loses(run.send.id, takes.requests[0].call)
        if trouble:
            raise ServiceError("It does not come.", outcome=Outcome.RETRY)
        return Fetched(())

    async def finish(self, *_: object) -> Finished:
        return Finished(())

    async def hand_over(self, *_: object) -> Handed:
        return Handed(self._folder, ())

    # Lives

    async def _live(self, plight: Plight, wish: Wish) -> State | None:
        """From a start of the engine to the send's end, a stop or a power cut (None)."""
        services = Services({self._manifest.name: self._manifest}, lambda _: {}, self._folder, lambda _: None)
        services._open[self._manifest.name] = self._open_bridge(self)
        plight.conductor = Conductor(self._journal, services, SETTINGS, lambda _: None, self._folder / "staging")
        if plight.is_hard and plight.random.random() < 0.25:
            self._journal.doom(plight.random.randrange(30), keeps=plight.random.random() < 0.5)
        try:
            return await self._carried(plight, wish)
        except PowerCut:
            self._restart(plight)
            return None
        finally:
            with suppress(PowerCut):
                await plight.conductor.stop()

    async def _carried(self, plight: Plight, wish: Wish) -> State:
        await plight.conductor.start()
        plight.send_id = plight.conductor.accept(wish).send.id
        while True:
            task = plight.conductor._tasks.get(plight.send_id)
            if task is not None:
                await task
            state = self._journal.get(plight.send_id).state
            if state not in RETRIABLE or plight.retries == MOST_RETRIES or plight.random.random() < 0.5:
                return state
            plight.retries += 1
            if self._forgives:
                self.ledger.forgive(plight.send_id)
            plight.conductor.retry(plight.send_id)

    def _restart(self, plight: Plight) -> None:
        plight.meets["power cut"] += 1
        if self._reopens:
            self._journal.close()
            self._journal = plight.journal = MortalJournal.open(self._path)
        self._journal.revive()


def _unless_power_cut(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A task that died with the machine is mourned by nobody."""
    if not isinstance(context.get("exception"), PowerCut):
        loop.default_exception_handler(context)
