"""What may be spent: the caps that the user has set, checked before anything is posted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sendreturn.engine.journal import Journal
from sendreturn.errors import Refusal
from sendreturn.settings import Budget


def check_budget(budget: Budget, journal: Journal, credits: float) -> None:  # noqa: A002
    """Raise Refusal where a request of `credits` would go past a cap."""
    if credits <= 0:
        return
    if budget.per_send_credits is not None and credits > budget.per_send_credits:
        raise Refusal(
            f"This send would cost {credits:g} credits; budget.per_send_credits allows {budget.per_send_credits:g}.",
            "Ask for less, or raise the cap in the configuration, then retry.",
        )
    if budget.per_hour_credits is not None and credits > budget.per_hour_credits:
        raise Refusal(
            f"This send would cost {credits:g} credits; budget.per_hour_credits allows {budget.per_hour_credits:g}.",
            "Ask for less, or raise the cap in the configuration, then retry.",
        )
    if budget.per_day_credits is None:
        return
    spent = journal.credits_since(start_of_day())
    if spent + credits > budget.per_day_credits:
        raise Refusal(
            f"Today {spent:g} credits are spent, and this send would cost {credits:g} more; "
            f"budget.per_day_credits allows {budget.per_day_credits:g}.",
            "Retry tomorrow, or raise the cap in the configuration.",
        )


def why_wait(budget: Budget, journal: Journal, credits: float) -> str:  # noqa: A002
    """Why a request of `credits` should wait, as a sentence; empty where the cap of the hour has room for it."""
    if budget.per_hour_credits is None or credits <= 0:
        return ""
    since = datetime.now(UTC) - timedelta(hours=1)
    spent = journal.credits_since(since.isoformat(timespec="milliseconds"))
    if spent + credits <= budget.per_hour_credits:
        return ""
    return (
        f"In the last hour {spent:g} credits were spent, and this would cost {credits:g} more; "
        f"budget.per_hour_credits allows {budget.per_hour_credits:g}."
    )


def start_of_day() -> str:
    """Midnight of this machine's day, in UTC, as the journal writes times."""
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(UTC).isoformat(timespec="milliseconds")
