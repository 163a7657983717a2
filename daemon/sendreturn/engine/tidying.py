"""Tidying: the staging folder loses what nobody will ask for any more.

That is what a crash has left of sends that are done, and, after some days, the files of sends that came to nothing and
cost nothing; their `retry` then begins with the clip itself. What was paid for stays until it is delivered.
"""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from sendreturn.engine.journal import Journal, now
from sendreturn.words import TEMP_PREFIX, SendId, State

EVERY_S = 24 * 3600.0
CAME_TO_NOTHING = (State.FAILED, State.CANCELLED)
GONE = f"{TEMP_PREFIX}gone-"

log = structlog.get_logger(__name__)


def tidy(journal: Journal, staging: Path, keep_days: float | None, lock: AbstractContextManager[object]) -> None:
    """Look through the staging folder once.

    Args:
        keep_days: So long the files of what came to nothing and cost nothing are kept; None: for ever.
        lock: Held by whoever takes a send up again.
    """
    done, too_old = set(journal.rested_since(now(), [State.DONE])), _too_old(journal, keep_days)
    for folder in staging.glob("*"):
        if folder.name in done or folder.name.startswith(GONE):
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.name in too_old:
            with lock:
                aside = _let_go(journal, folder)
            shutil.rmtree(aside, ignore_errors=True)


def _too_old(journal: Journal, keep_days: float | None) -> set[SendId]:
    if keep_days is None:
        return set()
    before = (datetime.now(UTC) - timedelta(days=keep_days)).isoformat(timespec="milliseconds")
    return {send_id for send_id in journal.rested_since(before, CAME_TO_NOTHING) if not journal.spent(send_id)}


def _let_go(journal: Journal, folder: Path) -> Path:
    """Take a send's files from it, unless it was taken up again just now; returns where they lie."""
    send_id, aside = SendId(folder.name), folder.with_name(f"{GONE}{folder.name}")
    if journal.get(send_id).state in CAME_TO_NOTHING:
        log.info("the files of a send that came to nothing are removed", send=send_id)
        journal.forget(send_id, None)  # its steps speak of these files
        folder.rename(aside)
    return aside
