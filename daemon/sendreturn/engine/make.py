"""Submit and wait: the only place in the house from which a request that may be billed goes out."""

from __future__ import annotations

from pathlib import Path

from sendreturn.contract import Call, MadeTake, Plan
from sendreturn.engine.budget import check_budget
from sendreturn.engine.errands import follow
from sendreturn.engine.journal import Fate, Intent
from sendreturn.engine.outputs import Prepared, Takes, Task, Tasks
from sendreturn.engine.run import Run
from sendreturn.errors import Outcome, ServiceError

PAUSES_S = (2.0, 5.0, 15.0, 30.0, 60.0)
"""Between tries of a request that was certainly not billed."""


async def submit(run: Run, plan: Plan, prepared: Prepared) -> Tasks:
    """Make the planned requests, each at most once."""
    tasks = [Task(call.name, await _submit_once(run, call, prepared)) for call in plan.calls]
    run.note(cost_credits=plan.credits)
    return Tasks(tuple(tasks))


async def wait(run: Run, tasks: Tasks) -> Takes:
    """Look after the tasks until each has ended; returns every take that was made."""
    takes: list[MadeTake] = []
    for task in tasks.tasks:
        run.tell(0.0, "waiting for the service")
        takes += await follow(run, run.bridge, task.task_id, call_folder(run, task.call), run.tell)
    return Takes(tuple(takes))


def call_folder(run: Run, call: str) -> Path:
    """Where a bridge keeps what belongs to one call of this attempt."""
    return run.folder / f"{call}-{run.send.attempt}"


async def _submit_once(run: Run, call: Call, prepared: Prepared) -> str:
    intent = run.means.journal.intent(run.send.id, call.name, run.send.attempt)
    if intent is None:
        check_budget(run.means.settings.budget, run.means.journal, call.credits)
        intent = run.means.journal.intend(run.send, call.name, call.fields, call.credits)
        return await _post(run, call, prepared, intent)
    if intent.fate is Fate.ACCEPTED and intent.task_id is not None:
        return intent.task_id
    if intent.fate is Fate.REFUSED or run.bridge.manifest.free:
        return await _post(run, call, prepared, intent)
    run.means.journal.answer(intent, Fate.UNKNOWN)
    raise _unknown(run)


async def _post(run: Run, call: Call, prepared: Prepared, intent: Intent) -> str:
    """Make the request; repeat it only where the service said that it did not take it."""
    folder = call_folder(run, call.name)
    folder.mkdir(parents=True, exist_ok=True)
    for pause_s in (*PAUSES_S, None):
        run.checkpoint()
        run.means.journal.answer(intent, Fate.INTENDED)
        try:
            task_id = await run.bridge.submit(call, prepared.clip, folder)
        except ServiceError as error:
            unknown = error.outcome is Outcome.UNKNOWN
            run.means.journal.answer(intent, Fate.UNKNOWN if unknown else Fate.REFUSED)
            if error.outcome is not Outcome.RETRY or pause_s is None:
                raise
            run.tell(0.0, f"{error.what} Trying again in {pause_s:g} s.")
            await run.pause(pause_s)
        except Exception as error:  # the guard around a bridge: whatever breaks in it, the request may have gone out
            run.means.journal.answer(intent, Fate.UNKNOWN)
            raise _unknown(run) from error
        else:
            run.means.journal.answer(intent, Fate.ACCEPTED, task_id)
            return task_id
    raise AssertionError("unreachable")


def _unknown(run: Run) -> ServiceError:
    title = run.bridge.manifest.title
    return ServiceError(
        f"The request may or may not have reached {title}: something broke while it was being made.",
        f"Look at your account there; `sendreturn retry {run.send.id}` makes the request anew, and may pay twice.",
        outcome=Outcome.UNKNOWN,
    )
