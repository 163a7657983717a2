"""Approve: what costs more than the user said, or repeats an earlier send, waits for their word."""

from __future__ import annotations

from sendreturn.contract import Plan
from sendreturn.engine.budget import check_budget, why_wait
from sendreturn.engine.outputs import Approval
from sendreturn.engine.run import Run
from sendreturn.words import State

LOOK_AGAIN_S = 20.0


async def approve(run: Run, plan: Plan) -> Approval:
    """Return when the send may be made. Raises Refusal where a cap of the budget forbids it."""
    check_budget(run.means.settings.budget, run.means.journal, plan.credits)
    reason = _why_ask(run, plan)
    if reason and not run.send.approved:
        run.enter(State.WAITING_APPROVAL, f"{reason} `sendreturn approve {run.send.id}` sends it.")
        await run.until_approved()
    return Approval(reason)


async def until_affordable(run: Run, credits: float) -> None:  # noqa: A002
    """Wait while the cap of the hour is reached, unless the user has said that it is to be sent all the same."""
    budget, journal = run.means.settings.budget, run.means.journal
    while not run.is_approved and (why := why_wait(budget, journal, credits)):
        if run.send.state is not State.WAITING_APPROVAL:
            hint = f"It goes on when there is room; `sendreturn approve {run.send.id}` sends it now."
            run.enter(State.WAITING_APPROVAL, f"{why} {hint}")
        await run.until_approved(LOOK_AGAIN_S)
    run.enter(State.SUBMITTING)


def _why_ask(run: Run, plan: Plan) -> str | None:
    if run.means.services.manifest(run.send.service).free:
        return None
    ask_above = run.means.settings.budget.ask_above_credits
    if ask_above is not None and plan.credits > ask_above:
        return f"This would cost {plan.credits:g} credits."
    fingerprint = run.send.fingerprint
    twin = run.means.journal.twin(run.send, fingerprint) if fingerprint else None
    if twin is not None:
        return f"This repeats send {twin.id} and would cost {plan.credits:g} credits."
    return None
