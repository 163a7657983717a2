"""Together: how many clips came in one go, so that a folder that was dropped by mistake is asked about, not bought."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sendreturn.engine.journal import Journal, SendRow
from sendreturn.sends.wish import Origin

QUIET_S = 60.0
"""Clips with no longer pause between two of them came in one go."""
MOST = 1000
"""More need not be counted."""
DROPPED = frozenset({Origin.FOLDER, Origin.RULE})


def came_together(journal: Journal, send: SendRow, services: Iterable[str]) -> int:
    """How many clips for these services came in one go with this one, itself among them.

    Those that came before the user last let all go that waited are not among them.
    """
    earlier, later = journal.created_around(send, [origin.value for origin in DROPPED], services, MOST)
    return 1 + _in_one_go(send.created_at, earlier) + _in_one_go(send.created_at, later)


def _in_one_go(since: str, times: Iterable[str]) -> int:
    """How many of these times, ordered away from `since`, come before the first long pause."""
    count, last = 0, datetime.fromisoformat(since)
    for text in times:
        at = datetime.fromisoformat(text)
        if abs((at - last).total_seconds()) > QUIET_S:
            break
        count, last = count + 1, at
    return count
