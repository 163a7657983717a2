"""Looking after a service's task until it ends; and errands, the tasks that a send needs beside its own request, done
by a free service on this machine (stems, MIDI, tempo)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from sendreturn.audio.notes import Meter
from sendreturn.contract import Ask, Call, Clip, MadeTake, Manifest, Report, ServiceBridge, Way
from sendreturn.engine.gates import Door
from sendreturn.engine.run import Run
from sendreturn.errors import Outcome, ServiceError
from sendreturn.params import Params

OnProgress = Callable[[float, str], None]
WORST_PAUSE_S = 60.0
OFFLINE_PAUSE_S = 20.0
LATE_S = 10.0
"""A pause that was longer by this has been slept through, by all tasks at once."""
ASK_AGAIN = "`retry` asks for it once more."


class TaskFailed(ServiceError):  # noqa: N818 - a state of affairs, as its siblings in errors.py
    """The service took the task, and could not do it.

    Attributes:
        cost_credits: What the service says that it has billed for it all the same; None where it says nothing.
    """

    def __init__(self, what: str, hint: str = "", cost_credits: float | None = None) -> None:
        super().__init__(what, hint)
        self.cost_credits = cost_credits


def _ignore(_fraction: float, _text: str) -> None:
    pass


async def errand(
    run: Run, operation: str, clip: Clip, params: Params, meter: Meter, folder: Path, on_progress: OnProgress = _ignore
) -> tuple[MadeTake, ...]:
    """Have a free service do `operation` on `clip`; no takes where no service offers to."""
    name = run.means.services.gap_filler(operation)
    if name is None:
        return ()
    bridge = run.means.services.bridge(name)
    (call,) = bridge.plan(Ask(run.send.id, operation, params, clip, meter)).calls
    slot = await run.slot(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        accepted = await bridge.submit(call, Way(folder, clip))
        report = await follow(run, bridge, call, accepted.task_id, folder, on_progress)
        return report.takes
    finally:
        slot.release()


async def follow(
    run: Run, bridge: ServiceBridge, call: Call, task_id: str, folder: Path, on_progress: OnProgress
) -> Report:
    """Look after a task until it ends. Passing trouble makes the pauses longer; the task is never given up for it.

    Where the service wants another key, all its tasks wait for that, and one looks from time to time.

    Raises:
        TaskFailed: the service says that it failed.
        ServiceError: it will not answer for this task, or the time that the user has set is over.
    """
    pace, manifest, pace_s = run.means.pace, bridge.manifest, poll_s(run, bridge)
    most_s = run.means.settings.service_settings(manifest.name).timeout_s
    gate = run.means.gates.of(manifest.name, Door.LOOK)
    clock = asyncio.get_running_loop().time
    began_s, troubles, is_offline = clock(), 0, False
    with pace.waiting(manifest):
        if pace.is_crowded(manifest):
            await run.until_hint(pace.pause_s(manifest, pace_s, 0.0))
        while True:
            await gate.passed(run)
            run.checkpoint()
            try:
                report = await bridge.look(call, task_id, folder)
            except ServiceError as error:
                if error.of_account:
                    gate.close(error.sentence)
                    continue
                if error.outcome is not Outcome.RETRY:
                    raise
                troubles, is_offline = troubles + 1, error.is_offline
                on_progress(0.0, error.what)
            else:
                troubles = 0
                gate.open()
                if report.done:
                    return good(report)
                on_progress(report.progress or 0.0, report.text)
            age_s = clock() - began_s
            if most_s is not None and age_s > most_s:
                raise _too_late(run, manifest, most_s)
            worst_s = OFFLINE_PAUSE_S if is_offline else WORST_PAUSE_S
            patience_s = min(pace_s * 2 ** min(troubles, 10), worst_s) if troubles else 0.0
            pause_s = max(pace.pause_s(manifest, pace_s, age_s), patience_s)
            woken_s = clock() + pause_s
            await run.until_hint(pause_s)
            if clock() > woken_s + LATE_S:
                await run.until_hint(pace.stagger_s(manifest, pace_s))


def _too_late(run: Run, manifest: Manifest, most_s: float) -> ServiceError:
    what = f"{manifest.title} has not finished within {most_s:g} s (services.{manifest.name}.timeout_s)."
    return ServiceError(what, f"`sendreturn retry {run.send.id}` goes on waiting, at no cost.")


def poll_s(run: Run, bridge: ServiceBridge) -> float:
    """How long to wait between two looks at a task: what the user has set, else what the service advises."""
    configured = run.means.settings.service_settings(bridge.manifest.name).poll_s
    return configured or bridge.manifest.poll_s


def good(report: Report) -> Report:
    """A report of what was made. Raises TaskFailed where nothing was."""
    if report.failed is not None:
        hint = "The same would fail again." if report.is_final else ASK_AGAIN
        raise TaskFailed(report.failed, hint, report.cost_credits)
    return report
