"""The natural way of a send, from the clip to the session folder."""

from __future__ import annotations

from functools import partial

from sendreturn.contract import Plan
from sendreturn.engine.approve import approve
from sendreturn.engine.fetch import CameToNothing, fetch
from sendreturn.engine.finish import finish
from sendreturn.engine.hand_over import hand_over
from sendreturn.engine.make import give_up, make
from sendreturn.engine.outputs import Approval, Fetched, Finished, Handed, Prepared, Takes
from sendreturn.engine.prepare import plan, prepare
from sendreturn.engine.run import Cancelled, Run, Stopping
from sendreturn.engine.stalls import stall_in
from sendreturn.words import State


async def run_send(run: Run) -> Handed:
    """Take one send its way. Every step is written down when it is done, and a run after a crash passes over it."""
    prepared = await run.step("prepare", State.PREPARING, Prepared, partial(prepare, run))
    planned = await run.step("plan", State.PREPARING, Plan, partial(plan, run, prepared))
    await run.step("approve", State.PREPARING, Approval, partial(approve, run, planned))
    takes, fetched = await _made_and_fetched(run, planned, prepared)
    finished = await run.step("finish", State.FINISHING, Finished, partial(finish, run, planned, prepared, fetched))
    return await run.step("deliver", State.DELIVERING, Handed, partial(hand_over, run, prepared, takes, finished))


async def run_or_stall(run: Run) -> Handed:
    """The same, where whatever holds a send up and will pass is raised as Stalled, wherever it was met."""
    try:
        return await run_send(run)
    except (Cancelled, Stopping):
        raise
    except Exception as error:
        stall = stall_in(error)
        if stall is None:
            raise
        raise stall from error


async def _made_and_fetched(run: Run, planned: Plan, prepared: Prepared) -> tuple[Takes, Fetched]:
    """Everything that the service has made. Where a call came to nothing, the send goes on as if it had failed."""
    while True:
        takes = await _make(run, planned, prepared)
        try:
            return takes, await run.step("fetch", State.FETCHING, Fetched, partial(fetch, run, prepared, takes))
        except CameToNothing as nothing:
            for call, why in nothing.calls:
                give_up(run, call, why)


async def _make(run: Run, planned: Plan, prepared: Prepared) -> Takes:
    """Have the service make it, as one of as many sends as it does side by side."""
    slot = await run.slot(run.send.service)
    try:
        return await run.step("make", State.SUBMITTING, Takes, partial(make, run, planned, prepared))
    finally:
        slot.release()
