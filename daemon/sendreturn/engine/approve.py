"""Approve: what costs more than the user said, repeats an earlier send or came with very many waits for their word."""

from __future__ import annotations

from sendreturn.contract import Plan
from sendreturn.engine.budget import check_budget, why_wait
from sendreturn.engine.outputs import Approval
from sendreturn.engine.run import Run
from sendreturn.engine.together import DROPPED, MOST, came_together
from sendreturn.words import State

CROWD = "crowd"
"""The stage under which it stands with how many others a clip came."""
NO_ROOM = "no room"
"""The stage under which it stands that the user was asked because of the cap of the hour."""
LOOK_AGAIN_S = 20.0


async def approve(run: Run, plan: Plan) -> Approval:
    """Return when the send may be made. Raises Refusal where a cap of the budget forbids it."""
    check_budget(run.means.settings.budget, run.means.journal, plan.credits)
    reason = _why_ask(run, plan)
    if reason and not run.send.approved:
        run.enter(State.WAITING_APPROVAL, f"{reason} `sendreturn approve {run.send.id}` sends it.")
        await run.until_approved()
        run.enter(State.SUBMITTING)
    run.means.crowd.pop(run.send.id, None)
    return Approval(reason)


async def until_affordable(run: Run, credits: float) -> None:  # noqa: A002
    """Wait while the cap of the hour is reached, unless the user has said that it is to be sent all the same."""
    budget, journal = run.means.settings.budget, run.means.journal
    has_asked = journal.stage(run.send.id, NO_ROOM) is not None
    while (why := why_wait(budget, journal, credits)) and not (has_asked and run.is_approved):
        if not has_asked:
            run.ask_anew()  # what the user has said before was said of something else
            journal.record(run.send.id, NO_ROOM, {"why": why})
            has_asked = True
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
    return _of_a_crowd(run, plan)


def _of_a_crowd(run: Run, plan: Plan) -> str | None:
    """What came with more than the user drops in one go was hardly meant, or is worth a look at its price.

    It stands in the journal, so that a restart, before which some were let go, lets no others slip through. Until there
    is an answer, what comes later is taken for more of the same.
    """
    most, send, journal = run.means.settings.hot_folder.ask_above_clips, run.send, run.means.journal
    if most is None or send.origin not in DROPPED:
        return None
    noted = journal.stage(send.id, CROWD)
    if noted is None:
        paid = [name for name, manifest in run.means.services.manifests.items() if not manifest.free]
        noted = {"clips": max(came_together(journal, send, paid), len(run.means.crowd) + 1)}
        if noted["clips"] <= most:
            return None
        journal.record(send.id, CROWD, noted)
    run.means.crowd[send.id] = plan.credits
    clips, cost = noted["clips"], noted["clips"] * plan.credits
    return (
        f"{'More than ' if clips > MOST else ''}{clips} clips came in one go; at {plan.credits:g} credits each that is "
        f"{cost:g}. `sendreturn approve --all` sends all that wait, `sendreturn cancel --waiting` none of them."
    )
