"""Make: submit, wait, and again for what follows; the only place from which a request that may be billed goes out."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter

from sendreturn.contract import Accepted, Call, Clip, MadeTake, Plan, Report, Way
from sendreturn.engine.approve import until_affordable
from sendreturn.engine.attempts import attempt_of, call_folder, in_credits, price_anew, step_name
from sendreturn.engine.balance import note_balance, told_by_balance
from sendreturn.engine.budget import check_budget
from sendreturn.engine.departure import Departure
from sendreturn.engine.errands import ASK_AGAIN, TaskFailed, follow, good
from sendreturn.engine.gates import Door
from sendreturn.engine.journal import Fate, Intent
from sendreturn.engine.outputs import Hosted, Origin, Prepared, Requested, Takes
from sendreturn.engine.prepare import ask_of
from sendreturn.engine.run import Cancelled, Run
from sendreturn.errors import Outcome, Refusal, SendReturnError, ServiceError
from sendreturn.words import State

PAUSES_S = (2.0, 5.0, 15.0, 30.0, 60.0)
"""Between tries of what is free, and of a request that was certainly not billed."""
MOST_WANTED_S = 300.0
"""So long a service may have a send wait between two tries."""
JITTER = 0.1
"""Those who were turned away together come back one by one."""
OFFLINE_PAUSE_S = 20.0
"""After these, as long as the service cannot be reached at all: the network is not a send's fault."""
MOST_ROUNDS = 20
"""A bridge that always wants more would spend without end."""

_REPORT = TypeAdapter(Report)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@=+~-]{0,255}")


@dataclass(frozen=True)
class _Due:
    """A call, and the attempt of the send in which it was made, or is made now."""

    call: Call
    attempt: int

    def step(self, verb: str) -> str:
        return step_name(verb, self.call.name, self.attempt)


_Done = tuple[_Due, Accepted, Report]


class Pauses:
    """Between tries: a few where the service has its trouble, and more and more while it cannot be reached."""

    def __init__(self) -> None:
        self._left = list(PAUSES_S)

    async def after(self, error: ServiceError, run: Run) -> None:
        """Wait before another try; raises the error where there is none."""
        if error.outcome is not Outcome.RETRY or not (self._left or error.is_offline):
            raise error
        pause_s = self._left.pop(0) if self._left else OFFLINE_PAUSE_S
        wanted_s = min(error.wanted_pause_s or 0.0, MOST_WANTED_S)
        pause_s = min(pause_s, OFFLINE_PAUSE_S) if error.is_offline else max(pause_s, wanted_s)
        run.tell(0.0, f"{error.what} Trying again in {pause_s:g} s.")
        await run.pause(pause_s * random.uniform(1.0, 1.0 + JITTER))


async def make(run: Run, plan: Plan, prepared: Prepared) -> Takes:
    """Make the planned requests and those that follow from them, each at most once, and gather what was made."""
    if prepared.clip is not None:
        run.means.hosting.offer_again(run.bridge.manifest, run.send.id, prepared.clip)
    ask = ask_of(run.send, run.params, prepared)
    done: dict[str, Report] = {}
    made: list[_Done] = []
    calls = plan.calls
    for _ in range(MOST_ROUNDS):
        round_ = [_Due(call, attempt_of(run, call)) for call in calls]
        for due, accepted in [(due, await _submit(run, due, prepared)) for due in round_]:
            report = done[due.call.name] = await _wait(run, due, accepted)
            made.append((due, accepted, report))
        calls = run.bridge.follow(ask, done)
        if not calls:
            takes = _gather(plan, made)
            run.note(cost_credits=takes.cost_credits)
            return takes
    raise ServiceError(
        f"{run.bridge.manifest.title} wants more and more requests for this send; it was stopped.",
        "Look at your account there before you retry it.",
    )


def give_up(run: Run, call: Call, sentence: str) -> None:
    """Go on without what a call has made, as if the service had failed at it: the bridge may have something for that.

    Nothing is asked of the service by this; `make` has to be done once more.
    """
    report = _nothing(call, sentence)
    due = _Due(call, attempt_of(run, call))
    run.means.journal.record(run.send.id, due.step("wait"), _REPORT.dump_python(report, mode="json"))
    run.means.journal.forget(run.send.id, ["make"])


def note_lost(run: Run, call: Call) -> None:
    """Write down that a result is lost, so that `retry` has it made anew."""
    _note_fate(run, _Due(call, attempt_of(run, call)), Fate.LOST)


# Submitting


async def _submit(run: Run, due: _Due, prepared: Prepared) -> Accepted:
    """Make one request, once. One that is not essential may fail: then nothing of it is waited for."""
    return await run.step(due.step("submit"), State.SUBMITTING, Accepted, partial(_make_one, run, due, prepared))


async def _make_one(run: Run, due: _Due, prepared: Prepared) -> Accepted:
    try:
        accepted = await _when_open(run, due, prepared)
        if accepted.report is not None:
            good(accepted.report)
    except TaskFailed as error:
        return _without(due.call, _failed(run, due, error))
    except (ServiceError, Refusal) as error:  # a refusal: a cap leaves no room for an extra, after the song was paid
        return _without(due.call, error)
    return accepted


async def _when_open(run: Run, due: _Due, prepared: Prepared) -> Accepted:
    """Make one request, or wait while the key or the credits of the service are missing.

    The first that hears of it fails with it, so that it is told once; a send that has waited goes on waiting.
    """
    gate = run.means.gates.of(run.send.service, Door.MAKE)
    while True:
        was_open = not gate.why
        has_waited = due.call.essential and await gate.passed(run)
        try:
            accepted = await _once(run, due, prepared)
        except ServiceError as error:
            if not (error.of_account and due.call.essential):
                raise
            is_news = gate.close(error.sentence)
            if is_news or not (was_open or has_waited):
                raise
        else:
            gate.open()
            return accepted


async def _once(run: Run, due: _Due, prepared: Prepared) -> Accepted:
    call = due.call
    intent = run.means.journal.intent(run.send.id, call.name, due.attempt)
    if intent is None:
        await _affordable(run, call)
        way = await _way(run, call, prepared)
        await note_balance(run, call, due.attempt)
        # Others may have spent what was left while the clip was on its way; from here on nothing waits.
        await _affordable(run, call)
        intent = run.means.journal.plan(run.send, call.name, call.fields, call.credits)
        return await _posted(run, call, way, intent)
    if intent.fate in (Fate.ACCEPTED, Fate.FAILED) and intent.task_id is not None:
        return Accepted(intent.task_id, _REPORT.validate_python(intent.report) if intent.report else None)
    if intent.fate in (Fate.PLANNED, Fate.REFUSED) or run.bridge.manifest.free:
        run.means.journal.give_back(intent)
        way = await _way(run, call, prepared)
        await _plan_again(run, call, intent)
        return await _posted(run, call, way, intent)
    run.means.journal.answer(intent, Fate.UNKNOWN)
    raise await _with_balance(run, intent, _unknown(run, call))


async def _affordable(run: Run, call: Call) -> None:
    """Return when there is room for a request under all caps. Raises Refusal where there will be none."""
    check_budget(run.means.settings.budget, run.means.journal, call.credits)
    await until_affordable(run, call.credits)
    check_budget(run.means.settings.budget, run.means.journal, call.credits)


async def _plan_again(run: Run, call: Call, intent: Intent) -> None:
    """What was not taken has cost nothing, and others may have spent its price since."""
    await _affordable(run, call)
    run.means.journal.plan_again(intent)


async def _posted(run: Run, call: Call, way: Way, intent: Intent) -> Accepted:
    try:
        return await _post(run, call, way, intent)
    except ServiceError as error:
        if error.outcome is not Outcome.UNKNOWN:
            raise
        raise await _with_balance(run, intent, error) from error


async def _with_balance(run: Run, intent: Intent, doubt: ServiceError) -> ServiceError:
    """The same doubt, with what the account's balance says of it."""
    told = await told_by_balance(run, intent)
    return ServiceError(f"{doubt.what} {told}".rstrip(), doubt.hint, doubt.detail, Outcome.UNKNOWN)


async def _post(run: Run, call: Call, way: Way, intent: Intent) -> Accepted:
    """Make the request; repeat it only where the service said that it did not take it, or it never left."""
    pauses = Pauses()
    while True:
        try:
            accepted = await _submitted(run, call, way, intent)
        except Cancelled:
            run.means.journal.give_back(intent)
            raise
        except ServiceError as error:
            unknown = error.outcome is Outcome.UNKNOWN
            run.means.journal.answer(intent, Fate.UNKNOWN if unknown else Fate.REFUSED)
            await pauses.after(error, run)
            await _plan_again(run, call, intent)
        else:
            _check_id(run, call, accepted, intent)
            report = _REPORT.dump_python(accepted.report, mode="json") if accepted.report else None
            answer = partial(run.means.journal.answer, intent, Fate.ACCEPTED, accepted.task_id, report)
            await run.write_down(answer)
            return accepted


async def _submitted(run: Run, call: Call, way: Way, intent: Intent) -> Accepted:
    """Have the bridge make the request, knowing whether it has left."""
    run.checkpoint()
    departure = Departure(run, intent)
    if not run.bridge.manifest.tells_sending:
        departure()  # nobody will say when it leaves
    try:
        return await run.bridge.submit(call, replace(way, about_to_send=departure))
    except Exception as error:  # the guard around a bridge
        if departure.held_by is not None:
            raise departure.held_by from None
        if isinstance(error, ServiceError):
            raise
        if run.bridge.manifest.free or not departure.is_made:
            raise _broken(run) from error
        raise _unknown(run, call) from error  # whatever broke, the request may have arrived


def _check_id(run: Run, call: Call, accepted: Accepted, intent: Intent) -> None:
    """Raise where the task cannot be looked at by the name that the service has given it: nobody knows what it does."""
    if accepted.report is not None or run.bridge.manifest.free:
        return
    title, wrong = run.bridge.manifest.title, ""
    if not _ID.fullmatch(accepted.task_id):
        wrong = "gave the task a name that cannot be used"
    elif call.take is None and (other := run.means.journal.holder(run.send, accepted.task_id)):
        wrong = f"gave the task the name of another one, that of send {other}"
    if wrong:
        run.means.journal.answer(intent, Fate.UNKNOWN)
        raise ServiceError(
            f"{title} took the request, but {wrong}.",
            _hint_at_doubt(run, call),
            f"task {accepted.task_id[:100]!r}",
            Outcome.UNKNOWN,
        )


async def _way(run: Run, call: Call, prepared: Prepared) -> Way:
    """What the request may use. Bringing the clip to its host is free, and is done before anything is written down."""
    folder = call_folder(run, call.name, run.send.attempt)
    folder.mkdir(parents=True, exist_ok=True)
    clip = prepared.clip if call.needs_clip else None
    url = (await run.step("host", State.SUBMITTING, Hosted, partial(_host, run, clip, folder))).url if clip else None
    callbacks, name = run.means.callbacks, run.send.service
    if callbacks is None or not run.bridge.manifest.webhooks:
        return Way(folder, clip, url)
    return Way(folder, clip, url, callbacks.url_for(name, run.send.id), callbacks.secret_for(name, run.send.id))


async def _host(run: Run, clip: Clip, folder: Path) -> Hosted:
    pauses = Pauses()
    while True:
        try:
            return Hosted(await run.means.hosting.address(run.bridge, run.send.id, clip, folder))
        except ServiceError as error:
            await pauses.after(error, run)


def _broken(run: Run) -> ServiceError:
    what = f"{run.bridge.manifest.title} broke while it was asked; the log says how."
    return ServiceError(what, f"`sendreturn retry {run.send.id}` tries again.")


def _unknown(run: Run, call: Call) -> ServiceError:
    title = run.bridge.manifest.title
    return ServiceError(
        f"The request may or may not have reached {title}: something broke while it was being made.",
        _hint_at_doubt(run, call),
        outcome=Outcome.UNKNOWN,
    )


def _hint_at_doubt(run: Run, call: Call) -> str:
    price = in_credits(price_anew(run, call), run.bridge.manifest)
    again = f"`sendreturn retry {run.send.id}` makes this request anew, {price}, and may pay twice"
    return f"Look at your account there; {again}. What was made already is kept."


# Waiting


async def _wait(run: Run, due: _Due, accepted: Accepted) -> Report:
    """The task's report once it has ended."""
    if accepted.report is not None and run.means.journal.stage(run.send.id, due.step("wait")) is None:
        return accepted.report
    return await run.step(due.step("wait"), State.GENERATING, Report, partial(_until_ended, run, due, accepted))


async def _until_ended(run: Run, due: _Due, accepted: Accepted) -> Report:
    run.tell(0.0, "waiting for the service")
    folder = call_folder(run, due.call.name, due.attempt)
    try:
        return await follow(run, run.bridge, due.call, accepted.task_id, folder, run.tell)
    except ServiceError as error:
        if isinstance(error, TaskFailed):
            error = _failed(run, due, error)
        report = _without(due.call, error).report
        assert report is not None
        return report


def _failed(run: Run, due: _Due, error: TaskFailed) -> ServiceError:
    """Write a failed task down with what it has cost, and say so."""
    call = due.call
    _note_fate(run, due, Fate.FAILED)
    if run.bridge.manifest.free:
        return error
    intent = run.means.journal.intent(run.send.id, call.name, due.attempt)
    if intent is not None and error.cost_credits is not None:
        run.means.journal.bill(intent, error.cost_credits)
    run.note(cost_credits=run.means.journal.spent(run.send.id))
    what = f"{error.what.rstrip('.')}. {_cost_of_failure(run, call, error)}"
    price = in_credits(price_anew(run, call), run.bridge.manifest)
    again = f"`sendreturn retry {run.send.id}` asks for it once more, {price}."
    return TaskFailed(what, again if error.hint == ASK_AGAIN else error.hint, error.cost_credits)


def _cost_of_failure(run: Run, call: Call, error: TaskFailed) -> str:
    title, currency = run.bridge.manifest.title, run.bridge.manifest.currency
    if error.cost_credits is None:
        return f"Whether {title} has charged the {call.credits:g} {currency} for it is not known."
    if error.cost_credits == 0:
        return f"{title} charges nothing for it."
    return f"{title} has charged {error.cost_credits:g} {currency} for it."


def _note_fate(run: Run, due: _Due, fate: Fate) -> None:
    intent = run.means.journal.intent(run.send.id, due.call.name, due.attempt)
    if intent is not None:
        run.means.journal.answer(intent, fate, intent.task_id, intent.report)


def _without(call: Call, error: SendReturnError) -> Accepted:
    """A call that is not essential leaves a note behind instead of its files."""
    if call.essential:
        raise error
    return Accepted("", _nothing(call, error.what))


def _nothing(call: Call, why: str) -> Report:
    return Report(done=True, takes=(MadeTake(notes=(f"{call.name}: {why}",)),), failed=why)


# Gathering


def _gather(plan: Plan, made: list[_Done]) -> Takes:
    """All takes, with the files of later calls added to the takes that they belong to."""
    takes: list[MadeTake] = []
    origins: list[tuple[Origin, ...]] = []
    for due, _, report in made:
        if due.call.take is None:
            takes += report.takes
            origins += [_origins(due.call, number, take) for number, take in enumerate(report.takes)]
    for due, _, report in made:
        if due.call.take is not None and due.call.take <= len(takes):
            for number, more in enumerate(report.takes):
                takes[due.call.take - 1] = _joined(takes[due.call.take - 1], more)
                origins[due.call.take - 1] += _origins(due.call, number, more)
    told = [report.cost_credits for _, _, report in made if report.cost_credits is not None]
    all_told = len(told) == len(made)
    cost = sum(told) if all_told else sum(due.call.credits for due, accepted, _ in made if accepted.task_id)
    task_ids = tuple(dict.fromkeys(accepted.task_id for _, accepted, _ in made if accepted.task_id))
    requests = tuple(_requested(*one) for one in made)
    is_estimate = not all_told and plan.credits > 0
    return Takes(tuple(takes), task_ids, cost, is_estimate, requests, tuple(origins))


def _origins(call: Call, take: int, made: MadeTake) -> tuple[Origin, ...]:
    return tuple(Origin(call.name, take, file) for file in range(len(made.files)))


def _requested(due: _Due, accepted: Accepted, report: Report) -> Requested:
    can_look = bool(accepted.task_id) and (accepted.report is None or accepted.can_look)
    return Requested(due.call, accepted.task_id, can_look, report.failed or "", due.attempt)


def _joined(take: MadeTake, more: MadeTake) -> MadeTake:
    facts: Mapping[str, object] = {**take.facts, **more.facts}
    told: Mapping[str, object] = {**take.told, **more.told}
    files, notes = (*take.files, *more.files), (*take.notes, *more.notes)
    return replace(take, files=files, notes=notes, bpm=take.bpm or more.bpm, facts=facts, told=told)
