"""The natural way of a send, from the clip to the session folder."""

from __future__ import annotations

from functools import partial

from sendreturn.contract import Plan
from sendreturn.engine.approve import approve
from sendreturn.engine.fetch import fetch
from sendreturn.engine.finish import finish
from sendreturn.engine.hand_over import hand_over
from sendreturn.engine.make import submit, wait
from sendreturn.engine.outputs import Approval, Fetched, Finished, Handed, Prepared, Takes, Tasks
from sendreturn.engine.prepare import plan, prepare
from sendreturn.engine.run import Run
from sendreturn.words import State

STEPS = ("prepare", "plan", "approve", "submit", "wait", "fetch", "finish", "deliver")
"""The names of the steps in the journal, in order."""


async def run_send(run: Run) -> Handed:
    """Take one send its way. Every step is written down when it is done, and a run after a crash passes over it."""
    prepared = await run.step("prepare", State.PREPARING, Prepared, partial(prepare, run))
    planned = await run.step("plan", State.PREPARING, Plan, partial(plan, run, prepared))
    await run.step("approve", State.PREPARING, Approval, partial(approve, run, planned))
    slot = await run.slot(run.send.service)
    try:
        tasks = await run.step("submit", State.SUBMITTING, Tasks, partial(submit, run, planned, prepared))
        takes = await run.step("wait", State.GENERATING, Takes, partial(wait, run, tasks))
    finally:
        slot.release()
    fetched = await run.step("fetch", State.FETCHING, Fetched, partial(fetch, run, takes))
    finished = await run.step("finish", State.FINISHING, Finished, partial(finish, run, prepared, fetched))
    return await run.step(
        "deliver", State.DELIVERING, Handed, partial(hand_over, run, prepared, planned, tasks, fetched, finished)
    )
