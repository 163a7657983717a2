"""Balance: what was on the account before a request that may be billed, for the case that its answer never comes.

It is only ever told. No service that is known here says by when a request that it took is billed (some do so when the
task is done), others may use the same account, and it may be topped up: a balance that has not changed makes it likely
that nothing was billed, and no more than that. So it helps the user to decide, and never repeats a request by itself.
"""

from __future__ import annotations

import asyncio

from sendreturn.contract import Call, TellsCredits
from sendreturn.engine.attempts import step_name
from sendreturn.engine.journal import Intent
from sendreturn.engine.run import Run
from sendreturn.errors import ServiceError

PATIENCE_S = 5.0
"""What is only nice to know holds no request up for longer."""


async def note_balance(run: Run, call: Call, attempt: int) -> None:
    """Write down what is left, where the service tells. What follows from a song is too cheap to ask each time."""
    if not call.essential or call.credits <= 0:
        return
    left = await _left(run)
    if left is not None:
        run.means.journal.record(run.send.id, step_name("balance", call.name, attempt), {"credits": left})


async def told_by_balance(run: Run, intent: Intent) -> str:
    """A sentence on what the balance says of a request that is in doubt; empty where it says nothing."""
    noted = run.means.journal.stage(run.send.id, step_name("balance", intent.call, intent.attempt))
    now = await _left(run) if noted is not None else None
    if noted is None or now is None:
        return ""
    manifest, before = run.bridge.manifest, float(noted["credits"])
    if now == before:
        return f"{manifest.title} shows {now:g} {manifest.currency}, as before it: nothing has been billed so far."
    if now < before and run.means.journal.was_alone(intent):
        spent = f"{before - now:g} {manifest.currency}"
        return f"{manifest.title} shows {spent} less than before it: it has probably been billed."
    return ""


async def _left(run: Run) -> float | None:
    if not run.bridge.manifest.tells_credits or not isinstance(run.bridge, TellsCredits):
        return None
    try:
        async with asyncio.timeout(PATIENCE_S):
            return (await run.bridge.balance()).credits
    except (ServiceError, TimeoutError):
        return None
